//! What is known of the way to a receiver, and what follows from it.

use std::time::Duration;

use super::allowance::Allowance;
use super::budget::PICTURES;
use super::clock::Ntp;
use super::governor::Governor;
use super::missing::Pace;
use super::redundancy::Redundancy;
use super::repairable::Repairable;
use crate::base::{Bitrate, Instant, Seat, Seq16};
use crate::link::terms::LegTerms;
use crate::media::proto::bwe::{Content, Estimator, Name, Padding};
use crate::media::wire::rtcp::{ReportBlock, TransportCc};

/// Where every estimate begins (media.md). More would flood a narrow path before anything is known of it; less would show
/// everybody coarse pictures for the first seconds.
const START: Bitrate = Bitrate::from_kbps(1_000);

/// The most that is believed of a path: three cameras and a screen at their best, with half as much again. More would
/// only let probes be larger.
const CEILING: Bitrate = Bitrate::from_kbps(12_000);

/// There and back, as long as nothing is known of it.
const ROUND_TRIP: Duration = Duration::from_millis(100);

/// Repairs that come together fill the path for so long at most. More would hold up sound behind them; less would not repair
/// a burst.
const REPAIRED_AT_ONCE: Duration = Duration::from_millis(150);

/// A report of more than this is a report that lies (RFC 3550 §6.4.1 lets receivers compute it).
const ROUND_TRIP_MAX: Duration = Duration::from_secs(10);

/// A path that loses so many of 256 packets (1 %) loses requests too. A higher mark would let a picture stand for a request
/// that was lost; a lower one would ask twice where once is enough.
const REQUESTS_LOST: u8 = 3;

/// For so long after a silence what is shown is decided at once, both ways. Longer would let the picture swing with an
/// estimate that is still finding its place; in less, probes would not have said what the path carries.
const RETURNING: Duration = Duration::from_secs(1);

/// Below this share (in hundredths) of what it was, the estimate has been cut, and not merely settled.
const CUT_PERCENT: u64 = 90;
/// For so long what is lost may still be the doing of what was cut: the loss is that of the last two seconds.
const CUT_FORGOTTEN: Duration = Duration::from_secs(3);

/// One leg's way down.
pub(super) struct Downlink {
    /// None where the answer promised no transport-wide numbers: nothing is known then, and nothing withheld.
    estimator: Option<Estimator>,
    pub(super) governors: [Governor; PICTURES],
    pub(super) allowance: Allowance,
    pub(super) redundancy: Redundancy,
    pub(super) repairable: Repairable,
    /// Whether it loses requests for what did not come up.
    lossy: bool,
    /// When the estimate fell for a queue, or one last stood.
    cut: Option<Instant>,
    /// When the receiver was heard again after a silence.
    returned: Option<Instant>,
    /// By the receiver's reports.
    round_trip: Option<Duration>,
    /// Packets that were sent again.
    pub(super) repairs: u64,
    /// Whose pictures control was told are withheld, by seat.
    pub(super) paused: [bool; Seat::COUNT],
}

impl Downlink {
    pub(super) fn new(terms: &LegTerms, now: Instant) -> Downlink {
        let numbered = terms.outbound.iter().any(|line| line.transport_cc);
        Downlink {
            estimator: numbered.then(|| Estimator::new(now, START, CEILING)),
            governors: Default::default(),
            allowance: Allowance::default(),
            redundancy: Redundancy::default(),
            repairable: Repairable::default(),
            lossy: false,
            cut: None,
            returned: None,
            round_trip: None,
            repairs: 0,
            paused: [false; Seat::COUNT],
        }
    }

    /// The number of a packet that leaves now.
    pub(super) fn number(&mut self, now: Instant, bytes: usize, content: Content) -> Option<Seq16> {
        self.estimator.as_mut().map(|estimator| estimator.send(now, bytes, content))
    }

    /// The receiver tells what arrived of all that was numbered.
    pub(super) fn hear_arrivals(&mut self, now: Instant, feedback: &TransportCc<'_>) {
        let Some(estimator) = &mut self.estimator else { return };
        let (was_silent, before) = (estimator.is_silent(), estimator.estimate());
        estimator.handle_feedback(now, feedback);
        if was_silent && !estimator.is_silent() {
            self.returned = Some(now);
        }
        // For the loss itself, or for a path that has become longer, no smaller picture mends anything.
        let queued = estimator.may_overflow();
        let stands = queued && estimator.is_full();
        let fell = queued && estimator.estimate() < before.percent(CUT_PERCENT);
        if fell || stands {
            self.cut = Some(now);
        }
        if fell {
            self.redundancy.forgive(now);
        }
        self.redundancy.crowd(now, stands);
        let loss = estimator.loss();
        self.lossy = loss >= REQUESTS_LOST;
        if self.cut.is_none_or(|at| now.since(at) >= CUT_FORGOTTEN) {
            self.redundancy.learn(now, loss);
            self.repairable.learn(loss);
        }
    }

    /// A packet that did not arrive, and when it left; ask until there is none.
    pub(super) fn poll_missing(&mut self) -> Option<(Instant, Name)> {
        self.estimator.as_mut()?.poll_missing()
    }

    /// The receiver reports on a line.
    pub(super) fn hear_report(&mut self, now: Instant, report: &ReportBlock) {
        if report.last_sender_report != 0 {
            // RFC 3550 §6.4.1: A - LSR - DLSR, in 65,536ths of a second, wrapping.
            let passed = Ntp::of(now).middle().wrapping_sub(report.last_sender_report).wrapping_sub(report.delay_since);
            let round_trip = Duration::from_nanos(u64::from(passed) * 1_000_000_000 / 65_536);
            if round_trip <= ROUND_TRIP_MAX {
                self.round_trip = Some(round_trip);
            }
        }
        if self.estimator.is_none() {
            self.redundancy.learn(now, report.fraction_lost);
        }
    }

    /// There and back, if it is known.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.round_trip.or_else(|| self.estimator.as_ref()?.round_trip())
    }

    /// There and back, or a guess.
    pub(super) fn likely_round_trip(&self) -> Duration {
        self.round_trip().unwrap_or(ROUND_TRIP)
    }

    /// How this leg is asked for what it has sent and did not come.
    pub(super) fn pace(&self) -> Pace {
        Pace { round_trip: self.likely_round_trip(), lossy: self.lossy }
    }

    /// What the path is thought to carry; none where nothing can be known.
    pub(super) fn estimate(&self) -> Option<Bitrate> {
        self.estimator.as_ref().map(Estimator::estimate)
    }

    /// Takes a repair of so many bytes, if it may be sent now.
    pub(super) fn may_repair(&mut self, bytes: usize) -> bool {
        let most = self.estimate().map_or(u64::MAX, |estimate| estimate.bytes_in(REPAIRED_AT_ONCE));
        self.allowance.take(bytes, most)
    }

    /// How much of it is lost, of 256 packets.
    pub(super) fn loss(&self) -> u8 {
        self.estimator.as_ref().map_or(0, Estimator::loss)
    }

    /// How long packets wait on it.
    pub(super) fn queue_delay(&self) -> Duration {
        self.estimator.as_ref().map_or(Duration::ZERO, Estimator::queue_delay)
    }

    /// Whether the path has just come back: what it carries is being found out anew.
    pub(super) fn is_returning(&self, now: Instant) -> bool {
        self.returned.is_some_and(|at| now.since(at) < RETURNING)
    }

    /// What would be sent if there were room for it.
    pub(super) fn want(&mut self, now: Instant, wanted: Bitrate) {
        if let Some(estimator) = &mut self.estimator {
            estimator.want(now, wanted);
        }
    }

    pub(super) fn poll_probe(&mut self, now: Instant) -> Option<Padding> {
        self.estimator.as_mut()?.poll_probe(now)
    }

    /// When [`Downlink::handle_timeout`] is due.
    pub(super) fn due(&self) -> Option<Instant> {
        Some(self.estimator.as_ref()?.deadline()?.at)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if let Some(estimator) = self.estimator.as_mut().filter(|estimator| estimator.deadline().is_some_and(|due| due.at <= now))
        {
            estimator.handle_timeout(now);
        }
    }
}
