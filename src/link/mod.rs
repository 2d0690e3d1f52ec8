//! The whole of what media and control know of each other: a few enums and plain values.
//!
//! Control says [`Command`], a worker says [`Event`]; on the process's own connection they say [`Order`] and
//! [`Greeting`]. Each message is one datagram of a Unix SEQPACKET
//! socket, at most [`crate::base::limits::LINK_MESSAGE_MAX`] bytes, in postcard. These are the only types
//! with a wire form between the two processes. Neither a name, nor a date, nor any text of SDP passes here.

pub mod command;
pub mod event;
pub mod lock;
pub mod process;
pub mod socket;
pub mod terms;

pub use command::Command;
pub use event::{Downlink, Event, LegEnd, LegFacts, LegSnapshot, LegState, Load, Uplink, VisitSnapshot, WorkerReport};
pub use process::{Greeting, Order, Setup};
pub use terms::{Fingerprint, IceCredentials, LegTerms, Rank, Sources, Tile, Watching};
