//! The process's own connection: control says there how to start and when to end. When control dies, the search for
//! the next one begins here, and the workers go on meanwhile.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::process::ProcessError;
use crate::link::process::VERSION;
use crate::link::socket::{LinkError, LinkSocket, Sent};
use crate::link::{Greeting, Order, Setup};
use crate::media::net::clock::Clock;

/// How long control may take to answer a greeting. It does so as soon as it sees the connection.
const SETUP_PATIENCE: Duration = Duration::from_secs(10);

/// The pause between two looks for another control. Longer would draw out the time in which nobody can join, shorter
/// would ask the kernel more often for what takes a second at least.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where control is found, and what to bring it.
pub(super) struct Reunion {
    path: PathBuf,
    clock: Clock,
    setup: Setup,
    /// By number: where each worker takes its next connection from.
    workers: Vec<mpsc::Sender<LinkSocket>>,
}

/// What a control that was met wants.
enum Met {
    /// What we do already.
    GoOn(LinkSocket),
    Stop,
}

/// Says who we are on a new connection, and hears what control wants.
pub(super) fn greet(control: &mut LinkSocket, running: Option<Setup>) -> Result<Order, ProcessError> {
    let late = || ProcessError::Setup("it did not say in time what to do");
    control.wait_at_most(Some(SETUP_PATIENCE)).map_err(ProcessError::Connect)?;
    if control.send(&Greeting { version: VERSION, running })? == Sent::NoRoom {
        return Err(late());
    }
    let order = control.receive::<Order>()?.ok_or_else(late)?;
    control.wait_at_most(None).map_err(ProcessError::Connect)?;
    Ok(order)
}

impl Reunion {
    pub(super) fn new(path: PathBuf, clock: Clock, setup: Setup, workers: Vec<mpsc::Sender<LinkSocket>>) -> Reunion {
        Reunion { path, clock, setup, workers }
    }

    /// Gives each worker a connection of its own to the control that has been met.
    pub(super) fn bring_workers(&self) -> Result<(), ProcessError> {
        for worker in &self.workers {
            let socket = LinkSocket::connect(&self.path).map_err(ProcessError::Connect)?;
            socket.never_wait().map_err(ProcessError::Connect)?;
            // A worker that has gone takes the process with it; nobody needs to hear it here.
            drop(worker.send(socket));
        }
        Ok(())
    }

    /// Obeys one control after the other, until one says that it is over, or none comes any more.
    pub(super) fn run(self, mut control: LinkSocket) -> Result<(), ProcessError> {
        loop {
            match control.receive::<Order>() {
                Ok(Some(Order::Stop)) => return Ok(()),
                Ok(Some(Order::Setup(_))) => return Err(ProcessError::Setup("it was said a second time")),
                Ok(None) => {}
                Err(LinkError::Closed) => match self.seek()? {
                    Met::GoOn(next) => control = next,
                    Met::Stop => return Ok(()),
                },
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Looks for another control for as long as the last one wished.
    fn seek(&self) -> Result<Met, ProcessError> {
        let patience = self.setup.alone_at_most;
        if patience.is_zero() {
            return Ok(Met::Stop);
        }
        tracing::warn!(
            ?patience,
            "the control process has gone without a word: its visits go on, and nobody can join until it is back"
        );
        let until = self.clock.now() + patience;
        while self.clock.now() < until {
            match self.meet() {
                Ok(met) => return Ok(met),
                // Nobody listens yet, or whoever did has died again.
                Err(ProcessError::Connect(_) | ProcessError::Link(LinkError::Closed)) => {}
                Err(error) => return Err(error),
            }
            thread::sleep(LOOK_EVERY);
        }
        Err(ProcessError::Abandoned(patience))
    }

    /// One look.
    fn meet(&self) -> Result<Met, ProcessError> {
        let mut control = LinkSocket::connect(&self.path).map_err(ProcessError::Connect)?;
        match greet(&mut control, Some(self.setup.clone()))? {
            Order::Stop => Ok(Met::Stop),
            Order::Setup(setup) if setup == self.setup => {
                self.bring_workers()?;
                tracing::info!("a new control process has taken over");
                Ok(Met::GoOn(control))
            }
            Order::Setup(_) => Err(ProcessError::Setup("it is not what the workers were started with")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::path::Path;

    use socket2::{SockAddr, Socket};
    use tempfile::TempDir;

    use super::*;
    use crate::link::socket::socket;

    /// Nothing here takes this long: it only ends a test that would hang.
    const PATIENCE: Duration = Duration::from_secs(20);

    fn setup(alone_at_most: Duration) -> Setup {
        Setup { workers: 2, addresses: vec![Ipv4Addr::LOCALHOST.into()], first_port: 0, alone_at_most }
    }

    fn listen(path: &Path) -> Socket {
        let listener = socket().unwrap();
        listener.bind(&SockAddr::unix(path).unwrap()).unwrap();
        listener.listen(8).unwrap();
        listener.set_read_timeout(Some(PATIENCE)).unwrap();
        listener
    }

    /// A process with two workers, whose control is the other end.
    struct Scene {
        place: TempDir,
        control: LinkSocket,
        workers: Vec<mpsc::Receiver<LinkSocket>>,
        running: thread::JoinHandle<Result<(), ProcessError>>,
    }

    impl Scene {
        fn new(alone_at_most: Duration) -> Scene {
            let place = tempfile::tempdir().unwrap();
            let path = place.path().join("media.sock");
            let listener = listen(&path);
            let connected = LinkSocket::connect(&path).unwrap();
            let control = LinkSocket::new(listener.accept().unwrap().0);
            drop(listener);
            std::fs::remove_file(&path).unwrap();
            let (senders, workers) = (0..2).map(|_| mpsc::channel()).unzip();
            let reunion = Reunion::new(path, Clock::start(), setup(alone_at_most), senders);
            Scene { place, control, workers, running: thread::spawn(move || reunion.run(connected)) }
        }

        fn path(&self) -> PathBuf {
            self.place.path().join("media.sock")
        }
    }

    /// The next connection to a control that listens again, and what is said there first.
    fn greeted(listener: &Socket) -> (LinkSocket, Option<Greeting>) {
        let mut control = LinkSocket::new(listener.accept().unwrap().0);
        control.wait_at_most(Some(PATIENCE)).unwrap();
        let greeting = control.receive().unwrap();
        (control, greeting)
    }

    #[test]
    fn when_control_dies_the_next_one_is_greeted_and_given_the_workers() {
        let scene = Scene::new(PATIENCE);
        let listener = listen(&scene.path());
        drop(scene.control);
        for _ in 0..3 {
            let (mut control, greeting) = greeted(&listener);
            assert_eq!(greeting, Some(Greeting { version: VERSION, running: Some(setup(PATIENCE)) }));
            control.send(&Order::Setup(setup(PATIENCE))).unwrap();
            for worker in &scene.workers {
                let _theirs = listener.accept().unwrap();
                worker.recv_timeout(PATIENCE).unwrap();
            }
        }
        let (mut control, _) = greeted(&listener);
        control.send(&Order::Stop).unwrap();
        scene.running.join().unwrap().unwrap();
    }

    #[test]
    fn a_control_that_dies_before_it_answers_is_followed_by_the_next() {
        let scene = Scene::new(PATIENCE);
        let listener = listen(&scene.path());
        drop(scene.control);
        drop(greeted(&listener));
        let (mut control, greeting) = greeted(&listener);
        assert!(greeting.is_some());
        control.send(&Order::Stop).unwrap();
        scene.running.join().unwrap().unwrap();
    }

    #[test]
    fn it_ends_when_told_or_when_it_is_not_to_go_on_alone() {
        let mut scene = Scene::new(PATIENCE);
        scene.control.send(&Order::Stop).unwrap();
        scene.running.join().unwrap().unwrap();
        let scene = Scene::new(Duration::ZERO);
        drop(scene.control);
        scene.running.join().unwrap().unwrap();
    }

    #[test]
    fn it_ends_when_no_control_comes_for_too_long() {
        let patience = Duration::from_millis(1);
        let scene = Scene::new(patience);
        drop(scene.control);
        let error = scene.running.join().unwrap().unwrap_err();
        assert!(matches!(error, ProcessError::Abandoned(waited) if waited == patience), "{error}");
    }

    #[test]
    fn words_that_do_not_belong_here_end_it() {
        let mut scene = Scene::new(PATIENCE);
        scene.control.send(&Order::Setup(setup(PATIENCE))).unwrap();
        assert!(matches!(scene.running.join().unwrap(), Err(ProcessError::Setup(_))));
        let mut scene = Scene::new(PATIENCE);
        scene.control.send(&[0xffu8; 32]).unwrap();
        assert!(matches!(scene.running.join().unwrap(), Err(ProcessError::Link(LinkError::Malformed))));
        let scene = Scene::new(PATIENCE);
        let listener = listen(&scene.path());
        drop(scene.control);
        greeted(&listener).0.send(&Order::Setup(Setup { workers: 3, ..setup(PATIENCE) })).unwrap();
        assert!(matches!(scene.running.join().unwrap(), Err(ProcessError::Setup(_))));
    }
}
