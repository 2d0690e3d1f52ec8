#![doc = include_str!("ARCHITECTURE.md")]

pub mod app;
pub mod base;
pub mod config;
pub mod link;
pub mod media;
