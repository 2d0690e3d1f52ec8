//! How bots seal: AES-GCM by aws-lc where that was agreed (RFC 7714), else by webrtc-srtp.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

use crate::bot::Problem;
use crate::bot::connection::Keys;

/// Bytes of the longest tag.
pub const TAG_MAX: usize = 16;

/// One direction's sealing of RTP.
pub enum Sealer {
    Gcm { key: Box<LessSafeKey>, salt: [u8; 12] },
    Classic(Box<Context>),
}

impl Sealer {
    pub fn new(keys: &Keys) -> Result<Sealer, Problem> {
        if !matches!(keys.cipher, ProtectionProfile::AeadAes128Gcm) {
            return Ok(Sealer::Classic(Box::new(keys.sealing()?)));
        }
        let (master, salt) = &keys.ours;
        // RFC 7714 §11: the salt of 96 bits stands at the left of the key derivation's 112.
        let mut long = [0; 14];
        long[..12].copy_from_slice(salt);
        let key: [u8; 16] = derive(master, &long, LABEL_KEY)?;
        let key = UnboundKey::new(&AES_128_GCM, &key).map_err(|_| "a session key")?;
        Ok(Sealer::Gcm { key: Box::new(LessSafeKey::new(key)), salt: derive(master, &long, LABEL_SALT)? })
    }

    /// Bytes that sealing adds.
    pub fn tag_bytes(&self) -> usize {
        match self {
            Sealer::Gcm { .. } => 16,
            Sealer::Classic(_) => 10,
        }
    }

    /// Seals `packet`, of which the first `header` bytes stay clear, and whose end is room for the tag. `index` is its
    /// sequence number with the rollover counter above it.
    pub fn seal(&mut self, packet: &mut [u8], header: usize, ssrc: u32, index: u64) -> Result<(), Problem> {
        let room = packet.len() - self.tag_bytes();
        match self {
            Sealer::Gcm { key, salt } => {
                // RFC 7714 §8.1: two zero bytes, the SSRC, the rollover counter, the sequence number; all XOR the salt.
                let mut nonce = [0; 12];
                nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
                nonce[6..].copy_from_slice(&index.to_be_bytes()[2..]);
                for (byte, salt) in nonce.iter_mut().zip(salt) {
                    *byte ^= *salt;
                }
                let (clear, rest) = packet.split_at_mut(header);
                let (payload, tag) = rest.split_at_mut(room - header);
                let sealed = key
                    .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&*clear), payload)
                    .map_err(|_| "sealing")?;
                tag.copy_from_slice(sealed.as_ref());
            }
            Sealer::Classic(context) => packet.copy_from_slice(&context.encrypt_rtp(&packet[..room])?),
        }
        Ok(())
    }
}

pub const LABEL_KEY: u8 = 0;
pub const LABEL_SALT: u8 = 2;

/// RFC 3711 §4.3: so many bytes of AES-CM under the master key, from the label and the salt.
pub fn derive<const N: usize>(master: &[u8], salt: &[u8; 14], label: u8) -> Result<[u8; N], Problem> {
    let mut counter = [0; 16];
    counter[..14].copy_from_slice(salt);
    counter[7] ^= label;
    let key = UnboundCipherKey::new(&AES_128, master).map_err(|_| "a master key")?;
    let key = EncryptingKey::ctr(key).map_err(|_| "a master key")?;
    let mut derived = [0; N];
    key.less_safe_encrypt(&mut derived, EncryptionContext::Iv128(counter.into())).map_err(|_| "a derivation")?;
    Ok(derived)
}
