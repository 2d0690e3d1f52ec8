//! A network that is not what one would like, tested twice: that what is asked of it is what it does, or nothing measured on
//! it would mean anything; and what visits are like behind it.
#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test knows what it made")]

#[path = "../support/forwarder/mod.rs"]
mod forwarder;
#[path = "../support/mod.rs"]
mod support;

use support::{network, packets};

mod through_a_forwarder;
mod wire;

mod house;
mod peer;
mod rows;
mod seeds;
