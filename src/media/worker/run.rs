//! THE LOOP: the only place of the media side that waits, looks at the clock and touches sockets.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::events::{EventQueue, Overfull};
use super::gather;
use super::load::LoadMeter;
use super::shard::Shard;
use crate::base::Instant;
use crate::base::limits::{OUTBOX_ROOM_MIN, OUTBOX_SLOTS};
use crate::link::socket::{LinkError, LinkSocket};
use crate::link::{Command, Event, Load};
use crate::media::net::clock::{Clock, Look};
use crate::media::net::poller::{Poller, Woken};
use crate::media::net::udp::{Receiver, Sender};

/// Commands of one turn. Seating a leg costs some hundred microseconds of crypto: more in one turn would be heard
/// as a gap in running visits, fewer would draw out a storm of joins. What is left wakes the next turn at once.
const COMMANDS_PER_TURN: usize = 8;

/// How often a worker without control looks whether there is a new one. It costs nothing but waking up: longer would
/// draw out the time in which nobody can join.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A shard, and all that connects it to the world.
pub struct Worker {
    shard: Shard,
    clock: Clock,
    poller: Poller,
    sockets: Vec<UdpSocket>,
    receiver: Receiver,
    sender: Sender,
    /// None while there is no control: then nobody hears events, and packets go on.
    control: Option<LinkSocket>,
    /// Where the next control comes from.
    controls: mpsc::Receiver<LinkSocket>,
    addresses: Vec<SocketAddr>,
    events: EventQueue,
    meter: LoadMeter,
}

/// Why a worker ended that should not have. None of them is the fault of a packet.
#[derive(Debug)]
pub enum WorkerError {
    /// The kernel refuses to wait for the sockets.
    Poll(io::Error),
    /// The connection to control failed or said what is no command.
    Link(LinkError),
    /// Control stopped reading events.
    Unheard,
}

impl Worker {
    /// Connects a shard to its sockets. What comes out of `controls` are connections that never wait; a new one counts
    /// once the last has closed.
    pub fn new(
        shard: Shard,
        clock: Clock,
        sockets: Vec<UdpSocket>,
        controls: mpsc::Receiver<LinkSocket>,
    ) -> Result<Worker, WorkerError> {
        let poller = Poller::new(&sockets)?;
        let addresses = sockets.iter().map(UdpSocket::local_addr).collect::<io::Result<_>>()?;
        let (receiver, sender, events) = (Receiver::default(), Sender::new(OUTBOX_SLOTS), EventQueue::default());
        let meter = LoadMeter::new(clock.now());
        Ok(Worker { shard, clock, poller, sockets, receiver, sender, control: None, controls, addresses, events, meter })
    }

    /// Works until it fails. A control that goes is no failure: whoever gives it the next one ends it, too.
    ///
    /// A turn is bounded: one receiving call per socket, a few commands, what is due. It has one time from its beginning
    /// to its end; the clock is looked at again only to know how long the turn was, and how long to sleep. Something that is due
    /// or a word of control waits for as long as a busy worker rests: a fifth of a millisecond at most.
    pub fn run(mut self) -> Result<Infallible, WorkerError> {
        // The first control is there already.
        self.tell(None)?;
        let mut began = self.clock.now();
        loop {
            // 1. Rest if there is much to do, then sleep until a socket has something or something is due.
            let mut over = self.clock.now();
            self.meter.sleep(over);
            let rest = gather::rest(self.meter.last().busy_permille, over.since(began));
            if !rest.is_zero() {
                thread::sleep(rest);
                over = self.clock.now();
            }
            let due = self.shard.deadline().map_or(self.meter.due(), |deadline| deadline.at.min(self.meter.due()));
            let time = due.since(over);
            let time = if self.control.is_some() { time } else { time.min(LOOK_EVERY) };
            let woken = self.poller.wait(Some(time))?;
            let look = self.clock.look();
            let now = look.now;
            began = now;
            let load = self.meter.wake(now);

            // 2. Obey control: a few commands. Who was just given a leg may have sent something already, and is no stranger.
            if woken.control {
                self.obey(now)?;
            }

            // 3. Take packets: one call per socket that has some.
            self.receive(look, woken);

            // 4. Do what is due.
            if self.shard.deadline().is_some_and(|deadline| deadline.at <= now) {
                self.shard.handle_timeout(now);
            }

            // 5. Send all that this turn made.
            flush(&mut self.shard, &mut self.sender, &self.sockets);

            // 6. Tell control what happened, as far as it has room to hear.
            self.tell(load)?;
        }
    }

    fn receive(&mut self, look: Look, woken: Woken) {
        let Worker { shard, sockets, receiver, sender, .. } = self;
        for (number, socket) in (0..).zip(sockets.iter()) {
            if woken.socket(usize::from(number)) {
                receiver.receive(number, socket, |path, stamp, datagram| {
                    shard.handle_datagram(look.now, look.when(stamp), path, datagram);
                    make_room(shard, sender, sockets);
                });
            }
        }
    }

    fn obey(&mut self, now: Instant) -> Result<(), WorkerError> {
        for _ in 0..COMMANDS_PER_TURN {
            let Some(control) = &mut self.control else { break };
            match control.receive::<Command>() {
                Ok(Some(command)) => self.shard.handle_command(now, command),
                Ok(None) => break,
                Err(LinkError::Closed) => self.part(),
                Err(error) => return Err(error.into()),
            }
            make_room(&mut self.shard, &mut self.sender, &self.sockets);
        }
        Ok(())
    }

    /// `load`: how the second was that is just over.
    fn tell(&mut self, load: Option<Load>) -> Result<(), WorkerError> {
        if self.control.is_none() {
            self.meet()?;
        }
        while let Some(mut event) = self.shard.poll_event() {
            if let Event::Report(report) = &mut event {
                report.send_calls = self.sender.calls();
                report.receive_calls = self.receiver.calls();
                report.send_failures = self.sender.failures();
                report.worked_us = self.meter.total_us();
                report.load = self.meter.last();
            }
            // Without a control it is told by the snapshot that the next one gets.
            if self.control.is_some() {
                self.events.push(event)?;
            }
        }
        let Some(control) = &mut self.control else { return Ok(()) };
        if let Some(load) = load {
            self.events.push(Event::Load { load, legs: self.shard.legs() })?;
        }
        match self.events.drain(|event| control.send(event)) {
            Err(LinkError::Closed) => self.part(),
            result => {
                result?;
                self.poller.watch_room(control.as_fd(), !self.events.is_empty())?;
            }
        }
        Ok(())
    }

    /// Introduces itself to the next control, if there is one.
    fn meet(&mut self) -> Result<(), WorkerError> {
        let Ok(control) = self.controls.try_recv() else { return Ok(()) };
        self.poller.watch_control(control.as_fd())?;
        self.control = Some(control);
        // What has happened so far is part of the snapshot.
        while self.shard.poll_event().is_some() {}
        for event in self.shard.introduce(self.addresses.clone()) {
            self.events.push(event)?;
        }
        Ok(())
    }

    /// Control has gone without a word: what it has not heard, the next one is told in another way.
    fn part(&mut self) {
        self.control = None;
        self.events.clear();
    }
}

/// Sends in the middle of a turn where the next input could make more than the outbox has room for.
fn make_room(shard: &mut Shard, sender: &mut Sender, sockets: &[UdpSocket]) {
    if shard.outbox().room() < OUTBOX_ROOM_MIN {
        flush(shard, sender, sockets);
    }
}

fn flush(shard: &mut Shard, sender: &mut Sender, sockets: &[UdpSocket]) {
    let outbox = shard.outbox();
    sender.send(sockets, outbox);
    outbox.clear();
}

impl From<io::Error> for WorkerError {
    fn from(error: io::Error) -> WorkerError {
        WorkerError::Poll(error)
    }
}

impl From<LinkError> for WorkerError {
    fn from(error: LinkError) -> WorkerError {
        WorkerError::Link(error)
    }
}

impl From<Overfull> for WorkerError {
    fn from(Overfull: Overfull) -> WorkerError {
        WorkerError::Unheard
    }
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorkerError::Poll(error) => write!(f, "waiting for its sockets: {error}"),
            WorkerError::Link(error) => write!(f, "talking to the control process: {error}"),
            WorkerError::Unheard => f.write_str("the control process has stopped reading its events"),
        }
    }
}

impl std::error::Error for WorkerError {}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use socket2::{Domain, Socket, Type};

    use super::*;
    use crate::base::VisitId;
    use crate::link::socket::Sent;
    use crate::link::{Fingerprint, VisitSnapshot};
    use crate::media::proto::dtls::{Handshake, Handshaker};

    /// Nothing here takes this long: it only ends a test that would hang.
    const PATIENCE: Duration = Duration::from_secs(20);

    struct Nobody;

    impl Handshaker for Nobody {
        fn fingerprint(&self) -> Fingerprint {
            Fingerprint([5; 32])
        }

        fn accept(&self, _now: Instant, _expected: &[Fingerprint]) -> Box<dyn Handshake> {
            panic!("nobody connects here")
        }
    }

    /// Control's end of a connection, and the worker's.
    fn pair() -> (LinkSocket, LinkSocket) {
        let (control, worker) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).unwrap();
        let (control, worker) = (LinkSocket::new(control), LinkSocket::new(worker));
        control.wait_at_most(Some(PATIENCE)).unwrap();
        worker.never_wait().unwrap();
        (control, worker)
    }

    /// What a worker says, but how busy it is.
    fn news(control: &mut LinkSocket) -> Option<Event> {
        loop {
            let event = control.receive().unwrap();
            if !matches!(event, Some(Event::Load { .. })) {
                return event;
            }
        }
    }

    #[test]
    fn an_idle_worker_says_every_second_that_it_is_idle() {
        let (controls, next) = mpsc::channel();
        let (mut control, theirs) = pair();
        controls.send(theirs).unwrap();
        let worker = thread::spawn(move || {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let shard = Shard::new(3, Box::new(Nobody), [7; 32]);
            Worker::new(shard, Clock::start(), vec![socket], next).and_then(Worker::run).unwrap_err()
        });
        assert!(matches!(news(&mut control), Some(Event::WorkerReady { .. })));
        for _ in 0..2 {
            let Some(Event::Load { load, legs: 0 }) = control.receive().unwrap() else { panic!("nothing else happens") };
            // The machine may be busy with other things, but a second of sleep is no work.
            assert!(load.busy_permille < 900, "{load:?}");
        }
        control.send(&Command::Report).unwrap();
        let Some(Event::Report(report)) = news(&mut control) else { panic!("it was asked") };
        assert!(report.load.busy_permille < 900 && report.worked_us < 1_800_000, "{report:?}");
        control.send(&"no command").unwrap();
        assert!(matches!(worker.join().unwrap(), WorkerError::Link(LinkError::Malformed)));
    }

    #[test]
    fn a_new_control_hears_what_there_is_and_nothing_that_was_meant_for_the_old_one() {
        let (controls, next) = mpsc::channel();
        let (mut control, theirs) = pair();
        controls.send(theirs).unwrap();
        let worker = thread::spawn(move || {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let mut shard = Shard::new(3, Box::new(Nobody), [7; 32]);
            // What waits when a control comes is not news to it.
            shard.handle_command(Instant::ZERO, Command::Report);
            Worker::new(shard, Clock::start(), vec![socket], next).and_then(Worker::run).unwrap_err()
        });
        let Some(Event::WorkerReady { worker: 3, addresses, visits: 0, .. }) = news(&mut control) else {
            panic!("it says who it is")
        };
        let visit = VisitId::from_bits(1);
        control.send(&Command::OpenVisit { visit }).unwrap();
        control.send(&Command::Report).unwrap();
        assert!(matches!(news(&mut control), Some(Event::Report(report)) if report.visits == 1));

        for _ in 0..3 {
            // More than the socket holds in both directions: some of its reports wait inside.
            for _ in 0..2_000 {
                assert_eq!(control.send(&Command::Report).unwrap(), Sent::Whole);
            }
            let (new, theirs) = pair();
            controls.send(theirs).unwrap();
            control = new;
            let Some(Event::WorkerReady { worker: 3, addresses: again, visits: 1, .. }) = news(&mut control) else {
                panic!("it says first who it is")
            };
            assert_eq!(again, addresses);
            let seats = [None; 4];
            assert_eq!(news(&mut control), Some(Event::Carried(vec![VisitSnapshot { visit, seats }])));
            control.send(&Command::OpenVisit { visit: VisitId::from_bits(2) }).unwrap();
            control.send(&Command::CloseVisit { visit: VisitId::from_bits(2) }).unwrap();
            control.send(&Command::Report).unwrap();
            assert!(matches!(news(&mut control), Some(Event::Report(report)) if report.visits == 1));
        }
        control.send(&"no command").unwrap();
        assert!(matches!(worker.join().unwrap(), WorkerError::Link(LinkError::Malformed)));
    }
}
