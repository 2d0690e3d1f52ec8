//! The packets that the RFCs print.

use super::{bytes, vec_of};
use crate::base::Seq64;
use crate::link::terms::Ssrc;
use crate::media::crypto::AesCtr;
use crate::media::proto::srtp::cipher::SrtcpWord;
use crate::media::proto::srtp::gcm::GcmSession;

const KEY: &str = "000102030405060708090a0b0c0d0e0f";
const SALT: &str = "517569642070726f2071756f";

/// RFC 3711 appendix B.2: the keystream's first three blocks, and those around the wrap of a byte.
#[test]
fn keystream_is_that_of_rfc_3711() {
    let cipher = AesCtr::new(&bytes("2B7E151628AED2A6ABF7158809CF4F3C"));
    for (counter, blocks) in [
        (
            "F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000",
            "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0",
        ),
        (
            "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF",
            "EC8CDF7398607CB0F2D21675EA9EA1E4362B7C3C6773516318A077D7FC5073AE6A2CC3787889374FBEB4C81B17BA6C44",
        ),
    ] {
        let mut keystream = [0; 48];
        cipher.apply(bytes(counter), &mut keystream);
        assert_eq!(keystream, bytes::<48>(blocks), "{counter}");
    }
}

/// RFC 7714 §16.1.
#[test]
fn srtp_is_that_of_rfc_7714() {
    let session = GcmSession::new(&bytes(KEY), bytes(SALT));
    let plain = vec_of(
        "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e697320646976\
         69736120696e207061727465732074726573",
    );
    let sealed = vec_of(
        "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd5\
         0d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee439\
         0cce",
    );
    let mut packet = plain.clone();
    packet.resize(sealed.len(), 0);
    session.seal_rtp(Ssrc(0x5501_a0b2), Seq64(0xf17b), &mut packet, 12, plain.len());
    assert_eq!(packet, sealed);
    assert!(session.open_rtp(Ssrc(0x5501_a0b2), Seq64(0xf17b), &mut packet, 12));
    assert_eq!(packet[..plain.len()], plain);
}

/// RFC 7714 §17.1.
#[test]
fn srtcp_is_that_of_rfc_7714() {
    let session = GcmSession::new(&bytes(KEY), bytes(SALT));
    let plain = vec_of(
        "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61\
         deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    );
    let sealed = vec_of(
        "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32d\
         c676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf872\
         45d9eade800005d4",
    );
    let word = SrtcpWord::encrypted(0x5d4).unwrap();
    let mut packet = plain.clone();
    packet.resize(sealed.len(), 0);
    session.seal_rtcp(Ssrc(0x4d61_7273), word, &mut packet, plain.len());
    assert_eq!(packet, sealed);
    assert!(session.open_rtcp(Ssrc(0x4d61_7273), word, &mut packet));
    assert_eq!(packet[..plain.len()], plain);
}
