//! The estimator on drawn paths: `path` is one, `receiver` reports as browsers do, `visit` sends as a visit does and
//! writes down what happens. Whatever is random follows from a seed.

mod garbage;
mod narrow;
mod path;
mod receiver;
mod rough;
mod start;
mod visit;

use std::time::Duration;

use crate::base::{Bitrate, Instant};

/// Small, and the same everywhere: Steele's SplitMix64.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % end.max(1)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + ms(millis)
}

fn kbps(kbps: u64) -> Bitrate {
    Bitrate::from_kbps(kbps)
}
