//! The whole server under load: reference visits over real sockets, beside the bare loop, in one run.
//!
//! `cargo bench --bench load -- --help` says what it can do; benches/README.md says what the figures mean.
#![allow(clippy::cast_possible_truncation, reason = "bots know the sizes of what they make")]
#![allow(unreachable_pub, reason = "a program of its own, made of modules that others share")]

use std::process::ExitCode;

use clap::Parser;

#[path = "../../tests/support/bot/mod.rs"]
mod bot;

mod arrivals;
mod clock;
mod engine;
mod leg;
mod mix;
mod offer;
mod options;
mod peer;
mod pin;
mod process;
mod receiver;
mod report;
mod run;
mod seal;
mod sender;
mod server;
mod stamp;
mod tally;

use bot::Problem;
use engine::Engine;
use options::Load;
use peer::Bots;
use peer::quartet::Quartet;
use process::{Machine, Server};
use report::Report;
use run::Progress;
use server::OwnServer;

/// What the server costs under load, beside the bare loop.
#[derive(Parser, Debug)]
#[command(name = "load", disable_version_flag = true)]
struct Arguments {
    #[command(flatten)]
    load: Load,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let processors = pin::allowed().unwrap_or_default();
    // The server has the first processor, the bots the last.
    let (first, last) = (processors.first().copied(), processors.last().copied());
    let pinned = pin::Pinned::to(last.as_slice());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = pinned.and_then(|pinned| {
        pinned.forget();
        runtime?.block_on(load(&arguments.load, first.as_slice()))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("load: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn load(load: &Load, processors: &[usize]) -> Result<(), Problem> {
    let progress = Progress::default();
    let own = OwnServer::start(1, processors).await?;
    let server = Server::of(own.pid())?;
    let empty = server.usage()?;
    let engine = Engine::start(load.gro)?;
    let quartet = Quartet::new(bot::http::client(), &own.base, &own.token, Bots::new(load.profile)?);
    let crowd = run::fill(&quartet, &engine, 0..load.visits, &progress).await;
    if let Some(problem) = crowd.refusals.first() {
        return Err(format!("{} visits did not come about: {problem}", crowd.refusals.len()).into());
    }
    let settled = run::settle(&engine, crowd.visits.len(), &progress).await?;
    let bots = Server::of(std::process::id())?;
    let before = bots.usage()?;
    let seconds = run::measure(&engine, load.seconds, Some(&server), &Machine, &progress).await?;
    let report = Report { visits: crowd.visits.len(), settled, seconds, bots: bots.usage()?.since(&before) };
    let mut figures = report.json(load);
    let grown = server.usage()?.resident_bytes.saturating_sub(empty.resident_bytes);
    figures["rss_bytes_per_visit"] = (grown / u64::from(load.visits.max(1))).into();
    figures["machine"] = Machine.name().into();
    if load.json {
        println!("{figures}");
    } else {
        report::print(&figures);
    }
    Ok(())
}
