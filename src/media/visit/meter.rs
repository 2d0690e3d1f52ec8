//! How much a stream has carried lately.

use std::time::Duration;

use crate::base::Instant;

/// The window is cut into buckets, so that a stream's age costs nothing.
const BUCKETS: usize = 4;
const BUCKET: Duration = Duration::from_millis(250);

/// Bytes of the last second. A longer window would be late to see a layer begin; a shorter one would see keyframes as
/// a rate of their own.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meter {
    buckets: [u32; BUCKETS],
    /// The number of the newest bucket since the epoch.
    newest: u64,
}

impl Meter {
    /// So many bytes came now.
    pub(super) fn take(&mut self, now: Instant, bytes: usize) {
        self.turn(now);
        let bucket = &mut self.buckets[(self.newest % BUCKETS as u64) as usize];
        *bucket = bucket.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// Bits per second over the window.
    pub(super) fn bits_per_second(&self, now: Instant) -> u64 {
        let mut turned = *self;
        turned.turn(now);
        turned.ended()
    }

    fn ended(&self) -> u64 {
        // The newest bucket has not ended; what the others say of a whole second is nearer to the truth.
        let current = (self.newest % BUCKETS as u64) as usize;
        let ended = self.buckets.iter().enumerate().filter(|(place, _)| *place != current);
        let bytes: u64 = ended.map(|(_, bytes)| u64::from(*bytes)).sum();
        bytes * 8 * BUCKETS as u64 / (BUCKETS as u64 - 1)
    }

    /// Empties the buckets that have ended since.
    fn turn(&mut self, now: Instant) {
        let bucket = now.as_nanos() / BUCKET.as_nanos() as u64;
        let passed = bucket.saturating_sub(self.newest).min(BUCKETS as u64);
        for step in 1..=passed {
            self.buckets[((bucket - passed + step) % BUCKETS as u64) as usize] = 0;
        }
        self.newest = self.newest.max(bucket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn an_even_stream_is_measured_and_forgotten_within_a_second() {
        let mut meter = Meter::default();
        for step in 0..300 {
            meter.take(at(5_000 + step * 10), 125);
        }
        assert_eq!(meter.bits_per_second(at(8_000)), 100_000);
        assert!(meter.bits_per_second(at(8_500)) < 70_000);
        assert_eq!(meter.bits_per_second(at(9_000)), 0);
        assert_eq!(meter.bits_per_second(at(900_000)), 0);
    }
}
