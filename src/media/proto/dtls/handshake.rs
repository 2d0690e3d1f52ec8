//! One peer's handshake on BoringSSL, sans-IO.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::time::Duration;

use boring::ssl::{Error, ErrorCode, Ssl, SslAlert, SslRef, SslStream, SslVerifyError, SslVerifyMode, SslVersion};
use subtle::{Choice, ConstantTimeEq};

use super::queues::Queues;
use super::{Handshake, HandshakeEvent, identity, profile, records, sys};
use crate::base::Instant;
use crate::link::event::{DtlsVersion, LegEnd};
use crate::link::terms::Fingerprint;

/// From `accept` to connected. Six retransmissions fit, so that a path that loses a third still gets through;
/// longer would keep what a peer left half done.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest datagram that we send, as browsers do: smaller would cut a flight in more pieces, larger would
/// be lost on some paths without a word. BoringSSL by itself assumes 1,472.
const MTU: u32 = 1_200;

/// A handshake moves on only by what [`BoringHandshake::turn`] finds.
enum State {
    /// Until `patience`.
    Handshaking {
        patience: Instant,
    },
    /// The last flight is still sent again to a peer that asks, and a goodbye is heard.
    Connected,
    Ended,
}

/// The [`Handshake`] of one leg.
pub(super) struct BoringHandshake {
    tls: SslStream<Queues>,
    /// The peer must show one of these.
    expected: Vec<Fingerprint>,
    state: State,
    /// When BoringSSL wants to send something again.
    retransmit: Option<Instant>,
    events: VecDeque<HandshakeEvent>,
}

impl BoringHandshake {
    pub(super) fn new(mut ssl: Ssl, now: Instant, expected: &[Fingerprint]) -> BoringHandshake {
        ssl.set_mtu(MTU).expect("1,200 is above the least MTU that BoringSSL takes");
        let expected = expected.to_vec();
        let asked = expected.clone();
        let mode = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
        ssl.set_custom_verify_callback(mode, move |ssl| check_peer(ssl, &asked));
        let tls = SslStream::new(ssl, Queues::default());
        BoringHandshake {
            tls: tls.expect("BoringSSL fails here only without memory, and then so do we"),
            expected,
            state: State::Handshaking { patience: now + PATIENCE },
            retransmit: None,
            events: VecDeque::new(),
        }
    }

    /// Lets BoringSSL read what there is and says what came of it.
    fn turn(&mut self, now: Instant) {
        loop {
            let outcome = match self.state {
                State::Handshaking { .. } => self.shake_hands(),
                State::Connected => self.listen(),
                State::Ended => return,
            };
            match outcome {
                Turn::Again => (),
                Turn::Waits => break,
                Turn::Ends(why) => return self.end(why),
            }
        }
        self.retransmit = sys::timeout(self.tls.ssl()).map(|left| now + left);
    }

    fn shake_hands(&mut self) -> Turn {
        match self.tls.accept() {
            Ok(()) => self.connect(),
            Err(error) if error.code() == ErrorCode::WANT_READ => Turn::Waits,
            Err(error) => Turn::Ends(why(&error, self.tls.ssl())),
        }
    }

    fn connect(&mut self) -> Turn {
        let ssl = self.tls.ssl();
        let version = match ssl.version2() {
            Some(SslVersion::DTLS1_3) => DtlsVersion::V1_3,
            Some(SslVersion::DTLS1_2) => DtlsVersion::V1_2,
            _ => return Turn::Ends(LegEnd::HandshakeFailed),
        };
        // It was asked when the certificate came. That nothing goes round the question is not left to the library.
        if check_peer(ssl, &self.expected).is_err() {
            return Turn::Ends(LegEnd::WrongFingerprint);
        }
        let Some(keys) = profile::keys(ssl) else { return Turn::Ends(LegEnd::HandshakeFailed) };
        self.state = State::Connected;
        self.events.push_back(HandshakeEvent::Connected { version, keys });
        Turn::Again
    }

    /// Application data is nothing to us; it is read so that a goodbye behind it is heard. One turn reads one
    /// datagram, so this ends.
    fn listen(&mut self) -> Turn {
        match self.tls.ssl_read(&mut [0; 256]) {
            Ok(_) => Turn::Again,
            Err(error) if error.code() == ErrorCode::WANT_READ => Turn::Waits,
            Err(error) => {
                if error.code() == ErrorCode::ZERO_RETURN {
                    self.say_goodbye();
                }
                // Anything else came under the peer's key too: a fatal alert, or what the protocol forbids.
                Turn::Ends(LegEnd::Closed)
            }
        }
    }

    fn end(&mut self, why: LegEnd) {
        self.state = State::Ended;
        self.retransmit = None;
        self.events.push_back(HandshakeEvent::Ended(why));
    }

    /// RFC 5246 §7.2.1. Before the handshake is done BoringSSL has nothing to say goodbye with.
    fn say_goodbye(&mut self) {
        // Sent is sent: there is nobody to tell that it was not.
        let _ = self.tls.shutdown();
    }
}

impl Handshake for BoringHandshake {
    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        match self.state {
            State::Handshaking { patience } if now >= patience => self.handle_timeout(now),
            State::Handshaking { .. } | State::Connected => {
                if self.tls.get_mut().offer(|inbound| records::sift(datagram, inbound)) {
                    sys::set_now(now);
                    self.turn(now);
                }
            }
            State::Ended => (),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self.state {
            State::Handshaking { patience } if now >= patience => self.end(LegEnd::HandshakeTimeout),
            State::Handshaking { .. } | State::Connected => {
                sys::set_now(now);
                sys::handle_timeout(self.tls.ssl_mut());
                self.turn(now);
            }
            State::Ended => (),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Handshaking { patience } => Some(self.retransmit.map_or(patience, |at| at.min(patience))),
            State::Connected => self.retransmit,
            State::Ended => None,
        }
    }

    fn poll_transmit(&mut self, buffer: &mut [u8]) -> Option<usize> {
        self.tls.get_mut().take(buffer)
    }

    fn poll_event(&mut self) -> Option<HandshakeEvent> {
        self.events.pop_front()
    }

    fn close(&mut self, now: Instant) {
        if let State::Connected = self.state {
            sys::set_now(now);
            self.say_goodbye();
        }
        self.state = State::Ended;
        self.retransmit = None;
    }
}

/// What one step of a turn came to.
enum Turn {
    Again,
    Waits,
    Ends(LegEnd),
}

/// Called when the peer has shown its certificate, before anything that it signs or finishes is taken; that it
/// holds the key is proven after this, or the handshake fails.
fn check_peer(ssl: &SslRef, expected: &[Fingerprint]) -> Result<(), SslVerifyError> {
    // RFC 7627 §5.4: who exports keys from a 1.2 handshake should insist on the extended master secret.
    if profile::agreed(ssl).is_none() || !sys::extended_master_secret(ssl) {
        return Err(SslVerifyError::Invalid(SslAlert::HANDSHAKE_FAILURE));
    }
    let shown = ssl.peer_certificate().and_then(|certificate| identity::of(&certificate).ok());
    match shown {
        Some(shown) if is_one_of(shown, expected) => Ok(()),
        // RFC 8122 §6.2: on a mismatch the endpoint MUST terminate the connection with bad_certificate.
        Some(_) | None => Err(SslVerifyError::Invalid(SslAlert::BAD_CERTIFICATE)),
    }
}

/// All are compared, whichever it is.
fn is_one_of(shown: Fingerprint, expected: &[Fingerprint]) -> bool {
    let matches = |matched: Choice, one: &Fingerprint| matched | one.0.ct_eq(&shown.0);
    expected.iter().fold(Choice::from(0), matches).into()
}

/// Why BoringSSL gave up a handshake.
fn why(error: &Error, ssl: &SslRef) -> LegEnd {
    let certificate = error.ssl_error().is_some_and(|stack| {
        stack.errors().iter().filter_map(|error| error.library_reason(boring_sys::ERR_LIB_SSL)).any(|reason| {
            reason == boring_sys::SSL_R_CERTIFICATE_VERIFY_FAILED || reason == boring_sys::SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE
        })
    });
    // What `check_peer` refuses for another reason looks the same to BoringSSL.
    let refused_otherwise = profile::agreed(ssl).is_none() || !sys::extended_master_secret(ssl);
    if certificate && !refused_otherwise { LegEnd::WrongFingerprint } else { LegEnd::HandshakeFailed }
}
