//! What a line is allowed to show, over time: down at once, up only when it has long been clear that there is room.

use std::time::Duration;

use super::budget::{Step, TEMPORAL_LAYERS};
use crate::base::Instant;
use crate::base::limits::LAYERS;

/// How long there must have been room before more is shown. Longer would keep a picture coarse for longer; shorter would
/// go up on each swing of the estimate and come down again, and each way costs the sender a keyframe.
const CALM: Duration = Duration::from_secs(2);

/// Steps that are told apart.
const STEPS: usize = LAYERS * TEMPORAL_LAYERS;

/// The limit of one line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Governor {
    limit: Option<Step>,
    /// Since when there has been room for each step, smallest first.
    room_since: [Option<Instant>; STEPS],
    /// Nothing has been decided since the line carries what it does.
    fresh: bool,
}

impl Default for Governor {
    /// All there is, until something is known of the path.
    fn default() -> Governor {
        Governor { limit: Some(Step::whole(Step::TOP)), room_since: [None; STEPS], fresh: true }
    }
}

impl Step {
    pub(super) const TOP: u8 = LAYERS as u8 - 1;

    /// All steps, smallest first.
    fn all() -> impl Iterator<Item = Step> {
        (0..LAYERS as u8).flat_map(|layer| (0..TEMPORAL_LAYERS as u8).map(move |temporal| Step { layer, temporal }))
    }
}

impl Governor {
    /// What the line may show; none withholds the picture.
    pub(super) fn limit(&self) -> Option<Step> {
        self.limit
    }

    /// `fits` is what there is room for, `safe` what there is room for with something to spare.
    pub(super) fn decide(&mut self, now: Instant, fits: Option<Step>, safe: Option<Step>) {
        for (since, step) in self.room_since.iter_mut().zip(Step::all()) {
            *since = if safe >= Some(step) { since.or(Some(now)) } else { None };
        }
        if std::mem::take(&mut self.fresh) || fits <= self.limit {
            self.limit = fits;
            return;
        }
        let long = |since: &Option<Instant>| since.is_some_and(|at| now.since(at) >= CALM);
        let calm = self.room_since.iter().zip(Step::all()).filter(|(since, _)| long(since)).map(|(_, step)| step).last();
        // What has long had room, but not more than there is in `safe`: its steps are only those that exist.
        let step = calm.min(safe);
        if step > self.limit && (step == safe || step.is_some_and(|step| step.temporal == Step::whole(step.layer).temporal)) {
            self.limit = step;
        }
    }

    /// Something else stands behind the line: its first decision is made at once.
    pub(super) fn renew(&mut self) {
        *self = Governor { fresh: true, room_since: [None; STEPS], ..*self };
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
    fn someone_else_behind_the_line_is_decided_on_anew() {
        let mut governor = Governor::default();
        governor.decide(at(0), Q, Q);
        governor.renew();
        governor.decide(at(10), F, F);
        assert_eq!(governor.limit(), F);
    }
}
