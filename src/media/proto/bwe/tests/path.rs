//! A path: a narrow place with a queue before it, then a way that takes its time and loses things.

use std::time::Duration;

use super::{Dice, ms};
use crate::base::{Bitrate, Instant};

#[derive(Clone)]
pub(super) struct Path {
    /// What the narrow place carries, from when on. Nothing is an outage: what comes then is lost.
    pub(super) rates: Vec<(Instant, Bitrate)>,
    /// What would wait for longer than this is dropped.
    pub(super) queue: Duration,
    pub(super) delay: Duration,
    /// Each two seconds the radio is away for so long, and what comes meanwhile waits.
    pub(super) away: Duration,
    /// Each packet takes up to so much longer, by chance.
    pub(super) jitter: Duration,
    /// Whether a packet waits for the one before even if it was luckier.
    pub(super) in_order: bool,
    /// In hundredths of the packets.
    pub(super) loss: u64,
    pub(super) reordered: u64,
    pub(super) dice: Dice,
    /// When the narrow place will have sent all it has.
    pub(super) busy: Instant,
    /// When the last packet arrives.
    pub(super) last: Instant,
}

impl Path {
    pub(super) fn of(rates: &[(u64, u64)]) -> Path {
        Path {
            rates: rates.iter().map(|(from, kbps)| (super::at(*from), super::kbps(*kbps))).collect(),
            queue: ms(250),
            delay: ms(25),
            away: Duration::ZERO,
            jitter: Duration::ZERO,
            in_order: true,
            loss: 0,
            reordered: 0,
            dice: Dice(1),
            busy: Instant::ZERO,
            last: Instant::ZERO,
        }
    }

    pub(super) fn rate(&self, now: Instant) -> Bitrate {
        self.rates.iter().rev().find(|(from, _)| *from <= now).map_or(Bitrate::ZERO, |(_, rate)| *rate)
    }

    /// How long a packet that came now would wait.
    pub(super) fn waiting(&self, now: Instant) -> Duration {
        self.busy.since(now)
    }

    /// When a packet arrives that is sent now; never, if it is lost.
    pub(super) fn send(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        let serialized = self.rate(now).time_for(bytes as u64)?;
        if self.waiting(now) > self.queue {
            return None;
        }
        let into = now.as_nanos() % 2_000_000_000;
        let away = self.away.saturating_sub(Duration::from_nanos(into));
        self.busy = self.busy.max(now + away) + serialized;
        if self.dice.percent(self.loss) {
            return None;
        }
        let jitter = Duration::from_micros(self.dice.below(1 + u64::try_from(self.jitter.as_micros()).unwrap()));
        let mut arrival = self.busy + self.delay + jitter;
        if self.dice.percent(self.reordered) {
            return Some(arrival + ms(20));
        }
        if self.in_order {
            arrival = arrival.max(self.last);
            self.last = arrival;
        }
        Some(arrival)
    }
}
