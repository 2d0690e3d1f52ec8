//! An independent participant: HTTP by reqwest, checks by `stun`, handshake by `dtls`, sealing by `webrtc-srtp`.
//! Nothing of the server's own code is in it, so what both agree on is the protocol.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(unreachable_pub, clippy::unwrap_used, reason = "a test's own module")]

pub mod connection;
pub mod http;
pub mod media;
pub mod sdp;

use webrtc_dtls::crypto::Certificate;
use webrtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;

use connection::fingerprint;
use http::{Person, Seated};
use media::Media;
use sdp::{Answer, Offer};

pub type Problem = Box<dyn std::error::Error + Send + Sync>;

/// What a bot offers in its handshake, in its order of preference.
pub const BOTH_PROFILES: &[SrtpProtectionProfile] =
    &[SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80, SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm];
pub const CLASSIC_PROFILE: &[SrtpProtectionProfile] = &[SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80];

/// Whose certificate the offer names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    Own,
    SomeoneElses,
}

/// A bot that sits in a visit.
pub struct Bot {
    pub person: Person,
    pub seated: Seated,
    pub answer: Answer,
    pub media: Media,
    pub audio_ssrc: u32,
    pub video_ssrc: u32,
}

impl Bot {
    /// Takes a seat and connects; the person must have been admitted.
    pub async fn join(person: Person, profiles: &[SrtpProtectionProfile], claim: Claim) -> Result<Bot, Problem> {
        choose_provider();
        let certificate = Certificate::generate_self_signed(vec!["bot".to_owned()])?;
        let shown = match claim {
            Claim::Own => fingerprint(&certificate.certificate[0]),
            Claim::SomeoneElses => fingerprint(b"the certificate of someone else"),
        };
        let random: [u8; 8] = {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes)?;
            bytes
        };
        let ufrag = data_encoding::HEXLOWER.encode(&random[..4]);
        let audio_ssrc = u32::from_be_bytes([1, random[5], random[6], random[7]]);
        let offer =
            Offer { ufrag: &ufrag, password: connection::PASSWORD, fingerprint: &shown, audio_ssrc, video_ssrc: audio_ssrc + 1 };
        let seated = person.take_seat(offer.text()).await?;
        let answer = Answer::parse(&seated.answer)?;
        let media = Media::connect(&answer, &ufrag, certificate, profiles).await?;
        Ok(Bot { person, seated, answer, media, audio_ssrc, video_ssrc: audio_ssrc + 1 })
    }
}

/// `dtls` asks rustls for a default provider, of which this build has two to choose from. A second call changes nothing.
pub fn choose_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
