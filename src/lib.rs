#![doc = include_str!("ARCHITECTURE.md")]

pub mod app;
pub mod base;
pub mod config;
pub mod control;
pub mod link;
pub mod media;
