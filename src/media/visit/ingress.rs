//! A datagram of media becomes a packet of a known track, or a reason why not.
//!
//! The order is the point: nothing is believed before the tag was right; arrival is noted for everything that
//! was, padding and repairs too, because the sender's bandwidth estimate lives on it; only then comes the
//! question whether anybody wants the packet.

use super::flow::Flow;
use super::track::Role;
use super::watch::Layer;
use crate::base::{DropReason, Instant, Seq16, Seq64};
use crate::link::Sources;
use crate::link::terms::{ExtensionIds, SourceKind};
use crate::media::proto::srtp::Opened;
use crate::media::wire::ext::{Extensions, Outgoing};
use crate::media::wire::payload::vp8::Descriptor;
use crate::media::wire::rtp::Header;

/// A packet in the clear, as its sender numbered it.
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

/// Opens a datagram of RTP where it lies, and finds out what it is.
pub(super) fn take<'a>(
    flow: &mut Flow,
    sources: Sources,
    ids: &ExtensionIds,
    now: Instant,
    datagram: &'a mut [u8],
) -> Result<Incoming<'a>, DropReason> {
    let header = Header::parse(datagram).ok_or(DropReason::RtpMalformed)?;
    if !flow.bucket.allows(now, datagram.len()) {
        return Err(DropReason::TooMuch);
    }
    let opened = flow.opener.open_rtp(datagram, &header)?;
    // From here on the packet is the peer's own.
    flow.bucket.take(datagram.len());
    flow.heard = now;
    let packet: &'a [u8] = datagram.get(..opened.len).ok_or(DropReason::RtpMalformed)?;
    let extensions = Extensions::parse(packet, &header, ids);
    if let Some(number) = extensions.transport_cc.filter(|_| flow.transport_cc) {
        flow.arrivals.take(now, Seq16(number));
    }
    let (role, replaces) = stream_of(flow, now, &header, &extensions, &opened)?;
    let Role::Media { kind, layer } = role else { return Err(DropReason::Retransmission) };
    let track = flow.inbound.track_mut(kind).ok_or(DropReason::UnknownStream)?;
    if !track.carries(header.payload_type) {
        return Err(DropReason::UnknownPayload);
    }
    let payload = header.payload(packet).ok_or(DropReason::RtpMalformed)?;
    let picture = match kind {
        SourceKind::Camera | SourceKind::Screen if !payload.is_empty() => {
            Some(Descriptor::parse(payload).ok_or(DropReason::RtpMalformed)?)
        }
        SourceKind::Microphone | SourceKind::Camera | SourceKind::Screen => None,
    };
    let stream = track.layer_mut(layer).ok_or(DropReason::UnknownStream)?;
    stream.reception.take(now, opened.index, header.timestamp);
    if !on(sources, kind) {
        return Err(DropReason::Muted);
    }
    let keyframe = picture.is_some_and(|picture| picture.starts_frame && picture.keyframe);
    if keyframe {
        stream.door.keyframe();
    }
    if !payload.is_empty() {
        stream.delivered = Some(now);
    }
    Ok(Incoming {
        kind,
        layer,
        index: opened.index,
        timestamp: header.timestamp,
        marker: header.marker,
        extensions: extensions.forwarded(),
        payload,
        picture,
        begins: keyframe || kind == SourceKind::Microphone,
        replaces,
    })
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
