//! Visits fill up and settle.

use std::ops::Range;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;

use super::progress::Progress;
use crate::bot::Problem;
use crate::media::engine::Engine;
use crate::media::leg::Place;
use crate::media::mix::{RECEIVED_PER_SECOND, SEATS};
use crate::peer::{Full, Peer};

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
