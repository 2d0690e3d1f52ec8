//! How much of what a leg is sent may be repairs.

/// Repairs are at most this share of what is sent, in hundredths (media.md). More would let a receiver that asks for
/// everything twice crowd out the picture itself; less would leave ordinary Wi-Fi unrepaired.
const SHARE: u64 = 15;

/// Bytes that may be repaired at once after a time without losses. More would let one request send a second's worth
/// again; less would not repair a lost keyframe.
const BURST: u64 = 48 * 1024;

/// A bucket that what is sent fills and repairs empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// In hundredths of a byte.
    filled: u64,
}

impl Default for Allowance {
    fn default() -> Allowance {
        Allowance { filled: BURST * 100 / 2 }
    }
}

impl Allowance {
    /// So many bytes of media went out.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.filled = (self.filled + bytes as u64 * SHARE).min(BURST * 100);
    }

    /// Takes a repair of so many bytes, if it may be sent, where `most` may be repaired at once.
    pub(super) fn take(&mut self, bytes: usize, most: u64) -> bool {
        let cost = bytes as u64 * 100;
        self.filled = self.filled.min(most.saturating_mul(100));
        let allowed = cost <= self.filled;
        if allowed {
            self.filled -= cost;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_asked_for_repairs_stay_below_their_share() {
        let mut allowance = Allowance::default();
        let (mut media, mut repairs) = (0usize, 0usize);
        for _ in 0..10_000 {
            allowance.sent(1_000);
            media += 1_000;
            for _ in 0..5 {
                repairs += if allowance.take(1_000, u64::MAX) { 1_000 } else { 0 };
            }
        }
        let share = repairs * 100 / media;
        assert!((14..=15).contains(&share), "{share} %");
    }

    #[test]
    fn a_narrow_path_gets_a_small_burst() {
        let mut allowance = Allowance::default();
        let repaired = (0..1_000).filter(|_| allowance.take(1_000, 9_000)).count();
        assert_eq!(repaired, 9);
    }

    #[test]
    fn what_was_saved_repairs_a_burst_and_no_more() {
        let mut allowance = Allowance::default();
        for _ in 0..10_000 {
            allowance.sent(1_000);
        }
        let repaired = (0..1_000).filter(|_| allowance.take(1_000, u64::MAX)).count();
        assert_eq!(repaired, 49);
    }
}
