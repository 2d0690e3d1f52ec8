//! From a finished handshake to SRTP keys (RFC 5764 §4.2).
#![forbid(unsafe_code)]

use boring::srtp::SrtpProfileId;
use boring::ssl::SslRef;
use zeroize::Zeroizing;

use crate::link::event::SrtpProfile;
use crate::media::proto::srtp::{MasterKey, SrtpKeys};

/// In our order of preference, which BoringSSL follows whatever the client's order. GCM costs a quarter of
/// what AES-CM with SHA-1 does, for each packet.
pub(super) const PROFILES: &str = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";

// RFC 5764 §4.2: the exporter's label.
const LABEL: &str = "EXTRACTOR-dtls_srtp";
/// Both profiles use AES-128.
const KEY: usize = 16;
/// The longer salt's: AES-CM's 112 bits (RFC 3711 §8.2). GCM's are 96 (RFC 7714 §12).
const SALT_MAX: usize = 14;

/// The profile that the handshake agreed on; None when there is no common one.
pub(super) fn agreed(ssl: &SslRef) -> Option<SrtpProfile> {
    let id = ssl.selected_srtp_profile()?.id();
    if id == SrtpProfileId::SRTP_AEAD_AES_128_GCM {
        Some(SrtpProfile::AeadAes128Gcm)
    } else if id == SrtpProfileId::SRTP_AES128_CM_SHA1_80 {
        Some(SrtpProfile::Aes128CmSha1_80)
    } else {
        None
    }
}

/// The keys of a finished handshake in which we are the server.
pub(super) fn keys(ssl: &SslRef) -> Option<SrtpKeys> {
    let profile = agreed(ssl)?;
    let salt = match profile {
        SrtpProfile::AeadAes128Gcm => 12,
        SrtpProfile::Aes128CmSha1_80 => SALT_MAX,
    };
    let mut material = Zeroizing::new([0; 2 * (KEY + SALT_MAX)]);
    let material = &mut material[..2 * (KEY + salt)];
    ssl.export_keying_material(material, LABEL, None).ok()?;
    Some(cut(profile, material, salt))
}

/// ```text
/// client_write_key | server_write_key | client_write_salt | server_write_salt
/// ```
fn cut(profile: SrtpProfile, material: &[u8], salt: usize) -> SrtpKeys {
    let (keys, salts) = material.split_at(2 * KEY);
    let master = |side: usize| {
        let mut master = MasterKey { key: [0; KEY], salt: [0; SALT_MAX] };
        master.key.copy_from_slice(&keys[side * KEY..][..KEY]);
        master.salt[..salt].copy_from_slice(&salts[side * salt..][..salt]);
        master
    };
    SrtpKeys { profile, local: master(1), remote: master(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_seal_with_the_servers_half() {
        for (profile, salt) in [(SrtpProfile::AeadAes128Gcm, 12), (SrtpProfile::Aes128CmSha1_80, 14)] {
            let material = [vec![1; 16], vec![2; 16], vec![3; salt], vec![4; salt]].concat();
            let keys = cut(profile, &material, salt);
            assert_eq!((keys.remote.key, keys.local.key), ([1; 16], [2; 16]));
            let padded = |byte: u8| [vec![byte; salt], vec![0; 14 - salt]].concat();
            assert_eq!(keys.remote.salt, padded(3)[..]);
            assert_eq!(keys.local.salt, padded(4)[..]);
        }
    }
}
