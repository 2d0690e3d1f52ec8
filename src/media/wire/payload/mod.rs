//! What payloads say of themselves, as far as forwarding needs it.

pub mod red;
pub mod vp8;
