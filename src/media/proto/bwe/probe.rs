//! Trying whether more goes through: for a moment, padding fills up what we send to a rate that is not proved.
//!
//! ```text
//!             wanted, room, time               until                all reported
//!   Resting ─────────────────────► Sending ─────────────► Waiting ───────────────► Resting
//!      ▲  went through: at once, twice as much                                        │
//!      │  did not: after 2, 4, 5 s, half as much again                                │
//!      └──────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A bold probe is short, so that on a path that is far too narrow it leaves no more behind than a frame would.

use std::time::Duration;

use super::attempt::{Attempt, Outcome, Padding};
use crate::base::{Bitrate, Instant, Seq64};

/// A first try after a cut: half as much again. The next ones, after one that went through: twice as much. But at
/// least so much more.
const FEEL_PERCENT: u64 = 150;
const BOLD_PERCENT: u64 = 200;
const MORE_MIN: Bitrate = Bitrate::from_kbps(60);
/// A try lasts as long as so many bytes take, within bounds, and longer by twice the jitter. Longer would leave a
/// longer queue where the path is full (at half as much again: a third of the try); shorter would hold too few
/// packets to measure by.
const TRY_BYTES: u64 = 9_000;
const TRY_FOR: Duration = Duration::from_millis(60);
const LASTS_MAX: Duration = Duration::from_millis(200);
/// At the start, and when a path comes back, nothing is known: three times the guess, then twice that. At 3 Mbit/s
/// this leaves 9 kB, a quarter of a second of a path of 300 kbit/s: longer would do harm there, shorter would hold
/// too few packets to measure by.
const START_PERCENT: u64 = 300;
const START_BYTES: u64 = 3_600;
const START_FOR: Duration = Duration::from_millis(25);

/// Not more than this share of what is wanted is tried: what goes through is measured a little low at times, and a
/// try that stays below what is wanted would be made for ever.
const WANTED_PERCENT: u64 = 106;

/// The rest after a probe that did not go through, and after the next. A shorter rest would press on a narrow path
/// more often; a longer one would hold the better layer back when the path has widened, and it must be there within
/// ten seconds: 5, 1.5 for the probes, 3 for the switch.
const RESTS: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(5)];
/// A cut soon after a probe went through says that the path carries padding and not pictures (frames come in bursts),
/// or changes often. The rest after it is doubled with each such relapse in a row, up to sixteen times the first: else the
/// picture would change each few seconds.
const RELAPSE_WITHIN: Duration = Duration::from_secs(10);
const RELAPSES_MAX: u32 = 4;
/// Below this share of what it meant to try, a probe has not tried it: a late loop sends less, and a path that is just full would seem
/// to carry half as much again. More would take what is measured a little low for a try that failed.
const REACHED_PERCENT: u64 = 85;
/// A probe that nobody could judge (no padding went out, or no feedback came back) is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// Waiting for reports, beyond the round trip.
const PATIENCE: Duration = Duration::from_millis(500);

/// How boldly the next probe tries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Three times the guess, or what the path carried before it fell silent.
    Start(Option<Bitrate>),
    /// The start's probes go through so far.
    Started,
    Feel,
    Bold,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Resting { until: Instant },
    Sending(Attempt),
    Waiting { tried: Attempt, until: Instant },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    state: State,
    step: Step,
    failures: usize,
    /// When one last went through, if there was no cut since.
    through: Option<Instant>,
    relapses: u32,
}

impl Probe {
    pub(super) fn new(now: Instant) -> Probe {
        Probe { state: State::Resting { until: now }, step: Step::Start(None), failures: 0, through: None, relapses: 0 }
    }

    /// Whether packets that leave now are part of one.
    pub(super) fn is_sending(&self) -> bool {
        matches!(self.state, State::Sending(_))
    }

    /// When something is to be done, if more is `wanted` than is estimated.
    pub(super) fn due(&self, wants: bool) -> Option<Instant> {
        match &self.state {
            State::Resting { until } => wants.then_some(*until),
            State::Sending(tried) => Some(tried.due().min(tried.ends())),
            State::Waiting { until, .. } => Some(*until),
        }
    }

    /// Begins one, if it is time to.
    pub(super) fn begin(&mut self, now: Instant, next: Seq64, estimate: Bitrate, wanted: Bitrate, jitter: Duration) {
        let State::Resting { until } = self.state else { return };
        if now < until || wanted <= estimate {
            return;
        }
        let target = match self.step {
            Step::Start(before) => before.unwrap_or(estimate.percent(START_PERCENT)),
            Step::Feel => estimate.percent(FEEL_PERCENT).max(estimate.plus(MORE_MIN)),
            Step::Started | Step::Bold => estimate.percent(BOLD_PERCENT).max(estimate.plus(MORE_MIN)),
        };
        let target = target.min(wanted.percent(WANTED_PERCENT));
        let (bytes, least) = match self.step {
            Step::Start(_) | Step::Started => (START_BYTES, START_FOR),
            Step::Feel | Step::Bold => (TRY_BYTES, TRY_FOR),
        };
        let lasts = target.time_for(bytes).map_or(LASTS_MAX, |time| time.clamp(least, LASTS_MAX));
        let lasts = lasts + jitter * 2;
        self.state = State::Sending(Attempt::new(now, target, lasts, next));
    }

    /// A packet leaves.
    pub(super) fn sent(&mut self, number: Seq64) {
        if let State::Sending(tried) = &mut self.state {
            tried.sent(number);
        }
    }

    /// So much that is no padding leaves; padding is counted when it is given out.
    pub(super) fn spend(&mut self, bytes: u64) {
        if let State::Sending(tried) = &mut self.state {
            tried.spend(bytes);
        }
    }

    /// A packet of padding that should leave now.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Padding> {
        let State::Sending(tried) = &mut self.state else { return None };
        tried.poll(now)
    }

    /// A packet arrived, with this delay on the scale of groups, or was lost.
    pub(super) fn report(&mut self, number: Seq64, sent: Instant, bytes: u64, delay: Option<i64>) {
        if let State::Sending(tried) | State::Waiting { tried, .. } = &mut self.state
            && tried.holds(number)
        {
            tried.report(sent, bytes, delay);
        }
    }

    /// Ends the sending when its time is over.
    pub(super) fn handle_timeout(&mut self, now: Instant, round_trip: Duration) {
        if let State::Sending(tried) = self.state
            && now >= tried.ends()
        {
            self.finish_sending(now, tried, round_trip);
        }
    }

    /// Ends the sending at once: a queue was found.
    pub(super) fn stop(&mut self, now: Instant, round_trip: Duration) {
        if let State::Sending(tried) = self.state {
            self.finish_sending(now, tried, round_trip);
        }
    }

    fn finish_sending(&mut self, now: Instant, tried: Attempt, round_trip: Duration) {
        let until = now + round_trip + PATIENCE;
        self.state = State::Waiting { tried, until };
    }

    /// How it ended, once all packets up to `reported` have been told of, or patience is at an end. `lossy` is the
    /// share that is lost of what is not a probe, in thousandths.
    pub(super) fn outcome(&mut self, now: Instant, reported: Seq64, lossy: u64) -> Option<Outcome> {
        let State::Waiting { tried, until } = self.state else { return None };
        if !tried.is_told_by(reported) && now < until {
            return None;
        }
        let outcome = tried.outcome(lossy);
        let rest = match outcome {
            // Too little left to try what was meant to be tried.
            Outcome::Through(rate) if rate < tried.target().percent(REACHED_PERCENT) => RETRY,
            Outcome::Through(_) => {
                self.failures = 0;
                self.through = Some(now);
                self.step = match self.step {
                    Step::Start(_) | Step::Started => Step::Started,
                    Step::Feel | Step::Bold => Step::Bold,
                };
                Duration::ZERO
            }
            Outcome::Full(_) => {
                self.step = Step::Feel;
                let rest = self.rest_after_failures();
                self.failures = self.failures.saturating_add(1);
                rest
            }
            Outcome::Unknown => RETRY,
        };
        self.state = State::Resting { until: now + rest };
        Some(outcome)
    }

    /// The estimate was cut: the queue needs time to go, and the next try is a careful one.
    pub(super) fn give_way(&mut self, now: Instant) {
        self.step = Step::Feel;
        if let Some(through) = self.through.take() {
            let relapsed = now < through + RELAPSE_WITHIN;
            self.relapses = if relapsed { (self.relapses + 1).min(RELAPSES_MAX) } else { 0 };
        }
        let rested = now + self.rest_after_failures().max(RESTS[0] * (1 << self.relapses));
        if let State::Resting { until } = &mut self.state {
            *until = (*until).max(rested);
        }
    }

    fn rest_after_failures(&self) -> Duration {
        RESTS[self.failures.min(RESTS.len() - 1)]
    }

    /// The path is back, and carried this much before: worth a short try at once.
    pub(super) fn come_back(&mut self, now: Instant, before: Bitrate) {
        *self = Probe { step: Step::Start(Some(before)), ..Probe::new(now) };
    }

    /// What is on its way cannot be judged.
    pub(super) fn abandon(&mut self, now: Instant) {
        if !matches!(self.state, State::Resting { .. }) {
            self.state = State::Resting { until: now + RETRY };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIP: Duration = Duration::from_millis(50);

    fn kbps(kbps: u64) -> Bitrate {
        Bitrate::from_kbps(kbps)
    }

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    /// Runs one probe over a path that carries `carries` kbit/s with a queue of `queue` µs and loses each `loses`th
    /// packet, a millisecond at a time. Answers what was sent, and how it ended.
    fn run(probe: &mut Probe, now: &mut Instant, next: &mut Seq64, path: (u64, i64, u64), sends: bool) -> (u64, Option<Outcome>) {
        let (carries, queue, loses) = path;
        let (mut bytes, mut busy) = (0, micros_of(*now));
        let mut packets = Vec::new();
        while probe.is_sending() {
            while probe.poll(*now).is_some() {
                if !sends {
                    continue;
                }
                probe.sent(*next);
                busy = busy.max(micros_of(*now));
                let waits = busy - micros_of(*now);
                let lost = waits > queue || next.0.is_multiple_of(loses);
                if waits <= queue {
                    busy += i64::try_from(300 * 8 * 1_000 / carries).unwrap();
                }
                packets.push((*next, *now, (!lost).then_some(busy - micros_of(*now))));
                *next = next.next();
                bytes += 300;
            }
            *now += Duration::from_millis(1);
            probe.handle_timeout(*now, TRIP);
        }
        for (number, sent, delay) in packets {
            probe.report(number, sent, 300, delay);
        }
        (bytes, probe.outcome(*now, *next, 1_000 / loses))
    }

    fn micros_of(now: Instant) -> i64 {
        i64::try_from(now.as_nanos() / 1_000).unwrap()
    }

    #[test]
    fn a_probe_tells_what_goes_through() {
        for (path, least, most, through) in [
            ((20_000, 500_000, 1_000), 2_900, 3_000, true),
            ((2_000, 500_000, 1_000), 1_800, 2_300, false),
            ((300, 500_000, 1_000), 250, 360, false),
            ((20_000, 500_000, 5), 2_700, 3_000, true),
            ((1_000, 10_000, 1_000), 700, 1_700, false),
        ] {
            let (mut probe, mut now, mut next) = (Probe::new(at(0)), at(0), Seq64(70_000));
            probe.begin(now, next, kbps(1_000), kbps(9_000), Duration::ZERO);
            let (sent, outcome) = run(&mut probe, &mut now, &mut next, path, true);
            assert!((8_400..=9_600).contains(&sent), "25 ms of 3 Mbit/s: {sent}");
            let (rate, went) = match outcome {
                Some(Outcome::Through(rate)) => (rate, true),
                Some(Outcome::Full(rate)) => (rate, false),
                Some(Outcome::Unknown) | None => panic!("{path:?}: {outcome:?}"),
            };
            assert!((kbps(least)..=kbps(most)).contains(&rate) && went == through, "{path:?}: {outcome:?}");
        }
    }

    #[test]
    fn the_rest_grows_with_each_probe_that_finds_the_path_full() {
        let (mut probe, mut now, mut next) = (Probe::new(at(0)), at(0), Seq64(70_000));
        for rest in [2, 4, 5, 5] {
            probe.begin(now, next, kbps(250), kbps(9_000), Duration::ZERO);
            let (_, outcome) = run(&mut probe, &mut now, &mut next, (250, 500_000, 1_000), true);
            assert!(matches!(outcome, Some(Outcome::Full(_))), "{outcome:?}");
            let due = now + Duration::from_secs(rest);
            assert_eq!((probe.due(true), probe.due(false)), (Some(due), None));
            probe.begin(due - Duration::from_millis(1), next, kbps(250), kbps(9_000), Duration::ZERO);
            assert!(!probe.is_sending(), "it rests");
            now = due;
        }
    }

    #[test]
    fn what_carries_padding_but_not_pictures_is_tried_less_and_less() {
        let (mut probe, mut now, mut next) = (Probe::new(at(0)), at(0), Seq64(70_000));
        for rest in [4, 8, 16, 32, 32] {
            probe.begin(now, next, kbps(500), kbps(9_000), Duration::ZERO);
            let (_, outcome) = run(&mut probe, &mut now, &mut next, (9_000, 500_000, 1_000), true);
            assert!(matches!(outcome, Some(Outcome::Through(_))), "{outcome:?}");
            now += Duration::from_secs(3);
            for _ in 0..3 {
                probe.give_way(now);
            }
            let due = now + Duration::from_secs(rest);
            assert_eq!(probe.due(true), Some(due));
            now = due;
        }
    }

    #[test]
    fn a_cut_long_ago_does_not_draw_out_the_rest_after_a_probe() {
        let (mut probe, mut now, mut next) = (Probe::new(at(0)), at(0), Seq64(70_000));
        // It has relapsed, and carries more since: the first try after its rest goes through, the next one is too bold.
        for (carries, goes_through) in [(9_000, true), (9_000, true), (600, false)] {
            if let Some(due) = probe.due(true) {
                now = now.max(due);
            }
            probe.begin(now, next, kbps(500), kbps(9_000), Duration::ZERO);
            let (_, outcome) = run(&mut probe, &mut now, &mut next, (carries, 500_000, 1_000), true);
            assert_eq!(matches!(outcome, Some(Outcome::Through(_))), goes_through, "{outcome:?}");
            if next < Seq64(70_060) {
                probe.give_way(now);
            }
        }
        assert!(probe.relapses > 0);
        assert_eq!(probe.due(true), Some(now + RESTS[0]));
    }

    #[test]
    fn padding_that_is_not_sent_proves_nothing() {
        let (mut probe, mut now, mut next) = (Probe::new(at(0)), at(0), Seq64(70_000));
        probe.begin(now, next, kbps(1_000), kbps(9_000), Duration::ZERO);
        let (_, outcome) = run(&mut probe, &mut now, &mut next, (9_000, 500_000, 1_000), false);
        assert_eq!(outcome, Some(Outcome::Unknown));
        assert_eq!(probe.due(true), Some(now + RETRY));
    }

    #[test]
    fn a_probe_that_a_late_loop_kept_below_its_rate_proves_no_more_and_is_not_followed_by_a_bold_one() {
        let (mut probe, mut next, mut busy) = (Probe::new(at(0)), Seq64(70_000), 0);
        probe.step = Step::Feel;
        probe.begin(at(0), next, kbps(290), kbps(9_000), Duration::ZERO);
        let mut packets = Vec::new();
        // It is late again and again.
        for now in (0..400).filter(|millis| millis % 34 < 22).map(at) {
            probe.handle_timeout(now, TRIP);
            while probe.poll(now).is_some() {
                probe.sent(next);
                busy = micros_of(now).max(busy) + 300 * 8 * 1_000 / 345;
                packets.push((next, now, busy - micros_of(now)));
                next = next.next();
            }
        }
        for (number, sent, delay) in packets {
            probe.report(number, sent, 300, Some(delay));
        }
        let outcome = probe.outcome(at(400), next, 0);
        assert!(matches!(outcome, Some(Outcome::Through(rate)) if rate < kbps(350)), "it is full at 345: {outcome:?}");
        assert_eq!((probe.step, probe.due(true)), (Step::Feel, Some(at(400) + RETRY)));
    }

    #[test]
    fn a_loop_that_is_late_does_not_send_all_it_missed_at_once() {
        let mut probe = Probe::new(at(0));
        probe.begin(at(0), Seq64(70_000), kbps(1_000), kbps(9_000), Duration::ZERO);
        let burst = std::iter::from_fn(|| probe.poll(at(500))).count();
        assert_eq!(burst, 12, "10 ms of 3 Mbit/s");
    }

    #[test]
    fn media_fills_the_probe_before_padding_does() {
        let mut probe = Probe::new(at(0));
        probe.begin(at(0), Seq64(70_000), kbps(1_000), kbps(9_000), Duration::ZERO);
        probe.spend(6_000);
        assert_eq!(probe.poll(at(10)), None, "3,750 bytes were due");
        assert_eq!(std::iter::from_fn(|| probe.poll(at(20))).count(), 5, "7,500 bytes are");
    }
}
