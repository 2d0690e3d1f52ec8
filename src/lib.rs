#![doc = include_str!("ARCHITECTURE.md")]

pub mod base;
pub mod control;
pub mod link;
pub mod media;
