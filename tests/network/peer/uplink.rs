//! What a peer thinks of its way up: as crude as can be, and of the kind that browsers have (draft-ietf-rmcat-gcc-02).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use quartet::base::{Instant, Seq64};
use quartet::media::wire::rtcp::TransportCc;

const START: u64 = 2_500_000;
const CEILING: u64 = 3_000_000;
const FLOOR: u64 = 100_000;
/// A queue that stands for longer is too long.
const QUEUE_MAX: i64 = 80_000;
const WINDOW: Duration = Duration::from_secs(1);
/// From one cut to the next.
const CUT_INTERVAL: Duration = Duration::from_millis(400);

pub(super) struct Uplink {
    next: Seq64,
    sent: BTreeMap<u64, (Instant, usize)>,
    /// The least time under way that was ever seen, in microseconds.
    least: Option<i64>,
    /// When it was told, how long it was under way (none: lost) and its bytes.
    told: VecDeque<(Instant, Option<i64>, usize)>,
    target: u64,
    judged: Option<Instant>,
    cut: Option<Instant>,
}

impl Uplink {
    pub(super) fn new() -> Uplink {
        Uplink {
            next: Seq64(65_000),
            sent: BTreeMap::new(),
            least: None,
            told: VecDeque::new(),
            target: START,
            judged: None,
            cut: None,
        }
    }

    pub(super) fn target(&self) -> u64 {
        self.target
    }

    /// The number of a packet that leaves now.
    pub(super) fn number(&mut self, now: Instant, bytes: usize) -> [u8; 2] {
        let number = self.next;
        self.next = number.next();
        self.sent.insert(number.0, (now, bytes));
        if self.sent.len() > 2_000 {
            self.sent.pop_first();
        }
        number.wrapped().0.to_be_bytes()
    }

    /// The server tells what arrived.
    pub(super) fn hear(&mut self, now: Instant, feedback: &TransportCc<'_>) {
        let mut arrival = i64::from(feedback.reference_time) * 64_000;
        for (number, delta) in feedback.statuses() {
            arrival += i64::from(delta.unwrap_or(0)) * 250;
            // What is told as lost may still come; what was told as arrived is told again with what came late.
            let Some((sent, bytes)) = self.sent.remove(&self.next.nearest(number).0) else { continue };
            let under_way = delta.map(|_| arrival - (sent.as_nanos() / 1_000) as i64);
            self.least = self.least.into_iter().chain(under_way).min();
            self.told.push_back((now, under_way, bytes));
        }
        while self.told.front().is_some_and(|(at, ..)| now.since(*at) > WINDOW) {
            self.told.pop_front();
        }
        self.judge(now);
    }

    fn judge(&mut self, now: Instant) {
        let lost = self.told.iter().filter(|(_, under_way, _)| under_way.is_none()).count();
        let arrived: usize = self.told.iter().filter(|(_, under_way, _)| under_way.is_some()).map(|(.., bytes)| bytes).sum();
        let (lately, before) = (self.queue(now, 0..200), self.queue(now, 200..400));
        let loss = if self.told.len() > 20 { lost as f64 / self.told.len() as f64 } else { 0.0 };
        let may_cut = self.cut.is_none_or(|cut| now.since(cut) >= CUT_INTERVAL);
        let passed = self.judged.replace(now).map_or(Duration::ZERO, |before| now.since(before));
        let target = if lately > QUEUE_MAX {
            // A queue that goes away is left alone.
            let seconds = WINDOW.as_secs_f64();
            (may_cut && lately >= before).then_some(arrived as f64 * 8.0 / seconds * 0.85)
        } else if loss > 0.1 {
            may_cut.then_some(self.target as f64 * (1.0 - 0.5 * loss))
        } else if loss < 0.02 {
            self.target = ((self.target as f64 * 1.1_f64.powf(passed.as_secs_f64().min(1.0))) as u64).min(CEILING);
            None
        } else {
            None
        };
        if let Some(target) = target {
            self.target = (target as u64).clamp(FLOOR, self.target);
            self.cut = Some(now);
        }
    }

    /// The least wait of what was told of so many milliseconds ago, in microseconds.
    fn queue(&self, now: Instant, millis: std::ops::Range<u128>) -> i64 {
        let then = self.told.iter().filter(|(at, ..)| millis.contains(&now.since(*at).as_millis()));
        let waited = then.filter_map(|(_, under_way, _)| *under_way).min();
        waited.zip(self.least).map_or(0, |(waited, least)| waited - least)
    }
}
