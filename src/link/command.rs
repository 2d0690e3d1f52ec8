//! What control tells media.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::terms::{LegTerms, Sources};
use crate::base::{LegId, Seat, VisitId};

/// The first message on the process's own connection: how many workers to start, and where they listen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// Threads to start, each with its own port; at least one.
    pub workers: u16,
    /// Addresses of this machine on which each worker opens a socket; at least one, at most eight.
    pub addresses: Vec<IpAddr>,
    /// The port of worker 0; worker n listens on `first_port + n`. Zero lets the system choose.
    pub first_port: u16,
}

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
    /// Ask for a [`super::WorkerReport`].
    Report,
}
