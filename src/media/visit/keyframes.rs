//! The keyframe door: every wish for a keyframe of a layer goes through it, and few leave it.
//!
//! A keyframe is several times as large as what it replaces, for everybody; four receivers that join, switch
//! or lose packets within a moment need one keyframe, not four.

use std::time::Duration;

use crate::base::Instant;

/// At most one request per layer in this time. Longer would keep someone who joined right after a keyframe
/// before a black tile; shorter would let one receiver on a bad path make everyone's picture coarse.
pub(super) const KEYFRAME_INTERVAL: Duration = Duration::from_millis(500);

/// A sender makes keyframes of all layers together, and takes no notice of a request that comes sooner after another one than
/// this, whatever layers they are for (libwebrtc). Longer would leave a picture standing that could begin; shorter would send
/// requests that nobody obeys, and wait half a second to send the next.
const OBEYED_AGAIN: Duration = Duration::from_millis(300);

/// One layer's door.
///
/// ```text
///          ask: send                 ask                 due: send
///   Open ─────────────► Asked(at) ─────────► Owed(due) ────────────► Asked(now)
///     │                    ▲    keyframe came    │ ▲
///     │                    └─────────────────────┘ │
///     └────────────────────────────────────────────┘
///       ask, shortly after another layer was asked for
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Door {
    /// When a request last left.
    asked: Option<Instant>,
    /// Somebody has asked since: when another may leave.
    owed: Option<Instant>,
}

impl Door {
    /// Somebody wants a keyframe. Whether a request is to be sent now; `last` is when one was, for any layer of the track.
    #[must_use]
    pub(super) fn ask(&mut self, now: Instant, last: Option<Instant>) -> bool {
        let own = self.asked.map(|at| at + KEYFRAME_INTERVAL);
        let due = own.max(last.map(|at| at + OBEYED_AGAIN)).filter(|due| now < *due);
        self.owed = due;
        if due.is_none() {
            self.asked = Some(now);
        }
        due.is_none()
    }

    /// A keyframe came: what was owed is paid.
    pub(super) fn keyframe(&mut self) {
        self.owed = None;
    }

    /// When the request that is owed may leave.
    pub(super) fn due(&self) -> Option<Instant> {
        self.owed
    }

    /// When another request could leave that nobody owes yet. At once, if none ever did.
    pub(super) fn opens(&self) -> Option<Instant> {
        let opens = self.asked.map_or(Instant::ZERO, |at| at + KEYFRAME_INTERVAL);
        self.owed.is_none().then_some(opens)
    }

    /// Whether the request that is owed leaves now.
    #[must_use]
    pub(super) fn leaves(&mut self, now: Instant, last: Option<Instant>) -> bool {
        self.due().is_some_and(|due| due <= now) && self.ask(now, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn the_first_request_leaves_at_once_and_then_one_each_500_ms_however_many_ask() {
        let mut door = Door::default();
        let mut sent = Vec::new();
        for millis in 0..2_000 {
            if door.leaves(at(millis), None) || door.ask(at(millis), None) {
                sent.push(millis);
            }
        }
        assert_eq!(sent, [0, 500, 1_000, 1_500]);
    }

    #[test]
    fn a_request_within_the_interval_is_owed_and_leaves_without_being_asked_again() {
        let mut door = Door::default();
        assert!(door.ask(at(0), None));
        assert!(!door.ask(at(100), Some(at(0))));
        assert_eq!(door.due(), Some(at(500)));
        assert!(!door.leaves(at(499), Some(at(0))));
        assert!(door.leaves(at(500), Some(at(0))));
        assert_eq!(door.due(), None);
    }

    #[test]
    fn a_request_right_after_one_for_another_layer_waits_until_it_is_obeyed() {
        let mut door = Door::default();
        assert!(!door.ask(at(100), Some(at(0))));
        assert_eq!(door.due(), Some(at(300)));
        assert!(!door.ask(at(200), Some(at(150))), "and another was sent meanwhile");
        assert_eq!(door.due(), Some(at(450)));
        assert!(door.leaves(at(450), Some(at(150))));
    }

    #[test]
    fn a_keyframe_pays_what_is_owed() {
        let mut door = Door::default();
        assert!(door.ask(at(0), None));
        assert!(!door.ask(at(100), Some(at(0))));
        door.keyframe();
        assert_eq!(door.due(), None);
        assert!(!door.leaves(at(600), Some(at(0))));
        assert!(door.ask(at(600), Some(at(0))));
    }
}
