//! AEAD_AES_128_GCM (RFC 7714): encryption and tag in one pass, the clear part authenticated beside it.

use super::cipher::{RTCP_CLEAR, SrtcpWord};
use super::kdf::{Kdf, Label};
use crate::base::Seq64;
use crate::link::terms::Ssrc;
use crate::media::crypto::AesGcm;

/// One session key: RTP has one, RTCP another.
pub(super) struct GcmSession {
    key: AesGcm,
    salt: [u8; AesGcm::NONCE_LEN],
}

impl GcmSession {
    /// ```text
    /// | header | ciphertext | tag 16 |
    /// ```
    pub(super) const RTP_OVERHEAD: usize = AesGcm::TAG_LEN;

    /// ```text
    /// | header 8 | ciphertext | tag 16 | E, index 4 |
    /// ```
    pub(super) const RTCP_OVERHEAD: usize = AesGcm::TAG_LEN + SrtcpWord::LEN;

    /// How far before the end the E flag and the index begin.
    pub(super) const RTCP_WORD_FROM_END: usize = SrtcpWord::LEN;

    pub(super) fn rtp(kdf: &Kdf) -> GcmSession {
        GcmSession::new(&kdf.derive(Label::RtpCipher), *kdf.derive(Label::RtpSalt))
    }

    pub(super) fn rtcp(kdf: &Kdf) -> GcmSession {
        GcmSession::new(&kdf.derive(Label::RtcpCipher), *kdf.derive(Label::RtcpSalt))
    }

    pub(super) fn new(key: &[u8; AesGcm::KEY_LEN], salt: [u8; AesGcm::NONCE_LEN]) -> GcmSession {
        GcmSession { key: AesGcm::new(key), salt }
    }

    /// RFC 7714 §8.1 and §9.1: the same shape for both, as an SRTCP index is only shorter.
    ///
    /// ```text
    ///  0  1  2  3  4  5  6  7  8  9 10 11
    /// | 0  0 |   SSRC    |     index      |  XOR salt
    /// ```
    fn nonce(&self, ssrc: Ssrc, index: u64) -> [u8; AesGcm::NONCE_LEN] {
        let mut nonce = self.salt;
        xor(&mut nonce[2..6], &ssrc.0.to_be_bytes());
        xor(&mut nonce[6..], &index.to_be_bytes()[2..]);
        nonce
    }

    /// Seals `buffer[..len]`; room for the tag is the caller's to check, here and below.
    pub(super) fn seal_rtp(&self, ssrc: Ssrc, index: Seq64, buffer: &mut [u8], header_len: usize, len: usize) {
        let (packet, room) = buffer.split_at_mut(len);
        let (header, payload) = packet.split_at_mut(header_len);
        // RFC 7714 §8.2: the header, with its CSRCs and its extension, is what the tag covers in the clear.
        let tag = self.key.seal(self.nonce(ssrc, index.0), header, payload);
        room[..AesGcm::TAG_LEN].copy_from_slice(&tag);
    }

    /// Opens a whole packet: whether the tag was right.
    pub(super) fn open_rtp(&self, ssrc: Ssrc, index: Seq64, packet: &mut [u8], header_len: usize) -> bool {
        let (header, sealed) = packet.split_at_mut(header_len);
        self.key.open(self.nonce(ssrc, index.0), header, sealed).is_some()
    }

    pub(super) fn seal_rtcp(&self, ssrc: Ssrc, word: SrtcpWord, buffer: &mut [u8], len: usize) {
        let (packet, room) = buffer.split_at_mut(len);
        let (header, reports) = packet.split_at_mut(RTCP_CLEAR);
        let tag = self.key.seal(self.nonce(ssrc, word.index()), &rtcp_clear(header, word), reports);
        room[..AesGcm::TAG_LEN].copy_from_slice(&tag);
        room[AesGcm::TAG_LEN..][..SrtcpWord::LEN].copy_from_slice(&word.to_bytes());
    }

    pub(super) fn open_rtcp(&self, ssrc: Ssrc, word: SrtcpWord, packet: &mut [u8]) -> bool {
        let end = packet.len() - SrtcpWord::LEN;
        let (header, sealed) = packet[..end].split_at_mut(RTCP_CLEAR);
        self.key.open(self.nonce(ssrc, word.index()), &rtcp_clear(header, word), sealed).is_some()
    }
}

/// RFC 7714 §9.2: for an encrypted packet, the tag covers in the clear the first eight bytes, then E and index.
fn rtcp_clear(header: &[u8], word: SrtcpWord) -> [u8; RTCP_CLEAR + SrtcpWord::LEN] {
    let mut clear = [0; RTCP_CLEAR + SrtcpWord::LEN];
    clear[..RTCP_CLEAR].copy_from_slice(header);
    clear[RTCP_CLEAR..].copy_from_slice(&word.to_bytes());
    clear
}

fn xor(bytes: &mut [u8], with: &[u8]) {
    for (byte, with) in bytes.iter_mut().zip(with) {
        *byte ^= with;
    }
}
