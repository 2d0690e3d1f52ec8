//! Against the crate `dtls`, which shares nothing with BoringSSL: DTLS 1.2.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Mutex, mpsc};
use webrtc_dtls::config::{Config, ExtendedMasterSecretType};
use webrtc_dtls::conn::DTLSConn;
use webrtc_dtls::crypto::Certificate;
use webrtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use webrtc_util::{Conn, KeyingMaterialExporter};

use super::super::{Handshake, Handshaker};
use super::{START, Said, handshaker, sent};
use crate::link::event::{DtlsVersion, LegEnd, SrtpProfile};
use crate::link::terms::Fingerprint;

/// A connection that ends in two channels.
struct Wire {
    to_us: mpsc::UnboundedSender<Vec<u8>>,
    from_us: Mutex<mpsc::UnboundedReceiver<Vec<u8>>>,
}

fn nowhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9))
}

#[async_trait]
impl Conn for Wire {
    async fn connect(&self, _: SocketAddr) -> webrtc_util::Result<()> {
        Ok(())
    }

    async fn recv(&self, buffer: &mut [u8]) -> webrtc_util::Result<usize> {
        let datagram = self.from_us.lock().await.recv().await.ok_or(webrtc_util::Error::ErrUseClosedNetworkConn)?;
        buffer[..datagram.len()].copy_from_slice(&datagram);
        Ok(datagram.len())
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> webrtc_util::Result<(usize, SocketAddr)> {
        Ok((self.recv(buffer).await?, nowhere()))
    }

    async fn send(&self, datagram: &[u8]) -> webrtc_util::Result<usize> {
        self.to_us.send(datagram.to_vec()).map_err(|_| webrtc_util::Error::ErrUseClosedNetworkConn)?;
        Ok(datagram.len())
    }

    async fn send_to(&self, datagram: &[u8], _: SocketAddr) -> webrtc_util::Result<usize> {
        self.send(datagram).await
    }

    fn local_addr(&self) -> webrtc_util::Result<SocketAddr> {
        Ok(nowhere())
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        Some(nowhere())
    }

    async fn close(&self) -> webrtc_util::Result<()> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn std::any::Any + Send + Sync) {
        self
    }
}

/// A bot's end: its certificate, and what it asks for.
struct Bot {
    certificate: Certificate,
    profiles: Vec<SrtpProtectionProfile>,
    extended_master_secret: ExtendedMasterSecretType,
}

impl Bot {
    fn new(profiles: &[SrtpProtectionProfile]) -> Bot {
        let certificate = Certificate::generate_self_signed(vec!["bot".to_owned()]).unwrap();
        Bot { certificate, profiles: profiles.to_vec(), extended_master_secret: ExtendedMasterSecretType::Require }
    }

    fn fingerprint(&self) -> Fingerprint {
        let der = &self.certificate.certificate[0];
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
        Fingerprint(digest.as_ref().try_into().unwrap())
    }

    fn config(&self) -> Config {
        Config {
            certificates: vec![self.certificate.clone()],
            srtp_protection_profiles: self.profiles.clone(),
            extended_master_secret: self.extended_master_secret,
            insecure_skip_verify: true,
            // Nothing is lost here: it must not send again while a busy machine lets it wait.
            flight_interval: std::time::Duration::from_secs(3_600),
            ..Config::default()
        }
    }

    /// Shakes hands with a leg until one of the two is done: what the leg said, and the bot's connection.
    async fn meet(&self, expected: &[Fingerprint]) -> (Said, Option<DTLSConn>) {
        // The crate makes a rustls verifier even where none is asked. Another test may have been first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut leg = handshaker().accept(START, expected);
        let (to_us, mut inbound) = mpsc::unbounded_channel();
        let (outbound, from_us) = mpsc::unbounded_channel();
        let wire = Arc::new(Wire { to_us, from_us: Mutex::new(from_us) });
        let config = self.config();
        let mut bot = tokio::spawn(DTLSConn::new(wire, config, true, None));
        let mut said = Said::default();
        loop {
            tokio::select! {
                biased;
                Some(datagram) = inbound.recv() => turn(&mut *leg, &datagram, &outbound, &mut said),
                outcome = &mut bot => return (said, outcome.unwrap().ok()),
            }
        }
    }
}

fn turn(leg: &mut dyn Handshake, datagram: &[u8], outbound: &mpsc::UnboundedSender<Vec<u8>>, said: &mut Said) {
    leg.handle_datagram(START, datagram);
    said.hear(leg);
    for datagram in sent(leg) {
        // A bot that gave up does not listen any more.
        let _ = outbound.send(datagram);
    }
}

use SrtpProtectionProfile::{Srtp_Aead_Aes_128_Gcm as GCM, Srtp_Aes128_Cm_Hmac_Sha1_80 as CM};

#[tokio::test]
async fn both_ends_hold_the_same_keys() {
    for (offered, expected, salt) in [
        (&[GCM][..], SrtpProfile::AeadAes128Gcm, 12),
        (&[CM, GCM], SrtpProfile::AeadAes128Gcm, 12),
        (&[CM], SrtpProfile::Aes128CmSha1_80, 14),
    ] {
        let bot = Bot::new(offered);
        let (said, conn) = bot.meet(&[bot.fingerprint()]).await;
        let (version, keys) = said.connected.unwrap();
        assert_eq!(version, DtlsVersion::V1_2);
        assert_eq!(keys.profile, expected);
        let state = conn.unwrap().connection_state().await;
        let material = state.export_keying_material("EXTRACTOR-dtls_srtp", &[], 2 * (16 + salt)).await.unwrap();
        let (local_key, local_salt) = (&material[16..32], &material[32 + salt..]);
        assert_eq!((&keys.remote.key[..], &keys.remote.salt[..salt]), (&material[..16], &material[32..32 + salt]));
        assert_eq!((&keys.local.key[..], &keys.local.salt[..salt]), (local_key, local_salt));
    }
}

#[tokio::test]
async fn another_certificate_is_refused() {
    let bot = Bot::new(&[GCM]);
    let (said, conn) = bot.meet(&[Bot::new(&[GCM]).fingerprint()]).await;
    assert!(said.connected.is_none() && conn.is_none());
    assert_eq!(said.ended, Some(LegEnd::WrongFingerprint));
}

#[tokio::test]
async fn a_handshake_without_extended_master_secret_is_refused() {
    let bot = Bot { extended_master_secret: ExtendedMasterSecretType::Disable, ..Bot::new(&[GCM]) };
    let (said, conn) = bot.meet(&[bot.fingerprint()]).await;
    assert!(said.connected.is_none() && conn.is_none());
    assert_eq!(said.ended, Some(LegEnd::HandshakeFailed));
}
