//! What one bot receives: every packet is counted by its clear header, and some are opened and looked at.

use bytes::Bytes;
use rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtcp::reception_report::ReceptionReport;
use rtcp::sender_report::SenderReport;
use webrtc_srtp::context::Context;
use webrtc_util::marshal::Unmarshal;

use crate::media::arrivals::Arrivals;
use crate::media::mix::{RTX, TOP};
use crate::media::offer::{Kind, Line};
use crate::media::stamp::{self, Stamp};
use crate::media::tally::Tally;

/// One packet of so many is opened: opening all would cost more than a core.
pub const OPENED_ONE_IN: u64 = 16;

/// What comes to one leg.
pub struct Receiver {
    visit: u32,
    open: Context,
    streams: Vec<Stream>,
    transport_cc: Option<u8>,
    pub arrivals: Arrivals,
    seen: u64,
}

/// One line.
struct Stream {
    line: Line,
    /// The next packet's number, unwrapped; none before the first.
    next: Option<u64>,
    lost: i64,
    /// Of the last packet that was opened: its own number, and its stream.
    last: Option<(u64, u32, u8)>,
    /// The middle of the last sender report's NTP time, and when it came.
    reported: Option<(u32, u64)>,
    /// When the seat behind it offered, if its first packet is awaited.
    joined: Option<u64>,
}

/// What the server wants of a leg.
pub enum Wish {
    Keyframe(u32),
}

impl Receiver {
    pub fn new(visit: u32, open: Context, lines: Vec<Line>, transport_cc: Option<u8>) -> Receiver {
        let streams = lines
            .into_iter()
            .map(|line| Stream { line, next: None, lost: 0, last: None, reported: None, joined: None })
            .collect();
        Receiver { visit, open, streams, transport_cc, arrivals: Arrivals::default(), seen: 0 }
    }

    /// Somebody takes this seat anew, and offered at `at`.
    pub fn await_seat(&mut self, seat: u8, at: u64) {
        for stream in self.streams.iter_mut().filter(|stream| stream.line.from == seat) {
            stream.joined = Some(at);
            stream.next = None;
            stream.last = None;
        }
    }

    /// A packet of RTP that the kernel had at `at`.
    pub fn rtp(&mut self, datagram: &[u8], at: u64, tally: &mut Tally) {
        let Some(header) = datagram.first_chunk::<12>() else { return };
        let number = u16::from_be_bytes([header[2], header[3]]);
        let ssrc = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
        if let Some(number) = self.transport_cc.and_then(|id| transport_number(datagram, id)) {
            self.arrivals.take(number, at);
        }
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.line.ssrc == ssrc) else {
            if header[1] & 0x7f == RTX {
                tally.repairs += 1;
            } else {
                tally.faults.unknown += 1;
            }
            return;
        };
        tally.received += 1;
        tally.bytes_received += datagram.len() as u64;
        let joined = stream.joined.take();
        let next = stream.next.unwrap_or_else(|| 0x1_0000 + u64::from(number));
        let index = nearest(next, number);
        let lost = if index >= next { (index - next) as i64 } else { -1 };
        stream.next = Some(next.max(index + 1));
        stream.lost += lost;
        tally.lost += lost;
        self.seen += 1;
        if self.seen.is_multiple_of(OPENED_ONE_IN) {
            tally.opened += 1;
            look(&mut self.open, stream, self.visit, index, datagram, at, tally);
        }
        if let Some(offered) = joined {
            let _ = tally.joins.record(at.saturating_sub(offered));
            // One packet is enough, of whichever kind.
            self.streams.iter_mut().filter(|stream| stream.joined == joined).for_each(|stream| stream.joined = None);
        }
    }

    /// Control packets: what they want.
    pub fn rtcp(&mut self, datagram: &[u8], at: u64, mut wish: impl FnMut(Wish)) {
        // Transport feedback, most of what comes, says nothing that a bot would follow.
        if datagram.get(1).is_none_or(|&kind| kind == 205) {
            return;
        }
        let Ok(mut plain) = self.open.decrypt_rtcp(datagram) else { return };
        let Ok(packets) = rtcp::packet::unmarshal(&mut plain) else { return };
        for packet in packets {
            let packet = packet.as_any();
            if let Some(pli) = packet.downcast_ref::<PictureLossIndication>() {
                wish(Wish::Keyframe(pli.media_ssrc));
            } else if let Some(fir) = packet.downcast_ref::<FullIntraRequest>() {
                fir.fir.iter().for_each(|entry| wish(Wish::Keyframe(entry.ssrc)));
            } else if let Some(report) = packet.downcast_ref::<SenderReport>()
                && let Some(stream) = self.streams.iter_mut().find(|stream| stream.line.ssrc == report.ssrc)
            {
                stream.reported = Some(((report.ntp_time >> 16) as u32, at));
            }
        }
    }

    /// What receiver reports say of the lines (RFC 3550 §6.4.1).
    pub fn reports(&self, now: u64) -> Vec<ReceptionReport> {
        let report = |stream: &Stream| {
            let (last_sender_report, delay) = stream.reported.map_or((0, 0), |(middle, at)| {
                let delay = u128::from(now.saturating_sub(at)) * 65_536 / 1_000_000_000;
                (middle, u32::try_from(delay).unwrap_or(u32::MAX))
            });
            Some(ReceptionReport {
                ssrc: stream.line.ssrc,
                fraction_lost: 0,
                total_lost: u32::try_from(stream.lost).unwrap_or(0) & 0x7f_ffff,
                last_sequence_number: (stream.next? - 1) as u32,
                jitter: 0,
                last_sender_report,
                delay,
            })
        };
        self.streams.iter().filter_map(report).collect()
    }

    /// An SSRC that this leg receives, for feedback that must name one.
    pub fn any_ssrc(&self) -> u32 {
        self.streams.iter().find(|stream| stream.line.kind == Kind::Video).map_or(0, |stream| stream.line.ssrc)
    }
}

/// Opens a packet, and sees whether it is what its line should carry.
fn look(open: &mut Context, stream: &mut Stream, visit: u32, index: u64, datagram: &[u8], at: u64, tally: &mut Tally) {
    let Ok(mut plain) = open.decrypt_rtp(datagram) else {
        tally.faults.unopened += 1;
        return;
    };
    let own = |stamp: &Stamp| {
        let expected = match stream.line.kind {
            Kind::Audio => 0..=0,
            Kind::Video => 1..=TOP as u8 + 1,
        };
        (stamp.visit, stamp.seat) == (visit, stream.line.from) && expected.contains(&stamp.stream)
    };
    let Some(stamp) = stamp_of(&mut plain, stream.line.kind).filter(own) else {
        tally.faults.foreign += 1;
        return;
    };
    if let Some((before, number, layer)) = stream.last
        && layer == stamp.stream
        && (index > before) != (stamp.number > number)
    {
        tally.faults.disordered += 1;
    }
    stream.last = Some((index, stamp.number, stamp.stream));
    if stream.line.kind == Kind::Video {
        tally.pictures += 1;
        tally.pictures_of_top += u64::from(usize::from(stamp.stream) == 1 + TOP);
    }
    let _ = tally.latency.record(at.saturating_sub(stamp.sent));
}

/// What an opened packet says of itself; none if a byte is not as it was written.
fn stamp_of(plain: &mut Bytes, kind: Kind) -> Option<Stamp> {
    let packet = rtp::packet::Packet::unmarshal(plain).ok()?;
    let start = match kind {
        Kind::Audio => 0,
        Kind::Video => stamp::offset_of(&packet.payload)?,
    };
    Stamp::read(packet.payload.get(start..)?)
}

/// The number nearest to `expected` that ends in these 16 bits (RFC 3550 §A.1).
pub fn nearest(expected: u64, low: u16) -> u64 {
    let difference = low.wrapping_sub(expected as u16) as i16;
    expected.saturating_add_signed(difference.into())
}

/// The transport-wide number in the header extensions (RFC 8285 §4.2, one-byte form).
fn transport_number(packet: &[u8], id: u8) -> Option<u16> {
    if packet[0] & 0x10 == 0 {
        return None;
    }
    let start = 12 + 4 * usize::from(packet[0] & 0x0f);
    let words = u16::from_be_bytes([*packet.get(start + 2)?, *packet.get(start + 3)?]);
    if packet.get(start..start + 2)? != [0xbe, 0xde] {
        return None;
    }
    let mut rest = packet.get(start + 4..start + 4 + 4 * usize::from(words))?;
    while let [head, after @ ..] = rest {
        if *head == 0 {
            rest = after;
            continue;
        }
        let len = usize::from(head & 0x0f) + 1;
        if head >> 4 == id {
            return Some(u16::from_be_bytes([*after.first()?, *after.get(1)?]));
        }
        rest = after.get(len..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unwrapped_across_the_wrap_and_back() {
        for (expected, low, index) in
            [(0x1_0000, 0, 0x1_0000), (0x1_ffff, 0, 0x2_0000), (0x2_0000, 0xffff, 0x1_ffff), (70_000, 4_464, 70_000)]
        {
            assert_eq!(nearest(expected, low), index, "{expected} {low}");
        }
    }

    #[test]
    fn the_transport_wide_number_is_found_among_other_extensions() {
        let mut packet = vec![0x90; 12];
        packet.extend([0xbe, 0xde, 0, 2, 0x40, b'1', 0, 0x31, 0xab, 0xcd, 0, 0]);
        assert_eq!(transport_number(&packet, 3), Some(0xabcd));
        assert_eq!(transport_number(&packet, 5), None);
        assert_eq!(transport_number(&packet[..20], 3), None, "cut short");
    }
}
