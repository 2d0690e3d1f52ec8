//! HMAC-SHA1, which SRTP's classic profile and STUN still ask for. SHA-1's collisions do not weaken it as a MAC.

use aws_lc_rs::hmac::{Context, HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key};

use super::equal;

/// One HMAC-SHA1 key. Each tag starts from a copy of the keyed state, on the stack.
pub struct HmacSha1(Key);

impl HmacSha1 {
    pub const TAG_LEN: usize = 20;

    /// Hashes the key into its starting state. HMAC takes a key of any length.
    pub fn new(key: &[u8]) -> HmacSha1 {
        HmacSha1(Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key))
    }

    /// The tag of these parts, one after the other.
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; HmacSha1::TAG_LEN] {
        let mut context = Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let mut bytes = [0; HmacSha1::TAG_LEN];
        bytes.copy_from_slice(context.sign().as_ref());
        bytes
    }

    /// Whether `tag` is the (maybe truncated) tag of these parts, in constant time. Below 80 bits it would be
    /// guessed, so the length is part of the type.
    pub fn verify<const LEN: usize>(&self, parts: &[&[u8]], tag: &[u8; LEN]) -> bool {
        const { assert!(LEN >= 10 && LEN <= HmacSha1::TAG_LEN) };
        equal(&self.tag(parts)[..LEN], tag)
    }
}
