//! One person's connection: what its packets go through in each direction, and the addresses it comes from.

use std::net::SocketAddr;

use quartet::base::Instant;

use super::{BINDINGS_MAX, Outlet, SocketId};
use crate::network::{Impairment, Wire};

/// Known by its ICE ufrag: a page that reconnects is another client.
pub(super) struct Client {
    pub(super) ufrag: String,
    pub(super) bindings: Vec<Binding>,
    pub(super) up: Lane,
    pub(super) down: Lane,
    pub(super) heard: Instant,
}

/// What a router keeps for an address behind it: a port of its own.
pub(super) struct Binding {
    pub(super) address: SocketAddr,
    pub(super) socket: SocketId,
    pub(super) heard: Instant,
}

/// A datagram on its way, and the browser's address that it is from or for.
#[derive(Clone)]
pub(super) struct Parcel {
    pub(super) address: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

impl Client {
    pub(super) fn new(now: Instant, ufrag: &str, seed: u64, up: Impairment, down: Impairment) -> Client {
        Client {
            ufrag: ufrag.to_owned(),
            bindings: Vec::new(),
            up: Lane::new(seed, up),
            down: Lane::new(seed.wrapping_add(1), down),
            heard: now,
        }
    }

    pub(super) fn binding(&self, address: SocketAddr) -> Option<&Binding> {
        self.bindings.iter().find(|binding| binding.address == address)
    }

    pub(super) fn binding_mut(&mut self, address: SocketAddr) -> Option<&mut Binding> {
        self.bindings.iter_mut().find(|binding| binding.address == address)
    }

    /// Takes one in; the one that had to go for it.
    pub(super) fn bind(&mut self, binding: Binding) -> Option<Binding> {
        let silent = (0..self.bindings.len()).min_by_key(|&at| self.bindings[at].heard);
        let forgotten = silent.filter(|_| self.bindings.len() == BINDINGS_MAX).map(|at| self.bindings.swap_remove(at));
        self.bindings.push(binding);
        forgotten
    }

    pub(super) fn unbind(&mut self, address: SocketAddr) -> Option<Binding> {
        let at = self.bindings.iter().position(|binding| binding.address == address)?;
        Some(self.bindings.swap_remove(at))
    }

    /// What has arrived at its end of the wire. A packet up leaves through the binding of that moment, not of its sending.
    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<(Outlet, Vec<u8>)> {
        while let Some(Parcel { address, bytes }) = self.up.receive(now) {
            if let Some(binding) = self.binding(address) {
                return Some((Outlet::Server(binding.socket), bytes));
            }
        }
        let Parcel { address, bytes } = self.down.receive(now)?;
        Some((Outlet::Client(address), bytes))
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.up.wire.deadline(), self.down.wire.deadline()].into_iter().flatten().min()
    }
}

/// One direction: the wire, and how much came out of it lately.
pub(super) struct Lane {
    pub(super) wire: Wire<Parcel>,
    pub(super) lately: Lately,
}

impl Lane {
    fn new(seed: u64, impairment: Impairment) -> Lane {
        Lane { wire: Wire::new(seed, impairment), lately: Lately::default() }
    }

    pub(super) fn send(&mut self, now: Instant, parcel: Parcel) {
        self.wire.send(now, parcel.bytes.len(), parcel);
    }

    fn receive(&mut self, now: Instant) -> Option<Parcel> {
        let parcel = self.wire.receive(now)?;
        self.lately.add(now, parcel.bytes.len());
        Some(parcel)
    }
}

/// How much there was in the last second, by tenths.
#[derive(Default)]
pub(super) struct Lately {
    /// The first is the newest. It is not over, so there is one more than make a second.
    tenths: [u64; 11],
    /// Which tenth the first one is, counted from the beginning of time.
    newest: u64,
}

impl Lately {
    fn add(&mut self, now: Instant, bytes: usize) {
        self.go_on(now);
        self.tenths[0] += bytes as u64;
    }

    /// In the last ten tenths that are over.
    pub(super) fn bits_per_second(&mut self, now: Instant) -> u64 {
        self.go_on(now);
        self.tenths[1..].iter().sum::<u64>() * 8
    }

    fn go_on(&mut self, now: Instant) {
        const TENTH: u64 = 100_000_000;
        let tenth = now.as_nanos() / TENTH;
        // After a long silence all of them are empty, and none needs that twice.
        for _ in 0..(tenth - self.newest).min(self.tenths.len() as u64) {
            self.tenths.rotate_right(1);
            self.tenths[0] = 0;
        }
        self.newest = tenth;
    }
}
