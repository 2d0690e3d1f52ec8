//! The control process: everything that knows a name.

pub mod media;
