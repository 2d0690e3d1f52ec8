//! What a leg tells us in RTCP: clocks of its tracks, farewells, what arrived and what did not, and wishes for keyframes.
//!
//! A receiver speaks of the lines it receives and a sender of the streams it sends; a block about any other
//! SSRC finds nothing here and moves nothing.

use super::clock::{Ntp, StreamClock};
use super::egress;
use super::forward::{Seats, apart};
use super::leg::Leg;
use super::line::LINES;
use super::repair::{self, Left};
use super::turn::Turn;
use super::watch::Layer;
use crate::base::{DropReason, Seat};
use crate::link::terms::{SourceKind, Ssrc};
use crate::media::wire::rtcp::{Block, Compound, ReportBlock, SenderInfo};

/// Opens a compound packet of `seat` and does what it says. Whether it told what arrived, so that its path is to be shared
/// anew.
pub(super) fn handle(seats: &mut Seats, turn: &mut Turn<'_>, seat: Seat, screen: Option<Seat>, datagram: &mut [u8]) -> bool {
    let Some(leg) = seats[seat.index()].as_mut() else { return false };
    let Some(flow) = leg.flow_mut() else {
        turn.counters.dropped(DropReason::NoKeys);
        return false;
    };
    if !flow.bucket.allows(turn.now, datagram.len()) {
        turn.counters.dropped(DropReason::TooMuch);
        return false;
    }
    let len = match flow.opener.open_rtcp(datagram) {
        Ok(len) => len,
        Err(reason) => {
            turn.counters.dropped(reason);
            return false;
        }
    };
    flow.bucket.take(datagram.len());
    flow.heard = turn.now;

    let mut wishes = Wishes::default();
    let (mut told, mut missed) = (false, false);
    for block in Compound::new(datagram.get(..len).unwrap_or_default()) {
        match block {
            Ok(Block::SenderReport(report)) => {
                learn(leg, turn, report.ssrc, &report.info);
                report.reports().for_each(|report| hear(leg, turn, &report));
            }
            Ok(Block::Bye(bye)) => bye.ssrcs().for_each(|ssrc| stop(leg, ssrc)),
            Ok(Block::Pli(pli)) => wishes.add(leg, seat, pli.media),
            Ok(Block::Fir(fir)) => fir.entries().for_each(|entry| wishes.add(leg, seat, entry.ssrc)),
            Ok(Block::ReceiverReport(report)) => report.reports().for_each(|report| hear(leg, turn, &report)),
            Ok(Block::TransportCc(arrivals)) => {
                if let Some(flow) = leg.flow_mut() {
                    flow.downlink.hear_arrivals(turn.now, &arrivals);
                    told = true;
                }
            }
            // Answered below, when all seats are at hand.
            Ok(Block::Nack(_)) => missed = true,
            // A bandwidth that the receiver has reckoned is for senders that cannot reckon it themselves.
            Ok(Block::Sdes | Block::Remb(_) | Block::Unknown(_)) => {}
            Err(_) => turn.counters.dropped(DropReason::RtcpMalformed),
        }
    }
    for wish in wishes.0.into_iter().flatten() {
        pass_on(seats, turn, seat, screen, wish);
    }
    if told {
        repair::mend(seats, turn, seat, screen);
    }
    if missed {
        let mut left = Left::default();
        for block in Compound::new(datagram.get(..len).unwrap_or_default()) {
            if let Ok(Block::Nack(nack)) = block {
                repair::answer(seats, turn, seat, screen, &nack, &mut left);
            }
        }
    }
    told
}

/// How a line arrives.
fn hear(leg: &mut Leg, turn: &Turn<'_>, report: &ReportBlock) {
    let Some(flow) = leg.flow_mut() else { return };
    if let Some(line) = flow.lines.by_ssrc_mut(report.ssrc) {
        line.lost = u32::try_from(report.cumulative_lost).unwrap_or(0);
        flow.downlink.hear_report(turn.now, report);
    }
}

/// A sender's clock.
fn learn(leg: &mut Leg, turn: &Turn<'_>, ssrc: Ssrc, info: &SenderInfo) {
    let Some(flow) = leg.flow_mut() else { return };
    let Some((_, stream)) = flow.inbound.streams_mut().find(|(_, stream)| stream.ssrc == ssrc) else { return };
    let ntp = Ntp(info.ntp);
    // RFC 3550 §6.4.1: "A sender that has no notion of wallclock or elapsed time MAY set the NTP timestamp to zero."
    if ntp == Ntp(0) {
        return;
    }
    stream.clock = Some(StreamClock { ntp, rtp: info.rtp_timestamp, arrived: turn.now });
    flow.clock.learn(turn.now, ntp);
}

/// A stream's farewell: it does not arrive any more, until it does.
fn stop(leg: &mut Leg, ssrc: Ssrc) {
    let Some(flow) = leg.flow_mut() else { return };
    if let Some((_, stream)) = flow.inbound.streams_mut().find(|(_, stream)| stream.ssrc == ssrc) {
        stream.delivered = None;
    }
}

/// The lines of which one packet asked keyframes: at most each once, however often it named them.
#[derive(Default)]
struct Wishes([Option<Wish>; LINES]);

/// One line, the seat it is bound to (none for the screen), and the layer it would have a keyframe of.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Wish {
    ssrc: Ssrc,
    bound: Option<Seat>,
    kind: SourceKind,
    layer: Layer,
}

impl Wishes {
    fn add(&mut self, leg: &Leg, seat: Seat, ssrc: Ssrc) {
        let Some((line, bound)) = leg.flow().and_then(|flow| flow.lines.by_ssrc(seat, ssrc)) else { return };
        let Some(layer) = line.watch().mended_by() else { return };
        let wish = Some(Wish { ssrc, bound, kind: line.kind, layer });
        if self.0.contains(&wish) {
            return;
        }
        if let Some(free) = self.0.iter_mut().find(|wish| wish.is_none()) {
            *free = wish;
        }
    }
}

/// Takes a wish to the door of the layer that stands behind the line.
fn pass_on(seats: &mut Seats, turn: &mut Turn<'_>, seat: Seat, screen: Option<Seat>, wish: Wish) {
    let Some(sender) = wish.bound.or(screen).filter(|&sender| sender != seat) else { return };
    if wish.kind == SourceKind::Microphone {
        return;
    }
    if let Some((sender, _)) = apart(seats, sender) {
        egress::ask_for_keyframe(turn, sender, wish.kind, wish.layer);
    }
}
