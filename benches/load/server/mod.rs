//! A release server of the bench's own, and where it runs.

pub mod own;
pub mod stage;

pub mod allocations;
pub mod network;
pub mod pin;
