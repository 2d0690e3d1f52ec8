//! Which layers a sender makes, as it says itself (video-layers-allocation00, a header extension of WebRTC's).
//!
//! ```text
//!  |RID| NS| sl_bm |   RID: the stream this came on; NS: streams less one; sl_bm: what each stream makes, if all make the same
//!  |sl0_bm |sl1_bm |   else a mask for each stream: one byte for two of them, two for more
//!  |sl2_bm |sl3_bm |
//!  then what each layer is to cost and how large it is, which nobody here asks for
//! ```

use super::cursor::Reader;

/// Streams that one allocation can tell of.
const STREAMS: usize = 4;

/// What a sender makes of one track.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allocation {
    /// Which of the track's streams this came on, counted as the offer lists them.
    pub stream: u8,
    active: [bool; STREAMS],
    streams: u8,
}

impl Allocation {
    /// None of what is cut short, and none of the single zero that stands for "nothing at all", on no stream.
    pub(super) fn parse(data: &[u8]) -> Option<Allocation> {
        let mut data = Reader::new(data);
        let head = data.u8()?;
        let (stream, streams, shared) = (head >> 6, (head >> 4 & 0b11) + 1, head & 0x0f);
        let masks = match (shared, streams) {
            (0, 1 | 2) => [data.u8()?, 0],
            (0, _) => data.array()?,
            (_, _) => [shared << 4 | shared; 2],
        };
        let [first, second] = masks.map(|pair| [pair >> 4, pair & 0x0f]);
        let masks = [first[0], first[1], second[0], second[1]];
        (stream < streams).then(|| Allocation { stream, active: masks.map(|mask| mask != 0), streams })
    }

    /// What it says of this stream; none if it says nothing.
    pub fn makes(&self, stream: usize) -> Option<bool> {
        self.active.get(..usize::from(self.streams))?.get(stream).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(data: &[u8]) -> Option<(u8, Vec<bool>)> {
        let allocation = Allocation::parse(data)?;
        Some((allocation.stream, (0..).map_while(|stream| allocation.makes(stream)).collect()))
    }

    #[test]
    fn every_stream_is_made_or_not() {
        let (on, off) = (true, false);
        for (data, expected) in [
            // Three streams of one spatial layer: all of them, and bitrates after it.
            (&[0b00_10_0001, 0, 150, 1][..], Some((0, vec![on, on, on]))),
            (&[0b01_10_0001], Some((1, vec![on, on, on]))),
            // The largest is left out; the two largest are.
            (&[0b00_10_0000, 0x11, 0x00, 0], Some((0, vec![on, on, off]))),
            (&[0b00_10_0000, 0x10, 0x00, 0], Some((0, vec![on, off, off]))),
            (&[0b01_10_0000, 0x01, 0x10], Some((1, vec![off, on, on]))),
            // Two streams need one byte of masks, four need two.
            (&[0b01_01_0000, 0x01], Some((1, vec![off, on]))),
            (&[0b11_11_0000, 0x30, 0x07], Some((3, vec![on, off, off, on]))),
            (&[0b00_00_0111], Some((0, vec![on]))),
            // Cut short, a stream that there is not, and nothing at all.
            (&[], None),
            (&[0b00_10_0000, 0x11], None),
            (&[0b00_01_0000], None),
            (&[0b11_10_0001], None),
            (&[0], None),
        ] {
            assert_eq!(parse(data), expected, "{data:x?}");
        }
    }

    #[test]
    fn no_bytes_are_too_many_or_too_strange() {
        for head in 0..=255 {
            for len in 0..=40 {
                let mut data = vec![head ^ 0x5a; len];
                data.splice(..0, [head]);
                if let Some(allocation) = Allocation::parse(&data) {
                    assert_eq!(allocation.makes(usize::from(allocation.streams)), None, "{data:x?}");
                    assert!(allocation.makes(allocation.stream.into()).is_some(), "{data:x?}");
                }
            }
        }
    }
}
