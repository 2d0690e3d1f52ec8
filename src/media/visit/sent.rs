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
    /// Empty until the first packet goes out: most lines of screens never carry one.
    ring: Box<[Option<Name>]>,
    newest: Seq64,
}

/// What one number stood for. Short, because a visit has some three thousand of them.
#[derive(Clone, Copy)]
struct Name {
    index: Seq64,
    source: Seq64,
    timestamp: u32,
    /// When it was sent last, in milliseconds, without the high bits: a name lives for seconds, and the clock comes round
    /// in weeks.
    at_ms: u32,
    picture: Option<Picture>,
    layer: Layer,
    repaired: bool,
}

const _: () = assert!(size_of::<Option<Name>>() <= 32);

/// A packet that is to be sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Repair {
    pub(super) layer: Layer,
    /// Its sender's number.
    pub(super) source: Seq64,
    pub(super) stamp: Stamp,
}

impl Sent {
    /// Nothing was sent yet.
    pub(super) fn new() -> Sent {
        Sent { ring: Box::default(), newest: Seq64(0) }
    }

    /// A packet went out under this name.
    pub(super) fn note(&mut self, now: Instant, layer: Layer, source: Seq64, stamp: &Stamp) {
        let Stamp { index, timestamp, picture } = *stamp;
        if self.ring.is_empty() {
            self.ring = vec![None; REMEMBERED].into();
        }
        self.newest = self.newest.max(index);
        self.ring[place(index)] = Some(Name { index, source, timestamp, at_ms: millis(now), picture, layer, repaired: false });
    }

    /// The receiver misses this number. None if it is unknown, or was sent less than `apart` ago: then it is on its way.
    pub(super) fn missed(&mut self, now: Instant, number: Seq16, apart: Duration) -> Option<Repair> {
        let index = self.newest.nearest(number);
        let name = self.ring.get_mut(place(index))?.as_mut().filter(|name| name.index == index)?;
        let now_ms = millis(now);
        // The first loss is believed at once: the receiver has seen what came after it.
        if name.repaired && u128::from(now_ms.wrapping_sub(name.at_ms)) < apart.as_millis() {
            return None;
        }
        (name.at_ms, name.repaired) = (now_ms, true);
        let stamp = Stamp { index, timestamp: name.timestamp, picture: name.picture };
        Some(Repair { layer: name.layer, source: name.source, stamp })
    }

    /// Another stream stands behind the line: its numbers say nothing of what went before.
    pub(super) fn forget(&mut self) {
        self.ring.fill(None);
    }
}

/// Milliseconds of the clock, but for the high bits.
#[expect(clippy::cast_possible_truncation, reason = "what lies above is not wanted")]
fn millis(now: Instant) -> u32 {
    (now.as_nanos() / 1_000_000) as u32
}

fn place(index: Seq64) -> usize {
    (index.0 & REMEMBERED_MASK) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);

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
        let repair = Some(Repair { layer: 2, source: Seq64(66_538), stamp: stamp(65_538) });
        for (millis, expected) in [(10, repair), (50, None), (109, None), (110, repair), (150, None)] {
            assert_eq!(sent.missed(at(millis), Seq16(2), RTT), expected, "{millis}");
        }
        assert_eq!(sent.missed(at(10), Seq16(65_533), RTT).map(|repair| repair.source), Some(Seq64(66_533)));
    }

    #[test]
    fn what_was_never_sent_or_lies_too_far_back_is_not_repaired() {
        let mut sent = Sent::new();
        for index in 1_000..2_000 {
            sent.note(at(0), 0, Seq64(index), &stamp(index));
        }
        for (number, known) in [(1_999, true), (1_744, true), (1_743, false), (2_000, false), (0, false), (40_000, false)] {
            assert_eq!(sent.missed(at(0), Seq16(number), RTT).is_some(), known, "{number}");
        }
        sent.forget();
        assert_eq!(sent.missed(at(0), Seq16(1_999), RTT), None);
    }
}
