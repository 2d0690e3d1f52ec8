//! The VP8 payload descriptor (RFC 7741 §4.2) and the keyframe bit of the payload header (§4.3).
//!
//! ```text
//!  0 1 2 3 4 5 6 7
//! +-+-+-+-+-+-+-+-+
//! |X|R|N|S|R| PID |   always
//! |I|L|T|K| RSV   |   if X
//! |M| PictureID   |   if I; M: fifteen bits, a second byte follows
//! |   TL0PICIDX   |   if L
//! |TID|Y| KEYIDX  |   if T or K
//! ```

use crate::media::wire::cursor::Reader;

const EXTENDED_BIT: u8 = 0b1000_0000;
const NON_REFERENCE_BIT: u8 = 0b0010_0000;
const START_BIT: u8 = 0b0001_0000;
const PARTITION_BITS: u8 = 0b0000_0111;

const PICTURE_ID_BIT: u8 = 0b1000_0000;
const TL0_PICTURE_INDEX_BIT: u8 = 0b0100_0000;
const TEMPORAL_LAYER_BIT: u8 = 0b0010_0000;
const KEY_INDEX_BIT: u8 = 0b0001_0000;

const LAYER_SYNC_BIT: u8 = 0b0010_0000;
const KEY_INDEX_BITS: u8 = 0b0001_1111;

const FIFTEEN_BIT: u16 = 0x8000;

/// A descriptor, and where its rewritable fields lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptor {
    /// S = 1 and PID = 0: the first packet of a frame.
    pub starts_frame: bool,
    /// The frame is a keyframe. Only known in the packet that starts it.
    pub keyframe: bool,
    pub non_reference: bool,
    pub picture_id: Option<PictureId>,
    pub tl0_picture_index: Option<u8>,
    /// Temporal layer, and whether it may be switched up to here (Y).
    pub temporal_layer: Option<u8>,
    pub layer_sync: bool,
    pub key_index: Option<u8>,
    /// Bytes of the descriptor.
    pub len: usize,
}

/// A picture id in the width it came in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PictureId {
    Seven(u8),
    Fifteen(u16),
}

/// The size of a keyframe's picture, before any scaling that it asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameSize {
    pub width: u16,
    pub height: u16,
}

impl Descriptor {
    /// Reads the descriptor at the head of a payload. None if it is cut short or has no VP8 byte after it.
    pub fn parse(payload: &[u8]) -> Option<Descriptor> {
        let mut reader = Reader::new(payload);
        let flags = reader.u8()?;
        let present = if flags & EXTENDED_BIT != 0 { reader.u8()? } else { 0 };

        let mut picture_id = None;
        if present & PICTURE_ID_BIT != 0 {
            let first = reader.u8()?;
            let wide = u16::from(first) << 8;
            picture_id = Some(if wide & FIFTEEN_BIT != 0 {
                PictureId::Fifteen((wide & !FIFTEEN_BIT) | u16::from(reader.u8()?))
            } else {
                PictureId::Seven(first)
            });
        }
        let tl0_picture_index = if present & TL0_PICTURE_INDEX_BIT != 0 { Some(reader.u8()?) } else { None };
        let (has_layer, has_key_index) = (present & TEMPORAL_LAYER_BIT != 0, present & KEY_INDEX_BIT != 0);
        let layer_and_key = if has_layer || has_key_index { reader.u8()? } else { 0 };

        let payload_header = *reader.rest().first()?;
        let starts_frame = flags & START_BIT != 0 && flags & PARTITION_BITS == 0;
        Some(Descriptor {
            starts_frame,
            // RFC 7741 §4.3: P is the inverse keyframe flag, in the first byte of a frame and nowhere else.
            keyframe: starts_frame && payload_header & 1 == 0,
            non_reference: flags & NON_REFERENCE_BIT != 0,
            picture_id,
            tl0_picture_index,
            temporal_layer: has_layer.then_some(layer_and_key >> 6),
            layer_sync: has_layer && layer_and_key & LAYER_SYNC_BIT != 0,
            key_index: has_key_index.then_some(layer_and_key & KEY_INDEX_BITS),
            len: payload.len() - reader.rest().len(),
        })
    }

    /// Overwrites picture id, TL0PICIDX and KEYIDX in place, in the widths they have. Fields that the
    /// descriptor does not carry are left alone.
    pub fn rewrite(&self, payload: &mut [u8], picture_id: u16, tl0_picture_index: u8, key_index: u8) {
        // Fields begin behind the two flag bytes; a descriptor without the second has none.
        let mut fields = payload.get_mut(2..).unwrap_or_default().iter_mut();
        let [high, low] = picture_id.to_be_bytes();
        match self.picture_id {
            Some(PictureId::Seven(_)) => put(fields.next(), 0, low & 0x7f),
            Some(PictureId::Fifteen(_)) => {
                put(fields.next(), 0, high | 0x80);
                put(fields.next(), 0, low);
            }
            None => {}
        }
        if self.tl0_picture_index.is_some() {
            put(fields.next(), 0, tl0_picture_index);
        }
        if self.key_index.is_some() {
            put(fields.next(), !KEY_INDEX_BITS, key_index & KEY_INDEX_BITS);
        }
    }

    /// The size of the picture, if this is the packet that starts a keyframe.
    ///
    /// ```text
    ///  RFC 6386 §9.1, little-endian:
    ///  | frame tag (3) | 9d 01 2a | width (14 bits), scale (2) | height (14 bits), scale (2) |
    /// ```
    pub fn frame_size(&self, payload: &[u8]) -> Option<FrameSize> {
        if !self.keyframe {
            return None;
        }
        match *payload.get(self.len..)?.first_chunk::<10>()? {
            [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] => {
                Some(FrameSize { width: u16::from_le_bytes([w0, w1]) & 0x3fff, height: u16::from_le_bytes([h0, h1]) & 0x3fff })
            }
            _ => None,
        }
    }
}

/// Writes a byte, keeping the bits in `kept`.
fn put(place: Option<&mut u8>, kept: u8, value: u8) {
    if let Some(place) = place {
        *place = *place & kept | value;
    }
}

#[cfg(test)]
mod tests {
    use ::rtp::codecs::vp8::Vp8Packet;
    use ::rtp::packetizer::Depacketizer;
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    const PLAIN: Descriptor = Descriptor {
        starts_frame: true,
        keyframe: true,
        non_reference: false,
        picture_id: None,
        tl0_picture_index: None,
        temporal_layer: None,
        layer_sync: false,
        key_index: None,
        len: 1,
    };

    #[test]
    fn descriptors_of_every_shape_are_read() {
        let cases: [(&[u8], Option<Descriptor>); 15] = [
            (&[0x10, 0x00], Some(PLAIN)),
            (&[0x10, 0x01], Some(Descriptor { keyframe: false, ..PLAIN })),
            (&[0x30, 0x01], Some(Descriptor { keyframe: false, non_reference: true, ..PLAIN })),
            // Not the first packet: the bit there is no keyframe flag.
            (&[0x00, 0x00], Some(Descriptor { starts_frame: false, keyframe: false, ..PLAIN })),
            (&[0x11, 0x00], Some(Descriptor { starts_frame: false, keyframe: false, ..PLAIN })),
            (&[0x90, 0x00, 0x00], Some(Descriptor { len: 2, ..PLAIN })),
            (&[0x90, 0x80, 0x7f, 0x00], Some(Descriptor { picture_id: Some(PictureId::Seven(0x7f)), len: 3, ..PLAIN })),
            (&[0x90, 0x80, 0x92, 0x34, 0x00], Some(Descriptor { picture_id: Some(PictureId::Fifteen(0x1234)), len: 4, ..PLAIN })),
            (
                &[0x90, 0xf0, 0x81, 0x02, 0x03, 0x65, 0x00],
                Some(Descriptor {
                    picture_id: Some(PictureId::Fifteen(0x0102)),
                    tl0_picture_index: Some(3),
                    temporal_layer: Some(1),
                    layer_sync: true,
                    key_index: Some(5),
                    len: 6,
                    ..PLAIN
                }),
            ),
            // K without T: no temporal layer, whatever its bits say.
            (&[0x90, 0x10, 0xe5, 0x00], Some(Descriptor { key_index: Some(5), len: 3, ..PLAIN })),
            (&[0x90, 0x20, 0x9f, 0x00], Some(Descriptor { temporal_layer: Some(2), len: 3, ..PLAIN })),
            (&[], None),
            (&[0x10], None),
            (&[0x90, 0x80, 0x92, 0x34], None),
            (&[0x90, 0xf0, 0x81, 0x02, 0x03, 0x65], None),
        ];
        for (payload, expected) in cases {
            assert_eq!(Descriptor::parse(payload), expected, "{payload:x?}");
        }
    }

    #[test]
    fn the_size_of_a_keyframe_is_read() {
        let payload = [0x90, 0x80, 0x01, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x45, 0xd0, 0xc2];
        let descriptor = Descriptor::parse(&payload).unwrap();
        assert_eq!(descriptor.frame_size(&payload), Some(FrameSize { width: 0x0500, height: 0x02d0 }));
        for cut in 0..payload.len() {
            assert_eq!(descriptor.frame_size(&payload[..cut]), None);
        }
        let mut wrong_start_code = payload;
        wrong_start_code[6] = 0;
        assert_eq!(descriptor.frame_size(&wrong_start_code), None);
        let mut interframe = payload;
        interframe[3] |= 1;
        assert_eq!(Descriptor::parse(&interframe).unwrap().frame_size(&interframe), None);
    }

    #[test]
    fn garbage_of_every_length_and_first_byte_is_total() {
        for fill in [0x00, 0x7f, 0x80, 0xff] {
            let mut bytes = [fill; 64];
            for first in 0..=255 {
                bytes[0] = first;
                for len in 0..=bytes.len() {
                    let mut payload = bytes;
                    let Some(descriptor) = Descriptor::parse(&payload[..len]) else { continue };
                    assert!(descriptor.len < len);
                    descriptor.frame_size(&payload[..len]);
                    descriptor.rewrite(&mut payload[..len], 0xffff, 0xff, 0xff);
                    descriptor.rewrite(&mut payload[..len.min(3)], 0xffff, 0xff, 0xff);
                    descriptor.rewrite(&mut [], 0, 0, 0);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_rtp_crate_reads_the_same(payload in proptest::collection::vec(any::<u8>(), 8..32)) {
            let Some(ours) = Descriptor::parse(&payload) else { return Ok(()) };
            let mut theirs = Vp8Packet::default();
            let rest = theirs.depacketize(&Bytes::copy_from_slice(&payload)).unwrap();
            prop_assert_eq!(ours.len, payload.len() - rest.len());
            prop_assert_eq!(ours.starts_frame, theirs.s == 1 && theirs.pid == 0);
            prop_assert_eq!(ours.non_reference, theirs.n == 1);
            let picture_id = match ours.picture_id {
                Some(PictureId::Seven(id)) => Some(u16::from(id)),
                Some(PictureId::Fifteen(id)) => Some(id),
                None => None,
            };
            prop_assert_eq!(picture_id, (theirs.i == 1).then_some(theirs.picture_id));
            prop_assert_eq!(ours.tl0_picture_index, (theirs.l == 1).then_some(theirs.tl0_pic_idx));
            prop_assert_eq!(ours.temporal_layer, (theirs.t == 1).then_some(theirs.tid));
            prop_assert_eq!(ours.key_index, (theirs.k == 1).then_some(theirs.key_idx));
        }

        #[test]
        fn a_rewrite_changes_its_fields_and_nothing_else(
            payload in proptest::collection::vec(any::<u8>(), 8..32),
            picture_id: u16,
            tl0_picture_index: u8,
            key_index: u8,
        ) {
            let Some(before) = Descriptor::parse(&payload) else { return Ok(()) };
            let mut rewritten = payload.clone();
            before.rewrite(&mut rewritten, picture_id, tl0_picture_index, key_index);
            let expected = Descriptor {
                picture_id: before.picture_id.map(|id| match id {
                    PictureId::Seven(_) => PictureId::Seven(u8::try_from(picture_id & 0x7f).unwrap()),
                    PictureId::Fifteen(_) => PictureId::Fifteen(picture_id & 0x7fff),
                }),
                tl0_picture_index: before.tl0_picture_index.map(|_| tl0_picture_index),
                key_index: before.key_index.map(|_| key_index & 0x1f),
                ..before
            };
            prop_assert_eq!(Descriptor::parse(&rewritten), Some(expected));
            prop_assert_eq!(&rewritten[before.len..], &payload[before.len..]);
        }
    }
}
