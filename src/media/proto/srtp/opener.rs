//! Opens what one peer seals.

use super::MasterKey;
use super::cipher::Cipher;
use super::streams::Streams;
use crate::base::{DropReason, Seq64};
use crate::link::event::SrtpProfile;
use crate::link::terms::Ssrc;
use crate::media::wire::rtp::Header;

/// A stream's place among a leg's inbound streams: below [`crate::base::limits::STREAMS_PER_LEG`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InboundSlot(pub u8);

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
///
/// A forged packet changes nothing here: windows and rollover counters move only after a tag was right, and
/// streams come to be only where the caller admits them. A packet that is refused may be scrambled.
///
/// **A stream of which nothing was heard before its sequence number first wrapped stays closed**: nothing in it
/// says how often that was (RFC 3711 §3.3.1). Browsers start below 2^15 for this reason.
pub struct Opener {
    cipher: Cipher,
    /// RTP streams that were admitted.
    streams: Streams,
    /// Senders of RTCP that authenticated.
    senders: Streams,
}

impl Opener {
    pub fn new(profile: SrtpProfile, master: &MasterKey) -> Opener {
        Opener { cipher: Cipher::new(profile, master), streams: Streams::new(), senders: Streams::new() }
    }

    /// Authenticates and decrypts a packet in place. State (window, rollover) moves only for a known stream,
    /// and only after the tag was right. Costs no allocation.
    pub fn open_rtp(&mut self, packet: &mut [u8], header: &Header) -> Result<Opened, DropReason> {
        let len = packet.len().checked_sub(self.cipher.rtp_overhead()).ok_or(DropReason::RtpMalformed)?;
        if len < header.len {
            return Err(DropReason::RtpMalformed);
        }
        let place = self.streams.find(header.ssrc);
        let newest = place.and_then(|place| self.streams.window(place).newest());
        // RFC 3711 §3.3.1: a stream begins with a rollover counter of 0; later the nearest index is meant.
        let index = newest.map_or(Seq64(header.sequence.0.into()), |newest| Seq64(newest).nearest(header.sequence));
        if place.is_some_and(|place| !self.streams.window(place).is_fresh(index.0)) || index.0 >= Seq64::LIMIT {
            return Err(DropReason::Replayed);
        }
        if !self.cipher.open_rtp(header.ssrc, index, packet, header.len) {
            return Err(DropReason::Unauthenticated);
        }
        if let Some(place) = place {
            self.streams.window_mut(place).mark(index.0);
        }
        Ok(Opened { len, index, slot: place.map(InboundSlot) })
    }

    /// Keeps state for a stream from now on, starting with this authenticated index. The same SSRC again
    /// returns the slot it has; None when all slots are taken.
    pub fn admit(&mut self, ssrc: Ssrc, index: Seq64) -> Option<InboundSlot> {
        let place = self.streams.admit(ssrc)?;
        self.streams.window_mut(place).mark(index.0);
        Some(InboundSlot(place))
    }

    /// The same for a compound RTCP packet: returns its length without index and tag. A sender of whom nothing
    /// was heard yet is kept by itself once it has authenticated, as long as there is room.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, DropReason> {
        let (ssrc, word) = self.cipher.rtcp_claims(packet).ok_or(DropReason::RtcpMalformed)?;
        // RFC 3711 §3.4 lets a session agree on RTCP in the clear; DTLS-SRTP's profiles have no such thing.
        if !word.is_encrypted() {
            return Err(DropReason::Unauthenticated);
        }
        let place = self.senders.find(ssrc);
        if place.is_some_and(|place| !self.senders.window(place).is_fresh(word.index())) {
            return Err(DropReason::Replayed);
        }
        if !self.cipher.open_rtcp(ssrc, word, packet) {
            return Err(DropReason::Unauthenticated);
        }
        let place = self.senders.admit(ssrc).ok_or(DropReason::UnknownStream)?;
        self.senders.window_mut(place).mark(word.index());
        Ok(packet.len() - self.cipher.rtcp_overhead())
    }
}
