//! RTCP: compound packets read block by block, and written into a fixed buffer (RFC 3550 §6, RFC 4585,
//! RFC 5104, RFC 5506, draft-holmer-rmcat-transport-wide-cc-extensions-01).
//!
//! [`Compound`] splits a packet into [`Block`]s that borrow from it; [`RtcpWriter`] appends blocks to a
//! buffer. Every block has the same head:
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P| RC/FMT  |      PT       |   words after this one        |
//! ```

mod compound;
mod feedback;
mod remb;
mod report;
mod transport_cc;
mod writer;

#[cfg(test)]
mod tests;

pub use compound::{BLOCKS_MAX, Block, Compound, Malformed, Unknown};
pub use feedback::{Bye, Fir, FirEntry, Nack, Pli};
pub use remb::Remb;
pub use report::{ReceiverReport, ReportBlock, SenderInfo, SenderReport};
pub use transport_cc::{STATUSES_MAX, TransportCc};
pub use writer::{NoRoom, RtcpWriter};

/// Packet types (RFC 3550 §12.1, RFC 4585 §6.1) and the formats of feedback.
mod kind {
    pub(super) const SENDER_REPORT: u8 = 200;
    pub(super) const RECEIVER_REPORT: u8 = 201;
    pub(super) const SDES: u8 = 202;
    pub(super) const BYE: u8 = 203;
    pub(super) const TRANSPORT_FEEDBACK: u8 = 205;
    pub(super) const PAYLOAD_FEEDBACK: u8 = 206;

    /// RFC 4585 §6.2.1, of transport feedback.
    pub(super) const NACK: u8 = 1;
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1, of transport feedback.
    pub(super) const TRANSPORT_CC: u8 = 15;
    /// RFC 4585 §6.3.1, of payload feedback.
    pub(super) const PLI: u8 = 1;
    /// RFC 5104 §4.3.1, of payload feedback.
    pub(super) const FIR: u8 = 4;
    /// RFC 4585 §6.4 gives 15 to the application; it is a REMB if it says so.
    pub(super) const APPLICATION: u8 = 15;
}

/// RC and FMT have five bits (RFC 3550 §6.4.1).
const COUNT_MAX: usize = 31;
