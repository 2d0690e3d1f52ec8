//! The RTP header (RFC 3550 §5.1).

use crate::base::Seq16;
use crate::link::terms::Ssrc;

/// A header, and where the rest begins. Made by [`Header::parse`], so its lengths fit the packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: Seq16,
    pub timestamp: u32,
    pub ssrc: Ssrc,
    /// Whether the last byte of the (decrypted) packet counts padding.
    pub padding: bool,
    /// Bytes before the payload: fixed header, CSRCs and extension block. SRTP leaves these in the clear.
    pub len: usize,
    /// The extension block's profile (0xBEDE, 0x100X) and where its data lies in the packet; start = end if none.
    pub extension_profile: u16,
    pub extension_start: usize,
    pub extension_end: usize,
}

impl Header {
    /// Reads the header of a whole packet. None for anything that is not RTP version 2 or is cut short.
    pub fn parse(packet: &[u8]) -> Option<Header> {
        let _ = packet;
        todo!()
    }

    /// The payload without its padding, of a packet that is in the clear. None if the padding count lies.
    pub fn payload<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        let _ = packet;
        todo!()
    }
}
