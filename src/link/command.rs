//! What control tells media.

use serde::{Deserialize, Serialize};

use super::terms::{IceCredentials, LegTerms, Sources, Watching};
use crate::base::{LegId, Seat, VisitId};

/// One order to one worker. A worker never answers an order it cannot follow with an error: it says so in
/// an [`super::Event`], or, where the visit or leg has already gone, not at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Make room for a visit. Its seats are empty.
    OpenVisit { visit: VisitId },
    /// End a visit: every leg says goodbye (DTLS close_notify) and is forgotten.
    CloseVisit { visit: VisitId },
    /// Seat someone. A leg that sits there already gives way: the newest connection wins.
    Connect { visit: VisitId, seat: Seat, leg: LegId, terms: Box<LegTerms> },
    /// Unseat this leg, if it still sits there.
    Disconnect { visit: VisitId, seat: Seat, leg: LegId },
    /// What may be forwarded of this seat from now on. A muted source is dropped here too, whatever the
    /// page goes on sending.
    SetSources { visit: VisitId, seat: Seat, sources: Sources },
    /// The page of this leg restarts ICE (RFC 8445 §9): its network has changed. Keys and streams stay, and so does the
    /// old path, until a check with these credentials selects one; from then on the old ones are refused.
    RestartIce { visit: VisitId, seat: Seat, leg: LegId, local: IceCredentials, remote: IceCredentials },
    /// What the page of this leg shows from now on, if it still sits there.
    Watch { visit: VisitId, seat: Seat, leg: LegId, watching: Watching },
    /// Ask for an [`super::Event::Measured`] of this visit.
    Measure { visit: VisitId },
    /// Ask for a [`super::WorkerReport`].
    Report,
}
