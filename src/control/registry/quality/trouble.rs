//! What may be wrong with a connection, from when on it is, and how it is said.

use std::fmt;

use jiff::Timestamp;

use super::span::{Share, Span};
use crate::base::Instant;

/// Percent of packets that are missing from somebody's uplink after all repair. Sound hides one or two in a hundred; from
/// three on, words break for everyone else. Less would call every radio link poor.
const UPLINK_LOSS_MIN: f64 = 3.0;
/// Percent of packets that do not arrive at somebody. They are still to be repaired, and most will be, so it takes more
/// of them than of an uplink until it is felt; with many more, the repairs are lost as well.
const DOWNLINK_LOSS_MIN: f64 = 5.0;
/// Packets without which nothing is said of loss: one lost of five is chance. Two seconds of sound are a hundred; who is
/// silent and shows nothing sends fewer than this.
const PACKETS_MIN: u64 = 20;
/// Milliseconds by which sound comes unevenly. Browsers hide up to about twice a packet's 20 ms without a word; a larger
/// bound would miss the stutter of a busy Wi-Fi.
const JITTER_MIN_MS: u64 = 60;
/// Milliseconds there and back from which people begin to talk at the same time (ITU-T G.114 has 400 one way as its
/// limit, and two such legs add up). Less would blame a distant continent, or satellites that do their best.
const ROUND_TRIP_MIN_MS: u64 = 500;
/// Kilobits per second below which a picture does not fit beside sound. A small picture needs about this much; a larger
/// bound would call connections narrow that carry all that is looked at.
const ESTIMATE_MIN_KBPS: u64 = 150;

/// One thing that may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Packets of the person do not reach us.
    UplinkLoss,
    /// They come unevenly.
    Jitter,
    /// Ours do not reach the person.
    DownlinkLoss,
    RoundTrip,
    /// The way to the person carries too little.
    Narrow,
}

/// How much of it there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// Of loss.
    share: Share,
    /// Of what is measured in milliseconds, the worst.
    ms: u64,
    /// Of what is narrow, the narrowest.
    kbps: Option<u64>,
    /// Whether pictures were withheld.
    paused: bool,
}

impl Kind {
    pub(super) const ALL: [Kind; 5] = [Kind::UplinkLoss, Kind::Jitter, Kind::DownlinkLoss, Kind::RoundTrip, Kind::Narrow];

    /// How much of this there was, and whether that was too much.
    pub(super) fn judge(self, span: &Span) -> (Extent, bool) {
        let loss = |share: Share, least| (share, share.of >= PACKETS_MIN && share.percent() >= least);
        let none = Extent::default();
        match self {
            Kind::UplinkLoss => {
                let (share, bad) = loss(span.uplink, UPLINK_LOSS_MIN);
                (Extent { share, ..none }, bad)
            }
            Kind::DownlinkLoss => {
                let (share, bad) = loss(span.downlink, DOWNLINK_LOSS_MIN);
                (Extent { share, ..none }, bad)
            }
            Kind::Jitter => (Extent { ms: span.jitter_ms, ..none }, span.jitter_ms >= JITTER_MIN_MS),
            Kind::RoundTrip => (Extent { ms: span.round_trip_ms, ..none }, span.round_trip_ms >= ROUND_TRIP_MIN_MS),
            Kind::Narrow => {
                let (kbps, paused) = (span.estimate_kbps, span.paused);
                (Extent { kbps, paused, ..none }, paused || kbps.is_some_and(|kbps| kbps < ESTIMATE_MIN_KBPS))
            }
        }
    }
}

impl Extent {
    fn and(self, more: Extent) -> Extent {
        Extent {
            share: self.share.and(more.share),
            ms: self.ms.max(more.ms),
            kbps: self.kbps.into_iter().chain(more.kbps).min(),
            paused: self.paused || more.paused,
        }
    }
}

/// A time in which something was wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trouble {
    pub(super) kind: Kind,
    from: Timestamp,
    to: Timestamp,
    /// When it was felt last.
    pub(super) felt: Instant,
    /// Whether it is still so.
    pub(super) lasts: bool,
    extent: Extent,
    /// What was lost, of how many, since it was felt last: part of the whole if it is felt again.
    since: Share,
}

impl Trouble {
    pub(super) fn new(kind: Kind, span: &Span, extent: Extent) -> Trouble {
        let (from, to, felt) = (span.from.wall, span.to.wall, span.to.passed);
        Trouble { kind, from, to, felt, lasts: true, extent, since: Share::default() }
    }

    /// It was felt again.
    pub(super) fn go_on(&mut self, span: &Span, extent: Extent) {
        self.extent = self.extent.and(Extent { share: std::mem::take(&mut self.since), ..extent }).and(extent);
        (self.to, self.felt, self.lasts) = (span.to.wall, span.to.passed, true);
    }

    /// It was not felt this time.
    pub(super) fn rest(&mut self, extent: Extent) {
        self.since = self.since.and(extent.share);
    }
}

/// "uplink lost 7 % from 10:04 to 10:06", in UTC.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Extent { share, ms, kbps, paused } = self.extent;
        // What was rare over a longer time was something all the same.
        let percent = share.percent().round().max(1.0);
        match (self.kind, kbps) {
            (Kind::UplinkLoss, _) => write!(f, "uplink lost {percent} %"),
            (Kind::Jitter, _) => write!(f, "uplink jitter {ms} ms"),
            (Kind::DownlinkLoss, _) => write!(f, "downlink lost {percent} %"),
            (Kind::RoundTrip, _) => write!(f, "round trip {ms} ms"),
            (Kind::Narrow, Some(kbps)) => write!(f, "downlink narrow ({kbps} kbit/s)"),
            (Kind::Narrow, None) => write!(f, "downlink narrow"),
        }?;
        let minute = |at: Timestamp| at.strftime("%H:%M").to_string();
        let (from, to) = (minute(self.from), minute(self.to));
        if self.lasts {
            write!(f, " since {from}")
        } else if from == to {
            write!(f, " at {from}")
        } else {
            write!(f, " from {from} to {to}")
        }?;
        if paused { f.write_str(": pictures paused") } else { Ok(()) }
    }
}
