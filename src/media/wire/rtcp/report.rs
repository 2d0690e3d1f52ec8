//! Sender and receiver reports (RFC 3550 §6.4).

use crate::link::terms::Ssrc;
use crate::media::wire::cursor::{Reader, Writer};

const REPORT_LEN: usize = 24;

/// What a sender says of its own stream: when its timestamps are in wall-clock time, and how much it sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SenderInfo {
    /// 32.32 fixed point seconds since 1900, by the sender's clock (RFC 3550 §4).
    pub ntp: u64,
    /// The same moment by the stream's clock.
    pub rtp_timestamp: u32,
    /// Since the stream began, wrapping.
    pub packets: u32,
    /// Payload bytes without headers and padding, wrapping.
    pub octets: u32,
}

/// A sender's report on its stream, and on those that it receives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SenderReport<'a> {
    pub ssrc: Ssrc,
    pub info: SenderInfo,
    reports: &'a [[u8; REPORT_LEN]],
}

impl<'a> SenderReport<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Option<SenderReport<'a>> {
        let mut reader = Reader::new(body);
        Some(SenderReport {
            ssrc: Ssrc(reader.u32()?),
            info: SenderInfo { ntp: reader.u64()?, rtp_timestamp: reader.u32()?, packets: reader.u32()?, octets: reader.u32()? },
            reports: blocks(count, reader)?,
        })
    }

    pub fn reports(&self) -> impl ExactSizeIterator<Item = ReportBlock> + 'a {
        self.reports.iter().map(ReportBlock::from_bytes)
    }
}

/// A report of someone who only receives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReceiverReport<'a> {
    pub ssrc: Ssrc,
    reports: &'a [[u8; REPORT_LEN]],
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Option<ReceiverReport<'a>> {
        let mut reader = Reader::new(body);
        Some(ReceiverReport { ssrc: Ssrc(reader.u32()?), reports: blocks(count, reader)? })
    }

    pub fn reports(&self) -> impl ExactSizeIterator<Item = ReportBlock> + 'a {
        self.reports.iter().map(ReportBlock::from_bytes)
    }
}

/// The report blocks that RC promised; what stands behind them is a profile's (RFC 3550 §6.4.3) and not ours.
fn blocks(count: u8, mut reader: Reader<'_>) -> Option<&[[u8; REPORT_LEN]]> {
    let (blocks, _) = reader.slice(REPORT_LEN * usize::from(count))?.as_chunks();
    Some(blocks)
}

/// How one stream arrived at the reporter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: Ssrc,
    /// Lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost since the beginning, 24 bits; duplicates make it negative.
    pub cumulative_lost: i32,
    /// The highest sequence number received, with its count of wraps above.
    pub highest_sequence: u32,
    /// In units of the stream's clock.
    pub jitter: u32,
    /// The middle 32 bits of the last sender report's NTP time; 0 if none came.
    pub last_sender_report: u32,
    /// From that report's arrival to this one's departure, in 65,536ths of a second.
    pub delay_since: u32,
}

impl ReportBlock {
    /// The 24 bits that `cumulative_lost` has (RFC 3550 appendix A.3 clamps).
    const LOST_MIN: i32 = -0x80_0000;
    const LOST_MAX: i32 = 0x7f_ffff;

    fn from_bytes(bytes: &[u8; REPORT_LEN]) -> ReportBlock {
        let [s0, s1, s2, s3, fraction_lost, c0, c1, c2, h0, h1, h2, h3, j0, j1, j2, j3, l0, l1, l2, l3, d0, d1, d2, d3] = *bytes;
        ReportBlock {
            ssrc: Ssrc(u32::from_be_bytes([s0, s1, s2, s3])),
            fraction_lost,
            // Shifted down again, the sign comes along.
            cumulative_lost: i32::from_be_bytes([c0, c1, c2, 0]) >> 8,
            highest_sequence: u32::from_be_bytes([h0, h1, h2, h3]),
            jitter: u32::from_be_bytes([j0, j1, j2, j3]),
            last_sender_report: u32::from_be_bytes([l0, l1, l2, l3]),
            delay_since: u32::from_be_bytes([d0, d1, d2, d3]),
        }
    }

    /// Writes the block; a loss beyond 24 bits stays at their end.
    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Option<()> {
        writer.u32(self.ssrc.0)?;
        writer.u8(self.fraction_lost)?;
        writer.u24(self.cumulative_lost.clamp(Self::LOST_MIN, Self::LOST_MAX).cast_unsigned())?;
        writer.u32(self.highest_sequence)?;
        writer.u32(self.jitter)?;
        writer.u32(self.last_sender_report)?;
        writer.u32(self.delay_since)
    }
}

impl SenderInfo {
    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Option<()> {
        writer.u64(self.ntp)?;
        writer.u32(self.rtp_timestamp)?;
        writer.u32(self.packets)?;
        writer.u32(self.octets)
    }
}
