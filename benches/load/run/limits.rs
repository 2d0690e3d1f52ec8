//! What a run may not exceed, and whether it was the bots that did.

use serde_json::Value;

use crate::machine::process::Usage;
use crate::media::tally::{Tally, micros};
use crate::run::Second;

/// Of what should arrive, the share that may be missing. Less would blame the server for a neighbour's hiccup; more is heard.
pub const LOSS_MAX: f64 = 0.001;
/// What the server may add at its 99th percentile, in microseconds. More eats into what a jitter buffer of 20 ms can smooth.
pub const P99_MAX_US: f64 = 5_000.0;

/// How late bots may be: later, and what they measure as latency is their own.
const LATE_MAX_US: f64 = 5_000.0;
/// How busy the bots' process may be, of one processor: its one engine has no more.
const BUSY_MAX: f64 = 0.95;

/// How hard it was for the bots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strain {
    pub late_p99_us: f64,
    /// Processors that their process used.
    pub busy: f64,
    /// Datagrams that the kernel threw away because bots did not read them in time.
    pub drops: u64,
}

impl Strain {
    pub fn of(seconds: &[Second], used: Usage, drops: u64) -> Strain {
        let mut all = Tally::default();
        seconds.iter().for_each(|second| all.add(&second.tally));
        let length: f64 = seconds.iter().map(|second| second.length.as_secs_f64()).sum();
        Strain {
            late_p99_us: micros(&all.lateness, 0.99).unwrap_or(0.0),
            busy: used.running.as_secs_f64() / length.max(f64::MIN_POSITIVE),
            drops,
        }
    }

    /// The same in figures.
    pub fn json(&self) -> Value {
        self.gave_way().map_or(Value::Bool(false), Value::String)
    }

    /// Why the figures say nothing of the server; none if they do.
    pub fn gave_way(&self) -> Option<String> {
        if self.drops > 0 {
            Some(format!("{} datagrams were not read in time", self.drops))
        } else if self.late_p99_us > LATE_MAX_US {
            Some(format!("they sent {:.1} ms late at p99", self.late_p99_us / 1_000.0))
        } else if self.busy > BUSY_MAX {
            Some(format!("their process was {:.0} % busy", 100.0 * self.busy))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bots_that_were_late_or_busy_or_lost_what_came_say_so() {
        let well = Strain { late_p99_us: 900.0, busy: 0.9, drops: 0 };
        for (strain, word) in [
            (well, None),
            (Strain { late_p99_us: 5_001.0, ..well }, Some("late")),
            (Strain { busy: 0.96, ..well }, Some("busy")),
            (Strain { drops: 1, ..well }, Some("read")),
        ] {
            let said = strain.gave_way();
            assert_eq!(said.is_some(), word.is_some(), "{strain:?}");
            assert!(said.unwrap_or_default().contains(word.unwrap_or_default()), "{strain:?}");
        }
    }
}
