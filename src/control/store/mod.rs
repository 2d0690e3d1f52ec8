//! What is recorded, and the questions that the program asks of it, in domain words.
//!
//! One file per noun; each adds its questions to [`Store`]. SQLite today, with SQL that PostgreSQL speaks too; but what
//! `audit` asks in one question are two, which there have to be asked one by one.

mod appointment;
mod attempt;
mod audit;
mod kept;
mod link;
mod participant;
mod patient;
mod presence;
mod provider;
mod recorder;
mod row;
mod session;
mod token;
mod visit;

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

pub use appointment::{Appointment, AppointmentFilter, AppointmentKind, Booking, Times};
pub use attempt::{Finding, Invited, WRONG_DATES_MAX};
pub use audit::{AuditHead, AuditRecord, Verdict};
pub use kept::KeptAnswer;
pub use link::{FAILURES_MAX, Link, NewLink};
pub use participant::{NewParticipant, Participant};
pub use patient::Patient;
pub use presence::{Minutes, PresenceRecord};
pub use provider::Provider;
use recorder::Recorder;
pub use session::Session;
pub use token::AdminToken;
pub use visit::VisitRecord;

/// The database. Cloning it is cheap; all clones are the same database.
#[derive(Clone, Debug)]
pub struct Store {
    /// One connection: SQLite lets one write at a time, and waiting our turn here is fair, while waiting in
    /// SQLite's busy handler is not.
    writer: SqlitePool,
    readers: SqlitePool,
    recorder: Recorder,
}

impl Store {
    /// Connections that read. More would only share two cores; one would let a long list hold up a person.
    const READERS: u32 = 4;
    /// Pages that one connection keeps in memory, in KiB: enough for the upper levels of every tree and for what a day asks
    /// again and again. The file is in the system's memory as well, so more would keep it twice; less would read the same
    /// pages for every question.
    const CACHE_KIB: u32 = 512;
    /// How long a question waits for its turn before the answer is "unavailable".
    const WAIT_MAX: Duration = Duration::from_secs(2);

    /// Opens the database in `file`, making it if it is not there and bringing its schema up to date.
    pub async fn open(file: &Path) -> Result<Store, StoreError> {
        create_private(file).map_err(sqlx::Error::Io)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: what was acknowledged survives a power cut. NORMAL could lose the last commits.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // Negative: KiB; positive would be pages.
            .pragma("cache_size", format!("-{}", Store::CACHE_KIB))
            // Only `quartet token` writes beside the server, and briefly.
            .busy_timeout(Duration::from_secs(5));
        let pool = |connections| {
            let options = SqlitePoolOptions::new().max_connections(connections).min_connections(1);
            // The file is here: a connection to it does not go stale, and asking would be a turn to SQLite's thread and back.
            options.test_before_acquire(false).acquire_timeout(Store::WAIT_MAX)
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        sqlx::migrate!("src/control/store/schema").run(&writer).await.map_err(sqlx::Error::from)?;
        let readers = pool(Store::READERS).connect_with(options.pragma("query_only", "ON")).await?;
        Ok(Store { writer, readers, recorder: Recorder::default() })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    /// Waits for what is being written and closes the database.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A transaction that holds the pen from its start, so that it never fails for having read first.
    async fn writing(&self) -> Result<Pen, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// The one transaction that writes.
type Pen = sqlx::Transaction<'static, sqlx::Sqlite>;

/// Makes `file` readable by its owner alone before anything is in it; SQLite gives its journal the same mode.
fn create_private(file: &Path) -> std::io::Result<()> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(file).map(drop)
}

/// Why a question had no answer. Neither form holds a value from the database. Cloned for all whose records were written together.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// The database cannot be reached, is full, or took too long: try again later.
    Unavailable(Arc<sqlx::Error>),
    /// A record does not mean what this version expects in the named column.
    Unreadable(&'static str),
}

impl StoreError {
    /// Whether a record is at odds with others, so that another try would end alike; not, if the database is.
    fn is_of_a_record(&self) -> bool {
        let StoreError::Unavailable(error) = self else { return false };
        error.as_database_error().is_some_and(|error| !matches!(error.kind(), sqlx::error::ErrorKind::Other))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        StoreError::Unavailable(Arc::new(error))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Unavailable(error) => write!(f, "the database did not answer: {error}"),
            StoreError::Unreadable(column) => write!(f, "a record cannot be understood in its column {column}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// A moment as the database keeps it.
fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}
