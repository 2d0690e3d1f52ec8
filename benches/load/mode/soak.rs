//! `--soak`: people and visits come and go for minutes; whether the server becomes again what it was.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::bot::Problem;
use crate::machine::process::{Machine, Usage};
use crate::media::engine::Engine;
use crate::media::mix::SEATS;
use crate::media::tally::{Tally, micros};
use crate::peer::quartet::Quartet;
use crate::run::moving::Moving;
use crate::run::report::faults;
use crate::server::stage::Stage;

/// Turns between two samples, and between two visits that end for others to begin. Turns are seconds.
const SAMPLE_EVERY: u64 = 10;
const RENEW_EVERY: u64 = 10;
/// Until then pools and caches grow to what they need.
const WARM_UP_SECONDS: u64 = 60;
/// How much more memory may be held at the end: allocators keep what they had.
const GROWTH_SHARE_MAX: f64 = 0.05;
const GROWTH_BYTES_MAX: f64 = 4e6;
/// Samples that are compared: the lowest of so many after the warm-up and at the end, since one in between is under way.
const COMPARED: usize = 3;

/// What the server held at some time.
struct Sample {
    second: u64,
    usage: Usage,
    p99_us: Option<f64>,
    lost: i64,
}

pub async fn run(stage: &Stage<'_>, minutes: u32) -> Result<Value, Problem> {
    let engine = Engine::start(stage.load.gro)?;
    let mut visits = Vec::new();
    for number in 0..stage.load.visits.max(1) {
        visits.push(Moving::open(&stage.quartet, &engine, number, 0..SEATS).await?);
        stage.progress.say(&format!("filling visits: {} of {}", visits.len(), stage.load.visits));
    }
    let mut next = stage.load.visits.max(1);
    let (mut samples, mut failures) = (Vec::new(), Vec::new());
    let (mut joins, mut since) = (0_u32, Tally::default());
    let mut all = Tally::default();
    engine.tally()?;
    let began = Instant::now();
    let mut turns = interval(Duration::from_secs(1));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for turn in 1..=u64::from(minutes) * 60 {
        turns.tick().await;
        let place = (turn % visits.len() as u64) as usize;
        let outcome = if turn % RENEW_EVERY == 0 {
            next += 1;
            renew(stage, &engine, &mut visits, place, next - 1).await
        } else {
            // The provider stays: nobody comes back to a visit without one.
            let seat = 1 + (turn / visits.len() as u64 % u64::from(SEATS - 1)) as u8;
            come_back(stage, &engine, &mut visits[place], seat).await
        };
        match outcome {
            Ok(()) => joins += 1,
            Err(problem) => failures.push(format!("second {turn}: {problem}")),
        }
        if visits.is_empty() {
            return Err(failures.into_iter().next_back().unwrap_or_default().into());
        }
        let tally = engine.tally()?;
        since.add(&tally);
        all.add(&tally);
        if turn % SAMPLE_EVERY == 0 {
            let usage = stage.server.usage()?;
            stage.progress.say(&format!(
                "{} s: {:.1} MB, {} descriptors, {} tasks, {joins} joins, {} failures",
                began.elapsed().as_secs(),
                usage.resident_bytes as f64 / 1e6,
                usage.descriptors,
                usage.tasks,
                failures.len()
            ));
            let second = began.elapsed().as_secs();
            samples.push(Sample { second, usage, p99_us: micros(&since.latency, 0.99), lost: since.lost });
            since = Tally::default();
        }
    }
    Ok(judged(&samples, joins, &failures, &all))
}

async fn come_back(stage: &Stage<'_>, engine: &Engine, visit: &mut Moving<Quartet>, seat: u8) -> Result<(), Problem> {
    visit.leave(&stage.quartet, engine, seat).await?;
    visit.join(&stage.quartet, engine, seat).await
}

/// Ends one visit, and begins another in its place.
async fn renew(
    stage: &Stage<'_>,
    engine: &Engine,
    visits: &mut Vec<Moving<Quartet>>,
    place: usize,
    number: u32,
) -> Result<(), Problem> {
    visits.swap_remove(place).close(&stage.quartet, engine).await?;
    visits.push(Moving::open(&stage.quartet, engine, number, 0..SEATS).await?);
    Ok(())
}

fn judged(samples: &[Sample], joins: u32, failures: &[String], all: &Tally) -> Value {
    let warm: Vec<&Sample> = samples.iter().filter(|sample| sample.second >= WARM_UP_SECONDS).collect();
    let lowest = |of: &[&Sample], what: fn(&Usage) -> u64| of.iter().map(|sample| what(&sample.usage)).min();
    let (first, last) = (&warm[..warm.len().min(COMPARED)], &warm[warm.len().saturating_sub(COMPARED)..]);
    let grown = |what: fn(&Usage) -> u64| {
        let (before, after) = lowest(first, what).zip(lowest(last, what))?;
        Some((before as f64, after as f64 - before as f64))
    };
    let memory = grown(|usage| usage.resident_bytes);
    let (descriptors, tasks) = (grown(|usage| usage.descriptors), grown(|usage| usage.tasks));
    let returned = warm.len() > COMPARED
        && memory.is_some_and(|(before, more)| more <= (before * GROWTH_SHARE_MAX).max(GROWTH_BYTES_MAX))
        && [descriptors, tasks].iter().all(|grown| grown.is_some_and(|(_, more)| more <= 0.0));
    let rows: Vec<Value> = samples
        .iter()
        .map(|Sample { second, usage, p99_us, lost }| {
            json!({
                "second": second, "resident_bytes": usage.resident_bytes, "descriptors": usage.descriptors, "tasks": usage.tasks,
                "latency_p99_us": p99_us, "lost": lost,
            })
        })
        .collect();
    json!({
        "returned": returned,
        "compared_samples_after_warm_up": warm.len(),
        "resident_bytes_grown": memory.map(|(_, more)| more),
        "descriptors_grown": descriptors.map(|(_, more)| more),
        "tasks_grown": tasks.map(|(_, more)| more),
        "leaves_and_joins": joins,
        "failures": failures.len(),
        "first_failure": failures.first(),
        "join_ms": { "p50": micros(&all.joins, 0.5).map(|us| us / 1e3), "p99": micros(&all.joins, 0.99).map(|us| us / 1e3) },
        "latency_p99_us": micros(&all.latency, 0.99),
        "loss": all.loss(),
        "wrong": all.faults.sum(),
        "faults": faults(&all.faults),
        "machine": Machine.name(),
        "samples": rows,
    })
}

pub fn print(found: &Value) {
    println!("second      MB descriptors tasks  p99 µs  lost");
    for sample in found["samples"].as_array().into_iter().flatten() {
        println!(
            "{:>6} {:>7.1} {:>11} {:>5} {:>7.0} {:>5}",
            sample["second"],
            sample["resident_bytes"].as_f64().unwrap_or(0.0) / 1e6,
            sample["descriptors"],
            sample["tasks"],
            sample["latency_p99_us"].as_f64().unwrap_or(0.0),
            sample["lost"],
        );
    }
    println!();
    let mut rest = found.clone();
    if let Some(rest) = rest.as_object_mut() {
        rest.remove("samples");
    }
    crate::run::report::print(&rest);
}
