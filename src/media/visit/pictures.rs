//! A line's own VP8 picture ids: a decoder must not see that another encoder stands behind the line.
//!
//! RFC 7741 §4.2: PictureID and TL0PICIDX go on by one from frame to frame, KEYIDX from keyframe to keyframe.
//! Each encoder begins them anywhere, so each of the three has an offset that is set where another stream begins.

use super::random::Random;
use crate::media::wire::payload::vp8::{Descriptor, PictureId};

/// The three counters of one line.
pub(super) struct Pictures {
    picture: Dial,
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
            tl0: Dial::new(0xff, random.fifteen()),
            key: Dial::new(0x1f, random.fifteen()),
        }
    }

    /// This packet, the first of a keyframe, goes on from the newest frame that was sent.
    pub(super) fn begin(&mut self, descriptor: &Descriptor) {
        let (picture, tl0, key) = fields(descriptor);
        self.picture.begin(picture);
        self.tl0.begin(tl0);
        self.key.begin(key);
    }

    /// The line's counters for this packet.
    pub(super) fn map(&mut self, descriptor: &Descriptor) -> Picture {
        let (picture, tl0, key) = fields(descriptor);
        Picture { id: self.picture.map(picture), tl0_index: self.tl0.map(tl0) as u8, key_index: self.key.map(key) as u8 }
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
