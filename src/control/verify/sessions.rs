//! Sessions: how long they last, and whose a token is.

use std::time::Duration;

use jiff::Timestamp;

use crate::control::store::{Session, Store, StoreError};
use crate::control::words::{Act, Actor, Token};

/// How long a session lasts.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Without a request or an open stream of events.
    pub idle: Duration,
    /// In all.
    pub absolute: Duration,
}

impl Default for SessionLimits {
    /// Half an hour idle is what hospitals' automatic logoff asks; twelve hours outlast the longest visit
    /// and its window.
    fn default() -> SessionLimits {
        SessionLimits { idle: Duration::from_secs(30 * 60), absolute: Duration::from_secs(12 * 60 * 60) }
    }
}

/// How stale the record of use may be. Writing each time would make every look at a visit wait for the disk.
const SEEN_EVERY: Duration = Duration::from_secs(60);

impl SessionLimits {
    fn is_over(&self, session: &Session, now: Timestamp) -> bool {
        passed(session.seen_at, now) >= self.idle || passed(session.created_at, now) >= self.absolute
    }

    /// The living session of `token`. Looking at it is using it.
    pub async fn session(&self, store: &Store, token: &Token, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let digest = token.digest();
        let Some(session) = store.session(digest).await? else { return Ok(None) };
        if self.is_over(&session, now) {
            let act = Act::done(Actor::System, "session.end").in_visit(session.visit).to(session.participant);
            store.end_session(digest, &act, now).await?;
            return Ok(None);
        }
        if passed(session.seen_at, now) >= SEEN_EVERY {
            store.touch_session(digest, now).await?;
        }
        Ok(Some(session))
    }
}

/// Time from `since` to `now`; none, if the clock was stepped back.
fn passed(since: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(since).try_into().unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::VisitId;
    use crate::base::ids::ParticipantId;
    use crate::control::words::Role;

    #[test]
    fn a_session_ends_when_idle_or_old() {
        let start = Timestamp::constant(1_800_000_000, 0);
        let after = |minutes: u64| start + Duration::from_secs(minutes * 60);
        for (seen, now, over) in [(0, 0, false), (0, 29, false), (0, 30, true), (700, 719, false), (719, 720, true)] {
            let session = Session {
                participant: ParticipantId::from_bits(1),
                visit: VisitId::from_bits(1),
                role: Role::Patient,
                created_at: start,
                seen_at: after(seen),
            };
            assert_eq!(SessionLimits::default().is_over(&session, after(now)), over, "seen {seen}, now {now}");
        }
    }
}
