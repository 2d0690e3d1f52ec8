//! One peer's agent, seen from the lite side.

use super::paths::Paths;
use crate::base::{DropReason, Instant};
use crate::link::terms::IceCredentials;
use crate::media::crypto::HmacSha1;
use crate::media::net::path::Path;
use crate::media::wire::stun::{Refusal, Request, Response};

/// What a check did. After it the path it came by is validated.
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
///
/// It is told each check by [`IceLite::handle_check`] and has nothing to do in between: it sends no checks of
/// its own, so it has no deadline. Whoever owns it compares [`IceLite::last_heard`] with its patience.
pub struct IceLite {
    /// Ours and the peer's fragments, as the peer's checks must name them.
    username: Vec<u8>,
    /// Keyed with our password: proves the peer's checks and our answers (RFC 8445 §7.2.2).
    integrity: HmacSha1,
    paths: Paths,
    last_heard: Instant,
}

impl IceLite {
    pub fn new(local: IceCredentials, remote: IceCredentials, now: Instant) -> IceLite {
        IceLite {
            username: [local.ufrag.as_bytes(), b":", remote.ufrag.as_bytes()].concat(),
            integrity: HmacSha1::new(local.password.expose().as_bytes()),
            paths: Paths::new(),
            last_heard: now,
        }
    }

    /// Answers a binding request whose username names this leg. `reply` has room for 128 bytes or more.
    ///
    /// A check by the right peer that asks for something wrong is answered with an error; it proves its path,
    /// but selects nothing and does not count as consent.
    pub fn handle_check(&mut self, now: Instant, path: Path, datagram: &[u8], reply: &mut [u8]) -> Result<Checked, DropReason> {
        let request = Request::parse(datagram)?;
        self.authenticate(&request)?;
        let reply = reply.first_chunk_mut().ok_or(DropReason::OutboxFull)?;
        let forgotten = self.paths.validate(path);
        let (response, selected) = match refusal(&request) {
            Some(refusal) => (Response::refusal(reply, request.transaction, refusal), false),
            None => {
                self.last_heard = now;
                // RFC 8445 §7.3.1.5: the controlling peer nominates; a check without it changes nothing.
                let selected = request.use_candidate && self.paths.select(path);
                (Response::success(reply, request.transaction, path.remote), selected)
            }
        };
        let reply_len = response.finish(|covered| self.integrity.tag(&[covered]));
        Ok(Checked { reply_len, selected, forgotten })
    }

    /// Where to send: the path of the newest check that carried USE-CANDIDATE.
    pub fn selected(&self) -> Option<Path> {
        self.paths.selected()
    }

    /// Whether this path has passed a check.
    pub fn is_validated(&self, path: Path) -> bool {
        self.paths.is_validated(path)
    }

    /// When the last valid check came; the start, if none has. A check is the peer's consent too (RFC 7675 §5.1).
    pub fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// RFC 8489 §9.1.3 would have errors sent to strangers; we are silent, so that nobody learns whom we know
    /// and nobody is sent what they did not ask for.
    fn authenticate(&self, request: &Request<'_>) -> Result<(), DropReason> {
        if request.username != Some(&self.username) {
            return Err(DropReason::StunUnknownUser);
        }
        let integrity = request.integrity.as_ref().ok_or(DropReason::StunUnauthenticated)?;
        if !self.integrity.verify(&integrity.covered(), integrity.tag) {
            return Err(DropReason::StunUnauthenticated);
        }
        Ok(())
    }
}

/// What is wrong with a request whose sender is the right one.
fn refusal<'a>(request: &'a Request<'_>) -> Option<Refusal<'a>> {
    // RFC 8489 §6.3.1: what must be understood and is not, is refused with its name.
    if !request.unknown().is_empty() {
        return Some(Refusal::UnknownAttributes(request.unknown()));
    }
    // RFC 8445 §6.1.1: a lite agent facing a full one is always the controlled one, so tie-breakers decide nothing.
    request.ice_controlled.map(|_tie_breaker| Refusal::RoleConflict)
}
