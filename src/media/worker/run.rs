//! THE LOOP: the only place of the media side that waits, looks at the clock and touches sockets.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::net::UdpSocket;
use std::os::fd::AsFd;

use super::events::{EventQueue, Overfull};
use super::shard::Shard;
use crate::base::Instant;
use crate::base::limits::{OUTBOX_ROOM_MIN, OUTBOX_SLOTS};
use crate::link::socket::{LinkError, LinkSocket};
use crate::link::{Command, Event};
use crate::media::net::clock::Clock;
use crate::media::net::poller::{Poller, Woken};
use crate::media::net::udp::{Receiver, Sender};

/// Commands of one turn. Seating a leg costs some hundred microseconds of crypto: more in one turn would be heard
/// as a gap in running visits, fewer would draw out a storm of joins. What is left wakes the next turn at once.
const COMMANDS_PER_TURN: usize = 8;

/// A shard, and all that connects it to the world.
pub struct Worker {
    shard: Shard,
    clock: Clock,
    poller: Poller,
    sockets: Vec<UdpSocket>,
    receiver: Receiver,
    sender: Sender,
    control: LinkSocket,
    events: EventQueue,
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
    /// Connects a shard to its sockets. `control` must be one that never waits.
    pub fn new(shard: Shard, clock: Clock, sockets: Vec<UdpSocket>, control: LinkSocket) -> Result<Worker, WorkerError> {
        let poller = Poller::new(&sockets, control.as_fd())?;
        let (receiver, sender, events) = (Receiver::default(), Sender::new(OUTBOX_SLOTS), EventQueue::default());
        Ok(Worker { shard, clock, poller, sockets, receiver, sender, control, events })
    }

    /// Works until control closes the connection.
    ///
    /// A turn is bounded: one receiving call per socket, a few commands, what is due. A deadline may be late by the
    /// length of the turn that set it, because the clock is looked at once per turn.
    pub fn run(mut self) -> Result<(), WorkerError> {
        let mut now = self.clock.now();
        loop {
            // 1. Sleep until a socket has something or something is due; then look at the clock, once.
            let time = self.shard.deadline().map(|deadline| deadline.at.since(now));
            let woken = self.poller.wait(time)?;
            now = self.clock.now();

            // 2. Take packets: one call per socket that has some.
            self.receive(now, woken);

            // 3. Obey control: a few commands.
            if woken.control {
                match self.obey(now) {
                    Err(WorkerError::Link(LinkError::Closed)) => return Ok(()),
                    result => result?,
                }
            }

            // 4. Do what is due.
            if self.shard.deadline().is_some_and(|deadline| deadline.at <= now) {
                self.shard.handle_timeout(now);
            }

            // 5. Send all that this turn made.
            flush(&mut self.shard, &mut self.sender, &self.sockets);

            // 6. Tell control what happened, as far as it has room to hear.
            match self.tell() {
                Err(WorkerError::Link(LinkError::Closed)) => return Ok(()),
                result => result?,
            }
        }
    }

    fn receive(&mut self, now: Instant, woken: Woken) {
        let Worker { shard, sockets, receiver, sender, .. } = self;
        for (number, socket) in (0..).zip(sockets.iter()) {
            if woken.socket(usize::from(number)) {
                receiver.receive(number, socket, |path, datagram| {
                    shard.handle_datagram(now, path, datagram);
                    make_room(shard, sender, sockets);
                });
            }
        }
    }

    fn obey(&mut self, now: Instant) -> Result<(), WorkerError> {
        for _ in 0..COMMANDS_PER_TURN {
            let Some(command) = self.control.receive::<Command>()? else { break };
            self.shard.handle_command(now, command);
            make_room(&mut self.shard, &mut self.sender, &self.sockets);
        }
        Ok(())
    }

    fn tell(&mut self) -> Result<(), WorkerError> {
        while let Some(mut event) = self.shard.poll_event() {
            if let Event::Report(report) = &mut event {
                report.send_calls = self.sender.calls();
                report.receive_calls = self.receiver.calls();
                report.send_failures = self.sender.failures();
            }
            self.events.push(event)?;
        }
        self.events.drain(|event| self.control.send(event))?;
        self.poller.watch_room(self.control.as_fd(), !self.events.is_empty())?;
        Ok(())
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
