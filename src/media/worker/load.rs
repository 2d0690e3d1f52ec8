//! How busy a worker is: of the last second, how much of it the loop worked, and how long its turns were. Pure: it is
//! told the time.
//!
//! Contract: [`LoadMeter::sleep`] right before the loop waits, [`LoadMeter::wake`] right after. One second after another
//! is summed up in the first `wake` behind it, so the loop sleeps no longer than until [`LoadMeter::due`].
#![forbid(unsafe_code)]

use std::time::Duration;

use crate::base::Instant;
use crate::link::Load;

/// What one [`Load`] speaks of. Longer, and a storm of joins would be over before control hears of it; shorter, and one
/// burst of pictures would look like a crowd.
const SECOND: Duration = Duration::from_secs(1);

/// A longer turn is felt: whatever comes meanwhile waits for as much. A full outbox is sent in one millisecond, and a
/// worker that is nine tenths busy with batches still has turns of two. Shorter would count what is healthy; longer would
/// miss what our bound for added latency (5 ms in the worst hundredth) is made of.
const LONG: Duration = Duration::from_millis(3);

/// Adds up turns.
pub struct LoadMeter {
    /// When the present second began.
    since: Instant,
    /// When the present turn began; none while the worker sleeps.
    turn: Option<Instant>,
    worked: Duration,
    worked_long: Duration,
    longest: Duration,
    /// Of all seconds that are over.
    total: Duration,
    last: Load,
}

impl LoadMeter {
    /// Begins in the middle of a turn.
    pub fn new(now: Instant) -> LoadMeter {
        LoadMeter {
            since: now,
            turn: Some(now),
            worked: Duration::ZERO,
            worked_long: Duration::ZERO,
            longest: Duration::ZERO,
            total: Duration::ZERO,
            last: Load::default(),
        }
    }

    /// The turn is over.
    pub fn sleep(&mut self, now: Instant) {
        let Some(began) = self.turn.take() else { return };
        let turn = now.since(began);
        self.worked += turn;
        self.longest = self.longest.max(turn);
        if turn >= LONG {
            self.worked_long += turn;
        }
    }

    /// A turn begins. If a second is over with this, how it was.
    pub fn wake(&mut self, now: Instant) -> Option<Load> {
        self.turn = Some(now);
        if now < self.due() {
            return None;
        }
        let passed = now.since(self.since);
        self.last = Load {
            busy_permille: permille(self.worked, passed),
            long_turns_permille: permille(self.worked_long, passed),
            longest_turn_us: u32::try_from(self.longest.as_micros()).unwrap_or(u32::MAX),
        };
        self.total += self.worked;
        (self.worked, self.worked_long, self.longest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        self.since = now;
        Some(self.last)
    }

    /// When the present second is over.
    pub fn due(&self) -> Instant {
        self.since + SECOND
    }

    /// How the last second was that is over.
    pub fn last(&self) -> Load {
        self.last
    }

    /// For how long the worker has worked, in all seconds that are over.
    pub fn total_us(&self) -> u64 {
        u64::try_from(self.total.as_micros()).unwrap_or(u64::MAX)
    }
}

/// A part of some time, in thousandths.
fn permille(part: Duration, whole: Duration) -> u16 {
    let permille = part.as_nanos() * 1_000 / whole.as_nanos().max(1);
    u16::try_from(permille.min(1_000)).unwrap_or(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: u64) -> Instant {
        Instant::from_nanos(us * 1_000)
    }

    /// A second of turns that each work and then sleep for so many microseconds, then how it was.
    fn second(work_us: u64, sleep_us: u64) -> Load {
        let mut meter = LoadMeter::new(at(0));
        let mut now = 0;
        loop {
            now += work_us;
            meter.sleep(at(now));
            now += sleep_us;
            if let Some(load) = meter.wake(at(now)) {
                return load;
            }
        }
    }

    #[test]
    fn what_is_worked_and_not_slept_is_the_load() {
        for (work_us, sleep_us, busy, long, longest) in [
            (0, 1_000_000, 0, 0, 0),
            (10, 990, 10, 0, 10),
            (500, 500, 500, 0, 500),
            (900, 100, 900, 0, 900),
            // Batches: as busy, and healthy.
            (2_700, 300, 900, 0, 2_700),
            // As busy, and felt.
            (9_000, 1_000, 900, 900, 9_000),
            (1_000, 0, 1_000, 0, 1_000),
            (4_000, 0, 1_000, 1_000, 4_000),
        ] {
            let load = second(work_us, sleep_us);
            let Load { busy_permille, long_turns_permille, longest_turn_us } = load;
            assert_eq!((busy_permille, long_turns_permille, longest_turn_us), (busy, long, longest), "{work_us} {sleep_us}");
        }
    }

    #[test]
    fn a_second_is_told_once_and_the_next_one_begins_with_nothing() {
        let mut meter = LoadMeter::new(at(0));
        meter.sleep(at(400_000));
        assert_eq!(meter.wake(at(999_999)), None);
        meter.sleep(at(999_999));
        let first = meter.wake(at(1_000_000)).unwrap();
        assert_eq!((first.busy_permille, first.longest_turn_us), (400, 400_000));
        assert_eq!(meter.last(), first);
        meter.sleep(at(1_000_001));
        assert_eq!(meter.wake(at(1_999_999)), None);
        meter.sleep(at(1_999_999));
        assert_eq!(meter.wake(at(2_000_000)).unwrap(), Load { longest_turn_us: 1, ..Load::default() });
        assert_eq!(meter.total_us(), 400_001);
    }

    #[test]
    fn a_turn_that_outlasts_seconds_is_all_work() {
        let mut meter = LoadMeter::new(at(0));
        meter.sleep(at(5_000_000));
        let load = meter.wake(at(5_000_000)).unwrap();
        assert_eq!((load.busy_permille, load.long_turns_permille, load.longest_turn_us), (1_000, 1_000, 5_000_000));
        assert_eq!(meter.due(), at(6_000_000));
    }
}
