//! One run: visits fill up, settle, are measured second by second, and end.

use std::io::{IsTerminal, Write, stderr};
use std::ops::Range;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;

use crate::bot::Problem;
use crate::engine::Engine;
use crate::leg::Place;
use crate::mix::{RECEIVED_PER_SECOND, SEATS};
use crate::peer::{Full, Peer};
use crate::process::{Machine, Server, Usage};
use crate::tally::{Tally, micros};

/// Visits that are filled at a time. More would queue before the server's door; fewer would take longer.
const AT_ONCE: usize = 8;

/// Of what is received, the share that it is when everybody sees everybody at their best.
const SETTLED: f64 = 0.98;
/// Who has not settled by then will not.
const SETTLING_SECONDS_MAX: u32 = 30;

/// Visits with everyone in them.
pub struct Crowd<V> {
    pub visits: Vec<V>,
    /// Why visits did not come about.
    pub refusals: Vec<Problem>,
}

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

/// What bots do whom the server has no room for just now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// They try again when the server says, as pages do: a server that fills up fast waits to see what its people cost.
    TryAgain,
    /// They go.
    Go,
}

/// When bots try again where a server does not say.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How often a bot tries again; then the server is full.
const TRIES_MAX: u32 = 12;

/// Opens visits of these numbers and fills them.
pub async fn fill<P: Peer>(
    peer: &P,
    engine: &Engine,
    numbers: Range<u32>,
    refused: Refused,
    progress: &Progress,
) -> Crowd<P::Visit> {
    let total = numbers.len();
    let mut filling = stream::iter(numbers.map(|number| fill_one(peer, engine, number, refused))).buffer_unordered(AT_ONCE);
    let mut crowd = Crowd { visits: Vec::new(), refusals: Vec::new() };
    while let Some(outcome) = filling.next().await {
        match outcome {
            Ok(visit) => crowd.visits.push(visit),
            Err(problem) => crowd.refusals.push(problem),
        }
        progress.say(&format!("filling visits: {} of {total}", crowd.visits.len()));
    }
    crowd
}

async fn fill_one<P: Peer>(peer: &P, engine: &Engine, number: u32, refused: Refused) -> Result<P::Visit, Problem> {
    let mut visit = peer.open(number).await?;
    for seat in 0..SEATS {
        let mut tries = 0;
        let taken = loop {
            tries += 1;
            match peer.join(&mut visit, seat).await {
                Err(problem) if refused == Refused::TryAgain && tries < TRIES_MAX && problem.is::<Full>() => {
                    let again = problem.downcast_ref::<Full>().and_then(|full| full.retry_after).unwrap_or(RETRY_AFTER);
                    tokio::time::sleep(again).await;
                }
                joined => break joined.and_then(|legs| engine.add(legs)),
            }
        };
        if let Err(problem) = taken {
            // Half a visit would be load that nobody counts on.
            (0..SEATS).try_for_each(|seat| engine.remove(Place { visit: number, seat }))?;
            let _ = peer.close(visit).await;
            return Err(problem);
        }
    }
    engine.add(peer.complete(&mut visit).await?)?;
    Ok(visit)
}

/// Waits until everyone receives what the reference visit promises. Whether that came about.
pub async fn settle(engine: &Engine, visits: usize, progress: &Progress) -> Result<bool, Problem> {
    settle_within(engine, visits, SETTLING_SECONDS_MAX, progress).await
}

/// The same for who knows that it may never come about.
pub async fn settle_within(engine: &Engine, visits: usize, seconds: u32, progress: &Progress) -> Result<bool, Problem> {
    let expected = visits as f64 * f64::from(SEATS) * RECEIVED_PER_SECOND;
    engine.tally()?;
    let mut good = 0;
    for second in 1..=seconds {
        let began = Instant::now();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let tally = engine.tally()?;
        let received = tally.received as f64 / began.elapsed().as_secs_f64();
        progress.say(&format!(
            "settling, {second} s: {:.0} % of {expected:.0} packets/s, {:.0} % of pictures in the top layer",
            100.0 * received / expected,
            100.0 * tally.top_share()
        ));
        good = if received >= SETTLED * expected && tally.top_share() >= SETTLED { good + 1 } else { 0 };
        if good == 2 {
            return Ok(true);
        }
    }
    Ok(false)
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

/// Says on standard error how far a run is: on one line of a terminal, else on a line each.
pub struct Progress {
    terminal: bool,
}

impl Default for Progress {
    fn default() -> Progress {
        Progress { terminal: stderr().is_terminal() }
    }
}

impl Progress {
    pub fn say(&self, text: &str) {
        let mut out = stderr().lock();
        // Nobody reads it: then nobody misses it.
        let _ = if self.terminal { write!(out, "\r\x1b[K{text}").and_then(|()| out.flush()) } else { writeln!(out, "{text}") };
    }

    /// What was said last stays.
    pub fn done(&self) {
        if self.terminal {
            let _ = writeln!(stderr());
        }
    }
}
