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
    /// Streams behind the last that is made are not told of.
    made: [bool; STREAMS],
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
        let told = |place| place < usize::from(streams) && masks[place] != 0;
        (stream < streams).then(|| Allocation { stream, made: std::array::from_fn(told) })
    }

    /// Whether this stream is made.
    pub fn makes(&self, stream: usize) -> bool {
        self.made.get(stream).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(data: &[u8]) -> Option<(u8, [bool; STREAMS])> {
        let allocation = Allocation::parse(data)?;
        Some((allocation.stream, std::array::from_fn(|stream| allocation.makes(stream))))
    }

    #[test]
    fn every_stream_is_made_or_not() {
        let (on, off) = (true, false);
        for (data, expected) in [
            // Three streams of one spatial layer: all of them, and bitrates after it.
            (&[0b0010_0001, 0, 150, 1][..], Some((0, [on, on, on, off]))),
            (&[0b0110_0001], Some((1, [on, on, on, off]))),
            // The largest is left out, as it may be written and as Chromium does; so are the two largest.
            (&[0b0010_0000, 0x11, 0x00, 0], Some((0, [on, on, off, off]))),
            (&[0b0101_0001, 0, 150, 1], Some((1, [on, on, off, off]))),
            (&[0b0000_0001], Some((0, [on, off, off, off]))),
            // One between, and the smallest.
            (&[0b1010_0000, 0x10, 0x10], Some((2, [on, off, on, off]))),
            (&[0b0110_0000, 0x01, 0x10], Some((1, [off, on, on, off]))),
            // Two streams need one byte of masks, four need two; what is beyond them is filling.
            (&[0b0101_0000, 0x01], Some((1, [off, on, off, off]))),
            (&[0b1111_0000, 0x30, 0x07], Some((3, [on, off, off, on]))),
            (&[0b0010_0000, 0x11, 0x1f], Some((0, [on, on, on, off]))),
            // Cut short, a stream that there is not, and nothing at all.
            (&[], None),
            (&[0b0010_0000, 0x11], None),
            (&[0b0001_0000], None),
            (&[0b1110_0001], None),
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
                    assert!(usize::from(allocation.stream) < STREAMS && !allocation.makes(STREAMS), "{data:x?}");
                }
            }
        }
    }
}
