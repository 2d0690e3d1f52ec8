//! The network of the tests, tested: what is asked of it is what it does, or nothing measured on it would mean anything.
#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test knows what it made")]

#[path = "../support/forwarder/mod.rs"]
mod forwarder;
#[path = "../support/network/mod.rs"]
mod network;
#[path = "../support/packets.rs"]
#[allow(dead_code, reason = "checks are all it needs of them")]
mod packets;

mod through_a_forwarder;
mod wire;
