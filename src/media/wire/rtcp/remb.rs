//! Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03 §2.2), from peers that speak nothing newer.
//!
//! ```text
//!  | sender SSRC | 0 | 'R' 'E' 'M' 'B' | count (8) | exponent (6) | mantissa (18) | SSRCs … |
//! ```

use crate::link::terms::Ssrc;
use crate::media::wire::cursor::Reader;

const NAME: &[u8; 4] = b"REMB";
const MANTISSA_BITS: u32 = 18;

/// The sum of these streams should not exceed `bitrate`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remb<'a> {
    pub sender: Ssrc,
    /// Bits per second.
    pub bitrate: u64,
    ssrcs: &'a [[u8; 4]],
}

impl<'a> Remb<'a> {
    /// Whether an application's feedback is a REMB.
    pub(super) fn is_named(body: &[u8]) -> bool {
        body.get(8..12) == Some(NAME)
    }

    pub(super) fn parse(body: &'a [u8]) -> Option<Remb<'a>> {
        let mut reader = Reader::new(body);
        let sender = Ssrc(reader.u32()?);
        reader.slice(4 + NAME.len())?;
        let count = usize::from(reader.u8()?);
        let rate = reader.u24()?;
        let (exponent, mantissa) = (rate >> MANTISSA_BITS, u64::from(rate) & ((1 << MANTISSA_BITS) - 1));
        // More than 64 bits of bits per second is no measurement.
        let bitrate = mantissa.checked_mul(1_u64.checked_shl(exponent)?)?;
        let (ssrcs, _) = reader.slice(4 * count)?.as_chunks();
        Some(Remb { sender, bitrate, ssrcs })
    }

    pub fn ssrcs(&self) -> impl ExactSizeIterator<Item = Ssrc> + 'a {
        self.ssrcs.iter().map(|ssrc| Ssrc(u32::from_be_bytes(*ssrc)))
    }
}
