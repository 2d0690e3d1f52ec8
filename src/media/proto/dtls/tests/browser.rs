//! BoringSSL as a browser uses it: the active side, with the clock injected.

use boring::ssl::{ErrorCode, Ssl, SslContext, SslContextBuilder, SslMethod, SslStream, SslVerifyMode, SslVersion};

use super::super::queues::Queues;
use super::super::{Identity, sys};
use super::identity;
use crate::base::Instant;
use crate::link::terms::Fingerprint;

/// As Chromium lists them: AES-CM first.
const CHROMIUM_PROFILES: &str = "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM";

/// What a test changes of a browser.
pub(super) struct Habits {
    pub(super) identity: Option<Identity>,
    pub(super) profiles: Option<&'static str>,
    pub(super) newest: SslVersion,
    pub(super) oldest: SslVersion,
    pub(super) suites: &'static str,
    pub(super) groups: &'static str,
}

impl Default for Habits {
    fn default() -> Self {
        Habits {
            identity: Some(identity()),
            profiles: Some(CHROMIUM_PROFILES),
            newest: SslVersion::DTLS1_3,
            oldest: SslVersion::DTLS1_2,
            suites: "ALL",
            // Chromium's own order; it sends key shares for the first two.
            groups: "X25519MLKEM768:X25519:P-256:P-384",
        }
    }
}

impl Habits {
    pub(super) fn newest(newest: SslVersion) -> Habits {
        Habits { newest, ..Habits::default() }
    }

    /// The fingerprint in the browser's offer.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.identity.as_ref().map_or(Fingerprint([0; 32]), Identity::fingerprint)
    }
}

pub(super) struct Browser {
    pub(super) tls: SslStream<Queues>,
    pub(super) connected: bool,
    pub(super) failed: bool,
    pub(super) closed: bool,
    retransmit: Option<Instant>,
}

impl Browser {
    pub(super) fn new(habits: &Habits) -> Browser {
        let mut ssl = Ssl::new(&context(habits).build()).unwrap();
        ssl.set_mtu(1_200).unwrap();
        let tls = SslStream::new(ssl, Queues::default()).unwrap();
        Browser { tls, connected: false, failed: false, closed: false, retransmit: None }
    }

    /// Sends the ClientHello.
    pub(super) fn start(&mut self, now: Instant) {
        sys::set_now(now);
        self.turn(now);
    }

    pub(super) fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        assert!(self.tls.get_mut().offer(|inbound| inbound.extend_from_slice(datagram)));
        sys::set_now(now);
        self.turn(now);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        sys::set_now(now);
        sys::handle_timeout(self.tls.ssl_mut());
        self.turn(now);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.retransmit
    }

    pub(super) fn sent(&mut self) -> Vec<Vec<u8>> {
        let mut buffer = [0; 2_000];
        let queues = self.tls.get_mut();
        std::iter::from_fn(|| queues.take(&mut buffer).map(|len| buffer[..len].to_vec())).collect()
    }

    pub(super) fn exported(&self, len: usize) -> Vec<u8> {
        let mut material = vec![0; len];
        self.tls.ssl().export_keying_material(&mut material, "EXTRACTOR-dtls_srtp", None).unwrap();
        material
    }

    fn turn(&mut self, now: Instant) {
        while !self.failed && !self.closed {
            let outcome = if self.connected { self.tls.ssl_read(&mut [0; 2_000]).map(drop) } else { self.tls.connect() };
            match outcome {
                Ok(()) => self.connected = true,
                Err(error) if error.code() == ErrorCode::WANT_READ => break,
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => self.closed = true,
                Err(_) => self.failed = true,
            }
        }
        let over = self.failed || self.closed;
        self.retransmit = sys::timeout(self.tls.ssl()).filter(|_| !over).map(|left| now + left);
    }
}

fn context(habits: &Habits) -> SslContextBuilder {
    let mut context = SslContext::builder(SslMethod::dtls()).unwrap();
    context.set_min_proto_version(Some(habits.oldest)).unwrap();
    context.set_max_proto_version(Some(habits.newest)).unwrap();
    context.set_cipher_list(habits.suites).unwrap();
    context.set_curves_list(habits.groups).unwrap();
    if let Some(profiles) = habits.profiles {
        context.set_tlsext_use_srtp(profiles).unwrap();
    }
    if let Some(identity) = &habits.identity {
        context.set_certificate(&identity.certificate).unwrap();
        context.set_private_key(&identity.key).unwrap();
    }
    context.set_custom_verify_callback(SslVerifyMode::PEER, |_| Ok(()));
    sys::inject_clock(&mut context);
    context
}
