//! Stands between browsers and a worker's port as a home's router does, and treats each person's packets as it is told.
//!
//! This is what it knows and decides, without a socket or a clock: [`program`](../program.rs) has those.

#![allow(dead_code, reason = "a program and its tests use their parts of this")]

mod client;
mod orders;
mod stun;

use std::collections::VecDeque;
use std::net::SocketAddr;

use quartet::base::Instant;

use crate::network::Impairment;
use client::{Binding, Client, Parcel};
pub(crate) use orders::Answer;

/// Four people who reconnect a dozen times each. One more, and whoever was silent longest is forgotten.
const CLIENTS_MAX: usize = 64;

/// A browser has a socket for each of its machine's addresses. One more, and the one silent longest is forgotten.
const BINDINGS_MAX: usize = 8;

/// A socket towards the server: a number that is never given twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct SocketId(u64);

/// What has to become of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    Open(SocketId),
    Close(SocketId),
}

/// Where a datagram goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outlet {
    /// Through this socket to the server.
    Server(SocketId),
    Client(SocketAddr),
}

/// Told datagrams and orders; after each, [`Forwarder::poll_change`] and then [`Forwarder::poll_transmit`] are asked until
/// they have nothing, and [`Forwarder::deadline`] says when to ask again.
pub(crate) struct Forwarder {
    seed: u64,
    /// What is done to the packets of people who are not here yet.
    up: Impairment,
    down: Impairment,
    clients: Vec<Client>,
    /// Clients there ever were.
    seen: u64,
    /// Sockets there ever were.
    sockets: u64,
    changes: VecDeque<Change>,
    /// Datagrams of nobody: no check has told whose they are.
    strays: u64,
}

impl Forwarder {
    pub(crate) fn new(seed: u64) -> Forwarder {
        Forwarder {
            seed,
            up: Impairment::NONE,
            down: Impairment::NONE,
            clients: Vec::new(),
            seen: 0,
            sockets: 0,
            changes: VecDeque::new(),
            strays: 0,
        }
    }

    /// A browser sent this. Its checks say whose it is; what comes before them has no owner and goes nowhere.
    pub(crate) fn handle_from_client(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let owner = match stun::client_ufrag(datagram) {
            Some(ufrag) => self.bind(now, from, ufrag),
            None => self.clients.iter_mut().find(|client| client.binding(from).is_some()),
        };
        let Some(client) = owner else {
            self.strays += 1;
            return;
        };
        client.heard = now;
        if let Some(binding) = client.binding_mut(from) {
            binding.heard = now;
        }
        client.up.send(now, Parcel { address: from, bytes: datagram.to_vec() });
    }

    /// The server sent this to one of our sockets.
    pub(crate) fn handle_from_server(&mut self, now: Instant, socket: SocketId, datagram: &[u8]) {
        let found = self.clients.iter_mut().find_map(|client| {
            let address = client.bindings.iter().find(|binding| binding.socket == socket)?.address;
            Some((client, address))
        });
        // None: the binding is another by now, and a router would not know this one any more either.
        if let Some((client, address)) = found {
            client.down.send(now, Parcel { address, bytes: datagram.to_vec() });
        }
    }

    pub(crate) fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// A datagram whose time has come.
    pub(crate) fn poll_transmit(&mut self, now: Instant) -> Option<(Outlet, Vec<u8>)> {
        self.clients.iter_mut().find_map(|client| client.poll_transmit(now))
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.clients.iter().filter_map(Client::deadline).min()
    }

    /// The client of this name, with a binding for this address: both may be new.
    fn bind(&mut self, now: Instant, from: SocketAddr, ufrag: &str) -> Option<&mut Client> {
        let at = match self.clients.iter().position(|client| client.ufrag == ufrag) {
            Some(at) => at,
            None => self.admit(now, ufrag),
        };
        if self.clients[at].binding(from).is_none() {
            // An ICE restart keeps the sockets and changes the name: a router would not notice.
            let moved = self.clients.iter_mut().find_map(|client| client.unbind(from));
            let binding = moved.unwrap_or_else(|| Binding { address: from, socket: self.open(), heard: now });
            let forgotten = self.clients[at].bind(binding);
            self.changes.extend(forgotten.map(|binding| Change::Close(binding.socket)));
        }
        self.clients.get_mut(at)
    }

    /// Where the new client stands.
    fn admit(&mut self, now: Instant, ufrag: &str) -> usize {
        if self.clients.len() == CLIENTS_MAX
            && let Some((silent, _)) = self.clients.iter().enumerate().min_by_key(|(_, client)| client.heard)
        {
            let forgotten = self.clients.swap_remove(silent);
            self.changes.extend(forgotten.bindings.iter().map(|binding| Change::Close(binding.socket)));
        }
        self.seen += 1;
        // Each direction has chance of its own.
        let seed = self.seed.wrapping_add(self.seen * 2);
        self.clients.push(Client::new(now, ufrag, seed, self.up, self.down));
        self.clients.len() - 1
    }

    fn open(&mut self) -> SocketId {
        let socket = SocketId(self.sockets);
        self.sockets += 1;
        self.changes.push_back(Change::Open(socket));
        socket
    }
}
