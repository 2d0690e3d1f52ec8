//! A worker without sockets and the people around it: a [`World`] has a shard, a clock and four browsers.

#![allow(dead_code, unused_imports, reason = "each test binary uses its part of this")]

pub(crate) mod arrivals;
pub(crate) mod browser;
pub(crate) mod fake_dtls;
pub(crate) mod network;
pub(crate) mod packets;
pub(crate) mod streams;
pub(crate) mod world;

pub(crate) use world::World;
