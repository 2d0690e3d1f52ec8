//! SRTP and SRTCP (RFC 3711, RFC 7714), in place.
//!
//! An [`Opener`] undoes what the peer sealed, a [`Sealer`] seals what we send; a leg has one of each. They keep
//! the state: which streams there are, and what each has seen. Under them a stateless `cipher` does what the
//! profile says to one packet, with session keys that `kdf` derives once from what the handshake yields.
//!
//! Both allocate when they are made and never again.
#![forbid(unsafe_code)]

mod cipher;
mod cm;
mod gcm;
mod kdf;
mod keys;
mod opener;
mod sealer;
mod streams;
mod window;

pub use keys::{MasterKey, SrtpKeys};
pub use opener::{InboundSlot, Opened, Opener};
pub use sealer::{NotSealed, OutboundSlot, Sealer};

#[cfg(test)]
mod tests;
