//! The media side's clock. A worker looks at it once per turn; everyone else is told.
#![forbid(unsafe_code)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::base::Instant;

/// What waits longer for its turn is taken to have come just now: rather the wall clock was set meanwhile.
const WAITS_MAX: Duration = Duration::from_secs(1);

/// Monotonic time since this clock was made. Copies share the epoch, so all workers of a process agree.
#[derive(Clone, Copy)]
pub struct Clock {
    /// Linux answers this from CLOCK_MONOTONIC without entering the kernel.
    epoch: std::time::Instant,
}

impl Clock {
    /// A clock whose epoch is now.
    pub fn start() -> Clock {
        Clock { epoch: std::time::Instant::now() }
    }

    pub fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    /// The time, and what the wall clock says of it.
    pub fn look(&self) -> Look {
        Look { now: self.now(), wall: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() }
    }
}

/// One moment by both clocks: the kernel stamps what arrives by the wall clock, which may be set.
#[derive(Clone, Copy)]
pub struct Look {
    pub now: Instant,
    /// Since 1970.
    wall: Duration,
}

impl Look {
    /// When that was which the kernel stamped so, never later than this moment; this moment if that cannot be told.
    pub fn when(&self, stamp: Option<Duration>) -> Instant {
        let waited = stamp.and_then(|stamp| self.wall.checked_sub(stamp)).filter(|waited| *waited <= WAITS_MAX);
        self.now - waited.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_agree_and_time_never_goes_back() {
        let clock = Clock::start();
        let copy = clock;
        let (first, second, third) = (clock.now(), copy.now(), clock.now());
        assert!(first <= second && second <= third);
    }

    #[test]
    fn what_was_stamped_came_as_long_ago_as_the_wall_clock_says_unless_it_was_set() {
        let millis = Duration::from_millis;
        let wall = Duration::from_secs(1_800_000_000);
        let look = Look { now: Instant::ZERO + millis(5_000), wall };
        for (stamp, came) in [
            (Some(wall), 5_000),
            (Some(wall - millis(7)), 4_993),
            (Some(wall - millis(1_000)), 4_000),
            // Set forward, set back, and never stamped.
            (Some(wall - millis(1_001)), 5_000),
            (Some(wall + millis(1)), 5_000),
            (None, 5_000),
        ] {
            assert_eq!(look.when(stamp), Instant::ZERO + millis(came), "{stamp:?}");
        }
        let young = Look { now: Instant::ZERO + millis(1), wall };
        assert_eq!(young.when(Some(wall - millis(2))), Instant::ZERO);
    }
}
