//! Four people in a visit: whole shards with scripted browsers around them, on a clock of the test's own.
#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "scripted browsers know what they made")]

#[path = "../support/mod.rs"]
mod support;

mod abuse;
mod attention;
mod forwarding;
mod keyframes;
mod people;
mod repairs;
mod reports;
mod restart;
mod snapshots;
mod worker;
