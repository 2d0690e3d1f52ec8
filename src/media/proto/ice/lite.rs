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
    /// What whoever routes by path or name has to look at again.
    pub outdated: Outdated,
}

/// What is not true any more after a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outdated {
    Nothing,
    /// This path is validated no more, because there is room for only so many.
    Path(Path),
    /// A restart has come to its end: the old name, and the paths that are validated no more. See
    /// [`IceLite::answers_to`] and [`IceLite::is_validated`].
    Credentials,
}

/// One peer's agent, seen from the lite side.
///
/// It is told each check by [`IceLite::handle_check`] and has nothing to do in between: it sends no checks of
/// its own, so it has no deadline. Whoever owns it compares [`IceLite::last_heard`] with its patience.
pub struct IceLite {
    /// Where we send, and may be asked to.
    current: Session,
    /// RFC 8445 §9: after a restart the old paths are used until a new one is selected. A second restart before that
    /// takes the place of the first.
    next: Option<Session>,
    last_heard: Instant,
}

/// Credentials, and the paths that were checked with them: what a restart makes anew.
struct Session {
    /// Our fragment, and both as the peer's checks must name them.
    ufrag: Vec<u8>,
    username: Vec<u8>,
    /// Keyed with our password: proves the peer's checks and our answers (RFC 8445 §7.2.2).
    integrity: HmacSha1,
    paths: Paths,
}

impl IceLite {
    pub fn new(local: IceCredentials, remote: IceCredentials, now: Instant) -> IceLite {
        IceLite { current: Session::new(&local, &remote), next: None, last_heard: now }
    }

    /// Takes checks with new credentials, too. The first of them that selects a path puts an end to the old ones.
    pub fn restart(&mut self, local: &IceCredentials, remote: &IceCredentials) {
        self.next = Some(Session::new(local, remote));
    }

    /// Answers a binding request whose username names this leg. `reply` has room for 128 bytes or more.
    ///
    /// A check by the right peer that asks for something wrong is answered with an error; it proves its path,
    /// but selects nothing and does not count as consent.
    pub fn handle_check(&mut self, now: Instant, path: Path, datagram: &[u8], reply: &mut [u8]) -> Result<Checked, DropReason> {
        let request = Request::parse(datagram)?;
        let is_next = self.authenticate(&request)?;
        let reply = reply.first_chunk_mut().ok_or(DropReason::OutboxFull)?;
        let was = self.selected();
        let session = self.next.as_mut().filter(|_| is_next).unwrap_or(&mut self.current);
        let forgotten = session.paths.validate(path);
        let (response, nominated) = match refusal(&request) {
            Some(refusal) => (Response::refusal(reply, request.transaction, refusal), false),
            None => {
                self.last_heard = now;
                // RFC 8445 §7.3.1.5: the controlling peer nominates; a check without it changes nothing.
                if request.use_candidate {
                    session.paths.select(path);
                }
                (Response::success(reply, request.transaction, path.remote), request.use_candidate)
            }
        };
        let reply_len = response.finish(|covered| session.integrity.tag(&[covered]));
        let restarted = self.next.take_if(|_| is_next && nominated).map(|next| self.current = next).is_some();
        let outdated = match forgotten.filter(|&path| !self.is_validated(path)) {
            _ if restarted => Outdated::Credentials,
            Some(path) => Outdated::Path(path),
            None => Outdated::Nothing,
        };
        Ok(Checked { reply_len, selected: nominated && was != Some(path), outdated })
    }

    /// Where to send: the path of the newest check that carried USE-CANDIDATE.
    pub fn selected(&self) -> Option<Path> {
        self.current.paths.selected()
    }

    /// Whether this path has passed a check with credentials that still count.
    pub fn is_validated(&self, path: Path) -> bool {
        self.sessions().any(|session| session.paths.is_validated(path))
    }

    /// Whether checks may come under this fragment of ours.
    pub fn answers_to(&self, ufrag: &[u8]) -> bool {
        self.sessions().any(|session| session.ufrag == ufrag)
    }

    /// When the last valid check came; the start, if none has. A check is the peer's consent too (RFC 7675 §5.1).
    pub fn last_heard(&self) -> Instant {
        self.last_heard
    }

    fn sessions(&self) -> impl Iterator<Item = &Session> {
        [Some(&self.current), self.next.as_ref()].into_iter().flatten()
    }

    /// Whether it came with the credentials of a restart.
    ///
    /// RFC 8489 §9.1.3 would have errors sent to strangers; we are silent, so that nobody learns whom we know
    /// and nobody is sent what they did not ask for.
    fn authenticate(&self, request: &Request<'_>) -> Result<bool, DropReason> {
        let named = |session: &&Session| request.username == Some(session.username.as_slice());
        let (current, next) = (Some(&self.current).filter(named), self.next.as_ref().filter(named));
        if current.or(next).is_none() {
            return Err(DropReason::StunUnknownUser);
        }
        let integrity = request.integrity.as_ref().ok_or(DropReason::StunUnauthenticated)?;
        let proves = |session: &&Session| session.integrity.verify(&integrity.covered(), integrity.tag);
        match (current.filter(proves), next.filter(proves)) {
            (_, Some(_)) => Ok(true),
            (Some(_), None) => Ok(false),
            (None, None) => Err(DropReason::StunUnauthenticated),
        }
    }
}

impl Session {
    fn new(local: &IceCredentials, remote: &IceCredentials) -> Session {
        Session {
            ufrag: local.ufrag.as_bytes().to_vec(),
            username: [local.ufrag.as_bytes(), b":", remote.ufrag.as_bytes()].concat(),
            integrity: HmacSha1::new(local.password.expose().as_bytes()),
            paths: Paths::new(),
        }
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
