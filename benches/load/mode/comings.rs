//! `--joins`: one visit, and one of its people who leaves and comes back; nothing else happens.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::bot::Problem;
use crate::machine::process::Machine;
use crate::media::engine::Engine;
use crate::media::mix::SEATS;
use crate::media::tally::{Tally, micros};
use crate::run::moving::{Moving, first_packet};
use crate::run::seconds::measure;
use crate::run::settle;
use crate::server::stage::Stage;

/// How long the visit alone is watched, to know what it costs by itself.
const ALONE_SECONDS: u32 = 5;
/// A join that takes longer has failed.
const JOIN_MAX: Duration = Duration::from_secs(5);
/// Between two, so that one does not pay for the other.
const REST: Duration = Duration::from_millis(50);
/// Who comes and goes.
const SEAT: u8 = SEATS - 1;

pub async fn run(stage: &Stage<'_>, count: u32) -> Result<Value, Problem> {
    let engine = Engine::start(stage.load.gro)?;
    let mut visit = Moving::open(&stage.quartet, &engine, 0, 0..SEATS).await?;
    settle(&engine, 1, stage.progress).await?;
    visit.leave(&stage.quartet, &engine, SEAT).await?;
    let alone = measure(&engine, ALONE_SECONDS, Some(&stage.server), &Machine, stage.progress).await?;
    let running: Duration = alone.iter().filter_map(|second| Some(second.used?.running)).sum();
    let length: f64 = alone.iter().map(|second| second.length.as_secs_f64()).sum();
    let busy = running.as_secs_f64() / length.max(f64::MIN_POSITIVE);

    let mut all = Tally::default();
    let (mut joins, mut leaves) = (Vec::new(), Vec::new());
    let mut answered = Histogram::<u64>::new_with_bounds(1_000, 60_000_000_000, 3)?;
    for number in 1..=count {
        engine.tally()?;
        let (began, before) = (Instant::now(), stage.server.usage()?);
        visit.join(&stage.quartet, &engine, SEAT).await?;
        answered.saturating_record(began.elapsed().as_nanos() as u64);
        let tally = first_packet(&engine, JOIN_MAX).await?.ok_or("nobody received a packet of who came")?;
        joins.push(spent(stage, busy, began, before.running)?);
        all.add(&tally);
        stage.progress.say(&format!("join {number} of {count}"));
        tokio::time::sleep(REST).await;
        let (began, before) = (Instant::now(), stage.server.usage()?);
        visit.leave(&stage.quartet, &engine, SEAT).await?;
        leaves.push(spent(stage, busy, began, before.running)?);
        tokio::time::sleep(REST).await;
    }
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len().max(1) as f64;
    let milliseconds = |histogram: &Histogram<u64>| {
        let at = |quantile| micros(histogram, quantile).map(|us| us / 1e3);
        json!({ "p50": at(0.5), "p99": at(0.99) })
    };
    Ok(json!({
        "joins": count,
        "join_ms": milliseconds(&all.joins),
        "join_until_the_bots_handshake_is_done_ms": milliseconds(&answered),
        "server_cpu_ms_per_join": mean(&joins),
        "server_cpu_ms_per_leave_and_admission": mean(&leaves),
        "server_busy_with_the_visit_alone": busy,
        "srtp_profile": stage.load.profile.name(),
        "machine": Machine.name(),
    }))
}

/// Milliseconds of the server since then, without what the visit costs by itself.
fn spent(stage: &Stage<'_>, busy: f64, began: Instant, before: Duration) -> Result<f64, Problem> {
    let running = stage.server.usage()?.running.saturating_sub(before);
    Ok((running.as_secs_f64() - busy * began.elapsed().as_secs_f64()) * 1e3)
}
