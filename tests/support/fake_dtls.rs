//! A handshake that a simulation can choose: one datagram carries the certificate's fingerprint and the keys.
//!
//! It looks like DTLS to the demultiplexer and is checked as the real one is: the certificate must be one of
//! those the offer named. BoringSSL stands here in the running server, with randomness that nobody can seed.

use std::collections::VecDeque;

use quartet::base::Instant;
use quartet::link::event::{DtlsVersion, LegEnd, SrtpProfile};
use quartet::link::terms::Fingerprint;
use quartet::media::proto::dtls::{Handshake, HandshakeEvent, Handshaker};
use quartet::media::proto::srtp::{MasterKey, SrtpKeys};
use std::time::Duration;

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;
/// Application data makes the handshake panic: a visit that fails inside.
const PANIC: u8 = 23;
const HEAD: usize = 13;

/// The server's half.
pub(crate) struct FakeHandshaker {
    pub(crate) profile: SrtpProfile,
}

impl Handshaker for FakeHandshaker {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint([0xfe; 32])
    }

    fn accept(&self, now: Instant, expected: &[Fingerprint]) -> Box<dyn Handshake> {
        Box::new(FakeHandshake {
            profile: self.profile,
            expected: expected.to_vec(),
            patience: Some(now + Duration::from_secs(20)),
            out: VecDeque::new(),
            events: VecDeque::new(),
        })
    }
}

struct FakeHandshake {
    profile: SrtpProfile,
    expected: Vec<Fingerprint>,
    patience: Option<Instant>,
    out: VecDeque<Vec<u8>>,
    events: VecDeque<HandshakeEvent>,
}

impl Handshake for FakeHandshake {
    fn handle_datagram(&mut self, _now: Instant, datagram: &[u8]) {
        let Some((head, body)) = datagram.split_first_chunk::<HEAD>() else { return };
        match (head[0], body) {
            _ if *head != record_head(head[0]) => {}
            (PANIC, []) => panic!("asked to"),
            (ALERT, []) => self.events.push_back(HandshakeEvent::Ended(LegEnd::Closed)),
            (HANDSHAKE, hello) if hello.len() == 64 && self.patience.is_some() => {
                self.patience = None;
                let (certificate, secret) = hello.split_at(32);
                if self.expected.iter().any(|expected| expected.0 == certificate) {
                    self.out.push_back(record_head(HANDSHAKE).to_vec());
                    let keys = keys(self.profile, secret);
                    self.events.push_back(HandshakeEvent::Connected { version: DtlsVersion::V1_3, keys });
                } else {
                    self.out.push_back(goodbye());
                    self.events.push_back(HandshakeEvent::Ended(LegEnd::WrongFingerprint));
                }
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, _now: Instant) {
        if self.patience.take().is_some() {
            self.events.push_back(HandshakeEvent::Ended(LegEnd::HandshakeTimeout));
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.patience
    }

    fn poll_transmit(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let datagram = self.out.pop_front()?;
        buffer[..datagram.len()].copy_from_slice(&datagram);
        Some(datagram.len())
    }

    fn poll_event(&mut self) -> Option<HandshakeEvent> {
        self.events.pop_front()
    }

    fn close(&mut self, _now: Instant) {
        self.out.push_back(goodbye());
    }
}

/// What a browser sends to begin, and to end.
pub(crate) fn hello(certificate: Fingerprint, secret: [u8; 32]) -> Vec<u8> {
    [&record_head(HANDSHAKE)[..], &certificate.0, &secret].concat()
}

pub(crate) fn goodbye() -> Vec<u8> {
    record_head(ALERT).to_vec()
}

/// What makes the server's half panic.
pub(crate) fn bomb() -> Vec<u8> {
    record_head(PANIC).to_vec()
}

/// The head of a DTLS record (RFC 6347 §4.1), with a mark instead of a sequence number.
fn record_head(content_type: u8) -> [u8; HEAD] {
    [content_type, 254, 253, b'f', b'a', b'k', b'e', b' ', b'd', b't', b'l', b's', b'!']
}

/// The server's keys; the browser's are the same the other way round.
pub(crate) fn keys(profile: SrtpProfile, secret: &[u8]) -> SrtpKeys {
    let master = |mark: u8| {
        let mut master = MasterKey { key: [mark; 16], salt: [0; 14] };
        for (place, byte) in secret.iter().enumerate() {
            master.key[place % 16] ^= byte.rotate_left(place as u32 / 16);
        }
        master.salt[..12].copy_from_slice(&secret[..12]);
        master
    };
    SrtpKeys { profile, local: master(0x5a), remote: master(0xa5) }
}
