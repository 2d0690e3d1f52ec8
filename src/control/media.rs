//! The media process as control sees it: started, watched, started again, and talked to.
//!
//! [`MediaPool`] is all that the rest of control knows. Below it, [`listener`] is where the media process
//! connects, [`connection`] carries messages, and [`life`] is one media process from its start to its end.

mod connection;
mod life;
mod listener;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::error::SendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::link::socket::LinkError;
use crate::link::{Command, Event, Fingerprint, Setup};
use life::{End, Life};
use listener::Listener;

/// Commands that wait for one worker, and events that wait for the registry. More would only hide that a side
/// does not keep up; fewer would make a burst of joins wait for each other.
const QUEUE: usize = 256;

/// The first pause before a media process that ended is started again, doubled each time it ends again…
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// …up to this one: a machine that cannot run it is not kept busy trying, and one that can is soon noticed.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A media process that lived this long was well: the next pause is the first one again.
const STEADY: Duration = Duration::from_secs(30);

/// How to run the media process.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// Where to listen for it. The directory is made if it is not there; others must not be able to write in it.
    pub socket: PathBuf,
    pub setup: Setup,
    pub launch: Launch,
    /// How long its workers may take to be ready.
    pub patience: Duration,
}

/// Who starts the media process.
#[derive(Clone, Debug)]
pub enum Launch {
    /// We do: this program, with the arguments `media --socket PATH`. Nobody else may connect.
    Child { program: PathBuf },
    /// Someone else does, as our own user or as this one.
    Elsewhere { user: Option<u32> },
}

/// What the registry hears of the media process.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaEvent {
    /// A worker said something. (It never says `WorkerReady` here.)
    Worker { worker: u16, event: Event },
    /// A worker has gone with all its visits and legs. It will come back, empty.
    WorkerLost { worker: u16 },
    /// A worker that was lost is back: its addresses and certificate are new.
    WorkerBack(WorkerInfo),
}

/// Where a worker is reached, and what it shows there.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerInfo {
    pub worker: u16,
    pub addresses: Vec<SocketAddr>,
    pub fingerprint: Fingerprint,
}

/// The command was not passed on: the worker is not there now. [`MediaEvent::WorkerLost`] says or has said so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoWorker;

/// Why there is no media process. The text says what the operator can do.
#[derive(Debug)]
pub enum MediaError {
    /// The socket's place cannot be used.
    Place { path: PathBuf, why: &'static str },
    /// Listening there failed.
    Listen { path: PathBuf, error: io::Error },
    /// The program cannot be started.
    Spawn(io::Error),
    /// It ended before it was ready; its own line in the log says why.
    Exited(ExitStatus),
    /// It was not ready in time.
    NotReady { ready: usize, workers: u16 },
    /// It closed the connection, or said what it must not say.
    Link(LinkError),
}

/// The media process, kept running. Dropping it ends the media process.
pub struct MediaPool {
    workers: Arc<Workers>,
    supervisor: JoinHandle<()>,
    /// The supervisor ends when this is dropped.
    _wanted: oneshot::Sender<Infallible>,
}

impl MediaPool {
    /// Starts the media process and waits until all its workers are ready.
    pub async fn start(config: MediaConfig) -> Result<(MediaPool, mpsc::Receiver<MediaEvent>), MediaError> {
        let listener = Listener::open(&config.socket)?;
        let life = Life::begin(&config, &listener).await?;
        let (events, heard) = mpsc::channel(QUEUE);
        let workers = Arc::new(Workers::default());
        let supervisor = Supervisor { config, listener, workers: workers.clone(), events };
        // The first life is known before anybody can ask for its workers.
        let commands = supervisor.announce(&life);
        let (wanted, unwanted) = oneshot::channel();
        let supervisor = tokio::spawn(supervisor.run(life, commands, unwanted));
        Ok((MediaPool { workers, supervisor, _wanted: wanted }, heard))
    }

    /// Passes a command on to a worker. It waits while the worker is behind.
    pub async fn send(&self, worker: u16, command: Command) -> Result<(), NoWorker> {
        let commands = self.workers.lock().iter().find(|known| known.info.worker == worker).map(|known| known.commands.clone());
        commands.ok_or(NoWorker)?.send(command).await.map_err(|_| NoWorker)
    }

    /// The workers that are there now, by number.
    pub fn workers(&self) -> Vec<WorkerInfo> {
        self.workers.lock().iter().map(|known| known.info.clone()).collect()
    }

    /// Ends the media process, and returns when it has gone.
    pub async fn stop(self) {
        let MediaPool { workers: _, supervisor, _wanted } = self;
        drop(_wanted);
        if let Err(error) = supervisor.await {
            tracing::error!(%error, "the media process's supervisor has failed");
        }
    }
}

/// The workers of the present life; none between two lives.
#[derive(Default)]
struct Workers(Mutex<Vec<Known>>);

struct Known {
    info: WorkerInfo,
    commands: mpsc::Sender<Command>,
}

impl Workers {
    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        // Nothing panics while it holds this.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Comes to an end when the pool is dropped.
type Unwanted = oneshot::Receiver<Infallible>;

/// Starts the media process again whenever it ends.
struct Supervisor {
    config: MediaConfig,
    listener: Listener,
    workers: Arc<Workers>,
    events: mpsc::Sender<MediaEvent>,
}

impl Supervisor {
    /// Life after life, until the pool or whoever hears its events is gone.
    async fn run(self, mut life: Life, mut commands: Vec<mpsc::Receiver<Command>>, mut unwanted: Unwanted) {
        let mut pause = PAUSE_MIN;
        loop {
            let began = Instant::now();
            let infos = life.infos();
            let end = life.run(commands, &self.events, &self.listener, &mut unwanted).await;
            self.workers.lock().clear();
            if let End::Unwanted = end {
                return;
            }
            if began.elapsed() >= STEADY {
                pause = PAUSE_MIN;
            }
            tracing::error!(%end, "the media process has ended: its visits are interrupted, and it is started again");
            if self.tell(infos.iter().map(|info| MediaEvent::WorkerLost { worker: info.worker })).await.is_err() {
                return;
            }
            life = tokio::select! {
                life = self.revive(&mut pause) => life,
                _ = &mut unwanted => return,
            };
            commands = self.announce(&life);
            if self.tell(life.infos().into_iter().map(MediaEvent::WorkerBack)).await.is_err() {
                return;
            }
        }
    }

    /// Tries, with growing pauses, until there is a media process.
    async fn revive(&self, pause: &mut Duration) -> Life {
        loop {
            sleep(*pause).await;
            *pause = (*pause * 2).min(PAUSE_MAX);
            match Life::begin(&self.config, &self.listener).await {
                Ok(life) => return life,
                Err(error) => tracing::error!(%error, again_in = ?*pause, "the media process does not start"),
            }
        }
    }

    /// Makes the workers of a life known, and gives the other ends of their queues.
    fn announce(&self, life: &Life) -> Vec<mpsc::Receiver<Command>> {
        let (known, queues) = life
            .infos()
            .into_iter()
            .map(|info| {
                let (commands, queue) = mpsc::channel(QUEUE);
                (Known { info, commands }, queue)
            })
            .unzip();
        *self.workers.lock() = known;
        queues
    }

    async fn tell(&self, events: impl Iterator<Item = MediaEvent>) -> Result<(), SendError<MediaEvent>> {
        for event in events {
            self.events.send(event).await?;
        }
        Ok(())
    }
}

impl fmt::Display for NoWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the media worker is not there now")
    }
}

impl std::error::Error for NoWorker {}

impl From<LinkError> for MediaError {
    fn from(error: LinkError) -> MediaError {
        MediaError::Link(error)
    }
}

impl fmt::Display for MediaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MediaError::Place { path, why } => write!(f, "cannot listen for the media process at {}: {why}", path.display()),
            MediaError::Listen { path, error } => write!(f, "cannot listen for the media process at {}: {error}", path.display()),
            MediaError::Spawn(error) => write!(f, "cannot start the media process: {error}"),
            MediaError::Exited(status) => {
                write!(f, "the media process ended before it was ready ({status}); the line above says why")
            }
            MediaError::NotReady { ready, workers } => {
                write!(f, "the media process is not ready in time: {ready} of {workers} workers are")
            }
            MediaError::Link(error) => write!(f, "talking to the media process: {error}"),
        }
    }
}

impl std::error::Error for MediaError {}

#[cfg(test)]
mod tests;
