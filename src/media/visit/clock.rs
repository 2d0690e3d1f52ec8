//! Whose clock says what: the sender's NTP clock, its RTP clocks, ours.
//!
//! RFC 3550 §6.4.1: a receiver plays two streams in step by the pairs of NTP and RTP time in their sender
//! reports. Every line of a receiver speaks of *one* NTP clock, ours, whoever stands behind it; so a sender's
//! clock is first mapped to ours, once for all its streams, which keeps them in step with each other.

use std::time::Duration;

use crate::base::Instant;

use super::timeline::{low_bits, ticks};

/// A moment in NTP's format: seconds above, fractions of 2^-32 s below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ntp(pub u64);

/// Our NTP clock starts here when the process does. RFC 3550 §6.4.1: a sender without a wall clock may use
/// its uptime. Any value but zero does; this one is in the middle, so that subtracting never meets the edge.
const EPOCH_SECONDS: u64 = 1 << 31;

impl Ntp {
    /// This moment on our clock.
    pub(super) fn of(now: Instant) -> Ntp {
        let nanos = now.as_nanos();
        let seconds = (EPOCH_SECONDS + nanos / 1_000_000_000) & 0xffff_ffff;
        let fraction = ((nanos % 1_000_000_000) << 32) / 1_000_000_000;
        Ntp(seconds << 32 | fraction)
    }

    /// Nanoseconds since NTP's zero. 2^32 seconds of them fit.
    fn nanos(self) -> i64 {
        let nanos = (self.0 >> 32) * 1_000_000_000 + ((self.0 & 0xffff_ffff) * 1_000_000_000 >> 32);
        i64::try_from(nanos).unwrap_or(i64::MAX)
    }

    /// The middle 32 bits, as report blocks carry it (RFC 3550 §6.4.1, LSR).
    pub(super) fn middle(self) -> u32 {
        (self.0 >> 16 & 0xffff_ffff) as u32
    }
}

/// One stream's newest sender report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct StreamClock {
    pub(super) ntp: Ntp,
    pub(super) rtp: u32,
    /// When the report came.
    pub(super) arrived: Instant,
}

impl StreamClock {
    /// When, by the sender's clock, the packet with this timestamp was captured.
    pub(super) fn captured_nanos(&self, rtp: u32, rate: u32) -> i64 {
        // The nearer way round: a report is never half a cycle (6 h of pictures) away from its packets.
        let ticks = i64::from(rtp.wrapping_sub(self.rtp) as i32);
        self.ntp.nanos().saturating_add(ticks * 1_000_000_000 / i64::from(rate))
    }

    /// The stream's timestamp at this moment of ours.
    pub(super) fn rtp_at(&self, now: Instant, sender: &SenderClock, rate: u32) -> u32 {
        let said = sender.to_ours(self.ntp);
        let now = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        self.rtp.wrapping_add(low_bits(ticks(now.saturating_sub(said), rate)))
    }
}

/// How far one sender's NTP clock is from ours: one number for all its streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct SenderClock {
    /// Ours minus theirs, nanoseconds, as the report with the shortest way here told it.
    ahead_nanos: Option<i64>,
}

/// A report that disagrees by more says that the sender's clock was set. A larger value would keep a wrong
/// mapping; a smaller one would take a report that was stuck in a queue for a new clock.
const STEP: Duration = Duration::from_secs(2);

impl SenderClock {
    /// A sender report came.
    pub(super) fn learn(&mut self, now: Instant, ntp: Ntp) {
        let ahead = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX).saturating_sub(ntp.nanos());
        let stepped = |known: i64| ahead.abs_diff(known) > STEP.as_nanos() as u64;
        self.ahead_nanos = match self.ahead_nanos {
            // The report that was least delayed is nearest to the truth.
            Some(known) if !stepped(known) => Some(known.min(ahead)),
            Some(_) | None => Some(ahead),
        };
    }

    /// A moment of the sender's NTP clock, in nanoseconds of ours.
    fn to_ours(self, ntp: Ntp) -> i64 {
        ntp.nanos().saturating_add(self.ahead_nanos.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn our_ntp_clock_counts_seconds_above_and_fractions_below() {
        assert_eq!(Ntp::of(at(0)), Ntp(0x8000_0000 << 32));
        assert_eq!(Ntp::of(at(1_500)), Ntp(0x8000_0001_8000_0000));
        assert_eq!(Ntp::of(at(1_500)).middle(), 0x0001_8000);
        assert_eq!(Ntp(u64::MAX).nanos(), 4_294_967_295_999_999_999);
    }

    #[test]
    fn two_streams_of_one_sender_stay_in_step_whatever_their_reports_met_on_the_way() {
        // A picture and a sound captured at the same moment, 10 s by the sender's clock.
        let captured = Ntp(10 << 32);
        let picture = StreamClock { ntp: captured, rtp: 900_000, arrived: at(50) };
        let sound = StreamClock { ntp: captured, rtp: u32::MAX - 5, arrived: at(180) };
        let mut sender = SenderClock::default();
        sender.learn(picture.arrived, picture.ntp);
        sender.learn(sound.arrived, sound.ntp);
        let now = at(1_050);
        assert_eq!(picture.rtp_at(now, &sender, 90_000), 990_000);
        assert_eq!(sound.rtp_at(now, &sender, 48_000), 48_000 - 6);
    }

    #[test]
    fn a_clock_that_was_set_is_learnt_anew() {
        let mut sender = SenderClock::default();
        sender.learn(at(1_000), Ntp(10 << 32));
        assert_eq!(sender.to_ours(Ntp(10 << 32)), 1_000_000_000);
        sender.learn(at(2_300), Ntp(11 << 32));
        assert_eq!(sender.to_ours(Ntp(10 << 32)), 1_000_000_000, "a slow report changes nothing");
        sender.learn(at(3_000), Ntp(5_000 << 32));
        assert_eq!(sender.to_ours(Ntp(5_000 << 32)), 3_000_000_000);
        for ntp in [0, 1, u64::MAX] {
            sender.learn(at(0), Ntp(ntp));
            let clock = StreamClock { ntp: Ntp(ntp), rtp: 7, arrived: at(0) };
            assert_eq!(clock.rtp_at(at(0), &sender, 90_000), 7);
        }
    }

    #[test]
    fn a_timestamp_finds_its_moment_of_capture_both_ways_round() {
        let clock = StreamClock { ntp: Ntp(10 << 32), rtp: 100, arrived: at(0) };
        for (rtp, nanos) in [(100, 10_000_000_000), (100 + 90_000, 11_000_000_000), (100u32.wrapping_sub(90_000), 9_000_000_000)]
        {
            assert_eq!(clock.captured_nanos(rtp, 90_000), nanos);
        }
    }
}
