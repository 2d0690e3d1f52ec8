//! AES-128-GCM: encryption and authentication in one pass.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// One AES-128-GCM key. **A nonce must never be sealed with twice**: two such packets give away their
/// difference and the key of the tag.
pub struct AesGcm(LessSafeKey);

impl AesGcm {
    pub const KEY_LEN: usize = 16;
    pub const NONCE_LEN: usize = 12;
    pub const TAG_LEN: usize = 16;

    /// Expands the key.
    pub fn new(key: &[u8; AesGcm::KEY_LEN]) -> AesGcm {
        let key = UnboundKey::new(&AES_128_GCM, key).expect("the key has the length that its type says");
        AesGcm(LessSafeKey::new(key))
    }

    /// Encrypts `in_out` in place; the tag speaks for it and for `clear`.
    pub fn seal(&self, nonce: [u8; AesGcm::NONCE_LEN], clear: &[u8], in_out: &mut [u8]) -> [u8; AesGcm::TAG_LEN] {
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(clear), in_out)
            .expect("a datagram is far below the 64 GiB that one nonce may seal");
        let mut bytes = [0; AesGcm::TAG_LEN];
        bytes.copy_from_slice(tag.as_ref());
        bytes
    }

    /// Checks the tag at the end of `in_out` and decrypts what stands before it, in place: its length.
    /// None if the tag is wrong; `in_out` is then worthless.
    pub fn open(&self, nonce: [u8; AesGcm::NONCE_LEN], clear: &[u8], in_out: &mut [u8]) -> Option<usize> {
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(clear), in_out);
        opened.ok().map(|plain| plain.len())
    }
}
