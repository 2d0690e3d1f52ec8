//! What the newest numbers of one line stood for: a receiver that lost one says the line's number, and the cache knows only
//! the sender's.

use std::time::Duration;

use super::pictures::Picture;
use super::rewrite::Stamp;
use super::watch::Layer;
use crate::base::{Instant, Seq16, Seq64};

/// Numbers that are remembered: a second and a half of the largest layer. More would find packets that the cache has
/// forgotten; fewer would forget before the cache does.
const REMEMBERED: usize = 256;
const REMEMBERED_MASK: u64 = REMEMBERED as u64 - 1;

const _: () = assert!(REMEMBERED.is_power_of_two());

/// The newest packets of one line, by number modulo [`REMEMBERED`].
pub(super) struct Sent {
    ring: Box<[Option<Name>]>,
    newest: Seq64,
    /// Where the newest keyframe begins.
    keyframe: Seq64,
}

/// What one number stood for.
#[derive(Clone, Copy)]
struct Name {
    index: Seq64,
    layer: Layer,
    source: Seq64,
    timestamp: u32,
    picture: Option<Picture>,
    /// When it was sent first, and last.
    first: Instant,
    at: Instant,
    repaired: bool,
}

/// How it is known that a receiver misses a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told {
    /// It has asked for it. What was sent again less than `apart` ago it could not know of.
    Asked { apart: Duration },
    /// What left at that time did not arrive. What was sent again since is another matter.
    Lost { sent: Instant },
}

/// A packet that is to be sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Repair {
    pub(super) layer: Layer,
    /// Its sender's number.
    pub(super) source: Seq64,
    pub(super) stamp: Stamp,
    /// For how long its receiver has been without it; nothing, if a keyframe has begun since.
    pub(super) missed_for: Duration,
}

impl Sent {
    /// Nothing was sent yet; all its room is allocated here.
    pub(super) fn new() -> Sent {
        Sent { ring: vec![None; REMEMBERED].into(), newest: Seq64(0), keyframe: Seq64(0) }
    }

    /// A packet went out under this name.
    pub(super) fn note(&mut self, now: Instant, layer: Layer, source: Seq64, stamp: &Stamp) {
        let Stamp { index, timestamp, picture } = *stamp;
        self.newest = self.newest.max(index);
        self.ring[place(index)] = Some(Name { index, layer, source, timestamp, picture, first: now, at: now, repaired: false });
    }

    /// A keyframe begins with this number: what was lost before it stands in nobody's way for long.
    pub(super) fn begins(&mut self, index: Seq64) {
        self.keyframe = self.keyframe.max(index);
    }

    /// The receiver misses this number. None if it is unknown, or is on its way again.
    pub(super) fn missed(&mut self, now: Instant, number: Seq16, told: Told) -> Option<Repair> {
        let index = self.newest.nearest(number);
        let name = self.ring[place(index)].as_mut().filter(|name| name.index == index)?;
        let is_on_its_way = match told {
            // The first loss is believed at once: the receiver has seen what came after it.
            Told::Asked { apart } => name.repaired && now.since(name.at) < apart,
            Told::Lost { sent } => name.at > sent,
        };
        if is_on_its_way {
            return None;
        }
        (name.at, name.repaired) = (now, true);
        let stamp = Stamp { index, timestamp: name.timestamp, picture: name.picture };
        let missed_for = if index < self.keyframe { Duration::ZERO } else { now.since(name.first) };
        Some(Repair { layer: name.layer, source: name.source, stamp, missed_for })
    }

    /// Another stream stands behind the line: its numbers say nothing of what went before.
    pub(super) fn forget(&mut self) {
        self.ring.fill(None);
    }
}

fn place(index: Seq64) -> usize {
    (index.0 & REMEMBERED_MASK) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Told = Told::Asked { apart: Duration::from_millis(100) };

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn stamp(index: u64) -> Stamp {
        Stamp { index: Seq64(index), timestamp: 9, picture: None }
    }

    #[test]
    fn a_number_is_repaired_once_per_round_trip_across_the_wrap() {
        let mut sent = Sent::new();
        for index in 65_530..65_545 {
            sent.note(at(0), 2, Seq64(index + 1_000), &stamp(index));
        }
        let repair = |missed_for| {
            let missed_for = Duration::from_millis(missed_for);
            Some(Repair { layer: 2, source: Seq64(66_538), stamp: stamp(65_538), missed_for })
        };
        for (millis, expected) in [(10, repair(10)), (50, None), (109, None), (110, repair(110)), (150, None)] {
            assert_eq!(sent.missed(at(millis), Seq16(2), ASKED), expected, "{millis}");
        }
        assert_eq!(sent.missed(at(10), Seq16(65_533), ASKED).map(|repair| repair.source), Some(Seq64(66_533)));
    }

    #[test]
    fn a_repair_that_was_lost_is_repaired_at_once_and_what_was_lost_before_it_is_not() {
        let mut sent = Sent::new();
        sent.note(at(0), 2, Seq64(7), &stamp(1));
        for (millis, told, is_repaired) in [
            (40, Told::Lost { sent: at(0) }, true),
            (45, ASKED, false),
            (50, Told::Lost { sent: at(0) }, false),
            (70, Told::Lost { sent: at(40) }, true),
            (150, ASKED, false),
            (170, ASKED, true),
        ] {
            assert_eq!(sent.missed(at(millis), Seq16(1), told).is_some(), is_repaired, "{millis}");
        }
    }

    #[test]
    fn what_was_never_sent_or_lies_too_far_back_is_not_repaired() {
        let mut sent = Sent::new();
        for index in 1_000..2_000 {
            sent.note(at(0), 0, Seq64(index), &stamp(index));
        }
        for (number, known) in [(1_999, true), (1_744, true), (1_743, false), (2_000, false), (0, false), (40_000, false)] {
            assert_eq!(sent.missed(at(0), Seq16(number), ASKED).is_some(), known, "{number}");
        }
        sent.forget();
        assert_eq!(sent.missed(at(0), Seq16(1_999), ASKED), None);
    }
}
