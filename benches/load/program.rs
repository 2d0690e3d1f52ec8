//! `quartet-load`: a hospital's own load test of an installed server, before anybody depends on it.
//!
//! The bots, visits and mix are those of the bench; what is not here is everything that starts servers.
#![allow(clippy::cast_possible_truncation, reason = "bots know the sizes of what they make")]
#![allow(unreachable_pub, dead_code, reason = "a program made of modules that the bench and tests use other parts of")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use reqwest::Client;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

#[path = "../../tests/support/bot/mod.rs"]
mod bot;

mod machine;
mod media;
mod options;
mod peer;
mod run;

use bot::Problem;
use machine::process::Server;
use media::engine::Engine;
use options::Load;
use peer::Bots;
use peer::quartet::Quartet;
use run::Progress;
use run::crowd::PATIENT;
use run::limits;
use run::measured::Measured;
use run::report::{self, Report};

/// A server that has not answered by then is not waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Where a token is looked for that no file holds.
const TOKEN_VARIABLE: &str = "QUARTET_TOKEN";

/// Load-tests an installed Quartet: bots hold visits on it, through its real API and its real media ports.
///
/// Each visit has four bots. All send sound and three layers of pictures, some 2 Mbit/s each, and receive the best of each
/// other: a visit is some 1,160 packets a second to the server and 2,400 back. Counted are the packets that do not arrive, and
/// how late the others do. Both ways are on this machine's clock, so the latency is that of network and server together.
#[derive(Parser, Debug)]
#[command(name = "quartet-load", version, after_long_help = WHAT_IT_MAKES)]
struct Arguments {
    /// The server, as browsers reach it: https://HOST or https://HOST:PORT.
    #[arg(long, value_name = "URL")]
    url: String,
    /// A file that holds a token of role admin (`quartet token new load --role admin`). Without it: the variable QUARTET_TOKEN.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Do not check the server's certificate: for one that is self-signed. Whoever stands between could read the token then.
    #[arg(long)]
    accept_any_certificate: bool,
    /// On the appliance itself: the server's process id (systemd: `systemctl show -p MainPID quartet`), to measure its CPU per packet.
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    #[command(flatten)]
    load: Load,
}

const WHAT_IT_MAKES: &str = "\
What it makes on the server:
  Providers and patients with the surname Loadtest. They stay (the server keeps its records), and the next run uses them again.
  One appointment for each visit, now. All are ended and cancelled when the run is over, also after Ctrl-C; a second Ctrl-C
  stops without that. The audit log records all of it under the token's name.

What it needs:
  A token of role admin, which can be revoked afterwards (`quartet token revoke`).
  The server's certificate must be one that this machine trusts (SSL_CERT_FILE may name an authority of your own), unless
  --accept-any-certificate is given.
  Another machine than the server's, wired, for figures that mean something: bots cost as much as what they test. The program
  says when the bots themselves were too slow.

It ends with 0 if every visit came about and no more than 0.1 % of packets were lost; else it says what was wrong, and ends with 1.";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(Problem::from).and_then(|runtime| runtime.block_on(run(&arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("quartet-load: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Problem> {
    let token = token(arguments)?;
    let server = arguments.server_pid.map(Server::of).transpose()?;
    let bots = Bots::new(arguments.load.profile)?;
    let quartet = Quartet::new(client(arguments.accept_any_certificate)?, &arguments.url, &token, bots);
    let progress = Progress::default();
    let mut hang_up = signal(SignalKind::terminate())?;

    let outcome = tokio::select! {
        outcome = load(&arguments.load, &quartet, server.as_ref(), &progress) => outcome,
        _ = tokio::signal::ctrl_c() => Err("stopped before it was done".into()),
        _ = hang_up.recv() => Err("stopped before it was done".into()),
    };
    progress.say("ending the visits");
    let left = tokio::select! {
        left = quartet.end_all() => left.map(|(count, problem)| format!("{count} visits could not be ended: {problem}")),
        _ = tokio::signal::ctrl_c() => Some("visits were left open; they end when their hour is over".to_owned()),
    };
    progress.done();
    match (outcome, left) {
        (Ok(()), None) => Ok(()),
        (Ok(()), Some(left)) => Err(left.into()),
        (Err(problem), None) => Err(problem),
        (Err(problem), Some(left)) => Err(format!("{problem}; {left}").into()),
    }
}

/// Fills, settles, measures, says; an error if the server did not carry it.
async fn load(load: &Load, quartet: &Quartet, server: Option<&Server>, progress: &Progress) -> Result<(), Problem> {
    quartet.meet().await.map_err(with_causes)?;
    let engine = Engine::start(load.gro)?;
    let crowd = run::fill(quartet, &engine, 0..load.visits, PATIENT, progress).await;
    let refusals = crowd.refusals.len();
    let refusal = crowd.refusals.into_iter().next().map(with_causes);
    if crowd.visits.is_empty() {
        return Err(refusal.unwrap_or_else(|| "no visits were asked for".into()));
    }
    let settled = run::settle(&engine, crowd.visits.len(), progress).await?;
    let Measured { seconds, bots, strain } = Measured::of(&engine, load.seconds, server, progress).await?;
    let report = Report { visits: crowd.visits.len(), settled, seconds, bots };

    let mut figures = report.json(load);
    figures["refused_visits"] = refusals.into();
    figures["bots_gave_way"] = strain.json();
    if let Some(server) = server {
        figures["server_resident_bytes"] = server.usage()?.resident_bytes.into();
    }
    if load.json {
        println!("{figures}")
    } else {
        report::print(&figures)
    }
    judge(&figures, refusal, refusals, report.loss())
}

/// What was wrong, in words.
fn judge(figures: &Value, refusal: Option<Problem>, refusals: usize, loss: f64) -> Result<(), Problem> {
    let mut wrong = Vec::new();
    if let Some(refusal) = refusal {
        wrong.push(format!("{refusals} visits did not come about, the first because: {refusal}"));
    }
    if loss > limits::LOSS_MAX {
        wrong.push(format!("{:.3} % of packets were lost; {:.1} % may be", 100.0 * loss, 100.0 * limits::LOSS_MAX));
    }
    if let Some(bots) = figures["bots_gave_way"].as_str() {
        // A warning alone: what arrived, arrived.
        let warning = format!("the bots on this machine were too slow ({bots}): measure from a faster one");
        if wrong.is_empty() { eprintln!("quartet-load: {warning}") } else { wrong.push(warning) }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ").into()) }
}

/// A client that believes whom the machine believes, unless it is to believe anyone.
fn client(any_certificate: bool) -> Result<Client, Problem> {
    bot::choose_provider();
    Ok(Client::builder().tls_danger_accept_invalid_certs(any_certificate).timeout(ANSWER_WITHIN).build()?)
}

/// The problem with what caused it: "error sending request" alone helps nobody.
fn with_causes(problem: Problem) -> Problem {
    let mut text = problem.to_string();
    let mut cause = problem.source();
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text.into()
}

fn token(arguments: &Arguments) -> Result<String, Problem> {
    let found = match &arguments.token_file {
        Some(file) => std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?,
        None => std::env::var(TOKEN_VARIABLE).map_err(|_| format!("no token: give --token-file, or set {TOKEN_VARIABLE}"))?,
    };
    Ok(found.trim().to_owned())
}
