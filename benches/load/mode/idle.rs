//! `--idle`: visits that are open and silent, first with everyone let in and nobody seated, then with all seats taken by people who
//! only listen (their connections are checked, and they report, as browsers do).

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::bot::Problem;
use crate::machine::process::{Machine, Usage};
use crate::media::engine::Engine;
use crate::media::mix::SEATS;
use crate::peer::quartet::Quartet;
use crate::run::moving::Moving;
use crate::run::seconds::measure;
use crate::server::stage::Stage;

/// Visits opened at a time.
const AT_ONCE: usize = 8;
/// The server comes to rest: what it does after an opening is done by then.
const REST_SECONDS: u32 = 3;

pub async fn run(stage: &Stage<'_>, visits: u32) -> Result<Value, Problem> {
    let engine = Engine::start(stage.load.gro)?;
    let before = watched(stage, &engine).await?;
    let mut opening =
        stream::iter((0..visits).map(|number| Moving::open(&stage.quartet, &engine, number, 0..0))).buffer_unordered(AT_ONCE);
    let mut open = Vec::new();
    while let Some(visit) = opening.next().await {
        open.push(visit?);
        stage.progress.say(&format!("opening visits: {} of {visits}", open.len()));
    }
    drop(opening);
    let opened = watched(stage, &engine).await?;

    let (mut seated, mut failure) = (0_u32, None);
    let mut seating = stream::iter(&mut open).map(|visit| seat(stage, &engine, visit)).buffer_unordered(AT_ONCE);
    while let Some(outcome) = seating.next().await {
        match outcome {
            Ok(()) => seated += 1,
            Err(problem) => failure = failure.or(Some(problem.to_string())),
        }
        stage.progress.say(&format!("taking seats: {seated} of {visits} visits"));
    }
    drop(seating);
    let silent = watched(stage, &engine).await?;

    let part = |watched: &Watched, before: &Watched, count: u32| {
        let each = |more: f64| more / f64::from(count.max(1));
        json!({
            "visits": count,
            "server_busy": watched.busy,
            "cpu_ms_per_s_and_visit": each((watched.busy - before.busy) * 1e3),
            "rss_bytes_per_visit": each(watched.usage.resident_bytes as f64 - before.usage.resident_bytes as f64),
            "descriptors": watched.usage.descriptors,
            "tasks": watched.usage.tasks,
        })
    };
    Ok(json!({
        "server_busy_without_visits": before.busy,
        "open_without_seats": part(&opened, &before, visits),
        "seated_and_silent": part(&silent, &before, seated),
        "first_failure": failure,
        "machine": Machine.name(),
    }))
}

async fn seat(stage: &Stage<'_>, engine: &Engine, visit: &mut Moving<Quartet>) -> Result<(), Problem> {
    for seat in 0..SEATS {
        visit.listen(&stage.quartet, engine, seat).await?;
    }
    Ok(())
}

/// The server at rest.
struct Watched {
    busy: f64,
    usage: Usage,
}

async fn watched(stage: &Stage<'_>, engine: &Engine) -> Result<Watched, Problem> {
    measure(engine, REST_SECONDS, None, &Machine, stage.progress).await?;
    let seconds = measure(engine, stage.load.seconds, Some(&stage.server), &Machine, stage.progress).await?;
    let running: f64 = seconds.iter().filter_map(|second| Some(second.used?.running.as_secs_f64())).sum();
    let length: f64 = seconds.iter().map(|second| second.length.as_secs_f64()).sum();
    Ok(Watched { busy: running / length.max(f64::MIN_POSITIVE), usage: stage.server.usage()? })
}
