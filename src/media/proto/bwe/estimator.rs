//! The estimate of what one receiver's downlink carries: where the parts meet.

use std::time::Duration;

use super::attempt::{Outcome, Padding};
use super::clock::{ReporterClock, micros};
use super::clumps::Clumps;
use super::groups::Groups;
use super::least::Least;
use super::loss::Loss;
use super::probe::Probe;
use super::queue::{Queue, Usage};
use super::rate::Rate;
use super::sent::{Fate, Name, Sent};
use super::throughput::Throughput;
use crate::base::{Bitrate, Deadline, Instant, Seq16};
use crate::media::wire::rtcp::TransportCc;

/// No feedback for so long, while we send, is a silence; the estimate is halved then, and after each such time again.
/// Feedback comes ten times a second, so a longer time would flood a dead path for longer, and a shorter one would
/// take a slow round trip for its end.
const SILENCE: Duration = Duration::from_secs(1);

/// A cut that nothing but the delay asks for is given this long to work before the next. Longer would let a queue
/// stand, shorter would cut again before the first cut could be seen.
const CUT_INTERVAL: Duration = Duration::from_secs(1);

/// We send so many hundredths of what arrives: the path holds it up. Less would be reached by frames that differ in
/// size; more would take a path that is a tenth too narrow for one that others fill.
const HELD_UP_PERCENT: u64 = 115;
/// A queue that makes packets wait for less than this has room for more. A lower mark would take a path that loses a fifth for one that
/// is too narrow as soon as it grows longer, and leave losses that are heard; a higher one would forgive a full queue what it throws away.
const OVERFLOWS: Duration = Duration::from_millis(64);
/// From so many hundredths on it is by what is lost that less arrives. Less would not make up the difference; more would leave a path
/// that loses a tenth to be taken for a narrow one.
const LOST_PERCENT: u64 = 5;
/// Up to so many hundredths of the estimate, we send no more than it: encoders are not exact.
const OBEYED_PERCENT: u64 = 110;

/// The round trip is the least of 5 to 10 s.
const ROUND_TRIP_SPAN: Duration = Duration::from_secs(5);

/// A delay that differs by more from the first is no delay, but a clock that was set, or has drifted for a day.
const LEAP_MICROS: i64 = 10_000_000;

/// What a packet carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    Media,
    /// Media of which [`Estimator::poll_missing`] tells by this name if it does not arrive.
    Named(Name),
    /// What [`Estimator::poll_probe`] asked for.
    Padding,
}

/// What one receiver's downlink carries. Its owner tells it of each packet that leaves ([`Estimator::send`], which
/// numbers it), of each feedback, and of what it would like to send ([`Estimator::want`]); after each of these, and
/// at [`Estimator::deadline`] after [`Estimator::handle_timeout`], it sends what [`Estimator::poll_probe`] asks for
/// until that is nothing. It sends no more than [`Estimator::estimate`].
///
/// Only for a receiver that has agreed to transport-wide-cc: one that never reports is silent, and ends at the floor.
/// **Frames leave in one burst and are not paced. Where the narrow place's queue is shorter than a frame, a part of
/// each is lost, and the estimate stays below what the path would carry if it came evenly.**
///
/// It allocates when it is made, and never again. Nothing that a peer reports makes it panic or leave `[FLOOR,
/// ceiling]`.
#[derive(Clone, Debug)]
pub struct Estimator {
    sent: Sent,
    clock: ReporterClock,
    /// The first delay that was seen: where the scale of delays has its zero.
    zero: Option<i64>,
    feedback_count: Option<u8>,
    groups: Groups,
    queue: Queue,
    loss: Loss,
    /// Of what leaves, by our clock.
    leaves: Throughput,
    /// Of what arrives, by the reporter's.
    arrives: Throughput,
    clumps: Clumps,
    round_trip: Least<Duration>,
    rate: Rate,
    cut: Option<Instant>,
    probe: Probe,
    wanted: Bitrate,
    hearing: Hearing,
}

/// Whether the receiver is heard.
#[derive(Clone, Copy, Debug)]
enum Hearing {
    /// All that was sent has been answered for.
    Quiet,
    /// Packets are on their way since then.
    Waiting { since: Instant },
    /// Nothing has come back for long. The estimate was halved at the time, and this much before.
    Silent { halved: Instant, before: Bitrate },
}

impl Estimator {
    pub fn new(now: Instant, start: Bitrate, ceiling: Bitrate) -> Estimator {
        Estimator {
            sent: Sent::new(),
            clock: ReporterClock::default(),
            zero: None,
            feedback_count: None,
            groups: Groups::default(),
            queue: Queue::new(now),
            loss: Loss::new(now),
            leaves: Throughput::default(),
            arrives: Throughput::default(),
            clumps: Clumps::default(),
            round_trip: Least::new(now, ROUND_TRIP_SPAN),
            rate: Rate::new(now, start, ceiling),
            cut: None,
            probe: Probe::new(now),
            wanted: Bitrate::ZERO,
            hearing: Hearing::Quiet,
        }
    }

    /// The transport-wide number of the packet that leaves now, with so many bytes on the wire. Once for each packet
    /// that carries one, in the order of leaving.
    pub fn send(&mut self, now: Instant, bytes: usize, content: Content) -> Seq16 {
        let name = match content {
            Content::Named(name) => Some(name),
            Content::Media | Content::Padding => None,
        };
        let number = self.sent.push(now, bytes, name, self.probe.is_sending());
        self.probe.sent(number);
        if content != Content::Padding {
            self.probe.spend(bytes as u64);
        }
        self.leaves.take(micros(now), bytes as u64);
        if let Hearing::Quiet = self.hearing {
            self.hearing = Hearing::Waiting { since: now };
        }
        number.wrapped()
    }

    /// The receiver tells what arrived.
    pub fn handle_feedback(&mut self, now: Instant, feedback: &TransportCc<'_>) {
        let skipped = self.skipped(feedback);
        let (mut arrived_bytes, mut lost_bytes, mut first_arrival) = (0, 0, None);
        let mut arrival = self.clock.begin(feedback.reference_time);
        let usual = self.arrives.rate();
        let mut heard = None;
        for (number, delta) in feedback.statuses() {
            if let Some(delta) = delta {
                arrival.advance(delta);
            }
            let Some(number) = self.sent.find(number) else { continue };
            let fate = if delta.is_some() { Fate::Arrived } else { Fate::Lost };
            let Some(packet) = self.sent.report(number, fate) else { continue };
            let bytes = u64::from(packet.bytes);
            if fate == Fate::Lost {
                lost_bytes += bytes;
                self.probe.report(number, packet.sent, bytes, None);
                continue;
            }
            arrived_bytes += bytes;
            heard = heard.max(Some(packet.sent));
            let at = arrival.micros();
            first_arrival.get_or_insert(at);
            let delay = self.delay(now, packet.sent, at);
            self.clumps.take(at, bytes, usual);
            self.arrives.take(at, bytes);
            self.probe.report(number, packet.sent, bytes, Some(delay));
            if let Some(group) = self.groups.take(packet.sent, delay) {
                self.queue.take(group);
            }
        }
        // A feedback that was lost took arrivals with it: as many of the skipped as of those that were told.
        if let (Some(first), Some(skipped)) = (first_arrival, skipped.checked_mul(arrived_bytes)) {
            self.arrives.take(first, skipped / (arrived_bytes + lost_bytes).max(1));
        }
        while let Some(packet) = self.sent.settle() {
            if packet.fate != Fate::Unknown && !packet.probing {
                self.loss.take(packet.sent, packet.order(), packet.fate == Fate::Lost);
            }
        }
        if let Some(sent) = heard {
            self.round_trip.take(now, now.since(sent));
            self.hear(now);
            self.judge(now);
        }
        self.look_at_probe(now);
    }

    /// A named packet that did not arrive, and when it left: ask after each feedback, until there is none.
    pub fn poll_missing(&mut self) -> Option<(Instant, Name)> {
        self.sent.missing()
    }

    /// What the receiver's downlink is believed to carry.
    pub fn estimate(&self) -> Bitrate {
        self.rate.estimate()
    }

    /// Of 256 packets whose fate is known so many were lost in the last two seconds, or in the last one if that was worse.
    pub fn loss(&self) -> u8 {
        u8::try_from(self.loss.worst_of(256)).unwrap_or(u8::MAX)
    }

    /// The least time from sending a packet to hearing of it in the last 5 to 10 s; it holds what the receiver waits
    /// before it reports a packet that came last.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip.get()
    }

    /// How far the path is above its least delay.
    pub fn queue_delay(&self) -> Duration {
        self.queue.standing()
    }

    /// Whether a queue stands on the path and does not go away.
    pub fn is_full(&self) -> bool {
        self.queue.usage() == Usage::Over
    }

    /// Whether packets wait for so long that some may be lost for want of room. Where they do not, what is lost is lost elsewhere.
    pub fn may_overflow(&self) -> bool {
        self.queue.standing() >= OVERFLOWS
    }

    /// Whether the receiver has not been heard for a second although packets left.
    pub fn is_silent(&self) -> bool {
        matches!(self.hearing, Hearing::Silent { .. })
    }

    /// What the estimate must reach for all that one would like to send, with the room that the choice of layers asks
    /// for. Nothing is tried beyond it.
    pub fn want(&mut self, now: Instant, wanted: Bitrate) {
        self.wanted = wanted.min(self.rate.ceiling());
        self.begin_probe(now);
    }

    /// A packet of padding that should be sent now, with [`Content::Padding`]; ask until there is none. What is given
    /// out and not sent is a probe that fails.
    pub fn poll_probe(&mut self, now: Instant) -> Option<Padding> {
        self.probe.poll(now)
    }

    pub fn deadline(&self) -> Option<Deadline> {
        let silence = match self.hearing {
            Hearing::Quiet => None,
            Hearing::Waiting { since: from } | Hearing::Silent { halved: from, .. } => Some(from + SILENCE),
        };
        let probe = self.probe.due(self.may_probe());
        Deadline::earlier(
            silence.map(|at| Deadline { at, why: "no feedback" }),
            probe.map(|at| Deadline { at, why: "bandwidth probe" }),
        )
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        self.probe.handle_timeout(now, self.patience());
        self.look_at_probe(now);
        let (since, before) = match self.hearing {
            Hearing::Quiet => return,
            Hearing::Waiting { since } => (since, self.rate.estimate()),
            Hearing::Silent { halved, before } => (halved, before),
        };
        if now < since + SILENCE {
            return;
        }
        if self.sent.last_sent() >= since {
            self.rate.halve();
            self.probe.abandon(now);
            self.hearing = Hearing::Silent { halved: now, before };
        } else if self.is_silent() {
            self.hearing = Hearing::Silent { halved: now, before };
        } else {
            // Nobody spoke, so nobody was to be heard.
            self.hearing = Hearing::Quiet;
        }
    }

    /// What the feedback leaves out did not arrive, if no feedback is missing before it. Answers the bytes of which
    /// nothing is known because a feedback was lost.
    fn skipped(&mut self, feedback: &TransportCc<'_>) -> u64 {
        let follows = self.feedback_count.is_some_and(|count| count.wrapping_add(1) == feedback.feedback_count);
        let behind = self.feedback_count.is_some_and(|count| feedback.feedback_count.wrapping_sub(count) >= 128);
        if !behind {
            self.feedback_count = Some(feedback.feedback_count);
        }
        let Some(base) = self.sent.find(feedback.base) else { return 0 };
        if !follows {
            return self.sent.skipped(base);
        }
        for number in self.sent.between(base) {
            if let Some(packet) = self.sent.report(number, Fate::Lost) {
                self.probe.report(number, packet.sent, u64::from(packet.bytes), None);
            }
        }
        0
    }

    /// A delay on a scale with its zero anywhere, but not far away.
    fn delay(&mut self, now: Instant, sent: Instant, arrival: i64) -> i64 {
        let delay = arrival.saturating_sub(micros(sent));
        let zero = *self.zero.get_or_insert(delay);
        let above = delay.saturating_sub(zero);
        if above.saturating_abs() < LEAP_MICROS {
            return above;
        }
        self.zero = Some(delay);
        self.groups = Groups::default();
        self.queue = Queue::new(now);
        self.arrives = Throughput::default();
        self.clumps = Clumps::default();
        self.probe.abandon(now);
        0
    }

    fn hear(&mut self, now: Instant) {
        if let Hearing::Silent { before, .. } = self.hearing {
            self.probe.come_back(now, before);
            // What the silence has swallowed says nothing of what fits.
            self.loss.acted(now);
        }
        let newest = self.sent.next();
        self.hearing = if self.sent.reported() == newest { Hearing::Quiet } else { Hearing::Waiting { since: now } };
    }

    /// Draws the conclusions of a feedback.
    fn judge(&mut self, now: Instant) {
        let sent = self.leaves.rate_at(micros(now)).unwrap_or(Bitrate::ZERO);
        let estimate = self.rate.estimate();
        let arrives = self.arrives.rate();
        let clumps = arrives.is_some_and(|arrives| self.clumps.are(arrives));
        let usage = self.queue.judge(now, sent, estimate.percent(OBEYED_PERCENT), clumps);
        let lossy = self.loss.congested(now, sent);
        let Some(arrives) = arrives else { return };
        // A short queue has room and loses nothing: what is lost beside it was not held up. Nor was what waits behind a gap.
        let lost_elsewhere = !self.may_overflow() && self.loss.share_of(100) >= LOST_PERCENT;
        let held_up = lossy || (sent > arrives.percent(HELD_UP_PERCENT) && !clumps && !lost_elsewhere);
        if lossy || usage == Usage::Over {
            if held_up {
                self.rate.cut(now, arrives);
            } else if self.cut.is_none_or(|cut| now >= cut + CUT_INTERVAL) {
                self.rate.yield_half(now, arrives);
            } else {
                return;
            }
            self.queue.give_way(if lost_elsewhere { sent } else { sent.min(arrives) });
            self.cut = Some(now);
            self.loss.acted(now);
            self.probe.stop(now, self.patience());
            self.probe.give_way(now);
        } else if usage == Usage::Clear {
            self.rate.grow(now, sent, arrives);
        }
    }

    fn look_at_probe(&mut self, now: Instant) {
        let lossy = self.loss.share_of(1_000);
        match self.probe.outcome(now, self.sent.reported(), lossy) {
            Some(Outcome::Through(rate)) => self.rate.prove(rate),
            Some(Outcome::Full(rate)) => self.rate.measure(rate),
            Some(Outcome::Unknown) | None => {}
        }
        self.begin_probe(now);
    }

    fn begin_probe(&mut self, now: Instant) {
        if self.may_probe() {
            self.probe.begin(now, self.sent.next(), self.rate.estimate(), self.wanted, self.queue.jitter());
        }
    }

    /// Nothing is tried on a path that has trouble already, nor on one that says nothing.
    fn may_probe(&self) -> bool {
        self.wanted > self.rate.estimate() && self.queue.usage() != Usage::Over && !self.is_silent()
    }

    fn patience(&self) -> Duration {
        self.round_trip.get().unwrap_or(SILENCE)
    }
}
