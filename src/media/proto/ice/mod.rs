//! ICE-lite (RFC 8445 §2.5): we announce, the peer checks, we answer. Nothing is ever sent to an address
//! that has not passed a check.
#![forbid(unsafe_code)]

mod lite;
mod paths;

pub use lite::{Checked, IceLite, Outdated};

#[cfg(test)]
mod tests;
