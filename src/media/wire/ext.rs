//! Header extensions (RFC 8285), read by one pass and written in the one-byte form.
//!
//! ```text
//!  one-byte form, profile 0xBEDE      two-byte form, profile 0x100X
//!  |  ID   |  L−1  | L bytes … |      |       ID      |       L       | L bytes … |
//!  zero bytes between elements are padding
//! ```

use super::allocation::Allocation;
use super::cursor::{Reader, Writer};
use super::rtp::Header;
use crate::link::terms::ExtensionIds;

/// RFC 8285 §4.2.
const ONE_BYTE_PROFILE: u16 = 0xbede;
/// RFC 8285 §4.3: the low four bits are the application's and mean nothing to us.
const TWO_BYTE_PROFILE: u16 = 0x1000;
const TWO_BYTE_PROFILE_BITS: u16 = 0xfff0;
/// RFC 8285 §4.2: 15 is reserved, 0 is padding.
const ONE_BYTE_ID_MAX: u8 = 14;
const ONE_BYTE_LEN_MAX: u8 = 16;

/// What the extensions of one packet said. Absent ones are `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Extensions<'a> {
    pub mid: Option<&'a [u8]>,
    pub rid: Option<&'a [u8]>,
    pub repaired_rid: Option<&'a [u8]>,
    pub transport_cc: Option<u16>,
    /// 24 bits, 6.18 fixed point seconds.
    pub abs_send_time: Option<u32>,
    /// RFC 6464: the voice-activity bit and −dBov (0 loud, 127 silent).
    pub audio_level: Option<AudioLevel>,
    /// 3GPP TS 26.114 §7.4.5 coordination of video orientation, as it came.
    pub video_orientation: Option<u8>,
    /// As it came.
    pub playout_delay: Option<[u8; 3]>,
    /// Which layers of its track the sender makes from now on.
    pub layers: Option<Allocation>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AudioLevel {
    pub voice: bool,
    /// −dBov, 0 to 127.
    pub level: u8,
}

impl AudioLevel {
    const VOICE_BIT: u8 = 0b1000_0000;

    const fn from_byte(byte: u8) -> AudioLevel {
        AudioLevel { voice: byte & Self::VOICE_BIT != 0, level: byte & !Self::VOICE_BIT }
    }

    const fn to_byte(self) -> u8 {
        let voice = if self.voice { Self::VOICE_BIT } else { 0 };
        voice | self.level & !Self::VOICE_BIT
    }
}

impl<'a> Extensions<'a> {
    /// Reads one- and two-byte forms. Malformed blocks yield what stood before the fault.
    pub fn parse(packet: &'a [u8], header: &Header, ids: &ExtensionIds) -> Extensions<'a> {
        let mut found = Extensions::default();
        let Some(block) = packet.get(header.extension_start..header.extension_end) else { return found };
        let mut elements = Elements::new(header.extension_profile, block);
        while let Some((id, data)) = elements.next() {
            found.take(id, data, ids);
        }
        found
    }

    /// Keeps one element. Where an id comes twice the last counts; where a length is not the one its
    /// extension has, the element says nothing.
    fn take(&mut self, id: u8, data: &'a [u8], ids: &ExtensionIds) {
        // An element's id is never 0, so what was not negotiated matches none.
        if id == ids.mid {
            self.mid = Some(data);
        } else if id == ids.transport_cc {
            // The number comes first; a newer form appends a request for feedback.
            self.transport_cc = data.first_chunk().map(|number| u16::from_be_bytes(*number));
        } else if id == ids.rid {
            self.rid = Some(data);
        } else if id == ids.repaired_rid {
            self.repaired_rid = Some(data);
        } else if id == ids.audio_level {
            self.audio_level = one(data).map(AudioLevel::from_byte);
        } else if id == ids.video_orientation {
            self.video_orientation = one(data);
        } else if id == ids.playout_delay {
            self.playout_delay = data.try_into().ok();
        } else if id == ids.abs_send_time {
            self.abs_send_time = data.try_into().ok().map(|[a, b, c]: [u8; 3]| u32::from_be_bytes([0, a, b, c]));
        } else if id == ids.layers_allocation {
            self.layers = Allocation::parse(data);
        }
    }

    /// What of this packet a receiver is told as it is. The mid and the transport-wide number belong to the
    /// receiver's leg, a rid and the layers to the sender's: none of them is passed on.
    pub fn forwarded(&self) -> Outgoing<'static> {
        Outgoing {
            mid: None,
            transport_cc: None,
            audio_level: self.audio_level,
            video_orientation: self.video_orientation,
            playout_delay: self.playout_delay,
        }
    }
}

/// An element of exactly one byte.
const fn one(data: &[u8]) -> Option<u8> {
    match data {
        [byte] => Some(*byte),
        _ => None,
    }
}

/// The elements of a block, by form.
enum Elements<'a> {
    OneByte(Reader<'a>),
    TwoByte(Reader<'a>),
    /// An extension that is not RFC 8285's, or none: nothing to find.
    Other,
}

impl<'a> Elements<'a> {
    const fn new(profile: u16, block: &'a [u8]) -> Elements<'a> {
        if profile == ONE_BYTE_PROFILE {
            Elements::OneByte(Reader::new(block))
        } else if profile & TWO_BYTE_PROFILE_BITS == TWO_BYTE_PROFILE {
            Elements::TwoByte(Reader::new(block))
        } else {
            Elements::Other
        }
    }

    /// The next element; none at the end, and none from the first fault on.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        match self {
            Elements::OneByte(block) => loop {
                let byte = block.u8()?;
                let (id, len) = (byte >> 4, usize::from(byte & 0x0f) + 1);
                match id {
                    0 if byte == 0 => {}
                    // RFC 8285 §4.2: an ID of 15, or of 0 with a length: "processing of the entire extension
                    // MUST terminate at that point", and what stood before counts.
                    0 | 15 => return None,
                    _ => return block.slice(len).map(|data| (id, data)),
                }
            },
            Elements::TwoByte(block) => loop {
                // RFC 8285 §4.3: a padding byte is an ID of 0 and has no length.
                let id = block.u8()?;
                if id != 0 {
                    let len = usize::from(block.u8()?);
                    return block.slice(len).map(|data| (id, data));
                }
            },
            Elements::Other => None,
        }
    }
}

/// The extensions that we send. What is `None`, was not negotiated, or does not fit the one-byte form (an id
/// above 14, a mid that is empty or longer than 16 bytes) is left out: a packet without it is still a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outgoing<'a> {
    pub mid: Option<&'a [u8]>,
    pub transport_cc: Option<u16>,
    pub audio_level: Option<AudioLevel>,
    pub video_orientation: Option<u8>,
    pub playout_delay: Option<[u8; 3]>,
}

impl Outgoing<'_> {
    /// Writes the whole block (profile, length, elements, padding) to the start of `buffer` and says how many
    /// bytes it took: none if there is nothing to say. None if it does not fit.
    pub(super) fn write(&self, buffer: &mut [u8], ids: &ExtensionIds) -> Option<usize> {
        let mut block = ExtensionWriter::new(buffer);
        if let Some(mid) = self.mid {
            block.element(ids.mid, mid)?;
        }
        if let Some(number) = self.transport_cc {
            block.element(ids.transport_cc, &number.to_be_bytes())?;
        }
        if let Some(level) = self.audio_level {
            block.element(ids.audio_level, &[level.to_byte()])?;
        }
        if let Some(orientation) = self.video_orientation {
            block.element(ids.video_orientation, &[orientation])?;
        }
        if let Some(delay) = self.playout_delay {
            block.element(ids.playout_delay, &delay)?;
        }
        block.finish()
    }
}

/// A block in the one-byte form, growing element by element. It begins with its first element, so that a
/// packet with no extension has no block.
struct ExtensionWriter<'a>(Writer<'a>);

impl<'a> ExtensionWriter<'a> {
    /// Profile and length.
    const HEAD_LEN: usize = 4;

    const fn new(buffer: &'a mut [u8]) -> ExtensionWriter<'a> {
        ExtensionWriter(Writer::new(buffer))
    }

    fn element(&mut self, id: u8, data: &[u8]) -> Option<()> {
        let Ok(len @ 1..=ONE_BYTE_LEN_MAX) = u8::try_from(data.len()) else { return Some(()) };
        if !(1..=ONE_BYTE_ID_MAX).contains(&id) {
            return Some(());
        }
        if self.0.len() == 0 {
            self.0.u16(ONE_BYTE_PROFILE)?;
            self.0.u16(0)?;
        }
        self.0.u8(id << 4 | (len - 1))?;
        self.0.bytes(data)
    }

    /// Pads the block to 32 bits and writes its length. Some(0) if it has no element.
    fn finish(mut self) -> Option<usize> {
        let len = self.0.len();
        if len == 0 {
            return Some(0);
        }
        let padded = len.next_multiple_of(4);
        self.0.bytes([0; 3].get(..padded - len)?)?;
        let words = u16::try_from((padded - Self::HEAD_LEN) / 4).ok()?;
        self.0.overwrite(2, &words.to_be_bytes())?;
        Some(padded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: ExtensionIds = ExtensionIds {
        mid: 1,
        rid: 2,
        repaired_rid: 3,
        transport_cc: 4,
        abs_send_time: 5,
        audio_level: 6,
        video_orientation: 7,
        playout_delay: 14,
        layers_allocation: 8,
    };
    const NOTHING: Extensions<'_> = Extensions {
        mid: None,
        rid: None,
        repaired_rid: None,
        transport_cc: None,
        abs_send_time: None,
        audio_level: None,
        video_orientation: None,
        playout_delay: None,
        layers: None,
    };

    /// A packet of a fixed header, a block and one byte of payload.
    fn packet(profile: u16, block: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        packet.extend_from_slice(&profile.to_be_bytes());
        let mut block = block.to_vec();
        block.resize(block.len().next_multiple_of(4), 0);
        packet.extend_from_slice(&u16::try_from(block.len() / 4).unwrap().to_be_bytes());
        packet.extend_from_slice(&block);
        packet.push(0);
        packet
    }

    fn parse_with(packet: &[u8], ids: ExtensionIds) -> Extensions<'_> {
        Extensions::parse(packet, &Header::parse(packet).unwrap(), &ids)
    }

    #[test]
    fn every_extension_is_read_in_both_forms() {
        let expected = Extensions {
            mid: Some(b"0"),
            rid: Some(b"q"),
            repaired_rid: Some(b"hh"),
            transport_cc: Some(0x1234),
            abs_send_time: Some(0x56789a),
            audio_level: Some(AudioLevel { voice: true, level: 5 }),
            video_orientation: Some(3),
            playout_delay: Some([1, 2, 3]),
            layers: Allocation::parse(&[0x21]),
        };
        let elements: [(u8, &[u8]); 9] = [
            (1, b"0"),
            (2, b"q"),
            (3, b"hh"),
            (4, &[0x12, 0x34]),
            (5, &[0x56, 0x78, 0x9a]),
            (6, &[0x85]),
            (7, &[3]),
            (14, &[1, 2, 3]),
            (8, &[0x21]),
        ];
        let (mut one_byte, mut two_byte) = (vec![0], vec![0, 0]);
        for (id, data) in elements {
            let len = u8::try_from(data.len()).unwrap();
            one_byte.push(id << 4 | (len - 1));
            one_byte.extend_from_slice(data);
            two_byte.extend_from_slice(&[id, len]);
            two_byte.extend_from_slice(data);
            two_byte.push(0);
        }
        assert_eq!(parse_with(&packet(0xbede, &one_byte), IDS), expected);
        assert_eq!(parse_with(&packet(0x1000, &two_byte), IDS), expected);
        assert_eq!(parse_with(&packet(0x100f, &two_byte), IDS), expected);
        assert_eq!(parse_with(&packet(0x1010, &two_byte), IDS), NOTHING);
    }

    #[test]
    fn a_fault_ends_the_block_and_keeps_what_stood_before() {
        let mid = Extensions { mid: Some(b"0"), ..NOTHING };
        let cases: [(u16, &[u8], Extensions<'_>); 10] = [
            // ID 15 stops, whatever its length says.
            (0xbede, &[0x10, b'0', 0xf0, 0, 0x70, 3], mid),
            // ID 0 with a length stops.
            (0xbede, &[0x10, b'0', 0x02, 0x70, 3], mid),
            // An element that runs over the end.
            (0xbede, &[0x10, b'0', 0x7f, 3], mid),
            (0x1000, &[1, 1, b'0', 7, 200, 3], mid),
            (0x1000, &[1, 1, b'0', 7], mid),
            // A length that is not its extension's says nothing; the next is read.
            (0xbede, &[0x71, 3, 3, 0x10, b'0'], mid),
            (0x1000, &[4, 1, 9, 6, 0, 1, 1, b'0'], mid),
            // An id that was not negotiated is stepped over.
            (0xbede, &[0xd1, 9, 9, 0x10, b'0'], mid),
            // The last of two counts.
            (0xbede, &[0x10, b'1', 0x10, b'0'], mid),
            (0xbede, &[], NOTHING),
        ];
        for (profile, block, expected) in cases {
            assert_eq!(parse_with(&packet(profile, block), IDS), expected, "{profile:x} {block:?}");
        }
    }

    #[test]
    fn what_was_not_negotiated_is_neither_read_nor_written() {
        let block = [0x10, b'0', 0x41, 1, 2, 0x60, 9, 0x70, 1, 0xe2, 1, 2, 3];
        assert_eq!(parse_with(&packet(0xbede, &block), ExtensionIds::default()), NOTHING);
        let everything = Outgoing {
            mid: Some(b"0"),
            transport_cc: Some(1),
            audio_level: Some(AudioLevel { voice: false, level: 1 }),
            video_orientation: Some(1),
            playout_delay: Some([1; 3]),
        };
        assert_eq!(everything.write(&mut [0; 64], &ExtensionIds::default()), Some(0));
        assert_eq!(everything.write(&mut [], &ExtensionIds::default()), Some(0));
        assert_eq!(Outgoing::default().write(&mut [0; 64], &IDS), Some(0));
    }

    #[test]
    fn what_the_one_byte_form_cannot_carry_is_left_out() {
        for (id, mid, expected) in [
            (15, &b"0"[..], 0),
            (255, b"0", 0),
            (1, b"", 0),
            (1, b"0123456789abcdefg", 0),
            (1, b"0123456789abcdef", 24),
            (14, b"0", 8),
        ] {
            let ids = ExtensionIds { mid: id, ..ExtensionIds::default() };
            let outgoing = Outgoing { mid: Some(mid), ..Outgoing::default() };
            assert_eq!(outgoing.write(&mut [0; 64], &ids), Some(expected), "{id} {mid:?}");
        }
    }

    #[test]
    fn only_what_concerns_the_picture_and_the_sound_is_forwarded() {
        let came = Extensions {
            mid: Some(b"0"),
            rid: Some(b"q"),
            repaired_rid: Some(b"q"),
            transport_cc: Some(7),
            abs_send_time: Some(7),
            audio_level: Some(AudioLevel { voice: true, level: 127 }),
            video_orientation: Some(1),
            playout_delay: Some([0, 1, 2]),
            layers: Allocation::parse(&[0x21]),
        };
        let goes = came.forwarded();
        assert_eq!((goes.mid, goes.transport_cc), (None, None));
        assert_eq!(
            (goes.audio_level, goes.video_orientation, goes.playout_delay),
            (came.audio_level, came.video_orientation, came.playout_delay)
        );
    }
}
