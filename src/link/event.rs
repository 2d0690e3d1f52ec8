//! What media tells control.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::terms::{Fingerprint, Sources};
use crate::base::{LegId, Seat, VisitId};

/// One fact from one worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The first message of a worker to each control: it listens on these addresses, shows this certificate, and
    /// carries so many visits, which it shows next.
    WorkerReady { worker: u16, addresses: Vec<SocketAddr>, fingerprint: Fingerprint, visits: u32 },
    /// Some of the visits that a worker carried when it met this control, at most
    /// [`crate::base::limits::SNAPSHOTS_PER_MESSAGE`]. What happened since follows.
    Carried(Vec<VisitSnapshot>),
    /// The handshake is done and the peer is who its offer said: media may flow.
    LegConnected { visit: VisitId, seat: Seat, leg: LegId, dtls: DtlsVersion, srtp: SrtpProfile },
    /// Nothing has been heard of a connected leg for 3 s: "reconnecting".
    LegSilent { visit: VisitId, seat: Seat, leg: LegId },
    /// A silent leg is heard again.
    LegResumed { visit: VisitId, seat: Seat, leg: LegId },
    /// A leg has gone. Said once, whatever ended it, except when control ended it.
    LegEnded { visit: VisitId, seat: Seat, leg: LegId, why: LegEnd },
    /// A visit failed inside (a panic) and is gone with its legs; the others go on.
    VisitFailed { visit: VisitId },
    /// The answer to [`super::Command::Report`].
    Report(Box<WorkerReport>),
}

/// A visit as a worker carries it. No key, name or address: what control needs to find its people again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitSnapshot {
    pub visit: VisitId,
    /// By [`Seat::index`]; None where nobody sits.
    pub seats: [Option<LegSnapshot>; Seat::COUNT],
}

/// A leg as a worker carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegSnapshot {
    pub leg: LegId,
    pub state: LegState,
    /// What may be forwarded of it.
    pub sources: Sources,
}

/// How far a leg has come, in the words of the events that say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegState {
    /// Seated; no [`Event::LegConnected`] yet.
    Connecting,
    Connected,
    /// Connected, and not heard lately.
    Silent,
}

/// Why a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegEnd {
    /// No consent for 30 s (RFC 7675), or never a connectivity check at all.
    Silent,
    /// The handshake did not finish in time.
    HandshakeTimeout,
    /// The handshake failed: no common version, suite or SRTP profile.
    HandshakeFailed,
    /// The peer's certificate is not the one its offer named, or it showed none.
    WrongFingerprint,
    /// The peer said goodbye (DTLS close_notify).
    Closed,
}

/// The version that the handshake agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DtlsVersion {
    V1_2,
    V1_3,
}

/// The SRTP protection profile that the handshake agreed on (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SrtpProfile {
    /// SRTP_AEAD_AES_128_GCM, what we choose whenever it is offered.
    AeadAes128Gcm,
    /// SRTP_AES128_CM_HMAC_SHA1_80, the classic one.
    Aes128CmSha1_80,
}

/// What one worker has counted since it started. Counters only grow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerReport {
    pub worker: u16,
    pub visits: u32,
    pub legs: u32,
    pub datagrams_in: u64,
    pub bytes_in: u64,
    pub datagrams_out: u64,
    pub bytes_out: u64,
    /// RTP packets sealed and queued to receivers.
    pub forwarded: u64,
    /// Keyframe requests sent to senders.
    pub keyframe_requests: u64,
    /// Times a receiver's line changed its simulcast layer.
    pub layer_switches: u64,
    /// Visits that ended in a panic.
    pub visits_failed: u64,
    /// System calls that sent, and those that received.
    pub send_calls: u64,
    pub receive_calls: u64,
    /// Datagrams that the kernel did not take: no room, no route, not permitted.
    pub send_failures: u64,
    /// Datagrams dropped, by [`crate::base::DropReason::index`].
    pub drops: Vec<u64>,
}
