//! The SFU: four seats that see and hear each other.
//!
//! [`Visit`] is a state machine without clock, socket or randomness: it is told datagrams, commands and the
//! time, within a [`Turn`] that lends it the outbox, the counters and the random numbers of its shard.
//!
//! Along a packet: `ingress` opens it and finds its track, `forward` offers it to the lines of the other
//! seats, `rewrite` gives it each line's numbers, `egress` writes and seals it. Around that: `leg` connects,
//! `watch` chooses layers, `keyframes` asks for pictures, `feedback` hears RTCP and `reports` speaks it.
#![forbid(unsafe_code)]

mod allot;
mod allowance;
mod arrivals;
mod bucket;
pub mod budget;
mod cache;
mod clock;
pub mod counters;
mod demand;
mod downlink;
mod egress;
mod facts;
mod feedback;
mod flow;
mod forward;
mod governor;
mod ingress;
mod keyframes;
mod leg;
mod line;
mod meter;
mod missing;
mod pictures;
pub mod random;
mod reception;
mod redundancy;
mod repair;
mod repairable;
mod reports;
mod rewrite;
mod sent;
mod sequence;
mod speaker;
mod timeline;
mod track;
pub mod turn;
#[expect(clippy::module_inception, reason = "a file is named like its type, a folder like its subject")]
mod visit;
mod watch;

pub use turn::Turn;
pub use visit::Visit;
