//! What a handshake yields (RFC 5764 §4.2).

use zeroize::ZeroizeOnDrop;

use crate::link::event::SrtpProfile;

/// One direction's master key and salt. The salt is 12 bytes for GCM, 14 for AES-CM; the rest is zero.
#[derive(Clone, ZeroizeOnDrop)]
pub struct MasterKey {
    pub key: [u8; 16],
    pub salt: [u8; 14],
}

/// What a handshake yields. Never kept beyond the leg.
#[derive(Clone)]
pub struct SrtpKeys {
    pub profile: SrtpProfile,
    /// We seal with this one.
    pub local: MasterKey,
    /// The peer seals with this one.
    pub remote: MasterKey,
}
