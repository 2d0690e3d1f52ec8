//! How much a stream has carried lately.

use crate::base::Instant;

/// The window is cut into buckets, so that a stream's age costs nothing.
const BUCKETS: usize = 12;
const BUCKET_NANOS: u64 = 250_000_000;
const BUCKETS_PER_SECOND: u64 = 1_000_000_000 / BUCKET_NANOS;

/// So many buckets must have ended before anything is said: a second. With fewer, the keyframe that a stream begins with
/// would be taken for its rate.
const BUCKETS_MIN: u64 = 4;

/// Bytes of the last three seconds. A longer window would be late to see a sender change its rate; in a shorter one each
/// keyframe would look like a rate, and a receiver whose path just holds a layer would lose it to every keyframe that
/// somebody else asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meter {
    buckets: [u32; BUCKETS],
    /// All of them.
    total: u64,
    /// The numbers, since the epoch, of the newest bucket and of the first since the stream rested.
    newest: u64,
    first: u64,
}

impl Meter {
    /// So many bytes came now.
    pub(super) fn take(&mut self, now: Instant, bytes: usize) {
        self.turn(now);
        let bucket = &mut self.buckets[place(self.newest)];
        let more = u32::try_from(bytes).unwrap_or(u32::MAX).min(u32::MAX - *bucket);
        *bucket += more;
        self.total += u64::from(more);
    }

    /// Bits per second over the window; zero as long as that would be a guess.
    pub(super) fn bits_per_second(&self, now: Instant) -> u64 {
        // Most are asked while they flow, and have turned.
        if self.newest == bucket_of(now) {
            return self.ended();
        }
        let mut turned = *self;
        turned.turn(now);
        turned.ended()
    }

    fn ended(&self) -> u64 {
        // The newest bucket has not ended.
        let count = (self.newest - self.first).min(BUCKETS as u64 - 1);
        if count < BUCKETS_MIN {
            return 0;
        }
        let bytes = self.total - u64::from(self.buckets[place(self.newest)]);
        bytes * 8 * BUCKETS_PER_SECOND / count
    }

    /// Empties the buckets that have ended since.
    fn turn(&mut self, now: Instant) {
        let bucket = bucket_of(now);
        let passed = bucket.saturating_sub(self.newest).min(BUCKETS as u64);
        for step in 1..=passed {
            self.total -= u64::from(std::mem::take(&mut self.buckets[place(bucket - passed + step)]));
        }
        self.newest = self.newest.max(bucket);
        if self.total == 0 {
            self.first = self.newest;
        }
    }
}

fn bucket_of(now: Instant) -> u64 {
    now.as_nanos() / BUCKET_NANOS
}

fn place(bucket: u64) -> usize {
    usize::try_from(bucket % BUCKETS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn an_even_stream_is_measured_after_a_second_and_forgotten_after_three() {
        let mut meter = Meter::default();
        for step in 0..300 {
            let now = at(5_000 + step * 10);
            let measured = meter.bits_per_second(now);
            assert!(if step < 100 { measured == 0 } else { measured == 100_000 }, "{step}: {measured}");
            meter.take(now, 125);
        }
        assert_eq!(meter.bits_per_second(at(8_000)), 100_000);
        assert!(meter.bits_per_second(at(9_500)) < 60_000);
        assert_eq!(meter.bits_per_second(at(11_000)), 0);
        assert_eq!(meter.bits_per_second(at(900_000)), 0);
    }

    #[test]
    fn a_keyframe_is_not_a_rate() {
        let mut meter = Meter::default();
        for frame in 0..300 {
            let bytes = if frame == 200 { 6_250 * 6 } else { 6_250 };
            meter.take(at(5_000 + frame * 33), bytes);
            let measured = meter.bits_per_second(at(5_000 + frame * 33));
            assert!(measured < 1_515_000 * 108 / 100, "{frame}: {measured}");
        }
    }
}
