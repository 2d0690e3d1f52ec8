//! A leg's allowance: how much of what it sends is taken.

use std::time::Duration;

use crate::base::Instant;

/// Bytes per second that one leg may send for as long as it likes. Three camera layers (2.2 Mbit/s), a screen
/// (2.5 Mbit/s) and probing of half as much again fit twice. More would let one page cost the worker three
/// times that in sealing; less would cut browsers that probe.
const RATE: u64 = 12_000_000 / 8;

/// Bytes that may come at once. More would let a flood through for longer; less would cut the keyframes of
/// three layers and a screen that come after a pause.
const BURST: u64 = RATE;

/// What a packet costs beyond its bytes, so that a flood of small ones counts too: at most some 11,000 a second.
const PER_PACKET: u64 = 100;

/// A token bucket. Only what authenticated is taken from it, so nobody else can empty it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    bytes: u64,
    filled: Instant,
}

impl Bucket {
    pub(super) fn new(now: Instant) -> Bucket {
        Bucket { bytes: BURST, filled: now }
    }

    /// Whether a packet of this length may come in.
    pub(super) fn allows(&mut self, now: Instant, len: usize) -> bool {
        let passed = now.since(self.filled).min(Duration::from_secs(1));
        let fresh = passed.as_micros() as u64 * RATE / 1_000_000;
        if fresh > 0 {
            self.bytes = (self.bytes + fresh).min(BURST);
            self.filled = now;
        }
        self.bytes >= cost(len)
    }

    /// Takes what an authenticated packet costs.
    pub(super) fn take(&mut self, len: usize) {
        self.bytes = self.bytes.saturating_sub(cost(len));
    }
}

fn cost(len: usize) -> u64 {
    len as u64 + PER_PACKET
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many packets of 1,200 bytes pass in a second, if this many come evenly spread.
    fn pass(now: &mut Instant, bucket: &mut Bucket, offered: u64) -> u64 {
        let mut passed = 0;
        for _ in 0..offered {
            *now += Duration::from_nanos(1_000_000_000 / offered);
            if bucket.allows(*now, 1_200) {
                bucket.take(1_200);
                passed += 1;
            }
        }
        passed
    }

    #[test]
    fn what_a_browser_sends_passes_and_ten_times_as_much_is_cut_to_the_rate() {
        let mut now = Instant::ZERO;
        let mut bucket = Bucket::new(now);
        for _ in 0..10 {
            assert_eq!(pass(&mut now, &mut bucket, 700), 700);
        }
        pass(&mut now, &mut bucket, 7_000);
        let steady = pass(&mut now, &mut bucket, 7_000);
        assert!((1_100..=1_160).contains(&steady), "{steady}");
    }

    #[test]
    fn packets_that_come_faster_than_the_clock_ticks_still_fill_the_bucket() {
        let mut now = Instant::ZERO;
        let mut bucket = Bucket::new(now);
        for _ in 0..2_000 {
            bucket.take(1_200);
        }
        assert!(!bucket.allows(now, 100));
        for _ in 0..2_000_000 {
            now += Duration::from_nanos(400);
            bucket.allows(now, 100);
        }
        assert!(bucket.allows(now, 1_200), "0.8 s have passed");
    }
}
