//! How many instructions a packet takes: a count that a busy machine cannot blur.
//!
//! Virtual machines mostly hide the processor's own counter, so valgrind counts: this program runs itself under
//! callgrind twice, with more and with fewer rounds. What the two differ by is what the rounds between them took. Only what the
//! shard does is counted, by the name of the function that has it do it.

use std::env;
use std::process::Command;

/// How the bench calls itself: `--play PROFILE ROUNDS`.
pub(crate) const PLAY: &str = "--play";

/// What callgrind counts: [`crate::visit::deliver`], by its symbol.
const COUNTED: &str = "--toggle-collect=*visit*deliver*";

const FEW: usize = 2;
const MANY: usize = 10;

/// Instructions per forwarded packet, or why they are not counted.
pub(crate) fn count(profile: &str) -> Result<f64, String> {
    let (few, many) = (play(profile, FEW)?, play(profile, MANY)?);
    Ok((many.instructions - few.instructions) as f64 / (many.packets - few.packets) as f64)
}

struct Played {
    packets: u64,
    instructions: u64,
}

fn play(profile: &str, rounds: usize) -> Result<Played, String> {
    let this = env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", COUNTED])
        .arg(this)
        .args([PLAY, profile, &rounds.to_string()])
        .output()
        .map_err(|error| format!("valgrind does not start: {error}"))?;
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let collected = told.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    match (said.trim().parse(), collected) {
        (Ok(packets), Some(instructions)) => Ok(Played { packets, instructions }),
        _ => Err(format!("valgrind counted nothing: {}", told.lines().last().unwrap_or("it says nothing"))),
    }
}
