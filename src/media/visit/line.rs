//! What a seat receives: lines, each one continuous stream, whoever and whichever layer stands behind it.

use super::ingress::Incoming;
use super::rewrite::{Rewriter, Stamp};
use super::track::Track;
use super::watch::{Layer, Verdict, Watch};
use crate::base::{Instant, Seat};
use crate::link::terms::{OutboundLine, SourceKind, Ssrc};
use crate::media::proto::srtp::{OutboundSlot, Sealer};

use super::random::Random;

/// Three of sound, three of pictures, one screen.
pub(super) const LINES: usize = 7;

/// One outbound stream of one leg.
pub(super) struct Line {
    pub(super) kind: SourceKind,
    pub(super) payload_type: u8,
    pub(super) ssrc: Ssrc,
    pub(super) slot: OutboundSlot,
    pub(super) rewriter: Rewriter,
    watch: Watch,
    /// What was sent, for sender reports: packets, and bytes of payload.
    pub(super) packets: u32,
    pub(super) octets: u32,
}

/// What becomes of a packet on a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shown {
    /// It goes out like this. `switched` says that it is the first of another layer than before.
    Sent { stamp: Stamp, switched: bool },
    /// It does not.
    Withheld,
}

impl Line {
    /// Offers a packet of the track that this line carries.
    pub(super) fn show(&mut self, now: Instant, packet: &Incoming<'_>, track: &Track) -> Shown {
        self.watch.want(track.best(now));
        let switched = match self.watch.judge(packet.layer, packet.begins) {
            Verdict::Withhold => return Shown::Withheld,
            Verdict::Continue => false,
            Verdict::Begin { after } => {
                let before = after.zip(self.rewriter.newest_input());
                let captured = before.and_then(|before| track.captured_between(before, (packet.layer, packet.timestamp)));
                self.rewriter.begin(now, packet, captured);
                after.is_some()
            }
        };
        match self.rewriter.stamp(now, packet) {
            Some(stamp) => Shown::Sent { stamp, switched },
            None => Shown::Withheld,
        }
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
    }

    /// Somebody just joined: this layer is the first to see. Its next keyframe begins.
    pub(super) fn wait_for(&mut self, layer: Layer) {
        self.watch.want(Some(layer));
    }

    pub(super) fn watch(&self) -> Watch {
        self.watch
    }

    /// A packet went out.
    pub(super) fn sent(&mut self, payload: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload as u32);
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
            let Some(slot) = sealer.register(terms.ssrc) else { continue };
            let rewriter = match terms.kind {
                SourceKind::Microphone => Rewriter::of_sound(random),
                SourceKind::Camera | SourceKind::Screen => Rewriter::of_pictures(random),
            };
            lines.0[place] = Some(Line {
                kind: terms.kind,
                payload_type: terms.payload_type,
                ssrc: terms.ssrc,
                slot,
                rewriter,
                watch: Watch::Idle,
                packets: 0,
                octets: 0,
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
