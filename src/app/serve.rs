//! `quartet serve`: the control process, and the media process that it starts.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::addresses;
use super::{Failure, behind_media, runtime, tls, token};
use crate::config::{self, Advertise, Config};
use crate::control::api::{self, App, Browsers, Limits, SiteInfo, Support};
use crate::control::media::{Launch, Launcher, MediaConfig, MediaEvent, MediaPool};
use crate::control::registry::ports::{Media, News, WorkerInfo};
use crate::control::registry::{Bounds, Parts, Registry};
use crate::control::schedule::{Admission, Rejoin, Rules, Window};
use crate::control::store::Store;
use crate::control::telemetry;
use crate::control::verify::{DoorLimits, SessionLimits, Step, Steps};
use crate::control::web;
use crate::control::words::Clock;
use crate::link::{Command, Event, Setup};

/// A worker is ready within milliseconds; a machine that swaps gets this much longer.
const MEDIA_PATIENCE: Duration = Duration::from_secs(20);

/// How long visits go on when this process dies, until it runs again. A service manager has it back within seconds and a
/// person within minutes; much longer, and people would talk on in a visit that nobody can join, or end.
const MEDIA_ALONE: Duration = Duration::from_secs(600);

/// How often a server that is to stop looks whether visits run. People leave within seconds of each other.
const DRAIN_LOOK: Duration = Duration::from_secs(5);

/// Events that wait for the registry. It falls behind only where the store does.
const EVENTS: usize = 1_024;

/// Runs until SIGTERM or SIGINT.
pub fn serve(config: &Config) -> Result<(), Failure> {
    telemetry::start_log(config.log.level.word()).map_err(|error| Failure::new(format!("log.level: {error}"), ""))?;
    let media = MediaLife { launcher: behind_media()?, alone: MEDIA_ALONE };
    runtime()?.block_on(async {
        let tls = tls::from_files(&config.server.certificate, &config.server.key)?;
        let store = token::open(config).await?;
        let listeners = listen(&config.server.listen).await?;
        let addresses = addresses::to_listen_on(&config.media)?;
        let server = Server::start(config, store, Clock::system(), listeners, tls, addresses, media).await?;
        tracing::info!(workers = server.workers(), "ready");
        let told = until_told().await;
        server.drain(config.server.drain).await;
        server.stop().await;
        told
    })
}

/// How the media process begins, and ends.
pub(super) struct MediaLife {
    pub(super) launcher: Launcher,
    /// How long visits go on when this process dies.
    pub(super) alone: Duration,
}

/// A server that runs.
pub(super) struct Server {
    pool: Arc<Workers>,
    registry: Registry,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Finds or starts the media process, then opens the door.
    pub(super) async fn start(
        config: &Config,
        store: Store,
        clock: Clock,
        listeners: Vec<TcpListener>,
        tls: Arc<rustls::ServerConfig>,
        addresses: Vec<IpAddr>,
        media: MediaLife,
    ) -> Result<Server, Failure> {
        let workers = config.media.workers.unwrap_or_else(cores);
        let program =
            std::env::current_exe().map_err(|error| Failure::new(format!("this program cannot be found again: {error}"), ""))?;
        let (pool, heard, found) = MediaPool::start(MediaConfig {
            socket: media_socket(config),
            setup: Setup { workers, addresses, first_port: config.media.first_port, alone_at_most: media.alone },
            launch: Launch::Child {
                launcher: media.launcher,
                program,
                options: vec!["--log".into(), config.log.level.word().into()],
            },
            patience: MEDIA_PATIENCE,
        })
        .await
        .map_err(|error| Failure::new(format!("media: {error}"), ""))?;
        let pool = Arc::new(Workers { pool, advertise: config.media.advertise.clone() });
        let registry = Registry::new(Parts {
            store,
            clock,
            window: Window { opens_before: config.visit.opens_before, closes_after: config.visit.closes_after },
            steps: steps(config),
            door: DoorLimits { tries_per_network: config.limits.tries_per_address, wrong_dates: config.limits.wrong_dates },
            rules: rules(config),
            bounds: bounds(config),
            sessions: SessionLimits { idle: config.session.idle, absolute: config.session.absolute },
            media: pool.clone(),
        });
        for (worker, snapshot) in &found {
            registry.resume(*worker, snapshot).await;
        }
        tokio::spawn(pass_on(heard, registry.clone()));

        let (stop, stopped) = watch::channel(false);
        let limits = limits(config);
        let app = App {
            registry: registry.clone(),
            site: site(config),
            public_url: config.server.public_url.clone(),
            shutdown: stopped.clone(),
        };
        let router = api::router(app, web::router());
        let serving = tokio::spawn(api::serve(listeners, tls, limits, router, stopped));
        Ok(Server { pool, registry, stop, serving })
    }

    /// How many media workers there are.
    pub(super) fn workers(&self) -> usize {
        self.pool.pool.workers().len()
    }

    /// Where media is received.
    pub(super) fn media_addresses(&self) -> Vec<SocketAddr> {
        self.pool.pool.workers().into_iter().flat_map(|info| info.addresses).collect()
    }

    /// Lets no visit begin, and waits until none runs, for so long at most. A second signal ends the wait.
    pub(super) async fn drain(&self, at_most: Duration) {
        self.registry.drain();
        let over = tokio::time::sleep(at_most);
        let mut over = std::pin::pin!(over);
        loop {
            let running = self.registry.running().await;
            if running == 0 {
                return;
            }
            tracing::info!(running, "waiting for visits to end; a second signal stops at once");
            tokio::select! {
                () = over.as_mut() => return,
                _ = until_told() => return,
                () = tokio::time::sleep(DRAIN_LOOK) => {}
            }
        }
    }

    /// Finishes what is being answered, then ends the media process.
    pub(super) async fn stop(self) {
        tracing::info!("stopping");
        self.stop.send_replace(true);
        if self.serving.await.is_err() {
            tracing::error!("the API ended in a panic");
        }
        self.pool.pool.stop().await;
    }
}

/// The registry's view of the media process: with the addresses that browsers are to be told.
struct Workers {
    pool: MediaPool,
    advertise: Vec<Advertise>,
}

impl Media for Workers {
    fn workers(&self) -> Vec<WorkerInfo> {
        let told = |info: crate::control::media::WorkerInfo| WorkerInfo {
            worker: info.worker,
            addresses: addresses::candidates(info.worker, &info.addresses, &self.advertise),
            fingerprint: info.fingerprint,
        };
        self.pool.workers().into_iter().map(told).collect()
    }

    fn send(&self, worker: u16, command: Command) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async move { self.pool.send(worker, command).await.is_ok() })
    }
}

/// Brings what media says to the registry, all that changes visits in the order in which it happened.
async fn pass_on(mut heard: mpsc::Receiver<MediaEvent>, registry: Registry) {
    let (news, passed) = mpsc::channel(EVENTS);
    tokio::spawn(registry.clone().run(passed));
    while let Some(event) = heard.recv().await {
        let passed = match event {
            // A slow disk, which everything else waits for, must not look like a worker that is stuck.
            MediaEvent::Worker { worker, event: Event::Load { load, legs } } => {
                registry.hear_load(worker, load, legs);
                continue;
            }
            MediaEvent::Worker { worker, event } => News::Said { worker, event },
            MediaEvent::WorkerLost { worker } => News::Lost { worker },
            MediaEvent::WorkerBack(_) => News::Back,
        };
        if news.send(passed).await.is_err() {
            return;
        }
    }
}

/// Opens the ports of the API.
pub(super) async fn listen(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, Failure> {
    let mut listeners = Vec::new();
    for address in addresses {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failure::new(
                format!("server.listen: {address}: {error}"),
                "name a free port and an address of this machine; is Quartet running already?",
            )
        })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Waits for SIGTERM or SIGINT.
pub(super) async fn until_told() -> Result<(), Failure> {
    let unheard = |error| Failure::new(format!("signals cannot be heard: {error}"), "");
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn media_socket(config: &Config) -> PathBuf {
    config.server.runtime_directory.join("media.sock")
}

fn cores() -> u16 {
    std::thread::available_parallelism().ok().and_then(|cores| u16::try_from(cores.get()).ok()).unwrap_or(1)
}

fn bounds(config: &Config) -> Bounds {
    Bounds { visits_percent: config.media.busy_percent_visits, seats_percent: config.media.busy_percent_seats }
}

fn limits(config: &Config) -> Limits {
    let patience = config.limits.patience;
    Limits {
        connections: config.limits.connections,
        connections_per_address: config.limits.connections_per_address,
        handshake_timeout: patience,
        header_timeout: patience,
        stall_timeout: patience,
        trusted_proxies: config.server.trusted_proxies.clone(),
        ..Limits::default()
    }
}

fn steps(config: &Config) -> Steps {
    Steps::new(config.verify.steps.iter().map(|step| match step {
        config::Step::BirthDate => Step::BirthDate,
        config::Step::Terms => Step::Terms,
    }))
}

fn rules(config: &Config) -> Rules {
    Rules {
        rejoin: match config.visit.rejoin {
            config::Rejoin::Window => Rejoin::Window,
            config::Rejoin::ScheduledAndHostPresent => Rejoin::ScheduledAndHostPresent,
        },
        admission: match config.visit.admission {
            config::Admission::Provider => Admission::Provider,
            config::Admission::OnArrival => Admission::OnArrival,
        },
    }
}

fn site(config: &Config) -> SiteInfo {
    let told = |text: &String| (!text.is_empty()).then(|| text.clone());
    let site = &config.site;
    let config::Browsers { chrome, edge, firefox, safari, ios, android } = config.browsers;
    SiteInfo {
        name: site.name.clone(),
        support: Support { phone: told(&site.support_phone), hours: told(&site.support_hours), tty: told(&site.support_tty) },
        steps: steps(config).words(),
        browsers: Browsers { chrome, edge, firefox, safari, ios, android },
    }
}
