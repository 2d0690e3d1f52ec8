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

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2202 §3, cases 2 and 6: a short key, and one longer than a block.
    #[test]
    fn tags_are_those_of_rfc_2202() {
        let short = HmacSha1::new(b"Jefe").tag(&[b"what do ya want ", b"", b"for nothing?"]);
        assert_eq!(data_encoding::HEXLOWER.encode(&short), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        let long = HmacSha1::new(&[0xaa; 80]).tag(&[b"Test Using Larger Than Block-Size Key - Hash Key First"]);
        assert_eq!(data_encoding::HEXLOWER.encode(&long), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    }

    #[test]
    fn a_truncated_tag_is_compared_to_its_last_bit() {
        let key = HmacSha1::new(b"key");
        let tag: [u8; 10] = std::array::from_fn(|place| key.tag(&[b"data"])[place]);
        assert!(key.verify(&[b"da", b"ta"], &tag));
        assert!(!key.verify(&[b"date"], &tag));
        for bit in 0..80 {
            let mut other = tag;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.verify(&[b"data"], &other), "{bit}");
        }
    }
}
