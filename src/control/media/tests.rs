//! A media process played by the test, over real sockets.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::Path;

use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::*;
use crate::base::limits::LINK_MESSAGE_MAX;
use crate::base::{DropReason, LegId, VisitId};
use crate::link::lock::{self, Alive};
use crate::link::process::VERSION;
use crate::link::socket::{LinkSocket, Sent};
use crate::link::{Greeting, LegSnapshot, LegState, Order, Sources, WorkerReport};

/// Nothing here takes this long: it only ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(20);

fn config(place: &TempDir, workers: u16, launch: Launch) -> MediaConfig {
    MediaConfig { socket: place.path().join("run/media.sock"), setup: setup(workers), launch, patience: PATIENCE }
}

fn setup(workers: u16) -> Setup {
    Setup { workers, addresses: vec![Ipv4Addr::LOCALHOST.into()], first_port: 0, alone_at_most: Duration::from_secs(600) }
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
    carrying(worker, 0)
}

fn carrying(worker: u16, visits: u32) -> Event {
    let WorkerInfo { worker, addresses, fingerprint } = info(worker);
    Event::WorkerReady { worker, addresses, fingerprint, visits }
}

fn snapshot(bits: u64) -> VisitSnapshot {
    let leg = LegSnapshot { leg: LegId::from_bits(!bits), state: LegState::Silent, sources: Sources::default() };
    VisitSnapshot { visit: VisitId::from_bits(bits), seats: [None, Some(leg), None, None] }
}

fn snapshots(visits: u32) -> Vec<VisitSnapshot> {
    (0..u64::from(visits)).map(snapshot).collect()
}

fn greet(process: &mut LinkSocket, running: Option<Setup>) -> Result<Option<Order>, LinkError> {
    process.send(&Greeting { version: VERSION, running }).unwrap();
    process.receive::<Order>()
}

impl Fake {
    /// Does all that a media process does until its workers are ready, the last one first.
    fn start(path: &Path) -> Fake {
        let mut process = connect(path);
        let Some(Order::Setup(setup)) = greet(&mut process, None).unwrap() else { panic!("it is to start") };
        let mut workers: Vec<LinkSocket> = (0..setup.workers).map(|_| connect(path)).collect();
        for (number, worker) in (0..setup.workers).zip(&mut workers).rev() {
            worker.send(&introduction(number)).unwrap();
        }
        Fake { process, workers }
    }

    /// Goes on with what it runs already: so many visits on its one worker, so many in one message.
    fn go_on(path: &Path, visits: u32, in_one: usize) -> Fake {
        let mut process = connect(path);
        assert_eq!(greet(&mut process, Some(setup(1))).unwrap(), Some(Order::Setup(setup(1))));
        let mut worker = connect(path);
        worker.send(&carrying(0, visits)).unwrap();
        for some in snapshots(visits).chunks(in_one) {
            worker.send(&Event::Carried(some.to_vec())).unwrap();
        }
        worker.send(&failed(0)).unwrap();
        Fake { process, workers: vec![worker] }
    }

    /// What it is told at the end, and that its connections close then.
    fn hear_the_end(mut self) -> Result<Option<Order>, LinkError> {
        let order = self.process.receive::<Order>();
        drop(self.process);
        for worker in &mut self.workers {
            assert!(matches!(worker.receive::<Command>(), Err(LinkError::Closed)));
        }
        order
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
    let (pool, events, found) = pool.unwrap();
    assert_eq!(found, [], "a fresh one carries nothing");
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
        let told = blocking(move || {
            breach(&mut fake);
            fake.process.receive::<Order>()
        });
        assert_eq!(told.await.unwrap(), Some(Order::Stop), "it is to end altogether");
        for worker in 0..2 {
            assert_eq!(events.recv().await, Some(MediaEvent::WorkerLost { worker }));
        }
        assert_eq!(pool.workers(), []);
        assert_eq!(pool.send(0, Command::Report).await, Err(NoWorker));
        let _new = blocking(move || Fake::start(&path)).await;
        for worker in 0..2 {
            assert_eq!(events.recv().await, Some(MediaEvent::WorkerBack(info(worker))));
        }
        assert_eq!(pool.workers().len(), 2);
    }
}

#[tokio::test]
async fn an_introduction_that_cannot_be_is_refused() {
    let no_addresses = Event::WorkerReady { worker: 0, addresses: Vec::new(), fingerprint: Fingerprint([0; 32]), visits: 0 };
    let carried = |visits: Vec<VisitSnapshot>| Event::Carried(visits);
    for first_words in [
        vec![introduction(1)],
        vec![no_addresses],
        vec![failed(1)],
        vec![carrying(0, u32::MAX)],
        vec![carrying(0, 2), failed(1)],
        vec![carrying(0, 2), carried(Vec::new())],
        vec![carrying(0, 2), carried(vec![snapshot(1), snapshot(2), snapshot(3)])],
        vec![carrying(0, 2), carried(vec![snapshot(1)]), failed(1)],
    ] {
        let place = tempfile::tempdir().unwrap();
        let config = config(&place, 1, ELSEWHERE);
        let path = config.socket.clone();
        let media = blocking(move || {
            let mut process = connect(&path);
            greet(&mut process, Some(setup(1))).unwrap();
            let mut worker = connect(&path);
            for words in first_words {
                worker.send(&words).unwrap();
            }
            (process.receive::<Order>(), process.receive::<Order>(), worker.receive::<Command>())
        });
        let (pool, (told, process, worker)) = tokio::join!(MediaPool::start(config), media);
        assert!(matches!(pool.err(), Some(MediaError::Link(LinkError::Malformed))));
        assert_eq!(told.unwrap(), Some(Order::Stop));
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
async fn stopping_or_dropping_the_pool_tells_the_media_process_to_end() {
    for stopped in [true, false] {
        let place = tempfile::tempdir().unwrap();
        let (pool, events, fake) = started(config(&place, 1, ELSEWHERE)).await;
        let hearing = spawn_blocking(move || fake.hear_the_end());
        if stopped {
            pool.stop().await;
            assert!(!place.path().join("run/media.sock").exists());
        } else {
            drop(pool);
        }
        assert_eq!(hearing.await.unwrap().unwrap(), Some(Order::Stop));
        drop(events);
    }
}

#[test]
fn a_control_that_dies_tells_the_media_process_nothing() {
    let place = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (pool, _events, fake) = runtime.block_on(started(config(&place, 1, ELSEWHERE)));
    runtime.shutdown_background();
    assert!(matches!(fake.hear_the_end(), Err(LinkError::Closed)));
    drop(pool);
}

#[tokio::test]
async fn a_panic_of_control_tells_the_media_process_nothing() {
    let place = tempfile::tempdir().unwrap();
    let (pool, _events, mut fake) = started(config(&place, 1, ELSEWHERE)).await;
    let stop = pool.stop.subscribe();
    let panicked = std::thread::spawn(move || {
        let _pool = pool;
        panic!("asked to");
    });
    assert!(panicked.join().is_err());
    assert!(!*stop.borrow());
    fake.workers[0].send(&failed(1)).unwrap();
    fake.process.wait_at_most(Some(Duration::from_millis(50))).unwrap();
    assert_eq!(blocking(move || fake.process.receive::<Order>()).await.unwrap(), None);
}

/// One that is not started because one is alive, and whether it was.
fn child(place: &TempDir) -> (MediaConfig, Alive) {
    let config = config(
        place,
        1,
        Launch::Child { launcher: Launcher::start().unwrap(), program: "/bin/false".into(), options: Vec::new() },
    );
    std::fs::create_dir_all(place.path().join("run")).unwrap();
    let alive = Alive::hold(&config.socket).unwrap().unwrap();
    (config, alive)
}

#[tokio::test]
async fn a_media_process_that_is_alive_is_adopted_with_all_its_visits() {
    for (visits, in_one) in [(0, 1), (1, 1), (5_000, 256)] {
        let place = tempfile::tempdir().unwrap();
        let (config, alive) = child(&place);
        let (path, socket) = (config.socket.clone(), config.socket.clone());
        let (pool, mut fake) = tokio::join!(MediaPool::start(config), blocking(move || Fake::go_on(&path, visits, in_one)));
        let (pool, mut events, found) = pool.unwrap();
        assert_eq!(found, snapshots(visits).into_iter().map(|snapshot| (0, snapshot)).collect::<Vec<_>>());
        assert_eq!(events.recv().await, Some(MediaEvent::Worker { worker: 0, event: failed(0) }), "what happened since");
        assert_eq!(pool.workers(), [info(0)]);
        let hearing = spawn_blocking(move || {
            let heard = fake.process.receive::<Order>();
            // It hangs up, and has ended a moment later.
            drop(fake.process);
            drop(alive);
            heard
        });
        pool.stop().await;
        assert!(!Alive::is_held(&socket).unwrap(), "it is waited for");
        assert_eq!(hearing.await.unwrap().unwrap(), Some(Order::Stop));
    }
}

#[tokio::test]
async fn a_media_process_that_is_alive_and_of_no_use_is_ended_before_another_is_started() {
    let other = Setup { first_port: 7, ..setup(1) };
    let greetings: [&dyn erased::Message; 4] = [
        &Greeting { version: VERSION, running: Some(other) },
        &Greeting { version: VERSION + 1, running: Some(setup(1)) },
        &Greeting { version: VERSION + 1, running: None },
        &"something else entirely",
    ];
    for greeting in greetings {
        let place = tempfile::tempdir().unwrap();
        let (config, alive) = child(&place);
        let (path, bytes) = (config.socket.clone(), greeting.bytes());
        let media = blocking(move || {
            let process = connect(&path);
            socket2::SockRef::from(&process).send(&bytes).unwrap();
            let mut process = process;
            let told = process.receive::<Order>();
            drop((process, alive));
            told
        });
        let (pool, told) = tokio::join!(MediaPool::start(config), media);
        assert_eq!(told.unwrap(), Some(Order::Stop));
        let error = pool.err().unwrap();
        assert!(matches!(error, MediaError::Exited(status) if status.code() == Some(1)), "the next was started: {error}");
    }
}

#[tokio::test]
async fn no_other_is_started_while_one_that_was_told_to_end_has_not() {
    let place = tempfile::tempdir().unwrap();
    let (config, _alive) = child(&place);
    let config = MediaConfig { patience: Duration::from_secs(1), ..config };
    let path = config.socket.clone();
    let media = blocking(move || {
        let mut process = connect(&path);
        greet(&mut process, Some(Setup { first_port: 7, ..setup(1) }))
    });
    let (pool, told) = tokio::join!(MediaPool::start(config), media);
    assert_eq!(told.unwrap(), Some(Order::Stop));
    assert!(matches!(pool.err(), Some(MediaError::Stuck { .. })));
}

mod erased {
    /// What can be sent.
    pub(super) trait Message {
        fn bytes(&self) -> Vec<u8>;
    }

    impl<M: serde::Serialize> Message for M {
        fn bytes(&self) -> Vec<u8> {
            postcard::to_stdvec(self).unwrap()
        }
    }
}

#[tokio::test]
async fn a_media_process_that_ends_while_it_is_waited_for_is_replaced() {
    let place = tempfile::tempdir().unwrap();
    let (config, alive) = child(&place);
    let start = tokio::spawn(MediaPool::start(config));
    tokio::task::yield_now().await;
    drop(alive);
    assert!(matches!(start.await.unwrap().err(), Some(MediaError::Exited(_))));
}

#[tokio::test]
async fn a_media_process_that_neither_connects_nor_ends_is_an_error_in_time() {
    let place = tempfile::tempdir().unwrap();
    let (config, _alive) = child(&place);
    let config = MediaConfig { patience: Duration::from_millis(20), ..config };
    let locked = lock::place(&config.socket);
    let error = MediaPool::start(config).await.err().unwrap();
    assert!(matches!(&error, MediaError::Stuck { lock } if *lock == locked), "{error}");
}

#[tokio::test]
async fn the_end_of_an_adopted_process_is_noticed_and_a_child_takes_its_place() {
    let place = tempfile::tempdir().unwrap();
    let (config, alive) = child(&place);
    let path = config.socket.clone();
    let (pool, fake) = tokio::join!(MediaPool::start(config), blocking(move || Fake::go_on(&path, 1, 1)));
    let (pool, mut events, _) = pool.unwrap();
    drop((fake, alive));
    assert_eq!(events.recv().await, Some(MediaEvent::Worker { worker: 0, event: failed(0) }));
    assert_eq!(events.recv().await, Some(MediaEvent::WorkerLost { worker: 0 }));
    assert_eq!(pool.workers(), []);
    pool.stop().await;
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
    let child = |program: &str| {
        config(&place, 1, Launch::Child { launcher: Launcher::start().unwrap(), program: program.into(), options: Vec::new() })
    };
    let error = MediaPool::start(child("/bin/false")).await.err().unwrap();
    assert!(matches!(error, MediaError::Exited(status) if status.code() == Some(1)), "{error}");
    let error = MediaPool::start(child("/nonexistent/quartet")).await.err().unwrap();
    assert!(matches!(error, MediaError::Spawn(_)), "{error}");
}
