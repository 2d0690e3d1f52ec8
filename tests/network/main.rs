//! The network of the tests, tested: what is asked of it is what it does, or nothing measured on it would mean anything.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/network/mod.rs"]
mod network;

mod wire;
