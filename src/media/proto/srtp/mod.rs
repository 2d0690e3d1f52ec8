//! SRTP and SRTCP (RFC 3711, RFC 7714), in place.
//!
//! An [`Opener`] undoes what the peer sealed, a [`Sealer`] seals what we send; a leg has one of each.
#![forbid(unsafe_code)]

use zeroize::ZeroizeOnDrop;

use crate::base::{DropReason, Seq64};
use crate::link::event::SrtpProfile;
use crate::link::terms::Ssrc;
use crate::media::wire::rtp::Header;

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

/// A stream's place among a leg's inbound streams: below [`crate::base::limits::STREAMS_PER_LEG`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InboundSlot(pub u8);

/// A stream's place among a leg's outbound streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutboundSlot(pub u8);

/// A packet in the clear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opened {
    /// Length of the packet without its tag.
    pub len: usize,
    /// Its sequence number, unwrapped.
    pub index: Seq64,
    /// The stream, if it is known already. An unknown one is kept only if the caller [`Opener::admit`]s it.
    pub slot: Option<InboundSlot>,
}

/// Opens what one peer seals.
pub struct Opener {}

impl Opener {
    pub fn new(profile: SrtpProfile, master: &MasterKey) -> Opener {
        let _ = (profile, master);
        todo!()
    }

    /// Authenticates and decrypts a packet in place. State (window, rollover) moves only for a known stream,
    /// and only after the tag was right. Costs no allocation.
    pub fn open_rtp(&mut self, packet: &mut [u8], header: &Header) -> Result<Opened, DropReason> {
        let _ = (packet, header);
        todo!()
    }

    /// Keeps state for a stream from now on, starting with this authenticated index. The same SSRC again
    /// returns the slot it has; None when all slots are taken.
    pub fn admit(&mut self, ssrc: Ssrc, index: Seq64) -> Option<InboundSlot> {
        let _ = (ssrc, index);
        todo!()
    }

    /// The same for a compound RTCP packet: returns its length without index and tag.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, DropReason> {
        let _ = packet;
        todo!()
    }
}

/// Why a packet was not sealed: the only thing that must never happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotSealed {
    /// This (SSRC, index) was sealed before, or is too far behind to know.
    Reused,
    /// 2^48 packets or 2^31 RTCP packets: the key is used up.
    Exhausted,
    /// No room for the tag.
    NoRoom,
}

/// Seals what we send to one peer. **No (key, SSRC, index) is ever sealed twice**: a window of the last
/// 1,024 indices per SSRC refuses what it has seen or can no longer know.
pub struct Sealer {}

impl Sealer {
    pub fn new(profile: SrtpProfile, master: &MasterKey) -> Sealer {
        let _ = (profile, master);
        todo!()
    }

    /// A stream that we will send. The same SSRC again returns the same slot: its window lives as long as the key.
    /// None when [`crate::base::limits::STREAMS_PER_LEG`] are taken.
    pub fn register(&mut self, ssrc: Ssrc) -> Option<OutboundSlot> {
        let _ = ssrc;
        todo!()
    }

    /// Seals `buffer[..len]` in place, header in the clear up to `header_len`; returns the sealed length.
    /// `index` is the whole 48-bit index whose low 16 bits the packet carries.
    pub fn seal_rtp(
        &mut self,
        slot: OutboundSlot,
        index: Seq64,
        buffer: &mut [u8],
        header_len: usize,
        len: usize,
    ) -> Result<usize, NotSealed> {
        let _ = (slot, index, buffer, header_len, len);
        todo!()
    }

    /// Seals a compound RTCP packet in place with the next SRTCP index.
    pub fn seal_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, NotSealed> {
        let _ = (buffer, len);
        todo!()
    }
}
