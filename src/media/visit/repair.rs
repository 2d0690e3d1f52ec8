//! Lost packets, both ways: those that receivers miss are sent again from the cache, those that we miss are asked for.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::egress::{self, RepairCopy, Way};
use super::forward::{Seats, apart};
use super::missing::{ASKED_AT_ONCE, Pace};
use super::sent::Told;
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

/// A path that loses so many of 256 packets gets each repair twice: that a repair was lost is known only a round trip later,
/// and the picture stands meanwhile. On a path that loses fewer, that is too rare to pay for; on one that loses more, the
/// share that repairs may have is not enough for it.
const TWICE: RangeInclusive<u8> = 3..=18;

/// Two requests for one packet that come closer than this are one.
const APART_MIN: Duration = Duration::from_millis(10);

/// A receiver misses packets of a line: it gets those that are still there. (RFC 4585 §6.2.1)
pub(super) fn answer(seats: &mut Seats, turn: &mut Turn<'_>, seat: Seat, screen: Option<Seat>, nack: &Nack<'_>, left: &mut Left) {
    let Some(flow) = seats[seat.index()].as_ref().and_then(|leg| leg.flow()) else { return };
    let apart = (flow.downlink.likely_round_trip() * 3 / 4).max(APART_MIN);
    let lost = nack.lost().map(|number| (number, Told::Asked { apart }));
    send_again(seats, turn, seat, screen, nack.media, lost, left);
}

/// A receiver has told what arrived: what did not is sent again before it is asked for, and so is a repair that was lost.
pub(super) fn mend(seats: &mut Seats, turn: &mut Turn<'_>, seat: Seat, screen: Option<Seat>) {
    let mut left = Left::default();
    loop {
        let Some(flow) = seats[seat.index()].as_mut().and_then(|leg| leg.flow_mut()) else { return };
        let Some((sent, name)) = flow.downlink.poll_missing() else { return };
        let Some((media, number)) = flow.lines.named(name) else { continue };
        send_again(seats, turn, seat, screen, media, [(number, Told::Lost { sent })], &mut left);
    }
}

/// Sends packets of the line `media` again, as far as they are still there and of use.
fn send_again(
    seats: &mut Seats,
    turn: &mut Turn<'_>,
    seat: Seat,
    screen: Option<Seat>,
    media: Ssrc,
    lost: impl IntoIterator<Item = (Seq16, Told)>,
    left: &mut Left,
) {
    let bound = seats[seat.index()].as_ref().and_then(|leg| leg.flow()?.lines.by_ssrc(seat, media));
    let Some(sender) = bound.and_then(|(_, bound)| bound.or(screen)).filter(|&sender| sender != seat) else { return };
    let Some((sender, mut receivers)) = apart(seats, sender) else { return };
    let Some((_, receiver)) = receivers.find(|(known, _)| *known == seat) else { return };
    let Some((to, ids)) = receiver.destination() else { return };
    let Some(flow) = receiver.flow_mut() else { return };
    let overdue = flow.downlink.pace().overdue();
    let Some(line) = flow.lines.by_ssrc_mut(media) else { return };
    let shown = line.watch().shown();
    let mut keyframe = None;
    for (number, told) in lost {
        let Some(track) = sender.flow().and_then(|flow| flow.inbound.track(line.kind)) else { return };
        if left.0 == 0 {
            break;
        }
        let Some(history) = &line.history else { return };
        let Some(repair) = history.missed(turn.now, number, told) else { continue };
        // What a switch has left behind is of no use to who has the keyframe of another layer.
        if shown != Some(repair.layer) {
            continue;
        }
        if repair.missed_for >= overdue {
            keyframe = line.watch().mended_by();
        }
        let Some(packet) = track.layer(repair.layer).and_then(|stream| stream.cache.find_newest(turn.now, repair.source)) else {
            continue;
        };
        let mut way = Way { to, ids, sealer: &mut flow.sealer, downlink: &mut flow.downlink };
        let is_twice = TWICE.contains(&way.downlink.loss());
        if is_twice && !way.send_again(turn, line, &repair.stamp, &packet, RepairCopy::Another) {
            break;
        }
        if !way.send_again(turn, line, &repair.stamp, &packet, RepairCopy::Last) && !is_twice {
            break;
        }
        if let Some(history) = &mut line.history {
            history.repaired(turn.now, repair.stamp.index);
        }
        left.0 -= 1;
    }
    // Browsers say only after three seconds that their picture stands.
    if let Some(layer) = keyframe {
        egress::ask_for_keyframe(turn, sender, line.kind, layer);
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
            if kind == SourceKind::Microphone {
                // Sound has no keyframes.
                stream.missing.mend();
            } else if stream.missing.overdue(turn.now, pace)
                && let Some(ssrc) = track.ask_for_keyframe(turn.now, layer)
            {
                egress::request_keyframe(turn, to, &mut flow.sealer, flow.ssrc, ssrc);
                if let Some(stream) = track.layer_mut(layer) {
                    stream.missing.keyframe_asked();
                }
            }
            let Some(stream) = track.layer_mut(layer) else { continue };
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
    inbound.nacked().filter_map(|stream| stream.repair_due(pace)).min()
}
