//! Whether packets arrive in clumps.
//!
//! What leaves a queue leaves at the pace of the narrow place behind it, each packet as long after the one before as it takes
//! there. What a radio holds up, and then hands on in order, comes all at once: behind such a path nothing stands, although
//! every packet is late; and what arrives of what is sent says little while it holds up.

use super::throughput::Throughput;
use crate::base::Bitrate;

/// A packet that comes within this part of the time that its bytes take at the rate of all arrivals has not waited for the
/// one before at a narrow place. A larger part would take a place that others fill to three quarters for no queue; of a smaller
/// one less is left than the 250 µs in which reporters count.
const PART: u64 = 8;
/// Clumps are where so much of what arrives, in hundredths, comes so. More would overlook those of a few small pictures; less
/// would be reached by what came before a path grew narrow.
const CLUMPED_PERCENT: u64 = 25;

/// Of what arrives, by the reporter's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clumps {
    at_once: Throughput,
    last: Option<i64>,
}

impl Clumps {
    /// So many bytes arrived, at this microsecond of the reporter's clock, where so much arrives at present.
    pub(super) fn take(&mut self, at: i64, bytes: u64, arrives: Option<Bitrate>) {
        let apart = self.last.map(|last| at.saturating_sub(last).unsigned_abs());
        // Both sides in millionths of a bit, without a division for each packet.
        let at_once = apart.zip(arrives).is_some_and(|(apart, rate)| {
            apart.saturating_mul(PART).saturating_mul(rate.bps()) < bytes.saturating_mul(8 * 1_000_000)
        });
        self.last = Some(at);
        self.at_once.take(at, if at_once { bytes } else { 0 });
    }

    /// Whether it comes in clumps.
    pub(super) fn are(&self, arrives: Bitrate) -> bool {
        self.at_once.rate().is_some_and(|at_once| at_once > arrives.percent(CLUMPED_PERCENT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of 1,000 bytes for two seconds, each `apart` µs after the other, handed on so many at once.
    fn arrived(apart: i64, together: i64) -> bool {
        let (mut clumps, mut arrives) = (Clumps::default(), Throughput::default());
        for number in 0..2_000_000 / apart {
            let at = (number / together + 1) * together * apart;
            clumps.take(at, 1_000, arrives.rate());
            arrives.take(at, 1_000);
        }
        clumps.are(arrives.rate().unwrap())
    }

    #[test]
    fn what_a_narrow_place_hands_on_is_no_clump_and_what_a_radio_held_up_is() {
        for (apart, together, expected) in [
            // 300 kbit/s, 2, 8 Mbit/s, one after the other.
            (26_000, 1, false),
            (4_000, 1, false),
            (1_000, 1, false),
            // The same, held up for some 50 ms.
            (26_000, 2, true),
            (4_000, 12, true),
            (1_000, 50, true),
        ] {
            assert_eq!(arrived(apart, together), expected, "{apart} µs apart, {together} together");
        }
    }

    #[test]
    fn nothing_is_a_clump_before_a_rate_is_known_and_no_clock_is_too_wild() {
        let mut clumps = Clumps::default();
        for at in [0, 0, i64::MAX, i64::MIN, 0] {
            clumps.take(at, 1_000_000, None);
            clumps.take(at, u64::MAX, Some(Bitrate::from_kbps(1)));
            assert!(!clumps.are(Bitrate::ZERO));
        }
    }
}
