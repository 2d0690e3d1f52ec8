//! What one packet costs: one in, three out, through a whole `Shard`, and each of its parts alone.
//!
//! `cargo bench --bench packet` prints a table, `-- --json` one JSON object. README.md says what the figures mean.
#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "scripted browsers know what they made")]

use std::env;
use std::process::ExitCode;

use profile::PROFILES;

mod clock;
mod instructions;
mod parts;
mod profile;
mod report;
mod spread;
mod visit;

#[path = "../../tests/support/counting.rs"]
mod counting;
#[path = "../../tests/support/mod.rs"]
mod support;

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting::new();

fn main() -> ExitCode {
    // Cargo adds `--bench`, which says nothing here.
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let print = match arguments[..] {
        [] => report::print,
        ["--json"] => report::print_json,
        [instructions::PLAY, profile, rounds] => {
            let profile = PROFILES.iter().find(|known| known.name == profile).expect("one of ours");
            println!("{}", visit::play(profile.srtp, rounds.parse().expect("a number")));
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("usage: cargo bench --bench packet [-- --json]");
            return ExitCode::FAILURE;
        }
    };
    let report = measure();
    print(&report);
    if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure() -> report::Report {
    assert!(ALLOCATOR.proves_itself(), "the allocator counts");
    let visit = |profile: &'static profile::Profile| report::Visit {
        profile,
        cost: visit::measure(profile.srtp),
        instructions: instructions::count(profile.name),
    };
    report::Report { visits: PROFILES.iter().map(visit).collect(), parts: parts::measure() }
}
