//! What a seat receives: lines, each one continuous stream, whoever and whichever layer stands behind it.

use std::num::NonZeroU8;

use super::budget::Step;
use super::ingress::Incoming;
use super::random::Random;
use super::rewrite::{Rewriter, Stamp};
use super::sent::Sent;
use super::track::Track;
use super::watch::{Layer, Verdict, Watch};
use crate::base::{Instant, Seat, Seq16, Seq64};
use crate::link::terms::{OutboundLine, SourceKind, Ssrc};
use crate::media::proto::bwe::Name;
use crate::media::proto::srtp::{OutboundSlot, Sealer};

/// Three of sound, three of pictures, one screen.
pub(super) const LINES: usize = 7;

const _: () = assert!(LINES <= Name::LINES);

/// One outbound stream of one leg.
pub(super) struct Line {
    pub(super) kind: SourceKind,
    /// Its place among the lines, counted from one.
    pub(super) place: NonZeroU8,
    pub(super) payload_type: u8,
    /// Where the receiver takes sound with copies in it.
    pub(super) red_payload_type: Option<u8>,
    pub(super) ssrc: Ssrc,
    pub(super) slot: OutboundSlot,
    /// Whether its packets carry transport-wide numbers.
    pub(super) transport_cc: bool,
    pub(super) rtx: Option<Rtx>,
    pub(super) rewriter: Rewriter,
    /// Of pictures that can be sent again.
    pub(super) history: Option<Sent>,
    watch: Watch,
    /// What it may show at most; none withholds the picture.
    limit: Option<Step>,
    /// Up to which temporal layer frames go on now.
    temporal: u8,
    /// What was sent, for sender reports: packets, and bytes of payload.
    pub(super) packets: u32,
    pub(super) octets: u32,
    /// Packets that did not arrive, as the receiver reported last.
    pub(super) lost: u32,
}

/// The stream by which lost packets of a line are sent again (RFC 4588).
pub(super) struct Rtx {
    pub(super) payload_type: u8,
    pub(super) ssrc: Ssrc,
    pub(super) slot: OutboundSlot,
    pub(super) next: Seq64,
}

/// What becomes of a packet on a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shown {
    /// It goes out like this. `began` says that the line begins with it, `switched` that it showed another layer before.
    Sent { stamp: Stamp, began: bool, switched: bool },
    /// It does not.
    Withheld,
}

impl Line {
    /// Offers a packet of the track that this line carries.
    pub(super) fn show(&mut self, now: Instant, packet: &Incoming<'_>, track: &Track) -> Shown {
        let Some(limit) = self.limit else { return Shown::Withheld };
        self.watch.want(track.best(now, limit.layer));
        if packet.layer > limit.layer && self.watch.shown() != Some(packet.layer) {
            return Shown::Withheld;
        }
        let (began, switched) = match self.watch.judge(packet.layer, packet.begins) {
            Verdict::Withhold => return Shown::Withheld,
            Verdict::Continue => (false, false),
            Verdict::Begin { after } => {
                let before = after.zip(self.rewriter.newest_input());
                let captured = before.and_then(|before| track.captured_between(before, (packet.layer, packet.timestamp)));
                self.rewriter.begin(now, packet, captured);
                self.temporal = self.temporal_limit(packet.layer);
                (true, after.is_some())
            }
        };
        if self.sheds(packet) {
            self.rewriter.withhold(packet);
            return Shown::Withheld;
        }
        match self.rewriter.stamp(now, packet) {
            Some(stamp) => Shown::Sent { stamp, began, switched },
            None => Shown::Withheld,
        }
    }

    /// Whether this packet is of a temporal layer that the line does not show now. Fewer are shown from the next frame
    /// on; one more from the frame that says that it needs nothing of what was left out (RFC 7741 §4.2: Y).
    fn sheds(&mut self, packet: &Incoming<'_>) -> bool {
        let Some(picture) = packet.picture else { return false };
        let Some(of) = picture.temporal_layer.map(|layer| layer.min(Step::whole(0).temporal)) else { return false };
        let limit = self.temporal_limit(packet.layer);
        if picture.starts_frame {
            let one_more = of == self.temporal + 1 && of <= limit && picture.layer_sync;
            self.temporal = if one_more { of } else { self.temporal.min(limit) };
        }
        of > self.temporal
    }

    /// Up to which temporal layer this layer may be shown. One that is about to be left, for a lower one, keeps its frames.
    fn temporal_limit(&self, layer: Layer) -> u8 {
        let limit = self.limit.filter(|limit| limit.layer <= layer);
        limit.map_or(Step::whole(layer).temporal, |limit| limit.temporal)
    }

    /// What it may show from now on. `urgent` says that the path carries no more: what is above stops at once, and the
    /// picture stands until the keyframe of what is allowed.
    pub(super) fn allow(&mut self, limit: Option<Step>, urgent: bool) {
        self.limit = limit;
        let Some(limit) = limit else {
            self.watch = Watch::Idle;
            self.rewriter.end();
            return;
        };
        if urgent && self.watch.shown().is_some_and(|shown| shown > limit.layer) {
            self.watch.want(Some(limit.layer));
            self.watch.hold();
        }
    }

    pub(super) fn limit(&self) -> Option<Step> {
        self.limit
    }

    /// A packet of what is shown was not meant for receivers.
    pub(super) fn skip(&mut self, packet: &Incoming<'_>) {
        if self.watch.shown() == Some(packet.layer) {
            self.rewriter.skip(packet.index);
        }
    }

    /// What stood behind the line is gone, or muted. Whatever comes next begins.
    pub(super) fn rest(&mut self) {
        self.watch = Watch::Idle;
        self.rewriter.end();
        if let Some(history) = &mut self.history {
            history.forget();
        }
    }

    /// Somebody just joined: this layer is the first to see. Its next keyframe begins.
    pub(super) fn wait_for(&mut self, layer: Layer) {
        self.watch.want(Some(layer));
    }

    pub(super) fn watch(&self) -> Watch {
        self.watch
    }

    /// What a packet is called in what the receiver tells of arrivals; none where it cannot be sent again.
    pub(super) fn name(&self, stamp: &Stamp) -> Option<Name> {
        let [.., number] = stamp.index.0.to_be_bytes();
        self.history.is_some().then_some(Name { line: self.place, number })
    }

    /// A packet went out under this name.
    pub(super) fn sent(&mut self, now: Instant, packet: &Incoming<'_>, stamp: &Stamp) {
        if let Some(history) = &mut self.history {
            history.note(now, packet.layer, packet.index, stamp);
            if packet.begins {
                history.begins(stamp.index);
            }
        }
        let payload = packet.payload.len();
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(u32::try_from(payload).unwrap_or(0));
    }
}

/// The lines of one leg, by place.
pub(super) struct Lines([Option<Line>; LINES]);

impl Lines {
    /// Those of the terms that have a place; the first where two claim one.
    pub(super) fn new(terms: &[OutboundLine], sealer: &mut Sealer, random: &mut Random) -> Lines {
        let mut lines = Lines([const { None }; LINES]);
        for terms in terms {
            let Some(place) = place(terms.kind, usize::from(terms.line)) else { continue };
            if lines.0[place].is_some() {
                continue;
            }
            let Some(counted) = u8::try_from(place + 1).ok().and_then(NonZeroU8::new) else { continue };
            let Some(slot) = sealer.register(terms.ssrc) else { continue };
            let rtx = terms.rtx_payload_type.zip(terms.rtx_ssrc).and_then(|(payload_type, ssrc)| {
                let slot = sealer.register(ssrc)?;
                Some(Rtx { payload_type, ssrc, slot, next: Seq64(random.fifteen().into()) })
            });
            let rewriter = match terms.kind {
                SourceKind::Microphone => Rewriter::of_sound(random),
                SourceKind::Camera | SourceKind::Screen => Rewriter::of_pictures(random),
            };
            lines.0[place] = Some(Line {
                kind: terms.kind,
                place: counted,
                payload_type: terms.payload_type,
                red_payload_type: terms.red_payload_type,
                ssrc: terms.ssrc,
                slot,
                transport_cc: terms.transport_cc,
                history: rtx.is_some().then(Sent::new),
                rtx,
                rewriter,
                watch: Watch::Idle,
                limit: Some(Step::whole(Step::TOP)),
                temporal: 0,
                packets: 0,
                octets: 0,
                lost: 0,
            });
        }
        lines
    }

    /// The line of `receiver` that carries this source of `sender`.
    pub(super) fn carrying(&mut self, receiver: Seat, sender: Seat, kind: SourceKind) -> Option<&mut Line> {
        let number = match kind {
            SourceKind::Microphone | SourceKind::Camera => receiver.line_of(sender)?,
            SourceKind::Screen => 0,
        };
        self.0[place(kind, number)?].as_mut()
    }

    /// The line of the camera of that number.
    pub(super) fn camera(&self, number: usize) -> Option<&Line> {
        self.0.get(place(SourceKind::Camera, number)?)?.as_ref()
    }

    /// The line of pictures at this place among them: three cameras, then the screen.
    pub(super) fn picture(&mut self, place: usize) -> Option<&mut Line> {
        self.0.get_mut(3 + place)?.as_mut()
    }

    /// A line on whose repair stream padding may go: one that has shown something, if there is one.
    pub(super) fn padded(&mut self) -> Option<&mut Line> {
        let usable = |line: &&mut Line| line.rtx.is_some() && line.transport_cc;
        let best = self.0.iter_mut().flatten().filter(usable).max_by_key(|line| line.packets > 0)?;
        Some(best)
    }

    /// The line that is meant by a name, by its SSRC, and the number there.
    pub(super) fn named(&self, name: Name) -> Option<(Ssrc, Seq16)> {
        let line = self.0.get(usize::from(name.line.get()) - 1)?.as_ref()?;
        Some((line.ssrc, line.history.as_ref()?.ending_in(name.number)))
    }

    /// The line with this SSRC, for sending on it.
    pub(super) fn by_ssrc_mut(&mut self, ssrc: Ssrc) -> Option<&mut Line> {
        self.0.iter_mut().flatten().find(|line| line.ssrc == ssrc)
    }

    /// The line with this SSRC, and the seat it is bound to; none for the screen, which is bound to whoever shares.
    pub(super) fn by_ssrc(&self, receiver: Seat, ssrc: Ssrc) -> Option<(&Line, Option<Seat>)> {
        self.bound(receiver).find(|(line, _)| line.ssrc == ssrc)
    }

    /// All lines, and the seat that each is bound to.
    pub(super) fn bound(&self, receiver: Seat) -> impl Iterator<Item = (&Line, Option<Seat>)> {
        let seat = move |place: usize| (place < 6).then(|| receiver.on_line(place % 3)).flatten();
        self.0.iter().enumerate().filter_map(move |(place, line)| Some((line.as_ref()?, seat(place))))
    }
}

/// Where the line `number` of its kind lies.
fn place(kind: SourceKind, number: usize) -> Option<usize> {
    let (first, count) = match kind {
        SourceKind::Microphone => (0, 3),
        SourceKind::Camera => (3, 3),
        SourceKind::Screen => (6, 1),
    };
    (number < count).then_some(first + number)
}
