//! Lost packets, both ways: those that receivers miss are sent again from the cache, those that we miss are asked for.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::egress::{self, Way};
use super::forward::{Seats, apart};
use super::missing::{ASKED_AT_ONCE, Pace};
use super::track::{ALL_SOURCES, Inbound, place};
use super::turn::Turn;
use crate::base::limits::LAYERS;
use crate::base::{Instant, Seat, Seq16};
use crate::link::terms::{SourceKind, Ssrc};
use crate::media::net::path::Path;
use crate::media::proto::srtp::Sealer;
use crate::media::wire::rtcp::Nack;

/// Packets that one datagram of requests has sent again. More could fill the outbox of a turn; a browser that has lost
/// more asks again.
const REPAIRS_AT_ONCE: usize = 48;

/// A path that loses so many of 256 packets gets each repair twice: a repair that is lost is asked for again only after a
/// browser's idea of a round trip, and the picture stands meanwhile. On a path that loses more, the share that repairs may
/// have is not enough for it.
const TWICE: RangeInclusive<u8> = 3..=18;

/// Two requests for one packet that come closer than this are one.
const APART_MIN: Duration = Duration::from_millis(10);

/// A receiver misses packets of a line: it gets those that are still there. (RFC 4585 §6.2.1)
pub(super) fn answer(seats: &mut Seats, turn: &mut Turn<'_>, seat: Seat, screen: Option<Seat>, nack: &Nack<'_>, left: &mut Left) {
    let bound = seats[seat.index()].as_ref().and_then(|leg| leg.flow()?.lines.by_ssrc(seat, nack.media));
    let Some(sender) = bound.and_then(|(_, bound)| bound.or(screen)).filter(|&sender| sender != seat) else { return };
    let Some((sender, mut receivers)) = apart(seats, sender) else { return };
    let Some((_, receiver)) = receivers.find(|(known, _)| *known == seat) else { return };
    let Some((to, ids)) = receiver.destination() else { return };
    let (Some(sender), Some(flow)) = (sender.flow(), receiver.flow_mut()) else { return };
    let apart = flow.downlink.likely_round_trip().max(APART_MIN);
    let Some(line) = flow.lines.by_ssrc_mut(nack.media) else { return };
    let shown = line.watch().shown();
    let Some(track) = sender.inbound.track(line.kind) else { return };
    for number in nack.lost() {
        if left.0 == 0 {
            return;
        }
        let Some(history) = &mut line.history else { return };
        let Some(repair) = history.missed(turn.now, number, apart) else { continue };
        // What a switch has left behind is of no use to who has the keyframe of another layer.
        if shown != Some(repair.layer) {
            continue;
        }
        let Some(packet) = track.layer(repair.layer).and_then(|stream| stream.cache.find(turn.now, repair.source)) else {
            continue;
        };
        let mut way = Way { to, ids, sealer: &mut flow.sealer, downlink: &mut flow.downlink };
        let sent = way.send_again(turn, line, &repair.stamp, &packet);
        if !sent {
            return;
        }
        if TWICE.contains(&way.downlink.loss()) {
            way.send_again(turn, line, &repair.stamp, &packet);
        }
        left.0 -= 1;
    }
}

/// How many packets may still be sent again for one datagram.
pub(super) struct Left(usize);

impl Default for Left {
    fn default() -> Left {
        Left(REPAIRS_AT_ONCE)
    }
}

/// Asks `seat` for what is missing of the layers that somebody looks at; of the others it is forgotten.
pub(super) fn ask(seats: &mut Seats, turn: &mut Turn<'_>, seat: Seat, screen: Option<Seat>) {
    let watched = ALL_SOURCES.map(|kind| watched(seats, seat, kind, screen));
    let Some(leg) = seats[seat.index()].as_mut() else { return };
    let Some((to, _)) = leg.destination() else { return };
    let Some(flow) = leg.flow_mut() else { return };
    let pace = flow.downlink.pace();
    for kind in ALL_SOURCES {
        let Some(track) = flow.inbound.track_mut(kind).filter(|track| track.takes_nacks()) else { continue };
        for (layer, watched) in (0u8..).zip(watched[place(kind)]) {
            let Some(stream) = track.layer_mut(layer) else { continue };
            if !watched {
                stream.missing.forget();
                continue;
            }
            while stream.missing.due(pace).is_some_and(|due| due <= turn.now) {
                let mut numbers = [Seq16(0); ASKED_AT_ONCE];
                let count = stream.missing.ask(turn.now, pace, &mut numbers);
                send_nack(turn, to, &mut flow.sealer, flow.ssrc, stream.ssrc, &numbers[..count]);
            }
        }
    }
}

fn send_nack(turn: &mut Turn<'_>, to: Path, sealer: &mut Sealer, ours: Ssrc, theirs: Ssrc, numbers: &[Seq16]) {
    egress::send_rtcp(turn, to, sealer, |writer| {
        // Sixty-four numbers take at most 268 bytes: a fresh slot has room.
        let _ = writer.nack(ours, theirs, numbers);
    });
}

/// Which layers of this source some line shows, or waits for.
fn watched(seats: &Seats, sender: Seat, kind: SourceKind, screen: Option<Seat>) -> [bool; LAYERS] {
    let mut watched = [false; LAYERS];
    for receiver in Seat::ALL.into_iter().filter(|&receiver| receiver != sender) {
        let Some(flow) = seats[receiver.index()].as_ref().and_then(|leg| leg.flow()) else { continue };
        for (line, bound) in flow.lines.bound(receiver) {
            if line.kind == kind && bound.or(screen) == Some(sender) {
                let watch = line.watch();
                for layer in watch.shown().into_iter().chain(watch.awaited()) {
                    watched[usize::from(layer)] = true;
                }
            }
        }
    }
    watched
}

/// When [`ask`] is due.
pub(super) fn due(inbound: &Inbound, pace: Pace) -> Option<Instant> {
    inbound.nacked().filter_map(|stream| stream.missing.due(pace)).min()
}
