//! Datagrams in and out of a worker's sockets, many at a time.
#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::io;
use std::iter::once;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::time::Duration;

use foldhash::fast::RandomState;

use super::outbox::{Outbox, Slot};
use super::path::Path;
use super::plan::{Plan, Run};
use super::sys::{ReceiveArrays, SendArrays, SendBatch};

/// Messages of one receiving call. Each may be many datagrams of one sender. More would let one socket hold
/// up the others for longer; fewer would receive in more system calls.
const MESSAGES_PER_CALL: usize = 64;

/// Destinations remembered not to take runs. It is a property of the way there, so few are ever in here; at the
/// limit all are forgotten, and those that still do not take runs are found out again for one failed call each.
const ALONE_MAX: usize = 1_024;

/// Receives for all sockets of one worker.
pub struct Receiver {
    arrays: ReceiveArrays,
    calls: u64,
}

impl Default for Receiver {
    fn default() -> Receiver {
        Receiver { arrays: ReceiveArrays::new(MESSAGES_PER_CALL), calls: 0 }
    }
}

impl Receiver {
    /// Takes what one call gives of `socket`, and hands on every datagram by itself, and when the kernel got it
    /// (by the wall clock, since 1970). What is left wakes the
    /// poller again, so that no socket starves another.
    ///
    /// An error of the socket (an ICMP answer to something that was sent) concerns no datagram here and is no
    /// reason to stop: the next turn receives again.
    pub fn receive(&mut self, index: u8, socket: &UdpSocket, mut take: impl FnMut(Path, Option<Duration>, &mut [u8])) {
        self.calls += 1;
        let count = self.arrays.receive(socket.as_fd()).unwrap_or(0);
        for message in 0..count {
            let Some(message) = self.arrays.message(message) else { continue };
            let Some(remote) = message.from else { continue };
            let path = Path { socket: index, remote };
            let segment = message.segment.unwrap_or(message.bytes.len());
            if segment == 0 {
                take(path, message.stamp, message.bytes);
                continue;
            }
            for datagram in message.bytes.chunks_mut(segment) {
                take(path, message.stamp, datagram);
            }
        }
    }

    /// Receiving system calls so far.
    pub fn calls(&self) -> u64 {
        self.calls
    }
}

/// Sends for all sockets of one worker.
pub struct Sender {
    plan: Plan,
    arrays: SendArrays,
    /// For what is sent again one by one while `arrays` are in use.
    singles: SendArrays,
    alone: HashSet<Path, RandomState>,
    calls: u64,
    failures: u64,
}

impl Sender {
    /// For outboxes of `slots` slots.
    pub fn new(slots: usize) -> Sender {
        Sender {
            plan: Plan::new(slots),
            arrays: SendArrays::new(slots),
            singles: SendArrays::new(slots),
            alone: HashSet::with_capacity_and_hasher(ALONE_MAX, RandomState::default()),
            calls: 0,
            failures: 0,
        }
    }

    /// Sends what waits in `outbox`: one system call per socket unless the kernel refuses something. What a socket has
    /// no room for is lost, as UDP may; nothing is tried twice but a run that a path does not take, whose datagrams
    /// then go one by one.
    pub fn send(&mut self, sockets: &[UdpSocket], outbox: &Outbox) {
        let Sender { plan, arrays, singles, alone, calls, failures } = self;
        let slots = outbox.filled();
        let destinations =
            slots.iter().enumerate().filter_map(|(number, slot)| Some((number, slot.path()?, slot.datagram().len())));
        plan.arrange(destinations, |path| alone.contains(path));

        for (index, socket) in sockets.iter().enumerate() {
            let runs = plan.runs(index);
            let mut batch = arrays.batch();
            for run in runs {
                batch.push(run.path.remote, run.segment, datagrams(plan, run, slots));
            }
            let mut again = 0;
            *calls += deliver(&mut batch, socket, |message, error| {
                let run = &runs[message];
                if run.segment.is_none() || !refuses_runs(error) {
                    *failures += plan.slots(run).len() as u64;
                    return;
                }
                if alone.len() == ALONE_MAX {
                    alone.clear();
                }
                alone.insert(run.path);
                let mut batch = singles.batch();
                for datagram in datagrams(plan, run, slots) {
                    batch.push(run.path.remote, None, once(datagram));
                }
                again += deliver(&mut batch, socket, |_, _| *failures += 1);
            });
            *calls += again;
        }
    }

    /// Sending system calls so far.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Datagrams that the kernel did not take, so far.
    pub fn failures(&self) -> u64 {
        self.failures
    }
}

/// The datagrams of a run.
fn datagrams<'a>(plan: &Plan, run: &Run, slots: &'a [Slot]) -> impl Iterator<Item = &'a [u8]> {
    plan.slots(run).iter().map(|&slot| slots[slot].datagram())
}

/// Whether the error says that this way takes no runs: EIO where the device cannot checksum what it cuts, EINVAL
/// where a segment does not fit the way's MTU or the kernel takes fewer segments.
fn refuses_runs(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL))
}

/// Sends a whole batch by one socket. How many calls were made.
fn deliver(batch: &mut SendBatch<'_>, socket: &UdpSocket, refused: impl FnMut(usize, &io::Error)) -> u64 {
    drive(batch.len(), |first| batch.send(socket.as_fd(), first), refused)
}

/// Sends `count` messages by `send`, which is told the first and says how many it took. A message that is not taken
/// is `refused` once and the next call goes on behind it, so this ends after at most one call per message. A full
/// socket refuses all that remain. How many calls were made.
fn drive(count: usize, mut send: impl FnMut(usize) -> io::Result<usize>, mut refused: impl FnMut(usize, &io::Error)) -> u64 {
    let (mut next, mut calls) = (0, 0);
    while next < count {
        calls += 1;
        match send(next) {
            // The kernel takes one or says why not.
            Ok(0) => break,
            Ok(sent) => next += sent,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                (next..count).for_each(|message| refused(message, &error));
                break;
            }
            Err(error) => {
                refused(next, &error);
                next += 1;
            }
        }
    }
    calls
}

#[cfg(test)]
mod tests;
