//! What a connected leg has: keys, tracks in, lines out, and what is said about both.

use super::arrivals::Arrivals;
use super::bucket::Bucket;
use super::clock::SenderClock;
use super::demand::Demand;
use super::downlink::Downlink;
use super::line::Lines;
use super::random::Random;
use super::repairable::Repairable;
use super::reports::FIRST_REPORT;
use super::track::Inbound;
use crate::base::Instant;
use crate::link::terms::{LegTerms, Ssrc};
use crate::media::proto::srtp::{Opener, Sealer, SrtpKeys};

/// Media of one leg, both ways, from the handshake's end on.
pub(super) struct Flow {
    pub(super) opener: Opener,
    pub(super) sealer: Sealer,
    pub(super) inbound: Inbound,
    pub(super) lines: Lines,
    pub(super) bucket: Bucket,
    /// Whether what is lost on the way up is made up for.
    pub(super) repairable: Repairable,
    /// Whether we have dropped some of it ourselves since the last report: that is not lost on the way.
    pub(super) refused: bool,
    /// When anything authenticated came last.
    pub(super) heard: Instant,
    /// Whether the answer asked for the arrivals' feedback.
    pub(super) transport_cc: bool,
    pub(super) arrivals: Arrivals,
    pub(super) downlink: Downlink,
    /// What the others take of its camera.
    pub(super) demand: Demand,
    /// The peer's NTP clock.
    pub(super) clock: SenderClock,
    /// Ours, where we speak as a receiver.
    pub(super) ssrc: Ssrc,
    pub(super) cname: Box<str>,
    /// When sender and receiver reports are due.
    pub(super) reports_due: Instant,
}

impl Flow {
    pub(super) fn new(terms: &LegTerms, keys: &SrtpKeys, now: Instant, random: &mut Random) -> Flow {
        let mut sealer = Sealer::new(keys.profile, &keys.local);
        let lines = Lines::new(&terms.outbound, &mut sealer, random);
        let inbound = Inbound::new(terms);
        Flow {
            opener: Opener::new(keys.profile, &keys.remote),
            sealer,
            lines,
            repairable: Repairable::default(),
            refused: false,
            bucket: Bucket::new(now),
            heard: now,
            transport_cc: inbound.transport_cc(),
            inbound,
            arrivals: Arrivals::default(),
            downlink: Downlink::new(terms, now),
            demand: Demand::default(),
            clock: SenderClock::default(),
            ssrc: Ssrc(random.word()),
            cname: terms.cname.as_str().into(),
            reports_due: now + FIRST_REPORT,
        }
    }
}
