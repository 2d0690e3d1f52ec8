//! How many bytes pass a point in the last while.

use std::time::Duration;

use crate::base::Bitrate;

/// Bytes are counted in steps of this, and the last [`STEPS`] of them are the rate. A longer while would remember a
/// better path for longer after it became narrow; a shorter one holds too few frames (twelve now) to be even.
const STEP_MICROS: i64 = 50_000;
const STEPS: usize = 8;

/// Less than this is too little to tell a rate.
const LEAST_MICROS: i64 = 200_000;

/// A meter on a clock of microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Throughput {
    /// By step modulo [`STEPS`].
    steps: [u64; STEPS],
    /// The first and the newest moment since the beginning or the last pause.
    seen: Option<(i64, i64)>,
}

impl Throughput {
    /// Bytes passed. Times may come in any order; what is too old counts no more, and a leap begins anew.
    pub(super) fn take(&mut self, at: i64, bytes: u64) {
        self.advance(at);
        if let Some((_, newest)) = self.seen
            && step(newest) - step(at) < STEPS as i64
        {
            let bucket = &mut self.steps[place(step(at))];
            *bucket = bucket.saturating_add(bytes);
        }
    }

    /// The rate up to the newest moment; none if too little has been seen.
    pub(super) fn rate(&self) -> Option<Bitrate> {
        let (first, newest) = self.seen?;
        let oldest = (step(newest) - STEPS as i64 + 1).saturating_mul(STEP_MICROS);
        let span = newest - oldest.max(first);
        if span < LEAST_MICROS {
            return None;
        }
        let bytes = self.steps.iter().fold(0_u64, |sum, bytes| sum.saturating_add(*bytes));
        Bitrate::of(bytes, Duration::from_micros(span.unsigned_abs()))
    }

    /// The rate up to this moment, which is not before the newest.
    pub(super) fn rate_at(&mut self, at: i64) -> Option<Bitrate> {
        self.advance(at);
        self.rate()
    }

    fn advance(&mut self, at: i64) {
        const WHILE: i64 = STEP_MICROS * STEPS as i64;
        match &mut self.seen {
            Some((_, newest)) if at <= *newest && newest.saturating_sub(at) < 10 * WHILE => {}
            Some((_, newest)) if at > *newest && at.saturating_sub(*newest) < WHILE => {
                for passed in step(*newest) + 1..=step(at) {
                    self.steps[place(passed)] = 0;
                }
                *newest = at;
            }
            Some(_) | None => *self = Throughput { steps: [0; STEPS], seen: Some((at, at)) },
        }
    }
}

fn step(at: i64) -> i64 {
    at.div_euclid(STEP_MICROS)
}

fn place(step: i64) -> usize {
    const MASK: i64 = STEPS as i64 - 1;
    (step & MASK) as usize
}

const _: () = assert!(STEPS.is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds 1,000 bytes each 10 ms (800 kbit/s) from one moment to another.
    fn feed(meter: &mut Throughput, from_ms: i64, to_ms: i64) {
        for at in (from_ms..to_ms).step_by(10) {
            meter.take(at * 1_000, 1_000);
        }
    }

    #[test]
    fn an_even_stream_is_measured_from_a_fifth_of_a_second_on() {
        let mut meter = Throughput::default();
        feed(&mut meter, 0, 200);
        assert_eq!(meter.rate(), None);
        for end in [300, 777, 5_000] {
            feed(&mut meter, 200, end);
            let rate = meter.rate().unwrap().bps();
            assert!((780_000..=850_000).contains(&rate), "{end}: {rate}");
        }
    }

    #[test]
    fn a_pause_and_a_leap_begin_anew() {
        for leap in [2_000, -20_000, i64::MAX / 2_000, i64::MIN / 2_000] {
            let mut meter = Throughput::default();
            feed(&mut meter, 0, 1_000);
            meter.take(leap * 1_000, 1_000);
            assert_eq!(meter.rate(), None, "{leap}");
            meter.take(i64::MAX, 1_000);
            meter.take(i64::MIN, 1_000);
        }
    }

    #[test]
    fn silence_lowers_the_rate_as_it_lasts() {
        let mut meter = Throughput::default();
        feed(&mut meter, 0, 1_000);
        let half = meter.rate_at(1_190_000).unwrap().bps();
        assert!((380_000..=460_000).contains(&half), "{half}");
        assert_eq!(meter.rate_at(9_000_000), None);
    }
}
