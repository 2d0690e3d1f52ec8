//! The one number: down at once to what arrives, up slowly as far as what is sent proves, up at once as far as a
//! probe proves.

use std::time::Duration;

use crate::base::{Bitrate, Instant};

/// Less is never asked for: thin sound, without pictures. Lower would be silence; higher would flood a path that
/// carries no more, and there "sound is never given up" decides anyway.
pub const FLOOR: Bitrate = Bitrate::from_kbps(30);

/// The share of what arrives that is left after a queue or a loss. More would leave the queue to stand for longer;
/// less would give away a part of a narrow path each time.
const CUT_PERCENT: u64 = 85;

/// Growth in a second while the estimate is used, in hundredths (draft-ietf-rmcat-gcc-02 §5.5: 1.08).
const GROWTH_PERCENT: u64 = 8;
/// Growth near the rate at which it last went wrong, in a second.
const GROWTH_NEAR: Bitrate = Bitrate::from_kbps(10);
/// What is near, in hundredths of that rate.
const NEAR: (u64, u64) = (80, 115);
/// The estimate is used if we send so many hundredths of it.
const USED_PERCENT: u64 = 70;
/// Nothing grows beyond this share of what arrived, and a margin: the next layer is three times as much, and whether
/// that fits is for a probe to tell. More would promise a layer that nothing has proved; less would leave no room for
/// an encoder's whims.
const PROVED_PERCENT: u64 = 125;
const PROVED_MARGIN: Bitrate = Bitrate::from_kbps(10);
/// Longer pauses than this between two feedbacks do not count as time to grow.
const GROWTH_STEP_MAX: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    estimate: Bitrate,
    ceiling: Bitrate,
    /// The most that has been seen to arrive or has been proved since the last cut. The start is a guess, and no
    /// more.
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
        // What has only been guessed is corrected; what has been seen to arrive stays, until a queue or a loss says
        // otherwise.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kbps(kbps: u64) -> Bitrate {
        Bitrate::from_kbps(kbps)
    }

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    /// Grows for so many seconds, with feedback ten times a second.
    fn grown(rate: &mut Rate, seconds: u64, sent: u64, arrives: u64) -> u64 {
        for step in 1..=10 * seconds {
            rate.grow(at(100 * step), kbps(sent), kbps(arrives));
        }
        rate.estimate().bps() / 1_000
    }

    #[test]
    fn what_is_used_grows_and_what_is_not_stays() {
        for (sent, arrives, seconds, expected) in [
            (600, 600, 60, 1_000),
            (800, 800, 1, 1_010),
            (950, 950, 1, 1_082),
            (950, 950, 60, 1_197),
            // More than was sent has not been proved by what waited and came at once.
            (950, 3_000, 60, 1_197),
            // What arrives without a queue is there.
            (1_500, 1_500, 1, 1_369),
        ] {
            let mut rate = Rate::new(at(0), kbps(1_000), kbps(5_000));
            assert_eq!(grown(&mut rate, seconds, sent, arrives), expected, "{sent} {arrives}");
        }
    }

    #[test]
    fn near_the_rate_that_went_wrong_it_creeps() {
        let mut rate = Rate::new(at(0), kbps(1_000), kbps(5_000));
        rate.cut(at(0), kbps(600));
        assert_eq!(rate.estimate(), kbps(510));
        assert_eq!(grown(&mut rate, 3, 510, 510), 540);
        rate.prove(kbps(900));
        assert_eq!(rate.estimate(), kbps(900));
    }

    #[test]
    fn cuts_go_down_only_and_stay_above_the_floor() {
        let mut rate = Rate::new(at(0), kbps(1_000), kbps(5_000));
        rate.cut(at(0), kbps(4_000));
        assert_eq!(rate.estimate(), kbps(1_000));
        rate.yield_half(at(0), kbps(100));
        assert_eq!(rate.estimate(), kbps(510));
        rate.cut(at(0), Bitrate::ZERO);
        assert_eq!(rate.estimate(), FLOOR);
        rate.prove(kbps(90_000));
        assert_eq!(rate.estimate(), kbps(5_000));
    }

    #[test]
    fn a_full_path_corrects_a_guess_but_not_what_has_arrived() {
        let mut guess = Rate::new(at(0), kbps(1_000), kbps(5_000));
        guess.measure(kbps(300));
        assert_eq!(guess.estimate(), kbps(270));
        let mut seen = Rate::new(at(0), kbps(1_000), kbps(5_000));
        seen.grow(at(100), kbps(800), kbps(800));
        seen.measure(kbps(300));
        assert_eq!(seen.estimate(), kbps(800));
        seen.measure(kbps(2_000));
        assert_eq!(seen.estimate(), kbps(1_800));
    }
}
