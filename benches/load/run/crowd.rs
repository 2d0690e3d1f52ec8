//! Visits fill up and settle.

use std::ops::Range;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;

use super::asking::Patience;
use super::progress::Progress;
use crate::bot::Problem;
use crate::media::engine::Engine;
use crate::media::leg::Place;
use crate::media::mix::{RECEIVED_PER_SECOND, SEATS};
use crate::peer::Peer;

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

/// Bots try again when the server says, as pages do: a server that fills up fast waits to see what its people cost.
pub const PATIENT: Patience = Patience { asked_max: 12, rest_max: Duration::from_secs(60) };

/// Opens visits of these numbers and fills them.
pub async fn fill<P: Peer>(
    peer: &P,
    engine: &Engine,
    numbers: Range<u32>,
    patience: Patience,
    progress: &Progress,
) -> Crowd<P::Visit> {
    let total = numbers.len();
    let mut filling = stream::iter(numbers.map(|number| fill_one(peer, engine, number, patience))).buffer_unordered(AT_ONCE);
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

async fn fill_one<P: Peer>(peer: &P, engine: &Engine, number: u32, patience: Patience) -> Result<P::Visit, Problem> {
    let mut visit = peer.open(number).await?;
    for seat in 0..SEATS {
        let taken = patience.ask(async || peer.join(&mut visit, seat).await).await.and_then(|legs| engine.add(legs));
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
