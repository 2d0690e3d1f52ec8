//! Which packets of a sender's stream did not come, and when to ask for them (RFC 4585 §6.2.1).
//!
//! ```text
//!   gap seen ──20 ms or 3 newer packets──► ask ──a round trip──► ask … at most 10 times, at most for 1 s
//! ```
//!
//! A packet that merely overtook others must not be asked for at once: each request that was for nothing costs the
//! sender's uplink a packet.

use std::time::Duration;

use crate::base::{Instant, Seq16, Seq64};

/// Gaps that are remembered. A wider burst than this is an outage, and ends with a keyframe.
const GAPS: usize = 128;

/// How long a gap may close by itself. Longer would make each repair later; shorter would ask for packets that come.
const PATIENCE: Duration = Duration::from_millis(20);
/// Packets after a gap that say as much as [`PATIENCE`] does (RFC 5681 §3.2 takes three for a loss, too).
const OVERTAKEN: u64 = 3;
/// media.md: at most 10 times over 1 s.
const TRIES: u8 = 10;
const AGE_MAX: Duration = Duration::from_secs(1);
/// No two requests for one packet are closer, however short the path seems.
const APART_MIN: Duration = Duration::from_millis(20);

/// The gaps of one stream.
pub(super) struct Missing {
    /// Sorted by index; allocated once.
    gaps: Vec<Gap>,
    /// The highest index that came.
    newest: Seq64,
    /// Gaps that a repair has closed.
    repaired: u64,
}

/// Short, because every stream has room for all of its gaps from the beginning.
#[derive(Clone, Copy)]
struct Gap {
    index: Seq64,
    since: Instant,
    /// When it was asked for last, counted from `since`, which is a second away at most.
    asked_us: u32,
    /// How often it was asked for.
    tries: u8,
}

const _: () = assert!(size_of::<Gap>() <= 24);

impl Missing {
    /// The stream begins with this packet.
    pub(super) fn new(first: Seq64) -> Missing {
        Missing { gaps: Vec::with_capacity(GAPS), newest: first, repaired: 0 }
    }

    /// A packet came, by itself.
    pub(super) fn came(&mut self, now: Instant, index: Seq64) {
        if index <= self.newest {
            self.close(index);
            return;
        }
        let gap = self.newest.0 + 1..index.0;
        self.newest = index;
        let width = gap.end - gap.start;
        if width > GAPS as u64 {
            // Nobody waits for any of it: the next keyframe begins anew.
            self.gaps.clear();
            return;
        }
        let room = GAPS - self.gaps.len();
        let excess = usize::try_from(width).unwrap_or(GAPS).saturating_sub(room);
        self.gaps.drain(..excess.min(self.gaps.len()));
        self.gaps.extend(gap.map(|index| Gap { index: Seq64(index), since: now, asked_us: 0, tries: 0 }));
    }

    /// A packet came as a repair. Whether it was missed.
    pub(super) fn repaired(&mut self, index: Seq64) -> bool {
        let missed = self.close(index);
        self.repaired += u64::from(missed);
        missed
    }

    /// The index nearest to what has come, with these low bits.
    pub(super) fn nearest(&self, number: Seq16) -> Seq64 {
        self.newest.nearest(number)
    }

    /// How many came as a repair.
    pub(super) fn repairs(&self) -> u64 {
        self.repaired
    }

    /// Nobody looks at the stream: what is missing is missed by nobody.
    pub(super) fn forget(&mut self) {
        self.gaps.clear();
    }

    /// When something is to be asked for, or given up.
    pub(super) fn due(&self, round_trip: Duration) -> Option<Instant> {
        self.gaps.iter().map(|gap| gap.due(self.newest, round_trip)).min()
    }

    /// Writes the numbers to ask for now, in order; says how many. Gaps that are too old are given up.
    pub(super) fn ask(&mut self, now: Instant, round_trip: Duration, into: &mut [Seq16; ASKED_AT_ONCE]) -> usize {
        self.gaps.retain(|gap| now.since(gap.since) < AGE_MAX && gap.tries < TRIES);
        let newest = self.newest;
        let due = self.gaps.iter_mut().filter(|gap| gap.due(newest, round_trip) <= now);
        let mut count = 0;
        for (gap, place) in due.zip(into) {
            // Rounded up: no two requests are closer for it.
            gap.asked_us = u32::try_from(now.since(gap.since).as_nanos().div_ceil(1_000)).unwrap_or(u32::MAX);
            gap.tries += 1;
            *place = gap.index.wrapped();
            count += 1;
        }
        count
    }

    fn close(&mut self, index: Seq64) -> bool {
        let place = self.gaps.binary_search_by_key(&index, |gap| gap.index);
        place.map(|place| self.gaps.remove(place)).is_ok()
    }
}

/// Numbers of one request: what is left is asked for right after.
pub(super) const ASKED_AT_ONCE: usize = 64;

impl Gap {
    fn due(&self, newest: Seq64, round_trip: Duration) -> Instant {
        let ends = self.since + AGE_MAX;
        let asks = match self.tries {
            TRIES.. => ends,
            1.. => self.since + Duration::from_micros(self.asked_us.into()) + round_trip.max(APART_MIN),
            0 if newest.0 >= self.index.0 + OVERTAKEN => self.since,
            0 => self.since + PATIENCE,
        };
        asks.min(ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    /// What is asked for in each millisecond from `from` on.
    fn asked(missing: &mut Missing, from: u64, until: u64) -> Vec<(u64, u16)> {
        let mut asked = Vec::new();
        for millis in from..until {
            if missing.due(RTT).is_some_and(|due| due <= at(millis)) {
                let mut numbers = [Seq16(0); ASKED_AT_ONCE];
                let count = missing.ask(at(millis), RTT, &mut numbers);
                asked.extend(numbers[..count].iter().map(|number| (millis, number.0)));
            }
        }
        asked
    }

    #[test]
    fn a_lost_packet_is_asked_for_once_per_round_trip_until_it_comes() {
        let mut missing = Missing::new(Seq64(65_534));
        missing.came(at(0), Seq64(65_536));
        assert_eq!(asked(&mut missing, 0, 250), [(20, 65_535), (120, 65_535), (220, 65_535)]);
        assert!(missing.repaired(Seq64(65_535)));
        assert!(!missing.repaired(Seq64(65_535)), "it comes twice");
        assert_eq!(asked(&mut missing, 250, 2_000), []);
        assert_eq!(missing.repairs(), 1);
    }

    #[test]
    fn three_packets_after_it_say_that_it_is_lost() {
        let mut missing = Missing::new(Seq64(10));
        missing.came(at(0), Seq64(12));
        missing.came(at(3), Seq64(13));
        assert_eq!(asked(&mut missing, 3, 6), []);
        missing.came(at(6), Seq64(14));
        assert_eq!(asked(&mut missing, 6, 7), [(6, 11)]);
    }

    #[test]
    fn packets_that_were_overtaken_are_not_asked_for() {
        let mut missing = Missing::new(Seq64(0));
        for pair in 0..500 {
            missing.came(at(pair * 10), Seq64(pair * 2 + 2));
            missing.came(at(pair * 10 + 4), Seq64(pair * 2 + 1));
            assert_eq!(asked(&mut missing, pair * 10, pair * 10 + 10), []);
        }
    }

    #[test]
    fn what_never_comes_is_given_up_after_ten_tries_or_a_second() {
        let mut missing = Missing::new(Seq64(0));
        missing.came(at(0), Seq64(2));
        assert_eq!(asked(&mut missing, 0, 3_000).len(), 10);
        assert_eq!(missing.due(RTT), None);
        let mut missing = Missing::new(Seq64(0));
        missing.came(at(0), Seq64(2));
        let mut numbers = [Seq16(0); ASKED_AT_ONCE];
        assert_eq!(missing.ask(at(1_000), RTT, &mut numbers), 0);
    }

    #[test]
    fn an_outage_is_not_asked_for_and_gaps_are_bounded() {
        let mut missing = Missing::new(Seq64(0));
        missing.came(at(0), Seq64(100_000));
        assert_eq!(missing.due(RTT), None);
        for step in 0..1_000 {
            missing.came(at(0), Seq64(100_000 + step * 50));
            assert!(missing.gaps.len() <= GAPS && missing.gaps.capacity() == GAPS);
        }
    }

    #[test]
    fn more_than_fit_one_request_are_asked_for_in_the_next() {
        let mut missing = Missing::new(Seq64(0));
        missing.came(at(0), Seq64(101));
        let mut numbers = [Seq16(0); ASKED_AT_ONCE];
        assert_eq!(missing.ask(at(0), RTT, &mut numbers), ASKED_AT_ONCE);
        assert_eq!(missing.due(RTT), Some(at(0)));
        assert_eq!(missing.ask(at(0), RTT, &mut numbers), 34, "two may still have been overtaken");
    }
}
