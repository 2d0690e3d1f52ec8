//! The media process: it is told how many workers to start and where they listen, starts them, and ends with the
//! first that fails, or when control says so. A control that dies is waited for: see `reunion`.
//!
//! It needs no clean-up, so signals keep their default action: what is lost with the process, the keys above all,
//! must not outlive it.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::io;
use std::net::UdpSocket;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::reunion::{Reunion, greet};
use super::run::{Worker, WorkerError};
use super::shard::Shard;
use crate::base::limits::{ADDRESSES_MAX, WORKERS_MAX};
use crate::link::lock::{self, Alive};
use crate::link::socket::{LinkError, LinkSocket};
use crate::link::{Order, Setup};
use crate::media::net::affinity;
use crate::media::net::bind::bind;
use crate::media::net::clock::Clock;
use crate::media::proto::dtls::Handshaker;

/// Why the media process ended that should not have. The text says what the operator can do.
#[derive(Debug)]
pub enum ProcessError {
    /// The file beside the socket that says that we are alive cannot be locked.
    Lock {
        path: PathBuf,
        error: io::Error,
    },
    /// A media process for that socket is alive.
    Twice {
        path: PathBuf,
    },
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
    /// Control has died, and no other has come.
    Abandoned(Duration),
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

/// Runs the media process whose control listens at `path`, until that control says that it is over.
///
/// `handshaker` is asked once per worker; all its answers show one certificate. When this returns, workers may still
/// be running: the process is expected to end.
pub fn run<E: Error + Send + Sync + 'static>(
    path: &Path,
    handshaker: impl Fn() -> Result<Box<dyn Handshaker>, E>,
) -> Result<(), ProcessError> {
    // 1. Be the only one: a control that finds us alive will not start another.
    let lock = || lock::place(path);
    let _alive = Alive::hold(path)
        .map_err(|error| ProcessError::Lock { path: lock(), error })?
        .ok_or_else(|| ProcessError::Twice { path: lock() })?;

    // 2. Hear what control wants.
    let mut control = LinkSocket::connect(path).map_err(ProcessError::Connect)?;
    let setup = match greet(&mut control, None)? {
        Order::Stop => return Ok(()),
        Order::Setup(setup) => setup,
    };
    check(&setup)?;

    // 3. Open all sockets and connections before any worker starts: a port that is taken is found out at once.
    let sockets = (0..setup.workers).map(|worker| open(&setup, worker)).collect::<Result<Vec<_>, _>>()?;
    let handshakers = sockets.iter().map(|_| handshaker()).collect::<Result<Vec<_>, _>>();
    let handshakers = handshakers.map_err(|error| ProcessError::Handshaker(error.into()))?;
    let clock = Clock::start();
    let (workers, controls): (Vec<_>, Vec<_>) = sockets.iter().map(|_| mpsc::channel()).unzip();
    let reunion = Reunion::new(path.to_owned(), clock, setup, workers);
    reunion.bring_workers()?;

    // 4. Start the workers, and listen to control.
    let (ending, ended) = mpsc::channel();
    for (worker, ((sockets, handshaker), controls)) in (0..).zip(sockets.into_iter().zip(handshakers).zip(controls)) {
        let ending = ending.clone();
        let body = move || {
            let result = catch_unwind(AssertUnwindSafe(|| work(worker, sockets, handshaker, clock, controls)));
            // Nobody hears it where the process has ended for another reason.
            drop(ending.send(Ending::Worker { worker, result }));
        };
        start(format!("worker-{worker}"), body).map_err(|error| ProcessError::Start { worker, error })?;
    }
    start("control".to_owned(), move || drop(ending.send(Ending::Control(reunion.run(control)))))
        .map_err(|error| ProcessError::Start { worker: 0, error })?;

    // 5. End with the first that ends.
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
    let Setup { workers, addresses, first_port, alone_at_most: _ } = setup;
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
    sockets: Vec<UdpSocket>,
    handshaker: Box<dyn Handshaker>,
    clock: Clock,
    controls: mpsc::Receiver<LinkSocket>,
) -> Result<(), ProcessError> {
    if let Err(error) = affinity::pin(worker) {
        tracing::info!(worker, %error, "the worker is not kept to one processor");
    }
    if let Err(error) = affinity::wake_on_time() {
        tracing::info!(worker, %error, "the worker sleeps longer than it is told");
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| ProcessError::Start { worker, error: error.into() })?;
    let shard = Shard::new(worker, handshaker, seed);
    let Err(error) = Worker::new(shard, clock, sockets, controls).and_then(Worker::run);
    Err(ProcessError::Worker { worker, error })
}

impl From<LinkError> for ProcessError {
    fn from(error: LinkError) -> ProcessError {
        ProcessError::Link(error)
    }
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProcessError::Lock { path, error } => {
                write!(f, "cannot lock {}: {error}; its directory must be one that quartet can write", path.display())
            }
            ProcessError::Twice { path } => {
                write!(f, "another media process is alive and has locked {}; end it first", path.display())
            }
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
            ProcessError::Abandoned(patience) => {
                write!(f, "no control process has come for {} s: nobody is left to serve", patience.as_secs())
            }
            ProcessError::Panicked { worker } => write!(f, "worker {worker} has panicked: a fault of the program"),
        }
    }
}

impl Error for ProcessError {}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use socket2::SockAddr;

    use super::*;
    use crate::link::Greeting;
    use crate::link::process::VERSION;
    use crate::link::socket::socket;

    fn setup(workers: u16, addresses: usize, first_port: u16) -> Setup {
        let addresses = vec![IpAddr::from(Ipv4Addr::LOCALHOST); addresses];
        Setup { workers, addresses, first_port, alone_at_most: Duration::ZERO }
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

    fn order(mut control: LinkSocket, setup: Setup) {
        control.send(&Order::Setup(setup)).unwrap();
    }

    /// Runs a media process against a control that has heard its greeting and does `script` with the connection.
    fn against(script: impl FnOnce(LinkSocket) + Send + 'static) -> Result<(), ProcessError> {
        against_with(no_worker, script)
    }

    fn against_with(
        handshaker: impl Fn() -> Result<Box<dyn Handshaker>, io::Error>,
        script: impl FnOnce(LinkSocket) + Send + 'static,
    ) -> Result<(), ProcessError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("media.sock");
        let listener = socket().unwrap();
        listener.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        listener.listen(8).unwrap();
        let control = thread::spawn(move || {
            let mut control = LinkSocket::new(listener.accept().unwrap().0);
            assert_eq!(control.receive().unwrap(), Some(Greeting { version: VERSION, running: None }));
            script(control);
        });
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
        let error = against(|mut control| {
            control.send(&[0xffu8; 32]).unwrap();
        })
        .unwrap_err();
        assert!(matches!(error, ProcessError::Link(LinkError::Malformed)), "{error}");
        let error = against(|control| order(control, setup(0, 1, 0))).unwrap_err();
        assert!(matches!(error, ProcessError::Setup(_)), "{error}");
    }

    #[test]
    fn a_control_that_wants_it_to_end_starts_nothing() {
        against(|mut control| assert!(control.send(&Order::Stop).is_ok())).unwrap();
    }

    #[test]
    fn a_second_media_process_for_one_socket_does_not_start() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("media.sock");
        let _alive = Alive::hold(&path).unwrap().unwrap();
        let error = run(&path, no_worker).unwrap_err();
        assert!(matches!(error, ProcessError::Twice { .. }), "{error}");
    }

    #[test]
    fn a_certificate_that_cannot_be_used_starts_nothing() {
        let unusable = || Err(io::Error::from(io::ErrorKind::InvalidData));
        let error = against_with(unusable, |control| order(control, setup(1, 1, 0))).unwrap_err();
        assert!(matches!(error, ProcessError::Handshaker(_)), "{error}");
    }

    #[test]
    fn a_port_that_is_taken_is_found_out_before_any_worker_starts() {
        let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = against(move |control| order(control, setup(1, 1, port))).unwrap_err();
        assert!(
            matches!(&error, ProcessError::Bind { worker: 0, error, .. } if error.kind() == io::ErrorKind::AddrInUse),
            "{error}"
        );
        assert!(error.to_string().contains(&port.to_string()));
    }
}
