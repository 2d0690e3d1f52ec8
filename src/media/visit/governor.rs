//! What a line is allowed to show, over time: down at once, up only when it has long been clear that there is room. And a layer
//! that the path turned out not to carry is not tried again and again: each try costs a keyframe, behind which sound waits.

use std::time::Duration;

use super::budget::{Step, TEMPORAL_LAYERS};
use super::watch::Layer;
use crate::base::Instant;
use crate::base::limits::LAYERS;

/// How long there must have been room before more is shown. Longer would keep a picture coarse for longer; shorter would
/// go up on each swing of the estimate and come down again, and each way costs the sender a keyframe.
const CALM: Duration = Duration::from_secs(2);

/// A larger layer that is given up again within this time did not hold: its keyframe, or its rate, was too much. Longer would
/// take what a neighbour's download does to a path for it; shorter would miss a queue that fills slowly.
const HOLDS: Duration = Duration::from_secs(10);
/// So long it is not tried again, and twice as long after each further time in a row, up to eight times. Longer would keep a
/// picture coarse for a single bad moment; shorter, and the picture would come and go all day on a path that is a little too narrow.
const AGAIN: Duration = Duration::from_secs(10);
const DOUBLED_MAX: u32 = 3;
/// With so many hundredths of the room in which it did not hold, it may be tried at once: the path has grown wider. Less is what an
/// estimate sways by.
const WIDER_PERCENT: u64 = 125;

/// The limit of one line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Governor {
    limit: Option<Step>,
    rising: Rising,
    /// The last rise to a larger layer, if nothing has been taken back since.
    risen: Option<Rise>,
    /// The last of them that did not hold, and until when it is not tried again.
    setback: Option<(Rise, Instant)>,
    /// As often as the next one doubles the rest.
    setbacks: u32,
    /// Nothing has been decided since the line carries what it does.
    fresh: bool,
}

impl Default for Governor {
    /// All there is, until something is known of the path.
    fn default() -> Governor {
        Governor {
            limit: Some(Step::whole(Step::TOP)),
            rising: Rising::default(),
            risen: None,
            setback: None,
            setbacks: 0,
            fresh: true,
        }
    }
}

/// What may be shown of one picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// Bits per second that there are for pictures.
    pub(super) room: u64,
    /// All there is of it that its tile can show.
    pub(super) most: Option<Step>,
    /// What there is room for.
    pub(super) fits: Option<Step>,
    /// What there is room for with something to spare, up to the [ceiling](Governor::ceiling).
    pub(super) safe: Option<Step>,
}

/// A larger layer was allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Rise {
    layer: Layer,
    at: Instant,
    /// Bits per second that there were for pictures then.
    room: u64,
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

    /// The largest layer that may be risen to while there are `room` bits per second for pictures.
    pub(super) fn ceiling(&self, now: Instant, room: u64) -> Layer {
        match self.setback {
            Some((rise, until)) if now < until && room < rise.room * WIDER_PERCENT / 100 => rise.layer.saturating_sub(1),
            Some(_) | None => Step::TOP,
        }
    }

    pub(super) fn decide(&mut self, now: Instant, Choice { room, most, fits, safe }: Choice) {
        let layer = |step: Option<Step>| step.map(|step| step.layer);
        if std::mem::take(&mut self.fresh) || fits < self.limit {
            if let Some(rise) = self.risen.filter(|rise| layer(fits) < Some(rise.layer)) {
                self.risen = None;
                // Else it is its sender that has given it up, and nothing is said of the path.
                if layer(most) >= Some(rise.layer) {
                    self.take_back(now, rise);
                }
            }
            (self.limit, self.rising) = (fits, Rising::default());
            return;
        }
        let Some(step) = safe.filter(|_| safe > self.limit) else {
            self.rising = Rising::default();
            return;
        };
        self.rising.note(now, step);
        let before = self.limit;
        self.limit = before.max(self.rising.most(now, CALM));
        if let Some(layer) = layer(self.limit).filter(|now| before.is_some_and(|before| before.layer < *now)) {
            self.risen = Some(Rise { layer, at: now, room });
        }
    }

    /// There was no room for it after all.
    fn take_back(&mut self, now: Instant, rise: Rise) {
        if now.since(rise.at) >= HOLDS {
            (self.setback, self.setbacks) = (None, 0);
            return;
        }
        self.setback = Some((rise, now + AGAIN * (1 << self.setbacks)));
        self.setbacks = (self.setbacks + 1).min(DOUBLED_MAX);
    }

    /// Something else stands behind the line, or is looked at anew: its first decision is made at once, and what did not hold before
    /// is no measure for it.
    pub(super) fn renew(&mut self) {
        *self = Governor { limit: self.limit, ..Governor::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const Q: Option<Step> = Some(Step::whole(0));
    const H: Option<Step> = Some(Step::whole(1));
    const F: Option<Step> = Some(Step::whole(2));
    const ROOM: u64 = 200_000;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn choice(room: u64, fits: Option<Step>, safe: Option<Step>) -> Choice {
        Choice { room, most: F, fits, safe }
    }

    #[test]
    fn the_first_decision_is_made_at_once() {
        for (fits, safe) in [(None, None), (Q, None), (F, H)] {
            let mut governor = Governor::default();
            assert_eq!(governor.limit(), F, "before it");
            governor.decide(at(0), choice(ROOM, fits, safe));
            assert_eq!(governor.limit(), fits);
        }
    }

    #[test]
    fn down_at_once_and_up_when_there_was_room_for_two_seconds() {
        let mut governor = Governor::default();
        governor.decide(at(0), choice(ROOM, F, F));
        governor.decide(at(100), choice(ROOM, Q, None));
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
            governor.decide(at(millis), choice(ROOM, fits, safe));
            assert_eq!(governor.limit(), limit, "{millis}");
        }
    }

    #[test]
    fn what_there_was_room_for_before_a_dip_counts_for_what_the_dip_left() {
        let mut governor = Governor::default();
        governor.decide(at(0), choice(ROOM, Q, Q));
        for (millis, safe, limit) in [(100, F, Q), (1_000, H, Q), (1_100, F, Q), (2_100, F, H), (3_099, F, H), (3_100, F, F)] {
            governor.decide(at(millis), choice(ROOM, F, safe));
            assert_eq!(governor.limit(), limit, "{millis}");
        }
    }

    #[test]
    fn someone_else_behind_the_line_is_decided_on_anew() {
        let mut governor = Governor::default();
        governor.decide(at(0), choice(ROOM, Q, Q));
        governor.renew();
        governor.decide(at(10), choice(ROOM, F, F));
        assert_eq!(governor.limit(), F);
    }

    /// Lets it rise from q to h, which then turns out to be too much after so long. When h is given up.
    fn tries_in_vain(governor: &mut Governor, from: Instant, room: u64, held: Duration) -> Instant {
        for millis in [0, 2_000] {
            assert_eq!(governor.ceiling(from + Duration::from_millis(millis), room), Step::TOP);
            governor.decide(from + Duration::from_millis(millis), choice(room, H, H));
        }
        assert_eq!(governor.limit(), H);
        let over = from + Duration::from_secs(2) + held;
        governor.decide(over, choice(room, Q, Q));
        over
    }

    #[test]
    fn a_layer_that_did_not_hold_is_tried_less_and_less() {
        let (mut governor, mut now) = (Governor::default(), at(1));
        governor.decide(at(0), choice(ROOM, Q, Q));
        for rest in [10, 20, 40, 80, 80] {
            now = tries_in_vain(&mut governor, now, ROOM, Duration::from_secs(1));
            let rested = now + Duration::from_secs(rest);
            assert_eq!(governor.ceiling(rested - Duration::from_millis(1), ROOM), 0, "{rest}");
            now = rested;
        }
        // This time it holds for a while: what takes it away then is something else.
        now = tries_in_vain(&mut governor, now, ROOM, HOLDS);
        now = tries_in_vain(&mut governor, now, ROOM, Duration::from_secs(1));
        assert_eq!(governor.ceiling(now + AGAIN, ROOM), Step::TOP, "the first setback again");
    }

    #[test]
    fn a_layer_that_its_sender_gives_up_says_nothing_of_the_path() {
        let mut governor = Governor::default();
        for (millis, most, fits, safe) in [(0, Q, Q, Q), (1, H, H, H), (2_001, H, H, H), (3_000, Q, Q, Q)] {
            governor.decide(at(millis), Choice { room: ROOM, most, fits, safe });
        }
        assert_eq!((governor.limit(), governor.ceiling(at(3_000), ROOM)), (Q, Step::TOP));
    }

    #[test]
    fn what_did_not_hold_is_tried_at_once_when_the_path_is_wider_and_is_no_reason_to_show_less() {
        let mut governor = Governor::default();
        governor.decide(at(0), choice(ROOM, Q, Q));
        let now = tries_in_vain(&mut governor, at(1), ROOM, Duration::from_secs(1));
        assert_eq!(governor.ceiling(now, ROOM * 5 / 4 - 1), 0);
        assert_eq!(governor.ceiling(now, ROOM * 5 / 4), Step::TOP);
        governor.renew();
        governor.decide(now, choice(ROOM, H, Q));
        assert_eq!(governor.limit(), H, "somebody else is behind the line, and fits");
        governor.decide(now, choice(ROOM, H, Q));
        assert_eq!(governor.limit(), H);
    }
}
