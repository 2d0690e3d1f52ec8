//! Session keys out of a master key (RFC 3711 §4.3, RFC 7714 §11).

use zeroize::Zeroizing;

use super::MasterKey;
use crate::media::crypto::AesCtr;

/// What a session key is for (RFC 3711 §4.3.2).
#[derive(Clone, Copy)]
pub(super) enum Label {
    RtpCipher = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpCipher = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// Derives the session keys of one direction.
pub(super) struct Kdf {
    prf: AesCtr,
    salt: [u8; 14],
}

impl Kdf {
    pub(super) fn new(master: &MasterKey) -> Kdf {
        Kdf { prf: AesCtr::new(&master.key), salt: master.salt }
    }

    /// The first bytes of the keystream that belongs to this label.
    ///
    /// ```text
    ///  0             6 7 8           13 14 15      counter block; DTLS-SRTP's key derivation rate is 0,
    /// |  master salt  |label|  salt    | 0  0 |     so nothing but the label is XORed onto the salt
    /// ```
    ///
    /// RFC 7714 §11: GCM's salt has 12 bytes; zeros stand in for the last two.
    pub(super) fn derive<const LEN: usize>(&self, label: Label) -> Zeroizing<[u8; LEN]> {
        let mut counter = [0; AesCtr::BLOCK_LEN];
        counter[..14].copy_from_slice(&self.salt);
        counter[7] ^= label as u8;
        let mut key = Zeroizing::new([0; LEN]);
        self.prf.apply(counter, key.as_mut_slice());
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::proto::srtp::tests::bytes;

    /// RFC 3711 appendix B.3.
    #[test]
    fn session_keys_are_those_of_rfc_3711() {
        let master = MasterKey { key: bytes("E1F97A0D3E018BE0D64FA32C06DE4139"), salt: bytes("0EC675AD498AFEEBB6960B3AABE6") };
        let kdf = Kdf::new(&master);
        assert_eq!(*kdf.derive::<16>(Label::RtpCipher), bytes("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(*kdf.derive::<14>(Label::RtpSalt), bytes("30CBBC08863D8C85D49DB34A9AE1"));
        let authentication = "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE\
                              E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25\
                              6D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2";
        assert_eq!(*kdf.derive::<94>(Label::RtpAuthentication), bytes(authentication));
    }
}
