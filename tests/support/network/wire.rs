//! One direction of one path.

use std::collections::BTreeMap;
use std::time::Duration;

use quartet::base::Instant;

use super::{Dice, Impairment, Loss};

/// More bytes than these are never under way at once; what comes on top has overflowed. 10 Mbit/s fill it in 0.8 s. Twice
/// as much, and 64 people at a forwarder could hold 256 MB of it; half of it, and two slow links in a row would not fit.
const IN_FLIGHT_MAX: usize = 1 << 20;

/// How many others may pass a packet that is held back.
const HELD_BACK: (u32, u32) = (1, 20);

/// Packets further apart than this count as so far apart: the next after a silence is not held back for a minute.
const GAP_MAX: Duration = Duration::from_millis(20);

/// Carries packets from one end to the other, or does not. [`Wire::send`] puts one in, [`Wire::receive`] takes out what has
/// arrived; call that until it has nothing, then come back at [`Wire::deadline`].
///
/// ```text
///   send ─► lost? ─► too long? ─► queue and rate ─► delay, jitter ─► held back? ─► twice? ─► receive
/// ```
///
/// Each packet has dice of its own, and all are thrown for each: one knob turned, or one packet lost, changes nothing of
/// what becomes of the rest by chance.
pub(crate) struct Wire<T> {
    impairment: Impairment,
    dice: Dice,
    /// Whether the packet before was lost.
    in_burst: bool,
    /// When the slow link has sent all that it has taken.
    busy_until: Instant,
    /// When the last of those that keep their order arrives.
    in_order: Instant,
    last_offered: Option<Instant>,
    /// The time between two packets, smoothed.
    gap: Option<Duration>,
    /// By arrival, then as they were sent.
    in_flight: BTreeMap<(Instant, u64), InFlight<T>>,
    in_flight_bytes: usize,
    /// How many were put under way, copies counted.
    started: u64,
    /// The latest packet that has arrived.
    furthest: u64,
    tally: Tally,
}

struct InFlight<T> {
    /// Its place among those that were offered.
    offer: u64,
    bytes: usize,
    copy: bool,
    item: T,
}

/// What a wire really did since it was made. What is neither delivered nor anything else is under way.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Tally {
    pub(crate) offered: u64,
    /// With the copies.
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    /// Runs of losses: `lost / bursts` is their mean length.
    pub(crate) bursts: u64,
    /// Dropped before the slow link, because the queue was full.
    pub(crate) overflowed: u64,
    pub(crate) too_long: u64,
    /// Copies that arrived.
    pub(crate) duplicated: u64,
    /// Packets that arrived when a later one was there already.
    pub(crate) reordered: u64,
    pub(crate) bytes_offered: u64,
    pub(crate) bytes_delivered: u64,
}

impl<T: Clone> Wire<T> {
    pub(crate) fn new(seed: u64, impairment: Impairment) -> Wire<T> {
        Wire {
            impairment,
            dice: Dice::new(seed),
            in_burst: false,
            busy_until: Instant::ZERO,
            in_order: Instant::ZERO,
            last_offered: None,
            gap: None,
            in_flight: BTreeMap::new(),
            in_flight_bytes: 0,
            started: 0,
            furthest: 0,
            tally: Tally::default(),
        }
    }

    /// From now on it is another wire. What is under way or stands in the queue arrives when it would have, and before what
    /// comes now.
    pub(crate) fn set(&mut self, impairment: Impairment) {
        self.impairment = impairment;
    }

    /// Puts in a packet of so many bytes.
    pub(crate) fn send(&mut self, now: Instant, bytes: usize, item: T) {
        let Impairment { delay, jitter, reorder, duplicate, mtu, .. } = self.impairment;
        self.tally.offered += 1;
        self.tally.bytes_offered += bytes as u64;
        let gap = self.measure_gap(now);
        let mut dice = self.dice.fork();
        let lost = self.is_lost(&mut dice);
        let late = dice.shorter_than(jitter);
        let doubled = dice.chance(duplicate);
        let passed_by = if dice.chance(reorder) { dice.between(HELD_BACK) } else { 0 };

        if lost {
            self.tally.lost += 1;
            return;
        }
        if bytes > mtu {
            self.tally.too_long += 1;
            return;
        }
        let Some(sent) = self.through_the_queue(now, bytes) else {
            self.tally.overflowed += 1;
            return;
        };
        let mut at = (sent + delay + late).max(self.in_order);
        if passed_by > 0 {
            // By half a gap more, or it would arrive together with the last of those that pass it.
            at += gap * passed_by + gap / 2;
        } else {
            self.in_order = at;
        }
        let offer = self.tally.offered;
        let copy = doubled.then(|| InFlight { offer, bytes, copy: true, item: item.clone() });
        self.start(at, InFlight { offer, bytes, copy: false, item });
        if let Some(copy) = copy {
            self.start(at, copy);
        }
    }

    /// When the next packet arrives.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.in_flight.first_key_value().map(|(&(at, _), _)| at)
    }

    /// Takes out one packet that has arrived.
    pub(crate) fn receive(&mut self, now: Instant) -> Option<T> {
        self.deadline().filter(|&at| at <= now)?;
        let (_, InFlight { offer, bytes, copy, item }) = self.in_flight.pop_first()?;
        self.in_flight_bytes -= bytes;
        self.tally.delivered += 1;
        self.tally.bytes_delivered += bytes as u64;
        self.tally.duplicated += u64::from(copy);
        self.tally.reordered += u64::from(!copy && offer < self.furthest);
        self.furthest = self.furthest.max(offer);
        Some(item)
    }

    /// How long a packet that came now would wait before the slow link.
    pub(crate) fn queue_delay(&self, now: Instant) -> Duration {
        self.busy_until.since(now)
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    /// The time of one packet.
    fn measure_gap(&mut self, now: Instant) -> Duration {
        // Pictures come as several packets at once: the average of some dozens is what one packet's time is.
        const WEIGHT: u32 = 32;
        let Some(last) = self.last_offered.replace(now) else { return GAP_MAX };
        let gap = now.since(last).min(GAP_MAX);
        *self.gap.insert(self.gap.map_or(gap, |before| (before * (WEIGHT - 1) + gap) / WEIGHT))
    }

    fn is_lost(&mut self, dice: &mut Dice) -> bool {
        let share = match self.impairment.loss {
            Loss::None => 0.0,
            Loss::Random(share) => share,
            // A run goes on until it ends with 1/mean; so many begin that the share of packets in them is the one asked for.
            Loss::Burst { mean, .. } if self.in_burst => 1.0 - 1.0 / mean,
            Loss::Burst { share, mean } => share / (1.0 - share) / mean,
            Loss::All => 1.0,
        };
        let lost = dice.chance(share);
        self.tally.bursts += u64::from(lost && !self.in_burst);
        self.in_burst = lost;
        lost
    }

    /// When the slow link has sent it; none if it does not take it.
    fn through_the_queue(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        if self.in_flight_bytes + bytes > IN_FLIGHT_MAX {
            return None;
        }
        let Some(rate) = self.impairment.rate else { return Some(now) };
        if self.queue_delay(now) > rate.queue {
            return None;
        }
        self.busy_until = self.busy_until.max(now) + rate.time_for(bytes);
        Some(self.busy_until)
    }

    fn start(&mut self, at: Instant, packet: InFlight<T>) {
        self.in_flight_bytes += packet.bytes;
        self.in_flight.insert((at, self.started), packet);
        self.started += 1;
    }
}
