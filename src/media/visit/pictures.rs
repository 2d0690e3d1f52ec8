//! A line's own VP8 picture ids: a decoder must not see that another encoder stands behind the line.
//!
//! RFC 7741 §4.2: PictureID and TL0PICIDX go on by one from frame to frame, KEYIDX from keyframe to keyframe.
//! Each encoder begins them anywhere, so each of the three has an offset that is set where another stream begins; and a
//! frame that is withheld (a temporal layer that the path has no room for) leaves no gap in the picture ids.

use super::random::Random;
use crate::media::wire::payload::vp8::{Descriptor, PictureId};

/// The three counters of one line.
pub(super) struct Pictures {
    picture: Dial,
    withheld: Withheld,
    tl0: Dial,
    key: Dial,
}

/// What a packet's descriptor says on the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Picture {
    pub(super) id: u16,
    pub(super) tl0_index: u8,
    pub(super) key_index: u8,
}

impl Pictures {
    pub(super) fn new(random: &mut Random) -> Pictures {
        Pictures {
            picture: Dial::new(0x7fff, random.fifteen()),
            withheld: Withheld::default(),
            tl0: Dial::new(0xff, random.fifteen()),
            key: Dial::new(0x1f, random.fifteen()),
        }
    }

    /// This packet, the first of a keyframe, goes on from the newest frame that was sent.
    pub(super) fn begin(&mut self, descriptor: &Descriptor) {
        let (picture, tl0, key) = fields(descriptor);
        self.withheld = Withheld::default();
        self.picture.begin(picture);
        self.tl0.begin(tl0);
        self.key.begin(key);
    }

    /// This packet's frame is withheld: the next one takes its id.
    pub(super) fn withhold(&mut self, descriptor: &Descriptor) {
        let (picture, _, _) = fields(descriptor);
        // One that comes late has its id already, which stays empty.
        if descriptor.picture_id.is_some() && self.picture.is_newer(picture.wrapping_sub(self.withheld.count)) {
            self.withheld.add(picture);
        }
    }

    /// The line's counters for this packet.
    pub(super) fn map(&mut self, descriptor: &Descriptor) -> Picture {
        let (picture, tl0, key) = fields(descriptor);
        Picture {
            id: self.picture.map(picture.wrapping_sub(self.withheld.before(picture))),
            tl0_index: (self.tl0.map(tl0) & 0xff) as u8,
            key_index: (self.key.map(key) & 0x1f) as u8,
        }
    }
}

/// Absent ones stand still at zero; nobody writes them.
fn fields(descriptor: &Descriptor) -> (u16, u16, u16) {
    let picture = match descriptor.picture_id {
        None => 0,
        // The line counts in 15 bits; the writer keeps the seven that fit.
        Some(PictureId::Seven(id)) => u16::from(id),
        Some(PictureId::Fifteen(id)) => id,
    };
    (picture, descriptor.tl0_picture_index.unwrap_or(0).into(), descriptor.key_index.unwrap_or(0).into())
}

/// Frames withheld that are remembered, for packets of the frames around them that come late. More would find the place of
/// frames a second old; fewer would give two frames one id where packets overtake each other.
const WITHHELD: u16 = 16;

/// Which frames of the stream behind the line were withheld.
#[derive(Default)]
struct Withheld {
    count: u16,
    /// The newest of them, by number modulo [`WITHHELD`] of their count.
    newest: [u16; WITHHELD as usize],
}

impl Withheld {
    fn add(&mut self, picture: u16) {
        let last = self.newest[usize::from(self.count.wrapping_sub(1) % WITHHELD)];
        if self.count > 0 && last == picture {
            return;
        }
        self.newest[usize::from(self.count % WITHHELD)] = picture;
        self.count = self.count.wrapping_add(1);
    }

    /// How many were withheld before this one, as far as is remembered.
    fn before(&self, picture: u16) -> u16 {
        let known = self.count.min(WITHHELD);
        let later = (1..=known).take_while(|back| {
            let withheld = self.newest[usize::from(self.count.wrapping_sub(*back) % WITHHELD)];
            withheld.wrapping_sub(picture) & 0x7fff < 0x4000
        });
        self.count.wrapping_sub(later.fold(0, |count, _| count + 1))
    }
}

/// A counter that wraps at a power of two.
struct Dial {
    mask: u16,
    offset: u16,
    newest: u16,
}

impl Dial {
    fn new(mask: u16, start: u16) -> Dial {
        Dial { mask, offset: 0, newest: start & mask }
    }

    fn begin(&mut self, value: u16) {
        self.offset = self.newest.wrapping_add(1).wrapping_sub(value) & self.mask;
    }

    /// Whether this value comes after the newest.
    fn is_newer(&self, value: u16) -> bool {
        let ahead = value.wrapping_add(self.offset).wrapping_sub(self.newest) & self.mask;
        ahead > 0 && ahead <= self.mask / 2
    }

    fn map(&mut self, value: u16) -> u16 {
        let mapped = value.wrapping_add(self.offset) & self.mask;
        // A late packet does not turn the dial back.
        if mapped.wrapping_sub(self.newest) & self.mask <= self.mask / 2 {
            self.newest = mapped;
        }
        mapped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(picture: u16, tl0: u8, key: u8) -> Descriptor {
        Descriptor {
            starts_frame: true,
            keyframe: false,
            non_reference: false,
            picture_id: Some(PictureId::Fifteen(picture)),
            tl0_picture_index: Some(tl0),
            temporal_layer: Some(0),
            layer_sync: false,
            key_index: Some(key),
            len: 6,
        }
    }

    #[test]
    fn frames_that_are_withheld_leave_no_gap_and_what_comes_late_has_its_own_id() {
        let mut pictures = Pictures::new(&mut Random::new([1; 32]));
        pictures.begin(&frame(0x7ff0, 0, 0));
        let first = pictures.map(&frame(0x7ff0, 0, 0)).id;
        let mut ids = Vec::new();
        for number in 1..100u16 {
            let picture = frame((0x7ff0 + number) & 0x7fff, 0, 0);
            if number % 2 == 1 {
                // Of each withheld frame two packets come, and one of the frame before it comes late.
                pictures.withhold(&picture);
                pictures.withhold(&picture);
                let late = pictures.map(&frame((0x7ff0 + number - 1) & 0x7fff, 0, 0)).id;
                assert_eq!(late, ids.last().copied().unwrap_or(first), "{number}");
            } else {
                ids.push(pictures.map(&picture).id);
            }
        }
        let expected: Vec<u16> = (1..50).map(|step| (first + step) & 0x7fff).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn counters_go_on_by_one_where_another_stream_begins() {
        let mut pictures = Pictures::new(&mut Random::new([1; 32]));
        pictures.begin(&frame(0x7ffe, 254, 30));
        let first = pictures.map(&frame(0x7ffe, 254, 30));
        let second = pictures.map(&frame(0x7fff, 255, 30));
        let third = pictures.map(&frame(0, 0, 31));
        let late = pictures.map(&frame(0x7fff, 255, 30));
        assert_eq!(late, second);
        pictures.begin(&frame(9_000, 17, 3));
        let fourth = pictures.map(&frame(9_000, 17, 3));
        for (before, after, keys) in [(first, second, 0), (second, third, 1), (third, fourth, 1)] {
            assert_eq!(after.id, before.id.wrapping_add(1) & 0x7fff);
            assert_eq!(after.tl0_index, before.tl0_index.wrapping_add(1));
            assert_eq!(after.key_index, before.key_index.wrapping_add(keys) & 0x1f);
        }
    }
}
