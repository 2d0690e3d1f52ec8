//! One run: visits fill up, settle, are measured second by second, and end.

pub mod asking;
pub mod crowd;
pub mod limits;
pub mod measured;
pub mod moving;
pub mod progress;
pub mod report;
pub mod seconds;

pub use crowd::{fill, settle};
pub use progress::Progress;
pub use seconds::Second;
