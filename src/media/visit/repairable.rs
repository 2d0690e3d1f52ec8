//! Whether repairs can make up for what a path loses, one way or the other.
//!
//! Repairs have their share of what is sent ([`super::allowance`]). Of a path that loses more than that a large picture
//! stands still most of the time, while the smallest one, with sound beside it, has repairs enough.

/// From here on a path loses more than is repaired: 18 % in 256ths. A higher mark would leave large pictures that stand
/// still; a lower one would make those coarse that a burst has hit.
const BEYOND: u8 = 46;
/// Below this (8 %) it is taken for repairable again: far enough below that a path is not now the one, now the other.
const WITHIN: u8 = 20;

#[derive(Clone, Copy, Debug)]
pub(super) struct Repairable(bool);

impl Default for Repairable {
    /// A path is good until it has shown otherwise.
    fn default() -> Repairable {
        Repairable(true)
    }
}

impl Repairable {
    /// The path lost so many of 256 packets lately.
    pub(super) fn learn(&mut self, loss: u8) {
        self.0 = if self.0 { loss < BEYOND } else { loss < WITHIN };
    }

    pub(super) fn holds(self) -> bool {
        self.0
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
}
