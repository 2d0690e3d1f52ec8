//! A whole worker without a socket: everything it is told, it is told here.
//!
//! Contract: after any `handle_*`, drain [`Shard::poll_event`] and send [`Shard::outbox`] (then clear it);
//! call [`Shard::handle_timeout`] when [`Shard::deadline`] has come. Nothing here sleeps, asks the time or
//! touches the world.
#![forbid(unsafe_code)]

use crate::base::{Deadline, Instant};
use crate::link::{Command, Event, WorkerReport};
use crate::media::net::outbox::Outbox;
use crate::media::net::path::Path;
use crate::media::proto::dtls::Handshaker;

/// A worker's visits and how packets find them.
pub struct Shard {}

impl Shard {
    /// `seed` feeds every random choice of the shard (initial sequence numbers, timestamps, our RTCP SSRC).
    pub fn new(worker: u16, handshaker: Box<dyn Handshaker>, seed: [u8; 32], now: Instant) -> Shard {
        let _ = (worker, handshaker, seed, now);
        todo!()
    }

    /// Obeys control.
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        let _ = (now, command);
        todo!()
    }

    /// Takes one datagram; it is decrypted where it lies.
    pub fn handle_datagram(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        let _ = (now, path, datagram);
        todo!()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// When [`Shard::handle_timeout`] is due next.
    pub fn deadline(&self) -> Option<Deadline> {
        todo!()
    }

    /// What control should hear, until None.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }

    /// What waits to be sent. The worker sends it at the end of a turn, or when it runs low on room, and clears it.
    pub fn outbox(&mut self) -> &mut Outbox {
        todo!()
    }

    /// What has been counted so far. The worker adds its system calls.
    pub fn report(&self) -> WorkerReport {
        todo!()
    }
}
