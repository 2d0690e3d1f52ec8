//! What an offer and its answer agreed on, in plain values: all that a worker needs to seat a leg.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::secret::Secret;

/// A synchronization source: names one RTP stream on one leg (RFC 3550 §3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Ssrc(pub u32);

/// A media identification tag, `a=mid` (RFC 9143). At most 16 bytes here; browsers use one or two digits.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mid(String);

impl Mid {
    /// The longest that we take; the one-byte header extension form carries no more (RFC 8285 §4.2).
    pub const MAX: usize = 16;

    /// The tag, if it is a token of 1 to 16 bytes.
    pub fn new(text: &str) -> Option<Mid> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&byte);
        (!text.is_empty() && text.len() <= Mid::MAX && text.bytes().all(token)).then(|| Mid(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Mid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A username fragment and password (RFC 8445 §5.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IceCredentials {
    pub ufrag: String,
    pub password: Secret<String>,
}

/// SHA-256 of a DER certificate (RFC 8122 §5).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 32]);

/// What a source carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum SourceKind {
    /// The microphone: Opus.
    Microphone,
    /// The camera: VP8, maybe simulcast.
    Camera,
    /// The screen: VP8.
    Screen,
}

/// Header extension ids (RFC 8285), one table for the leg: within one BUNDLE group an id means one thing.
/// Zero stands for "not negotiated", as no extension may have that id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ExtensionIds {
    pub mid: u8,
    pub rid: u8,
    pub repaired_rid: u8,
    pub transport_cc: u8,
    pub abs_send_time: u8,
    pub audio_level: u8,
    pub video_orientation: u8,
    pub playout_delay: u8,
    pub layers_allocation: u8,
}

/// One simulcast encoding, by its rid (RFC 8851); `layer` 0 is the smallest (q), 2 the largest (f).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rid {
    pub id: String,
    pub layer: u8,
}

/// A line on which the peer sends and we receive.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InboundLine {
    pub mid: Mid,
    pub kind: SourceKind,
    /// Payload type of Opus or VP8.
    pub payload_type: u8,
    /// Payload type of its RTX (RFC 4588), video only.
    pub rtx_payload_type: Option<u8>,
    /// The SSRC and its RTX SSRC where the offer announced them; simulcast by rid announces none.
    pub ssrc: Option<Ssrc>,
    pub rtx_ssrc: Option<Ssrc>,
    /// Payload type of RED (RFC 2198), microphone only.
    pub red_payload_type: Option<u8>,
    /// Simulcast encodings, smallest first; empty for a single one. At most [`crate::base::limits::LAYERS`].
    pub rids: Vec<Rid>,
    /// Whether the answer promised to ask for lost packets (generic NACK, RFC 4585 §6.2.1).
    pub nack: bool,
    /// Whether the answer asked for transport-wide-cc feedback on this line.
    pub transport_cc: bool,
    /// Whether the peer says which of `rids` it makes, and counts them as they stand here (video-layers-allocation00).
    pub tells_layers: bool,
}

/// A line on which we send and the peer receives. Lines of one kind count from 0 in the order of the offer;
/// line k carries the seat that [`crate::base::Seat::on_line`] says, for as long as the leg lives.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OutboundLine {
    pub mid: Mid,
    pub kind: SourceKind,
    /// k: its place among the lines of its kind. The one screen line has 0.
    pub line: u8,
    pub payload_type: u8,
    pub rtx_payload_type: Option<u8>,
    /// Payload type of RED (RFC 2198) around the sound, if the peer takes it.
    pub red_payload_type: Option<u8>,
    /// Ours, fixed in the answer, never announced again.
    pub ssrc: Ssrc,
    pub rtx_ssrc: Option<Ssrc>,
    /// Whether the answer promised transport-wide numbers on what we send here.
    pub transport_cc: bool,
}

/// All that a worker needs to seat a leg.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LegTerms {
    /// Ours: what the peer's checks must carry.
    pub local: IceCredentials,
    /// The peer's.
    pub remote: IceCredentials,
    /// The certificates the offer named (`a=fingerprint`, SHA-256); the peer must show one of them.
    pub fingerprints: Vec<Fingerprint>,
    pub extensions: ExtensionIds,
    /// At most three: microphone, camera, screen.
    pub inbound: Vec<InboundLine>,
    /// At most seven: three of sound, three of pictures, one screen.
    pub outbound: Vec<OutboundLine>,
    /// Sources that are on when the leg starts.
    pub sources: Sources,
    /// Our name as an RTP source (SDES CNAME, RFC 7022): random, the same on all outbound lines.
    pub cname: String,
}

/// What may be forwarded of a seat.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sources {
    pub microphone: bool,
    pub camera: bool,
    pub screen: bool,
}

impl Default for Sources {
    fn default() -> Self {
        Self { microphone: true, camera: true, screen: true }
    }
}

/// What the page of one seat shows of the others: what is not looked at is not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Watching {
    /// The camera of each seat, by [`crate::base::Seat::index`].
    pub cameras: [Tile; 4],
    /// The screen of whoever shares one.
    pub screen: Tile,
}

/// One picture as a page shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tile {
    /// Rows of the display's own pixels that it fills; zero is hidden.
    pub height: u16,
    pub rank: Rank,
}

impl Default for Tile {
    /// As large as can be: what a page is taken to show until it says something.
    fn default() -> Tile {
        Tile { height: u16::MAX, rank: Rank::Plain }
    }
}

/// How dear a picture is to who looks at it. What is dearer is the last to go when the network grows narrow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum Rank {
    #[default]
    Plain,
    Pinned,
    /// An interpreter who is pinned: to someone who is Deaf this picture is the sound.
    Interpreter,
}
