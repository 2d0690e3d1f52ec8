//! The control process: everything that knows people, records and text; the side of the house that may wait.

pub mod words;

pub mod store;

pub mod negotiate;
pub mod schedule;
pub mod verify;

pub mod media;
pub mod registry;

pub mod api;
pub mod telemetry;
pub mod web;
