//! `--api`: what the HTTP API carries while visits run, and whether they feel it.
//!
//! Three windows of the same length: nobody asks; some ask for what pages and a nurse's tool look at, as fast as they are answered;
//! others add patients, as fast as they are answered. Everyone who looks is recorded for good before they are answered, as in life.

use std::time::Duration;

use serde_json::{Value, json};

use super::requests::{self, Answers, Asking, Questions};
use crate::bot::Problem;
use crate::machine::process::{Machine, Server, Usage};
use crate::media::engine::Engine;
use crate::media::tally::micros;
use crate::run::crowd::PATIENT;
use crate::run::measured::Measured;
use crate::run::report::Report;
use crate::run::{fill, settle};
use crate::server::stage::Stage;

/// Asking is under way for so long before it is counted.
const WARM_UP: Duration = Duration::from_secs(1);

/// The statuses that count: OK, and Created.
const LOOKED: u16 = 200;
const ADDED: u16 = 201;

/// One window.
struct Window {
    name: &'static str,
    report: Report,
    /// What the bots say of themselves.
    strain: Value,
    /// What the process that answers used, and that which forwards.
    control: Usage,
    media: Usage,
    asked: Option<Asked>,
}

struct Asked {
    answers: Answers,
    client: Duration,
}

pub async fn run(stage: &Stage<'_>, connections: u16) -> Result<Value, Problem> {
    let engine = Engine::start(stage.load.gro)?;
    let crowd = fill(&stage.quartet, &engine, 0..stage.load.visits, PATIENT, stage.progress).await;
    if let Some(problem) = crowd.refusals.first() {
        return Err(format!("{} visits did not come about: {problem}", crowd.refusals.len()).into());
    }
    let settled = settle(&engine, crowd.visits.len(), stage.progress).await?;
    let (door, visits) = (stage.own.door(), crowd.visits.len());
    let (host, token) = (door.host, stage.own.token.clone());

    // A page asks for its visit, a tool of the clinic for an appointment.
    let mut looks = Vec::new();
    for visit in &crowd.visits {
        let appointment = requests::get(host, &format!("/api/v1/appointments/{}", visit.appointment()), &token);
        for (path, session) in visit.pages() {
            looks.extend([requests::get(host, &path, session), appointment.clone()]);
        }
    }
    let adding = move |number: u64| {
        let patient = json!({ "name": format!("Patient {number} Added"), "birth_date": "1970-01-01" });
        requests::post(host, "/api/v1/patients", &token, &patient.to_string())
    };

    let quiet = window(stage, &engine, "quiet", (visits, settled), None).await?;
    stage.progress.say(&row(&quiet.json(stage, &quiet)));
    let asking = Asking::start(&door, connections.into(), Questions::Same(looks), LOOKED).await?;
    let readers = window(stage, &engine, "readers", (visits, settled), Some(asking)).await?;
    stage.progress.say(&row(&readers.json(stage, &quiet)));
    let asking = Asking::start(&door, connections.into(), Questions::Numbered(Box::new(adding)), ADDED).await?;
    let writers = window(stage, &engine, "writers", (visits, settled), Some(asking)).await?;

    let windows: Vec<Value> = [&quiet, &readers, &writers].map(|window| window.json(stage, &quiet)).into();
    Ok(json!({
        "visits": visits,
        "seconds": stage.load.seconds,
        "settled": settled,
        "connections": connections,
        "server_processors": stage.processors,
        "srtp_profile": stage.load.profile.name(),
        "gro": stage.load.gro,
        "machine": Machine.name(),
        "windows": windows,
    }))
}

async fn window(
    stage: &Stage<'_>,
    engine: &Engine,
    name: &'static str,
    (visits, settled): (usize, bool),
    asking: Option<Asking>,
) -> Result<Window, Problem> {
    stage.progress.say(name);
    if asking.is_some() {
        tokio::time::sleep(WARM_UP).await;
    }
    let (control, media) = processes(&stage.server)?;
    let before = (control.usage()?, media.usage()?, asking.as_ref().map(Asking::running).transpose()?);
    asking.as_ref().map(Asking::answers);
    let Measured { seconds, bots, strain } =
        Measured::of(engine, stage.load.seconds, Some(&stage.server), stage.progress).await?;
    let asked = match (asking, before.2) {
        (Some(asking), Some(before)) => {
            Some(Asked { answers: asking.answers(), client: asking.running()?.saturating_sub(before) })
        }
        _ => None,
    };
    let (control, media) = (control.usage()?.since(&before.0), media.usage()?.since(&before.1));
    let report = Report { visits, settled, seconds, bots };
    Ok(Window { name, report, strain: strain.json(), control, media, asked })
}

/// The process that answers, and those that forward.
fn processes(server: &Server) -> Result<(Server, Server), Problem> {
    let (first, others) = server.pids().split_first().ok_or("a server without processes")?;
    Ok((Server::these(&[*first]), Server::these(others)))
}

impl Window {
    fn json(&self, stage: &Stage<'_>, quiet: &Window) -> Value {
        let length: f64 = self.report.seconds.iter().map(|second| second.length.as_secs_f64()).sum();
        let of = |part: Duration| part.as_secs_f64() / length.max(f64::MIN_POSITIVE);
        let quiet_length: f64 = quiet.report.seconds.iter().map(|second| second.length.as_secs_f64()).sum();
        let figures = self.report.json(stage.load);
        json!({
            "window": self.name,
            "clean_seconds": figures["clean_seconds"],
            "packets_out_per_s": figures["packets_out_per_s"],
            "loss": figures["loss"],
            "latency_us": figures["latency_us"],
            "latency_us_clean": figures["latency_us_clean"],
            "control_busy": of(self.control.running),
            "media_busy": of(self.media.running),
            "bots_busy": figures["bots_busy"],
            "bots_gave_way": self.strain,
            "requests": self.asked.as_ref().map(|Asked { answers, client }| {
                let each = |time: f64| (answers.done > 0).then(|| time * 1e6 / answers.done as f64);
                // What control does without them is not theirs.
                let own = quiet.control.running.as_secs_f64() * length / quiet_length.max(f64::MIN_POSITIVE);
                json!({
                    "per_s": answers.done as f64 / length.max(f64::MIN_POSITIVE),
                    "took_us": { "p50": micros(&answers.took, 0.5), "p99": micros(&answers.took, 0.99) },
                    "refused": answers.refused,
                    "broken_connections": answers.broken,
                    "first_failure": answers.first_failure,
                    "control_us_per_request": each((self.control.running.as_secs_f64() - own).max(0.0)),
                    "client_us_per_request": each(client.as_secs_f64()),
                    "client_busy": of(*client),
                })
            }),
        })
    }
}

/// The windows side by side, for people.
pub fn print(found: &Value) {
    println!(
        "{} visits, {} connections, {} s each; the server's processors: {}\n",
        found["visits"], found["connections"], found["seconds"], found["server_processors"]
    );
    println!("{HEAD}");
    for window in found["windows"].as_array().into_iter().flatten() {
        println!("{}", row(window));
    }
    for window in found["windows"].as_array().into_iter().flatten() {
        let failed = [&window["requests"]["first_failure"], &window["bots_gave_way"]].map(|said| said.as_str());
        for said in failed.into_iter().flatten() {
            println!("{}: {said}", window["window"].as_str().unwrap_or_default());
        }
    }
}

const HEAD: &str = "window   requests/s  p50 ms  p99 ms refused  broken µs/request control% media% client%  bots%  | media p50 µs  p99 µs p999 µs   loss % clean s";

fn row(window: &Value) -> String {
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let (asked, latency) = (&window["requests"], &window["latency_us"]);
    format!(
        "{:<8} {:>10.0} {:>7.2} {:>7.2} {:>7} {:>7} {:>10.0} {:>8.0} {:>6.0} {:>7.0} {:>6.0}  | {:>12.0} {:>7.0} {:>7.0} {:>8.3} {:>7}",
        window["window"].as_str().unwrap_or_default(),
        number(&asked["per_s"]),
        number(&asked["took_us"]["p50"]) / 1e3,
        number(&asked["took_us"]["p99"]) / 1e3,
        asked["refused"].as_u64().unwrap_or(0),
        asked["broken_connections"].as_u64().unwrap_or(0),
        number(&asked["control_us_per_request"]),
        100.0 * number(&window["control_busy"]),
        100.0 * number(&window["media_busy"]),
        100.0 * number(&asked["client_busy"]),
        100.0 * number(&window["bots_busy"]),
        number(&latency["p50"]),
        number(&latency["p99"]),
        number(&latency["p999"]),
        100.0 * number(&window["loss"]),
        window["clean_seconds"],
    )
}
