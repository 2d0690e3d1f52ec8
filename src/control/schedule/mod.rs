//! When a visit may be entered, and what makes an appointment whole. Pure.

pub mod draft;
pub mod window;

pub use draft::{Draft, Fault, Known, Plan};
pub use window::{Phase, Window};
