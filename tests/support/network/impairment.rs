//! What is wrong with a wire.

use std::time::Duration;

/// What a wire does to the packets it is given. `..Impairment::NONE` leaves the rest as it should be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Impairment {
    /// How long every packet is under way, the wait before a slow link not counted.
    pub(crate) delay: Duration,
    /// More delay, another for each packet: anything shorter than this. Packets keep their order, so one that is late
    /// holds up those close behind it, as a busy radio does.
    pub(crate) jitter: Duration,
    pub(crate) loss: Loss,
    /// The share of packets that are held back while 1–20 others pass.
    pub(crate) reorder: f64,
    /// The share of packets that arrive twice.
    pub(crate) duplicate: f64,
    /// The narrowest place of the way.
    pub(crate) rate: Option<Rate>,
    /// A packet of more bytes than this does not arrive.
    pub(crate) mtu: usize,
}

impl Impairment {
    /// A wire that everybody would like to have: 1,500 bytes of Ethernet hold 1,472 of UDP over IPv4.
    pub(crate) const NONE: Impairment = Impairment {
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        loss: Loss::None,
        reorder: 0.0,
        duplicate: 0.0,
        rate: None,
        mtu: 1_472,
    };
}

/// Which packets are lost.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Loss {
    None,
    /// Each with this probability, whatever became of the one before.
    Random(f64),
    /// This share, in runs of so many on average (Gilbert–Elliott, where the good state loses none and the bad one all).
    /// No more than mean / (mean + 1) can be lost so: between two runs at least one packet arrives.
    Burst {
        share: f64,
        mean: f64,
    },
    /// All of them: an outage.
    All,
}

/// How much a link carries, and how long its queue is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rate {
    /// Of what the packets hold; headers below them are not counted.
    pub(crate) bits_per_second: u64,
    /// A packet that would have to wait longer than this is dropped.
    pub(crate) queue: Duration,
}

impl Rate {
    /// How long it takes to send so many bytes.
    pub(super) fn time_for(self, bytes: usize) -> Duration {
        const NANOS_PER_SECOND: u64 = 1_000_000_000;
        Duration::from_nanos((bytes as u64 * 8 * NANOS_PER_SECOND).div_ceil(self.bits_per_second))
    }
}
