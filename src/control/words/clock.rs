//! What time it is, as the control side is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::base::Instant;

/// Two clocks in one: the date, by which visits open and close, and the time that passed, by which a seat
/// is kept for someone who lost the connection. The first may be stepped by an operator, the second never
/// goes back.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System {
        started: std::time::Instant,
    },
    /// Begins elsewhere and goes on at the pace of this machine.
    Shifted {
        started: std::time::Instant,
        wall: Timestamp,
    },
    Manual(Arc<Manual>),
}

#[derive(Debug)]
struct Manual {
    wall_us: AtomicI64,
    passed_us: AtomicI64,
}

impl Clock {
    /// The clocks of this machine.
    pub fn system() -> Clock {
        Clock(Source::System { started: std::time::Instant::now() })
    }

    /// A clock that shows `wall` now and goes on from there.
    pub fn starting_at(wall: Timestamp) -> Clock {
        Clock(Source::Shifted { started: std::time::Instant::now(), wall })
    }

    /// A clock that stands at `wall` until it is told otherwise.
    pub fn manual(wall: Timestamp) -> Clock {
        Clock(Source::Manual(Arc::new(Manual { wall_us: AtomicI64::new(wall.as_microsecond()), passed_us: AtomicI64::new(0) })))
    }

    /// The date and time, to the microsecond that records keep.
    pub fn now(&self) -> Timestamp {
        let us = match &self.0 {
            Source::System { .. } => Timestamp::now().as_microsecond(),
            Source::Shifted { started, wall } => wall.checked_add(started.elapsed()).unwrap_or(Timestamp::MAX).as_microsecond(),
            Source::Manual(manual) => manual.wall_us.load(Ordering::SeqCst),
        };
        Timestamp::from_microsecond(us).unwrap_or(Timestamp::MIN)
    }

    /// Time passed since this clock was made.
    pub fn passed(&self) -> Instant {
        match &self.0 {
            Source::System { started } | Source::Shifted { started, .. } => Instant::ZERO + started.elapsed(),
            Source::Manual(manual) => {
                Instant::ZERO + Duration::from_micros(manual.passed_us.load(Ordering::SeqCst).unsigned_abs())
            }
        }
    }

    /// Lets time pass on a manual clock; a system clock does not listen.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            let us = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            manual.wall_us.fetch_add(us, Ordering::SeqCst);
            manual.passed_us.fetch_add(us, Ordering::SeqCst);
        }
    }

    /// Steps the date of a manual clock, as an operator would: no time passes.
    pub fn step_to(&self, wall: Timestamp) {
        if let Source::Manual(manual) = &self.0 {
            manual.wall_us.store(wall.as_microsecond(), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_clock_goes_on_from_where_it_begins() {
        let wall = Timestamp::constant(1_800_000_000, 0);
        let clock = Clock::starting_at(wall);
        let (first, second) = (clock.now(), clock.now());
        assert!(wall <= first && first <= second && second < wall + Duration::from_secs(600));
    }

    #[test]
    fn a_stepped_date_lets_no_time_pass() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        clock.advance(Duration::from_secs(5));
        clock.step_to(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        assert_eq!(clock.passed(), Instant::from_nanos(5_000_000_000));
    }
}
