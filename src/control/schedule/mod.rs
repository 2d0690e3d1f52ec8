//! When a visit may be entered, and what makes an appointment whole. Pure.

pub mod booking;
pub mod draft;
pub mod window;

pub use booking::{Invitation, Invitee, booking};
pub use draft::{Draft, Fault, Known, Plan};
pub use window::{Phase, Window};
