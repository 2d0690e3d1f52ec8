//! BoringSSL, set up as the passive side of every leg.
#![forbid(unsafe_code)]

use boring::ssl::{Ssl, SslContext, SslMethod, SslOptions, SslSessionCacheMode, SslVersion};

use super::handshake::BoringHandshake;
use super::identity::{Identity, SetupError};
use super::{Handshake, Handshaker, profile, sys};
use crate::base::Instant;
use crate::link::terms::Fingerprint;

/// RFC 8827 §6.5: ECDHE_ECDSA with AES-128-GCM MUST be offered by all. DTLS 1.3 brings its own suites, which
/// are all of this kind; for 1.2 neither CBC nor a key exchange without forward secrecy is left.
const SUITES_1_2: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305";
/// The hybrid first: a visit that is recorded today must stay private when quantum computers come.
const GROUPS: &str = "X25519MLKEM768:X25519:P-256";

/// Accepts peers with one certificate, by BoringSSL: the stack of Chrome, with DTLS 1.3 and 1.2.
pub struct BoringHandshaker {
    context: SslContext,
    fingerprint: Fingerprint,
}

impl BoringHandshaker {
    pub fn new(identity: &Identity) -> Result<BoringHandshaker, SetupError> {
        let mut context = SslContext::builder(SslMethod::dtls())?;
        context.set_min_proto_version(Some(SslVersion::DTLS1_2))?;
        context.set_max_proto_version(Some(SslVersion::DTLS1_3))?;
        context.set_strict_cipher_list(SUITES_1_2)?;
        context.set_curves_list(GROUPS)?;
        context.set_tlsext_use_srtp(profile::PROFILES)?;
        context.set_certificate(&identity.certificate)?;
        context.set_private_key(&identity.key)?;
        // A resumed session shows no certificate: there must be none to resume.
        context.set_session_cache_mode(SslSessionCacheMode::OFF);
        context.set_options(SslOptions::NO_TICKET | SslOptions::CIPHER_SERVER_PREFERENCE | SslOptions::NO_QUERY_MTU);
        sys::inject_clock(&mut context);
        Ok(BoringHandshaker { context: context.build(), fingerprint: identity.fingerprint() })
    }
}

impl Handshaker for BoringHandshaker {
    fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    fn accept(&self, now: Instant, expected: &[Fingerprint]) -> Box<dyn Handshake> {
        let ssl = Ssl::new(&self.context).expect("BoringSSL fails here only without memory, and then so do we");
        Box::new(BoringHandshake::new(ssl, now, expected))
    }
}
