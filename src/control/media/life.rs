//! One media process, from its start to its end.

use std::fmt;
use std::future::pending;
use std::io;
use std::os::fd::AsFd;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::process::{Child, Command as Program};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::connection::Connection;
use super::listener::{Expected, Listener};
use super::{Launch, MediaConfig, MediaError, MediaEvent, Unwanted, WorkerInfo};
use crate::base::limits::{ADDRESSES_MAX, LINK_MESSAGE_MAX};
use crate::link::socket::{LinkError, RECEIVE_BYTES};
use crate::link::{Command, Event, Setup};

/// What the media process may see of our environment: how to log. Whatever else is set for us is not for it.
const ENVIRONMENT: [&str; 3] = ["RUST_LOG", "RUST_BACKTRACE", "NO_COLOR"];

/// How long a media process that closed a connection may take to end by itself. It is the moment between closing and
/// exiting; its status says more than the closed connection does.
const ENDING: Duration = Duration::from_millis(500);

/// A media process whose workers are all ready. Dropping it kills the process if we started it, and closes its
/// connections, at which it ends by itself if we did not.
pub(super) struct Life {
    child: Option<Child>,
    expected: Expected,
    process: Connection,
    /// By number.
    workers: Vec<Ready>,
}

struct Ready {
    info: WorkerInfo,
    connection: Arc<Connection>,
}

/// Why a life ended.
#[derive(Debug)]
pub(super) enum End {
    Exited(io::Result<ExitStatus>),
    /// The process's own connection: closed, or used for what it is not for.
    Process(LinkError),
    Worker {
        worker: u16,
        error: LinkError,
    },
    /// The pool is gone, or nobody hears its events any more.
    Unwanted,
}

impl Life {
    /// Starts the media process, or waits for it, until all its workers are ready.
    pub(super) async fn begin(config: &MediaConfig, listener: &Listener) -> Result<Life, MediaError> {
        let (mut child, expected) = match &config.launch {
            Launch::Child { program } => {
                let child = spawn(Program::new(program), listener).map_err(MediaError::Spawn)?;
                let process = child.id();
                (Some(child), Expected { user: None, process })
            }
            Launch::Elsewhere { user } => (None, Expected { user: *user, process: None }),
        };
        let mut workers = Vec::new();
        let gathered = timeout(config.patience, async {
            tokio::select! {
                process = gather(&config.setup, listener, expected, &mut workers) => process.map_err(MediaError::Link),
                status = exited(&mut child) => Err(status.map_or_else(MediaError::Spawn, MediaError::Exited)),
            }
        });
        match gathered.await {
            Ok(Ok(process)) => Ok(Life { process, child, expected, workers }),
            Ok(Err(MediaError::Link(LinkError::Closed))) if child.is_some() => match timeout(ENDING, exited(&mut child)).await {
                Ok(status) => Err(status.map_or_else(MediaError::Spawn, MediaError::Exited)),
                Err(_) => Err(MediaError::Link(LinkError::Closed)),
            },
            Ok(Err(error)) => Err(error),
            Err(_) => Err(MediaError::NotReady { ready: workers.len(), workers: config.setup.workers }),
        }
    }

    pub(super) fn infos(&self) -> Vec<WorkerInfo> {
        self.workers.iter().map(|ready| ready.info.clone()).collect()
    }

    /// Carries commands and events until something ends. After this nothing more is heard of this life.
    ///
    /// Each worker has a reader and a writer of its own: a registry that is slow to hear must not keep its own
    /// commands from being sent.
    pub(super) async fn run(
        self,
        commands: Vec<mpsc::Receiver<Command>>,
        events: &mpsc::Sender<MediaEvent>,
        listener: &Listener,
        unwanted: &mut Unwanted,
    ) -> End {
        let Life { mut child, expected, process, workers } = self;
        let mut tasks = JoinSet::new();
        for (Ready { info, connection }, queue) in workers.into_iter().zip(commands) {
            tasks.spawn(read(info.worker, connection.clone(), events.clone()));
            tasks.spawn(write(info.worker, connection, queue));
        }
        let mut buffer = vec![0; RECEIVE_BYTES];
        let end = tokio::select! {
            status = exited(&mut child) => End::Exited(status),
            said = process.receive::<Event>(&mut buffer) => End::Process(said.err().unwrap_or(LinkError::Malformed)),
            // A task that panicked is no reason to go on without its worker.
            Some(ended) = tasks.join_next() => ended.unwrap_or_else(|error| End::Exited(Err(error.into()))),
            () = refuse_all(listener, expected) => End::Unwanted,
            _ = unwanted => End::Unwanted,
        };
        tasks.shutdown().await;
        drop(process);
        let Some(mut child) = child else { return end };
        let closed = matches!(end, End::Process(LinkError::Closed) | End::Worker { error: LinkError::Closed, .. });
        let status = if closed { timeout(ENDING, child.wait()).await.ok() } else { None };
        // It may have ended by itself.
        drop(child.kill().await);
        status.map_or(end, End::Exited)
    }
}

/// Starts the program as our media process.
fn spawn(mut program: Program, listener: &Listener) -> io::Result<Child> {
    program.arg("media").arg("--socket").arg(listener.path());
    program.env_clear().envs(ENVIRONMENT.iter().filter_map(|&name| Some((name, std::env::var_os(name)?))));
    // All that it says is log; our standard output may be for programs to read.
    program.stdout(io::stderr().as_fd().try_clone_to_owned()?);
    // Its own group: an interrupt from the terminal is for us, and we end it when we are done.
    program.stdin(Stdio::null()).process_group(0).kill_on_drop(true).spawn()
}

/// Waits for the end of the child; for ever if there is none.
async fn exited(child: &mut Option<Child>) -> io::Result<ExitStatus> {
    match child {
        Some(child) => child.wait().await,
        None => pending().await,
    }
}

/// Accepts the process's own connection and those of all its workers, which end up in `workers`, by number.
async fn gather(
    setup: &Setup,
    listener: &Listener,
    expected: Expected,
    workers: &mut Vec<Ready>,
) -> Result<Connection, LinkError> {
    let mut buffer = vec![0; RECEIVE_BYTES];
    let process = listener.accept(expected).await;
    process.send(setup, &mut buffer[..LINK_MESSAGE_MAX]).await?;
    let mut said = vec![0; RECEIVE_BYTES];
    let all = async {
        while workers.len() < usize::from(setup.workers) {
            let connection = listener.accept(expected).await;
            let info = introduced(setup, connection.receive(&mut buffer).await?)?;
            match workers.binary_search_by_key(&info.worker, |ready| ready.info.worker) {
                Ok(_) => return Err(LinkError::Malformed),
                Err(place) => workers.insert(place, Ready { info, connection: Arc::new(connection) }),
            }
        }
        Ok(())
    };
    tokio::select! {
        ready = all => ready?,
        said = process.receive::<Event>(&mut said) => return Err(said.err().unwrap_or(LinkError::Malformed)),
    }
    Ok(process)
}

/// What a worker says first.
fn introduced(setup: &Setup, event: Event) -> Result<WorkerInfo, LinkError> {
    let Event::WorkerReady { worker, addresses, fingerprint } = event else { return Err(LinkError::Malformed) };
    if worker >= setup.workers || !(1..=ADDRESSES_MAX).contains(&addresses.len()) {
        return Err(LinkError::Malformed);
    }
    Ok(WorkerInfo { worker, addresses, fingerprint })
}

/// Hands on what a worker says.
async fn read(worker: u16, connection: Arc<Connection>, events: mpsc::Sender<MediaEvent>) -> End {
    let mut buffer = vec![0; RECEIVE_BYTES];
    loop {
        let event = match connection.receive(&mut buffer).await {
            Ok(Event::WorkerReady { .. }) => return End::Worker { worker, error: LinkError::Malformed },
            Ok(event) => event,
            Err(error) => return End::Worker { worker, error },
        };
        if events.send(MediaEvent::Worker { worker, event }).await.is_err() {
            return End::Unwanted;
        }
    }
}

/// Passes on what a worker is told.
async fn write(worker: u16, connection: Arc<Connection>, mut queue: mpsc::Receiver<Command>) -> End {
    let mut buffer = vec![0; LINK_MESSAGE_MAX];
    while let Some(command) = queue.recv().await {
        if let Err(error) = connection.send(&command, &mut buffer).await {
            return End::Worker { worker, error };
        }
    }
    End::Unwanted
}

/// While all workers are here, nobody else has anything to say.
async fn refuse_all(listener: &Listener, expected: Expected) {
    loop {
        drop(listener.accept(expected).await);
        tracing::warn!("a connection of the media process that nobody waits for was closed");
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exited(Ok(status)) => write!(f, "{status}"),
            End::Exited(Err(error)) => write!(f, "it cannot be watched: {error}"),
            End::Process(error) => error.fmt(f),
            End::Worker { worker, error } => write!(f, "worker {worker}: {error}"),
            End::Unwanted => f.write_str("nobody needs it any more"),
        }
    }
}
