//! One protocol, one peer, sans-IO: bytes and `now` go in; bytes, deadlines and events come out.

pub mod bwe;
pub mod dtls;
pub mod ice;
pub mod srtp;
