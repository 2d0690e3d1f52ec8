//! How much may be tried at the door in a minute: from one network, and in all. Pure: told who and when.
//!
//! What protects a patient is the count on each link, which is in the record. This protects the site from who tries
//! many links, tells staff of it, and keeps strangers from filling the audit.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Instant;
use crate::control::words::Network;

/// What a minute may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoorLimits {
    /// Refused tries from one network.
    pub tries_per_network: u32,
    /// Wrong dates in all, before the alarm is raised.
    pub wrong_dates: u32,
}

impl Default for DoorLimits {
    /// A waiting hall full of people shares one address and mistypes some dates: fewer tries would refuse them, more
    /// would only help who tries links. A big site sees a hundred people a minute at nine, of whom some mistype: an
    /// alarm that rings each morning is not heard.
    fn default() -> DoorLimits {
        DoorLimits { tries_per_network: 60, wrong_dates: 30 }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// Networks that are remembered: a few hundred KiB. Who comes from more than this many in a minute is not held up by a
/// count per network anyway.
const NETWORKS_MAX: usize = 16_384;
/// Refusals of strangers that are recorded one by one in a minute. At this pace an audit grows by 300 MB in a month of
/// attack without a pause; a lower one would lose traces that tell where an attack began.
const RECORDS_MAX: u32 = 60;

/// What was counted since a minute began.
#[derive(Clone, Copy)]
struct Minute {
    began: Instant,
    count: u32,
}

impl Minute {
    const fn beginning(now: Instant) -> Minute {
        Minute { began: now, count: 0 }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.since(self.began) >= MINUTE
    }

    /// What is counted in the minute that runs.
    fn count(&self, now: Instant) -> u32 {
        if self.is_over(now) { 0 } else { self.count }
    }

    /// One more; a minute that is over gives way to a new one.
    fn add(&mut self, now: Instant) -> u32 {
        if self.is_over(now) {
            *self = Minute::beginning(now);
        }
        self.count = self.count.saturating_add(1);
        self.count
    }
}

/// The counts of the door.
pub struct Throttle {
    limits: DoorLimits,
    networks: BTreeMap<Network, Minute>,
    wrong_dates: Minute,
    records: Minute,
    unrecorded: u64,
    outcomes: BTreeMap<&'static str, u64>,
}

impl Throttle {
    pub fn new(limits: DoorLimits) -> Throttle {
        let minute = Minute::beginning(Instant::ZERO);
        let (networks, outcomes) = (BTreeMap::new(), BTreeMap::new());
        Throttle { limits, networks, wrong_dates: minute, records: minute, unrecorded: 0, outcomes }
    }

    /// Someone tries. It counts from now on, so that tries at one moment count too; [`Throttle::passed`] takes it
    /// back. Refused, with the time until the minute is over, when the minute is full.
    pub fn begin(&mut self, from: Network, now: Instant) -> Result<(), Duration> {
        if self.networks.len() >= NETWORKS_MAX && !self.networks.contains_key(&from) {
            self.forget(now);
        }
        let minute = self.networks.entry(from).or_insert(Minute::beginning(now));
        if minute.count(now) >= self.limits.tries_per_network {
            return Err(MINUTE.saturating_sub(now.since(minute.began)));
        }
        minute.add(now);
        Ok(())
    }

    /// The try was right: it counts for nothing.
    pub fn passed(&mut self, from: Network) {
        if let Some(minute) = self.networks.get_mut(&from) {
            minute.count = minute.count.saturating_sub(1);
        }
    }

    /// Counts what a try came to. True when this raises the alarm: once a minute at most.
    pub fn came_to(&mut self, outcome: &'static str, now: Instant) -> bool {
        *self.outcomes.entry(outcome).or_default() += 1;
        outcome == "wrong_date" && self.wrong_dates.add(now) == self.limits.wrong_dates.saturating_add(1)
    }

    /// Whether more wrong dates were tried in this minute than is usual.
    pub fn is_alarmed(&self, now: Instant) -> bool {
        self.wrong_dates.count(now) > self.limits.wrong_dates
    }

    /// What tries have come to, since the start.
    pub fn outcomes(&self) -> Vec<(&'static str, u64)> {
        self.outcomes.iter().map(|(outcome, count)| (*outcome, *count)).collect()
    }

    /// A stranger was refused. Whether that is recorded for itself; if not, it is counted.
    pub fn may_record(&mut self, now: Instant) -> bool {
        let may = self.records.count(now) < RECORDS_MAX;
        if may {
            self.records.add(now);
        } else {
            self.unrecorded += 1;
        }
        may
    }

    /// How many refusals were only counted, once their minute is over.
    pub fn unrecorded(&mut self, now: Instant) -> Option<u64> {
        if self.unrecorded == 0 || !self.records.is_over(now) {
            return None;
        }
        Some(std::mem::take(&mut self.unrecorded))
    }

    /// They could not be recorded yet.
    pub fn put_back(&mut self, unrecorded: u64) {
        self.unrecorded = self.unrecorded.saturating_add(unrecorded);
    }

    /// Makes room: minutes that are over go, and if that is not enough, all do. Looking for the one that began first
    /// would make each newcomer wait for those who fill the memory, and whoever comes from so many networks is held up
    /// by no count of one.
    fn forget(&mut self, now: Instant) {
        self.networks.retain(|_, minute| !minute.is_over(now));
        if self.networks.len() >= NETWORKS_MAX {
            self.networks.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn network(bits: u32) -> Network {
        Network::of(IpAddr::V4(Ipv4Addr::from_bits(bits)))
    }

    #[test]
    fn a_network_tries_so_often_a_minute_and_others_are_not_held_up() {
        let mut throttle = Throttle::new(DoorLimits { tries_per_network: 3, wrong_dates: 9 });
        for _ in 0..3 {
            assert!(throttle.begin(network(1), at(10)).is_ok());
        }
        assert_eq!(throttle.begin(network(1), at(15)), Err(Duration::from_secs(55)));
        assert!(throttle.begin(network(2), at(15)).is_ok());
        throttle.passed(network(1));
        assert!(throttle.begin(network(1), at(16)).is_ok(), "what was right counts for nothing");
        assert!(throttle.begin(network(1), at(69)).is_err());
        assert!(throttle.begin(network(1), at(70)).is_ok());
    }

    #[test]
    fn memory_is_bounded_and_newcomers_are_let_try() {
        let mut throttle = Throttle::new(DoorLimits { tries_per_network: 1, wrong_dates: 9 });
        for bits in 0..100_000 {
            assert!(throttle.begin(network(bits), at(1)).is_ok());
            assert!(throttle.networks.len() <= NETWORKS_MAX);
        }
        assert!(throttle.begin(network(99_999), at(1)).is_err());
        let mut full = Throttle::new(DoorLimits { tries_per_network: 1, wrong_dates: 9 });
        for (bits, seconds) in (0u32..).zip([1; NETWORKS_MAX - 1].into_iter().chain([50])) {
            full.begin(network(bits), at(seconds)).unwrap();
        }
        full.begin(network(u32::MAX), at(61)).unwrap();
        assert_eq!(full.networks.len(), 2, "only minutes that are over went");
    }

    #[test]
    fn the_alarm_rings_once_a_minute() {
        let mut throttle = Throttle::new(DoorLimits { tries_per_network: 1, wrong_dates: 5 });
        for (from, rings) in [(100, 1), (130, 0), (160, 1)] {
            let rang = (0..20).filter(|_| throttle.came_to("wrong_date", at(from))).count();
            assert_eq!(rang, rings, "{from}");
            assert!(throttle.is_alarmed(at(from)));
        }
        assert!(!throttle.is_alarmed(at(220)));
        assert!((0..20).all(|_| !throttle.came_to("locked", at(300))));
        assert_eq!(throttle.outcomes(), [("locked", 20), ("wrong_date", 60)]);
    }

    #[test]
    fn strangers_fill_no_audit_and_each_is_in_the_sum() {
        let mut throttle = Throttle::new(DoorLimits::default());
        let recorded = (0..1_000).filter(|_| throttle.may_record(at(100))).count();
        assert_eq!(recorded, RECORDS_MAX as usize);
        assert_eq!(throttle.unrecorded(at(159)), None);
        assert_eq!(throttle.unrecorded(at(160)), Some(1_000 - u64::from(RECORDS_MAX)));
        assert_eq!(throttle.unrecorded(at(161)), None);
        assert!(throttle.may_record(at(161)));
    }
}
