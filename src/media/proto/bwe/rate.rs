//! The one number: down at once to what arrives, up slowly as far as what is sent proves, up at once as far as a probe proves.

use std::time::Duration;

use crate::base::{Bitrate, Instant};

/// Less is never asked for: thin sound, without pictures. Lower would be silence; higher would flood a path that
/// carries no more, and there "sound is never given up" decides anyway.
pub const FLOOR: Bitrate = Bitrate::from_kbps(30);

/// The share of what arrives that is left after a queue or a loss. More would leave the queue to stand for longer; less would give
/// away a part of a narrow path each time.
const CUT_PERCENT: u64 = 85;

/// Growth in a second while the estimate is used, in hundredths (draft-ietf-rmcat-gcc-02 §5.5: 1.08).
const GROWTH_PERCENT: u64 = 8;
/// Growth near the rate at which it last went wrong, in a second.
const GROWTH_NEAR: Bitrate = Bitrate::from_kbps(10);
/// What is near, in hundredths of that rate.
const NEAR: (u64, u64) = (80, 115);
/// The estimate is used if we send so many hundredths of it.
const USED_PERCENT: u64 = 70;
/// Nothing grows beyond this share of what arrived, and a margin: the next layer is three times as much, and whether that fits is for a
/// probe to tell. More would promise a layer that nothing has proved; less would leave no room for an encoder's whims.
const PROVED_PERCENT: u64 = 125;
const PROVED_MARGIN: Bitrate = Bitrate::from_kbps(10);
/// Longer pauses than this between two feedbacks do not count as time to grow.
const GROWTH_STEP_MAX: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    estimate: Bitrate,
    ceiling: Bitrate,
    /// The most that has been seen to arrive or has been proved since the last cut. The start is a guess, and no more.
    confirmed: Bitrate,
    /// What arrived when it last went wrong.
    limit: Option<Bitrate>,
    grown: Instant,
}

impl Rate {
    pub(super) fn new(now: Instant, start: Bitrate, ceiling: Bitrate) -> Rate {
        let ceiling = ceiling.max(FLOOR);
        Rate { estimate: start.clamp(FLOOR, ceiling), ceiling, confirmed: FLOOR, limit: None, grown: now }
    }

    pub(super) fn estimate(&self) -> Bitrate {
        self.estimate
    }

    pub(super) fn ceiling(&self) -> Bitrate {
        self.ceiling
    }

    /// There is room on the path, and this much arrives of what is sent.
    pub(super) fn grow(&mut self, now: Instant, sent: Bitrate, arrives: Bitrate) {
        let passed = now.since(self.grown).min(GROWTH_STEP_MAX);
        self.grown = now;
        // After a stall, what has waited arrives faster than it was sent.
        let proved = arrives.min(sent);
        self.confirmed = self.confirmed.max(proved);
        if sent < self.estimate.percent(USED_PERCENT) {
            return;
        }
        let near = self.limit.is_some_and(|limit| (limit.percent(NEAR.0)..=limit.percent(NEAR.1)).contains(&self.estimate));
        let a_second = if near { GROWTH_NEAR } else { self.estimate.percent(GROWTH_PERCENT) };
        let grown = self.estimate.plus(Bitrate::from_bps(a_second.bytes_in(passed).saturating_mul(8)));
        let most = proved.percent(PROVED_PERCENT).plus(PROVED_MARGIN);
        self.set(self.estimate.max(grown.min(most)).max(proved.percent(CUT_PERCENT)));
    }

    /// The path holds up what we send, and this much arrives.
    pub(super) fn cut(&mut self, now: Instant, arrives: Bitrate) {
        self.limit = Some(arrives);
        self.grown = now;
        self.set(self.estimate.min(arrives.percent(CUT_PERCENT)));
        self.confirmed = self.confirmed.min(self.estimate);
    }

    /// The path is held up, but all we send arrives: it may be others. Half is given up at most.
    pub(super) fn yield_half(&mut self, now: Instant, arrives: Bitrate) {
        self.cut(now, arrives.max(self.estimate.percent(60)));
    }

    /// A probe went through at this rate.
    pub(super) fn prove(&mut self, proved: Bitrate) {
        if self.limit.is_some_and(|limit| proved > limit.percent(NEAR.1)) {
            self.limit = None;
        }
        self.confirmed = self.confirmed.max(proved);
        self.set(self.estimate.max(proved));
    }

    /// A probe found the path full at this rate.
    pub(super) fn measure(&mut self, full: Bitrate) {
        let usable = full.percent(90);
        self.limit = Some(full);
        // What has only been guessed is corrected; what has been seen to arrive stays, until a queue or a loss says otherwise.
        self.set(self.estimate.min(self.confirmed.max(usable)).max(usable));
    }

    /// Nothing is heard of the path.
    pub(super) fn halve(&mut self) {
        self.limit = None;
        self.confirmed = FLOOR;
        self.set(self.estimate.percent(50));
    }

    fn set(&mut self, estimate: Bitrate) {
        self.estimate = estimate.clamp(FLOOR, self.ceiling);
    }
}
