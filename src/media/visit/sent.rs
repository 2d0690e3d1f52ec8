//! What the newest numbers of one line stood for: a receiver that lost one says the line's number, and the cache knows only
//! the sender's.

use std::num::NonZeroU8;
use std::time::Duration;

use super::budget::Step;
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
    /// Where the newest keyframe begins.
    keyframe: Seq64,
}

/// What one number stood for. Short, because a visit has some three thousand of them.
///
/// Numbers and times are without their high bits. The ring holds one number in 256, so those of `index` are one's own until
/// 2^24 more have gone out. A name is asked for within seconds, and times come round each minute: what is asked for of a line that
/// has stood still longer than that has left the cache.
#[derive(Clone, Copy)]
struct Name {
    source: u16,
    /// Above the bits that its place says.
    index: u16,
    timestamp: u32,
    /// When it was sent first, and last, in milliseconds.
    first_ms: u16,
    at_ms: u16,
    /// [`NO_PICTURE`], or 15 bits.
    picture_id: u16,
    tl0_index: u8,
    rest: Rest,
}

const _: () = assert!(size_of::<Option<Name>>() <= 16);

const NO_PICTURE: u16 = u16::MAX;

/// From the lowest bit on: the layer and one, two bits; whether requests were on their way when it was sent last; five bits of KEYIDX.
#[derive(Clone, Copy)]
struct Rest(NonZeroU8);

impl Rest {
    const ANSWER: u8 = 1 << 2;

    fn new(layer: Layer, key_index: u8) -> Rest {
        let layer = NonZeroU8::MIN.saturating_add(layer.min(Step::TOP));
        Rest(layer | (key_index & 0x1f) << 3)
    }

    fn layer(self) -> Layer {
        (self.0.get() & 3) - 1
    }

    fn key_index(self) -> u8 {
        self.0.get() >> 3
    }

    fn is_answer(self) -> bool {
        self.0.get() & Rest::ANSWER != 0
    }

    fn set_answer(&mut self) {
        self.0 |= Rest::ANSWER;
    }
}

impl Name {
    fn new(now: Instant, layer: Layer, source: Seq64, stamp: &Stamp) -> Name {
        let Stamp { index, timestamp, picture } = *stamp;
        let now_ms = now.low_millis();
        Name {
            source: source.wrapped().0,
            index: above(index),
            timestamp,
            first_ms: now_ms,
            at_ms: now_ms,
            picture_id: picture.map_or(NO_PICTURE, |picture| picture.id & 0x7fff),
            tl0_index: picture.map_or(0, |picture| picture.tl0_index),
            rest: Rest::new(layer, picture.map_or(0, |picture| picture.key_index)),
        }
    }

    fn picture(&self) -> Option<Picture> {
        let Name { picture_id: id, tl0_index, rest, .. } = *self;
        (id != NO_PICTURE).then(|| Picture { id, tl0_index, key_index: rest.key_index() })
    }
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
    pub(super) source: Seq16,
    pub(super) stamp: Stamp,
    /// For how long its receiver has been without it.
    pub(super) missed_for: Duration,
}

impl Sent {
    /// Nothing was sent yet.
    pub(super) fn new() -> Sent {
        Sent { ring: Box::default(), newest: Seq64(0), keyframe: Seq64(0) }
    }

    /// A packet went out under this name.
    pub(super) fn note(&mut self, now: Instant, layer: Layer, source: Seq64, stamp: &Stamp) {
        if self.ring.is_empty() {
            self.ring = vec![None; REMEMBERED].into();
        }
        let mut name = Name::new(now, layer, source, stamp);
        // It comes late itself: who has asked for it did not know that it is on its way.
        if stamp.index < self.newest {
            name.rest.set_answer();
        }
        self.newest = self.newest.max(stamp.index);
        self.ring[place(stamp.index)] = Some(name);
    }

    /// A keyframe begins with this number: what was lost before it is not missed any more.
    pub(super) fn begins(&mut self, index: Seq64) {
        self.keyframe = self.keyframe.max(index);
    }

    /// The receiver misses this number. None if it is unknown, is on its way again, or of no use any more.
    pub(super) fn missed(&self, now: Instant, number: Seq16, told: Told) -> Option<Repair> {
        let index = self.newest.nearest(number);
        let known = self.ring.get(place(index))?.as_ref();
        let name = known.filter(|name| name.index == above(index))?;
        let now_ms = now.low_millis();
        let is_on_its_way = match told {
            // The first loss is believed at once: the receiver has seen what came after it.
            Told::Asked { apart } => name.rest.is_answer() && ago(now_ms, name.at_ms) < apart,
            Told::Lost { sent } => name.at_ms != sent.low_millis(),
        };
        // What a keyframe has begun after stands in nobody's way.
        if is_on_its_way || index < self.keyframe {
            return None;
        }
        let stamp = Stamp { index, timestamp: name.timestamp, picture: name.picture() };
        Some(Repair { layer: name.rest.layer(), source: Seq16(name.source), stamp, missed_for: ago(now_ms, name.first_ms) })
    }

    /// What was missed has gone out again. Not before: what could not be sent is not on its way.
    pub(super) fn repaired(&mut self, now: Instant, index: Seq64) {
        let known = self.ring.get_mut(place(index)).and_then(Option::as_mut);
        if let Some(name) = known.filter(|name| name.index == above(index)) {
            name.at_ms = now.low_millis();
            name.rest.set_answer();
        }
    }

    /// The newest number that ends in these bits.
    pub(super) fn ending_in(&self, bits: u8) -> Seq16 {
        let back = self.newest.0.wrapping_sub(u64::from(bits)) & REMEMBERED_MASK;
        Seq64(self.newest.0.saturating_sub(back)).wrapped()
    }

    /// Another stream stands behind the line: its numbers say nothing of what went before.
    pub(super) fn forget(&mut self) {
        self.ring.fill(None);
    }
}

fn ago(now_ms: u16, at_ms: u16) -> Duration {
    Duration::from_millis(now_ms.wrapping_sub(at_ms).into())
}

/// The bits of a number above those that its place says.
#[expect(clippy::cast_possible_truncation, reason = "what lies above is not wanted")]
fn above(index: Seq64) -> u16 {
    (index.0 / REMEMBERED as u64) as u16
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
    fn who_asked_before_a_late_packet_went_out_does_not_get_it_twice() {
        let mut sent = Sent::new();
        for (index, millis) in [(10, 0), (12, 20), (11, 80)] {
            sent.note(at(millis), 0, Seq64(index), &stamp(index));
        }
        let missed = |number, millis| sent.missed(at(millis), Seq16(number), ASKED).is_some();
        assert!(missed(12, 81), "it went out in its turn");
        assert!(!missed(11, 81) && !missed(11, 179));
        assert!(missed(11, 180), "a round trip later it is missed indeed");
    }

    #[test]
    fn a_number_is_repaired_once_per_round_trip_across_the_wrap() {
        let mut sent = Sent::new();
        for index in 65_530..65_545 {
            sent.note(at(0), 2, Seq64(index + 1_000), &stamp(index));
        }
        let repair = |missed_for| {
            let missed_for = Duration::from_millis(missed_for);
            Some(Repair { layer: 2, source: Seq64(66_538).wrapped(), stamp: stamp(65_538), missed_for })
        };
        for (millis, expected) in [(10, repair(10)), (50, None), (109, None), (110, repair(110)), (150, None)] {
            assert_eq!(sent.missed(at(millis), Seq16(2), ASKED), expected, "{millis}");
            assert_eq!(sent.missed(at(millis), Seq16(2), ASKED), expected, "{millis}: nothing went");
            if expected.is_some() {
                sent.repaired(at(millis), Seq64(65_538));
            }
        }
        assert_eq!(sent.missed(at(10), Seq16(65_533), ASKED).map(|repair| repair.source), Some(Seq64(66_533).wrapped()));
    }

    #[test]
    fn a_repair_has_the_numbers_that_its_packet_had() {
        let mut sent = Sent::new();
        let pictures = [
            None,
            Some(Picture { id: 0, tl0_index: 0, key_index: 0 }),
            Some(Picture { id: 0x7fff, tl0_index: 255, key_index: 31 }),
        ];
        let all = [0, 1, 2].into_iter().flat_map(|layer| pictures.map(|picture| (layer, picture)));
        for ((layer, picture), index) in all.zip(70_000..) {
            let stamp = Stamp { index: Seq64(index), timestamp: u32::MAX, picture };
            sent.note(at(65_530), layer, Seq64(65_535), &stamp);
            for _ in 0..2 {
                let repair = sent.missed(at(65_630), stamp.index.wrapped(), ASKED);
                let missed_for = Duration::from_millis(100);
                let expected = Repair { layer, source: Seq16(65_535), stamp, missed_for };
                assert_eq!(repair, Some(expected), "across the wrap of its milliseconds");
                sent.repaired(at(65_530), stamp.index);
            }
        }
    }

    #[test]
    fn eight_bits_name_whatever_is_remembered() {
        let mut sent = Sent::new();
        for index in 65_400..65_700 {
            sent.note(at(0), 0, Seq64(index), &stamp(index));
        }
        for index in 65_444..65_700u64 {
            let [.., bits] = index.to_be_bytes();
            assert_eq!(sent.ending_in(bits), Seq64(index).wrapped());
        }
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
            if is_repaired {
                sent.repaired(at(millis), Seq64(1));
            }
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
