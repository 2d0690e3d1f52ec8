//! What we tell a leg about streams: sender reports of its lines, receiver reports of its tracks, and when
//! its packets arrived.

use std::time::Duration;

use super::arrivals::TOLD_AT_ONCE;
use super::clock::Ntp;
use super::egress;
use super::forward::Seats;
use super::leg::Leg;
use super::line::{LINES, Line};
use super::track::{SOURCES, rate};
use super::turn::Turn;
use crate::base::limits::LAYERS;
use crate::base::{Instant, Seat};
use crate::link::terms::Ssrc;
use crate::media::wire::rtcp::{ReportBlock, SenderInfo};

/// From one report to the next. Longer would make lip-sync late after a change of person; shorter would spend
/// more on reports than they tell (RFC 3550 §6.2 asks for at most 5 % of the bandwidth; this is below 0.5 %).
pub(super) const REPORT_INTERVAL: Duration = Duration::from_millis(1_000);

/// Receivers play in step once they have a report of both streams, so the first comes early.
pub(super) const FIRST_REPORT: Duration = Duration::from_millis(500);

/// Tells `seat` how its lines' timestamps lie on our clock, and how its tracks arrive (RFC 3550 §6.4).
pub(super) fn report(seats: &mut Seats, turn: &mut Turn<'_>, seat: Seat, screen: Option<Seat>) {
    let now = turn.now;
    if let Some(flow) = seats[seat.index()].as_mut().and_then(Leg::flow_mut) {
        flow.reports_due = now + REPORT_INTERVAL;
    }
    let mut sender_reports = [None; LINES];
    let mut free = sender_reports.iter_mut();
    if let Some(flow) = seats[seat.index()].as_ref().and_then(Leg::flow) {
        for (line, bound) in flow.lines.bound(seat) {
            let info = bound.or(screen).and_then(|sender| sender_info(seats, now, line, sender));
            if let (Some(info), Some(place)) = (info, free.next()) {
                *place = Some((line.ssrc, info));
            }
        }
    }
    let Some(leg) = seats[seat.index()].as_mut() else { return };
    let Some((to, _)) = leg.destination() else { return };
    let Some(flow) = leg.flow_mut() else { return };
    const NOTHING: ReportBlock = ReportBlock {
        ssrc: Ssrc(0),
        fraction_lost: 0,
        cumulative_lost: 0,
        highest_sequence: 0,
        jitter: 0,
        last_sender_report: 0,
        delay_since: 0,
    };
    let mut blocks = [NOTHING; SOURCES * LAYERS];
    let mut filled = 0;
    let (mut expected, mut lost) = (0, 0);
    for ((_, stream), block) in flow.inbound.streams_mut().zip(&mut blocks) {
        let received = stream.reception.report(now, stream.clock.as_ref());
        *block = ReportBlock {
            ssrc: stream.ssrc,
            fraction_lost: received.fraction_lost,
            cumulative_lost: received.cumulative_lost,
            highest_sequence: received.extended_highest,
            jitter: received.jitter,
            last_sender_report: received.last_report,
            delay_since: received.since_last_report,
        };
        filled += 1;
        expected += received.expected;
        lost += received.lost;
    }
    if !std::mem::take(&mut flow.refused) {
        flow.repairable.count(expected, lost);
    }
    let (ours, cname) = (flow.ssrc, &flow.cname);
    egress::send_rtcp(turn, to, &mut flow.sealer, |writer| {
        // RFC 3550 §6.1: reports first, then who speaks. All of it fits: at most 9 blocks of 24 bytes, 7
        // reports of 28, 8 names. What would not is left out.
        let _ = writer.receiver_report(ours, &blocks[..filled]);
        for (ssrc, info) in sender_reports.iter().flatten() {
            let _ = writer.sender_report(*ssrc, info, &[]);
        }
        let _ = writer.sdes(ours, cname);
        for (ssrc, _) in sender_reports.iter().flatten() {
            let _ = writer.sdes(*ssrc, cname);
        }
    });
}

/// How a line's timestamps lie on our clock now: known once the stream behind it was reported on by its sender.
fn sender_info(seats: &Seats, now: Instant, line: &Line, sender: Seat) -> Option<SenderInfo> {
    let flow = seats[sender.index()].as_ref()?.flow()?;
    let stream = flow.inbound.track(line.kind)?.layer(line.watch().shown()?)?;
    let input = stream.clock?.rtp_at(now, &flow.clock, rate(line.kind));
    Some(SenderInfo {
        ntp: Ntp::of(now).0,
        rtp_timestamp: line.rewriter.line_timestamp(input),
        packets: line.packets,
        octets: line.octets,
    })
}

/// Tells `seat` when its packets arrived, as far as it has not been told.
pub(super) fn tell_arrivals(seats: &mut Seats, turn: &mut Turn<'_>, seat: Seat) {
    let Some(leg) = seats[seat.index()].as_mut() else { return };
    let Some((to, _)) = leg.destination() else { return };
    let Some(flow) = leg.flow_mut() else { return };
    // The numbers span all of the leg's streams; the format wants one of them named. A sender may begin with
    // packets that belong to none: retransmissions, or streams that it never offered.
    let Some(media) = flow.inbound.streams_mut().next().map(|(_, stream)| stream.ssrc) else {
        flow.arrivals.postpone(turn.now);
        return;
    };
    let mut buffer = [None; TOLD_AT_ONCE];
    while let Some((base, ticks)) = flow.arrivals.untold(&mut buffer) {
        let (ours, feedback) = (flow.ssrc, flow.arrivals.feedbacks());
        let mut told = 0;
        egress::send_rtcp(turn, to, &mut flow.sealer, |writer| {
            told = writer.transport_cc(ours, media, base, feedback, ticks);
        });
        // Where no slot is left, what was not told never is: to its sender it is lost.
        flow.arrivals.told(if told == 0 { ticks.len() } else { told });
    }
}
