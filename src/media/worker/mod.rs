//! One core's loop: `run` with its sockets and clock, [`shard`] without them.

mod route;
pub mod shard;
