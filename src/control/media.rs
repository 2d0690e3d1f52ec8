//! The media process as control sees it: started, watched, started again, and talked to.
//!
//! [`MediaPool`] is all that the rest of control knows. Below it, [`listener`] is where the media process
//! connects, [`connection`] carries messages, [`start`] finds or starts a media process, and [`life`] is its time with
//! us. A control that dies without a word leaves it running, for the next one to find.

mod connection;
mod launcher;
mod life;
mod listener;
mod start;

use std::fmt;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::error::SendError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::link::socket::LinkError;
use crate::link::{Command, Event, Fingerprint, Setup, VisitSnapshot};
pub use launcher::{Launcher, step_back};
use life::{End, Life};
use listener::Listener;
use start::{Running, begin};

/// Commands that wait for one worker, and events that wait for the registry. More would only hide that a side
/// does not keep up; fewer would make a burst of joins wait for each other.
const QUEUE: usize = 256;

/// The first pause before a media process that ended is started again, doubled each time it ends again…
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// …up to this one: a machine that cannot run it is not kept busy by one try a second, and people who look at a frozen
/// picture must not wait for us.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// A media process that lived this long was well: the next pause is the first one again.
const STEADY: Duration = Duration::from_secs(30);

/// How to run the media process.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// Where to listen for it. The directory is made if it is not there; others must not be able to write in it.
    pub socket: PathBuf,
    pub setup: Setup,
    pub launch: Launch,
    /// How long its workers may take to be ready, and one that is alive to find us. Shorter would end running visits
    /// because a machine swaps; longer would keep everyone waiting for one that hangs.
    pub patience: Duration,
}

/// Who starts the media process.
#[derive(Clone, Debug)]
pub enum Launch {
    /// We do: this program, with the arguments `media --socket PATH` and these options. Nobody else may connect, but one
    /// that a control before us has started.
    Child { launcher: Launcher, program: PathBuf, options: Vec<String> },
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
    /// One that is alive neither ends nor can be used.
    Stuck { lock: PathBuf },
    /// It closed the connection, or said what it must not say.
    Link(LinkError),
}

/// The visits that were found on a media process that was alive, each with its worker.
pub type Found = Vec<(u16, VisitSnapshot)>;

/// The media process, kept running. Dropping it ends the media process, except in a panic: then that goes on, as it does
/// when we are killed, and waits for the next control.
pub struct MediaPool {
    workers: Arc<Workers>,
    supervisor: Mutex<Option<JoinHandle<()>>>,
    /// Whether the media process is to end.
    stop: watch::Sender<bool>,
}

impl MediaPool {
    /// Finds the media process that a control before us has left, or starts one, and waits until all its workers are
    /// ready. What is found there is carried on; nothing has been heard about it yet.
    pub async fn start(config: MediaConfig) -> Result<(MediaPool, mpsc::Receiver<MediaEvent>, Found), MediaError> {
        let listener = Listener::open(&config.socket)?;
        let (life, found) = begin(&config, &listener, Running::Adopted).await?;
        let (events, heard) = mpsc::channel(QUEUE);
        let workers = Arc::new(Workers::default());
        let supervisor = Supervisor { config, listener, workers: workers.clone(), events };
        // The first life is known before anybody can ask for its workers.
        let commands = supervisor.announce(&life);
        let (stop, wanted) = watch::channel(false);
        let supervisor = Mutex::new(Some(tokio::spawn(supervisor.run(life, commands, wanted))));
        Ok((MediaPool { workers, supervisor, stop }, heard, found))
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
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(supervisor) = supervisor
            && let Err(error) = supervisor.await
        {
            tracing::error!(%error, "the media process's supervisor has failed");
        }
    }
}

impl Drop for MediaPool {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop.send_replace(true);
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

/// Says whether the media process is to end.
type Unwanted = watch::Receiver<bool>;

/// Waits until the media process is to end. A pool that is lost in a panic has not said so.
async fn unwanted(wanted: &mut Unwanted) {
    if wanted.wait_for(|&stop| stop).await.is_err() {
        pending().await
    }
}

/// Starts the media process again whenever it ends.
struct Supervisor {
    config: MediaConfig,
    listener: Listener,
    workers: Arc<Workers>,
    events: mpsc::Sender<MediaEvent>,
}

impl Supervisor {
    /// Life after life, until the pool or whoever hears its events is gone.
    async fn run(self, mut life: Life, mut commands: Vec<mpsc::Receiver<Command>>, mut wanted: Unwanted) {
        let mut pause = PAUSE_MIN;
        loop {
            let began = Instant::now();
            let infos = life.infos();
            let end = life.run(commands, &self.events, &self.listener, &mut wanted).await;
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
                () = unwanted(&mut wanted) => return,
            };
            commands = self.announce(&life);
            if self.tell(life.infos().into_iter().map(MediaEvent::WorkerBack)).await.is_err() {
                return life.end(&self.listener).await;
            }
        }
    }

    /// Tries, with growing pauses, until there is a media process.
    async fn revive(&self, pause: &mut Duration) -> Life {
        loop {
            sleep(*pause).await;
            *pause = (*pause * 2).min(PAUSE_MAX);
            // Whatever runs there has been given up: the registry has been told so.
            match begin(&self.config, &self.listener, Running::Stopped).await {
                Ok((life, _)) => return life,
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
            MediaError::Stuck { lock } => {
                write!(f, "a media process that has locked {} neither answers nor ends: end it by hand", lock.display())
            }
            MediaError::Link(error) => write!(f, "talking to the media process: {error}"),
        }
    }
}

impl std::error::Error for MediaError {}

#[cfg(test)]
mod tests;
