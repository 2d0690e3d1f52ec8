//! Live visits: who is here, who waits, who sits where, and which worker carries them.
//!
//! - [`visit`]: the rules, a pure state machine; [`person`]: someone in it.
//! - [`scene`]: what goes on between those who sit, as media and pages say it; [`layout`]: what one page shows.
//! - [`quality`]: how their connections fare; [`measuring`]: how that is found out and told.
//! - [`view`]: what each person may see of it.
//! - [`ports`]: what the rest of the house must lend: media workers.
//! - [`capacity`]: what the workers can still take on, pure.
//! - [`live`]: the visits in memory, each behind its own lock, and how one is changed.
//! - [`door`]: from a link and a birth date to a participant and a session.
//! - [`planning`]: moving an appointment, replacing a link.
//! - [`host`]: getting ready, waiting, letting in, sending out, ending.
//! - [`seats`]: from an offer to a leg on a worker.
//! - [`resume`]: what media has carried on while control was away.
//! - [`run`]: what happens by itself: time passes, media says things.

mod capacity;
mod door;
mod host;
pub mod layout;
mod live;
mod measuring;
pub mod person;
mod planning;
pub mod ports;
mod quality;
mod resume;
mod run;
mod scene;
mod seats;
pub mod view;
pub mod visit;

#[cfg(test)]
mod tests;

pub use capacity::{Bounds, Refusals};
pub use door::{DoorReport, Entered, Refusal};
pub use live::{Parts, Registry, VisitError, Watcher};
pub use planning::MoveError;
pub use quality::VisitQuality;
pub use seats::SeatError;
