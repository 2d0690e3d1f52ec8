//! The configuration: what was typed → every problem at once → what it means.
//!
//! [`section`] reads keys out of TOML and remembers what was wrong with each, [`keys`] lists the keys,
//! [`problem`] prints what was found. [`Config`] is what the rest of the program sees; it cannot be made from
//! a file that had a problem. `config/quartet.toml` is the manual of every key, and equals the defaults.
#![forbid(unsafe_code)]

mod keys;
mod problem;
mod section;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use problem::{Problem, Problems};

/// Everything that the operator decides.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Config {
    pub server: Server,
    pub limits: Limits,
    pub media: Media,
    pub store: Store,
    pub visit: VisitRules,
    pub session: Session,
    pub verify: Verify,
    pub browsers: Browsers,
    pub site: Site,
    pub log: Log,
}

/// Where people and programs reach the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    pub listen: Vec<SocketAddr>,
    /// What links begin with: scheme, host and port, no path, no slash at the end.
    pub public_url: String,
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Where the socket between the two processes lives.
    pub runtime_directory: PathBuf,
    /// Who says truly for whom they ask.
    pub trusted_proxies: Vec<IpAddr>,
    /// How long visits that run may go on after the server was told to stop.
    pub drain: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8443))],
            public_url: "https://localhost:8443".into(),
            certificate: "/etc/quartet/certificate.pem".into(),
            key: "/etc/quartet/key.pem".into(),
            runtime_directory: "/run/quartet".into(),
            trusted_proxies: Vec::new(),
            drain: Duration::from_secs(60),
        }
    }
}

/// What strangers may take of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    pub connections: usize,
    pub connections_per_address: usize,
    /// For each of: the TLS handshake, a request's head, a request's body, a stalled answer.
    pub patience: Duration,
    /// Wrong birth dates in all, within a minute, before the alarm is raised.
    pub wrong_dates: u32,
    /// Refused tries at the door from one address, within a minute.
    pub tries_per_address: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            connections_per_address: 64,
            patience: Duration::from_secs(10),
            wrong_dates: 30,
            tries_per_address: 60,
        }
    }
}

/// The media process.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// None: one for each core.
    pub workers: Option<u16>,
    /// Empty: every address of this machine except loopback and link-local ones.
    pub addresses: Vec<IpAddr>,
    /// Worker n listens on this port + n; zero lets the system choose.
    pub first_port: u16,
    /// What browsers are told instead of `addresses`.
    pub advertise: Vec<Advertise>,
    /// How busy a worker may be with a further visit…
    pub busy_percent_visits: u32,
    /// …and with a further seat of one that runs.
    pub busy_percent_seats: u32,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            workers: None,
            addresses: Vec::new(),
            first_port: 40_000,
            advertise: Vec::new(),
            busy_percent_visits: 85,
            busy_percent_seats: 92,
        }
    }
}

/// An address in front of this machine, with the port that leads to worker 0 (none: the same as inside).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertise {
    pub address: IpAddr,
    pub first_port: Option<u16>,
}

/// Where records are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    pub path: PathBuf,
}

impl Default for Store {
    fn default() -> Self {
        Self { path: "/var/lib/quartet/quartet.db".into() }
    }
}

/// When a visit's links open and close, and who comes in when.
#[derive(Clone, Debug, PartialEq)]
pub struct VisitRules {
    /// Before the appointment's start.
    pub opens_before: Duration,
    /// After the appointment's end.
    pub closes_after: Duration,
    pub rejoin: Rejoin,
    pub admission: Admission,
}

impl Default for VisitRules {
    fn default() -> Self {
        Self {
            opens_before: Duration::from_secs(30 * 60),
            closes_after: Duration::from_secs(120 * 60),
            rejoin: Rejoin::Window,
            admission: Admission::Provider,
        }
    }
}

/// When someone who was inside may come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejoin {
    /// As long as the links are open.
    Window,
    /// During the appointment's own time, and only while the provider is there.
    ScheduledAndHostPresent,
}

/// Who lets people in from the waiting room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Provider,
    /// Nobody need, once the provider is there.
    OnArrival,
}

/// What is asked at the door beside the link.
#[derive(Clone, Debug, PartialEq)]
pub struct Verify {
    pub steps: Vec<Step>,
}

/// One thing that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    BirthDate,
    Terms,
}

impl Default for Verify {
    fn default() -> Self {
        Self { steps: vec![Step::BirthDate, Step::Terms] }
    }
}

/// The oldest major version of each browser with which a visit works.
#[derive(Clone, Debug, PartialEq)]
pub struct Browsers {
    pub chrome: u32,
    pub edge: u32,
    pub firefox: u32,
    pub safari: u32,
    /// iOS and iPadOS, where every browser is the system's.
    pub ios: u32,
    /// Chrome on Android.
    pub android: u32,
}

impl Default for Browsers {
    /// What the pages are written for; all of them were two years old or more in 2026. Older ones might do for a while,
    /// and then fail a patient in a way that nobody tested.
    fn default() -> Self {
        Self { chrome: 120, edge: 120, firefox: 128, safari: 17, ios: 17, android: 120 }
    }
}

/// How long a verified person stays verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub idle: Duration,
    pub absolute: Duration,
}

impl Default for Session {
    fn default() -> Self {
        Self { idle: Duration::from_secs(30 * 60), absolute: Duration::from_secs(12 * 3600) }
    }
}

/// What people see of the organisation.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    pub name: String,
    pub support_phone: String,
    pub support_hours: String,
    pub support_tty: String,
}

impl Default for Site {
    fn default() -> Self {
        Self { name: "Quartet".into(), support_phone: String::new(), support_hours: String::new(), support_tty: "711".into() }
    }
}

/// What the log says.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    pub level: Level,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Info }
    }
}

/// How much the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    /// The word in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }
}

impl Config {
    /// Reads a file. Every problem of it is in the error.
    pub fn read(path: &Path) -> Result<Config, Problems> {
        let text = std::fs::read_to_string(path).map_err(|error| Problems::unreadable(path, &error))?;
        Config::parse(&text).map_err(|problems| problems.of_file(path))
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Config, Problems> {
        keys::read(text)
    }
}

#[cfg(test)]
mod tests;
