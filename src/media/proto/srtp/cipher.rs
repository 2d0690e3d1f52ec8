//! What a profile does to one packet, whose index is known.

use super::MasterKey;
use super::cm::CmSession;
use super::gcm::GcmSession;
use super::kdf::Kdf;
use crate::base::Seq64;
use crate::link::event::SrtpProfile;
use crate::link::terms::Ssrc;

/// Bytes of an RTCP packet that stay in the clear: its first header and the sender's SSRC (RFC 3711 §3.4).
pub(super) const RTCP_CLEAR: usize = 8;

/// The word that SRTCP adds to a packet: whether it is encrypted, and its index of 31 bits.
#[derive(Clone, Copy)]
pub(super) struct SrtcpWord(u32);

impl SrtcpWord {
    pub(super) const LEN: usize = 4;

    const ENCRYPTED: u32 = 1 << 31;

    /// Of an encrypted packet with this index; None where the index has run out.
    pub(super) fn encrypted(index: u32) -> Option<SrtcpWord> {
        (index < SrtcpWord::ENCRYPTED).then_some(SrtcpWord(SrtcpWord::ENCRYPTED | index))
    }

    pub(super) fn is_encrypted(self) -> bool {
        self.0 & SrtcpWord::ENCRYPTED != 0
    }

    pub(super) fn index(self) -> u64 {
        u64::from(self.0 & !SrtcpWord::ENCRYPTED)
    }

    pub(super) fn to_bytes(self) -> [u8; SrtcpWord::LEN] {
        self.0.to_be_bytes()
    }
}

/// One direction's session keys.
pub(super) enum Cipher {
    Gcm { rtp: GcmSession, rtcp: GcmSession },
    Cm(Box<CmPair>),
}

/// Boxed, as it holds its expanded keys itself, where GCM holds pointers to them.
pub(super) struct CmPair {
    rtp: CmSession,
    rtcp: CmSession,
}

impl Cipher {
    pub(super) fn new(profile: SrtpProfile, master: &MasterKey) -> Cipher {
        let kdf = Kdf::new(master);
        match profile {
            SrtpProfile::AeadAes128Gcm => Cipher::Gcm { rtp: GcmSession::rtp(&kdf), rtcp: GcmSession::rtcp(&kdf) },
            SrtpProfile::Aes128CmSha1_80 => {
                Cipher::Cm(Box::new(CmPair { rtp: CmSession::rtp(&kdf), rtcp: CmSession::rtcp(&kdf) }))
            }
        }
    }

    /// What sealing adds to an RTP packet.
    pub(super) fn rtp_overhead(&self) -> usize {
        match self {
            Cipher::Gcm { .. } => GcmSession::RTP_OVERHEAD,
            Cipher::Cm(_) => CmSession::RTP_OVERHEAD,
        }
    }

    /// What sealing adds to an RTCP packet.
    pub(super) fn rtcp_overhead(&self) -> usize {
        match self {
            Cipher::Gcm { .. } => GcmSession::RTCP_OVERHEAD,
            Cipher::Cm(_) => CmSession::RTCP_OVERHEAD,
        }
    }

    /// The sender and the SRTCP word of a sealed packet, before anything of it is believed. None if it is
    /// shorter than any sealed packet.
    pub(super) fn rtcp_claims(&self, packet: &[u8]) -> Option<(Ssrc, SrtcpWord)> {
        let from_end = match self {
            Cipher::Gcm { .. } => GcmSession::RTCP_WORD_FROM_END,
            Cipher::Cm(_) => CmSession::RTCP_WORD_FROM_END,
        };
        if packet.len() < RTCP_CLEAR + self.rtcp_overhead() {
            return None;
        }
        let word = packet[packet.len() - from_end..].first_chunk()?;
        Some((rtcp_sender(packet)?, SrtcpWord(u32::from_be_bytes(*word))))
    }

    /// Seals `buffer[..len]`; there must be room for the overhead, here and below.
    pub(super) fn seal_rtp(&self, ssrc: Ssrc, index: Seq64, buffer: &mut [u8], header_len: usize, len: usize) {
        match self {
            Cipher::Gcm { rtp, .. } => rtp.seal_rtp(ssrc, index, buffer, header_len, len),
            Cipher::Cm(pair) => pair.rtp.seal_rtp(ssrc, index, buffer, header_len, len),
        }
    }

    /// Whether the tag was right; if so the packet is in the clear. It must be as long as header and overhead.
    pub(super) fn open_rtp(&self, ssrc: Ssrc, index: Seq64, packet: &mut [u8], header_len: usize) -> bool {
        match self {
            Cipher::Gcm { rtp, .. } => rtp.open_rtp(ssrc, index, packet, header_len),
            Cipher::Cm(pair) => pair.rtp.open_rtp(ssrc, index, packet, header_len),
        }
    }

    pub(super) fn seal_rtcp(&self, ssrc: Ssrc, word: SrtcpWord, buffer: &mut [u8], len: usize) {
        match self {
            Cipher::Gcm { rtcp, .. } => rtcp.seal_rtcp(ssrc, word, buffer, len),
            Cipher::Cm(pair) => pair.rtcp.seal_rtcp(ssrc, word, buffer, len),
        }
    }

    /// As [`Cipher::open_rtp`], for a packet of which [`Cipher::rtcp_claims`] said something.
    pub(super) fn open_rtcp(&self, ssrc: Ssrc, word: SrtcpWord, packet: &mut [u8]) -> bool {
        match self {
            Cipher::Gcm { rtcp, .. } => rtcp.open_rtcp(ssrc, word, packet),
            Cipher::Cm(pair) => pair.rtcp.open_rtcp(ssrc, word, packet),
        }
    }
}

/// The sender's SSRC of a compound RTCP packet, if that is long enough to have one.
pub(super) fn rtcp_sender(packet: &[u8]) -> Option<Ssrc> {
    let bytes = packet.get(4..RTCP_CLEAR)?.first_chunk()?;
    Some(Ssrc(u32::from_be_bytes(*bytes)))
}
