//! One packet in, one out for each seat that wants it.

use super::egress::{self, Copies, Way};
use super::ingress::Incoming;
use super::leg::Leg;
use super::line::{Line, Shown};
use super::track::Track;
use super::turn::Turn;
use super::watch::Layer;
use crate::base::limits::LAYERS;
use crate::base::{DropReason, Instant, Seat, Seq64};
use crate::link::terms::SourceKind;

/// So many packets may have overtaken the one that a line begins with. More could fill the outbox of a turn; fewer would
/// cut a keyframe off.
const CAUGHT_UP_MAX: usize = 64;

/// A visit's seats.
pub(super) type Seats = [Option<Leg>; Seat::COUNT];

/// Offers a packet of `from` to the line that carries it at every other seat. When the first of what followed from it is
/// due: a keyframe request that is owed, or a look at an estimate.
pub(super) fn forward(seats: &mut Seats, turn: &mut Turn<'_>, from: Seat, packet: &Incoming<'_>) -> Option<Instant> {
    let (sender, receivers) = apart(seats, from)?;
    let track = sender.flow()?.inbound.track(packet.kind)?;

    let mut awaited = Awaited::default();
    let mut due = None;
    for (seat, receiver) in receivers {
        let Some((to, ids)) = receiver.destination() else { continue };
        let Some(flow) = receiver.flow_mut() else { continue };
        let Some(line) = flow.lines.carrying(seat, from, packet.kind) else { continue };
        if packet.replaces {
            line.rest();
        }
        if packet.payload.is_empty() {
            line.skip(packet);
            continue;
        }
        match line.show(turn.now, packet, track) {
            Shown::Sent { stamp, began, switched } => {
                turn.counters.layer_switches += u64::from(switched);
                let copies = earlier(track, turn.now, packet, flow.downlink.redundancy.copies());
                let mut way = Way { to, ids, sealer: &mut flow.sealer, downlink: &mut flow.downlink };
                way.send(turn, line, &stamp, packet, &copies);
                if began && packet.kind != SourceKind::Microphone {
                    catch_up(&mut way, turn, line, track, packet);
                }
                due = sooner(due, flow.downlink.due());
            }
            Shown::Withheld => {}
        }
        awaited.add(line.watch().awaited());
    }
    if packet.payload.is_empty() {
        turn.counters.dropped(DropReason::Padding);
    }
    let owed = awaited.layers().filter_map(|layer| egress::ask_for_keyframe(turn, sender, packet.kind, layer)).min();
    sooner(due, owed)
}

/// A line begins with a packet that may have come late, as a repair: what overtook it was withheld, and follows now.
fn catch_up(way: &mut Way<'_>, turn: &mut Turn<'_>, line: &mut Line, track: &Track, first: &Incoming<'_>) {
    let Some(stream) = track.layer(first.layer) else { return };
    for index in (first.index.0 + 1..=stream.missing.newest().0).take(CAUGHT_UP_MAX) {
        let Some(later) = stream.cache.find(turn.now, Seq64(index)) else { continue };
        if let Shown::Sent { stamp, .. } = line.show(turn.now, &later, track) {
            way.send(turn, line, &stamp, &later, &Copies::default());
        }
    }
}

/// The earlier of two moments, where there are any.
pub(super) fn sooner(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    a.into_iter().chain(b).min()
}

/// So many sounds before this one, oldest first, as far as they are still there.
fn earlier<'a>(track: &'a Track, now: Instant, packet: &Incoming<'_>, copies: usize) -> Copies<'a> {
    let mut found = Copies::default();
    if packet.kind != SourceKind::Microphone {
        return found;
    }
    let Some(stream) = track.layer(packet.layer) else { return found };
    for (place, back) in found.iter_mut().zip((1..=copies as u64).rev()) {
        let cached = packet.index.0.checked_sub(back).and_then(|index| stream.cache.find(now, Seq64(index)));
        *place = cached.map(|cached| (packet.timestamp.wrapping_sub(cached.timestamp), cached.payload));
    }
    found
}

/// The leg that sends, and the others with their seats.
pub(super) fn apart(seats: &mut Seats, sender: Seat) -> Option<(&mut Leg, impl Iterator<Item = (Seat, &mut Leg)>)> {
    let (before, rest) = seats.split_at_mut(sender.index());
    let (own, after) = rest.split_first_mut()?;
    let others = Seat::ALL.into_iter().filter(move |&seat| seat != sender).zip(before.iter_mut().chain(after));
    Some((own.as_mut()?, others.filter_map(|(seat, leg)| Some((seat, leg.as_mut()?)))))
}

/// The layers whose keyframes some line waits for.
#[derive(Clone, Copy, Default)]
struct Awaited([bool; LAYERS]);

impl Awaited {
    fn add(&mut self, layer: Option<Layer>) {
        if let Some(awaited) = layer.and_then(|layer| self.0.get_mut(usize::from(layer))) {
            *awaited = true;
        }
    }

    fn layers(self) -> impl Iterator<Item = Layer> {
        (0..).zip(self.0).filter(|(_, awaited)| *awaited).map(|(layer, _)| layer)
    }
}
