//! The last step: into the outbox's slot, sealed there.
//!
//! A payload is copied once, from the buffer it was received in to the slot it is sent from.

use super::ingress::Incoming;
use super::leg::Leg;
use super::line::Line;
use super::rewrite::Stamp;
use super::turn::Turn;
use super::watch::Layer;
use crate::base::Instant;
use crate::link::terms::{ExtensionIds, SourceKind, Ssrc};
use crate::media::net::path::Path;
use crate::media::proto::srtp::Sealer;
use crate::media::wire::rtcp::RtcpWriter;
use crate::media::wire::rtp::{HeaderFields, write_header};

/// Bytes of one RTCP packet in the clear: with its trailer it passes every path that a browser's media passes.
const RTCP_MAX: usize = 1_200;

/// Sends one packet on one line. Whether it went.
pub(super) fn send(
    turn: &mut Turn<'_>,
    to: Path,
    sealer: &mut Sealer,
    ids: &ExtensionIds,
    line: &Line,
    stamp: &Stamp,
    packet: &Incoming<'_>,
) -> bool {
    let fields = HeaderFields {
        marker: packet.marker,
        payload_type: line.payload_type,
        sequence: stamp.index.wrapped(),
        timestamp: stamp.timestamp,
        ssrc: line.ssrc,
    };
    let sent = turn.send(to, |slot| {
        let header_len = write_header(slot, &fields, &packet.extensions, ids)?;
        let len = header_len + packet.payload.len();
        let payload = slot.get_mut(header_len..len)?;
        payload.copy_from_slice(packet.payload);
        if let (Some(descriptor), Some(picture)) = (&packet.picture, stamp.picture) {
            descriptor.rewrite(payload, picture.id, picture.tl0_index, picture.key_index);
        }
        sealer.seal_rtp(line.slot, stamp.index, slot, header_len, len).ok()
    });
    turn.counters.forwarded += u64::from(sent);
    sent
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

/// Passes a wish for a keyframe through the layer's door, and to the sender if the door lets it. When it may
/// leave, if it has to wait.
pub(super) fn ask_for_keyframe(turn: &mut Turn<'_>, sender: &mut Leg, kind: SourceKind, layer: Layer) -> Option<Instant> {
    let (to, _) = sender.destination()?;
    let flow = sender.flow_mut()?;
    let stream = flow.inbound.track_mut(kind)?.layer_mut(layer)?;
    if stream.door.ask(turn.now) {
        request_keyframe(turn, to, &mut flow.sealer, flow.ssrc, stream.ssrc);
    }
    stream.door.due()
}

/// Sends the requests that had to wait until now.
pub(super) fn send_owed_keyframe_requests(turn: &mut Turn<'_>, sender: &mut Leg) {
    let Some((to, _)) = sender.destination() else { return };
    let Some(flow) = sender.flow_mut() else { return };
    for (_, stream) in flow.inbound.streams_mut() {
        if stream.door.leaves(turn.now) {
            request_keyframe(turn, to, &mut flow.sealer, flow.ssrc, stream.ssrc);
        }
    }
}

/// RFC 4585 §6.3.1.
fn request_keyframe(turn: &mut Turn<'_>, to: Path, sealer: &mut Sealer, ours: Ssrc, theirs: Ssrc) {
    let sent = send_rtcp(turn, to, sealer, |writer| {
        // A fresh slot has room for one PLI.
        let _ = writer.pli(ours, theirs);
    });
    turn.counters.keyframe_requests += u64::from(sent);
}
