//! The media process: it is told how many workers to start and where they listen, starts them, and ends with the
//! first that fails, or with control.
//!
//! It needs no clean-up, so signals keep their default action: what is lost with the process, the keys above all,
//! must not outlive it.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::io;
use std::net::UdpSocket;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::run::{Worker, WorkerError};
use super::shard::Shard;
use crate::base::limits::{ADDRESSES_MAX, WORKERS_MAX};
use crate::link::socket::{LinkError, LinkSocket};
use crate::link::{Event, Setup};
use crate::media::net::affinity;
use crate::media::net::bind::bind;
use crate::media::net::clock::Clock;
use crate::media::proto::dtls::Handshaker;

/// How long control may take to say what it wants. It says so as soon as it sees the connection.
const SETUP_PATIENCE: Duration = Duration::from_secs(10);

/// Why the media process ended that should not have. The text says what the operator can do.
#[derive(Debug)]
pub enum ProcessError {
    /// Nobody listens at the path.
    Connect(io::Error),
    /// The first message did not come, or the connection failed.
    Link(LinkError),
    /// Control asks for what cannot be: a fault of the program.
    Setup(&'static str),
    /// An address or a port is not to be had.
    Bind {
        worker: u16,
        port: u16,
        error: io::Error,
    },
    /// The certificate that peers are to see cannot be used.
    Handshaker(Box<dyn Error + Send + Sync>),
    /// The system gives no thread or no randomness.
    Start {
        worker: u16,
        error: io::Error,
    },
    Worker {
        worker: u16,
        error: WorkerError,
    },
    /// The panic's own line stands above this one.
    Panicked {
        worker: u16,
    },
}

/// What ends the process.
enum Ending {
    Control(Result<(), ProcessError>),
    Worker { worker: u16, result: thread::Result<Result<(), ProcessError>> },
}

/// Runs the media process whose control listens at `path`, until control closes the connection.
///
/// `handshaker` is asked once per worker; all its answers show one certificate. When this returns, workers may still
/// be running: the process is expected to end.
pub fn run<E: Error + Send + Sync + 'static>(
    path: &Path,
    handshaker: impl Fn() -> Result<Box<dyn Handshaker>, E>,
) -> Result<(), ProcessError> {
    // 1. Hear what control wants.
    let mut control = LinkSocket::connect(path).map_err(ProcessError::Connect)?;
    control.wait_at_most(Some(SETUP_PATIENCE)).map_err(ProcessError::Connect)?;
    let setup = control.receive::<Setup>()?.ok_or(ProcessError::Setup("it did not say in time how many workers to start"))?;
    check(&setup)?;
    control.wait_at_most(None).map_err(ProcessError::Connect)?;

    // 2. Open all sockets before any worker starts: a port that is taken is found out at once.
    let sockets = (0..setup.workers).map(|worker| open(&setup, worker)).collect::<Result<Vec<_>, _>>()?;

    // 3. Start the workers, and watch the connection that all of this depends on.
    let clock = Clock::start();
    let (ending, ended) = mpsc::channel();
    for (worker, sockets) in (0..).zip(sockets) {
        let handshaker = handshaker().map_err(|error| ProcessError::Handshaker(error.into()))?;
        let (ending, path) = (ending.clone(), path.to_owned());
        let body = move || {
            let result = catch_unwind(AssertUnwindSafe(|| work(worker, &path, sockets, handshaker, clock)));
            // Nobody hears it where the process has ended for another reason.
            drop(ending.send(Ending::Worker { worker, result }));
        };
        start(format!("worker-{worker}"), body).map_err(|error| ProcessError::Start { worker, error })?;
    }
    start("control".to_owned(), move || drop(ending.send(Ending::Control(watch(control)))))
        .map_err(|error| ProcessError::Start { worker: 0, error })?;

    // 4. End with the first that ends. A worker ends well when control closes its connection.
    match ended.recv() {
        Ok(Ending::Control(result)) => result,
        Ok(Ending::Worker { result: Ok(result), .. }) => result,
        Ok(Ending::Worker { worker, result: Err(_) }) => Err(ProcessError::Panicked { worker }),
        // Every thread says how it ended, even in a panic.
        Err(mpsc::RecvError) => Ok(()),
    }
}

/// What the two processes have agreed on is true, or nothing starts.
fn check(setup: &Setup) -> Result<(), ProcessError> {
    let Setup { workers, addresses, first_port } = setup;
    if !(1..=WORKERS_MAX).contains(workers) {
        return Err(ProcessError::Setup("it asks for no workers, or for too many"));
    }
    if !(1..=ADDRESSES_MAX).contains(&addresses.len()) {
        return Err(ProcessError::Setup("it names no address to listen on, or too many"));
    }
    if first_port.checked_add(workers - 1).is_none() {
        return Err(ProcessError::Setup("the last worker's port would be above 65535"));
    }
    Ok(())
}

/// The sockets of one worker.
fn open(setup: &Setup, worker: u16) -> Result<Vec<UdpSocket>, ProcessError> {
    let port = if setup.first_port == 0 { 0 } else { setup.first_port + worker };
    bind(&setup.addresses, port).map_err(|error| ProcessError::Bind { worker, port, error })
}

fn start(name: String, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name).spawn(body).map(drop)
}

/// The life of one worker's thread.
fn work(
    worker: u16,
    path: &Path,
    sockets: Vec<UdpSocket>,
    handshaker: Box<dyn Handshaker>,
    clock: Clock,
) -> Result<(), ProcessError> {
    let start = |error| ProcessError::Start { worker, error };
    if let Err(error) = affinity::pin(worker) {
        tracing::info!(worker, %error, "the worker is not kept to one processor");
    }
    let addresses = sockets.iter().map(UdpSocket::local_addr).collect::<io::Result<Vec<_>>>().map_err(start)?;
    let fingerprint = handshaker.fingerprint();
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| start(error.into()))?;
    let shard = Shard::new(worker, handshaker, seed);

    let mut control = LinkSocket::connect(path).map_err(ProcessError::Connect)?;
    control.send(&Event::WorkerReady { worker, addresses, fingerprint })?;
    control.never_wait().map_err(start)?;
    let worked = Worker::new(shard, clock, sockets, control).and_then(Worker::run);
    worked.map_err(|error| ProcessError::Worker { worker, error })
}

/// Waits for control to go. It has nothing more to say on the process's own connection.
fn watch(mut control: LinkSocket) -> Result<(), ProcessError> {
    match control.receive::<Setup>() {
        Err(LinkError::Closed) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err(ProcessError::Setup("it was said a second time")),
    }
}

impl From<LinkError> for ProcessError {
    fn from(error: LinkError) -> ProcessError {
        ProcessError::Link(error)
    }
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProcessError::Connect(error) => {
                write!(f, "cannot reach the control process: {error}; `quartet serve` starts this process by itself")
            }
            ProcessError::Link(error) => write!(f, "talking to the control process: {error}"),
            ProcessError::Setup(why) => write!(f, "cannot follow what the control process asks for: {why}"),
            ProcessError::Bind { worker, port: 0, error } => {
                write!(
                    f,
                    "cannot open the media sockets of worker {worker}: {error}; are the configured addresses this machine's own?"
                )
            }
            ProcessError::Bind { worker, port, error } => write!(
                f,
                "cannot open UDP port {port} for worker {worker}: {error}; are the configured addresses this machine's own, and the port free?"
            ),
            ProcessError::Handshaker(error) => write!(f, "cannot prepare the DTLS certificate: {error}"),
            ProcessError::Start { worker, error } => write!(f, "cannot start worker {worker}: {error}"),
            ProcessError::Worker { worker, error } => write!(f, "worker {worker} has failed: {error}"),
            ProcessError::Panicked { worker } => write!(f, "worker {worker} has panicked: a fault of the program"),
        }
    }
}

impl Error for ProcessError {}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use socket2::{SockAddr, Socket};

    use super::*;
    use crate::link::Command;
    use crate::link::socket::socket;

    fn setup(workers: u16, addresses: usize, first_port: u16) -> Setup {
        Setup { workers, addresses: vec![IpAddr::from(Ipv4Addr::LOCALHOST); addresses], first_port }
    }

    #[test]
    fn a_setup_that_cannot_be_is_refused_before_anything_starts() {
        for (setup, fits) in [
            (setup(1, 1, 0), true),
            (setup(WORKERS_MAX, ADDRESSES_MAX, 40_000), true),
            (setup(2, 1, 65_534), true),
            (setup(2, 1, 65_535), false),
            (setup(0, 1, 0), false),
            (setup(WORKERS_MAX + 1, 1, 0), false),
            (setup(1, 0, 0), false),
            (setup(1, ADDRESSES_MAX + 1, 0), false),
        ] {
            assert_eq!(check(&setup).is_ok(), fits, "{setup:?}");
        }
    }

    fn no_worker() -> Result<Box<dyn Handshaker>, io::Error> {
        panic!("no worker may start")
    }

    /// Runs a media process against a control that does `script` with its connection.
    fn against(script: impl FnOnce(Socket) + Send + 'static) -> Result<(), ProcessError> {
        against_with(no_worker, script)
    }

    fn against_with(
        handshaker: impl Fn() -> Result<Box<dyn Handshaker>, io::Error>,
        script: impl FnOnce(Socket) + Send + 'static,
    ) -> Result<(), ProcessError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("media.sock");
        let listener = socket().unwrap();
        listener.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        listener.listen(8).unwrap();
        let control = thread::spawn(move || script(listener.accept().unwrap().0));
        let result = run(&path, handshaker);
        control.join().unwrap();
        result
    }

    #[test]
    fn a_control_that_is_not_there_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let error = run(&directory.path().join("media.sock"), no_worker).unwrap_err();
        assert!(matches!(error, ProcessError::Connect(_)), "{error}");
    }

    #[test]
    fn a_control_that_goes_or_says_something_else_starts_nothing() {
        let error = against(drop).unwrap_err();
        assert!(matches!(error, ProcessError::Link(LinkError::Closed)), "{error}");
        let error = against(|socket| {
            socket.send(&[0xff; 100]).unwrap();
        })
        .unwrap_err();
        assert!(matches!(error, ProcessError::Link(LinkError::Malformed)), "{error}");
        let error = against(|socket| {
            LinkSocket::new(socket).send(&Command::Report).unwrap();
        })
        .unwrap_err();
        assert!(matches!(error, ProcessError::Link(_)), "{error}");
        let error = against(|socket| {
            LinkSocket::new(socket).send(&setup(0, 1, 0)).unwrap();
        })
        .unwrap_err();
        assert!(matches!(error, ProcessError::Setup(_)), "{error}");
    }

    #[test]
    fn a_certificate_that_cannot_be_used_starts_nothing() {
        let unusable = || Err(io::Error::from(io::ErrorKind::InvalidData));
        let error = against_with(unusable, |socket| drop(LinkSocket::new(socket).send(&setup(1, 1, 0)))).unwrap_err();
        assert!(matches!(error, ProcessError::Handshaker(_)), "{error}");
    }

    #[test]
    fn a_port_that_is_taken_is_found_out_before_any_worker_starts() {
        let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = against(move |socket| {
            LinkSocket::new(socket).send(&setup(1, 1, port)).unwrap();
        })
        .unwrap_err();
        assert!(
            matches!(&error, ProcessError::Bind { worker: 0, error, .. } if error.kind() == io::ErrorKind::AddrInUse),
            "{error}"
        );
        assert!(error.to_string().contains(&port.to_string()));
    }
}
