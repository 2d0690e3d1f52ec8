//! A visit that sends to one receiver over a [`Path`], a millisecond at a time.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use super::super::{Content, Estimator};
use super::path::Path;
use super::receiver::Receiver;
use super::{Dice, at, kbps, ms};
use crate::base::{Bitrate, Instant, Seq16};
use crate::media::wire::rtcp::{Block, Compound};

const SOUND: u64 = 40;
const LAYERS: [u64; 3] = [150, 500, 1_500];
/// RTP's header, extensions, tag, UDP and IP are in it.
const PACKET: usize = 1_150;
const PADDING_AROUND: usize = 45;
/// A keyframe is so many times as large as another frame.
const KEYFRAME: usize = 6;

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sends {
    /// Sound and pictures of so many kbit/s, whatever the estimate.
    Always(u64),
    /// Sound, and of each of so many pictures the best layer that fits: down at the keyframe, 200 ms later; up if
    /// there has been a fifth to spare for 2 s.
    Obeys { pictures: u64 },
}

/// What one half second was like.
pub(super) struct Row {
    pub(super) at: u64,
    pub(super) estimate: u64,
    pub(super) sent: u64,
    pub(super) waiting: Duration,
    pub(super) told: Duration,
}

pub(super) struct Visit {
    pub(super) now: Instant,
    pub(super) estimator: Estimator,
    pub(super) path: Path,
    pub(super) sends: Sends,
    pub(super) wanted: u64,
    /// Hundredths of the feedback packets.
    pub(super) feedback_loss: u64,
    pub(super) says_twice: bool,
    /// The estimate of each millisecond, in kbit/s, and the queue's length.
    pub(super) estimates: Vec<u64>,
    pub(super) waiting: Vec<Duration>,
    pub(super) rows: Vec<Row>,
    /// Bytes of padding so far.
    pub(super) padding: usize,
    receiver: Receiver,
    dice: Dice,
    underway: Vec<(Instant, Seq16)>,
    feedback: VecDeque<(Instant, Vec<u8>)>,
    /// What the pictures have together, what they are about to have, and since when more would fit.
    layer: u64,
    /// Of which the last frame was.
    shown: u64,
    switching: Option<(Instant, u64)>,
    fits: Option<Instant>,
    sent_in_row: usize,
}

impl Visit {
    pub(super) fn new(path: Path, sends: Sends, seed: u64) -> Visit {
        Visit {
            now: at(0),
            estimator: Estimator::new(at(0), kbps(1_000), kbps(20_000)),
            path: Path { dice: Dice(seed), ..path },
            sends,
            wanted: 0,
            feedback_loss: 0,
            says_twice: false,
            estimates: Vec::new(),
            waiting: Vec::new(),
            rows: Vec::new(),
            padding: 0,
            receiver: Receiver::new(seed ^ 0xfeed),
            dice: Dice(seed ^ 0xd1ce),
            underway: Vec::new(),
            feedback: VecDeque::new(),
            layer: 0,
            shown: 0,
            switching: None,
            fits: None,
            sent_in_row: 0,
        }
    }

    pub(super) fn wants(mut self, kbps: u64) -> Visit {
        self.wanted = kbps;
        self
    }

    /// Goes on until this moment.
    pub(super) fn run(&mut self, until: u64) {
        while self.now < at(until) {
            self.step();
            self.now += ms(1);
        }
    }

    /// The least and the most of the estimate within a time, in kbit/s.
    pub(super) fn range(&self, from: usize, to: usize) -> (u64, u64) {
        let within = &self.estimates[from..to];
        (*within.iter().min().unwrap(), *within.iter().max().unwrap())
    }

    /// When the estimate was first this high, after a moment.
    pub(super) fn reaches(&self, from: usize, kbps: u64) -> Option<usize> {
        self.estimates[from..].iter().position(|estimate| *estimate >= kbps)
    }

    pub(super) fn longest_wait(&self, from: usize, to: usize) -> Duration {
        *self.waiting[from..to].iter().max().unwrap()
    }

    /// What happened, for a reader.
    pub(super) fn curves(&self) -> String {
        let mut text = String::from("\n     ms  estimate      sent  queue  told\n");
        for row in &self.rows {
            let bar = "#".repeat(usize::try_from(row.estimate / 40).unwrap().min(80));
            let (queue, told) = (row.waiting.as_millis(), row.told.as_millis());
            writeln!(text, "{:>7} {:>9} {:>9} {queue:>6} {told:>5} {bar}", row.at, row.estimate, row.sent).unwrap();
        }
        text
    }

    fn step(&mut self) {
        let now = self.now;
        let millis = now.as_nanos() / 1_000_000;
        self.underway.sort_by_key(|(arrival, _)| *arrival);
        while self.underway.first().is_some_and(|(arrival, _)| *arrival <= now) {
            let (arrival, number) = self.underway.remove(0);
            self.receiver.take(arrival, number);
        }
        for packet in self.receiver.poll(now) {
            if !self.dice.percent(self.feedback_loss) && self.path.rate(now) > Bitrate::ZERO {
                self.feedback.push_back((now + self.path.delay, packet));
            }
        }
        while self.feedback.front().is_some_and(|(arrival, _)| *arrival <= now) {
            let (_, packet) = self.feedback.pop_front().unwrap();
            for block in Compound::new(&packet) {
                let Ok(Block::TransportCc(feedback)) = block else { panic!("no feedback") };
                self.estimator.handle_feedback(now, &feedback);
                if self.says_twice {
                    self.estimator.handle_feedback(now, &feedback);
                }
            }
        }
        self.choose();
        self.estimator.want(now, kbps(self.wanted));
        if millis % 20 == 7 {
            self.send(usize::try_from(SOUND * 20 / 8).unwrap(), Content::Media);
        }
        // 30 frames a second.
        if millis * 30 % 1_000 < 30 {
            let mut bytes = usize::try_from(self.layer * 1_000 / 8 / 30).unwrap();
            if self.shown != self.layer {
                (self.shown, bytes) = (self.layer, bytes * KEYFRAME);
            }
            while bytes > 0 {
                let packet = bytes.min(PACKET);
                self.send(packet, Content::Media);
                bytes -= packet;
            }
        }
        if self.estimator.deadline().is_some_and(|deadline| deadline.at <= now) {
            self.estimator.handle_timeout(now);
        }
        while let Some(padding) = self.estimator.poll_probe(now) {
            self.send(usize::from(padding.bytes) + PADDING_AROUND, Content::Padding);
        }
        self.note(millis);
    }

    fn choose(&mut self) {
        let Sends::Obeys { pictures } = self.sends else {
            let Sends::Always(kbps) = self.sends else { return };
            self.layer = kbps;
            return;
        };
        let estimate = self.estimator.estimate().bps() / 1_000;
        let best = |room: u64| LAYERS.iter().rev().map(|layer| layer * pictures).find(|rate| rate + SOUND <= room).unwrap_or(0);
        let (fitting, spare) = (best(estimate), best(estimate * 100 / 120));
        if spare > self.layer {
            let since = *self.fits.get_or_insert(self.now);
            if self.now >= since + ms(2_000) || self.layer == 0 {
                (self.layer, self.fits) = (spare, None);
            }
        } else {
            self.fits = None;
        }
        match self.switching {
            Some((when, to)) if self.now >= when => (self.layer, self.switching) = (to.min(self.layer), None),
            None if fitting < self.layer => self.switching = Some((self.now + ms(200), fitting)),
            Some(_) | None => {}
        }
    }

    fn send(&mut self, bytes: usize, content: Content) {
        let number = self.estimator.send(self.now, bytes, content);
        if content == Content::Padding {
            self.padding += bytes;
        }
        self.sent_in_row += bytes;
        if let Some(arrival) = self.path.send(self.now, bytes) {
            self.underway.push((arrival, number));
        }
    }

    fn note(&mut self, millis: u64) {
        let estimate = self.estimator.estimate();
        assert!((super::super::FLOOR..=kbps(20_000)).contains(&estimate), "{estimate:?}");
        self.estimates.push(estimate.bps() / 1_000);
        self.waiting.push(self.path.waiting(self.now));
        if millis % 500 == 499 {
            let waiting = self.waiting.iter().rev().take(500).max().copied().unwrap();
            let sent = Bitrate::of(self.sent_in_row as u64, ms(500)).unwrap().bps() / 1_000;
            let told = self.estimator.queue_delay();
            self.rows.push(Row { at: millis + 1, estimate: estimate.bps() / 1_000, sent, waiting, told });
            self.sent_in_row = 0;
        }
    }
}
