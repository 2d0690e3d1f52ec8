//! A media process played by the test, over real sockets.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::Path;

use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::*;
use crate::base::limits::LINK_MESSAGE_MAX;
use crate::base::{DropReason, VisitId};
use crate::link::WorkerReport;
use crate::link::socket::{LinkSocket, Sent};

/// Nothing here takes this long: it only ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(20);

fn config(place: &TempDir, workers: u16, launch: Launch) -> MediaConfig {
    let setup = Setup { workers, addresses: vec![Ipv4Addr::LOCALHOST.into()], first_port: 0 };
    MediaConfig { socket: place.path().join("run/media.sock"), setup, launch, patience: PATIENCE }
}

const ELSEWHERE: Launch = Launch::Elsewhere { user: None };

/// The media process.
struct Fake {
    process: LinkSocket,
    workers: Vec<LinkSocket>,
}

fn connect(path: &Path) -> LinkSocket {
    let socket = LinkSocket::connect(path).unwrap();
    socket.wait_at_most(Some(PATIENCE)).unwrap();
    socket
}

fn info(worker: u16) -> WorkerInfo {
    let addresses = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 5_000 + worker))];
    WorkerInfo { worker, addresses, fingerprint: Fingerprint([7; 32]) }
}

fn introduction(worker: u16) -> Event {
    let WorkerInfo { worker, addresses, fingerprint } = info(worker);
    Event::WorkerReady { worker, addresses, fingerprint }
}

impl Fake {
    /// Does all that a media process does until its workers are ready, the last one first.
    fn start(path: &Path) -> Fake {
        let mut process = connect(path);
        let setup = process.receive::<Setup>().unwrap().unwrap();
        let mut workers: Vec<LinkSocket> = (0..setup.workers).map(|_| connect(path)).collect();
        for (number, worker) in (0..setup.workers).zip(&mut workers).rev() {
            worker.send(&introduction(number)).unwrap();
        }
        Fake { process, workers }
    }
}

/// Says bytes as they are on the first worker's connection.
fn raw(fake: &Fake, bytes: &[u8]) {
    let socket = fake.workers[0].as_fd().try_clone_to_owned().unwrap();
    socket2::Socket::from(socket).send(bytes).unwrap();
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.unwrap()
}

/// A pool whose media process is ours. `start` listens before it first waits, and `join` looks at it first.
async fn started(config: MediaConfig) -> (MediaPool, mpsc::Receiver<MediaEvent>, Fake) {
    let path = config.socket.clone();
    let (pool, fake) = tokio::join!(MediaPool::start(config), blocking(move || Fake::start(&path)));
    let (pool, events) = pool.unwrap();
    (pool, events, fake)
}

fn failed(bits: u64) -> Event {
    Event::VisitFailed { visit: VisitId::from_bits(bits) }
}

#[tokio::test]
async fn commands_reach_their_worker_and_events_say_whose_they_are() {
    let place = tempfile::tempdir().unwrap();
    let (pool, mut events, mut fake) = started(config(&place, 3, ELSEWHERE)).await;
    assert_eq!(pool.workers(), [info(0), info(1), info(2)]);

    for worker in [2, 0, 1] {
        let command = Command::OpenVisit { visit: VisitId::from_bits(worker.into()) };
        pool.send(worker, command.clone()).await.unwrap();
        let mut socket = fake.workers.remove(usize::from(worker));
        let (socket, heard) = blocking(move || {
            let heard = socket.receive::<Command>();
            (socket, heard)
        })
        .await;
        assert_eq!(heard.unwrap(), Some(command));
        fake.workers.insert(usize::from(worker), socket);

        let report = WorkerReport { worker, drops: vec![1; DropReason::COUNT], ..Default::default() };
        for event in [failed(worker.into()), Event::Report(Box::new(report))] {
            fake.workers[usize::from(worker)].send(&event).unwrap();
            assert_eq!(events.recv().await, Some(MediaEvent::Worker { worker, event }));
        }
    }
    assert_eq!(pool.send(3, Command::Report).await, Err(NoWorker));
}

#[tokio::test]
async fn a_worker_that_breaks_the_rules_costs_its_process_and_a_new_one_is_taken_in() {
    type Breach = Box<dyn FnOnce(&mut Fake) + Send>;
    let breaches: [Breach; 5] = [
        Box::new(|fake| drop(fake.workers.pop())),
        Box::new(|fake| raw(fake, &[0xff; 99])),
        Box::new(|fake| raw(fake, &vec![0; LINK_MESSAGE_MAX + 1])),
        Box::new(|fake| assert_eq!(fake.workers[1].send(&introduction(1)).unwrap(), Sent::Whole)),
        Box::new(|fake| assert_eq!(fake.process.send(&failed(1)).unwrap(), Sent::Whole)),
    ];
    for breach in breaches {
        let place = tempfile::tempdir().unwrap();
        let config = config(&place, 2, ELSEWHERE);
        let path = config.socket.clone();
        let (pool, mut events, mut fake) = started(config).await;
        let old = blocking(move || {
            breach(&mut fake);
            fake
        })
        .await;
        for worker in 0..2 {
            assert_eq!(events.recv().await, Some(MediaEvent::WorkerLost { worker }));
        }
        assert_eq!(pool.workers(), []);
        assert_eq!(pool.send(0, Command::Report).await, Err(NoWorker));
        let _new = blocking(move || {
            drop(old);
            Fake::start(&path)
        })
        .await;
        for worker in 0..2 {
            assert_eq!(events.recv().await, Some(MediaEvent::WorkerBack(info(worker))));
        }
        assert_eq!(pool.workers().len(), 2);
    }
}

#[tokio::test]
async fn an_introduction_that_cannot_be_is_refused() {
    let no_addresses = Event::WorkerReady { worker: 0, addresses: Vec::new(), fingerprint: Fingerprint([0; 32]) };
    for first_words in [introduction(1), no_addresses, failed(1)] {
        let place = tempfile::tempdir().unwrap();
        let config = config(&place, 1, ELSEWHERE);
        let path = config.socket.clone();
        let media = blocking(move || {
            let mut process = connect(&path);
            process.receive::<Setup>().unwrap();
            let mut worker = connect(&path);
            worker.send(&first_words).unwrap();
            (process.receive::<Setup>(), worker.receive::<Command>())
        });
        let (pool, (process, worker)) = tokio::join!(MediaPool::start(config), media);
        assert!(matches!(pool.err(), Some(MediaError::Link(LinkError::Malformed))));
        assert!(matches!((process, worker), (Err(LinkError::Closed), Err(LinkError::Closed))));
    }
}

#[tokio::test]
async fn a_registry_that_does_not_listen_still_has_its_commands_sent() {
    let place = tempfile::tempdir().unwrap();
    let (pool, mut events, mut fake) = started(config(&place, 1, ELSEWHERE)).await;
    // Until nothing fits: neither the registry's queue nor the socket.
    let (count, mut fake) = blocking(move || {
        fake.workers[0].never_wait().unwrap();
        let count = (0..).take_while(|&bits| fake.workers[0].send(&failed(bits)).unwrap() == Sent::Whole).count();
        (count, fake)
    })
    .await;
    pool.send(0, Command::Report).await.unwrap();
    let heard = blocking(move || {
        let socket = fake.workers.remove(0);
        let raw = socket2::SockRef::from(&socket);
        raw.set_nonblocking(false).unwrap();
        let mut socket = socket;
        let heard = socket.receive::<Command>();
        (fake, socket, heard)
    })
    .await;
    assert_eq!(heard.2.unwrap(), Some(Command::Report));
    for bits in 0..count as u64 {
        assert_eq!(events.recv().await, Some(MediaEvent::Worker { worker: 0, event: failed(bits) }));
    }
}

#[tokio::test]
async fn dropping_the_pool_ends_the_media_process() {
    let place = tempfile::tempdir().unwrap();
    let (pool, events, mut fake) = started(config(&place, 1, ELSEWHERE)).await;
    pool.stop().await;
    let (process, worker) = blocking(move || (fake.process.receive::<Setup>(), fake.workers[0].receive::<Command>())).await;
    assert!(matches!((process, worker), (Err(LinkError::Closed), Err(LinkError::Closed))));
    assert!(!place.path().join("run/media.sock").exists());
    drop(events);
}

#[tokio::test]
async fn a_media_process_that_never_comes_is_an_error_in_time() {
    let place = tempfile::tempdir().unwrap();
    let config = MediaConfig { patience: Duration::from_millis(20), ..config(&place, 2, ELSEWHERE) };
    let error = MediaPool::start(config).await.err().unwrap();
    assert!(matches!(error, MediaError::NotReady { ready: 0, workers: 2 }), "{error}");
}

#[tokio::test]
async fn a_program_that_ends_at_once_or_is_not_there_is_named() {
    let place = tempfile::tempdir().unwrap();
    let child = |program: &str| config(&place, 1, Launch::Child { program: program.into() });
    let error = MediaPool::start(child("/bin/false")).await.err().unwrap();
    assert!(matches!(error, MediaError::Exited(status) if status.code() == Some(1)), "{error}");
    let error = MediaPool::start(child("/nonexistent/quartet")).await.err().unwrap();
    assert!(matches!(error, MediaError::Spawn(_)), "{error}");
}
