//! One line of pictures as a browser shows it: repaired, put in order, decoded, and rendered when its time has come.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use quartet::base::{Instant, Seq16, Seq64};
use quartet::media::wire::payload::vp8::Descriptor;

use super::mark::Mark;
use super::tap::picture_id;

/// A gap may close by itself for so long, or until so many packets have come after it.
const PATIENCE: Duration = Duration::from_millis(10);
const OVERTAKEN: u64 = 3;
const TRIES: u32 = 10;
const GAP_AGE_MAX: Duration = Duration::from_secs(1);
/// A wider gap is not asked for, packet by packet.
const GAP_MAX: u64 = 300;

/// Nothing has come for so long: then it is the sender that is silent.
const SILENT: Duration = Duration::from_millis(300);
/// Without a picture for so long a keyframe is asked for (Chromium's `kMaxWaitForFrame`).
const STARVED: Duration = Duration::from_secs(3);

/// Frames that say how unevenly they come.
const JITTER_OF: usize = 150;
/// The least that a browser takes to draw a frame.
const DRAWING: Duration = Duration::from_millis(10);
/// From so many repaired frames on, a browser waits for repairs as a matter of course.
const REPAIRS_EXPECTED: usize = 3;
const REPAIRS_REMEMBERED: Duration = Duration::from_secs(60);
/// How much slower than time a browser plays to build up its delay.
const SLOWER: f64 = 0.1;

/// A frame on its way to be decoded.
struct Frame {
    /// Of the line's numbers.
    first: Option<u64>,
    last: Option<u64>,
    packets: u64,
    repaired: bool,
    timestamp: u32,
    descriptor: Descriptor,
    mark: Mark,
}

impl Frame {
    fn is_whole(&self) -> bool {
        self.first.zip(self.last).is_some_and(|(first, last)| self.packets == last + 1 - first)
    }
}

struct Gap {
    since: Instant,
    asked: Option<Instant>,
    tries: u32,
}

/// A frame that was shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rendered {
    pub(crate) at: Instant,
    pub(crate) layer: u8,
}

#[derive(Default)]
pub(crate) struct Picture {
    newest: Option<u64>,
    came: BTreeSet<u64>,
    gaps: BTreeMap<u64, Gap>,
    frames: BTreeMap<u64, Frame>,
    /// By picture id; the last TL0PICIDX, and that of the last T1.
    decoded: Option<u64>,
    tl0: u8,
    t1: Option<u8>,
    /// The time line of the frames: the newest timestamp, and what the earliest frames were late by.
    newest_timestamp: Option<u64>,
    base: Option<i64>,
    late: VecDeque<i64>,
    repairs: VecDeque<Instant>,
    delay: Duration,
    pub(crate) rendered: Vec<Rendered>,
    pub(super) heard: Option<Instant>,
    fed: Option<Instant>,
    starving_asked: Option<Instant>,
    pub(crate) packets: u64,
    /// Numbers that were asked for.
    pub(crate) nacked: u64,
    pub(crate) plis: u64,
}

impl Picture {
    pub(super) fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// A packet came, by itself or as a repair.
    #[allow(clippy::too_many_arguments, reason = "a packet has as many parts")]
    pub(super) fn take(
        &mut self,
        now: Instant,
        index: Seq64,
        repair: bool,
        timestamp: u32,
        marker: bool,
        picture: (Descriptor, Mark),
        round_trip: Duration,
    ) {
        self.packets += 1;
        self.heard = Some(now);
        self.fed.get_or_insert(now);
        if !self.came.insert(index.0) {
            return;
        }
        while self.came.len() > 2_000 {
            self.came.pop_first();
        }
        self.note(now, index.0, repair);
        let (descriptor, mark) = picture;
        let newest = self.frames.last_key_value().map(|(&id, _)| id).or(self.decoded).unwrap_or(0x8000);
        let id = nearest(newest, picture_id(&descriptor).into(), 15);
        if self.decoded.is_some_and(|decoded| id <= decoded) {
            return;
        }
        let frame = self.frames.entry(id).or_insert(Frame {
            first: None,
            last: None,
            packets: 0,
            repaired: false,
            timestamp,
            descriptor,
            mark,
        });
        frame.packets += 1;
        frame.repaired |= repair;
        if descriptor.starts_frame {
            frame.first = Some(index.0);
            frame.descriptor = descriptor;
        }
        if marker {
            frame.last = Some(index.0);
        }
        while self.frames.len() > 200 {
            self.frames.pop_first();
        }
        self.decode(now, round_trip);
    }

    fn note(&mut self, now: Instant, index: u64, repair: bool) {
        self.gaps.remove(&index);
        let newest = *self.newest.get_or_insert(index);
        if index > newest {
            if index - newest > GAP_MAX {
                self.gaps.clear();
            } else {
                self.gaps.extend((newest + 1..index).map(|gap| (gap, Gap { since: now, asked: None, tries: 0 })));
            }
            self.newest = Some(index);
        }
        debug_assert!(!repair || index <= self.newest.unwrap());
    }

    fn decode(&mut self, now: Instant, round_trip: Duration) {
        while let Some((&id, _)) = self.frames.iter().find(|(_, frame)| frame.is_whole() && self.is_decodable(frame)) {
            let mut left = self.frames.split_off(&id);
            let frame = left.remove(&id).unwrap();
            self.frames = left;
            self.decoded = Some(id);
            let tl0 = frame.descriptor.tl0_picture_index.unwrap();
            match frame.descriptor.temporal_layer.unwrap() {
                0 => self.tl0 = tl0,
                1 => self.t1 = Some(tl0),
                _ => {}
            }
            if frame.descriptor.keyframe {
                self.t1 = None;
                let first = frame.first.unwrap();
                self.gaps.retain(|&index, _| index >= first);
            }
            self.fed = Some(now);
            self.render(now, &frame, round_trip);
        }
    }

    /// Whether all that a frame refers to was decoded (RFC 7741 §4.2).
    fn is_decodable(&self, frame: &Frame) -> bool {
        let descriptor = &frame.descriptor;
        if descriptor.keyframe {
            return true;
        }
        if self.decoded.is_none() {
            return false;
        }
        let tl0 = descriptor.tl0_picture_index.unwrap();
        match descriptor.temporal_layer.unwrap() {
            0 => tl0 == self.tl0.wrapping_add(1),
            _ if descriptor.layer_sync => tl0 == self.tl0,
            _ => tl0 == self.tl0 && self.t1 == Some(tl0),
        }
    }

    fn render(&mut self, now: Instant, frame: &Frame, round_trip: Duration) {
        let newest = self.newest_timestamp.unwrap_or(u64::from(frame.timestamp) + (1 << 32));
        let timestamp = nearest(newest, frame.timestamp.into(), 32);
        self.newest_timestamp = Some(newest.max(timestamp));
        let captured = (u128::from(timestamp) * 100_000 / 9) as i64;
        let late = now.as_nanos() as i64 - captured;
        let base = self.base.map_or(late, |base| base.min(late));
        self.base = Some(base);
        let above = late - base;
        if frame.repaired {
            self.repairs.push_back(now);
        } else {
            self.late.push_back(above);
            while self.late.len() > JITTER_OF {
                self.late.pop_front();
            }
        }
        while self.repairs.front().is_some_and(|at| now.since(*at) > REPAIRS_REMEMBERED) {
            self.repairs.pop_front();
        }
        let mut sorted: Vec<_> = self.late.iter().copied().collect();
        sorted.sort_unstable();
        let jitter = Duration::from_nanos(sorted.get(sorted.len() * 95 / 100).map_or(0, |late| *late as u64));
        let for_repairs = if self.repairs.len() >= REPAIRS_EXPECTED { round_trip } else { Duration::ZERO };
        let target = jitter + for_repairs + DRAWING;

        let before = self.rendered.last().map(|rendered| rendered.at);
        let step = before.map_or(Duration::ZERO, |before| now.since(before)).mul_f64(SLOWER);
        self.delay =
            if target > self.delay { target.min(self.delay + step) } else { target.max(self.delay.saturating_sub(step)) };
        let due = Duration::from_nanos((captured + base) as u64) + self.delay;
        let due = Instant::ZERO + due;
        // A frame that is late says that the delay was too short.
        self.delay = (self.delay + now.since(due)).min(target.max(self.delay));
        let at = now.max(due).max(before.unwrap_or(now));
        self.rendered.push(Rendered { at, layer: frame.mark.layer });
    }

    /// The numbers that are to be asked for now.
    pub(super) fn missing(&mut self, now: Instant, round_trip: Duration) -> Vec<Seq16> {
        let newest = self.newest.unwrap_or(0);
        self.gaps.retain(|_, gap| gap.tries < TRIES && now.since(gap.since) < GAP_AGE_MAX);
        let mut missing = Vec::new();
        for (&index, gap) in &mut self.gaps {
            let due = match gap.asked {
                Some(at) => now.since(at) >= round_trip,
                None => newest >= index + OVERTAKEN || now.since(gap.since) >= PATIENCE,
            };
            if due && missing.len() < 200 {
                (gap.asked, gap.tries) = (Some(now), gap.tries + 1);
                missing.push(Seq64(index).wrapped());
            }
        }
        self.nacked += missing.len() as u64;
        missing
    }

    /// Whether a keyframe is to be asked for now: packets come, and nothing of them can be shown.
    pub(super) fn starves(&mut self, now: Instant) -> bool {
        let is_long_ago = |at: Option<Instant>| at.is_none_or(|at| now.since(at) >= STARVED);
        let comes = self.heard.is_some_and(|at| now.since(at) < SILENT);
        let starves = comes && self.fed.is_some() && is_long_ago(self.fed) && is_long_ago(self.starving_asked);
        if starves {
            self.starving_asked = Some(now);
            self.plis += 1;
        }
        starves
    }

    /// The longest time between two frames that were shown in this time, its ends counted as frames.
    pub(crate) fn longest_freeze(&self, from: Instant, to: Instant) -> Duration {
        let shown = self.rendered.iter().map(|rendered| rendered.at).filter(|at| (from..to).contains(at));
        let moments: Vec<_> = [from].into_iter().chain(shown).chain([to]).collect();
        moments.windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap_or_default()
    }

    /// For how long the picture stood still, counting what is longer than this.
    pub(crate) fn frozen(&self, from: Instant, to: Instant, longer: Duration) -> Duration {
        let shown = self.rendered.iter().map(|rendered| rendered.at).filter(|at| (from..to).contains(at));
        let moments: Vec<_> = [from].into_iter().chain(shown).chain([to]).collect();
        moments.windows(2).map(|pair| pair[1].since(pair[0])).filter(|gap| *gap > longer).sum()
    }

    pub(crate) fn frames_per_second(&self, from: Instant, to: Instant) -> f64 {
        let shown = self.rendered.iter().filter(|rendered| (from..to).contains(&rendered.at)).count();
        shown as f64 / to.since(from).as_secs_f64()
    }

    /// The layers that were shown, each once for each time that it began.
    pub(crate) fn layers(&self, from: Instant, to: Instant) -> Vec<u8> {
        let shown = self.rendered.iter().filter(|rendered| (from..to).contains(&rendered.at));
        let mut layers: Vec<_> = shown.map(|rendered| rendered.layer).collect();
        layers.dedup();
        layers
    }

    /// When a layer for which this holds was shown first since then.
    pub(crate) fn first_shown(&self, since: Instant, is_meant: impl Fn(u8) -> bool) -> Option<Instant> {
        self.rendered.iter().find(|rendered| rendered.at >= since && is_meant(rendered.layer)).map(|rendered| rendered.at)
    }
}

/// The number nearest to `near` with these low `bits`.
fn nearest(near: u64, low: u64, bits: u32) -> u64 {
    let cycle = 1 << bits;
    let candidate = near / cycle * cycle + low;
    [candidate.saturating_sub(cycle), candidate, candidate + cycle]
        .into_iter()
        .min_by_key(|number| number.abs_diff(near))
        .unwrap()
}
