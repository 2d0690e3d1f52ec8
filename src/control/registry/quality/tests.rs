//! What is said of a connection, as tables of what media counted.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::history::{Connection, History};
use crate::base::{Instant, LegId, Seat};
use crate::control::registry::person::Now;
use crate::link::{Downlink, LegFacts, Uplink};

/// 2027-01-15, 10:03:00 UTC.
const START: Timestamp = Timestamp::constant(1_800_007_380, 0);

fn at(seconds: u64) -> Now {
    let passed = Duration::from_secs(seconds);
    Now { wall: START + passed, passed: Instant::ZERO + passed }
}

/// A leg that is looked at every two seconds, and what became of it.
struct Leg {
    facts: LegFacts,
    seconds: u64,
    history: History,
}

impl Leg {
    /// A good one that was looked at once.
    fn new() -> Leg {
        let downlink = Downlink { round_trip_us: Some(40_000), estimate_bps: 2_000_000, ..Downlink::default() };
        let uplink = Uplink { jitter_us: 5_000, ..Uplink::default() };
        let facts = LegFacts { leg: LegId::from_bits(1), uplink, downlink, wanted: [true; 3] };
        let mut leg = Leg { facts, seconds: 0, history: History::default() };
        leg.history.look(&leg.facts, at(0));
        leg
    }

    /// Two seconds go by, in which this comes to what media counts or measures.
    fn goes_on(&mut self, change: impl FnOnce(&mut LegFacts)) -> bool {
        self.facts.uplink.packets += 200;
        self.facts.downlink.packets += 200;
        change(&mut self.facts);
        self.seconds += 2;
        self.history.look(&self.facts, at(self.seconds))
    }

    /// Two seconds in which so many of 200 packets never came.
    fn loses(&mut self, lost: u64) -> bool {
        self.goes_on(|facts| {
            facts.uplink.packets -= lost;
            facts.uplink.lost += lost;
        })
    }

    fn is_well_until(&mut self, seconds: u64) {
        while self.seconds < seconds {
            self.loses(0);
        }
    }

    fn says(&self) -> (Option<Connection>, String) {
        (self.history.connection(), self.history.told().join(", "))
    }
}

const GOOD: Option<Connection> = Some(Connection::Good);
const POOR: Option<Connection> = Some(Connection::Poor);

#[test]
fn each_trouble_begins_at_its_bound_and_has_its_words() {
    type Change = fn(&mut LegFacts);
    let table: [(Change, &str); 21] = [
        (|_| {}, ""),
        (|facts| facts.uplink.lost += 6, ""),
        (|facts| facts.uplink.lost += 7, "uplink lost 3 % since 10:03"),
        (|facts| facts.uplink.lost += 50, "uplink lost 20 % since 10:03"),
        (|facts| (facts.uplink.packets, facts.uplink.lost) = (0, 200), "uplink lost 100 % since 10:03"),
        (|facts| facts.uplink.repaired += 50, ""),
        (|facts| (facts.uplink.packets, facts.uplink.lost) = (10, 9), ""),
        (|facts| (facts.uplink.packets, facts.uplink.lost) = (10, 10), "uplink lost 50 % since 10:03"),
        (|facts| (facts.uplink.packets, facts.downlink.packets) = (0, 0), ""),
        (|facts| facts.downlink.lost += 9, ""),
        (|facts| facts.downlink.lost += 10, "downlink lost 5 % since 10:03"),
        (|facts| facts.uplink.jitter_us = 59_000, ""),
        (|facts| facts.uplink.jitter_us = 60_000, "uplink jitter 60 ms since 10:03"),
        (|facts| facts.downlink.round_trip_us = Some(499_000), ""),
        (|facts| facts.downlink.round_trip_us = Some(800_000), "round trip 800 ms since 10:03"),
        (|facts| facts.downlink.round_trip_us = None, ""),
        (|facts| facts.downlink.estimate_bps = 150_000, ""),
        (|facts| facts.downlink.estimate_bps = 149_000, "downlink narrow (149 kbit/s) since 10:03"),
        (|facts| facts.downlink.estimate_bps = 0, ""),
        (
            |facts| {
                facts.downlink.paused[1] = true;
                facts.downlink.estimate_bps = 250_000;
            },
            "downlink narrow (250 kbit/s) since 10:03: pictures paused",
        ),
        (
            |facts| {
                facts.downlink.paused[1] = true;
                facts.downlink.estimate_bps = 0;
            },
            "downlink narrow since 10:03: pictures paused",
        ),
    ];
    for (place, (change, words)) in table.into_iter().enumerate() {
        let mut leg = Leg::new();
        leg.goes_on(change);
        assert_eq!(leg.says(), (if words.is_empty() { GOOD } else { POOR }, words.to_owned()), "line {place}");
    }
}

#[test]
fn everything_that_is_wrong_at_once_is_said() {
    let mut leg = Leg::new();
    leg.goes_on(|facts| {
        facts.uplink = Uplink { packets: 100, lost: 100, repaired: 0, jitter_us: 90_000 };
        facts.downlink =
            Downlink { packets: 100, lost: 50, round_trip_us: Some(900_000), estimate_bps: 100_000, ..facts.downlink };
    });
    let said = "uplink lost 50 % since 10:03, uplink jitter 90 ms since 10:03, downlink lost 50 % since 10:03, \
                round trip 900 ms since 10:03, downlink narrow (100 kbit/s) since 10:03";
    assert_eq!(leg.says(), (POOR, said.to_owned()));
}

#[test]
fn poor_is_said_at_once_and_good_after_ten_seconds_that_were() {
    let mut leg = Leg::new();
    assert_eq!(leg.says(), (None, String::new()), "one look is no measurement");
    assert!(leg.loses(0) && leg.says().0 == GOOD);
    assert!(!leg.loses(0), "what stays the same is no news");
    assert!(leg.loses(20) && leg.says().0 == POOR);
    for _ in 0..4 {
        assert!(!leg.loses(0));
    }
    assert!(!leg.loses(20), "again within ten seconds");
    for _ in 0..4 {
        assert!(!leg.loses(0) && leg.says().0 == POOR);
    }
    assert!(leg.loses(0), "ten seconds");
    assert_eq!(leg.says().0, GOOD);
}

#[test]
fn troubles_are_told_by_the_minute_and_those_within_one_are_one() {
    let mut leg = Leg::new();
    leg.is_well_until(58);
    leg.loses(14);
    leg.is_well_until(116);
    leg.loses(14);
    leg.is_well_until(150);
    // 28 of 30 times 200 packets, from the beginning of the first to the end of the last.
    assert_eq!(leg.says(), (GOOD, "uplink lost 1 % from 10:03 to 10:04".to_owned()));
    let mut leg = Leg::new();
    leg.is_well_until(60);
    for _ in 0..61 {
        leg.loses(14);
    }
    leg.is_well_until(240);
    leg.loses(40);
    assert_eq!(leg.says(), (POOR, "uplink lost 7 % from 10:04 to 10:06, uplink lost 20 % since 10:07".to_owned()));
    leg.is_well_until(300);
    assert_eq!(leg.says(), (GOOD, "uplink lost 7 % from 10:04 to 10:06, uplink lost 20 % at 10:07".to_owned()));
}

#[test]
fn counters_that_shrink_are_a_fresh_start_and_no_loss() {
    let shrinks: [fn(&mut LegFacts); 6] = [
        |facts| facts.uplink.packets = 0,
        |facts| facts.uplink.lost = 0,
        |facts| facts.uplink.repaired = 0,
        |facts| facts.downlink.packets = 0,
        |facts| facts.downlink.lost = 0,
        |facts| facts.downlink.repairs = 0,
    ];
    for shrink in shrinks {
        let mut leg = Leg::new();
        leg.goes_on(|facts| {
            (facts.uplink.lost, facts.uplink.repaired) = (1, 1);
            (facts.downlink.lost, facts.downlink.repairs) = (1, 1);
        });
        assert!(!leg.goes_on(|facts| {
            facts.uplink.lost += 100;
            shrink(facts);
        }));
        assert_eq!(leg.says(), (GOOD, String::new()));
        leg.loses(20);
        assert_eq!(leg.says().0, POOR, "and it goes on from there");
    }
}

#[test]
fn a_new_leg_begins_without_a_word_and_remembers_what_was() {
    let mut leg = Leg::new();
    leg.loses(0);
    leg.loses(40);
    leg.history.cut();
    let was = "uplink lost 20 % at 10:03".to_owned();
    assert_eq!(leg.says(), (None, was.clone()));
    assert!(leg.history.facts().is_none());
    leg.facts = LegFacts { leg: LegId::from_bits(2), ..Leg::new().facts };
    leg.facts.uplink.lost = 1_000;
    leg.loses(0);
    assert_eq!(leg.says(), (None, was.clone()), "its first look is compared with nothing");
    leg.loses(0);
    assert_eq!(leg.says(), (GOOD, was));
}

#[test]
fn two_hours_are_remembered() {
    let mut leg = Leg::new();
    leg.loses(40);
    leg.is_well_until(2 * 60 * 60);
    assert_ne!(leg.says().1, "");
    leg.loses(0);
    assert_eq!(leg.says(), (GOOD, String::new()));
}

#[test]
fn however_long_it_is_ill_what_is_remembered_has_a_bound() {
    let mut leg = Leg::new();
    for _ in 0..200 {
        leg.seconds += 60;
        leg.goes_on(|facts| {
            facts.uplink = Uplink { packets: facts.uplink.packets, lost: facts.uplink.lost + 90, repaired: 0, jitter_us: 90_000 };
            facts.downlink.round_trip_us = Some(900_000);
        });
        assert!(leg.history.remembered() <= 64);
    }
    assert_eq!(leg.history.remembered(), 64);
    assert!(leg.says().1.ends_with("round trip 900 ms since 13:28"), "{}", leg.says().1);
}

proptest! {
    #[test]
    fn whatever_media_counts_a_word_comes_out(looks in prop::collection::vec((any::<[u64; 6]>(), any::<[u32; 2]>(), any::<u64>(), 0u64..5), 0..40)) {
        let mut history = History::default();
        let mut seconds = 0;
        for ([packets, lost, repaired, sent, missing, repairs], [jitter_us, round_trip_us], estimate_bps, more) in looks {
            seconds += more;
            let uplink = Uplink { packets, lost, repaired, jitter_us };
            let paused = [false; Seat::COUNT];
            let downlink = Downlink { packets: sent, lost: missing, repairs, round_trip_us: Some(round_trip_us), estimate_bps, paused, ..Downlink::default() };
            history.look(&LegFacts { leg: LegId::from_bits(1), uplink, downlink, wanted: [true; 3] }, at(seconds));
            prop_assert_eq!(history.connection() == POOR, history.told().iter().any(|told| told.contains("since")));
        }
    }
}
