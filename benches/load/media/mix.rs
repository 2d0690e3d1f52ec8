//! The reference visit: what each of four people sends, and when.

use std::time::Duration;

/// People of a visit.
pub const SEATS: u8 = 4;

/// Opus, 50 packets a second.
pub const SOUND_EVERY: Duration = Duration::from_millis(20);
/// VP8, 30 frames a second, all three layers of a frame at once, as an encoder gives them.
pub const FRAME_EVERY: Duration = Duration::from_nanos(33_333_333);

/// RTP clock rates (RFC 7587 §4.1, RFC 7741 §4.1).
pub const SOUND_RATE: u64 = 48_000;
pub const FRAME_RATE: u64 = 90_000;

/// Payload types, as browsers have them.
pub const OPUS: u8 = 111;
pub const VP8: u8 = 96;
pub const RTX: u8 = 97;

/// Bytes of payload of a sound: some 100 on the wire before UDP.
pub const SOUND_BYTES: usize = 60;
/// Bytes of payload of a full packet of a picture: some 1,150 on the wire before UDP.
pub const FULL_BYTES: usize = 1_110;

/// One simulcast layer.
pub struct Layer {
    pub rid: u8,
    pub packets: usize,
    /// Bytes of payload of each of its packets.
    pub bytes: usize,
}

/// From the smallest: some 150, 550 and 1,380 kbit/s. The top layer's five packets a frame are what is forwarded.
pub const LAYERS: [Layer; 3] = [
    Layer { rid: b'q', packets: 1, bytes: 585 },
    Layer { rid: b'h', packets: 2, bytes: FULL_BYTES },
    Layer { rid: b'f', packets: 5, bytes: FULL_BYTES },
];

/// The layer that every receiver should have.
pub const TOP: usize = LAYERS.len() - 1;

/// What one person sends: sound, then the layers.
pub const STREAMS: usize = 1 + LAYERS.len();

/// Packets that one person receives in a second when all is well.
pub const RECEIVED_PER_SECOND: f64 = 3.0 * (50.0 + 30.0 * LAYERS[TOP].packets as f64);

/// Temporal layers of the frames of a group of four, as browsers' simulcast has them.
pub const TEMPORAL: [u8; 4] = [0, 2, 1, 2];

/// How long one person speaks before the next one does.
pub const TURN_OF_SPEECH: Duration = Duration::from_secs(5);
