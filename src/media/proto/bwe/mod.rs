//! How much a receiver's downlink carries: the estimate that decides which layers it gets.
//!
//! The receiver tells when each packet arrived (transport-wide-cc), and nothing else is known of the path. What
//! we send is chosen in steps (a layer, or the next), in bursts of a frame, and mostly stays far below what the
//! path could carry. So what arrives proves little, and four questions are kept apart:
//!
//! - [`queue`]: does a queue stand on the path? `groups` takes the bursts out of the delays, `trend` says
//!   whether the queue is going away already, `clumps` whether a radio holds packets up and not a queue.
//! - [`loss`]: are packets lost because there are too many, or just lost?
//! - [`throughput`]: what does arrive?
//! - [`probe`]: would more arrive? Only trying tells, with padding, for a moment.
//!
//! [`rate`] makes one number of the answers: down at once to what arrives, up slowly as far as what is sent proves,
//! and up at once as far as a probe proves. [`estimator`] is where they meet; `sent` remembers what was sent until
//! its fate is known, `clock` reads the reporter's time, `least` is a minimum that forgets.
//!
//! The ideas are those of draft-ietf-rmcat-gcc-02 and its successors, except that the queue is judged by the least
//! delay of a third of a second above the least of half a minute, not by its gradient alone: a gradient takes jitter
//! for a queue, and overlooks a queue that is full.
#![forbid(unsafe_code)]

mod attempt;
mod clock;
mod clumps;
mod estimator;
mod groups;
mod least;
mod loss;
mod probe;
mod queue;
mod rate;
mod sent;
mod throughput;
mod trend;

pub use attempt::Padding;
pub use estimator::{Content, Estimator};
pub use rate::FLOOR;
pub use sent::Name;

#[cfg(test)]
mod tests;
