//! The handshake that yields SRTP keys (RFC 5764), behind one narrow face.
//!
//! [`Handshaker`] is what a worker has, [`Handshake`] what a leg has. BoringSSL stands behind both; a
//! simulation puts its own there, because BoringSSL's randomness cannot be chosen.
//!
//! A process makes one [`Identity`]; each worker a [`BoringHandshaker`] of it; each leg a handshake of that.
//! Inside: `records` decides what BoringSSL sees of a datagram, `queues` carries it there and back, `profile`
//! cuts the keys, `sys` holds the calls that have no safe wrapper.

mod handshake;
mod handshaker;
mod identity;
mod profile;
mod queues;
mod records;
mod sys;
#[cfg(test)]
mod tests;

pub use handshaker::BoringHandshaker;
pub use identity::{Identity, SetupError};

use crate::base::Instant;
use crate::link::event::{DtlsVersion, LegEnd};
use crate::link::terms::Fingerprint;
use crate::media::proto::srtp::SrtpKeys;

/// Accepts peers with one certificate.
pub trait Handshaker: Send {
    /// Of the certificate that peers will see.
    fn fingerprint(&self) -> Fingerprint;

    /// Waits for the ClientHello of a peer that must show one of these certificates. The deadline for the whole
    /// handshake runs from `now`.
    fn accept(&self, now: Instant, expected: &[Fingerprint]) -> Box<dyn Handshake>;
}

/// What a handshake has to say. After `Ended` nothing follows.
pub enum HandshakeEvent {
    /// Done; the peer's certificate was checked before this was said. Said at most once.
    Connected { version: DtlsVersion, keys: SrtpKeys },
    /// Failed or closed.
    Ended(LegEnd),
}

/// One peer's handshake. Call `poll_*` until empty after every `handle_*`.
pub trait Handshake: Send {
    /// Takes a datagram that came from an address which passed ICE.
    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]);
    /// The deadline has come.
    fn handle_timeout(&mut self, now: Instant);
    /// When to call `handle_timeout`: a retransmission, or the end of patience.
    fn deadline(&self) -> Option<Instant>;
    /// The next datagram to send, written at the start of `buffer` (at least 1,200 bytes): its length.
    fn poll_transmit(&mut self, buffer: &mut [u8]) -> Option<usize>;
    fn poll_event(&mut self) -> Option<HandshakeEvent>;
    /// Says goodbye (close_notify); what it queues comes out of `poll_transmit`.
    fn close(&mut self, now: Instant);
}
