//! What a leg sends us: tracks, each of one source, each of up to three layers.

use std::time::Duration;

use super::budget::TEMPORAL_LAYERS;
use super::cache::Cache;
use super::clock::StreamClock;
use super::forward::sooner;
use super::keyframes::Door;
use super::meter::Meter;
use super::missing::{Missing, Pace};
use super::reception::Reception;
use super::timeline::{PICTURE_RATE, SOUND_RATE};
use super::watch::Layer;
use crate::base::limits::{LAYERS, STREAMS_PER_LEG};
use crate::base::{Instant, Seq64};
use crate::link::terms::{InboundLine, LegTerms, Rid, SourceKind, Ssrc};
use crate::media::proto::srtp::InboundSlot;
use crate::media::wire::allocation::Allocation;
use crate::media::wire::ext::Extensions;
use crate::media::wire::rtp::Header;

/// A layer without packets for this long does not arrive. Longer would keep a frozen picture for that much
/// longer when a layer stops; shorter would take the 200 ms between the frames of a dark, slow camera, or one
/// lost burst, for an end.
pub(super) const LAYER_REST: Duration = Duration::from_millis(500);

/// A layer does not arrive either when the lowest one goes on without it for so many frames, unless its sender has said so
/// before: an encoder makes all layers of a frame together. More would keep a picture frozen that much longer when its
/// sender's path grows narrow; fewer would take frames that an encoder left out for an end.
const OVERTAKEN: u8 = 5;

/// It may have ended when it lags by so many: one is missing, and one is on its way. The best layer that does come is wanted from then on,
/// until this one goes on. Its keyframe takes a round trip: more would keep the picture standing for that much longer; fewer would take
/// the way in which the layers of one frame follow each other for an end.
const LAGGING: u8 = 2;

const _: () = assert!(LAGGING < OVERTAKEN);

/// A layer that has stopped and come again is believed in when it has come for so long. Longer would keep a picture coarse
/// after one bad moment of its sender; shorter would follow each swing, and each way costs a keyframe.
const STEADY: Duration = Duration::from_secs(8);

/// How many sources a leg has: microphone, camera, screen.
pub(super) const SOURCES: usize = 3;

/// All sources, in the order of their places.
pub(super) const ALL_SOURCES: [SourceKind; SOURCES] = [SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen];

/// A source's place in arrays of [`SOURCES`].
pub(super) const fn place(kind: SourceKind) -> usize {
    match kind {
        SourceKind::Microphone => 0,
        SourceKind::Camera => 1,
        SourceKind::Screen => 2,
    }
}

/// Ticks per second of a source's timestamps.
pub(super) const fn rate(kind: SourceKind) -> u32 {
    match kind {
        SourceKind::Microphone => SOUND_RATE,
        SourceKind::Camera | SourceKind::Screen => PICTURE_RATE,
    }
}

/// One source of one leg.
pub(super) struct Track {
    line: InboundLine,
    /// None until its stream is known.
    layers: [Option<LayerStream>; LAYERS],
    /// When a keyframe of any layer was last asked for.
    asked: Option<Instant>,
}

/// One simulcast encoding, as it arrives.
pub(super) struct LayerStream {
    pub(super) ssrc: Ssrc,
    /// When its newest packet with a payload came; None after it said goodbye.
    pub(super) delivered: Option<Instant>,
    /// Frames of the lowest layer that began since.
    overtaken: u8,
    /// Its sender has said that it makes no more of it.
    given_up: bool,
    /// When a keyframe of it began last, or it lagged and went on nevertheless.
    trusted: Option<Instant>,
    /// When it came again after it had stopped, and whether it may well stop again; none since its beginning.
    returned: Option<(Instant, bool)>,
    door: Door,
    /// Its newest sender report.
    pub(super) clock: Option<StreamClock>,
    pub(super) reception: Reception,
    pub(super) missing: Missing,
    pub(super) cache: Cache,
    /// What each of its temporal layers carries.
    meters: [Meter; TEMPORAL_LAYERS],
    /// Rows of its picture, once a keyframe has told.
    pub(super) height: Option<u16>,
}

impl LayerStream {
    fn new(now: Instant, kind: SourceKind, layer: Layer, header: &Header, index: Seq64) -> LayerStream {
        LayerStream {
            ssrc: header.ssrc,
            delivered: None,
            overtaken: 0,
            given_up: false,
            trusted: None,
            returned: None,
            door: Door::default(),
            clock: None,
            reception: Reception::new(now, rate(kind), index, header.timestamp),
            missing: Missing::new(index),
            cache: Cache::new(kind, layer),
            meters: Default::default(),
            height: None,
        }
    }

    /// A packet of this temporal layer came, so many bytes on the wire.
    pub(super) fn measure(&mut self, now: Instant, temporal: u8, bytes: usize) {
        let highest = self.meters.len() - 1;
        self.meters[usize::from(temporal).min(highest)].take(now, bytes);
    }

    /// Bits per second of each temporal layer.
    pub(super) fn rates(&self, now: Instant) -> [u64; TEMPORAL_LAYERS] {
        self.meters.each_ref().map(|meter| meter.bits_per_second(now))
    }

    /// Whether its packets come at present.
    pub(super) fn arrives(&self, now: Instant) -> bool {
        !self.stopped() && self.delivered.is_some_and(|at| now.since(at) < LAYER_REST)
    }

    /// Whether it is to be shown: it arrives, and does not look as if it had just ended. An encoder leaves out frames after a keyframe, which
    /// was large, and another one would make it leave out more: soon after one nothing is made of what lags.
    fn goes_on(&self, now: Instant) -> bool {
        let lags = self.overtaken >= LAGGING && self.trusted.is_none_or(|at| now.since(at) >= STEADY);
        self.arrives(now) && !lags
    }

    /// Whether others go on without it.
    fn stopped(&self) -> bool {
        self.given_up || self.overtaken >= OVERTAKEN
    }

    /// Whether it came again after it had stopped, so short ago that it may well stop again: a sender whose own path sways
    /// gives a layer up and takes it up again every few seconds.
    pub(super) fn is_unsteady(&self, now: Instant) -> bool {
        self.returned.is_some_and(|(at, doubted)| doubted && now.since(at) < STEADY)
    }

    /// A keyframe of it begins.
    pub(super) fn keyframe(&mut self, now: Instant) {
        self.trusted = Some(now);
        self.door.keyframe();
    }

    /// When something that is missing is to be asked for, or a keyframe in its stead.
    pub(super) fn repair_due(&self, pace: Pace) -> Option<Instant> {
        let keyframe = if self.missing.is_broken() { self.door.opens() } else { None };
        sooner(self.missing.due(pace), keyframe)
    }

    /// A packet of it came; the first since somebody `asked` for it, maybe.
    pub(super) fn deliver(&mut self, now: Instant, starts_frame: bool, asked: bool) {
        // A camera that was off altogether begins anew.
        if self.stopped() {
            // What was on its way when its sender gave it up says nothing.
            if !starts_frame {
                return;
            }
            // One moment in which the sender thinks too little of its path is no swing; the next one soon after is.
            let again = self.returned.is_some_and(|(at, _)| now.since(at) < STEADY);
            let doubted = !asked && (again || self.overtaken >= OVERTAKEN);
            (self.returned, self.given_up) = (Some((now, doubted)), false);
        } else if self.overtaken >= LAGGING {
            self.trusted = Some(now);
        }
        (self.delivered, self.overtaken) = (Some(now), 0);
    }
}

/// What an SSRC carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Media {
        kind: SourceKind,
        layer: Layer,
    },
    /// RTX (RFC 4588) of that layer.
    Repair {
        kind: SourceKind,
        layer: Layer,
    },
}

/// The tracks of one leg, and which stream belongs to which.
pub(super) struct Inbound {
    tracks: [Option<Track>; SOURCES],
    roles: [Option<Role>; STREAMS_PER_LEG],
}

impl Inbound {
    /// The first line of each kind that the terms name.
    pub(super) fn new(terms: &LegTerms) -> Inbound {
        let first = |kind| terms.inbound.iter().find(|line| line.kind == kind);
        let track = |kind| first(kind).map(|line| Track { line: line.clone(), layers: [const { None }; LAYERS], asked: None });
        Inbound { tracks: ALL_SOURCES.map(track), roles: [None; STREAMS_PER_LEG] }
    }

    pub(super) fn track(&self, kind: SourceKind) -> Option<&Track> {
        self.tracks[place(kind)].as_ref()
    }

    pub(super) fn track_mut(&mut self, kind: SourceKind) -> Option<&mut Track> {
        self.tracks[place(kind)].as_mut()
    }

    /// What the stream in this slot carries.
    pub(super) fn role(&self, slot: InboundSlot) -> Option<Role> {
        self.roles.get(usize::from(slot.0)).copied().flatten()
    }

    /// What an authenticated packet of an unknown stream says that it carries: its SSRC was announced, or it
    /// names a negotiated mid, and where the mid has encodings, one of their rids (RFC 8843 §9.2, RFC 8852).
    pub(super) fn identify(&self, header: &Header, extensions: &Extensions<'_>) -> Option<Role> {
        self.tracks.iter().flatten().find_map(|track| track.identify(header, extensions))
    }

    /// From now on the stream in this slot has this role. Whether it took the place of another stream.
    pub(super) fn admit(&mut self, slot: InboundSlot, role: Role, header: &Header, index: Seq64, now: Instant) -> bool {
        if let Some(known) = self.roles.get_mut(usize::from(slot.0)) {
            *known = Some(role);
        }
        let Role::Media { kind, layer } = role else { return false };
        let stream = LayerStream::new(now, kind, layer, header, index);
        let track = self.tracks[place(kind)].as_mut();
        track.and_then(|track| track.layers.get_mut(usize::from(layer))).is_some_and(|place| place.replace(stream).is_some())
    }

    /// Whether this SSRC no longer carries what it once did: a newer stream came with the same names.
    pub(super) fn is_replaced(&self, role: Role, ssrc: Ssrc) -> bool {
        let Role::Media { kind, layer } = role else { return false };
        self.track(kind).and_then(|track| track.layer(layer)).is_none_or(|stream| stream.ssrc != ssrc)
    }

    /// All streams that carry media, for looking at.
    pub(super) fn streams(&self) -> impl Iterator<Item = (SourceKind, &LayerStream)> {
        let tracks = self.tracks.iter().flatten();
        tracks.flat_map(|track| track.layers.iter().flatten().map(|layer| (track.line.kind, layer)))
    }

    /// Every track that is there.
    pub(super) fn tracks_mut(&mut self) -> impl Iterator<Item = &mut Track> {
        self.tracks.iter_mut().flatten()
    }

    /// All streams that carry media.
    pub(super) fn streams_mut(&mut self) -> impl Iterator<Item = (SourceKind, &mut LayerStream)> {
        let tracks = self.tracks.iter_mut().flatten();
        tracks.flat_map(|track| track.layers.iter_mut().flatten().map(|layer| (track.line.kind, layer)))
    }

    /// The streams whose lost packets may be asked for.
    pub(super) fn nacked(&self) -> impl Iterator<Item = &LayerStream> {
        let tracks = self.tracks.iter().flatten().filter(|track| track.takes_nacks());
        tracks.flat_map(|track| track.layers.iter().flatten())
    }

    /// Whether feedback on transport-wide numbers was negotiated at all.
    pub(super) fn transport_cc(&self) -> bool {
        self.tracks.iter().flatten().any(|track| track.line.transport_cc)
    }

    /// When the next owed keyframe request may leave.
    pub(super) fn keyframe_due(&self) -> Option<Instant> {
        let layers = self.tracks.iter().flatten().flat_map(|track| track.layers.iter().flatten());
        layers.filter_map(|layer| layer.door.due()).min()
    }
}

impl Track {
    fn identify(&self, header: &Header, extensions: &Extensions<'_>) -> Option<Role> {
        let line = &self.line;
        let role = |layer| Role::Media { kind: line.kind, layer };
        let repair = |layer| Role::Repair { kind: line.kind, layer };
        if line.rtx_ssrc == Some(header.ssrc) {
            return Some(repair(0));
        }
        let named = extensions.mid == Some(line.mid.as_str().as_bytes());
        if !named && line.ssrc != Some(header.ssrc) {
            return None;
        }
        let is_repair = line.rtx_payload_type == Some(header.payload_type);
        if line.rids.is_empty() {
            return Some(if is_repair { repair(0) } else { role(0) });
        }
        if is_repair {
            return extensions.repaired_rid.and_then(|rid| find(&line.rids, rid)).map(repair);
        }
        extensions.rid.and_then(|rid| find(&line.rids, rid)).map(role)
    }

    /// Whether packets of this type are of the codec that was agreed on.
    pub(super) fn carries(&self, payload_type: u8) -> bool {
        self.line.payload_type == payload_type
    }

    /// Whether packets of this type carry RED (RFC 2198) of that codec.
    pub(super) fn wraps(&self, payload_type: u8) -> bool {
        self.line.red_payload_type == Some(payload_type)
    }

    /// Whether packets of this type are repairs.
    pub(super) fn repairs(&self, payload_type: u8) -> bool {
        self.line.rtx_payload_type == Some(payload_type)
    }

    /// Whether lost packets may be asked for.
    pub(super) fn takes_nacks(&self) -> bool {
        self.line.nack
    }

    /// Whether it has several layers.
    pub(super) fn is_simulcast(&self) -> bool {
        self.line.rids.len() > 1
    }

    pub(super) fn layer(&self, layer: Layer) -> Option<&LayerStream> {
        self.layers.get(usize::from(layer))?.as_ref()
    }

    pub(super) fn layer_mut(&mut self, layer: Layer) -> Option<&mut LayerStream> {
        self.layers.get_mut(usize::from(layer))?.as_mut()
    }

    /// Its sender says, on this layer, which ones it makes: what it has given up is not waited for.
    pub(super) fn hear(&mut self, layer: Layer, told: &Allocation) {
        let rids = &self.line.rids;
        let believed = self.line.tells_layers && rids.get(usize::from(told.stream)).is_some_and(|own| own.layer == layer);
        if !believed {
            return;
        }
        for (number, rid) in rids.iter().enumerate() {
            if let Some(Some(stream)) = self.layers.get_mut(usize::from(rid.layer))
                && !told.makes(number)
            {
                stream.given_up = true;
            }
        }
    }

    /// A frame of the lowest layer begins: the others should come along.
    pub(super) fn overtake(&mut self) {
        for layer in self.layers.iter_mut().skip(1).flatten() {
            layer.overtaken = layer.overtaken.saturating_add(1);
        }
    }

    /// Somebody wants a keyframe of this layer: what a request is to go to now, if one may leave.
    pub(super) fn ask_for_keyframe(&mut self, now: Instant, layer: Layer) -> Option<Ssrc> {
        self.request(now, layer, Door::ask)
    }

    /// What the request for this layer that had to wait is to go to, if it may leave now.
    pub(super) fn owed_keyframe(&mut self, now: Instant, layer: Layer) -> Option<Ssrc> {
        self.request(now, layer, Door::leaves)
    }

    fn request(&mut self, now: Instant, layer: Layer, opens: fn(&mut Door, Instant, Option<Instant>) -> bool) -> Option<Ssrc> {
        let last = self.asked;
        let stream = self.layer_mut(layer)?;
        let ssrc = stream.ssrc;
        opens(&mut stream.door, now, last).then(|| {
            self.asked = Some(now);
            ssrc
        })
    }

    /// When a request for this layer that had to wait may leave.
    pub(super) fn keyframe_due(&self, layer: Layer) -> Option<Instant> {
        self.layer(layer)?.door.due()
    }

    /// The best layer that goes on, up to this one.
    pub(super) fn best(&self, now: Instant, most: Layer) -> Option<Layer> {
        let layers = self.layers.get(..=usize::from(most)).unwrap_or(&self.layers);
        let best = layers.iter().rposition(|layer| layer.as_ref().is_some_and(|layer| layer.goes_on(now)))?;
        Layer::try_from(best).ok()
    }

    /// When anything of it came last.
    pub(super) fn delivered(&self) -> Option<Instant> {
        self.layers.iter().flatten().filter_map(|layer| layer.delivered).max()
    }

    /// How long after `before` (of one layer) `after` (of another) was captured, if both layers' clocks are known.
    pub(super) fn captured_between(&self, before: (Layer, u32), after: (Layer, u32)) -> Option<i64> {
        let captured = |(layer, timestamp)| {
            let clock = self.layer(layer)?.clock?;
            Some(clock.captured_nanos(timestamp, rate(self.line.kind)))
        };
        captured(after)?.checked_sub(captured(before)?)
    }
}

fn find(rids: &[Rid], id: &[u8]) -> Option<Layer> {
    let layer = rids.iter().find(|rid| rid.id.as_bytes() == id)?.layer;
    (usize::from(layer) < LAYERS).then_some(layer)
}
