//! Wires everything: what starts in which order, and how it stops. Only this folder knows both sides.

mod addresses;
mod failure;
mod tls;

pub use failure::Failure;
