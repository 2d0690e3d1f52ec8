//! When a visit may be entered, by whose leave, and what makes an appointment whole. Pure.

pub mod booking;
pub mod draft;
pub mod policy;
pub mod window;

pub use booking::{Invitation, Invitee, booking};
pub use draft::{Draft, Fault, Known, Plan};
pub use policy::{Admission, Rejoin, Rules};
pub use window::{Phase, Window};
