//! Seals what we send to one peer, and nothing twice.

use super::MasterKey;
use super::cipher::{Cipher, SrtcpWord, rtcp_sender};
use super::streams::Streams;
use crate::base::Seq64;
use crate::link::event::SrtpProfile;
use crate::link::terms::Ssrc;

/// A stream's place among a leg's outbound streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutboundSlot(pub u8);

/// Why a packet was not sealed: the only thing that must never happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotSealed {
    /// This (SSRC, index) was sealed before, or is too far behind to know.
    Reused,
    /// 2^48 packets or 2^31 RTCP packets: the key is used up.
    Exhausted,
    /// No room for the tag, or lengths that are no packet's.
    NoRoom,
}

/// Seals what we send to one peer. **No (key, SSRC, index) is ever sealed twice**: a window of the last
/// 1,024 indices per SSRC refuses what it has seen or can no longer know.
///
/// A nonce counts as used before the cipher runs, so that nothing that goes wrong after can use it again.
pub struct Sealer {
    cipher: Cipher,
    streams: Streams,
    /// One counter for all senders of RTCP: the SSRC inside a packet then cannot matter.
    next_rtcp: u32,
}

impl Sealer {
    pub fn new(profile: SrtpProfile, master: &MasterKey) -> Sealer {
        // RFC 3711 §3.4: the SRTCP index is zero before the first packet.
        Sealer { cipher: Cipher::new(profile, master), streams: Streams::new(), next_rtcp: 0 }
    }

    /// A stream that we will send. The same SSRC again returns the same slot: its window lives as long as the key.
    /// None when [`crate::base::limits::STREAMS_PER_LEG`] are taken.
    pub fn register(&mut self, ssrc: Ssrc) -> Option<OutboundSlot> {
        self.streams.admit(ssrc).map(OutboundSlot)
    }

    /// Seals `buffer[..len]` in place, header in the clear up to `header_len`; returns the sealed length.
    /// `index` is the whole 48-bit index whose low 16 bits the packet carries.
    ///
    /// A peer takes the first index that it hears of a stream for one below 2^16, and can be wrong about a wrap
    /// right after: start streams below 2^15.
    ///
    /// # Panics
    ///
    /// For a slot that this sealer did not give.
    pub fn seal_rtp(
        &mut self,
        slot: OutboundSlot,
        index: Seq64,
        buffer: &mut [u8],
        header_len: usize,
        len: usize,
    ) -> Result<usize, NotSealed> {
        let sealed_len = room(buffer, len, self.cipher.rtp_overhead())?;
        if header_len > len {
            return Err(NotSealed::NoRoom);
        }
        if index.0 >= Seq64::LIMIT {
            return Err(NotSealed::Exhausted);
        }
        let window = self.streams.window_mut(slot.0);
        if !window.is_fresh(index.0) {
            return Err(NotSealed::Reused);
        }
        window.mark(index.0);
        self.cipher.seal_rtp(self.streams.ssrc(slot.0), index, buffer, header_len, len);
        Ok(sealed_len)
    }

    /// Seals a compound RTCP packet in place with the next SRTCP index.
    pub fn seal_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, NotSealed> {
        let sealed_len = room(buffer, len, self.cipher.rtcp_overhead())?;
        let ssrc = rtcp_sender(&buffer[..len]).ok_or(NotSealed::NoRoom)?;
        let word = SrtcpWord::encrypted(self.next_rtcp).ok_or(NotSealed::Exhausted)?;
        self.next_rtcp += 1;
        self.cipher.seal_rtcp(ssrc, word, buffer, len);
        Ok(sealed_len)
    }
}

/// The length after sealing, if the buffer holds it.
fn room(buffer: &[u8], len: usize, overhead: usize) -> Result<usize, NotSealed> {
    len.checked_add(overhead).filter(|sealed_len| *sealed_len <= buffer.len()).ok_or(NotSealed::NoRoom)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASTER: MasterKey = MasterKey { key: [1; 16], salt: [2; 14] };

    #[test]
    fn reports_end_where_their_index_does() {
        let mut sealer = Sealer::new(SrtpProfile::Aes128CmSha1_80, &MASTER);
        sealer.next_rtcp = (1 << 31) - 1;
        let mut buffer = [0; 64];
        assert_eq!(sealer.seal_rtcp(&mut buffer, 8), Ok(8 + 14));
        for _ in 0..3 {
            assert_eq!(sealer.seal_rtcp(&mut buffer, 8), Err(NotSealed::Exhausted));
        }
    }

    #[test]
    fn lengths_that_do_not_fit_seal_nothing_and_use_nothing_up() {
        let mut sealer = Sealer::new(SrtpProfile::AeadAes128Gcm, &MASTER);
        let slot = sealer.register(Ssrc(1)).expect("the first of many");
        let mut buffer = [0; 64];
        for (header_len, len) in [(12, 49), (12, 64), (12, usize::MAX), (21, 20)] {
            assert_eq!(sealer.seal_rtp(slot, Seq64(1), &mut buffer, header_len, len), Err(NotSealed::NoRoom));
        }
        for len in [0, 7, 45, usize::MAX] {
            assert_eq!(sealer.seal_rtcp(&mut buffer, len), Err(NotSealed::NoRoom));
        }
        assert_eq!(sealer.seal_rtp(slot, Seq64(1), &mut buffer, 12, 48), Ok(64));
        assert_eq!(sealer.seal_rtcp(&mut buffer, 44), Ok(64));
        assert_eq!(sealer.next_rtcp, 1);
    }

    #[test]
    fn there_is_a_place_for_each_stream_and_no_more() {
        let mut sealer = Sealer::new(SrtpProfile::AeadAes128Gcm, &MASTER);
        for ssrc in 0..32 {
            assert_eq!(sealer.register(Ssrc(ssrc)), u8::try_from(ssrc).ok().map(OutboundSlot));
        }
        assert_eq!(sealer.register(Ssrc(32)), None);
        assert_eq!(sealer.register(Ssrc(31)), Some(OutboundSlot(31)));
    }
}
