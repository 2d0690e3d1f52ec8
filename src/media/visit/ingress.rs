//! A datagram of media becomes a packet of a known track, or a reason why not.
//!
//! The order is the point: nothing is believed before the tag was right; arrival is noted for everything that
//! was, padding and repairs too, because the sender's bandwidth estimate lives on it; only then comes the
//! question whether anybody wants the packet.

use super::flow::Flow;
use super::track::{LayerStream, Role};
use super::watch::Layer;
use crate::base::{DropReason, Instant, Seq16, Seq64};
use crate::link::Sources;
use crate::link::terms::{ExtensionIds, SourceKind};
use crate::media::proto::srtp::Opened;
use crate::media::wire::ext::{Extensions, Outgoing};
use crate::media::wire::payload::red::Red;
use crate::media::wire::payload::vp8::Descriptor;
use crate::media::wire::rtp::Header;

/// A packet in the clear, as its sender numbered it.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub(super) kind: SourceKind,
    pub(super) layer: Layer,
    pub(super) index: Seq64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    /// What of its header extensions receivers are told.
    pub(super) extensions: Outgoing<'static>,
    /// Without padding. Empty if there was nothing else.
    pub(super) payload: &'a [u8],
    /// Of video.
    pub(super) picture: Option<Descriptor>,
    /// A decoder could begin with it: any sound, or the first packet of a keyframe.
    pub(super) begins: bool,
    /// Its stream took the place of another one that carried the same layer.
    pub(super) replaces: bool,
}

/// What a datagram of media held.
pub(super) struct Taken<'a> {
    /// Earlier sounds that had not come, from copies in this packet (RFC 2198), oldest first.
    pub(super) recovered: [Option<Incoming<'a>>; RECOVERED_MAX],
    pub(super) packet: Incoming<'a>,
    /// When its sender is to be asked for what is missing before it.
    pub(super) ask_at: Option<Instant>,
}

/// What a packet takes on the way to a receiver beyond its header and payload: IP and UDP, the tag, a transport-wide number.
const WIRE_OVERHEAD: usize = 28 + 16 + 4;

/// Sounds that one packet gives back: what pages copy on a path that loses many; browsers by themselves copy one or two.
const RECOVERED_MAX: usize = 3;

/// Opens a datagram of RTP where it lies, and finds out what it is. How it came over its path is reckoned by when it `arrived`:
/// how long it waited for its turn is no fault of the path.
pub(super) fn take<'a>(
    flow: &mut Flow,
    sources: Sources,
    ids: &ExtensionIds,
    now: Instant,
    arrived: Instant,
    datagram: &'a mut [u8],
) -> Result<Taken<'a>, DropReason> {
    let header = Header::parse(datagram).ok_or(DropReason::RtpMalformed)?;
    if !flow.bucket.allows(now, datagram.len()) {
        flow.refused = true;
        return Err(DropReason::TooMuch);
    }
    let opened = flow.opener.open_rtp(datagram, &header)?;
    // From here on the packet is the peer's own.
    flow.bucket.take(datagram.len());
    flow.heard = now;
    let packet: &'a [u8] = datagram.get(..opened.len).ok_or(DropReason::RtpMalformed)?;
    let extensions = Extensions::parse(packet, &header, ids);
    if let Some(number) = extensions.transport_cc.filter(|_| flow.transport_cc) {
        flow.arrivals.take(arrived, Seq16(number));
    }
    let (role, replaces) = stream_of(flow, now, &header, &extensions, &opened)?;
    let payload = header.payload(packet).ok_or(DropReason::RtpMalformed)?;
    let (kind, layer) = match role {
        Role::Media { kind, layer } | Role::Repair { kind, layer } => (kind, layer),
    };
    let pace = flow.downlink.pace();
    let track = flow.inbound.track_mut(kind).ok_or(DropReason::UnknownStream)?;
    let is_repair = matches!(role, Role::Repair { .. });
    let wrapped = track.wraps(header.payload_type);
    if !(if is_repair { track.repairs(header.payload_type) } else { wrapped || track.carries(header.payload_type) }) {
        return Err(DropReason::UnknownPayload);
    }
    // What comes as a repair is old, and may have been taken back.
    if let Some(told) = extensions.layers.as_ref().filter(|_| !is_repair) {
        track.hear(layer, told);
    }
    let takes_nacks = track.takes_nacks();
    let stream = track.layer_mut(layer).ok_or(DropReason::UnknownStream)?;
    let (index, payload) = if is_repair {
        // RFC 4588 §4: the original sequence number, then the original payload.
        let (number, payload) = payload.split_first_chunk::<2>().ok_or(DropReason::Padding)?;
        let index = stream.missing.nearest(Seq16(u16::from_be_bytes(*number)));
        if !stream.missing.repaired(index) {
            return Err(DropReason::Retransmission);
        }
        (index, payload)
    } else {
        stream.reception.take(arrived, opened.index, header.timestamp);
        stream.missing.came(now, opened.index);
        (opened.index, payload)
    };
    if !on(sources, kind) {
        return Err(DropReason::Muted);
    }
    let ask_at = if takes_nacks { stream.repair_due(pace) } else { None };
    let packet = Incoming {
        kind,
        layer,
        index,
        timestamp: header.timestamp,
        marker: header.marker,
        extensions: extensions.forwarded(),
        payload,
        picture: None,
        begins: kind == SourceKind::Microphone,
        replaces,
    };
    let (recovered, packet) = match kind {
        SourceKind::Microphone if wrapped => unwrap(packet)?,
        SourceKind::Microphone => ([const { None }; RECOVERED_MAX], packet),
        SourceKind::Camera | SourceKind::Screen => ([const { None }; RECOVERED_MAX], look(now, stream, packet)?),
    };
    let temporal = packet.picture.and_then(|picture| picture.temporal_layer).unwrap_or(0);
    // Of sound what is said: a sender's copies are not sent on, and what lies around it is reckoned where it is shared.
    let bytes = if kind == SourceKind::Microphone { packet.payload.len() } else { opened.len + WIRE_OVERHEAD };
    stream.measure(now, temporal, bytes);
    if packet.payload.is_empty() {
        return Ok(Taken { recovered, packet, ask_at });
    }
    if !is_repair {
        let starts_frame = packet.picture.is_none_or(|picture| picture.starts_frame);
        let asked = starts_frame && kind == SourceKind::Camera && flow.demand.brought_back(layer.into());
        stream.deliver(now, starts_frame, asked);
    }
    let recovered = recovered.map(|earlier| earlier.filter(|earlier| stream.cache.keep(now, earlier)));
    if !stream.cache.keep(now, &packet) {
        return Err(DropReason::Duplicate);
    }
    // A frame that comes late says nothing: others have overtaken it.
    let is_newest = packet.index >= stream.missing.newest();
    if layer == 0 && is_newest && packet.picture.is_some_and(|picture| picture.starts_frame) {
        track.overtake();
    }
    Ok(Taken { recovered, packet, ask_at })
}

/// What a packet of pictures says of itself.
fn look<'a>(now: Instant, stream: &mut LayerStream, packet: Incoming<'a>) -> Result<Incoming<'a>, DropReason> {
    if packet.payload.is_empty() {
        return Ok(packet);
    }
    let picture = Descriptor::parse(packet.payload).ok_or(DropReason::RtpMalformed)?;
    let begins = picture.starts_frame && picture.keyframe;
    if begins {
        stream.keyframe(now);
        stream.missing.begins(packet.index);
        stream.height = picture.frame_size(packet.payload).map(|size| size.height).or(stream.height);
    }
    Ok(Incoming { picture: Some(picture), begins, ..packet })
}

/// A packet of sound with copies in it, as the packets that they are copies of, oldest first, and its own.
fn unwrap(packet: Incoming<'_>) -> Result<([Option<Incoming<'_>>; RECOVERED_MAX], Incoming<'_>), DropReason> {
    let red = Red::parse(packet.payload).ok_or(DropReason::RtpMalformed)?;
    let mut recovered = [const { None }; RECOVERED_MAX];
    let copies = red.copies().count();
    for (copy, back) in red.copies().zip((1..=copies).rev()) {
        let Some(place) = RECOVERED_MAX.checked_sub(back) else { continue };
        let Some(index) = packet.index.0.checked_sub(back as u64) else { continue };
        if copy.payload_type != red.own.payload_type || copy.sound.is_empty() {
            continue;
        }
        recovered[place] = Some(Incoming {
            index: Seq64(index),
            timestamp: packet.timestamp.wrapping_sub(copy.offset),
            payload: copy.sound,
            replaces: false,
            ..packet
        });
    }
    Ok((recovered, Incoming { payload: red.own.sound, ..packet }))
}

/// What the packet's stream carries, and whether it took another's place. State for a new stream is made here
/// and nowhere else, after its packet has authenticated and named what was negotiated.
fn stream_of(
    flow: &mut Flow,
    now: Instant,
    header: &Header,
    extensions: &Extensions<'_>,
    opened: &Opened,
) -> Result<(Role, bool), DropReason> {
    if let Some(slot) = opened.slot {
        let role = flow.inbound.role(slot).ok_or(DropReason::UnknownStream)?;
        return if flow.inbound.is_replaced(role, header.ssrc) { Err(DropReason::UnknownStream) } else { Ok((role, false)) };
    }
    let role = flow.inbound.identify(header, extensions).ok_or(DropReason::UnknownStream)?;
    let slot = flow.opener.admit(header.ssrc, opened.index).ok_or(DropReason::UnknownStream)?;
    let replaces = flow.inbound.admit(slot, role, header, opened.index, now);
    Ok((role, replaces))
}

/// Whether this source may be forwarded.
pub(super) fn on(sources: Sources, kind: SourceKind) -> bool {
    match kind {
        SourceKind::Microphone => sources.microphone,
        SourceKind::Camera => sources.camera,
        SourceKind::Screen => sources.screen,
    }
}
