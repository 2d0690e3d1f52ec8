//! Blocks appended to a buffer.

use super::feedback::write_nack_entries;
use super::{COUNT_MAX, FirEntry, ReportBlock, SenderInfo, kind, transport_cc};
use crate::base::Seq16;
use crate::link::terms::Ssrc;
use crate::media::wire::cursor::Writer;

/// SDES item type CNAME (RFC 3550 §6.5.1).
const CNAME: u8 = 1;

/// The block does not fit: not in the buffer, or not in its own count or length field. Nothing of it was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoRoom;

/// Writes a packet block by block; a block is written whole or not at all.
///
/// The caller decides what makes a packet: a compound begins with a report and an SDES (RFC 3550 §6.1), a
/// reduced-size packet has whatever it needs (RFC 5506).
pub struct RtcpWriter<'a>(Writer<'a>);

impl<'a> RtcpWriter<'a> {
    pub const fn new(buffer: &'a mut [u8]) -> RtcpWriter<'a> {
        RtcpWriter(Writer::new(buffer))
    }

    /// Bytes of the packet so far.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    /// RFC 3550 §6.4.1. At most 31 reports.
    pub fn sender_report(&mut self, ssrc: Ssrc, info: &SenderInfo, reports: &[ReportBlock]) -> Result<(), NoRoom> {
        self.block(kind::SENDER_REPORT, count(reports)?, |writer| {
            writer.u32(ssrc.0)?;
            info.write(writer)?;
            reports.iter().try_for_each(|report| report.write(writer))
        })
    }

    /// RFC 3550 §6.4.2. At most 31 reports.
    pub fn receiver_report(&mut self, ssrc: Ssrc, reports: &[ReportBlock]) -> Result<(), NoRoom> {
        self.block(kind::RECEIVER_REPORT, count(reports)?, |writer| {
            writer.u32(ssrc.0)?;
            reports.iter().try_for_each(|report| report.write(writer))
        })
    }

    /// A description of one source by its CNAME (RFC 3550 §6.5.1), at most 255 bytes.
    pub fn sdes(&mut self, ssrc: Ssrc, cname: &str) -> Result<(), NoRoom> {
        let len = u8::try_from(cname.len()).map_err(|_| NoRoom)?;
        self.block(kind::SDES, 1, |writer| {
            writer.u32(ssrc.0)?;
            writer.u8(CNAME)?;
            writer.u8(len)?;
            writer.bytes(cname.as_bytes())?;
            // RFC 3550 §6.5: "The list of items in each chunk MUST be terminated by one or more null octets",
            // and as many as reach the next 32-bit boundary: one to four.
            let items = 2 + cname.len();
            writer.bytes([0; 4].get(items % 4..)?)
        })
    }

    /// RFC 3550 §6.6, without a reason. At most 31 sources.
    pub fn bye(&mut self, ssrcs: &[Ssrc]) -> Result<(), NoRoom> {
        self.block(kind::BYE, count(ssrcs)?, |writer| ssrcs.iter().try_for_each(|ssrc| writer.u32(ssrc.0)))
    }

    /// RFC 4585 §6.3.1.
    pub fn pli(&mut self, sender: Ssrc, media: Ssrc) -> Result<(), NoRoom> {
        self.block(kind::PAYLOAD_FEEDBACK, kind::PLI, |writer| {
            writer.u32(sender.0)?;
            writer.u32(media.0)
        })
    }

    /// RFC 5104 §4.3.1. Without entries nothing is written, as such a block would be malformed.
    pub fn fir(&mut self, sender: Ssrc, entries: &[FirEntry]) -> Result<(), NoRoom> {
        if entries.is_empty() {
            return Ok(());
        }
        self.block(kind::PAYLOAD_FEEDBACK, kind::FIR, |writer| {
            writer.u32(sender.0)?;
            // RFC 5104 §4.3.1.2: the media source "is not used and SHALL be set to 0".
            writer.u32(0)?;
            entries.iter().try_for_each(|entry| entry.write(writer))
        })
    }

    /// RFC 4585 §6.2.1, from numbers in ascending order (wrapping). Without numbers nothing is written.
    pub fn nack(&mut self, sender: Ssrc, media: Ssrc, lost: &[Seq16]) -> Result<(), NoRoom> {
        if lost.is_empty() {
            return Ok(());
        }
        self.block(kind::TRANSPORT_FEEDBACK, kind::NACK, |writer| {
            writer.u32(sender.0)?;
            writer.u32(media.0)?;
            write_nack_entries(writer, lost)
        })
    }

    /// Transport-wide feedback on the packets from `base` on: when each arrived, in ticks of 250 µs of any
    /// clock that does not jump, or that it did not.
    ///
    /// Answers how many of `arrivals` the block reports on: fewer than all where the buffer is full, or where
    /// two arrivals lie more than eight seconds apart. The rest goes into another block, with its own base and
    /// the next `feedback_count`. With 0 nothing was written: none of them arrived, or none fits.
    pub fn transport_cc(
        &mut self,
        sender: Ssrc,
        media: Ssrc,
        base: Seq16,
        feedback_count: u8,
        arrivals: &[Option<u64>],
    ) -> usize {
        /// Head and the two sources.
        const AHEAD: usize = 12;
        let room = self.0.room().saturating_sub(AHEAD);
        let Some(report) = transport_cc::Report::fitting(arrivals, room) else { return 0 };
        let written = self.block(kind::TRANSPORT_FEEDBACK, kind::TRANSPORT_CC, |writer| {
            writer.u32(sender.0)?;
            writer.u32(media.0)?;
            report.write(writer, base, feedback_count)
        });
        written.map_or(0, |()| report.len())
    }

    /// Writes head and body, and pads to 32 bits; takes all of it back if the body did not fit.
    fn block(&mut self, packet_type: u8, count: u8, body: impl FnOnce(&mut Writer<'_>) -> Option<()>) -> Result<(), NoRoom> {
        let start = self.0.len();
        let written = self.try_block(packet_type, count, body);
        if written.is_none() {
            self.0.truncate(start);
        }
        written.ok_or(NoRoom)
    }

    fn try_block(&mut self, packet_type: u8, count: u8, body: impl FnOnce(&mut Writer<'_>) -> Option<()>) -> Option<()> {
        let start = self.0.len();
        self.0.bytes(&[2 << 6 | count, packet_type, 0, 0])?;
        body(&mut self.0)?;
        let len = self.0.len() - start;
        let padding: &[u8] = match len % 4 {
            0 => &[],
            1 => &[0, 0, 3],
            2 => &[0, 2],
            _ => &[1],
        };
        if !padding.is_empty() {
            self.0.bytes(padding)?;
            self.0.overwrite(start, &[2 << 6 | 1 << 5 | count])?;
        }
        let words = u16::try_from((self.0.len() - start) / 4 - 1).ok()?;
        self.0.overwrite(start + 2, &words.to_be_bytes())
    }
}

/// RC, if it can count these.
fn count<T>(items: &[T]) -> Result<u8, NoRoom> {
    match u8::try_from(items.len()) {
        Ok(count) if items.len() <= COUNT_MAX => Ok(count),
        _ => Err(NoRoom),
    }
}
