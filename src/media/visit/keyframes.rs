//! The keyframe door: every wish for a keyframe of a layer goes through it, and few leave it.
//!
//! A keyframe is several times as large as what it replaces, for everybody; four receivers that join, switch
//! or lose packets within a moment need one keyframe, not four.

use std::time::Duration;

use crate::base::Instant;

/// At most one request per layer in this time. Longer would keep someone who joined right after a keyframe
/// before a black tile; shorter would let one receiver on a bad path make everyone's picture coarse.
pub(super) const KEYFRAME_INTERVAL: Duration = Duration::from_millis(500);

/// One layer's door.
///
/// ```text
///          ask: send                 ask                 due: send
///   Open ─────────────► Asked(at) ─────────► Owed(at) ─────────────► Asked(now)
///                          ▲    keyframe came    │
///                          └─────────────────────┘
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Door {
    /// Nothing has been asked for.
    #[default]
    Open,
    /// A request left at this time.
    Asked(Instant),
    /// A request left at this time, and somebody has asked since: another leaves when the interval is over.
    Owed(Instant),
}

impl Door {
    /// Somebody wants a keyframe. Whether a request is to be sent now.
    #[must_use]
    pub(super) fn ask(&mut self, now: Instant) -> bool {
        match *self {
            Door::Asked(at) | Door::Owed(at) if now < at + KEYFRAME_INTERVAL => {
                *self = Door::Owed(at);
                false
            }
            Door::Open | Door::Asked(_) | Door::Owed(_) => {
                *self = Door::Asked(now);
                true
            }
        }
    }

    /// A keyframe came: what was owed is paid.
    pub(super) fn keyframe(&mut self) {
        if let Door::Owed(at) = *self {
            *self = Door::Asked(at);
        }
    }

    /// When the request that is owed may leave.
    pub(super) fn due(&self) -> Option<Instant> {
        match *self {
            Door::Open | Door::Asked(_) => None,
            Door::Owed(at) => Some(at + KEYFRAME_INTERVAL),
        }
    }

    /// Whether the request that is owed leaves now.
    #[must_use]
    pub(super) fn leaves(&mut self, now: Instant) -> bool {
        self.due().is_some_and(|due| due <= now) && self.ask(now)
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
            if door.leaves(at(millis)) || door.ask(at(millis)) {
                sent.push(millis);
            }
        }
        assert_eq!(sent, [0, 500, 1_000, 1_500]);
    }

    #[test]
    fn a_request_within_the_interval_is_owed_and_leaves_without_being_asked_again() {
        let mut door = Door::default();
        assert!(door.ask(at(0)));
        assert!(!door.ask(at(100)));
        assert_eq!(door.due(), Some(at(500)));
        assert!(!door.leaves(at(499)));
        assert!(door.leaves(at(500)));
        assert_eq!(door.due(), None);
    }

    #[test]
    fn a_keyframe_pays_what_is_owed() {
        let mut door = Door::default();
        assert!(door.ask(at(0)));
        assert!(!door.ask(at(100)));
        door.keyframe();
        assert_eq!(door.due(), None);
        assert!(!door.leaves(at(600)));
        assert!(door.ask(at(600)));
    }
}
