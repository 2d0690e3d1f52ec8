//! What is measured, second by second.

use std::time::{Duration, Instant};

use super::progress::Progress;
use crate::bot::Problem;
use crate::machine::process::{Machine, Server, Usage};
use crate::media::engine::Engine;
use crate::media::tally::{Tally, micros};

/// One second of a run.
pub struct Second {
    pub length: Duration,
    pub tally: Tally,
    /// What the server used in it, if it runs where we can see it.
    pub used: Option<Usage>,
    /// What the hypervisor took from this machine in it.
    pub stolen: Duration,
}

/// More stolen in a second than this, and its figures say more of the neighbours than of the server.
const STOLEN_MAX: Duration = Duration::from_millis(10);

impl Second {
    pub fn is_clean(&self) -> bool {
        self.stolen <= STOLEN_MAX
    }
}

/// Measures so many seconds. `machine` is where the bots run, and the server too if it can be seen.
pub async fn measure(
    engine: &Engine,
    seconds: u32,
    server: Option<&Server>,
    machine: &Machine,
    progress: &Progress,
) -> Result<Vec<Second>, Problem> {
    let mut measured = Vec::new();
    engine.tally()?;
    let mut used = server.map(Server::usage).transpose()?;
    let mut stolen = machine.stolen()?;
    let mut began = Instant::now();
    for second in 1..=seconds {
        tokio::time::sleep_until((began + Duration::from_secs(1)).into()).await;
        let tally = engine.tally()?;
        let (used_now, stolen_now, now) = (server.map(Server::usage).transpose()?, machine.stolen()?, Instant::now());
        let length = now - began;
        let rate = tally.received as f64 / length.as_secs_f64();
        let p99 = micros(&tally.latency, 0.99).unwrap_or(0.0);
        progress
            .say(&format!("{second} of {seconds} s: {rate:.0} packets/s, loss {:.3} %, p99 {p99:.0} µs", 100.0 * tally.loss()));
        measured.push(Second {
            length,
            tally,
            used: used_now.as_ref().zip(used.as_ref()).map(|(now, before)| now.since(before)),
            stolen: stolen_now.saturating_sub(stolen),
        });
        (used, stolen, began) = (used_now, stolen_now, now);
    }
    progress.done();
    Ok(measured)
}
