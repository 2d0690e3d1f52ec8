//! Live visits: who is here, who waits, who sits where, and which worker carries them.
//!
//! - [`visit`]: the rules, a pure state machine.
//! - [`view`]: what each person may see of it.
//! - [`ports`]: what the rest of the house must lend: media workers.
//! - [`live`]: the visits in memory, each behind its own lock, and time passing over them.
//! - [`door`]: from a link and a birth date to a participant and a session.
//! - [`planning`]: moving an appointment, replacing a link.
//! - [`seats`]: from an offer to a leg on a worker, and what media says of it.

mod door;
mod live;
mod planning;
pub mod ports;
mod seats;
pub mod view;
pub mod visit;

#[cfg(test)]
mod tests;

pub use door::{DoorReport, Entered, Refusal};
pub use live::{Parts, Registry, VisitError, Watcher};
pub use planning::MoveError;
pub use seats::SeatError;
