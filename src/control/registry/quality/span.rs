//! What came and what did not between two looks at one leg.

use crate::control::registry::person::Now;
use crate::link::LegFacts;

/// From one look at a leg to the next. What only counts is the difference of both, what is measured is as of the later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) from: Now,
    pub(super) to: Now,
    pub(super) uplink: Share,
    pub(super) downlink: Share,
    pub(super) jitter_ms: u64,
    /// Nothing while it is not known.
    pub(super) round_trip_ms: u64,
    /// What the path to the person is thought to carry; none while nobody knows.
    pub(super) estimate_kbps: Option<u64>,
    /// Whether somebody's pictures are withheld.
    pub(super) paused: bool,
}

/// How many of how many packets were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) lost: u64,
    pub(super) of: u64,
}

impl Span {
    /// None where the later counts less than the earlier: then media has begun anew, and nothing can be compared.
    pub(super) fn between((earlier, from): (&LegFacts, Now), (later, to): (&LegFacts, Now)) -> Option<Span> {
        let grown = |earlier: u64, later: u64| later.checked_sub(earlier);
        // Every counter is looked at: one that shrank speaks for all.
        grown(earlier.uplink.repaired, later.uplink.repaired)?;
        grown(earlier.downlink.repairs, later.downlink.repairs)?;
        let (came, lost) = (grown(earlier.uplink.packets, later.uplink.packets)?, grown(earlier.uplink.lost, later.uplink.lost)?);
        let downlink = Share {
            lost: grown(earlier.downlink.lost, later.downlink.lost)?,
            of: grown(earlier.downlink.packets, later.downlink.packets)?,
        };
        Some(Span {
            from,
            to,
            uplink: Share { lost, of: came.saturating_add(lost) },
            downlink,
            jitter_ms: milliseconds(later.uplink.jitter_us),
            round_trip_ms: later.downlink.round_trip_us.map_or(0, milliseconds),
            estimate_kbps: kilobits(later.downlink.estimate_bps),
            paused: later.downlink.paused.contains(&true),
        })
    }
}

impl Share {
    pub(super) fn and(self, more: Share) -> Share {
        Share { lost: self.lost.saturating_add(more.lost), of: self.of.saturating_add(more.of) }
    }

    /// In percent; nothing is lost of nothing.
    #[expect(clippy::cast_precision_loss, reason = "a percentage is read to one place behind the point")]
    pub(super) fn percent(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.lost as f64 * 100.0 / self.of as f64 }
    }
}

pub(super) fn milliseconds(us: u32) -> u64 {
    u64::from(us).saturating_add(500) / 1_000
}

/// Zero bits are no estimate: media has heard nothing yet from which to make one.
pub(super) fn kilobits(bps: u64) -> Option<u64> {
    (bps > 0).then(|| bps.saturating_add(500) / 1_000)
}
