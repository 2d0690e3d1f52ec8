//! `quartet demo`: a server to try, with made-up people and an appointment that is open now.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde::Serialize;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::addresses::{self, Loopback};
use super::serve::{Server, listen, until_told};
use super::{Failure, runtime, tls, token};
use crate::base::ids::{PatientId, ProviderId};
use crate::config::{Config, Level};
use crate::control::schedule::{Draft, Invitation, Known, booking};
use crate::control::store::{Patient, Provider, Store};
use crate::control::telemetry;
use crate::control::verify::staff;
use crate::control::words::{Act, Actor, BirthDate, Name, Staff, random};

/// What to demonstrate.
pub struct Demo {
    /// One line of JSON instead of text.
    pub json: bool,
    /// The HTTPS port; 0 takes a free one.
    pub port: u16,
    /// Where to keep the store; none: thrown away at the end.
    pub data: Option<PathBuf>,
    pub log: Level,
}

/// Made up, as all of this.
const PROVIDER: &str = "Dr. Amara Okafor";
const PATIENTS: [(&str, &str); 3] =
    [("Rosalind Hawthorne", "1951-07-25"), ("Luis Ortega Villanueva", "1984-02-29"), ("مريم الخطيب", "2009-11-03")];
const GROUP: &str = "Living with diabetes";
/// Long enough to try everything twice.
const DURATION_MINUTES: i64 = 120;

/// What the demo prints when it is ready.
#[derive(Serialize)]
struct Facts {
    base_url: String,
    admin_token: String,
    provider_link: String,
    patient_links: Vec<PatientLink>,
    #[serde(skip)]
    visit: String,
}

#[derive(Serialize)]
struct PatientLink {
    url: String,
    birth_date: &'static str,
    name: &'static str,
}

/// Runs until SIGTERM or SIGINT.
pub fn demo(demo: &Demo) -> Result<(), Failure> {
    telemetry::start_log(demo.log.word()).map_err(|error| Failure::new(format!("--log: {error}"), ""))?;
    let throw_away = TempDir::with_prefix("quartet-demo-")
        .map_err(|error| Failure::new(format!("no temporary directory: {error}"), "set TMPDIR to one"))?;
    let data = demo.data.as_deref().unwrap_or(throw_away.path());
    runtime()?.block_on(async {
        let listeners = loopback(demo.port).await?;
        let port = listeners.first().and_then(|listener| listener.local_addr().ok()).map_or(demo.port, |address| address.port());
        let config = configure(data, throw_away.path(), port, demo.log)?;
        let store = token::open(&config).await?;
        let facts = make_up(&store, &config.server.public_url).await?;
        let tls = tls::self_signed(&["localhost", "127.0.0.1", "::1"])?;
        let addresses = addresses::of_this_machine(Loopback::Included)?;
        // Nobody would find the media process again: its socket is thrown away with the rest.
        let server = Server::start(&config, store, listeners, tls, addresses, Duration::ZERO).await?;
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

fn configure(data: &Path, runtime: &Path, port: u16, log: Level) -> Result<Config, Failure> {
    std::fs::create_dir_all(data)
        .map_err(|error| Failure::new(format!("--data {}: {error}", data.display()), "name a directory that can be written"))?;
    let mut config = Config::default();
    config.server.public_url = format!("https://localhost:{port}");
    config.server.runtime_directory = runtime.join("run");
    config.media.first_port = 0;
    config.store.path = data.join("quartet.db");
    config.site.name = "Quartet demo clinic".into();
    config.site.support_phone = "555 0100".into();
    config.site.support_hours = "Monday to Friday, 8 to 17".into();
    config.log.level = log;
    Ok(config)
}

/// Makes up people, their appointment, and a token to drive it all with.
async fn make_up(store: &Store, public_url: &str) -> Result<Facts, Failure> {
    let now = Timestamp::now();
    let unkept = |error: crate::control::store::StoreError| {
        Failure::new(format!("the demo's records could not be kept: {error}"), "see that the disk has room")
    };
    let act = Act::done(Actor::System, "demo.make_up");
    let provider = Provider { id: ProviderId::from_bits(random::bits()), name: name(PROVIDER)?, telehealth_enabled: true };
    store.add_provider(&provider, &act, now).await.map_err(unkept)?;
    let mut patients = Vec::new();
    for (person, birth_date) in PATIENTS {
        let patient = Patient { id: PatientId::from_bits(random::bits()), name: name(person)?, birth_date: date(birth_date)? };
        store.add_patient(&patient, &act, now).await.map_err(unkept)?;
        patients.push(patient.id);
    }
    let draft = Draft {
        provider_id: Some(provider.id.to_string()),
        patient_ids: patients.iter().map(PatientId::to_string).collect(),
        start: Some(whole_minute(now).to_string()),
        duration_minutes: Some(DURATION_MINUTES),
        kind: Some("group".into()),
        group_name: Some(GROUP.into()),
    };
    let plan = draft.check(&Known { provider_enabled: Some(true), patients }, now).map_err(|_| made_up_wrongly())?;
    let (appointment, invitations) = plan.book();
    let visit = appointment.visit.to_string();
    store.book(&booking(appointment, &invitations, None), &act, now).await.map_err(unkept)?;
    let (_, admin) = staff::issue(store, name("demo")?, Staff::Admin, now).await.map_err(unkept)?;

    let mut urls = invitations.iter().map(|invitation: &Invitation| invitation.url(public_url));
    let provider_link = urls.next().ok_or_else(made_up_wrongly)?;
    let patient_links = urls.zip(PATIENTS).map(|(url, (name, birth_date))| PatientLink { url, birth_date, name }).collect();
    Ok(Facts { base_url: public_url.to_owned(), admin_token: admin.expose().to_owned(), provider_link, patient_links, visit })
}

/// The minute that runs: what a person would have typed.
fn whole_minute(now: Timestamp) -> Timestamp {
    now.round(TimestampRound::new().smallest(Unit::Minute).mode(RoundMode::Trunc)).unwrap_or(now)
}

fn name(text: &str) -> Result<Name, Failure> {
    Name::new(text).map_err(|_| made_up_wrongly())
}

fn date(text: &str) -> Result<BirthDate, Failure> {
    text.parse().map_err(|_| made_up_wrongly())
}

/// The made-up records break our own rules: a fault of the program.
fn made_up_wrongly() -> Failure {
    Failure::new("the demo's made-up records are not valid", "this is a fault of Quartet: please report it")
}

fn announce(demo: &Demo, facts: &Facts, server: &Server) -> Result<(), Failure> {
    if demo.json {
        let line = serde_json::to_string(facts).map_err(|_| made_up_wrongly())?;
        println!("{line}");
        return Ok(());
    }
    let Facts { base_url, admin_token, provider_link, patient_links, visit } = facts;
    println!("Quartet runs on {base_url} until you press Ctrl-C. Your browser will warn once: the certificate is self-signed.\n");
    println!("The provider, {PROVIDER}:\n  {provider_link}\n");
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
