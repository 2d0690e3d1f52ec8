//! How a leg fares, for whoever asks.

use super::flow::Flow;
use super::forward::Seats;
use super::leg::Leg;
use super::timeline::SOUND_RATE;
use crate::base::Seat;
use crate::link::terms::SourceKind;
use crate::link::{Downlink, LegFacts, Uplink};

/// The facts of the leg of this seat, once it is connected.
pub(super) fn facts(seats: &Seats, seat: Seat) -> Option<LegFacts> {
    let leg = seats[seat.index()].as_ref()?;
    let flow = leg.flow()?;
    Some(LegFacts { leg: Leg::id(leg), uplink: uplink(flow), downlink: downlink(flow, seat), wanted: flow.demand.told() })
}

fn uplink(flow: &Flow) -> Uplink {
    let mut uplink = Uplink::default();
    for (kind, stream) in flow.inbound.streams() {
        let (received, missing) = stream.reception.tally();
        let repaired = stream.missing.repairs();
        uplink.packets += received + repaired;
        uplink.lost += missing.saturating_sub(repaired);
        uplink.repaired += repaired;
        if kind == SourceKind::Microphone {
            let micros = u64::from(stream.reception.jitter()) * 1_000_000 / u64::from(SOUND_RATE);
            uplink.jitter_us = u32::try_from(micros).unwrap_or(u32::MAX);
        }
    }
    uplink
}

fn downlink(flow: &Flow, seat: Seat) -> Downlink {
    let down = &flow.downlink;
    let micros = |time: std::time::Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
    let mut downlink = Downlink {
        repairs: down.repairs,
        round_trip_us: down.round_trip().map(micros),
        estimate_bps: down.estimate().map_or(0, |estimate| estimate.bps()),
        paused: down.paused,
        redundant: down.redundancy.copies() > 0,
        ..Downlink::default()
    };
    for (line, bound) in flow.lines.bound(seat) {
        downlink.packets += u64::from(line.packets);
        downlink.lost += u64::from(line.lost);
        if let (SourceKind::Camera, Some(sender)) = (line.kind, bound) {
            downlink.layers[sender.index()] = line.watch().shown();
        }
    }
    downlink
}
