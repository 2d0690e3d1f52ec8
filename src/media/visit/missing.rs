//! Which packets of a sender's stream did not come, and when to ask for them (RFC 4585 §6.2.1).
//!
//! ```text
//!   gap seen ──20 ms or 3 newer packets──► ask ──a round trip──► ask ──half──► ask … ten times in all, at most 1 s
//!                                              └───half, where requests are lost───┘
//! ```
//!
//! A packet that merely overtook others must not be asked for at once: each request that was for nothing costs the
//! sender's uplink a packet. What has not come a round trip after it was asked for is another matter: the request was lost,
//! or the repair. Browsers send a packet again only when a round trip has passed since they last did, by their own reckoning:
//! requests that come once in ours fall just short of it, and every other one is for nothing. So they come twice as often, and
//! the browser sees to it that they do not bring more than one repair each.

use std::time::Duration;

use crate::base::{Instant, Seq16, Seq64};

/// Gaps that are remembered. A wider burst than this is an outage, and ends with a keyframe.
const GAPS: usize = 128;

/// How long a gap may close by itself. Longer would make each repair later; shorter would ask for packets that come.
const PATIENCE: Duration = Duration::from_millis(20);
/// Packets after a gap that say as much as [`PATIENCE`] does (RFC 5681 §3.2 takes three for a loss, too).
const OVERTAKEN: u64 = 3;
/// So often a packet is asked for (media.md). More would load a path that is lossy anyway; fewer would give up a packet that
/// two losses in a row can bring back late.
const TRIES: u8 = 10;
/// So often a keyframe is asked for in the stead of what was given up, each half second, if none comes. More would go on and on at
/// a camera that is off; fewer would leave a picture standing on a path that loses requests, until its receivers complain.
const KEYFRAME_TRIES: u8 = 10;
/// Round trips for which a gap is known, and how long at most. For longer, and the keyframe that makes up for it would be
/// there sooner; for less, a path of 500 ms there and back would have one try.
const ROUND_TRIPS: u32 = 8;
const AGE_MAX: Duration = Duration::from_secs(1);
/// What a round trip is taken for at least. Less would ask for one packet more often than each 10 ms; more would let a near
/// sender's picture stand for nothing.
const ROUND_TRIP_MIN: Duration = Duration::from_millis(20);
/// A browser answers so much later than a round trip after its last answer at the soonest: five milliseconds (libwebrtc), and what its
/// reckoning is longer than ours. More would make a second repair later for nothing; less would come too soon, and the next request
/// after it would be the one that is answered, half a round trip later.
const ANSWERED_APART: Duration = Duration::from_millis(8);
/// Into so many parts a round trip is divided by requests that are asked anew. More would use the tries up before a path has
/// had time to bring a repair; with one, a browser whose round trip is a little longer than ours passes over every other.
const PARTS: u32 = 2;

// Where one part lies between any two tries, the last is not before the keyframe is due: who asks then sees to both.
const _: () = assert!(ROUND_TRIPS / 2 * PARTS < TRIES as u32);

/// What the asking goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) round_trip: Duration,
    /// Whether requests are lost on their way, so that one is no request.
    pub(super) lossy: bool,
}

/// The gaps of one stream.
pub(super) struct Missing {
    /// Sorted by index; allocated once, when something is missing for the first time.
    gaps: Vec<Gap>,
    /// The highest index that came.
    newest: Seq64,
    /// Where the newest keyframe begins, if any has come.
    keyframe: Seq64,
    /// What was given up, if no keyframe has begun behind it.
    broken: Option<Broken>,
    /// Gaps that a repair has closed.
    repaired: u64,
}

/// Something was given up, and nothing that follows can be shown.
#[derive(Clone, Copy)]
struct Broken {
    /// The highest index that was.
    index: Seq64,
    /// Requests for a keyframe that may still leave.
    requests: u8,
}

/// Short, because a stream that has lost anything has room for all of its gaps.
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

impl Pace {
    /// When a gap is forgotten.
    fn ends(self) -> Duration {
        (self.round_trip.max(ROUND_TRIP_MIN) * ROUND_TRIPS).min(AGE_MAX)
    }

    /// When a keyframe is asked for in its stead: half of that, when most of the tries are made, and the picture has stood
    /// for less than people take for an end.
    pub(super) fn overdue(self) -> Duration {
        self.ends() / 2
    }
}

impl Missing {
    /// The stream begins with this packet.
    pub(super) fn new(first: Seq64) -> Missing {
        Missing { gaps: Vec::new(), newest: first, keyframe: first, broken: None, repaired: 0 }
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
            self.give_up(Seq64(gap.end - 1));
            return;
        }
        if width > 0 {
            self.gaps.reserve_exact(GAPS - self.gaps.len());
        }
        let room = GAPS - self.gaps.len();
        let excess = usize::try_from(width).unwrap_or(GAPS).saturating_sub(room);
        let given_up = self.gaps.drain(..excess.min(self.gaps.len())).next_back();
        if let Some(gap) = given_up {
            self.give_up(gap.index);
        }
        self.gaps.extend(gap.map(|index| Gap { index: Seq64(index), since: now, asked_us: 0, tries: 0 }));
    }

    /// A keyframe begins with this packet: what is missing before it stands in nobody's way for long.
    pub(super) fn begins(&mut self, index: Seq64) {
        self.keyframe = self.keyframe.max(index);
        self.broken = self.broken.filter(|broken| broken.index >= self.keyframe);
    }

    fn give_up(&mut self, index: Seq64) {
        if index >= self.keyframe {
            self.broken = Some(Broken { index, requests: KEYFRAME_TRIES });
        }
    }

    /// Whether only a keyframe can make up for what was given up, and may be asked for.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_some_and(|broken| broken.requests > 0)
    }

    /// A request for a keyframe has left.
    pub(super) fn keyframe_asked(&mut self) {
        if let Some(broken) = &mut self.broken {
            broken.requests = broken.requests.saturating_sub(1);
        }
    }

    /// What was given up is in nobody's way.
    pub(super) fn mend(&mut self) {
        self.broken = None;
    }

    /// Whether something has been missing for so long that a keyframe would be there sooner, or was given up.
    pub(super) fn overdue(&self, now: Instant, pace: Pace) -> bool {
        self.is_broken() || self.gaps.iter().any(|gap| gap.index >= self.keyframe && now.since(gap.since) >= pace.overdue())
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

    /// The highest index that came.
    pub(super) fn newest(&self) -> Seq64 {
        self.newest
    }

    /// How many came as a repair.
    pub(super) fn repairs(&self) -> u64 {
        self.repaired
    }

    /// Nobody looks at the stream: what is missing is missed by nobody.
    pub(super) fn forget(&mut self) {
        self.gaps.clear();
        self.mend();
    }

    /// When something is to be asked for, or forgotten.
    pub(super) fn due(&self, pace: Pace) -> Option<Instant> {
        self.gaps.iter().map(|gap| gap.due(self.newest, pace)).min()
    }

    /// Writes the numbers to ask for now, in order; says how many. Gaps that are too old are forgotten.
    pub(super) fn ask(&mut self, now: Instant, pace: Pace, into: &mut [Seq16; ASKED_AT_ONCE]) -> usize {
        if let Some(given_up) = self.gaps.extract_if(.., |gap| gap.ends(pace) <= now).last() {
            self.give_up(given_up.index);
        }
        let newest = self.newest;
        let due = self.gaps.iter_mut().filter(|gap| gap.due(newest, pace) <= now);
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
    fn due(&self, newest: Seq64, pace: Pace) -> Instant {
        let round_trip = pace.round_trip.max(ROUND_TRIP_MIN);
        let asked = self.since + Duration::from_micros(self.asked_us.into());
        let answered = round_trip + ANSWERED_APART;
        let asks = match self.tries {
            TRIES.. => return self.ends(pace),
            2.. => asked + answered / PARTS,
            1 if pace.lossy => asked + answered / PARTS,
            1 => asked + answered,
            0 if newest.0 >= self.index.0 + OVERTAKEN => self.since,
            0 => self.since + PATIENCE,
        };
        asks.min(self.ends(pace))
    }

    /// When it is forgotten.
    fn ends(&self, pace: Pace) -> Instant {
        self.since + pace.ends()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { round_trip: Duration::from_millis(100), lossy: false };
    const LOSSY: Pace = Pace { lossy: true, ..PACE };

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    /// What is asked for in each millisecond from `from` on.
    fn asked(missing: &mut Missing, pace: Pace, from: u64, until: u64) -> Vec<(u64, u16)> {
        let mut asked = Vec::new();
        for millis in from..until {
            if missing.due(pace).is_some_and(|due| due <= at(millis)) {
                let mut numbers = [Seq16(0); ASKED_AT_ONCE];
                let count = missing.ask(at(millis), pace, &mut numbers);
                asked.extend(numbers[..count].iter().map(|number| (millis, number.0)));
            }
        }
        asked
    }

    #[test]
    fn a_lost_packet_is_asked_for_again_after_a_round_trip_and_then_more_often_until_it_comes() {
        let mut missing = Missing::new(Seq64(65_534));
        missing.came(at(0), Seq64(65_536));
        assert_eq!(asked(&mut missing, PACE, 0, 190), [20, 128, 182].map(|millis| (millis, 65_535)));
        assert!(missing.repaired(Seq64(65_535)));
        assert!(!missing.repaired(Seq64(65_535)), "it comes twice");
        assert_eq!(asked(&mut missing, PACE, 190, 2_000), []);
        assert_eq!(missing.repairs(), 1);
    }

    #[test]
    fn where_requests_are_lost_the_second_does_not_wait_for_what_the_first_would_bring() {
        let mut missing = Missing::new(Seq64(10));
        missing.came(at(0), Seq64(12));
        assert_eq!(asked(&mut missing, LOSSY, 0, 80), [20, 74].map(|millis| (millis, 11)));
        let near = Pace { round_trip: Duration::from_millis(8), ..LOSSY };
        assert_eq!(asked(&mut missing, near, 80, 117), [88, 102, 116].map(|millis| (millis, 11)));
    }

    /// Browsers do not answer a request that comes less than a round trip and five milliseconds after they have answered one, and
    /// their round trip is not ours.
    #[test]
    fn a_repair_that_is_lost_is_made_again_soon_after_the_browser_is_ready_to() {
        for (theirs, late) in [(95, 50), (100, 8), (105, 3), (107, 1), (120, 50)] {
            let mut missing = Missing::new(Seq64(10));
            missing.came(at(0), Seq64(12));
            let mut made: Vec<u64> = Vec::new();
            for (millis, _) in asked(&mut missing, PACE, 0, 900) {
                if made.last().is_none_or(|last| millis - last >= theirs) {
                    made.push(millis);
                }
            }
            assert!(made.windows(2).all(|pair| pair[1] - pair[0] <= theirs + late), "{theirs}: {made:?}");
        }
    }

    #[test]
    fn three_packets_after_it_say_that_it_is_lost() {
        let mut missing = Missing::new(Seq64(10));
        missing.came(at(0), Seq64(12));
        missing.came(at(3), Seq64(13));
        assert_eq!(asked(&mut missing, PACE, 3, 6), []);
        missing.came(at(6), Seq64(14));
        assert_eq!(asked(&mut missing, PACE, 6, 7), [(6, 11)]);
    }

    #[test]
    fn packets_that_were_overtaken_are_not_asked_for() {
        let mut missing = Missing::new(Seq64(0));
        for pair in 0..500 {
            missing.came(at(pair * 10), Seq64(pair * 2 + 2));
            missing.came(at(pair * 10 + 4), Seq64(pair * 2 + 1));
            assert_eq!(asked(&mut missing, PACE, pair * 10, pair * 10 + 10), []);
        }
    }

    #[test]
    fn what_never_comes_is_asked_for_ten_times_at_most_and_for_a_second_at_most() {
        for lossy in [false, true] {
            for (round_trip, until) in [(1, 160), (10, 160), (30, 240), (100, 800), (200, 1_000), (400, 1_000), (3_000, 1_000)] {
                let pace = Pace { round_trip: Duration::from_millis(round_trip), lossy };
                let mut missing = Missing::new(Seq64(0));
                missing.came(at(0), Seq64(2));
                let asked = asked(&mut missing, pace, 0, 3_000);
                assert!(asked.iter().all(|(millis, _)| *millis < until) && asked.len() <= 10, "{round_trip}: {asked:?}");
                assert_eq!(missing.due(pace), None);
            }
        }
        let mut missing = Missing::new(Seq64(0));
        missing.came(at(0), Seq64(2));
        let mut numbers = [Seq16(0); ASKED_AT_ONCE];
        assert_eq!(missing.ask(at(1_000), PACE, &mut numbers), 0);
    }

    #[test]
    fn a_keyframe_makes_up_for_what_is_long_missing_once_it_has_begun() {
        let mut missing = Missing::new(Seq64(10));
        missing.came(at(0), Seq64(12));
        assert_eq!([399, 400].map(|millis| missing.overdue(at(millis), PACE)), [false, true]);
        missing.begins(Seq64(13));
        missing.came(at(410), Seq64(13));
        assert!(!missing.overdue(at(410), PACE));
        missing.came(at(410), Seq64(15));
        assert!(missing.overdue(at(810), PACE), "of the keyframe itself");
    }

    #[test]
    fn what_was_given_up_is_broken_until_a_keyframe_begins_behind_it_or_ten_were_asked_for() {
        let giving_up: [fn(&mut Missing); 3] = [
            // Nothing came, however often it was asked for.
            |missing| {
                missing.came(at(0), Seq64(12));
                asked(missing, PACE, 0, 900);
            },
            |missing| missing.came(at(0), Seq64(1_000)),
            // More gaps than are remembered.
            |missing| (0..=GAPS as u64 / 64 + 1).for_each(|step| missing.came(at(0), Seq64(11 + 65 * step))),
        ];
        for give_up in giving_up {
            let mut missing = Missing::new(Seq64(10));
            give_up(&mut missing);
            assert!(missing.is_broken() && missing.overdue(at(900), PACE));
            let mut mended = Missing { gaps: missing.gaps.clone(), ..missing };
            mended.begins(Seq64(2_000));
            assert!(!mended.is_broken());
            missing.begins(Seq64(10));
            for _ in 0..KEYFRAME_TRIES {
                assert!(missing.is_broken());
                missing.keyframe_asked();
            }
            assert!(!missing.is_broken());
        }
    }

    #[test]
    fn what_is_missing_before_a_keyframe_breaks_nothing() {
        let mut missing = Missing::new(Seq64(10));
        missing.came(at(0), Seq64(12));
        missing.begins(Seq64(13));
        asked(&mut missing, PACE, 0, 900);
        assert!(!missing.is_broken());
    }

    /// Nobody wakes for the keyframe alone.
    #[test]
    fn who_asks_for_the_last_time_finds_that_a_keyframe_is_due() {
        for round_trip in [1, 20, 50, 100, 125, 200, 400, 800] {
            for lossy in [false, true] {
                let pace = Pace { round_trip: Duration::from_millis(round_trip), lossy };
                let mut missing = Missing::new(Seq64(10));
                missing.came(at(0), Seq64(14));
                let last = asked(&mut missing, pace, 0, 2_000).last().map(|(millis, _)| *millis);
                let overdue = u64::try_from(pace.overdue().as_millis()).unwrap();
                assert!(last.is_some_and(|last| last >= overdue), "{round_trip}: {last:?}");
            }
        }
    }

    #[test]
    fn an_outage_is_not_asked_for_and_gaps_are_bounded() {
        let mut missing = Missing::new(Seq64(0));
        missing.came(at(0), Seq64(100_000));
        assert_eq!(missing.due(PACE), None);
        for step in 0..1_000 {
            missing.came(at(0), Seq64(100_000 + step * 50));
            assert!(missing.gaps.len() <= GAPS && [0, GAPS].contains(&missing.gaps.capacity()));
        }
    }

    #[test]
    fn more_than_fit_one_request_are_asked_for_in_the_next() {
        let mut missing = Missing::new(Seq64(0));
        missing.came(at(0), Seq64(101));
        let mut numbers = [Seq16(0); ASKED_AT_ONCE];
        assert_eq!(missing.ask(at(0), PACE, &mut numbers), ASKED_AT_ONCE);
        assert_eq!(missing.due(PACE), Some(at(0)));
        assert_eq!(missing.ask(at(0), PACE, &mut numbers), 34, "two may still have been overtaken");
    }
}
