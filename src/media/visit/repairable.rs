//! Whether repairs can make up for what a path loses, one way or the other.
//!
//! Repairs have their share of what is sent ([`super::allowance`]). Of a path that loses more than that a large picture
//! stands still most of the time, while the smallest one, with sound beside it, has repairs enough.

/// From here on a path loses more than is repaired: 18 % in 256ths. A higher mark would leave large pictures that stand
/// still; a lower one would make those coarse that a burst has hit.
const BEYOND: u8 = 46;
/// Below this (8 %) it is taken for repairable again: far enough below that a path is not now the one, now the other.
const WITHIN: u8 = 20;

/// From so many packets on their losses tell something of the path. With fewer, two that are lost by chance would make it a bad
/// one; with more, a sender of one small picture and no sound would be judged too late.
const TELLING: u64 = 40;

#[derive(Clone, Copy, Debug)]
pub(super) struct Repairable {
    holds: bool,
    /// Packets of which nothing was learned yet, and those of them that were lost.
    expected: u64,
    lost: u64,
}

impl Default for Repairable {
    /// A path is good until it has shown otherwise.
    fn default() -> Repairable {
        Repairable { holds: true, expected: 0, lost: 0 }
    }
}

impl Repairable {
    /// The path lost so many of 256 packets lately.
    pub(super) fn learn(&mut self, loss: u8) {
        self.holds = if self.holds { loss < BEYOND } else { loss < WITHIN };
    }

    /// So many more packets were to come, and so many of them did not.
    pub(super) fn count(&mut self, expected: u64, lost: u64) {
        self.expected += expected;
        self.lost += lost;
        if self.expected >= TELLING {
            let loss = (self.lost * 256 / self.expected).min(255) as u8;
            (self.expected, self.lost) = (0, 0);
            self.learn(loss);
        }
    }

    pub(super) fn holds(self) -> bool {
        self.holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_loses_a_fifth_is_beyond_repair_until_it_loses_little() {
        let mut repairable = Repairable::default();
        for (loss, holds) in [(0, true), (45, true), (46, false), (30, false), (20, false), (19, true), (45, true)] {
            repairable.learn(loss);
            assert_eq!(repairable.holds(), holds, "{loss}");
        }
    }

    #[test]
    fn packets_are_counted_until_they_tell_something_and_few_are_enough_in_time() {
        let mut repairable = Repairable::default();
        for (expected, lost, holds) in
            [(39, 39, true), (1, 0, false), (20, 0, false), (20, 3, true), (4, 4, true), (100, 10, true)]
        {
            repairable.count(expected, lost);
            assert_eq!(repairable.holds(), holds, "{expected} {lost}");
        }
    }
}
