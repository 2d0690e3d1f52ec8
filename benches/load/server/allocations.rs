//! How often a media worker asks for memory: the kernel counts its calls of the C library's allocator. Nothing in the
//! server changes for it, and a worker that never calls pays nothing.

use std::process::Stdio;

use procfs::process::Process;
use tokio::process::Command;

use crate::bot::Problem;
use crate::machine::process::Server;

/// Where memory comes from: what Rust's system allocator and the crypto library call.
const ENTRIES: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];

/// Counts for so many seconds, in all workers. It takes root and `perf` (Debian's linux-perf).
pub async fn count(server: &Server, seconds: u32) -> Result<u64, Problem> {
    let library = library_of(server)?;
    for entry in ENTRIES {
        perf(&["probe", "--quiet", "--exec", &library, &format!("quartet_{entry}={entry}")]).await?;
    }
    let threads: Vec<String> = workers(server)?.iter().map(i32::to_string).collect();
    let counted = perf(&[
        "stat",
        "--field-separator",
        ",",
        "--event",
        "probe_libc:quartet_*",
        "--tid",
        &threads.join(","),
        "--",
        "sleep",
        &seconds.to_string(),
    ])
    .await;
    let forgotten = perf(&["probe", "--quiet", "--del", "probe_libc:quartet_*"]).await;
    let counted = counted?;
    forgotten?;
    let counts: Vec<u64> = counted.lines().filter_map(|line| line.split(',').next()?.parse().ok()).collect();
    if counts.len() < ENTRIES.len() { Err("perf counted nothing".into()) } else { Ok(counts.iter().sum()) }
}

/// What perf says, of which counts come on standard error.
async fn perf(arguments: &[&str]) -> Result<String, Problem> {
    let output =
        Command::new("perf").args(arguments).stdin(Stdio::null()).output().await.map_err(|error| format!("perf: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(said) } else { Err(format!("perf {}: {}", arguments[0], said.trim()).into()) }
}

fn workers(server: &Server) -> Result<Vec<i32>, Problem> {
    let mut found = Vec::new();
    for &pid in server.pids() {
        for task in Process::new(pid)?.tasks()?.flatten() {
            if task.stat()?.comm.starts_with("worker-") {
                found.push(task.tid);
            }
        }
    }
    if found.is_empty() { Err("no worker was found".into()) } else { Ok(found) }
}

fn library_of(server: &Server) -> Result<String, Problem> {
    let pid = *server.pids().last().ok_or("no process")?;
    let maps = Process::new(pid)?.maps()?;
    let path = maps.into_iter().find_map(|map| {
        let procfs::process::MMapPath::Path(path) = map.pathname else { return None };
        Some(path).filter(|path| path.file_name().is_some_and(|name| name == "libc.so.6"))
    });
    Ok(path.ok_or("the server uses no libc.so.6")?.to_string_lossy().into_owned())
}
