//! `quartet demo`: a server to try, with made-up people and an appointment that is open now.

mod facts;
mod people;

use std::fs::DirBuilder;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::addresses::{self, Loopback};
use super::serve::{MediaLife, Server, listen, until_told};
use super::{Failure, behind_media, runtime, tls, token};
use crate::config::{Config, Level};
use crate::control::telemetry;
use crate::control::words::Clock;
use facts::Facts;

/// How long visits of a demo that is kept go on when it was killed: for who starts it again to see that they do. Much
/// longer, and who only killed it would wonder what still runs.
const ALONE: Duration = Duration::from_secs(60);

/// What to demonstrate.
pub struct Demo {
    /// One line of JSON instead of text.
    pub json: bool,
    /// The HTTPS port; 0 takes a free one.
    pub port: u16,
    /// Where to keep all of it, to be started again; none: thrown away at the end.
    pub data: Option<PathBuf>,
    /// What time it is when it starts; none: what this machine says.
    pub clock: Option<Timestamp>,
    /// Minutes from then until the appointment starts; negative: since.
    pub starts_in_minutes: i64,
    pub log: Level,
}

/// Runs until SIGTERM or SIGINT.
pub fn demo(demo: &Demo) -> Result<(), Failure> {
    telemetry::start_log(demo.log.word()).map_err(|error| Failure::new(format!("--log: {error}"), ""))?;
    let throw_away = TempDir::with_prefix("quartet-demo-")
        .map_err(|error| Failure::new(format!("no temporary directory: {error}"), "set TMPDIR to one"))?;
    let (data, alone) = match demo.data.as_deref() {
        Some(data) => (data, ALONE),
        // Nobody would find the media process again: its socket is thrown away with the rest.
        None => (throw_away.path(), Duration::ZERO),
    };
    make_directory(data)?;
    let media = MediaLife { launcher: behind_media()?, alone };
    runtime()?.block_on(async {
        let kept = Facts::kept(data)?;
        let before = kept.as_ref().and_then(Facts::port).filter(|_| demo.port == 0);
        let listeners = loopback(before.unwrap_or(demo.port)).await?;
        let port = listeners.first().and_then(|listener| listener.local_addr().ok()).map_or(demo.port, |address| address.port());
        let config = configure(data, port, demo.log);
        let store = token::open(&config).await?;
        let clock = demo.clock.map_or_else(Clock::system, Clock::starting_at);
        let facts = match kept {
            Some(mut facts) => {
                facts.move_to(&config.server.public_url);
                facts
            }
            None => {
                let starts_in = SignedDuration::from_mins(demo.starts_in_minutes);
                people::make_up(&store, &config.server.public_url, clock.now(), starts_in).await?
            }
        };
        facts.keep(data)?;
        let tls = tls::self_signed(data, &["localhost", "127.0.0.1", "::1"])?;
        let addresses = addresses::of_this_machine(Loopback::Included)?;
        let server = Server::start(&config, store, clock, listeners, tls, addresses, media).await?;
        let told = match announce(demo, &facts, &server) {
            Ok(()) => until_told().await,
            announced => announced,
        };
        server.stop().await;
        told
    })
}

/// Listens on both loopback addresses, because `localhost` may mean either.
async fn loopback(port: u16) -> Result<Vec<TcpListener>, Failure> {
    let mut listeners = listen(&[SocketAddr::from((Ipv4Addr::LOCALHOST, port))]).await.map_err(|failure| {
        Failure::new(
            failure.to_string(),
            format!("is another demo running? `quartet demo --port {}` takes another port", port.wrapping_add(1)),
        )
    })?;
    if let Some(Ok(first)) = listeners.first().map(TcpListener::local_addr)
        && let Ok(second) = listen(&[SocketAddr::from((Ipv6Addr::LOCALHOST, first.port()))]).await
    {
        // A machine without IPv6 has only the first.
        listeners.extend(second);
    }
    Ok(listeners)
}

/// Makes a directory for its owner alone, if it is not there.
fn make_directory(data: &Path) -> Result<(), Failure> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .map_err(|error| Failure::new(format!("--data {}: {error}", data.display()), "name a directory that can be written"))
}

fn configure(data: &Path, port: u16, log: Level) -> Config {
    let mut config = Config::default();
    config.server.public_url = format!("https://localhost:{port}");
    config.server.runtime_directory = data.join("run");
    config.media.first_port = 0;
    config.store.path = data.join("quartet.db");
    config.site.name = "Quartet demo clinic".into();
    config.site.support_phone = "555 0100".into();
    config.site.support_hours = "Monday to Friday, 8 to 17".into();
    config.log.level = log;
    config
}

fn announce(demo: &Demo, facts: &Facts, server: &Server) -> Result<(), Failure> {
    if demo.json {
        let line = serde_json::to_string(facts).map_err(|_| people::made_up_wrongly())?;
        println!("{line}");
        return Ok(());
    }
    let Facts { base_url, admin_token, provider_link, patient_links, visit, .. } = facts;
    println!("Quartet runs on {base_url} until you press Ctrl-C. Your browser will warn once: the certificate is self-signed.\n");
    println!("The provider, {}:\n  {provider_link}\n", people::PROVIDER);
    for patient in patient_links {
        println!("A patient, {}, born {}:\n  {}\n", patient.name, patient.birth_date, patient.url);
    }
    println!("Steer the visit with curl (this token may do everything):");
    println!("  export T='Authorization: Bearer {admin_token}'");
    println!("  curl --insecure -H \"$T\" {base_url}/api/v1/visits/{visit}");
    println!(
        "  curl --insecure -H \"$T\" -H 'Content-Type: application/json' -d '{{\"all\":true}}' {base_url}/api/v1/visits/{visit}/admit"
    );
    println!("  curl --insecure -H \"$T\" -X POST {base_url}/api/v1/visits/{visit}/end\n");
    let ports: Vec<String> = server.media_addresses().iter().map(SocketAddr::to_string).collect();
    println!("Media is received on UDP {}.", ports.join(", "));
    Ok(())
}
