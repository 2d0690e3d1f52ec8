//! The last step: into the outbox's slot, sealed there.
//!
//! A payload is copied once, from the buffer it was received in (or the cache) to the slot it is sent from.

use super::downlink::Downlink;
use super::ingress::Incoming;
use super::leg::Leg;
use super::line::Line;
use super::redundancy::Redundancy;
use super::rewrite::Stamp;
use super::turn::Turn;
use super::watch::{ALL_LAYERS, Layer};
use crate::base::Instant;
use crate::link::terms::{ExtensionIds, SourceKind, Ssrc};
use crate::media::net::path::Path;
use crate::media::proto::bwe::{Content, Name};
use crate::media::proto::srtp::Sealer;
use crate::media::wire::ext::Outgoing;
use crate::media::wire::payload::red;
use crate::media::wire::rtcp::RtcpWriter;
use crate::media::wire::rtp::{HeaderFields, set_padding, write_header};

/// Bytes of one RTCP packet in the clear: with its trailer it passes every path that a browser's media passes.
const RTCP_MAX: usize = 1_200;

/// What a packet takes on the wire beyond its payload, about: IP and UDP, the RTP header with its extensions, the tag.
const OVERHEAD: usize = 28 + 24 + 16;

/// Copies of earlier sounds, oldest first: how many ticks earlier, and the sound.
pub(super) type Copies<'a> = [Option<(u32, &'a [u8])>; Redundancy::COPIES_MAX];

/// Which of the copies of one repair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RepairCopy {
    Another,
    Last,
}

/// What packets to one leg leave by.
pub(super) struct Way<'a> {
    pub(super) to: Path,
    pub(super) ids: ExtensionIds,
    pub(super) sealer: &'a mut Sealer,
    pub(super) downlink: &'a mut Downlink,
}

impl Way<'_> {
    /// Sends one packet on one line, with `copies` of earlier ones where the receiver takes them. Whether it went.
    pub(super) fn send(
        &mut self,
        turn: &mut Turn<'_>,
        line: &mut Line,
        stamp: &Stamp,
        packet: &Incoming<'_>,
        copies: &Copies<'_>,
    ) -> bool {
        let red = line.red_payload_type.filter(|_| copies.iter().any(Option::is_some));
        let fields = HeaderFields {
            marker: packet.marker,
            payload_type: red.unwrap_or(line.payload_type),
            sequence: stamp.index.wrapped(),
            timestamp: stamp.timestamp,
            ssrc: line.ssrc,
        };
        let copied: usize =
            copies.iter().flatten().filter(|_| red.is_some()).map(|(_, sound)| red::overhead(1, sound.len())).sum();
        let bytes = packet.payload.len() + copied + OVERHEAD;
        let Way { ids, sealer, downlink, .. } = self;
        let (now, line_ref) = (turn.now, &*line);
        let sent = turn.send(self.to, |slot| {
            let name = line_ref.name(stamp);
            let extensions = numbered(packet, line_ref.transport_cc, downlink, now, bytes, name);
            let header_len = write_header(slot, &fields, &extensions, ids)?;
            let payload = slot.get_mut(header_len..)?;
            let payload_len = if red.is_some() {
                red::write(payload, line_ref.payload_type, copies.iter().flatten().copied(), packet.payload)?
            } else {
                write_payload(payload, packet, stamp)?
            };
            sealer.seal_rtp(line_ref.slot, stamp.index, slot, header_len, header_len + payload_len).ok()
        });
        if sent {
            turn.counters.forwarded += 1;
            line.sent(turn.now, packet, stamp);
            self.downlink.allowance.sent(bytes);
        }
        sent
    }

    /// Sends a packet of one line again, on its repair stream (RFC 4588 §4); where another copy follows, that one is watched
    /// in its stead. Whether it went.
    pub(super) fn send_again(
        &mut self,
        turn: &mut Turn<'_>,
        line: &mut Line,
        stamp: &Stamp,
        packet: &Incoming<'_>,
        copy: RepairCopy,
    ) -> bool {
        let transport_cc = line.transport_cc;
        let name = line.name(stamp).filter(|_| copy == RepairCopy::Last);
        let Some(rtx) = &mut line.rtx else { return false };
        let bytes = packet.payload.len() + OVERHEAD;
        if !self.downlink.may_repair(bytes) {
            return false;
        }
        let fields = HeaderFields {
            marker: packet.marker,
            payload_type: rtx.payload_type,
            sequence: rtx.next.wrapped(),
            timestamp: stamp.timestamp,
            ssrc: rtx.ssrc,
        };
        let Way { ids, sealer, downlink, .. } = self;
        let now = turn.now;
        let sent = turn.send(self.to, |slot| {
            let extensions = numbered(packet, transport_cc, downlink, now, bytes, name);
            let header_len = write_header(slot, &fields, &extensions, ids)?;
            let (original, payload) = slot.get_mut(header_len..)?.split_first_chunk_mut::<2>()?;
            // RFC 4588 §4: the payload begins with the original sequence number.
            *original = stamp.index.wrapped().0.to_be_bytes();
            let len = header_len + original.len() + write_payload(payload, packet, stamp)?;
            sealer.seal_rtp(rtx.slot, rtx.next, slot, header_len, len).ok()
        });
        rtx.next = rtx.next.next();
        turn.counters.repaired += u64::from(sent);
        self.downlink.repairs += u64::from(sent);
        sent
    }

    /// Sends a packet of nothing but padding on the repair stream of a line. Whether it went.
    pub(super) fn send_padding(&mut self, turn: &mut Turn<'_>, line: &mut Line, bytes: u8) -> bool {
        let Some(rtx) = &mut line.rtx else { return false };
        let fields = HeaderFields {
            marker: false,
            payload_type: rtx.payload_type,
            sequence: rtx.next.wrapped(),
            timestamp: 0,
            ssrc: rtx.ssrc,
        };
        let Way { ids, sealer, downlink, .. } = self;
        let now = turn.now;
        let sent = turn.send(self.to, |slot| {
            let number = downlink.number(now, usize::from(bytes) + OVERHEAD, Content::Padding);
            let extensions = Outgoing { transport_cc: number.map(|number| number.0), ..Default::default() };
            let header_len = write_header(slot, &fields, &extensions, ids)?;
            let len = set_padding(slot, header_len, bytes)?;
            sealer.seal_rtp(rtx.slot, rtx.next, slot, header_len, len).ok()
        });
        rtx.next = rtx.next.next();
        sent
    }
}

/// What a receiver is told beside the payload, with the transport-wide number of so many bytes where the line has them.
fn numbered(
    packet: &Incoming<'_>,
    transport_cc: bool,
    downlink: &mut Downlink,
    now: Instant,
    bytes: usize,
    name: Option<Name>,
) -> Outgoing<'static> {
    let content = name.map_or(Content::Media, Content::Named);
    let number = if transport_cc { downlink.number(now, bytes, content) } else { None };
    Outgoing { transport_cc: number.map(|number| number.0), ..packet.extensions }
}

/// Writes a payload as it is called on its line; says how long it is. None if it does not fit.
fn write_payload(into: &mut [u8], packet: &Incoming<'_>, stamp: &Stamp) -> Option<usize> {
    let payload = into.get_mut(..packet.payload.len())?;
    payload.copy_from_slice(packet.payload);
    if let (Some(descriptor), Some(picture)) = (&packet.picture, stamp.picture) {
        descriptor.rewrite(payload, picture.id, picture.tl0_index, picture.key_index);
    }
    Some(payload.len())
}

/// Sends what `write` says as one RTCP packet; nothing, if it says nothing.
pub(super) fn send_rtcp(turn: &mut Turn<'_>, to: Path, sealer: &mut Sealer, write: impl FnOnce(&mut RtcpWriter<'_>)) -> bool {
    turn.send(to, |slot| {
        let mut writer = RtcpWriter::new(slot.get_mut(..RTCP_MAX)?);
        write(&mut writer);
        let len = writer.len();
        if len == 0 { None } else { sealer.seal_rtcp(slot, len).ok() }
    })
}

/// Sends what the estimate of this leg's downlink would try.
pub(super) fn send_probes(turn: &mut Turn<'_>, receiver: &mut Leg) {
    let Some((to, ids)) = receiver.destination() else { return };
    let Some(flow) = receiver.flow_mut() else { return };
    while let Some(padding) = flow.downlink.poll_probe(turn.now) {
        let Some(line) = flow.lines.padded() else { return };
        let mut way = Way { to, ids, sealer: &mut flow.sealer, downlink: &mut flow.downlink };
        if !way.send_padding(turn, line, padding.bytes) {
            return;
        }
    }
}

/// Passes a wish for a keyframe through the layer's door, and to the sender if the door lets it. When it may
/// leave, if it has to wait.
pub(super) fn ask_for_keyframe(turn: &mut Turn<'_>, sender: &mut Leg, kind: SourceKind, layer: Layer) -> Option<Instant> {
    let (to, _) = sender.destination()?;
    let flow = sender.flow_mut()?;
    let track = flow.inbound.track_mut(kind)?;
    if let Some(ssrc) = track.ask_for_keyframe(turn.now, layer) {
        request_keyframe(turn, to, &mut flow.sealer, flow.ssrc, ssrc);
    }
    track.keyframe_due(layer)
}

/// Sends the requests that had to wait until now.
pub(super) fn send_owed_keyframe_requests(turn: &mut Turn<'_>, sender: &mut Leg) {
    let Some((to, _)) = sender.destination() else { return };
    let Some(flow) = sender.flow_mut() else { return };
    for track in flow.inbound.tracks_mut() {
        for layer in ALL_LAYERS {
            if let Some(ssrc) = track.owed_keyframe(turn.now, layer) {
                request_keyframe(turn, to, &mut flow.sealer, flow.ssrc, ssrc);
            }
        }
    }
}

/// RFC 4585 §6.3.1.
pub(super) fn request_keyframe(turn: &mut Turn<'_>, to: Path, sealer: &mut Sealer, ours: Ssrc, theirs: Ssrc) {
    let sent = send_rtcp(turn, to, sealer, |writer| {
        // A fresh slot has room for one PLI.
        let _ = writer.pli(ours, theirs);
    });
    turn.counters.keyframe_requests += u64::from(sent);
}
