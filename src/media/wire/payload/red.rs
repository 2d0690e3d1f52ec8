//! Redundant audio data (RFC 2198): a packet of sound that also carries those before it.
//!
//! ```text
//!  for each copy, oldest first          the packet's own sound
//!  |1| payload type (7) | timestamp offset (14) | length (10) |      |0| payload type (7) |
//!  then the copies, then the sound itself
//! ```

use crate::media::wire::cursor::{Reader, Writer};

/// Copies in one packet that are read. Browsers write one or two.
pub const COPIES_MAX: usize = 4;

const FOLLOWS_BIT: u8 = 0b1000_0000;
const COPY_HEAD_LEN: usize = 4;
/// RFC 2198 §3: 14 bits of offset and 10 of length.
const OFFSET_MAX: u32 = (1 << 14) - 1;
const LEN_MAX: u16 = (1 << 10) - 1;

/// One sound in a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block<'a> {
    pub payload_type: u8,
    /// Ticks before the packet's own timestamp; zero for its own sound.
    pub offset: u32,
    pub sound: &'a [u8],
}

/// What a packet carries: its own sound, and copies of what went before, oldest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Red<'a> {
    pub own: Block<'a>,
    copies: [Option<Block<'a>>; COPIES_MAX],
}

impl<'a> Red<'a> {
    /// Reads a payload. None if it is cut short or has too many copies.
    pub fn parse(payload: &'a [u8]) -> Option<Red<'a>> {
        let mut heads = Reader::new(payload);
        let mut sized = [(0u8, 0u32, 0usize); COPIES_MAX];
        let mut count = 0;
        let own = loop {
            let first = heads.u8()?;
            if first & FOLLOWS_BIT == 0 {
                break first;
            }
            let [high, middle, low] = heads.array()?;
            let offset = u32::from(u16::from_be_bytes([high, middle]) >> 2);
            let len = u16::from_be_bytes([middle, low]) & LEN_MAX;
            *sized.get_mut(count)? = (first & !FOLLOWS_BIT, offset, usize::from(len));
            count += 1;
        };
        let mut sounds = Reader::new(heads.rest());
        let mut copies = [None; COPIES_MAX];
        for (copy, &(payload_type, offset, len)) in copies.iter_mut().zip(&sized[..count]) {
            *copy = Some(Block { payload_type, offset, sound: sounds.slice(len)? });
        }
        Some(Red { own: Block { payload_type: own, offset: 0, sound: sounds.rest() }, copies })
    }

    /// The copies, oldest first.
    pub fn copies(&self) -> impl Iterator<Item = Block<'a>> {
        self.copies.into_iter().flatten()
    }
}

/// Writes a payload of `copies`, oldest first, and the packet's own `sound`, all of one type; says how many bytes it took.
/// A copy that the format cannot carry (too old, too long, or empty) is left out. None if it does not fit.
pub fn write<'a>(
    buffer: &mut [u8],
    payload_type: u8,
    copies: impl Iterator<Item = (u32, &'a [u8])> + Clone,
    sound: &[u8],
) -> Option<usize> {
    let carried =
        copies.filter(|(offset, copy)| (1..=OFFSET_MAX).contains(offset) && (1..=usize::from(LEN_MAX)).contains(&copy.len()));
    let mut writer = Writer::new(buffer);
    for (offset, copy) in carried.clone() {
        let [_, a, b, c] = (offset << 10 | u32::try_from(copy.len()).ok()?).to_be_bytes();
        writer.bytes(&[FOLLOWS_BIT | payload_type, a, b, c])?;
    }
    writer.u8(payload_type & !FOLLOWS_BIT)?;
    for (_, copy) in carried {
        writer.bytes(copy)?;
    }
    writer.bytes(sound)?;
    Some(writer.len())
}

/// Bytes that `copies` of this many bytes in all add to a packet of sound.
pub const fn overhead(copies: usize, bytes: usize) -> usize {
    1 + copies * COPY_HEAD_LEN + bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(copies: &[(u32, &[u8])], sound: &[u8]) -> Vec<u8> {
        let mut buffer = [0; 1_500];
        let len = write(&mut buffer, 111, copies.iter().copied(), sound).unwrap();
        buffer[..len].to_vec()
    }

    #[test]
    fn a_packet_with_one_copy_is_these_bytes() {
        // RFC 2198 §4: F=1, type 111, offset 960, length 3; F=0, type 111.
        assert_eq!(written(&[(960, b"old")], b"new!"), [0xef, 0x0f, 0x00, 0x03, 0x6f, b'o', b'l', b'd', b'n', b'e', b'w', b'!']);
        assert_eq!(written(&[], b"new"), [0x6f, b'n', b'e', b'w']);
        assert_eq!(overhead(1, 3) + 4, 12);
    }

    #[test]
    fn what_was_written_is_read() {
        let packet = written(&[(1_920, b"older"), (960, b"old")], b"new");
        let red = Red::parse(&packet).unwrap();
        let block = |offset, sound: &'static [u8]| Block { payload_type: 111, offset, sound };
        assert_eq!(red.own, block(0, b"new"));
        assert_eq!(red.copies().collect::<Vec<_>>(), [block(1_920, b"older"), block(960, b"old")]);
    }

    #[test]
    fn a_copy_that_the_format_cannot_carry_is_left_out() {
        let long = [7; LEN_MAX as usize + 1];
        for copy in [(OFFSET_MAX + 1, &b"x"[..]), (0, b"x"), (960, &long), (960, b"")] {
            assert_eq!(written(&[copy], b"new"), [0x6f, b'n', b'e', b'w']);
        }
        assert_eq!(Red::parse(&written(&[(OFFSET_MAX, &long[1..])], b"new")).unwrap().copies().count(), 1);
    }

    #[test]
    fn a_payload_that_is_cut_short_is_none() {
        let whole = written(&[(1_920, b"older"), (960, b"old")], b"");
        for cut in 0..whole.len() {
            assert_eq!(Red::parse(&whole[..cut]), None, "{cut}");
        }
        assert!(Red::parse(&whole).is_some());
        let many = [&[0xef, 0, 4, 0][..]; COPIES_MAX + 1].concat();
        assert_eq!(Red::parse(&[&many[..], &[0x6f]].concat()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_within_their_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(red) = Red::parse(&bytes) {
                let all: usize = red.copies().map(|copy| copy.sound.len() + COPY_HEAD_LEN).sum();
                prop_assert_eq!(all + 1 + red.own.sound.len(), bytes.len());
            }
        }
    }
}
