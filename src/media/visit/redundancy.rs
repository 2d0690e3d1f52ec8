//! Whether a receiver's sound carries copies of what went before (RFC 2198): its own path decides.
//!
//! A copy costs as much as the sound itself, and only a path that loses packets has use for it. A sender's own error
//! correction never sees that path, so the copies are made here.

use std::time::Duration;

use crate::base::Instant;

/// media.md: more than 1 % lost. A higher mark would leave losses that people hear; a lower one would double the sound
/// of a path that loses a packet a minute. In 256ths, as reports count.
const LOSSY: u8 = 3;
/// From 6 % on two in a row are lost often enough to carry two copies, and from 12 % three.
const VERY_LOSSY: [u8; 2] = [16, 31];
/// How long a path must lose nothing before the copies end. Sooner would end them between two bursts.
const CALM: Duration = Duration::from_secs(10);

/// Losses so shortly before the estimate is cut came of what it is cut for. Longer would forgive a path that is bad
/// anyway, shorter would miss the first losses of a queue that is full.
const OWN_DOING: Duration = Duration::from_secs(1);

/// Beside a queue that stands for so long, copies end: what is lost behind it would be lost to them. Longer would leave everybody
/// late; shorter would end the copies of a path that has merely become longer, before that is known.
const CROWDED: Duration = Duration::from_secs(2);

/// How many copies each packet of sound carries.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Redundancy {
    copies: usize,
    /// When the path last lost enough for so many.
    lossy: Option<Instant>,
    /// When they were raised to so many.
    raised: Option<Instant>,
    /// Since when a queue has stood beside copies.
    crowded: Option<Instant>,
}

impl Redundancy {
    /// Copies that a packet may carry.
    pub(super) const COPIES_MAX: usize = 3;

    pub(super) fn copies(&self) -> usize {
        self.copies
    }

    /// The path lost so many of 256 packets lately.
    pub(super) fn learn(&mut self, now: Instant, loss: u8) {
        let needed = [LOSSY, VERY_LOSSY[0], VERY_LOSSY[1]].iter().filter(|mark| loss >= **mark).count();
        if needed >= self.copies {
            if needed > self.copies {
                self.raised = Some(now);
            }
            self.copies = needed;
            self.lossy = (needed > 0).then_some(now);
        } else if self.lossy.is_none_or(|at| now.since(at) >= CALM) {
            self.copies = needed;
            self.lossy = Some(now);
        }
    }

    /// Whether a queue stands on the path and does not go away.
    pub(super) fn crowd(&mut self, now: Instant, stands: bool) {
        if !stands || self.copies == 0 {
            self.crowded = None;
        } else if now.since(*self.crowded.get_or_insert(now)) >= CROWDED {
            *self = Redundancy::default();
        }
    }

    /// There was too much on the path, and now is less: what it has just lost, it lost to that. Copies would take the room
    /// that is left from the picture.
    pub(super) fn forgive(&mut self, now: Instant) {
        if self.raised.is_some_and(|at| now.since(at) < OWN_DOING) {
            *self = Redundancy::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_begin_with_the_first_losses_and_end_after_ten_calm_seconds() {
        let mut redundancy = Redundancy::default();
        for (seconds, loss, copies) in [
            (0, 0, 0),
            (1, 2, 0),
            (2, 3, 1),
            (3, 20, 2),
            (4, 0, 2),
            (12, 0, 2),
            (13, 0, 0),
            (20, 30, 2),
            (25, 5, 2),
            (30, 5, 1),
            (39, 0, 1),
            (40, 0, 0),
        ] {
            redundancy.learn(Instant::ZERO + Duration::from_secs(seconds), loss);
            assert_eq!(redundancy.copies(), copies, "after {seconds} s");
        }
    }

    #[test]
    fn copies_end_beside_a_queue_that_stands_and_not_beside_one_that_goes() {
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        let mut redundancy = Redundancy::default();
        redundancy.learn(at(0), 40);
        for (millis, stands, copies) in [
            (100, true, 3),
            (2_099, true, 3),
            (2_100, false, 3),
            (2_200, true, 3),
            (4_199, true, 3),
            (4_200, true, 0),
            (9_000, true, 0),
        ] {
            redundancy.crowd(at(millis), stands);
            assert_eq!(redundancy.copies(), copies, "after {millis} ms");
        }
        redundancy.learn(at(9_100), 3);
        redundancy.crowd(at(9_100), true);
        assert_eq!(redundancy.copies(), 1, "a new queue has its time");
    }

    #[test]
    fn what_was_lost_to_a_queue_that_was_full_brings_no_copies() {
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        for (raised, cut, copies) in [(0, 900, 0), (0, 1_000, 3)] {
            let mut redundancy = Redundancy::default();
            redundancy.learn(at(raised), 40);
            redundancy.learn(at(raised + 500), 40);
            redundancy.forgive(at(cut));
            assert_eq!(redundancy.copies(), copies, "{cut}");
        }
    }
}
