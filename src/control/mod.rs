//! The control process: who may meet when, who is who, and what the pages and programs are told.

pub mod words;

pub mod store;

pub mod schedule;
pub mod verify;

pub mod registry;

pub mod api;
pub mod telemetry;
