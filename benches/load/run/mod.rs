//! One run: visits fill up, settle, are measured second by second, and end.

pub mod crowd;
pub mod limits;
pub mod moving;
pub mod progress;
pub mod report;
pub mod seconds;

pub use crowd::{Refused, fill, settle};
pub use progress::Progress;
pub use seconds::{Second, measure};
