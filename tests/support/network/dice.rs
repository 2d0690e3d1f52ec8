//! Chance from a seed.

use std::time::Duration;

/// A row of numbers that look like chance and are the same for the same seed (splitmix64): good enough to lose packets
/// by, and a few lines that will give the same story in ten years.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, but never, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        // As many bits as an f64 holds exactly.
        const BITS: u32 = 53;
        (self.next() >> (u64::BITS - BITS)) as f64 / (1_u64 << BITS) as f64
    }

    /// True in this share of cases.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// One of these, the ends among them, each as likely as the others.
    pub(crate) fn between(&mut self, (first, last): (u32, u32)) -> u32 {
        let many = u64::from(last - first) + 1;
        first + u32::try_from(self.next() % many).expect("less than `many`")
    }

    /// Any time shorter than this.
    pub(crate) fn shorter_than(&mut self, limit: Duration) -> Duration {
        limit.mul_f64(self.unit())
    }

    /// Dice of their own for something else.
    pub(crate) fn fork(&mut self) -> Dice {
        Dice(self.next())
    }
}
