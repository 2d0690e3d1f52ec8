//! Words that everyone shares: ids, time, units, sequence numbers, limits, secrets.
//!
//! Nothing here knows a protocol, a file or a socket; everything here is a plain value.

pub mod bitrate;
pub mod drops;
pub mod ids;
pub mod limits;
pub mod secret;
pub mod seq;
pub mod time;

pub use bitrate::Bitrate;
pub use drops::DropReason;
pub use ids::{LegId, Seat, VisitId};
pub use seq::{Seq16, Seq64};
pub use time::{Deadline, Instant};
