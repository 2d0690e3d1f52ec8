//! The bot's media end: a connection, and SRTP of `webrtc-srtp`.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use webrtc_dtls::crypto::Certificate;
use webrtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use webrtc_srtp::context::Context;
use webrtc_util::marshal::{Marshal, Unmarshal};

use super::Problem;
use super::connection::{Connection, Far};
use super::sdp::Answer;

/// A packet that was authenticated and decrypted by an implementation that is not the server's.
#[derive(Debug)]
pub enum Received {
    Rtp(rtp::packet::Packet),
    Rtcp(Vec<Box<dyn rtcp::packet::Packet + Send + Sync>>),
}

/// A connected end.
pub struct Media {
    connection: Connection,
    opener: tokio::task::JoinHandle<()>,
    seal: Mutex<Context>,
    received: tokio::sync::Mutex<mpsc::Receiver<Received>>,
    pub profile: SrtpProtectionProfile,
}

impl Drop for Media {
    fn drop(&mut self) {
        self.opener.abort();
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
        let far = Far {
            addresses: vec![answer.address],
            ufrag: answer.ufrag.clone(),
            password: answer.password.clone(),
            fingerprint: answer.fingerprint.clone(),
        };
        let mut connection = Connection::make(&far, ufrag, certificate, profiles).await?;
        let srtp_from_net = connection.take_srtp();
        let seal = connection.keys.sealing()?;
        let open = connection.keys.opening()?;
        let (to_caller, received) = mpsc::channel(4_096);
        let opener = tokio::spawn(open_all(open, srtp_from_net, to_caller));
        Ok(Media { profile: connection.keys.profile, connection, opener, seal: Mutex::new(seal), received: received.into() })
    }

    /// Seals and sends one packet.
    pub async fn send(&self, packet: &rtp::packet::Packet) -> Result<(), Problem> {
        let plain = packet.marshal()?;
        let sealed = self.seal.lock().map_err(|_| "poisoned")?.encrypt_rtp(&plain)?;
        self.connection.send(&sealed).await?;
        Ok(())
    }

    /// Seals and sends control packets.
    pub async fn send_rtcp(&self, packets: &[Box<dyn rtcp::packet::Packet + Send + Sync>]) -> Result<(), Problem> {
        let plain = rtcp::packet::marshal(packets)?;
        let sealed = self.seal.lock().map_err(|_| "poisoned")?.encrypt_rtcp(&plain)?;
        self.connection.send(&sealed).await?;
        Ok(())
    }

    /// The next packet that opened, within `patience`.
    pub async fn receive(&self, patience: Duration) -> Option<Received> {
        tokio::time::timeout(patience, self.received.lock().await.recv()).await.ok().flatten()
    }
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
