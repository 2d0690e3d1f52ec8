//! `--find-max`: visits are added to those that run until something gives way.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use crate::bot::Problem;
use crate::machine::process::Machine;
use crate::machine::sockets;
use crate::media::engine::Engine;
use crate::media::leg::Place;
use crate::media::mix::SEATS;
use crate::mode::plot;
use crate::mode::steps::Bounds;
use crate::peer::Full;
use crate::peer::Peer;
use crate::peer::quartet::Visit;
use crate::run::asking::Patience;
use crate::run::crowd::settle_within;
use crate::run::limits::{LOSS_MAX, P99_MAX_US};
use crate::run::measured::Measured;
use crate::run::report::Report;
use crate::run::{self, Second};
use crate::server::stage::Stage;

/// How long each step is measured. Longer would take minutes; shorter would be a hiccup's.
const STEP_SECONDS: u32 = 5;
/// Who has not settled by then will not: most of a step's time, where the server is at its end.
const SETTLING_SECONDS_MAX: u32 = 10;
/// Joins cost more than what comes after them; a server that is busy with joins says so, and who asks again is let in.
const PATIENCE: Patience = Patience { asked_max: 5, rest_max: Duration::from_secs(3) };
/// More steps than any search takes.
const STEPS_MAX: usize = 24;
/// A search is as long as it is; one that takes minutes shares its machine with too much else. Then the best so far is said.
const SEARCH_MAX: Duration = Duration::from_secs(240);

/// One load, measured.
#[derive(Serialize)]
pub struct Step {
    pub visits: u32,
    /// Whether everyone received everyone at their best when the measuring began.
    pub settled: bool,
    pub clean_seconds: usize,
    pub packets_out_per_s: f64,
    pub cpu_us_per_forwarded_packet: Option<f64>,
    pub user_us_per_forwarded_packet: Option<f64>,
    /// Of one processor.
    pub server_busy: Option<f64>,
    pub latency_p50_us: Option<f64>,
    pub latency_p99_us: Option<f64>,
    pub latency_p999_us: Option<f64>,
    pub loss: f64,
    pub top_layer_share: f64,
    pub rss_bytes_per_visit: u64,
    /// Datagrams that the server's sockets threw away.
    pub server_drops: u64,
    pub bots_busy: f64,
    pub bots_late_p99_us: f64,
    pub bots_drops: u64,
    /// What gave way; none if nothing did.
    pub gave_way: Option<String>,
    /// Whether it was the bots.
    pub bots_gave_way: bool,
}

/// What was found.
pub async fn run(stage: &Stage<'_>, plot: Option<&Path>) -> Result<Value, Problem> {
    let began = Instant::now();
    let engine = Engine::start(stage.load.gro)?;
    let (mut standing, mut born, mut bounds, mut steps) = (Vec::new(), 0, Bounds::default(), Vec::<Step>::new());
    let mut wanted = stage.load.visits.max(1);
    let mut unfinished = None;
    for _ in 0..STEPS_MAX {
        let refusal = resize(stage, &engine, &mut standing, &mut born, wanted).await?;
        let mut step = step(stage, &engine, standing.len()).await?;
        if step.gave_way.is_some() && refusal.is_none() {
            // Once is a neighbour's hiccup; twice is the load.
            step = measured(stage, &engine, standing.len(), step.settled).await?;
        }
        bounds.learn(step.visits, step.gave_way.is_none());
        let full = refusal.is_some();
        step.gave_way = step.gave_way.or(refusal);
        stage.progress.say(&row(&json!(step)));
        steps.push(step);
        if full {
            // The server itself says where its end is.
            break;
        }
        let Some(next) = bounds.next() else { break };
        if began.elapsed() > SEARCH_MAX {
            unfinished = Some("nothing yet: the search took too long, and stopped where it was");
            break;
        }
        wanted = next;
    }
    stage.progress.done();
    let last = steps.iter().filter(|step| step.gave_way.is_some()).min_by_key(|step| step.visits);
    let found = json!({
        "max_visits": bounds.carried.unwrap_or(0),
        "gave_way": last.and_then(|step| step.gave_way.clone()).or(unfinished.map(str::to_owned)),
        "bots_gave_way": last.is_some_and(|step| step.bots_gave_way),
        "srtp_profile": stage.load.profile.name(),
        "gro": stage.load.gro,
        "machine": Machine.name(),
        "steps": steps,
    });
    if let Some(file) = plot {
        steps.sort_by_key(|step| step.visits);
        let points: Vec<plot::Point> = steps.iter().map(point).collect();
        std::fs::write(file, plot::svg(&points, &Machine.name())).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(found)
}

/// Adds visits, or ends the last of them. Why not all came about.
async fn resize(
    stage: &Stage<'_>,
    engine: &Engine,
    standing: &mut Vec<Visit>,
    born: &mut u32,
    wanted: u32,
) -> Result<Option<String>, Problem> {
    while standing.len() > wanted as usize {
        let Some(visit) = standing.pop() else { break };
        (0..SEATS).try_for_each(|seat| engine.remove(Place { visit: visit.number, seat }))?;
        // It ends by itself within the hour, should this fail.
        let _ = stage.quartet.close(visit).await;
    }
    let mut refusals = 0;
    let grown = PATIENCE.ask(async || {
        let more = wanted.saturating_sub(standing.len() as u32);
        let crowd = run::fill(&stage.quartet, engine, *born..*born + more, Patience::NONE, stage.progress).await;
        *born += more;
        standing.extend(crowd.visits);
        refusals = crowd.refusals.len();
        crowd.refusals.into_iter().next().map_or(Ok(()), Err)
    });
    Ok(grown.await.err().map(|problem| match problem.is::<Full>() {
        true => format!("the server let no more in ({refusals} visits refused)"),
        false => format!("{refusals} visits did not come about: {problem}"),
    }))
}

async fn step(stage: &Stage<'_>, engine: &Engine, visits: usize) -> Result<Step, Problem> {
    let settled = settle_within(engine, visits, SETTLING_SECONDS_MAX, stage.progress).await?;
    if !settled {
        stage.progress.say(&format!("{visits} visits did not settle; they are measured as they are"));
    }
    measured(stage, engine, visits, settled).await
}

async fn measured(stage: &Stage<'_>, engine: &Engine, visits: usize, settled: bool) -> Result<Step, Problem> {
    let server_drops = sockets::drops(&stage.server)?;
    let Measured { mut seconds, bots, strain } = Measured::of(engine, STEP_SECONDS, Some(&stage.server), stage.progress).await?;
    let server_drops = sockets::drops(&stage.server)?.saturating_sub(server_drops);
    let resident = stage.server.usage()?.resident_bytes.saturating_sub(stage.empty.resident_bytes);
    let clean = seconds.iter().filter(|second| second.is_clean()).count();
    if clean * 2 > seconds.len() {
        // What the hypervisor took would be blamed on the server.
        seconds.retain(Second::is_clean);
    }
    let report = Report { visits, settled, seconds, bots };
    let figures = report.json(stage.load);
    let number = |name: &str| figures[name].as_f64();
    let gave_way = if let Some(bots) = strain.gave_way() {
        Some(format!("the bots: {bots}"))
    } else if report.loss() > LOSS_MAX {
        Some(format!("the server: {:.2} % lost, {server_drops} datagrams dropped at its sockets", 100.0 * report.loss()))
    } else {
        let late = report.latency(0.99).filter(|&p99| p99 > P99_MAX_US);
        late.map(|p99| format!("the server: latency p99 {:.1} ms", p99 / 1_000.0))
    };
    Ok(Step {
        visits: visits as u32,
        settled,
        clean_seconds: clean,
        packets_out_per_s: number("packets_out_per_s").unwrap_or(0.0),
        cpu_us_per_forwarded_packet: number("cpu_us_per_forwarded_packet"),
        user_us_per_forwarded_packet: number("user_us_per_forwarded_packet"),
        server_busy: number("server_busy"),
        latency_p50_us: report.latency(0.5),
        latency_p99_us: report.latency(0.99),
        latency_p999_us: report.latency(0.999),
        loss: report.loss(),
        top_layer_share: number("top_layer_share").unwrap_or(0.0),
        rss_bytes_per_visit: resident / (visits as u64).max(1),
        server_drops,
        bots_busy: strain.busy,
        bots_late_p99_us: strain.late_p99_us,
        bots_drops: strain.drops,
        bots_gave_way: strain.gave_way().is_some(),
        gave_way,
    })
}

fn point(step: &Step) -> plot::Point {
    plot::Point {
        packets: step.packets_out_per_s,
        visits: step.visits,
        cpu: step.cpu_us_per_forwarded_packet.unwrap_or(0.0),
        user: step.user_us_per_forwarded_packet.unwrap_or(0.0),
        latency: [step.latency_p50_us, step.latency_p99_us, step.latency_p999_us].map(|latency| latency.unwrap_or(0.0)),
        carried: step.gave_way.is_none(),
    }
}

/// What was found, for people.
pub fn print(found: &Value) {
    println!("{HEAD}");
    found["steps"].as_array().into_iter().flatten().for_each(|step| println!("{}", row(step)));
    let whose = if found["bots_gave_way"] == true { "at least " } else { "" };
    println!("\n{whose}{} visits; then gave way: {}", found["max_visits"], found["gave_way"].as_str().unwrap_or("nothing"));
}

const HEAD: &str = "visits packets/s cpu/p  user/p busy%  p50 µs  p99 µs p999 µs   loss % MB/visit bots% late µs  gave way";

fn row(step: &Value) -> String {
    let number = |name: &str| step[name].as_f64().unwrap_or(f64::NAN);
    let settled = step["settled"] == true;
    format!(
        "{:>6} {:>9.0} {:>5.2} {:>6.2} {:>5.0} {:>7.0} {:>7.0} {:>7.0} {:>8.3} {:>8.2} {:>5.0} {:>7.0}  {}",
        number("visits"),
        number("packets_out_per_s"),
        number("cpu_us_per_forwarded_packet"),
        number("user_us_per_forwarded_packet"),
        100.0 * number("server_busy"),
        number("latency_p50_us"),
        number("latency_p99_us"),
        number("latency_p999_us"),
        100.0 * number("loss"),
        number("rss_bytes_per_visit") / 1e6,
        100.0 * number("bots_busy"),
        number("bots_late_p99_us"),
        step["gave_way"].as_str().unwrap_or(if settled { "" } else { "(not settled)" }),
    )
}
