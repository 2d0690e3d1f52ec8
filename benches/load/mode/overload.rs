//! `--overload`: twice as many visits as the server carries. Who is let in must not feel it.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::bot::Problem;
use crate::media::engine::Engine;
use crate::media::leg::Place;
use crate::media::mix::{RECEIVED_PER_SECOND, SEATS};
use crate::media::tally::micros;
use crate::peer::Full;
use crate::peer::Peer;
use crate::run::crowd::settle_within;
use crate::run::measured::Measured;
use crate::run::report::Report;
use crate::server::stage::Stage;

/// Visits that ask at a time.
const AT_ONCE: usize = 8;
/// Who has not settled by then will not.
const SETTLING_SECONDS_MAX: u32 = 10;

/// Who is refused comes back when they were told to, as pages do, for so long: what seats cost here is known by then, and the
/// server may have room for more than it dared to promise at first.
const PATIENCE: Duration = Duration::from_secs(45);

/// One visit that asked.
struct Asked {
    refusals: Vec<Refusal>,
    fate: Fate,
}

struct Refusal {
    after: Duration,
    retry_after: Option<Duration>,
    /// How many of the visit's people had sat down before.
    seated: u8,
}

/// What became of one visit.
enum Fate {
    Admitted,
    Refused,
    Failed(Problem),
}

pub async fn run(stage: &Stage<'_>, most: u32) -> Result<Value, Problem> {
    let engine = Engine::start(stage.load.gro)?;
    let asked = most.saturating_mul(2).max(1);
    let (door, until) = (Semaphore::new(AT_ONCE), Instant::now() + PATIENCE);
    let mut asking: FuturesUnordered<_> = (0..asked).map(|number| ask(stage, &engine, number, &door, until)).collect();
    let (mut admitted, mut at_first, mut refused, mut partly, mut unsaid) = (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
    let mut failed = Vec::new();
    let mut refusals = Histogram::<u64>::new_with_bounds(1_000, 60_000_000_000, 3)?;
    while let Some(visit) = asking.next().await {
        match visit.fate {
            Fate::Admitted => {
                admitted += 1;
                at_first += u32::from(visit.refusals.is_empty());
            }
            Fate::Refused => refused += 1,
            Fate::Failed(problem) => failed.push(problem.to_string()),
        }
        for Refusal { after, retry_after, seated } in visit.refusals {
            partly += u32::from(seated > 0);
            unsaid += u32::from(retry_after.is_none());
            refusals.saturating_record(after.as_nanos() as u64);
        }
        let failures = failed.len();
        stage.progress.say(&format!(
            "asking for {asked} visits, for {} s: {admitted} admitted, {refused} refused for good, {failures} failed",
            PATIENCE.as_secs()
        ));
    }
    drop(asking);

    let settled = settle_within(&engine, admitted as usize, SETTLING_SECONDS_MAX, stage.progress).await?;
    let measured = Measured::of(&engine, stage.load.seconds, Some(&stage.server), stage.progress).await?;
    let Measured { seconds, bots, strain } = measured;
    let report = Report { visits: admitted as usize, settled, seconds, bots };
    let mut figures = report.json(stage.load);
    let of_most = f64::from(most.max(1)) * f64::from(SEATS) * RECEIVED_PER_SECOND;
    figures["asked_visits"] = asked.into();
    figures["admitted_visits"] = admitted.into();
    figures["admitted_at_first"] = at_first.into();
    figures["refused_visits"] = refused.into();
    figures["refusals"] = refusals.len().into();
    figures["refused_after_some_had_sat_down"] = partly.into();
    figures["refused_without_retry_after"] = unsaid.into();
    figures["failed_visits"] = failed.len().into();
    figures["first_failure"] = failed.first().cloned().into();
    figures["refusal_us"] = json!({ "p50": micros(&refusals, 0.5), "p99": micros(&refusals, 0.99) });
    figures["delivered_share_of_the_maximum"] = figures["packets_out_per_s"].as_f64().map(|rate| rate / of_most).into();
    figures["bots_gave_way"] = strain.json();
    Ok(figures)
}

/// One visit asks, its people one after the other, until all sit or its patience is at an end: then who sits goes, too.
async fn ask(stage: &Stage<'_>, engine: &Engine, number: u32, door: &Semaphore, until: Instant) -> Asked {
    let mut refusals = Vec::new();
    let fate = try_until(stage, engine, number, door, until, &mut refusals).await.unwrap_or_else(Fate::Failed);
    Asked { refusals, fate }
}

/// Whether all sit in the end; refusals are noted.
async fn try_until(
    stage: &Stage<'_>,
    engine: &Engine,
    number: u32,
    door: &Semaphore,
    until: Instant,
    refusals: &mut Vec<Refusal>,
) -> Result<Fate, Problem> {
    let mut turn = door.acquire().await?;
    let mut visit = stage.quartet.open(number).await?;
    let mut seat = 0;
    while seat < SEATS {
        let began = Instant::now();
        let problem = match stage.quartet.join(&mut visit, seat).await.and_then(|legs| engine.add(legs)) {
            Ok(()) => {
                seat += 1;
                continue;
            }
            Err(problem) => problem,
        };
        let full = problem.downcast_ref::<Full>();
        let rest = full.and_then(|full| full.retry_after).unwrap_or(PATIENCE);
        refusals.extend(full.map(|full| Refusal { after: began.elapsed(), retry_after: full.retry_after, seated: seat }));
        let is_refused = full.is_some();
        if is_refused && Instant::now() + rest < until {
            drop(turn);
            tokio::time::sleep(rest).await;
            turn = door.acquire().await?;
            continue;
        }
        // What went wrong first is what is told.
        for seat in 0..seat {
            let _ = engine.remove(Place { visit: number, seat });
        }
        let _ = stage.quartet.close(visit).await;
        return if is_refused { Ok(Fate::Refused) } else { Err(problem) };
    }
    Ok(Fate::Admitted)
}
