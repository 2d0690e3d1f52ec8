//! One probe: what is sent for it, what is told of it, and what that means.
//!
//! ```text
//!   sent      |    early    |             |    late     |
//!   delay     ·  ·╷ ·  · ·  │ ╷ · ·   ╷·  │╷ · · ╷ · ·  │    what left between the luckiest packet of the first third and
//!                 ●─────────┼─────────────┼───────●     │    that of the last arrived in that time and what the queue grew by
//! ```

use std::time::Duration;

use crate::base::{Bitrate, Instant, Seq64};

/// Bytes on the wire of one padding packet, and how many of them are padding: what RTP's one byte of length can say
/// (RFC 3550 §5.1), with header, extensions, UDP, and the tag of SRTP.
const PADDING: u8 = 255;
const PADDING_ON_WIRE: u64 = 300;

/// It went through if so many hundredths of what was tried did.
const THROUGH_PERCENT: u64 = 88;
/// Fewer reported packets than this tell nothing.
const REPORTED_MIN: u32 = 8;
/// A loop that comes back late makes up for this much time at most.
const CATCH_UP: Duration = Duration::from_millis(10);
/// Padding does not come more often; what is due then comes together.
const PACE: Duration = Duration::from_millis(1);
/// A path that loses this share of anything, in thousandths, is believed to; what it loses beyond is the probe's
/// doing.
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

/// One probe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
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

impl Attempt {
    pub(super) fn new(now: Instant, target: Bitrate, lasts: Duration, next: Seq64) -> Attempt {
        Attempt {
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

    pub(super) fn target(&self) -> Bitrate {
        self.target
    }

    /// When its sending is over.
    pub(super) fn ends(&self) -> Instant {
        self.began + self.lasts
    }

    pub(super) fn holds(&self, number: Seq64) -> bool {
        (self.first..self.end).contains(&number)
    }

    /// Whether all of it has been told of, if all before `reported` has.
    pub(super) fn is_told_by(&self, reported: Seq64) -> bool {
        reported >= self.end
    }

    /// When a packet of padding is due: when there is room for it at the rate that is tried.
    pub(super) fn due(&self) -> Instant {
        let at = self.target.time_for(self.spent + PADDING_ON_WIRE).map_or(self.ends(), |time| self.began + time);
        at.max(self.paced + PACE)
    }

    /// A packet of padding that should leave now.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Padding> {
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

    /// A packet leaves.
    pub(super) fn sent(&mut self, number: Seq64) {
        self.end = number.next();
    }

    /// So much that is no padding leaves.
    pub(super) fn spend(&mut self, bytes: u64) {
        self.spent += bytes;
    }

    /// A packet arrived, or was lost.
    pub(super) fn report(&mut self, sent: Instant, bytes: u64, delay: Option<i64>) {
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

    /// What it proves. `lossy` is the share that is lost of what is not a probe, in thousandths.
    pub(super) fn outcome(&self, lossy: u64) -> Outcome {
        let lossy = lossy.min(LOSSY_MAX);
        if self.told.arrived + self.told.lost < REPORTED_MIN {
            return Outcome::Unknown;
        }
        let (Some(early), Some(late)) = (self.early, self.late) else {
            // If nothing came of a third, it may be because there was no room for it.
            let came = Bitrate::of(self.told.arrived_bytes, self.lasts).filter(|_| self.told.lost > self.told.arrived);
            return came.map_or(Outcome::Unknown, Outcome::Full);
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
        // A probe is some thirty packets, so what a lossy path takes of them differs by a few hundredths from what it
        // takes of all.
        let bar = THROUGH_PERCENT - lossy / 25;
        if through < sent.min(self.target).percent(bar) {
            return Outcome::Full(through);
        }
        Outcome::Through(through.min(self.target))
    }
}
