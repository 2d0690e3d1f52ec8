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
    /// Who speaks now; the last who spoke, while nobody does.
    Speaker { visit: VisitId, seat: Seat },
    /// Which simulcast layers of this seat's camera anybody takes: the others need not be sent.
    Wanted { visit: VisitId, seat: Seat, leg: LegId, layers: Layers },
    /// Whose pictures are withheld from this seat, by [`Seat::index`] of the sender, so that its sound stays whole.
    Paused { visit: VisitId, seat: Seat, leg: LegId, paused: [bool; Seat::COUNT] },
    /// The answer to [`super::Command::Measure`]: how the visit fares, and what the three events above have said last.
    Measured { visit: VisitId, speaker: Option<Seat>, seats: Box<[Option<LegFacts>; Seat::COUNT]> },
    /// The answer to [`super::Command::Report`].
    Report(Box<WorkerReport>),
    /// Once a second, without being asked for: how busy the worker was, and how many legs it carries now.
    Load { load: Load, legs: u32 },
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

/// Simulcast layers of a camera: q, h, f.
pub type Layers = [bool; crate::base::limits::LAYERS];

/// How a connected leg fares. Counts only grow while the leg lives; what is measured is as of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegFacts {
    pub leg: LegId,
    pub uplink: Uplink,
    pub downlink: Downlink,
    /// As [`Event::Wanted`] said it last.
    pub wanted: Layers,
}

/// What comes from a leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uplink {
    /// Packets of media that came, repairs among them.
    pub packets: u64,
    /// Those that never came, not even as a repair.
    pub lost: u64,
    /// Those that came as a repair.
    pub repaired: u64,
    /// Of sound: how unevenly it comes (RFC 3550 §6.4.1), in microseconds.
    pub jitter_us: u32,
}

/// What goes to a leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downlink {
    /// Packets that the peer's feedback spoke of.
    pub packets: u64,
    /// Those of them that did not arrive.
    pub lost: u64,
    /// Packets sent again.
    pub repairs: u64,
    /// There and back, once it is known, in microseconds.
    pub round_trip_us: Option<u32>,
    /// What the path is thought to carry, in bits per second.
    pub estimate_bps: u64,
    /// What of each seat's camera is shown, by [`Seat::index`] of the sender.
    pub layers: [Option<u8>; Seat::COUNT],
    /// As [`Event::Paused`] said it last.
    pub paused: [bool; Seat::COUNT],
    /// Whether sound carries copies of what went before (RFC 2198).
    pub redundant: bool,
}

/// How busy a worker was within one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// How much of it the worker's loop worked rather than waited, in thousandths.
    pub busy_permille: u16,
    /// How much of it the loop worked in turns so long that people feel them. A worker that is busy with batches and has
    /// none of these is well.
    pub long_turns_permille: u16,
    pub longest_turn_us: u32,
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
    /// RTP packets sent again.
    pub repaired: u64,
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
    /// For how long the loop has worked rather than waited, in microseconds.
    pub worked_us: u64,
    /// How the last second was.
    pub load: Load,
    /// Datagrams dropped, by [`crate::base::DropReason::index`].
    pub drops: Vec<u64>,
}
