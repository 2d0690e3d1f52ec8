//! Monotonic time as the media side knows it: told, never asked.

use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A moment on the media side's own clock: nanoseconds since an epoch that the process chose when it
/// started. It never goes back, and it says nothing about the date.
///
/// `std::time::Instant` cannot be made from a number, so a simulation could not choose it; this one can.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Instant(u64);

impl Instant {
    /// The epoch itself.
    pub const ZERO: Instant = Instant(0);

    /// The moment this many nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole milliseconds, but for the bits above sixteen: enough to tell what was a minute ago.
    #[expect(clippy::cast_possible_truncation, reason = "what lies above is not wanted")]
    pub const fn low_millis(self) -> u16 {
        (self.0 / 1_000_000) as u16
    }

    /// The time from `earlier` to this moment; zero if `earlier` is later.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A duration in whole nanoseconds; 584 years fit, more saturates.
#[expect(clippy::cast_possible_truncation, reason = "what would not fit was looked at just before")]
const fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(nanos(duration)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    fn sub(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_sub(nanos(duration)))
    }
}

/// When to come back, and why: one day you will want to know what woke you.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadline {
    pub at: Instant,
    pub why: &'static str,
}

impl Deadline {
    /// The earlier of two deadlines, where there are any.
    pub fn earlier(a: Option<Deadline>, b: Option<Deadline>) -> Option<Deadline> {
        match (a, b) {
            (Some(a), Some(b)) => Some(if b.at < a.at { b } else { a }),
            (a, b) => a.or(b),
        }
    }
}
