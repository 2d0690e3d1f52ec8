//! What a line is allowed to show, over time: down at once, up only when it has long been clear that there is room.

use std::time::Duration;

use super::budget::{Step, TEMPORAL_LAYERS};
use crate::base::Instant;
use crate::base::limits::LAYERS;

/// How long there must have been room before more is shown. Longer would keep a picture coarse for longer; shorter would
/// go up on each swing of the estimate and come down again, and each way costs the sender a keyframe.
const CALM: Duration = Duration::from_secs(2);

/// The limit of one line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Governor {
    limit: Option<Step>,
    rising: Rising,
    /// Nothing has been decided since the line carries what it does.
    fresh: bool,
}

impl Default for Governor {
    /// All there is, until something is known of the path.
    fn default() -> Governor {
        Governor { limit: Some(Step::whole(Step::TOP)), rising: Rising::default(), fresh: true }
    }
}

/// Since when there has been room for how much: each step that is larger, since later.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Rising {
    steps: [Option<(Step, Instant)>; STEPS],
    count: usize,
}

/// Steps that a picture can be had in.
const STEPS: usize = LAYERS * TEMPORAL_LAYERS;

impl Rising {
    /// There is room for this now, and not for more.
    fn note(&mut self, now: Instant, safe: Step) {
        let mut since = now;
        while let Some((step, at)) = self.last().filter(|(step, _)| *step >= safe) {
            since = at;
            self.count -= 1;
            if step == safe {
                break;
            }
        }
        if let Some(free) = self.steps.get_mut(self.count) {
            *free = Some((safe, since));
            self.count += 1;
        }
    }

    /// The most for which there has been room for so long.
    fn most(&self, now: Instant, calm: Duration) -> Option<Step> {
        let known = self.steps.iter().take(self.count).flatten();
        known.filter(|(_, since)| now.since(*since) >= calm).map(|(step, _)| *step).max()
    }

    fn last(&self) -> Option<(Step, Instant)> {
        self.count.checked_sub(1).and_then(|last| self.steps[last])
    }
}

impl Governor {
    /// What the line may show; none withholds the picture.
    pub(super) fn limit(&self) -> Option<Step> {
        self.limit
    }

    /// `fits` is what there is room for, `safe` what there is room for with something to spare.
    pub(super) fn decide(&mut self, now: Instant, fits: Option<Step>, safe: Option<Step>) {
        if std::mem::take(&mut self.fresh) || fits < self.limit {
            (self.limit, self.rising) = (fits, Rising::default());
            return;
        }
        let Some(step) = safe.filter(|_| safe > self.limit) else {
            self.rising = Rising::default();
            return;
        };
        self.rising.note(now, step);
        self.limit = self.limit.max(self.rising.most(now, CALM));
    }

    /// Something else stands behind the line: its first decision is made at once.
    pub(super) fn renew(&mut self) {
        *self = Governor { fresh: true, rising: Rising::default(), ..*self };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const Q: Option<Step> = Some(Step::whole(0));
    const H: Option<Step> = Some(Step::whole(1));
    const F: Option<Step> = Some(Step::whole(2));

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn the_first_decision_is_made_at_once() {
        for (fits, safe) in [(None, None), (Q, None), (F, H)] {
            let mut governor = Governor::default();
            assert_eq!(governor.limit(), F, "before it");
            governor.decide(at(0), fits, safe);
            assert_eq!(governor.limit(), fits);
        }
    }

    #[test]
    fn down_at_once_and_up_when_there_was_room_for_two_seconds() {
        let mut governor = Governor::default();
        governor.decide(at(0), F, F);
        governor.decide(at(100), Q, None);
        assert_eq!(governor.limit(), Q);
        for (millis, fits, safe, limit) in [
            (200, F, Q, Q),
            (300, F, H, Q),
            (2_000, F, F, Q),
            (2_299, F, F, Q),
            (2_300, F, F, H),
            (3_999, F, F, H),
            (4_000, F, F, F),
            (4_500, None, None, None),
            (4_600, H, Q, None),
            (5_600, Q, None, None),
            (5_700, Q, Q, None),
            (7_699, Q, Q, None),
            (7_700, Q, Q, Q),
        ] {
            governor.decide(at(millis), fits, safe);
            assert_eq!(governor.limit(), limit, "{millis}");
        }
    }

    #[test]
    fn what_there_was_room_for_before_a_dip_counts_for_what_the_dip_left() {
        let mut governor = Governor::default();
        governor.decide(at(0), Q, Q);
        for (millis, safe, limit) in [(100, F, Q), (1_000, H, Q), (1_100, F, Q), (2_100, F, H), (3_099, F, H), (3_100, F, F)] {
            governor.decide(at(millis), F, safe);
            assert_eq!(governor.limit(), limit, "{millis}");
        }
    }

    #[test]
    fn someone_else_behind_the_line_is_decided_on_anew() {
        let mut governor = Governor::default();
        governor.decide(at(0), Q, Q);
        governor.renew();
        governor.decide(at(10), F, F);
        assert_eq!(governor.limit(), F);
    }
}
