//! The media side: packets in, packets out. It knows no name, no record and no text, and no file but the empty one that it locks.
//!
//! Read it along a packet: [`worker`] receives and routes, [`visit`] decides and rewrites, [`proto`] speaks
//! each protocol to one peer, [`wire`] turns bytes into values and back, [`crypto`] is the only door to the
//! crypto library, [`net`] the only one to the kernel.

pub mod crypto;
pub mod net;
pub mod proto;
pub mod visit;
pub mod wire;
pub mod worker;
