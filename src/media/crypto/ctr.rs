//! AES-128 in counter mode.

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

/// One AES-128 key whose keystream is XORed onto data. **A counter block must never be used twice for
/// different data.**
///
/// Of the library's safe calls this is the cheap one: `less_safe_encrypt` takes the counter by value and the
/// key, expanded, by reference. The streaming keys would expand the key and allocate a context for each packet.
pub struct AesCtr(EncryptingKey);

impl AesCtr {
    pub const KEY_LEN: usize = 16;
    pub const BLOCK_LEN: usize = 16;

    /// Expands the key.
    pub fn new(key: &[u8; AesCtr::KEY_LEN]) -> AesCtr {
        let key = UnboundCipherKey::new(&AES_128, key).and_then(EncryptingKey::ctr);
        AesCtr(key.expect("the key has the length that its type says"))
    }

    /// XORs the keystream that starts at this counter block onto `in_out`: encrypts and decrypts alike.
    pub fn apply(&self, counter: [u8; AesCtr::BLOCK_LEN], in_out: &mut [u8]) {
        let counter = EncryptionContext::Iv128(FixedLength::from(counter));
        self.0.less_safe_encrypt(in_out, counter).expect("counter mode takes any length, and a block as its start");
    }
}
