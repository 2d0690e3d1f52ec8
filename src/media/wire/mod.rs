//! Bytes ↔ values, without state: nothing here panics on any input, and parsing allocates nothing.
#![forbid(unsafe_code)]

pub mod allocation;
mod cursor;
pub mod demux;
pub mod ext;
pub mod payload;
pub mod rtcp;
pub mod rtp;
pub mod stun;
