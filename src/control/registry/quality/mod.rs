//! How people's connections fare, in words that a help desk can say on the telephone.
//!
//! Media counts; every two seconds it is asked how far it has come. Pure: told facts and when, it answers with words.
//!
//! - [`span`]: what came and what did not between two looks at one leg.
//! - [`trouble`]: what may be wrong with a connection, and from when on it is.
//! - [`history`]: what was wrong with one person's connections, and whether something is.
//! - [`report`]: all of it for one visit, as staff and providers read it.

mod history;
mod report;
mod span;
mod trouble;

#[cfg(test)]
mod tests;

pub(super) use history::{Connection, History};
pub use report::VisitQuality;
