//! `--storm`: while visits run, people of others leave and come back, many at a time.

use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::bot::Problem;
use crate::machine::process::Machine;
use crate::media::engine::Engine;
use crate::media::tally::{Tally, micros};
use crate::peer::Full;
use crate::peer::quartet::Quartet;
use crate::run::asking::Patience;
use crate::run::crowd::PATIENT;
use crate::run::measured::Measured;
use crate::run::moving::Moving;
use crate::run::report::Report;
use crate::run::seconds::measure;
use crate::run::{fill, settle};
use crate::server::stage::Stage;

/// Seats taken in a second.
const JOINS_PER_SECOND: u32 = 200;
/// Visits whose people move. Their most that can be under way at a time.
const MOVING: u32 = 32;
/// Visits opened at a time.
const AT_ONCE: usize = 8;
/// How long the server is watched before, to know what the running visits cost.
const BEFORE_SECONDS: u32 = 5;
/// Who comes back, and who stays to see it. Nobody else is there, so that bots can move as many as the server can take.
const MOVER: u8 = 1;
const STAYER: u8 = 0;
/// A server that has no room just now is asked again, as people's pages do.
const AGAIN: Patience = Patience { asked_max: 5, rest_max: Duration::from_secs(3) };
/// How long the last who came may be on their way.
const LANDING: Duration = Duration::from_secs(2);

pub async fn run(stage: &Stage<'_>) -> Result<Value, Problem> {
    // Two engines, so that what the running visits feel is counted apart.
    let (running, moving) = (Engine::start(stage.load.gro)?, Engine::start(stage.load.gro)?);
    let crowd = fill(&stage.quartet, &running, 0..stage.load.visits, PATIENT, stage.progress).await;
    if let Some(problem) = crowd.refusals.first() {
        return Err(format!("{} visits did not come about: {problem}", crowd.refusals.len()).into());
    }
    let numbers = stage.load.visits..stage.load.visits + MOVING;
    let mut opening = stream::iter(numbers.map(|number| open(stage, &moving, number))).buffer_unordered(AT_ONCE);
    let mut free = Vec::new();
    while let Some(opened) = opening.next().await {
        free.push(opened?);
        stage.progress.say(&format!("opening visits whose people will move: {} of {MOVING}", free.len()));
    }
    drop(opening);
    let settled = settle(&running, crowd.visits.len(), stage.progress).await?;
    let before = measure(&running, BEFORE_SECONDS, Some(&stage.server), &Machine, stage.progress).await?;

    moving.tally()?;
    let measuring = Measured::of(&running, stage.load.seconds, Some(&stage.server), stage.progress);
    let (measured, mut moved) = tokio::join!(measuring, storm(stage, &moving, free));
    let (Measured { seconds, bots, strain }, joins) = (measured?, &mut moved.tally);
    // Who sat down in the last moment is seen a moment later.
    tokio::time::sleep(LANDING).await;
    joins.add(&moving.tally()?);

    let report_before = Report { visits: crowd.visits.len(), settled, seconds: before, bots };
    let report = Report { visits: crowd.visits.len(), settled, seconds, bots };
    let busy = |report: &Report| report.json(stage.load)["server_busy"].as_f64();
    let mut figures = report.json(stage.load);
    let seconds = f64::from(stage.load.seconds);
    let cost = busy(&report).zip(busy(&report_before)).map(|(during, before)| (during - before) * seconds * 1e3);
    figures["joins_wanted_per_s"] = JOINS_PER_SECOND.into();
    figures["joins_per_s"] = (f64::from(moved.joins) / seconds).into();
    figures["joins_failed"] = moved.failed.len().into();
    figures["joins_refused_at_first"] = moved.refused.into();
    figures["first_failure"] = moved.failed.first().cloned().into();
    figures["joins_not_begun_for_want_of_free_bots"] = moved.missed.into();
    figures["join_ms"] = json!({
        "p50": micros(&joins.joins, 0.5).map(|us| us / 1e3), "p99": micros(&joins.joins, 0.99).map(|us| us / 1e3),
        "seen": joins.joins.len(),
    });
    figures["server_cpu_ms_per_leave_and_join"] = cost.map(|ms| ms / f64::from(moved.joins.max(1))).into();
    figures["server_busy_before"] = busy(&report_before).into();
    figures["latency_us_before"] = report_before.json(stage.load)["latency_us"].clone();
    figures["bots_gave_way"] = strain.json();
    Ok(figures)
}

async fn open(stage: &Stage<'_>, engine: &Engine, number: u32) -> Result<Moving<Quartet>, Problem> {
    let mut moving = Moving::open(&stage.quartet, engine, number, 0..0).await?;
    AGAIN.ask(async || moving.join(&stage.quartet, engine, MOVER).await).await?;
    AGAIN.ask(async || moving.listen(&stage.quartet, engine, STAYER).await).await?;
    Ok(moving)
}

/// What the storm came to.
#[derive(Default)]
struct Moved {
    joins: u32,
    failed: Vec<String>,
    /// How often the server had no room just then.
    refused: u32,
    /// Turns that came while everybody was on their way.
    missed: u32,
    tally: Tally,
}

async fn storm(stage: &Stage<'_>, engine: &Engine, mut free: Vec<Moving<Quartet>>) -> Moved {
    let mut moved = Moved::default();
    let mut under_way = FuturesUnordered::new();
    let mut turns = interval(Duration::from_secs(1) / JOINS_PER_SECOND);
    turns.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let end = Instant::now() + Duration::from_secs(stage.load.seconds.into());
    while Instant::now() < end {
        tokio::select! {
            _ = turns.tick() => match free.pop() {
                Some(one) => under_way.push(leave_and_come_back(stage, engine, one)),
                None => moved.missed += 1,
            },
            Some((one, refused, outcome)) = under_way.next() => moved.take(one, refused, outcome, &mut free),
        }
    }
    while let Some((one, refused, outcome)) = under_way.next().await {
        moved.take(one, refused, outcome, &mut free);
    }
    moved
}

impl Moved {
    /// The longest rested moves next.
    fn take(&mut self, one: Moving<Quartet>, refused: u32, outcome: Result<(), Problem>, free: &mut Vec<Moving<Quartet>>) {
        self.refused += refused;
        match outcome {
            Ok(()) => {
                self.joins += 1;
                free.insert(0, one);
            }
            // Where one failed, another would too: that visit has moved enough.
            Err(problem) => self.failed.push(problem.to_string()),
        }
    }
}

/// The visit, how often the server had no room for who came back, and what came of it.
async fn leave_and_come_back(
    stage: &Stage<'_>,
    engine: &Engine,
    mut one: Moving<Quartet>,
) -> (Moving<Quartet>, u32, Result<(), Problem>) {
    let mut refused = 0;
    let outcome = async {
        one.leave(&stage.quartet, engine, MOVER).await?;
        let join = AGAIN.ask(async || {
            let joined = one.join(&stage.quartet, engine, MOVER).await;
            refused += u32::from(joined.as_ref().is_err_and(|problem| problem.is::<Full>()));
            joined
        });
        join.await
    };
    let outcome = outcome.await;
    (one, refused, outcome)
}
