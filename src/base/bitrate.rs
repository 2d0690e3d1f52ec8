//! How much goes through in a second.

use std::time::Duration;

/// Bits per second. Arithmetic saturates: what would not fit is more than any path carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Bitrate(u64);

impl Bitrate {
    pub const ZERO: Bitrate = Bitrate(0);

    pub const fn from_bps(bps: u64) -> Bitrate {
        Bitrate(bps)
    }

    pub const fn from_kbps(kbps: u64) -> Bitrate {
        Bitrate(kbps.saturating_mul(1_000))
    }

    /// Bits per second.
    pub const fn bps(self) -> u64 {
        self.0
    }

    /// The rate at which `bytes` take `time`; none if they took no time.
    pub fn of(bytes: u64, time: Duration) -> Option<Bitrate> {
        let nanos = time.as_nanos();
        let bits = u128::from(bytes) * 8 * 1_000_000_000;
        (nanos > 0).then(|| Bitrate(u64::try_from(bits / nanos).unwrap_or(u64::MAX)))
    }

    /// Whole bytes that go through in `time`.
    pub fn bytes_in(self, time: Duration) -> u64 {
        let bits = u128::from(self.0).saturating_mul(time.as_nanos()) / 1_000_000_000;
        u64::try_from(bits / 8).unwrap_or(u64::MAX)
    }

    /// How long `bytes` take; none if nothing goes through.
    pub fn time_for(self, bytes: u64) -> Option<Duration> {
        let nanos = (u128::from(bytes) * 8 * 1_000_000_000).checked_div(u128::from(self.0))?;
        Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// This many hundredths of it.
    pub const fn percent(self, percent: u64) -> Bitrate {
        // Divided first where the product would not fit.
        Bitrate(match self.0.checked_mul(percent) {
            Some(product) => product / 100,
            None => (self.0 / 100).saturating_mul(percent),
        })
    }

    pub const fn plus(self, other: Bitrate) -> Bitrate {
        Bitrate(self.0.saturating_add(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_bytes_and_times_belong_together() {
        for (bytes, millis, bps) in [(1_250, 10, 1_000_000), (1, 1_000, 8), (0, 5, 0), (125_000_000, 1, 1_000_000_000_000)] {
            let time = Duration::from_millis(millis);
            let rate = Bitrate::from_bps(bps);
            assert_eq!(Bitrate::of(bytes, time), Some(rate));
            assert_eq!(rate.bytes_in(time), bytes);
            assert_eq!(rate.time_for(bytes), (bps > 0).then_some(time));
        }
    }

    #[test]
    fn what_does_not_fit_saturates() {
        let most = Bitrate::from_bps(u64::MAX);
        assert_eq!(Bitrate::of(1, Duration::ZERO), None);
        assert_eq!(Bitrate::of(u64::MAX, Duration::from_nanos(1)), Some(most));
        assert_eq!(most.bytes_in(Duration::MAX), u64::MAX);
        assert_eq!(Bitrate::from_bps(1).time_for(u64::MAX), Some(Duration::from_nanos(u64::MAX)));
        assert_eq!((most.percent(200), most.plus(most)), (most, most));
        assert_eq!(Bitrate::from_kbps(200).percent(85), Bitrate::from_kbps(170));
    }
}
