//! Packets that left together, as one measurement of the path's delay.
//!
//! A frame leaves in a burst, and its last packet waits for all the others at the narrowest place of the path. That
//! is no queue; the first packet of the burst tells what stood there before.

use std::time::Duration;

use crate::base::Instant;

/// Packets that leave within this time are one burst. Longer would put two frames, or a frame and the sound
/// behind it, into one; shorter would make two of a frame that leaves in two turns of the loop.
const BURST: Duration = Duration::from_millis(5);

/// A burst: when it left, and how much longer than others its luckiest packet took, in microseconds of a scale
/// whose zero is anywhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Group {
    pub(super) sent: Instant,
    pub(super) delay: i64,
}

impl Group {
    /// When it arrived, by our clock, if the zero of delays were no delay.
    pub(super) fn arrived(&self) -> Instant {
        let late = Duration::from_micros(self.delay.unsigned_abs());
        if self.delay < 0 { self.sent - late } else { self.sent + late }
    }
}

/// Makes groups of packets that arrived.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Groups {
    open: Option<Group>,
}

impl Groups {
    /// The next packet that arrived, in the order of sending. Answers the group that is complete by it. A packet
    /// that comes after its group was closed says nothing.
    pub(super) fn take(&mut self, sent: Instant, delay: i64) -> Option<Group> {
        match &mut self.open {
            Some(group) if sent < group.sent => None,
            Some(group) if sent < group.sent + BURST => {
                group.delay = group.delay.min(delay);
                None
            }
            Some(_) | None => self.open.replace(Group { sent, delay }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_one_measurement_of_what_stood_before_it() {
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        let mut groups = Groups::default();
        let packets = [(10, 0), (10, 25), (10, 50), (14, 75), (9, 0), (15, 80), (16, 70), (40, 5)];
        let complete: Vec<_> = packets.into_iter().filter_map(|(sent, delay)| groups.take(at(sent), delay)).collect();
        assert_eq!(complete, [Group { sent: at(10), delay: 0 }, Group { sent: at(15), delay: 70 }]);
    }
}
