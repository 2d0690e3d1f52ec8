//! The whole server under load: reference visits over real sockets, beside the bare loop, in one run.
//!
//! `cargo bench --bench load -- --help` says what it can do; benches/README.md says what the figures mean.
//!
//! * `mode/`: what may be asked, a file each; `trial` where nothing else is asked.
//! * `run/`: how visits fill up and settle, and how seconds are measured, judged and reported.
//! * `media/`: what bots do once they have their keys, from one thread.
//! * `peer/`: servers that bots can meet: ours, the bare loop, Janus.
//! * `server/`: a server of our own, where it runs, what it allocates.
//! * `machine/`: what the kernel says of processes, sockets and processors.
//!
//! `program.rs` is the same without what starts servers.
#![allow(clippy::cast_possible_truncation, reason = "bots know the sizes of what they make")]
#![allow(unreachable_pub, dead_code, reason = "a program of its own, made of modules of which others use other parts")]
#![cfg_attr(test, allow(unused_imports, reason = "a bench without harness has no tests; theirs run in tests/load.rs"))]

use std::process::ExitCode;

use clap::Parser;
use serde_json::Value;

#[path = "../../tests/support/bot/mod.rs"]
mod bot;
#[path = "../floor/mod.rs"]
mod floor;
// Beside the other peers it would be in `quartet-load` too, which has no such loop.
#[path = "peer/floor.rs"]
mod bare;
// Nor does it start a server of others.
#[path = "peer/janus.rs"]
mod janus;

mod machine;
mod media;
mod mode;
mod options;
mod peer;
mod run;
mod server;

use bare::ARGUMENT;
use bot::Problem;
use janus::Janus;
use mode::choice::{Modes, With};
use mode::trial::Trial;
use options::Load;
use peer::Against;
use run::{Progress, report};
use server::{network, pin};

/// What the server costs under load, beside the bare loop.
#[derive(Parser, Debug)]
#[command(name = "load", disable_version_flag = true)]
struct Arguments {
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    modes: Modes,
    #[command(flatten)]
    with: With,
    /// Do not measure the bare loop beside the server.
    #[arg(long)]
    without_floor: bool,
    /// Measure another server too, in turn with this one.
    #[arg(long, value_enum)]
    against: Option<Against>,
    /// How many turns all of them have, one after the other: 3 with another server, else 1, if nothing is said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    repeats: Option<u32>,
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
    // All in one network, so that both servers and the loop have the same.
    if arguments.against.is_some() {
        network::enter()?;
    }
    let processors = pin::allowed()?;
    // The server has the first processor, the bots the last.
    let (first, last) = (processors.first().copied(), processors.last().copied());
    pin::Pinned::to(last.as_slice())?.forget();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if runtime.block_on(arguments.modes.run(&arguments.load, &arguments.with, first.as_slice()))? {
        return Ok(());
    }
    let trial = Trial { load: &arguments.load, processors: first.as_slice(), progress: Progress::default() };
    let with_floor = !arguments.without_floor;
    let figures: Value = runtime.block_on(async {
        match arguments.against {
            None => trial.run(with_floor, arguments.repeats.unwrap_or(1)).await,
            Some(Against::Janus) => trial.compare::<Janus>(with_floor, arguments.repeats.unwrap_or(3)).await,
        }
    })?;
    if arguments.load.json {
        println!("{figures}");
    } else {
        report::print(&figures);
    }
    Ok(())
}
