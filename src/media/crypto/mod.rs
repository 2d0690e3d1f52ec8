//! The only door to the crypto library: SRTP's ciphers in place, HMAC-SHA1, SHA-256, constant-time compare.
//!
//! Every key here is expanded once, when it is made. What runs per packet works on the caller's bytes and on
//! the stack: no key schedule, no allocation, neither in Rust nor in the library's C. Nothing here knows a
//! protocol; what a nonce is made of, and that it is used once, is the caller's duty.
#![forbid(unsafe_code)]

mod ctr;
mod digest;
mod gcm;
mod hmac;

pub use ctr::AesCtr;
pub use digest::{equal, sha256};
pub use gcm::AesGcm;
pub use hmac::HmacSha1;
