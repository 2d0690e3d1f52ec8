//! Who someone is: the birth-date check, the terms, how often it may be tried, sessions, and the staff's tokens.
//!
//! A link (192 random bits) is what lets a person in. The birth date is a check that the right person holds
//! it, never a secret that opens anything by itself.

pub mod check;
pub mod sessions;
pub mod staff;
pub mod steps;
pub mod terms;
pub mod throttle;

pub use check::{Claim, ClaimError, Who, matching};
pub use sessions::SessionLimits;
pub use steps::{Step, Steps};
pub use throttle::{DoorLimits, Throttle};
