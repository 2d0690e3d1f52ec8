//! `--overload`: twice as many visits as the server carries. Who is let in must not feel it.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

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

/// What became of one visit.
enum Fate {
    Admitted,
    Refused { after: Duration, retry_after: Option<Duration>, seated: u8 },
    Failed(Problem),
}

pub async fn run(stage: &Stage<'_>, most: u32) -> Result<Value, Problem> {
    let engine = Engine::start(stage.load.gro)?;
    let asked = most.saturating_mul(2).max(1);
    let mut asking = stream::iter((0..asked).map(|number| ask(stage, &engine, number))).buffer_unordered(AT_ONCE);
    let (mut admitted, mut refused, mut partly, mut unsaid) = (0_u32, 0, 0, 0);
    let mut failed = Vec::new();
    let mut refusals = Histogram::<u64>::new_with_bounds(1_000, 60_000_000_000, 3)?;
    while let Some(fate) = asking.next().await {
        match fate {
            Fate::Admitted => admitted += 1,
            Fate::Refused { after, retry_after, seated } => {
                refused += 1;
                partly += u32::from(seated > 0);
                unsaid += u32::from(retry_after.is_none());
                refusals.saturating_record(after.as_nanos() as u64);
            }
            Fate::Failed(problem) => failed.push(problem.to_string()),
        }
        stage
            .progress
            .say(&format!("asking for {asked} visits: {admitted} admitted, {refused} refused, {} failed", failed.len()));
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
    figures["refused_visits"] = refused.into();
    figures["refused_after_some_had_sat_down"] = partly.into();
    figures["refused_without_retry_after"] = unsaid.into();
    figures["failed_visits"] = failed.len().into();
    figures["first_failure"] = failed.first().cloned().into();
    figures["refusal_us"] = json!({ "p50": micros(&refusals, 0.5), "p99": micros(&refusals, 0.99) });
    figures["delivered_share_of_the_maximum"] = figures["packets_out_per_s"].as_f64().map(|rate| rate / of_most).into();
    figures["bots_gave_way"] = strain.json();
    Ok(figures)
}

/// One visit asks, its people one after the other; whoever is refused, all of them go.
async fn ask(stage: &Stage<'_>, engine: &Engine, number: u32) -> Fate {
    let mut visit = match stage.quartet.open(number).await {
        Ok(visit) => visit,
        Err(problem) => return Fate::Failed(problem),
    };
    for seat in 0..SEATS {
        let began = Instant::now();
        let problem = match stage.quartet.join(&mut visit, seat).await.and_then(|legs| engine.add(legs)) {
            Ok(()) => continue,
            Err(problem) => problem,
        };
        let after = began.elapsed();
        for seat in 0..seat {
            let _ = engine.remove(Place { visit: number, seat });
        }
        let _ = stage.quartet.close(visit).await;
        return match problem.downcast_ref::<Full>() {
            Some(full) => Fate::Refused { after, retry_after: full.retry_after, seated: seat },
            None => Fate::Failed(problem),
        };
    }
    Fate::Admitted
}
