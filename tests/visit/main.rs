//! Four people in a visit: whole shards with scripted browsers around them, on a clock of the test's own.

#[path = "../support/mod.rs"]
mod support;

mod abuse;
mod forwarding;
mod keyframes;
mod people;
mod reports;
