//! Between which two addresses a datagram travels.
#![forbid(unsafe_code)]

use std::fmt;
use std::net::SocketAddr;

/// One of a worker's sockets, and an address out there. A reply goes back by the socket the question came in on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    /// Index among the worker's sockets.
    pub socket: u8,
    pub remote: SocketAddr,
}

/// Addresses are not for logs: only the socket is shown.
impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({}, …)", self.socket)
    }
}
