//! How well one stream of a sender arrives, as its sender wants to hear it (RFC 3550 §6.4.1, appendix A).

use crate::base::{Instant, Seq64};

use super::clock::StreamClock;
use super::timeline::{low_bits, ticks};

/// What has arrived of one stream.
pub(super) struct Reception {
    rate: u32,
    first: Seq64,
    newest: Seq64,
    received: u64,
    /// Both as they stood at the last report.
    expected_before: u64,
    received_before: u64,
    /// Arrival minus timestamp of the newest packet, in ticks modulo 2^32.
    transit: u32,
    /// Sixteenths of a tick.
    jitter: u32,
}

/// What a report block says of the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Received {
    /// Packets that were to come since the last report, and how many of them did not.
    pub(super) expected: u64,
    pub(super) lost: u64,
    /// The share of it, of 256.
    pub(super) fraction_lost: u8,
    /// Since the beginning; more than were lost may have come twice.
    pub(super) cumulative_lost: i32,
    pub(super) extended_highest: u32,
    /// In ticks.
    pub(super) jitter: u32,
    /// The middle of the newest sender report's NTP time, and how long ago it came in 2^-16 s; zero if none came.
    pub(super) last_report: u32,
    pub(super) since_last_report: u32,
}

impl Reception {
    /// The stream's first packet.
    pub(super) fn new(now: Instant, rate: u32, first: Seq64, timestamp: u32) -> Reception {
        Reception {
            rate,
            first,
            newest: first,
            received: 0,
            expected_before: 0,
            received_before: 0,
            transit: transit(now, rate, timestamp),
            jitter: 0,
        }
    }

    /// A packet came, the first one among them.
    pub(super) fn take(&mut self, now: Instant, packet: Seq64, timestamp: u32) {
        self.received += 1;
        self.first = self.first.min(packet);
        self.newest = self.newest.max(packet);
        // RFC 3550 §A.8: J += (|D| - J) / 16, kept in sixteenths to round well.
        let transit = transit(now, self.rate, timestamp);
        let difference = (transit.wrapping_sub(self.transit) as i32).unsigned_abs();
        self.transit = transit;
        self.jitter = self.jitter.saturating_add(difference).saturating_sub(self.jitter.saturating_add(8) >> 4);
    }

    /// Packets that came, and those that did not.
    pub(super) fn tally(&self) -> (u64, u64) {
        let expected = self.newest.0 - self.first.0 + 1;
        (self.received, expected.saturating_sub(self.received))
    }

    /// How unevenly they come, in ticks.
    pub(super) fn jitter(&self) -> u32 {
        self.jitter >> 4
    }

    /// What to report now; the next report's fraction counts from here.
    pub(super) fn report(&mut self, now: Instant, clock: Option<&StreamClock>) -> Received {
        // RFC 3550 §A.3.
        let expected = self.newest.0 - self.first.0 + 1;
        let expected_now = expected - self.expected_before;
        let received_now = self.received - self.received_before;
        self.expected_before = expected;
        self.received_before = self.received;
        let lost_now = expected_now.saturating_sub(received_now);
        let fraction_lost = (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255) as u8;
        let cumulative_lost = i32::try_from(expected as i64 - self.received as i64).unwrap_or(i32::MAX);
        let since = |clock: &StreamClock| {
            let ticks = now.since(clock.arrived).as_micros() * 65_536 / 1_000_000;
            u32::try_from(ticks).unwrap_or(u32::MAX)
        };
        Received {
            expected: expected_now,
            lost: lost_now,
            fraction_lost,
            cumulative_lost,
            extended_highest: (self.newest.0 & 0xffff_ffff) as u32,
            jitter: self.jitter >> 4,
            last_report: clock.map_or(0, |clock| clock.ntp.middle()),
            since_last_report: clock.map_or(0, since),
        }
    }
}

fn transit(now: Instant, rate: u32, timestamp: u32) -> u32 {
    low_bits(ticks(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX), rate)).wrapping_sub(timestamp)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::clock::Ntp;
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn losses_are_counted_for_the_interval_and_for_ever() {
        let mut reception = Reception::new(at(0), 90_000, Seq64(65_530), 0);
        for packet in (65_530..65_630).filter(|packet| packet % 4 != 0) {
            reception.take(at(0), Seq64(packet), 0);
        }
        let report = reception.report(at(0), None);
        assert_eq!((report.fraction_lost, report.cumulative_lost, report.extended_highest), (64, 25, 65_629));
        for packet in 65_630..65_650 {
            reception.take(at(0), Seq64(packet), 0);
        }
        let report = reception.report(at(0), None);
        assert_eq!((report.fraction_lost, report.cumulative_lost, report.extended_highest), (0, 25, 65_649));
        assert_eq!(reception.report(at(0), None).fraction_lost, 0, "nothing was expected");
    }

    #[test]
    fn an_even_stream_has_no_jitter_and_an_uneven_one_does() {
        let mut even = Reception::new(at(0), 90_000, Seq64(0), u32::MAX - 10_000);
        let mut uneven = Reception::new(at(0), 90_000, Seq64(0), 0);
        for (packet, number) in (0..200).zip(0u32..) {
            let timestamp = number * 3_000;
            let sent = Duration::from_nanos(packet * 33_333_333);
            even.take(Instant::ZERO + sent, Seq64(packet), timestamp.wrapping_sub(10_001));
            uneven.take(Instant::ZERO + sent + Duration::from_millis(packet % 2 * 10), Seq64(packet), timestamp);
        }
        assert!(even.report(at(0), None).jitter <= 1);
        let jitter = uneven.report(at(0), None).jitter;
        assert!((850..=900).contains(&jitter), "{jitter} ticks of 10 ms");
    }

    #[test]
    fn a_report_names_the_senders_last_report_and_its_age() {
        let mut reception = Reception::new(at(0), 90_000, Seq64(0), 0);
        let clock = StreamClock { ntp: Ntp(0x1234_5678_9abc_def0), rtp: 0, arrived: at(100) };
        let report = reception.report(at(600), Some(&clock));
        assert_eq!((report.last_report, report.since_last_report), (0x5678_9abc, 32_768));
    }
}
