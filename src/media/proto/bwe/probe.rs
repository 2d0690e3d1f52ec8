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

use crate::base::{Bitrate, Instant, Seq64};

/// Bytes on the wire of one padding packet, and how many of them are padding: what RTP's one byte of length can say
/// (RFC 3550 §5.1), with header, extensions, UDP, and the tag of SRTP.
const PADDING: u8 = 255;
const PADDING_ON_WIRE: u64 = 300;

/// A first try after a cut: half as much again. The next ones, after one that went through: twice as much. But at least so much more.
const FEEL_PERCENT: u64 = 150;
const BOLD_PERCENT: u64 = 200;
const MORE_MIN: Bitrate = Bitrate::from_kbps(60);
/// A try lasts as long as so many bytes take, within bounds, and longer by twice the jitter. Longer would leave a longer queue where the path is full
/// (at half as much again: a third of the try); shorter would hold too few packets to measure by.
const TRY_BYTES: u64 = 9_000;
const TRY_FOR: (Duration, Duration) = (Duration::from_millis(60), Duration::from_millis(200));
/// At the start, and when a path comes back, nothing is known: three times the guess, then twice that. At 3 Mbit/s this leaves 9 kB,
/// a quarter of a second of a path of 300 kbit/s: longer would do harm there, shorter would hold too few packets to measure by.
const START_PERCENT: u64 = 300;
const START_FOR: Duration = Duration::from_millis(25);

/// Not more than this share of what is wanted is tried: what goes through is measured a little low at times, and a try that stays below what is
/// wanted would be made for ever.
const WANTED_PERCENT: u64 = 106;

/// The rest after a probe that did not go through, and after the next. A shorter rest would press on a narrow path more often; a longer one
/// would hold the better layer back when the path has widened, and it must be there within ten seconds: 5, 1.5 for the probes, 3 for
/// the switch.
const RESTS: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(5)];
/// A cut soon after a probe went through says that the path carries padding and not pictures (frames come in bursts), or changes often. The rest is
/// doubled with each such relapse in a row, up to sixteen times the first: else the picture would change each few seconds.
const RELAPSE_WITHIN: Duration = Duration::from_secs(10);
const RELAPSES_MAX: u32 = 4;
/// A probe that nobody could judge (no padding went out, or no feedback came back) is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// Waiting for reports, beyond the round trip.
const PATIENCE: Duration = Duration::from_millis(500);

/// It went through if so many hundredths of what was tried did.
const THROUGH_PERCENT: u64 = 88;
/// Fewer reported packets than this tell nothing.
const REPORTED_MIN: u32 = 8;
/// A loop that comes back late makes up for this much time at most.
const CATCH_UP: Duration = Duration::from_millis(10);
/// Padding does not come more often; what is due then comes together.
const PACE: Duration = Duration::from_millis(1);
/// A path that loses this share of anything, in thousandths, is believed to; what it loses beyond is the probe's doing.
const LOSSY_MAX: u64 = 250;

/// A packet of nothing that should be sent now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Padding {
    /// Bytes of RTP padding, the last of which says how many.
    pub bytes: u8,
}

/// How a probe ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// This much went through, and it is what was tried.
    Through(Bitrate),
    /// The path is full at this rate.
    Full(Bitrate),
    /// Nobody knows.
    Unknown,
}

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
    Sending(Try),
    Waiting { tried: Try, until: Instant },
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

/// One probe.
#[derive(Clone, Copy, Debug)]
struct Try {
    target: Bitrate,
    began: Instant,
    lasts: Duration,
    /// Bytes that were sent or are about to be.
    spent: u64,
    /// When padding was last given out.
    paced: Instant,
    first: Seq64,
    /// Behind the last.
    end: Seq64,
    told: Told,
    /// The luckiest packets of the first third and of the last: where the queue stood then.
    early: Option<Mark>,
    late: Option<Mark>,
}

/// What has been told of a probe's packets so far.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    arrived: u32,
    lost: u32,
    arrived_bytes: u64,
    lost_bytes: u64,
}

/// A packet that arrived, and what had been told up to it.
#[derive(Clone, Copy, Debug)]
struct Mark {
    sent: Instant,
    delay: i64,
    told: Told,
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
            State::Sending(tried) => Some(tried.due().min(tried.began + tried.lasts)),
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
        let lasts = match self.step {
            Step::Start(_) | Step::Started => START_FOR,
            Step::Feel | Step::Bold => target.time_for(TRY_BYTES).map_or(TRY_FOR.1, |time| time.clamp(TRY_FOR.0, TRY_FOR.1)),
        };
        let lasts = lasts + jitter * 2;
        self.state = State::Sending(Try::new(now, target, lasts, next));
    }

    /// A packet leaves. Padding was counted when it was given out.
    pub(super) fn sent(&mut self, number: Seq64, bytes: u64, is_padding: bool) {
        if let State::Sending(tried) = &mut self.state {
            tried.sent(number, bytes, is_padding);
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
            && (tried.first..tried.end).contains(&number)
        {
            tried.report(sent, bytes, delay);
        }
    }

    /// Ends the sending when its time is over.
    pub(super) fn handle_timeout(&mut self, now: Instant, round_trip: Duration) {
        if let State::Sending(tried) = self.state
            && now >= tried.began + tried.lasts
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

    fn finish_sending(&mut self, now: Instant, tried: Try, round_trip: Duration) {
        let until = now + round_trip + PATIENCE;
        self.state = State::Waiting { tried, until };
    }

    /// How it ended, once all packets up to `reported` have been told of, or patience is at an end. `lossy` is the share that is lost of
    /// what is not a probe, in thousandths.
    pub(super) fn outcome(&mut self, now: Instant, reported: Seq64, lossy: u64) -> Option<Outcome> {
        let State::Waiting { tried, until } = self.state else { return None };
        if reported < tried.end && now < until {
            return None;
        }
        let outcome = tried.outcome(lossy.min(LOSSY_MAX));
        let rest = match outcome {
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
                let rest = self.rest();
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
        let rested = now + self.rest();
        if let State::Resting { until } = &mut self.state {
            *until = (*until).max(rested);
        }
    }

    fn rest(&self) -> Duration {
        let rest = RESTS[self.failures.min(RESTS.len() - 1)];
        rest.max(RESTS[0] * (1 << self.relapses))
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

impl Try {
    fn new(now: Instant, target: Bitrate, lasts: Duration, next: Seq64) -> Try {
        Try {
            target,
            began: now,
            lasts,
            spent: 0,
            paced: now,
            first: next,
            end: next,
            told: Told::default(),
            early: None,
            late: None,
        }
    }

    /// When a packet of padding is due: when there is room for it at the rate that is tried.
    fn due(&self) -> Instant {
        let at = self.target.time_for(self.spent + PADDING_ON_WIRE).map_or(self.began + self.lasts, |time| self.began + time);
        at.max(self.paced + PACE)
    }

    fn poll(&mut self, now: Instant) -> Option<Padding> {
        let passed = now.since(self.began).min(self.lasts);
        let room = self.target.bytes_in(passed);
        // What a late loop has missed is not sent all at once.
        let behind = room.saturating_sub(self.target.bytes_in(CATCH_UP).max(PADDING_ON_WIRE));
        self.spent = self.spent.max(behind);
        if self.spent + PADDING_ON_WIRE > room {
            self.paced = now;
            return None;
        }
        self.spent += PADDING_ON_WIRE;
        Some(Padding { bytes: PADDING })
    }

    fn sent(&mut self, number: Seq64, bytes: u64, is_padding: bool) {
        self.end = number.next();
        if !is_padding {
            self.spent += bytes;
        }
    }

    fn report(&mut self, sent: Instant, bytes: u64, delay: Option<i64>) {
        let Some(delay) = delay else {
            self.told.lost += 1;
            self.told.lost_bytes += bytes;
            return;
        };
        self.told.arrived += 1;
        self.told.arrived_bytes += bytes;
        let passed = sent.since(self.began);
        let third = match (passed * 3 < self.lasts, passed * 3 >= self.lasts * 2) {
            (true, _) => &mut self.early,
            (_, true) => &mut self.late,
            (false, false) => return,
        };
        if third.is_none_or(|mark| delay < mark.delay) {
            *third = Some(Mark { sent, delay, told: self.told });
        }
    }

    fn outcome(&self, lossy: u64) -> Outcome {
        if self.told.arrived + self.told.lost < REPORTED_MIN {
            return Outcome::Unknown;
        }
        let (Some(early), Some(late)) = (self.early, self.late) else {
            // If nothing came of a third, it may be because there was no room for it.
            return if self.told.lost > self.told.arrived { Outcome::Full(Bitrate::ZERO) } else { Outcome::Unknown };
        };
        // What left within `apart` arrived within `apart` and what the queue has grown by.
        let apart = late.sent.since(early.sent);
        let grown = Duration::from_micros(late.delay.saturating_sub(early.delay).max(0).unsigned_abs());
        let arrived = late.told.arrived_bytes.saturating_sub(early.told.arrived_bytes);
        let lost = late.told.lost_bytes.saturating_sub(early.told.lost_bytes);
        let arrived = (arrived.saturating_mul(1_000) / (1_000 - lossy)).min(arrived + lost);
        let (Some(sent), Some(through)) = (Bitrate::of(arrived + lost, apart), Bitrate::of(arrived, apart + grown)) else {
            return Outcome::Unknown;
        };
        if through < sent.min(self.target).percent(THROUGH_PERCENT) {
            return Outcome::Full(through);
        }
        Outcome::Through(through.min(self.target))
    }
}
