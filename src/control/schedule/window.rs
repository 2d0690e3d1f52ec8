//! The window in which a visit may be entered.

use std::time::Duration;

use jiff::Timestamp;

/// How long before the start a visit opens, and how long after the end it closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub opens_before: Duration,
    pub closes_after: Duration,
}

impl Default for Window {
    fn default() -> Window {
        Window { opens_before: Duration::from_secs(30 * 60), closes_after: Duration::from_secs(2 * 60 * 60) }
    }
}

/// Where a moment lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Early,
    Open,
    Closed,
}

impl Window {
    /// The first moment at which the visit is open.
    pub fn opens_at(&self, start: Timestamp) -> Timestamp {
        start.checked_sub(self.opens_before).unwrap_or(Timestamp::MIN)
    }

    /// When the appointment's own time is over.
    pub fn ends_at(start: Timestamp, duration_minutes: u32) -> Timestamp {
        start.checked_add(Duration::from_secs(u64::from(duration_minutes) * 60)).unwrap_or(Timestamp::MAX)
    }

    /// The first moment at which it is open no more.
    pub fn closes_at(&self, start: Timestamp, duration_minutes: u32) -> Timestamp {
        Window::ends_at(start, duration_minutes).checked_add(self.closes_after).unwrap_or(Timestamp::MAX)
    }

    pub fn phase(&self, start: Timestamp, duration_minutes: u32, now: Timestamp) -> Phase {
        if now < self.opens_at(start) {
            Phase::Early
        } else if now < self.closes_at(start, duration_minutes) {
            Phase::Open
        } else {
            Phase::Closed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundaries_are_exact() {
        let window = Window::default();
        let start: Timestamp = "2026-11-01T13:00:00Z".parse().unwrap();
        for (now, phase) in [
            ("2026-11-01T12:29:59.999999Z", Phase::Early),
            ("2026-11-01T12:30:00Z", Phase::Open),
            ("2026-11-01T13:00:00Z", Phase::Open),
            ("2026-11-01T15:29:59.999999Z", Phase::Open),
            ("2026-11-01T15:30:00Z", Phase::Closed),
        ] {
            assert_eq!(window.phase(start, 30, now.parse().unwrap()), phase, "{now}");
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let window = Window { opens_before: Duration::from_secs(u64::MAX / 4), closes_after: Duration::from_secs(u64::MAX / 4) };
        assert_eq!(window.phase(Timestamp::MAX, 480, Timestamp::UNIX_EPOCH), Phase::Open);
    }
}
