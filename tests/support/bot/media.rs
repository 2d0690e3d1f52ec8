//! The bot's media end: one UDP socket, STUN of `stun`, DTLS of `dtls`, SRTP of `webrtc-srtp`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use stun::message::{BINDING_REQUEST, Message, Setter};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use webrtc_dtls::cipher_suite::CipherSuiteId;
use webrtc_dtls::config::{Config, ExtendedMasterSecretType};
use webrtc_dtls::conn::DTLSConn;
use webrtc_dtls::crypto::Certificate;
use webrtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;
use webrtc_util::marshal::{Marshal, Unmarshal};
use webrtc_util::{Conn, KeyingMaterialExporter};

use super::Problem;
use super::sdp::Answer;

/// A packet that was authenticated and decrypted by an implementation that is not the server's.
#[derive(Debug)]
pub enum Received {
    Rtp(rtp::packet::Packet),
    Rtcp(Vec<Box<dyn rtcp::packet::Packet + Send + Sync>>),
}

/// A connected end.
pub struct Media {
    socket: Arc<UdpSocket>,
    server: SocketAddr,
    seal: Mutex<Context>,
    received: tokio::sync::Mutex<mpsc::Receiver<Received>>,
    pub profile: SrtpProtectionProfile,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    // Held so that the association lives as long as its keys.
    _dtls: Arc<DTLSConn>,
}

impl Drop for Media {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Media {
    /// Checks connectivity, shakes hands as the client, and starts receiving.
    pub async fn connect(
        answer: &Answer,
        ufrag: &str,
        certificate: Certificate,
        profiles: &[SrtpProtectionProfile],
    ) -> Result<Media, Problem> {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
        let server = answer.address;
        let (to_dtls, from_net) = mpsc::channel(256);
        let (to_srtp, srtp_from_net) = mpsc::channel(4_096);
        let (said, mut checked) = watch::channel(false);
        let mut tasks = vec![tokio::spawn(demultiplex(socket.clone(), server, to_dtls, to_srtp, said))];
        tasks.push(tokio::spawn(check(socket.clone(), server, format!("{}:{ufrag}", answer.ufrag), answer.password.clone())));
        tokio::time::timeout(Duration::from_secs(5), checked.wait_for(|&ok| ok))
            .await
            .map_err(|_| "no connectivity check was answered")??;

        let expected = answer.fingerprint.clone();
        let config = Config {
            certificates: vec![certificate],
            cipher_suites: vec![CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256],
            srtp_protection_profiles: profiles.to_vec(),
            extended_master_secret: ExtendedMasterSecretType::Require,
            insecure_skip_verify: true,
            verify_peer_certificate: Some(Arc::new(move |chain, _| {
                let shown = chain.first().map(|der| fingerprint(der)).unwrap_or_default();
                if shown == expected {
                    Ok(())
                } else {
                    Err(webrtc_dtls::Error::Other("not the certificate of the answer".into()))
                }
            })),
            flight_interval: Duration::from_millis(200),
            ..Config::default()
        };
        let end = Arc::new(DtlsEnd { socket: socket.clone(), server, incoming: tokio::sync::Mutex::new(from_net) });
        let dtls = tokio::time::timeout(Duration::from_secs(10), DTLSConn::new(end, config, true, None))
            .await
            .map_err(|_| "the handshake took too long")??;
        let profile = dtls.selected_srtpprotection_profile();
        let (key_len, salt_len, cipher) = match profile {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => (16, 12, ProtectionProfile::AeadAes128Gcm),
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => (16, 14, ProtectionProfile::Aes128CmHmacSha1_80),
            other @ (SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_32
            | SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm
            | SrtpProtectionProfile::Unsupported) => return Err(format!("the server chose {other:?}").into()),
        };
        // RFC 5764 §4.2: client key, server key, client salt, server salt.
        let material =
            dtls.connection_state().await.export_keying_material("EXTRACTOR-dtls_srtp", &[], 2 * (key_len + salt_len)).await?;
        let (keys, salts) = material.split_at(2 * key_len);
        let seal = Context::new(&keys[..key_len], &salts[..salt_len], cipher, None, None)?;
        let open = Context::new(
            &keys[key_len..],
            &salts[salt_len..],
            cipher,
            Some(webrtc_srtp::option::srtp_replay_protection(1_024)),
            Some(webrtc_srtp::option::srtcp_replay_protection(1_024)),
        )?;
        let (to_caller, received) = mpsc::channel(4_096);
        tasks.push(tokio::spawn(open_all(open, srtp_from_net, to_caller)));
        Ok(Media {
            socket,
            server,
            seal: Mutex::new(seal),
            received: tokio::sync::Mutex::new(received),
            profile,
            tasks,
            _dtls: Arc::new(dtls),
        })
    }

    /// Seals and sends one packet.
    pub async fn send(&self, packet: &rtp::packet::Packet) -> Result<(), Problem> {
        let plain = packet.marshal()?;
        let sealed = self.seal.lock().map_err(|_| "poisoned")?.encrypt_rtp(&plain)?;
        self.socket.send_to(&sealed, self.server).await?;
        Ok(())
    }

    /// Seals and sends control packets.
    pub async fn send_rtcp(&self, packets: &[Box<dyn rtcp::packet::Packet + Send + Sync>]) -> Result<(), Problem> {
        let plain = rtcp::packet::marshal(packets)?;
        let sealed = self.seal.lock().map_err(|_| "poisoned")?.encrypt_rtcp(&plain)?;
        self.socket.send_to(&sealed, self.server).await?;
        Ok(())
    }

    /// The next packet that opened, within `patience`.
    pub async fn receive(&self, patience: Duration) -> Option<Received> {
        tokio::time::timeout(patience, self.received.lock().await.recv()).await.ok().flatten()
    }
}

/// `AB:CD:…`, as SDP writes it.
pub fn fingerprint(der: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// RFC 7983: one port, three protocols.
async fn demultiplex(
    socket: Arc<UdpSocket>,
    server: SocketAddr,
    dtls: mpsc::Sender<Bytes>,
    srtp: mpsc::Sender<Bytes>,
    checked: watch::Sender<bool>,
) {
    let mut buffer = vec![0u8; 2_048];
    while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
        if from != server || len == 0 {
            continue;
        }
        let datagram = Bytes::copy_from_slice(&buffer[..len]);
        // A full queue drops, as a network would.
        let _ = match datagram[0] {
            0..=3 => checked.send(true).is_ok(),
            20..=63 => dtls.try_send(datagram).is_ok(),
            _ => srtp.try_send(datagram).is_ok(),
        };
    }
}

/// A full agent, controlling: checks and nominates at once, then keeps consent fresh (RFC 7675).
async fn check(socket: Arc<UdpSocket>, server: SocketAddr, username: String, password: String) {
    let mut every = tokio::time::interval(Duration::from_millis(500));
    loop {
        every.tick().await;
        let Ok(request) = binding_request(&username, &password) else { return };
        if socket.send_to(&request, server).await.is_err() {
            return;
        }
    }
}

fn binding_request(username: &str, password: &str) -> Result<Vec<u8>, Problem> {
    struct Raw(stun::attributes::AttrType, &'static [u8]);
    impl Setter for Raw {
        fn add_to(&self, message: &mut Message) -> Result<(), stun::Error> {
            message.add(self.0, self.1);
            Ok(())
        }
    }
    let mut message = Message::new();
    message.build(&[
        Box::new(stun::agent::TransactionId::new()),
        Box::new(BINDING_REQUEST),
        Box::new(stun::textattrs::TextAttribute::new(stun::attributes::ATTR_USERNAME, username.to_owned())),
        Box::new(Raw(stun::attributes::ATTR_PRIORITY, &[0x6e, 0x00, 0x1e, 0xff])),
        Box::new(Raw(stun::attributes::ATTR_ICE_CONTROLLING, &[1, 2, 3, 4, 5, 6, 7, 8])),
        Box::new(Raw(stun::attributes::ATTR_USE_CANDIDATE, &[])),
        Box::new(stun::integrity::MessageIntegrity::new_short_term_integrity(password.to_owned())),
        Box::new(stun::fingerprint::FINGERPRINT),
    ])?;
    Ok(message.raw)
}

/// Opens what comes; what does not open is not passed on.
async fn open_all(mut open: Context, mut sealed: mpsc::Receiver<Bytes>, plain: mpsc::Sender<Received>) {
    while let Some(datagram) = sealed.recv().await {
        // RFC 5761 §4: RTCP packet types 192 to 223 lie where RTP has marker and payload type.
        let received = if (192..=223).contains(&datagram.get(1).copied().unwrap_or(0)) {
            open.decrypt_rtcp(&datagram).ok().and_then(|mut bytes| rtcp::packet::unmarshal(&mut bytes).ok()).map(Received::Rtcp)
        } else {
            open.decrypt_rtp(&datagram)
                .ok()
                .and_then(|mut bytes| rtp::packet::Packet::unmarshal(&mut bytes).ok())
                .map(Received::Rtp)
        };
        if let Some(received) = received
            && plain.send(received).await.is_err()
        {
            return;
        }
    }
}

/// What `dtls` sees of the socket.
struct DtlsEnd {
    socket: Arc<UdpSocket>,
    server: SocketAddr,
    incoming: tokio::sync::Mutex<mpsc::Receiver<Bytes>>,
}

#[async_trait]
impl Conn for DtlsEnd {
    async fn connect(&self, _: SocketAddr) -> webrtc_util::Result<()> {
        Ok(())
    }

    async fn recv(&self, buffer: &mut [u8]) -> webrtc_util::Result<usize> {
        let datagram = self.incoming.lock().await.recv().await.ok_or(webrtc_util::Error::ErrUseClosedNetworkConn)?;
        let len = datagram.len().min(buffer.len());
        buffer[..len].copy_from_slice(&datagram[..len]);
        Ok(len)
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> webrtc_util::Result<(usize, SocketAddr)> {
        Ok((self.recv(buffer).await?, self.server))
    }

    async fn send(&self, datagram: &[u8]) -> webrtc_util::Result<usize> {
        Ok(self.socket.send_to(datagram, self.server).await?)
    }

    async fn send_to(&self, datagram: &[u8], _: SocketAddr) -> webrtc_util::Result<usize> {
        self.send(datagram).await
    }

    fn local_addr(&self) -> webrtc_util::Result<SocketAddr> {
        Ok(self.socket.local_addr()?)
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        Some(self.server)
    }

    async fn close(&self) -> webrtc_util::Result<()> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn std::any::Any + Send + Sync) {
        self
    }
}
