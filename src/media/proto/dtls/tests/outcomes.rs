//! How handshakes with a browser end.

use boring::ssl::SslVersion;

use super::browser::Habits;
use super::network::{Network, To, clean};
use super::*;
use crate::link::event::SrtpProfile;
use crate::link::terms::Fingerprint;

#[test]
fn a_browser_gets_dtls_1_3_with_the_hybrid_group_and_gcm() {
    let habits = Habits::default();
    let mut network = Network::new(&habits);
    let mut hello = 0;
    network.run(&mut |now, to, datagram| {
        hello += usize::from(to == To::Us && now == START);
        vec![datagram]
    });
    assert_eq!(hello, 2, "the hybrid key share makes the ClientHello two datagrams long");
    assert!(network.both_connected());
    assert_eq!(network.browser.tls.ssl().curve_name(), Some("X25519MLKEM768"));
    assert_eq!(network.browser.tls.ssl().version2(), Some(SslVersion::DTLS1_3));
    let (version, keys) = network.said.connected.unwrap();
    assert_eq!(version, DtlsVersion::V1_3);
    assert_eq!(keys.profile, SrtpProfile::AeadAes128Gcm);
    let exported = network.browser.exported(56);
    assert_eq!(keys.remote.key, exported[..16]);
    assert_eq!(keys.local.key, exported[16..32]);
    assert_eq!(keys.remote.salt[..12], exported[32..44]);
    assert_eq!(keys.local.salt[..12], exported[44..]);
}

#[test]
fn the_group_is_ours_to_choose() {
    for (offered, expected) in [
        ("X25519:X25519MLKEM768", "X25519MLKEM768"),
        ("P-384:P-256:X25519:X25519MLKEM768", "X25519MLKEM768"),
        ("P-256:X25519", "X25519"),
        ("P-384:P-256", "P-256"),
    ] {
        let mut network = Network::new(&Habits { groups: offered, ..Habits::default() });
        network.run(&mut clean);
        assert!(network.both_connected(), "{offered}");
        assert_eq!(network.browser.tls.ssl().curve_name(), Some(expected), "{offered}");
    }
}

#[test]
fn there_is_no_session_to_resume() {
    let network = Network::connected(&Habits::newest(SslVersion::DTLS1_2));
    assert!(network.browser.tls.ssl().session().unwrap().id().is_empty());
}

#[test]
fn the_srtp_profile_is_ours_to_choose() {
    for (offered, expected) in [
        ("SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM", Some(SrtpProfile::AeadAes128Gcm)),
        ("SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80", Some(SrtpProfile::AeadAes128Gcm)),
        ("SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80", Some(SrtpProfile::Aes128CmSha1_80)),
        ("SRTP_AES128_CM_SHA1_80", Some(SrtpProfile::Aes128CmSha1_80)),
        ("SRTP_AES128_CM_SHA1_32:SRTP_AEAD_AES_256_GCM", None),
    ] {
        for newest in [SslVersion::DTLS1_2, SslVersion::DTLS1_3] {
            let mut network = Network::new(&Habits { profiles: Some(offered), ..Habits::newest(newest) });
            network.run(&mut clean);
            let chosen = network.said.connected.map(|(_, keys)| keys.profile);
            assert_eq!(chosen, expected, "{offered} {newest:?}");
            assert_eq!(network.said.ended, expected.is_none().then_some(LegEnd::HandshakeFailed));
        }
    }
}

/// Runs a handshake that must be refused, at once and with an alert.
fn refused(habits: &Habits, expected: &[Fingerprint], why: LegEnd) {
    let mut network = Network::expecting(habits, expected);
    network.run(&mut clean);
    assert!(network.said.connected.is_none());
    assert_eq!(network.said.ended, Some(why));
    assert!(network.now.since(START).as_millis() < 1_000);
    assert!(network.browser.failed, "the browser is told");
}

#[test]
fn only_the_certificate_of_the_offer_is_connected() {
    for newest in [SslVersion::DTLS1_2, SslVersion::DTLS1_3] {
        let habits = Habits::newest(newest);
        let right = habits.fingerprint();
        let mut close = right;
        close.0[31] ^= 1;
        refused(&habits, &[close], LegEnd::WrongFingerprint);
        refused(&habits, &[], LegEnd::WrongFingerprint);
        let mut network = Network::expecting(&habits, &[close, right, identity().fingerprint()]);
        network.run(&mut clean);
        assert!(network.both_connected(), "any of several will do");
    }
}

#[test]
fn a_browser_without_a_certificate_is_refused() {
    for newest in [SslVersion::DTLS1_2, SslVersion::DTLS1_3] {
        let habits = Habits { identity: None, ..Habits::newest(newest) };
        refused(&habits, &[habits.fingerprint()], LegEnd::WrongFingerprint);
    }
}

#[test]
fn weak_offers_are_refused() {
    let old = || Habits { oldest: SslVersion::DTLS1, ..Habits::newest(SslVersion::DTLS1) };
    let suites = |suites| Habits { suites, ..Habits::newest(SslVersion::DTLS1_2) };
    let no_srtp = |newest| Habits { profiles: None, ..Habits::newest(newest) };
    for habits in [
        old(),
        suites("ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"),
        suites("AES128-GCM-SHA256:AES256-SHA"),
        suites("ECDHE-RSA-AES128-GCM-SHA256"),
        no_srtp(SslVersion::DTLS1_2),
        no_srtp(SslVersion::DTLS1_3),
    ] {
        refused(&habits, &[habits.fingerprint()], LegEnd::HandshakeFailed);
    }
}

#[test]
fn silence_ends_after_thirty_seconds() {
    for answered in [false, true] {
        let mut leg = handshaker().accept(START, &[]);
        let mut said = Said::default();
        if answered {
            let mut browser = browser::Browser::new(&Habits::default());
            browser.start(START);
            browser.sent().iter().for_each(|datagram| leg.handle_datagram(START, datagram));
        }
        let mut now = START;
        while let Some(at) = leg.deadline() {
            assert!(at > now, "the deadline moves on");
            assert_eq!(said.ended, None);
            now = at;
            leg.handle_timeout(now);
            said.hear(&mut *leg);
        }
        assert_eq!(now.since(START).as_secs(), 30);
        assert_eq!(said.ended, Some(LegEnd::HandshakeTimeout));
        leg.handle_datagram(now, b"\x16 anything");
        leg.handle_timeout(now);
        said.hear(&mut *leg);
    }
}

#[test]
fn a_goodbye_ends_the_leg_and_is_answered() {
    for newest in [SslVersion::DTLS1_2, SslVersion::DTLS1_3] {
        let mut network = Network::connected(&Habits::newest(newest));
        network.browser.tls.shutdown().unwrap();
        network.run(&mut clean);
        assert_eq!(network.said.ended, Some(LegEnd::Closed));
        assert!(network.browser.tls.get_shutdown().is_all(), "{newest:?}");
        assert_eq!(network.leg.deadline(), None);
    }
}

#[test]
fn our_goodbye_reaches_the_browser() {
    for newest in [SslVersion::DTLS1_2, SslVersion::DTLS1_3] {
        let mut network = Network::connected(&Habits::newest(newest));
        network.leg.close(network.now);
        network.run(&mut clean);
        assert!(network.browser.closed);
        assert_eq!(network.said.ended, None, "who closed needs not be told");
        assert_eq!(network.leg.deadline(), None);
    }
}

#[test]
fn closing_before_the_end_of_the_handshake_is_silent() {
    let mut leg = handshaker().accept(START, &[]);
    leg.close(START);
    assert!(sent(&mut *leg).is_empty());
    assert_eq!(leg.deadline(), None);
}

#[test]
fn application_data_is_nothing_to_us() {
    for newest in [SslVersion::DTLS1_2, SslVersion::DTLS1_3] {
        let mut network = Network::connected(&Habits::newest(newest));
        for _ in 0..100 {
            network.browser.tls.ssl_write(&[7; 1_000]).unwrap();
            network.run(&mut |_, to, datagram| {
                assert_eq!(to, To::Us, "it is not answered");
                vec![datagram]
            });
        }
        assert!(network.both_connected());
        network.browser.tls.shutdown().unwrap();
        network.run(&mut clean);
        assert_eq!(network.said.ended, Some(LegEnd::Closed));
    }
}

#[test]
fn workers_share_one_identity() {
    let identity = identity();
    let fingerprint = |identity: Identity| move || BoringHandshaker::new(&identity).unwrap().fingerprint();
    let workers = [(); 2].map(|()| std::thread::spawn(fingerprint(identity.clone())));
    for worker in workers {
        assert_eq!(worker.join().unwrap(), identity.fingerprint());
    }
}
