//! The media side's clock. A worker looks at it once per turn; everyone else is told.
#![forbid(unsafe_code)]

use crate::base::Instant;

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
}
