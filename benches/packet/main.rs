//! What one packet costs: one in, three out, through a whole `Shard`, and each of its parts alone.
//!
//! `cargo bench --bench packet` prints a table, `-- --json` one JSON object. README.md says what the figures mean.
#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "scripted browsers know what they made")]

use std::env;
use std::process::ExitCode;

use quartet::link::event::SrtpProfile;

mod clock;
mod instructions;
mod parts;
mod report;
mod spread;
mod visit;

#[path = "../../tests/support/counting.rs"]
mod counting;
#[path = "../../tests/support/mod.rs"]
mod support;

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting::new();

/// Both profiles, as RFC 5764 and RFC 7714 name them.
const PROFILES: [(&str, SrtpProfile); 2] =
    [("AEAD_AES_128_GCM", SrtpProfile::AeadAes128Gcm), ("AES128_CM_HMAC_SHA1_80", SrtpProfile::Aes128CmSha1_80)];

fn main() -> ExitCode {
    // Cargo adds `--bench`, which says nothing here.
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let print = match arguments[..] {
        [] => report::print,
        ["--json"] => report::print_json,
        [instructions::PLAY, profile, rounds] => {
            let (_, profile) = PROFILES.into_iter().find(|(name, _)| *name == profile).expect("one of ours");
            println!("{}", visit::play(profile, rounds.parse().expect("a number")));
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("usage: cargo bench --bench packet [-- --json]");
            return ExitCode::FAILURE;
        }
    };
    let report = measure();
    print(&report);
    if report.visits.iter().all(|(_, cost, _)| cost.allocations == 0) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure() -> report::Report {
    assert!(ALLOCATOR.proves_itself(), "the allocator counts");
    report::Report {
        visits: PROFILES.map(|(name, profile)| (name, visit::measure(profile), instructions::count(name))),
        parts: parts::measure(),
    }
}
