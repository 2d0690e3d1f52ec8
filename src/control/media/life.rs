//! One media process whose workers are ready, until its end.

use std::fmt;
use std::future::pending;
use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::connection::Connection;
use super::listener::{Expected, Listener};
use super::start::{ended, exited};
use super::{MediaEvent, Unwanted, WorkerInfo, unwanted};
use crate::base::limits::LINK_MESSAGE_MAX;
use crate::link::socket::{LinkError, RECEIVE_BYTES};
use crate::link::{Command, Event, Order};

/// How long a media process that was told to end, or has closed a connection, may take to exit. It has nothing to put
/// away, so this is a machine that swaps; waiting longer would hold up our own end.
pub(super) const ENDING: Duration = Duration::from_secs(2);

/// A media process whose workers are all ready. It goes on when this is dropped, and looks for another control: only
/// [`Life::run`] and [`Life::end`] tell it to end.
pub(super) struct Life {
    /// None if we did not start it.
    child: Option<Child>,
    expected: Expected,
    process: Connection,
    /// By number.
    workers: Vec<Ready>,
}

/// A worker that has introduced itself.
pub(super) struct Ready {
    pub(super) info: WorkerInfo,
    pub(super) connection: Arc<Connection>,
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
    /// Its workers stand by number.
    pub(super) fn new(child: Option<Child>, expected: Expected, process: Connection, workers: Vec<Ready>) -> Life {
        Life { child, expected, process, workers }
    }

    pub(super) fn infos(&self) -> Vec<WorkerInfo> {
        self.workers.iter().map(|ready| ready.info.clone()).collect()
    }

    /// Carries commands and events until something ends, and then sees to it that the process does. After this nothing
    /// more is heard of this life.
    ///
    /// Each worker has a reader and a writer of its own: a registry that is slow to hear must not keep its own
    /// commands from being sent.
    pub(super) async fn run(
        self,
        commands: Vec<mpsc::Receiver<Command>>,
        events: &mpsc::Sender<MediaEvent>,
        listener: &Listener,
        wanted: &mut Unwanted,
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
            Some(ended) = tasks.join_next() => match ended {
                // Nobody cancels them but a runtime that ends: we end with it, without a word.
                Err(error) if error.is_cancelled() => pending().await,
                ended => ended.unwrap_or_else(|error| End::Exited(Err(error.into()))),
            },
            () = refuse_all(listener, expected) => End::Unwanted,
            () = unwanted(wanted) => End::Unwanted,
        };
        // The order to end goes out before the workers' connections close: after it they are not looked for again.
        let status = end_process(process, child, listener).await;
        tasks.shutdown().await;
        let closed = matches!(end, End::Process(LinkError::Closed) | End::Worker { error: LinkError::Closed, .. });
        status.filter(|_| closed).map_or(end, End::Exited)
    }

    /// Ends it before it has run.
    pub(super) async fn end(self, listener: &Listener) {
        end_process(self.process, self.child, listener).await;
    }
}

/// Tells a process to end and waits until it has, for a while; then a child is killed. The status of a child that ended
/// by itself.
async fn end_process(process: Connection, child: Option<Child>, listener: &Listener) -> Option<io::Result<ExitStatus>> {
    say_stop(&process).await;
    let Some(mut child) = child else {
        let mut buffer = vec![0; RECEIVE_BYTES];
        let gone = async {
            while !matches!(process.receive::<Event>(&mut buffer).await, Err(LinkError::Closed)) {}
            // It hangs up a moment before it exits.
            ended(listener).await;
        };
        if timeout(ENDING, gone).await.is_err() {
            tracing::warn!("the media process was told to end, and has not yet");
        }
        return None;
    };
    let status = timeout(ENDING, child.wait()).await.ok();
    if status.is_none() {
        tracing::warn!("the media process was told to end, did not, and is killed");
        // It may have ended by itself.
        drop(child.kill().await);
    }
    status
}

/// Tells a process to end. It may have gone already, and may not listen any more.
pub(super) async fn say_stop(process: &Connection) {
    let mut buffer = vec![0; LINK_MESSAGE_MAX];
    drop(timeout(ENDING, process.send(&Order::Stop, &mut buffer)).await);
}

/// Hands on what a worker says.
async fn read(worker: u16, connection: Arc<Connection>, events: mpsc::Sender<MediaEvent>) -> End {
    let mut buffer = vec![0; RECEIVE_BYTES];
    loop {
        let event = match connection.receive(&mut buffer).await {
            Ok(Event::WorkerReady { .. } | Event::Carried(_)) => return End::Worker { worker, error: LinkError::Malformed },
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
