//! ICE-lite (RFC 8445 §2.5): we announce, the peer checks, we answer. Nothing is ever sent to an address
//! that has not passed a check.
#![forbid(unsafe_code)]

use crate::base::{DropReason, Instant};
use crate::link::terms::IceCredentials;
use crate::media::net::path::Path;

/// What a check did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checked {
    /// Length of the answer, to go back on the path the check came by.
    pub reply_len: usize,
    /// Whether this check moved the leg to its path (USE-CANDIDATE, and it was elsewhere).
    pub selected: bool,
    /// A path that must be forgotten, because there is room for only so many validated ones.
    pub forgotten: Option<Path>,
}

/// One peer's agent, seen from the lite side.
pub struct IceLite {}

impl IceLite {
    pub fn new(local: IceCredentials, remote: IceCredentials, now: Instant) -> IceLite {
        let _ = (local, remote, now);
        todo!()
    }

    /// Answers a binding request whose username names this leg. `reply` has room for 128 bytes or more.
    pub fn handle_check(&mut self, now: Instant, path: Path, datagram: &[u8], reply: &mut [u8]) -> Result<Checked, DropReason> {
        let _ = (now, path, datagram, reply);
        todo!()
    }

    /// Where to send: the path of the newest check that carried USE-CANDIDATE.
    pub fn selected(&self) -> Option<Path> {
        todo!()
    }

    /// Whether this path has passed a check.
    pub fn is_validated(&self, path: Path) -> bool {
        let _ = path;
        todo!()
    }

    /// When the last valid check came; the start, if none has.
    pub fn last_heard(&self) -> Instant {
        todo!()
    }
}
