//! What bots count.

use hdrhistogram::Histogram;

/// What happened in some time. Times are in nanoseconds.
#[derive(Clone)]
pub struct Tally {
    pub sent: u64,
    /// Media that arrived; repairs and padding are not among it.
    pub received: u64,
    pub bytes_received: u64,
    /// Packets of repair streams: lost ones again, or padding.
    pub repairs: u64,
    /// Packets missing between those that arrived; one that comes late takes its place back.
    pub lost: i64,
    /// Packets that were opened, one in [`crate::media::receiver::OPENED_ONE_IN`].
    pub opened: u64,
    pub faults: Faults,
    /// Of the opened, pictures; and pictures of the top layer.
    pub pictures: u64,
    pub pictures_of_top: u64,
    pub keyframes_asked: u64,
    /// From a packet's stamp to the kernel's time of arrival.
    pub latency: Histogram<u64>,
    /// How late bots sent what was due.
    pub lateness: Histogram<u64>,
    /// From a seat's offer to the first packet of it that another received.
    pub joins: Histogram<u64>,
}

/// What should not have happened to a bot.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Faults {
    /// Media of an SSRC that no line has.
    pub unknown: u64,
    /// Packets that did not open.
    pub unopened: u64,
    /// Opened packets that were not what their line should carry, to the last byte.
    pub foreign: u64,
    /// Opened packets whose own numbers are not in the order of the sequence numbers.
    pub disordered: u64,
    /// The kernel, or a cipher, refused to send or to receive.
    pub refused: u64,
}

impl Faults {
    pub fn sum(&self) -> u64 {
        let Faults { unknown, unopened, foreign, disordered, refused } = self;
        unknown + unopened + foreign + disordered + refused
    }

    fn add(&mut self, other: &Faults) {
        self.unknown += other.unknown;
        self.unopened += other.unopened;
        self.foreign += other.foreign;
        self.disordered += other.disordered;
        self.refused += other.refused;
    }
}

impl Default for Tally {
    fn default() -> Tally {
        let histogram = || Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("bounds that are in order");
        Tally {
            sent: 0,
            received: 0,
            bytes_received: 0,
            repairs: 0,
            lost: 0,
            opened: 0,
            faults: Faults::default(),
            pictures: 0,
            pictures_of_top: 0,
            keyframes_asked: 0,
            latency: histogram(),
            lateness: histogram(),
            joins: histogram(),
        }
    }
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.sent += other.sent;
        self.received += other.received;
        self.bytes_received += other.bytes_received;
        self.repairs += other.repairs;
        self.lost += other.lost;
        self.opened += other.opened;
        self.faults.add(&other.faults);
        self.pictures += other.pictures;
        self.pictures_of_top += other.pictures_of_top;
        self.keyframes_asked += other.keyframes_asked;
        for (own, other) in
            [(&mut self.latency, &other.latency), (&mut self.lateness, &other.lateness), (&mut self.joins, &other.joins)]
        {
            own.add(other).expect("histograms of the same bounds");
        }
    }

    /// Of what should have arrived, the share that did not.
    pub fn loss(&self) -> f64 {
        let lost = self.lost.max(0) as f64;
        if self.received == 0 { f64::from(u8::from(self.sent > 0)) } else { lost / (self.received as f64 + lost) }
    }

    /// Of the pictures that were opened, the share that had the top layer.
    pub fn top_share(&self) -> f64 {
        if self.pictures == 0 { 0.0 } else { self.pictures_of_top as f64 / self.pictures as f64 }
    }
}

/// A quantile in microseconds; none of nothing.
pub fn micros(histogram: &Histogram<u64>, quantile: f64) -> Option<f64> {
    (!histogram.is_empty()).then(|| histogram.value_at_quantile(quantile) as f64 / 1_000.0)
}
