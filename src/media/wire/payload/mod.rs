//! What payloads say of themselves, as far as forwarding needs it.

pub mod vp8;
