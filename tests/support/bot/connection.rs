//! The bot's way to a server: one UDP socket, checks of `stun`, a handshake of `dtls`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use webrtc_dtls::cipher_suite::CipherSuiteId;
use webrtc_dtls::config::{Config, ExtendedMasterSecretType};
use webrtc_dtls::conn::DTLSConn;
use webrtc_dtls::crypto::Certificate;
use webrtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;
use webrtc_util::{Conn, KeyingMaterialExporter};

use super::Problem;

/// What a server says of its end.
pub struct Far {
    /// Where it may be met; the first that answers a check is taken.
    pub addresses: Vec<SocketAddr>,
    pub ufrag: String,
    pub password: String,
    /// `AB:CD:…` of the certificate that it will show.
    pub fingerprint: String,
}

/// What a handshake leaves behind.
#[derive(Clone)]
pub struct Keys {
    pub profile: SrtpProtectionProfile,
    pub cipher: ProtectionProfile,
    /// Master key and master salt.
    pub ours: (Vec<u8>, Vec<u8>),
    pub theirs: (Vec<u8>, Vec<u8>),
}

impl Keys {
    /// For what we send.
    pub fn sealing(&self) -> Result<Context, Problem> {
        Ok(Context::new(&self.ours.0, &self.ours.1, self.cipher, None, None)?)
    }

    /// For what comes: nothing twice.
    pub fn opening(&self) -> Result<Context, Problem> {
        let window = 1_024;
        let (rtp, rtcp) =
            (webrtc_srtp::option::srtp_replay_protection(window), webrtc_srtp::option::srtcp_replay_protection(window));
        Ok(Context::new(&self.theirs.0, &self.theirs.1, self.cipher, Some(rtp), Some(rtcp))?)
    }
}

/// A connection that has been made.
pub struct Connection {
    /// The socket that tokio has a copy of.
    plain: std::net::UdpSocket,
    socket: Arc<UdpSocket>,
    server: SocketAddr,
    pub keys: Keys,
    srtp: Option<mpsc::Receiver<Bytes>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    // Held so that the association lives as long as its keys.
    _dtls: DTLSConn,
}

impl Drop for Connection {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Connection {
    /// Checks connectivity and shakes hands as the client.
    pub async fn make(
        far: &Far,
        ufrag: &str,
        certificate: Certificate,
        profiles: &[SrtpProtectionProfile],
    ) -> Result<Connection, Problem> {
        // On loopback from the very address that is met: a server that is bound to an interface can answer no other.
        let loopback = far.addresses.iter().map(SocketAddr::ip).find(|ip| ip.is_ipv4() && ip.is_loopback());
        let plain = std::net::UdpSocket::bind((loopback.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), 0))?;
        plain.set_nonblocking(true)?;
        let socket = Arc::new(UdpSocket::from_std(plain.try_clone()?)?);
        let (to_dtls, from_net) = mpsc::channel(256);
        let (to_srtp, srtp) = mpsc::channel(4_096);
        let (said, mut checked) = watch::channel(None);
        let mut tasks = vec![tokio::spawn(demultiplex(socket.clone(), to_dtls, to_srtp, said))];
        let check = Check { username: format!("{}:{ufrag}", far.ufrag), password: far.password.clone() };
        tasks.push(tokio::spawn(keep_checking(socket.clone(), far.addresses.clone(), checked.clone(), check)));
        let answered = tokio::time::timeout(Duration::from_secs(5), checked.wait_for(Option::is_some));
        let server = answered.await.map_err(|_| "no connectivity check was answered")??.ok_or("nobody answered")?;

        let end = Arc::new(DtlsEnd { socket: socket.clone(), server, incoming: tokio::sync::Mutex::new(from_net) });
        let config = configuration(far.fingerprint.clone(), certificate, profiles);
        let dtls = tokio::time::timeout(Duration::from_secs(10), DTLSConn::new(end, config, true, None))
            .await
            .map_err(|_| "the handshake took too long")??;
        let keys = exported(&dtls).await?;
        Ok(Connection { plain, socket, server, keys, srtp: Some(srtp), tasks, _dtls: dtls })
    }

    /// What comes from now on that is neither check nor handshake. It can be taken once.
    pub fn take_srtp(&mut self) -> mpsc::Receiver<Bytes> {
        self.srtp.take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// Sends as it is.
    pub async fn send(&self, datagram: &[u8]) -> Result<(), Problem> {
        self.socket.send_to(datagram, self.server).await?;
        Ok(())
    }

    /// The socket alone, connected to the server, for who drives it without tokio; and the keys. Nobody checks any more.
    pub fn into_socket(self) -> Result<(std::net::UdpSocket, Keys), Problem> {
        let socket = self.plain.try_clone()?;
        socket.connect(self.server)?;
        Ok((socket, self.keys.clone()))
    }
}

fn configuration(expected: String, certificate: Certificate, profiles: &[SrtpProtectionProfile]) -> Config {
    Config {
        certificates: vec![certificate],
        cipher_suites: vec![CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256],
        srtp_protection_profiles: profiles.to_vec(),
        extended_master_secret: ExtendedMasterSecretType::Require,
        insecure_skip_verify: true,
        verify_peer_certificate: Some(Arc::new(move |chain, _| {
            let shown = chain.first().map(|der| fingerprint(der)).unwrap_or_default();
            if shown == expected { Ok(()) } else { Err(webrtc_dtls::Error::Other("not the certificate of the answer".into())) }
        })),
        flight_interval: Duration::from_millis(200),
        ..Config::default()
    }
}

async fn exported(dtls: &DTLSConn) -> Result<Keys, Problem> {
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
    let pair = |n: usize| (keys[n * key_len..][..key_len].to_vec(), salts[n * salt_len..][..salt_len].to_vec());
    Ok(Keys { profile, cipher, ours: pair(0), theirs: pair(1) })
}

/// `AB:CD:…`, as SDP writes it.
pub fn fingerprint(der: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// What all bots say in their descriptions (`a=ice-pwd`), and seal their answers to checks with.
pub const PASSWORD: &str = "bot-password-of-24-letters";

/// The answer to a binding request (RFC 8489 §6.3.1.1): there are servers that check too before they take a path.
fn answer(request: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    let mut asked = Message::new();
    asked.raw = request.to_vec();
    asked.decode().ok()?;
    if asked.typ != BINDING_REQUEST {
        return None;
    }
    let mut message = Message::new();
    let built = message.build(&[
        Box::new(asked.transaction_id),
        Box::new(BINDING_SUCCESS),
        Box::new(stun::xoraddr::XorMappedAddress { ip: from.ip(), port: from.port() }),
        Box::new(stun::integrity::MessageIntegrity::new_short_term_integrity(PASSWORD.to_owned())),
        Box::new(stun::fingerprint::FINGERPRINT),
    ]);
    built.ok().map(|()| message.raw)
}

/// RFC 7983: one port, three protocols.
async fn demultiplex(
    socket: Arc<UdpSocket>,
    dtls: mpsc::Sender<Bytes>,
    srtp: mpsc::Sender<Bytes>,
    checked: watch::Sender<Option<SocketAddr>>,
) {
    let mut buffer = vec![0u8; 2_048];
    while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
        if len == 0 {
            continue;
        }
        let server = *checked.borrow();
        if buffer[0] <= 3 {
            if let Some(answer) = answer(&buffer[..len], from) {
                // Who misses it asks again.
                let _ = socket.send_to(&answer, from).await;
            }
            checked.send_if_modified(|server| server.is_none() && server.replace(from).is_none());
            continue;
        }
        if server != Some(from) {
            continue;
        }
        let datagram = Bytes::copy_from_slice(&buffer[..len]);
        // A full queue drops, as a network would.
        let _ = if (20..=63).contains(&buffer[0]) { dtls.try_send(datagram).is_ok() } else { srtp.try_send(datagram).is_ok() };
    }
}

/// The short-term credentials of checks (RFC 8445 §7.2.2).
pub struct Check {
    pub username: String,
    pub password: String,
}

/// As often as a browser checks what has not answered yet (RFC 8445 §14.2).
const CHECK_EVERY: Duration = Duration::from_millis(50);
/// As often as consent is asked for, once it has been given.
const CONSENT_EVERY: Duration = Duration::from_millis(500);

/// A full agent, controlling: checks and nominates at once, then keeps consent fresh (RFC 7675).
async fn keep_checking(
    socket: Arc<UdpSocket>,
    addresses: Vec<SocketAddr>,
    checked: watch::Receiver<Option<SocketAddr>>,
    check: Check,
) {
    loop {
        let Ok(request) = check.request() else { return };
        let found = *checked.borrow();
        for address in found.as_slice().iter().chain(addresses.iter().filter(|_| found.is_none())) {
            if socket.send_to(&request, address).await.is_err() && found.is_some() {
                return;
            }
        }
        tokio::time::sleep(if found.is_some() { CONSENT_EVERY } else { CHECK_EVERY }).await;
    }
}

impl Check {
    /// A binding request that nominates.
    pub fn request(&self) -> Result<Vec<u8>, Problem> {
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
            Box::new(stun::textattrs::TextAttribute::new(stun::attributes::ATTR_USERNAME, self.username.clone())),
            Box::new(Raw(stun::attributes::ATTR_PRIORITY, &[0x6e, 0x00, 0x1e, 0xff])),
            Box::new(Raw(stun::attributes::ATTR_ICE_CONTROLLING, &[1, 2, 3, 4, 5, 6, 7, 8])),
            Box::new(Raw(stun::attributes::ATTR_USE_CANDIDATE, &[])),
            Box::new(stun::integrity::MessageIntegrity::new_short_term_integrity(self.password.clone())),
            Box::new(stun::fingerprint::FINGERPRINT),
        ])?;
        Ok(message.raw)
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
