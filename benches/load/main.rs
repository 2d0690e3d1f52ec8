//! The whole server under load: reference visits over real sockets, beside the bare loop, in one run.
//!
//! `cargo bench --bench load -- --help` says what it can do; benches/README.md says what the figures mean.
#![allow(clippy::cast_possible_truncation, reason = "bots know the sizes of what they make")]
#![allow(unreachable_pub, reason = "a program of its own, made of modules that others share")]

use std::process::ExitCode;

use clap::Parser;
use serde_json::Value;

#[path = "../../tests/support/bot/mod.rs"]
mod bot;
#[path = "../floor/mod.rs"]
mod floor;

mod allocations;
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
mod trial;

use bot::Problem;
use options::Load;
use peer::floor::ARGUMENT;
use run::Progress;
use trial::Trial;

/// What the server costs under load, beside the bare loop.
#[derive(Parser, Debug)]
#[command(name = "load", disable_version_flag = true)]
struct Arguments {
    #[command(flatten)]
    load: Load,
    /// Do not measure the bare loop beside the server.
    #[arg(long)]
    without_floor: bool,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let outcome = if std::env::args().nth(1).as_deref() == Some(ARGUMENT) { floor::run() } else { run(&Arguments::parse()) };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("load: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Problem> {
    let processors = pin::allowed()?;
    // The server has the first processor, the bots the last.
    let (first, last) = (processors.first().copied(), processors.last().copied());
    pin::Pinned::to(last.as_slice())?.forget();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let trial = Trial { load: &arguments.load, processors: first.as_slice(), progress: Progress::default() };
    let figures: Value = runtime.block_on(trial.run(!arguments.without_floor))?;
    if arguments.load.json {
        println!("{figures}");
    } else {
        report::print(&figures);
    }
    Ok(())
}
