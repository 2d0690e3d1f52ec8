//! For how long a busy worker lets its sockets fill before it wakes again: each waking costs as much as two packets, and what
//! comes together leaves together. An idle one wakes at once, so that a visit alone has the shortest way. Pure.
#![forbid(unsafe_code)]

use std::time::Duration;

/// Up to so many thousandths of the last second (in turns: waking itself is not among them), every packet wakes the worker.
/// Higher, and one that carries half of what it could would spend a tenth of its time on waking; lower, and few visits would
/// wait for nothing.
const IDLE_PERMILLE: u16 = 150;
/// From so many on it gathers for as long as it may.
const FULL_PERMILLE: u16 = 750;
/// From one waking to the next then, at least. Longer would be felt (our bound for added latency is 5 ms in the worst hundredth,
/// and a turn after a long rest is long itself) and saves little more; shorter would wake for single packets.
const LONGEST: Duration = Duration::from_micros(200);

/// How long the worker rests before it looks at its sockets again, after a turn of this length, when the last second was
/// this busy.
pub(super) fn rest(busy_permille: u16, turn: Duration) -> Duration {
    let above = busy_permille.clamp(IDLE_PERMILLE, FULL_PERMILLE) - IDLE_PERMILLE;
    // In proportion: a threshold would be crossed back by what it saves.
    let apart = LONGEST * u32::from(above) / u32::from(FULL_PERMILLE - IDLE_PERMILLE);
    apart.saturating_sub(turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busier_it_is_the_longer_it_gathers_and_never_beyond_the_bound() {
        for (busy_permille, turn_us, rest_us) in [
            (0, 0, 0),
            (150, 0, 0),
            (300, 0, 50),
            (300, 20, 30),
            (300, 60, 0),
            (450, 25, 75),
            (750, 0, 200),
            (1_000, 0, 200),
            (1_000, 100, 100),
            (1_000, 5_000, 0),
            (u16::MAX, 0, 200),
        ] {
            let expected = Duration::from_micros(rest_us);
            assert_eq!(rest(busy_permille, Duration::from_micros(turn_us)), expected, "{busy_permille} {turn_us}");
        }
    }
}
