//! When the packets of a sender arrived, by their transport-wide numbers: what its bandwidth estimate lives on
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).

use std::time::Duration;

use crate::base::{Instant, Seq16, Seq64};

/// How long arrivals are gathered before they are told. Longer would make the sender slow to notice a queue;
/// shorter would spend its downlink on feedback (media.md: 50 to 100 ms).
pub(super) const FEEDBACK_INTERVAL: Duration = Duration::from_millis(75);

/// Packets whose arrival is remembered: more than one interval of twice a leg's allowance. A flood that
/// overtakes it loses feedback, which its sender takes for loss, and rightly so.
const REMEMBERED: usize = 1_024;

/// Packets of one feedback datagram: in the worst coding (two bits and two bytes each) some 1,160 bytes.
pub(super) const TOLD_AT_ONCE: usize = 512;

/// draft-holmer §3.1.5: arrivals are told in ticks of 250 µs.
const TICK_NANOS: u64 = 250_000;

/// What the ring has of a packet that has not come.
const NEVER: u32 = 0;

/// The arrivals of one leg.
pub(super) struct Arrivals {
    /// By number modulo [`REMEMBERED`]: ticks without their high bits, or [`NEVER`], which is told as lost.
    ring: Box<[u32; REMEMBERED]>,
    /// The tick of the newest arrival. The others came within the twelve days before, so their high bits follow from it.
    last: u64,
    /// The highest number that came, unwrapped; None before the first.
    newest: Option<Seq64>,
    /// The lowest number that has not been told.
    untold: Seq64,
    /// When the first of the untold came: the feedback is due an interval later.
    waiting: Option<Instant>,
    /// Feedbacks so far; the sender finds lost ones by it.
    feedbacks: u8,
}

impl Default for Arrivals {
    fn default() -> Self {
        Arrivals {
            ring: Box::new([NEVER; REMEMBERED]),
            last: 0,
            newest: None,
            untold: Seq64::default(),
            waiting: None,
            feedbacks: 0,
        }
    }
}

impl Arrivals {
    /// A packet came. It was authenticated, so the number is the sender's own.
    pub(super) fn take(&mut self, now: Instant, number: Seq16) {
        let number = match self.newest {
            // A cycle above zero, so that packets from before the first have a number too.
            None => {
                let first = Seq64(0x1_0000 + u64::from(number.0));
                self.untold = first;
                self.newest = Some(first);
                first
            }
            Some(newest) => {
                let number = newest.nearest(number);
                if number.0 + REMEMBERED as u64 <= newest.0 {
                    return;
                }
                // What lies between has not come yet.
                let missing = (newest.0 + 1..number.0).rev().take(REMEMBERED);
                for missing in missing {
                    self.ring[place(missing)] = NEVER;
                }
                self.newest = Some(newest.max(number));
                number
            }
        };
        let tick = now.as_nanos() / TICK_NANOS;
        self.last = self.last.max(tick);
        self.ring[place(number.0)] = low(tick);
        // A late packet is told again, with those after it: the sender forgets nothing by hearing twice.
        self.untold = self.untold.min(number);
        let oldest = self.newest.map_or(0, |newest| (newest.0 + 1).saturating_sub(REMEMBERED as u64));
        self.untold = self.untold.max(Seq64(oldest));
        self.waiting.get_or_insert(now);
    }

    /// When feedback is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.map(|since| since + FEEDBACK_INTERVAL)
    }

    /// The next feedback: the number it begins with, and when that packet and those after it came, in the ticks
    /// of the feedback; None if there is nothing to tell. Say what was [`Arrivals::told`] and ask again.
    pub(super) fn untold<'a>(&mut self, buffer: &'a mut [Option<u64>; TOLD_AT_ONCE]) -> Option<(Seq16, &'a [Option<u64>])> {
        let newest = self.newest?;
        // Feedback begins with a packet that came.
        while self.untold <= newest && self.ring[place(self.untold.0)] == NEVER {
            self.untold = self.untold.next();
        }
        if self.untold > newest {
            self.waiting = None;
            return None;
        }
        let first = self.untold;
        let numbers = first.0..=newest.0;
        let mut count = 0;
        for (number, ticks) in numbers.zip(buffer.iter_mut()) {
            *ticks = whole(self.ring[place(number)], self.last);
            count += 1;
        }
        Some((first.wrapped(), &buffer[..count]))
    }

    /// This many of the untold were told, by one feedback.
    pub(super) fn told(&mut self, count: usize) {
        self.untold = Seq64(self.untold.0 + count as u64);
        self.feedbacks = self.feedbacks.wrapping_add(1);
    }

    /// Nothing can be told yet: what came is kept, and due an interval from now.
    pub(super) fn postpone(&mut self, now: Instant) {
        self.waiting = Some(now);
    }

    /// How many feedbacks there were, modulo 256.
    pub(super) fn feedbacks(&self) -> u8 {
        self.feedbacks
    }
}

/// What the ring keeps of a tick; in one of four thousand million it is a tick late.
#[expect(clippy::cast_possible_truncation, reason = "what lies above is known from the newest")]
fn low(tick: u64) -> u32 {
    (tick as u32).max(1)
}

/// The tick that was kept, now that the newest arrival is `last`.
fn whole(kept: u32, last: u64) -> Option<u64> {
    (kept != NEVER).then(|| last.saturating_sub(u64::from(low(last).wrapping_sub(kept))))
}

fn place(number: u64) -> usize {
    const MASK: u64 = REMEMBERED as u64 - 1;
    (number & MASK) as usize
}

const _: () = assert!(REMEMBERED.is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    /// All that is told now: numbers that came, in order.
    fn told(arrivals: &mut Arrivals) -> Vec<u16> {
        let mut numbers = Vec::new();
        let mut buffer = [None; TOLD_AT_ONCE];
        while let Some((first, came)) = arrivals.untold(&mut buffer) {
            numbers.extend((0u16..).zip(came).filter(|(_, came)| came.is_some()).map(|(offset, _)| first.0.wrapping_add(offset)));
            let count = came.len();
            arrivals.told(count);
        }
        numbers
    }

    #[test]
    fn each_arrival_is_told_once_across_the_wrap() {
        let mut arrivals = Arrivals::default();
        let numbers = [65_533, 65_534, 65_535, 0, 1, 3];
        for number in numbers {
            arrivals.take(at(5), Seq16(number));
        }
        assert_eq!(arrivals.due(), Some(at(80)));
        assert_eq!(told(&mut arrivals), numbers);
        assert_eq!(arrivals.due(), None);
        assert!(told(&mut arrivals).is_empty());
        arrivals.take(at(100), Seq16(4));
        assert_eq!(told(&mut arrivals), [4]);
    }

    #[test]
    fn when_a_packet_came_is_told_in_whole_ticks_across_the_wrap_of_what_is_kept() {
        for first in [7, (1 << 32) - 3, (5 << 32) - 3] {
            let mut arrivals = Arrivals::default();
            for number in 0..6u16 {
                arrivals.take(Instant::from_nanos((first + u64::from(number)) * TICK_NANOS), Seq16(number));
            }
            let mut buffer = [None; TOLD_AT_ONCE];
            let (_, came) = arrivals.untold(&mut buffer).unwrap();
            let late = |tick: u64| if tick.is_multiple_of(1 << 32) { tick + 1 } else { tick };
            let expected: Vec<_> = (first..first + 6).map(|tick| Some(late(tick))).collect();
            assert_eq!(came, expected);
        }
    }

    #[test]
    fn a_late_packet_is_told_when_it_comes() {
        let mut arrivals = Arrivals::default();
        for number in [10, 11, 13] {
            arrivals.take(at(0), Seq16(number));
        }
        assert_eq!(told(&mut arrivals), [10, 11, 13]);
        arrivals.take(at(90), Seq16(12));
        assert_eq!(told(&mut arrivals), [12, 13]);
        arrivals.take(at(95), Seq16(9));
        assert_eq!(told(&mut arrivals), [9, 10, 11, 12, 13], "even from before the first");
    }

    #[test]
    fn a_leap_forgets_and_never_tells_what_is_not_remembered() {
        let mut arrivals = Arrivals::default();
        for number in 0..2_000 {
            arrivals.take(at(0), Seq16(number));
        }
        assert_eq!(told(&mut arrivals), (976..2_000).collect::<Vec<_>>());
        arrivals.take(at(1), Seq16(30_000));
        arrivals.take(at(1), Seq16(5));
        arrivals.take(at(1), Seq16(29_999));
        assert_eq!(told(&mut arrivals), [29_999, 30_000]);
    }
}
