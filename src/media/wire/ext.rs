//! Header extensions (RFC 8285), read by one pass and written in the one-byte form.

use super::rtp::Header;
use crate::link::terms::ExtensionIds;

/// What the extensions of one packet said. Absent ones are `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Extensions<'a> {
    pub mid: Option<&'a [u8]>,
    pub rid: Option<&'a [u8]>,
    pub repaired_rid: Option<&'a [u8]>,
    pub transport_cc: Option<u16>,
    /// 24 bits, 6.18 fixed point seconds.
    pub abs_send_time: Option<u32>,
    /// RFC 6464: the voice-activity bit and −dBov (0 loud, 127 silent).
    pub audio_level: Option<AudioLevel>,
    /// 3GPP TS 26.114 §7.4.5 coordination of video orientation, as it came.
    pub video_orientation: Option<u8>,
    /// As it came.
    pub playout_delay: Option<[u8; 3]>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AudioLevel {
    pub voice: bool,
    /// −dBov, 0 to 127.
    pub level: u8,
}

impl<'a> Extensions<'a> {
    /// Reads one- and two-byte forms. Malformed blocks yield what stood before the fault.
    pub fn parse(packet: &'a [u8], header: &Header, ids: &ExtensionIds) -> Extensions<'a> {
        let _ = (packet, header, ids);
        todo!()
    }
}
