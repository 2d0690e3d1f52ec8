//! Times as numbers: ours, and the reporter's, which begins anywhere, wraps, and may jump.

use crate::base::Instant;

/// draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1: a tick is 250 µs, a reference time 64 ms.
const TICK_MICROS: i64 = 250;
const TICKS_PER_REFERENCE: i64 = 256;
const REFERENCE_BITS: u32 = 24;

/// Microseconds of our own clock.
pub(super) fn micros(now: Instant) -> i64 {
    i64::try_from(now.as_nanos() / 1_000).unwrap_or(i64::MAX)
}

/// The reporter's clock, unwrapped.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReporterClock {
    /// The last reference time, as it stood in the feedback and as it counts.
    newest: Option<(u32, i64)>,
}

impl ReporterClock {
    /// Where a feedback's deltas count from: the moment nearest to the feedback before with this reference time.
    pub(super) fn begin(&mut self, reference: u32) -> Arrival {
        let unwrapped = match self.newest {
            None => i64::from(reference),
            Some((newest, unwrapped)) => {
                const ABOVE: u32 = 32 - REFERENCE_BITS;
                let delta = (reference.wrapping_sub(newest) << ABOVE).cast_signed() >> ABOVE;
                unwrapped.saturating_add(i64::from(delta))
            }
        };
        self.newest = Some((reference, unwrapped));
        Arrival { ticks: unwrapped.saturating_mul(TICKS_PER_REFERENCE) }
    }
}

/// A moment of the reporter's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Arrival {
    ticks: i64,
}

impl Arrival {
    pub(super) fn advance(&mut self, delta: i16) {
        self.ticks = self.ticks.saturating_add(i64::from(delta));
    }

    pub(super) fn micros(self) -> i64 {
        self.ticks.saturating_mul(TICK_MICROS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_times_wrap_both_ways() {
        let mut clock = ReporterClock::default();
        let top = (1 << 24) - 1;
        for (reference, expected) in
            [(top, i64::from(top)), (1, i64::from(top) + 2), (top, i64::from(top)), (5, i64::from(top) + 6)]
        {
            assert_eq!(clock.begin(reference).ticks, expected * 256);
        }
        let mut arrival = clock.begin(5);
        arrival.advance(-256);
        assert_eq!(arrival.micros(), (i64::from(top) + 5) * 64_000);
    }

    #[test]
    fn a_clock_that_leaps_for_ever_overflows_nothing() {
        let mut clock = ReporterClock { newest: Some((0, i64::MAX - 5)) };
        for leap in 1..5 {
            let mut arrival = clock.begin(leap * 0x7f_ffff);
            arrival.advance(i16::MAX);
            assert_eq!(arrival.micros(), i64::MAX);
        }
    }
}
