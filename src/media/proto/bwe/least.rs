//! A minimum that forgets.

use std::time::Duration;

use crate::base::Instant;

/// The least of the values of a while: at least one span, at most two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Least<T> {
    span: Duration,
    /// When the current span began.
    began: Instant,
    before: Option<T>,
    current: Option<T>,
}

impl<T: Ord + Copy> Least<T> {
    pub(super) fn new(now: Instant, span: Duration) -> Least<T> {
        Least { span, began: now, before: None, current: None }
    }

    pub(super) fn take(&mut self, now: Instant, value: T) {
        if now >= self.began + self.span {
            self.before = self.current.take();
            self.began = now;
        }
        self.current = Some(self.current.map_or(value, |least| least.min(value)));
    }

    pub(super) fn get(&self) -> Option<T> {
        match (self.before, self.current) {
            (Some(before), Some(current)) => Some(before.min(current)),
            (before, current) => before.or(current),
        }
    }

    /// Forgets everything before, and begins with this value.
    pub(super) fn restart(&mut self, now: Instant, value: T) {
        *self = Least { current: Some(value), ..Least::new(now, self.span) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_kept_for_one_span_and_forgotten_after_two() {
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let mut least = Least::new(at(0), Duration::from_secs(10));
        assert_eq!(least.get(), None);
        for (second, value, expected) in [(0, 7, 7), (9, 3, 3), (10, 5, 3), (19, 8, 3), (20, 9, 5), (30, 9, 9), (31, 1, 1)] {
            least.take(at(second), value);
            assert_eq!(least.get(), Some(expected), "{second} s");
        }
        least.restart(at(32), 4);
        assert_eq!(least.get(), Some(4));
    }
}
