//! A line's own RTP timestamps: they go on with the clock, whoever stands behind the line.
//!
//! Each stream counts from a random start (RFC 3550 §5.1), each simulcast layer from its own. Within a stream
//! the line keeps the stream's steps; where another stream begins, the step is the time that has passed:
//! by the sender's own clock if both streams' sender reports tell it, else by when packets arrived.

use std::time::Duration;

use crate::base::Instant;

/// The farthest that a sender's clock may disagree with our own about one step. A larger value would let a
/// lying or stepping clock throw the line's playback about; a smaller one would give up lip-sync on paths
/// whose delay varies.
const DISAGREEMENT_MAX: Duration = Duration::from_secs(1);

/// Maps the timestamps of whatever stands behind a line to the line's own.
pub(super) struct Timeline {
    /// Ticks per second.
    rate: u32,
    /// The least step from one stream to the next.
    step_min: u32,
    /// What is added to a stream's timestamps.
    offset: u32,
    /// The line's newest timestamp: random before the first.
    newest: u32,
    /// The stream's timestamp and arrival of the newest packet.
    sent: Option<(u32, Instant)>,
}

impl Timeline {
    /// Of Opus. No step is less than a packet's usual 20 ms, or two people's packets would overlap.
    pub(super) fn of_sound(start: u32) -> Timeline {
        Timeline { rate: SOUND_RATE, step_min: 960, offset: 0, newest: start, sent: None }
    }

    /// Of video. The same moment seen by two layers is two frames, so it must have two timestamps.
    pub(super) fn of_pictures(start: u32) -> Timeline {
        Timeline { rate: PICTURE_RATE, step_min: 1, offset: 0, newest: start, sent: None }
    }

    /// What is added to the timestamps of the stream that stands behind the line now.
    pub(super) fn offset(&self) -> u32 {
        self.offset
    }

    /// The stream's timestamp of the newest packet sent.
    pub(super) fn newest_input(&self) -> Option<u32> {
        self.sent.map(|(input, _)| input)
    }

    /// Another stream begins with this timestamp. `captured_ns` is how long after the newest packet it was
    /// captured by its sender's clock, if that is known.
    pub(super) fn begin(&mut self, now: Instant, input: u32, captured_ns: Option<i64>) {
        if let Some((_, arrived)) = self.sent {
            let passed = i64::try_from(now.since(arrived).as_nanos()).unwrap_or(i64::MAX);
            let agrees = |captured: &i64| captured.abs_diff(passed) <= DISAGREEMENT_MAX.as_nanos() as u64;
            let step = captured_ns.filter(agrees).unwrap_or(passed);
            let ticks = ticks(step, self.rate).max(i64::from(self.step_min));
            self.newest = self.newest.wrapping_add(low_bits(ticks));
        }
        self.offset = self.newest.wrapping_sub(input);
        self.sent = Some((input, now));
    }

    /// The line's timestamp for this packet.
    pub(super) fn map(&mut self, now: Instant, input: u32) -> u32 {
        let mapped = input.wrapping_add(self.offset);
        // A late packet does not turn the clock back.
        if mapped.wrapping_sub(self.newest) < 1 << 31 {
            self.newest = mapped;
            self.sent = Some((input, now));
        }
        mapped
    }
}

/// RFC 7587 §4.1: Opus always counts at 48 kHz.
pub(super) const SOUND_RATE: u32 = 48_000;
/// RFC 7741 §4.1: VP8 counts at 90 kHz.
pub(super) const PICTURE_RATE: u32 = 90_000;

/// Nanoseconds in ticks, rounded to the nearest.
pub(super) fn ticks(nanos: i64, rate: u32) -> i64 {
    let product = i128::from(nanos) * i128::from(rate);
    let half = if product < 0 { -500_000_000 } else { 500_000_000 };
    i64::try_from((product + half) / 1_000_000_000).unwrap_or(0)
}

/// RTP timestamps count modulo 2^32.
#[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are what wraps")]
pub(super) fn low_bits(ticks: i64) -> u32 {
    ticks as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    /// A line that began at 0 ms with the input 1,000 and showed 100 ms of it.
    fn begun() -> Timeline {
        let mut line = Timeline::of_pictures(u32::MAX - 4_000);
        line.begin(at(0), 1_000, None);
        assert_eq!(line.map(at(0), 1_000), u32::MAX - 4_000);
        assert_eq!(line.map(at(100), 10_000), 4_999, "wraps");
        line
    }

    #[test]
    fn another_stream_goes_on_by_the_time_that_passed() {
        for (captured, now, ticks) in [
            (None, 140, 3_600),
            (Some(33_333_333), 140, 3_000),
            (Some(0), 140, 1),
            (Some(-50_000_000), 140, 1),
            (Some(5_000_000_000), 140, 3_600),
            (Some(-5_000_000_000), 140, 3_600),
            (Some(i64::MIN), 140, 3_600),
            (None, 100, 1),
        ] {
            let mut line = begun();
            line.begin(at(now), 77, captured);
            assert_eq!(line.map(at(now), 77), 4_999 + ticks, "{captured:?} {now}");
        }
    }

    #[test]
    fn a_late_packet_does_not_turn_the_clock_back() {
        let mut line = begun();
        assert_eq!(line.map(at(120), 9_000), 3_999);
        line.begin(at(110), 0, None);
        assert_eq!(line.map(at(110), 0), 4_999 + 900);
    }

    #[test]
    fn sound_steps_by_a_packet_at_least() {
        let mut line = Timeline::of_sound(0);
        line.begin(at(0), 500, None);
        line.begin(at(1), 9, None);
        assert_eq!(line.map(at(1), 9), 960);
    }

    #[test]
    fn ticks_round_to_the_nearest() {
        for (nanos, expected) in [(0, 0), (11_111, 1), (-11_111, -1), (1_000_000_000, 90_000), (5_555, 0), (5_556, 1)] {
            assert_eq!(ticks(nanos, PICTURE_RATE), expected, "{nanos}");
        }
    }
}
