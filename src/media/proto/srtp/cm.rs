//! AES128_CM_HMAC_SHA1_80 (RFC 3711 §4): AES in counter mode, then a truncated HMAC over the ciphertext.

use super::cipher::{RTCP_CLEAR, SrtcpWord};
use super::kdf::{Kdf, Label};
use crate::base::Seq64;
use crate::link::terms::Ssrc;
use crate::media::crypto::{AesCtr, HmacSha1};

/// RFC 3711 §4.2.1, RFC 5764 §4.1.2: 80 bits of the HMAC, for RTP and RTCP alike.
const TAG_LEN: usize = 10;

/// One set of session keys: RTP has one, RTCP another.
pub(super) struct CmSession {
    cipher: AesCtr,
    salt: [u8; 14],
    authentication: HmacSha1,
}

impl CmSession {
    /// ```text
    /// | header | ciphertext | tag 10 |
    /// ```
    pub(super) const RTP_OVERHEAD: usize = TAG_LEN;

    /// ```text
    /// | header 8 | ciphertext | E, index 4 | tag 10 |
    /// ```
    pub(super) const RTCP_OVERHEAD: usize = SrtcpWord::LEN + TAG_LEN;

    /// How far before the end the E flag and the index begin.
    pub(super) const RTCP_WORD_FROM_END: usize = SrtcpWord::LEN + TAG_LEN;

    pub(super) fn rtp(kdf: &Kdf) -> CmSession {
        let authentication = kdf.derive(Label::RtpAuthentication);
        CmSession::new(&kdf.derive(Label::RtpCipher), *kdf.derive(Label::RtpSalt), &authentication)
    }

    pub(super) fn rtcp(kdf: &Kdf) -> CmSession {
        let authentication = kdf.derive(Label::RtcpAuthentication);
        CmSession::new(&kdf.derive(Label::RtcpCipher), *kdf.derive(Label::RtcpSalt), &authentication)
    }

    pub(super) fn new(cipher: &[u8; AesCtr::KEY_LEN], salt: [u8; 14], authentication: &[u8; 20]) -> CmSession {
        CmSession { cipher: AesCtr::new(cipher), salt, authentication: HmacSha1::new(authentication) }
    }

    /// RFC 3711 §4.1.1: where a packet's keystream begins. The last two bytes count its blocks.
    ///
    /// ```text
    ///  0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
    /// | 0  0  0  0 |   SSRC    |     index       | 0  0 |  XOR salt
    /// ```
    fn counter(&self, ssrc: Ssrc, index: u64) -> [u8; AesCtr::BLOCK_LEN] {
        let shifted = u128::from(ssrc.0) << 64 | u128::from(index) << 16;
        let mut counter = shifted.to_be_bytes();
        for (byte, salt) in counter.iter_mut().zip(self.salt) {
            *byte ^= salt;
        }
        counter
    }

    /// Seals `buffer[..len]`; room for the tag is the caller's to check, here and below.
    pub(super) fn seal_rtp(&self, ssrc: Ssrc, index: Seq64, buffer: &mut [u8], header_len: usize, len: usize) {
        let (packet, room) = buffer.split_at_mut(len);
        self.cipher.apply(self.counter(ssrc, index.0), &mut packet[header_len..]);
        // RFC 3711 §4.2: the tag covers the packet, and after it the rollover counter that is not sent.
        let tag = self.authentication.tag(&[packet, &index.rollovers().to_be_bytes()]);
        room[..TAG_LEN].copy_from_slice(&tag[..TAG_LEN]);
    }

    /// Opens a whole packet: whether the tag was right. If not, the packet is as it was.
    pub(super) fn open_rtp(&self, ssrc: Ssrc, index: Seq64, packet: &mut [u8], header_len: usize) -> bool {
        let Some((packet, tag)) = packet.split_last_chunk_mut::<TAG_LEN>() else { return false };
        let right = self.authentication.verify(&[packet, &index.rollovers().to_be_bytes()], tag);
        if right {
            self.cipher.apply(self.counter(ssrc, index.0), &mut packet[header_len..]);
        }
        right
    }

    pub(super) fn seal_rtcp(&self, ssrc: Ssrc, word: SrtcpWord, buffer: &mut [u8], len: usize) {
        self.cipher.apply(self.counter(ssrc, word.index()), &mut buffer[RTCP_CLEAR..len]);
        buffer[len..][..SrtcpWord::LEN].copy_from_slice(&word.to_bytes());
        // RFC 3711 §3.4: the tag covers E and index too.
        let (covered, room) = buffer.split_at_mut(len + SrtcpWord::LEN);
        room[..TAG_LEN].copy_from_slice(&self.authentication.tag(&[covered])[..TAG_LEN]);
    }

    pub(super) fn open_rtcp(&self, ssrc: Ssrc, word: SrtcpWord, packet: &mut [u8]) -> bool {
        let Some((covered, tag)) = packet.split_last_chunk_mut::<TAG_LEN>() else { return false };
        let right = self.authentication.verify(&[covered], tag);
        if right {
            let end = covered.len() - SrtcpWord::LEN;
            self.cipher.apply(self.counter(ssrc, word.index()), &mut covered[RTCP_CLEAR..end]);
        }
        right
    }
}
