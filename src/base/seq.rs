//! Sequence numbers: as they stand in a packet, and as they count for ever.

/// An RTP sequence number as a packet carries it: 16 bits, wrapping (RFC 3550 §5.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Seq16(pub u16);

/// A sequence number unwrapped: the packet's 16 bits below, the rollover counter above (RFC 3711 §3.3.1).
/// 48 bits count; what would pass them is never sealed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Seq64(pub u64);

impl Seq64 {
    /// SRTP's index has 48 bits.
    pub const LIMIT: u64 = 1 << 48;

    /// The bits that a packet carries.
    pub const fn wrapped(self) -> Seq16 {
        Seq16((self.0 & 0xffff) as u16)
    }

    /// How often the 16 bits have wrapped.
    #[expect(clippy::cast_possible_truncation, reason = "an index has 48 bits, so 32 are left")]
    pub const fn rollovers(self) -> u32 {
        (self.0 >> 16) as u32
    }

    /// The index nearest to this one whose low 16 bits are `seq` (RFC 3711 appendix A). Near zero, where the
    /// nearest would be negative, it is the one above.
    pub const fn nearest(self, seq: Seq16) -> Seq64 {
        let delta = seq.0.wrapping_sub(self.wrapped().0) as i16;
        let near = self.0 as i64 + delta as i64;
        Seq64(if near < 0 { near + 65_536 } else { near } as u64)
    }

    /// The number after this one.
    pub const fn next(self) -> Seq64 {
        Seq64(self.0 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_index_follows_wraps_both_ways() {
        for (at, seq, expected) in [
            (0, 0, 0),
            (0, 5, 5),
            (65_535, 0, 65_536),
            (65_536, 65_535, 65_535),
            (65_536 * 3 + 10, 65_530, 65_536 * 2 + 65_530),
            (65_536 * 3 + 65_530, 10, 65_536 * 4 + 10),
            (0, 65_535, 65_535),
        ] {
            assert_eq!(Seq64(at).nearest(Seq16(seq)), Seq64(expected), "{at} {seq}");
        }
    }
}
