//! Wires everything: what starts in which order, and how it stops. Only this folder knows both sides.
//!
//! One file per command of the program: [`serve`], [`check`], [`demo`], [`token`], [`audit`], [`media`].
#![forbid(unsafe_code)]

mod addresses;
mod audit;
mod check;
mod demo;
mod failure;
mod media;
mod serve;
mod tls;
mod token;

pub use audit::{audit_head, list_audit, verify_audit};
pub use check::check;
pub use demo::{Demo, demo};
pub use failure::Failure;
pub use media::media;
pub use serve::serve;
pub use token::{TokenRole, list_tokens, new_token, revoke_token};

use std::io;

use tokio::runtime::{Builder, Runtime};

use crate::control::media::{Launcher, step_back};

/// The control side's runtime. It forwards no media: a few threads carry thousands of people.
fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .enable_all()
        .thread_name("control")
        .build()
        .map_err(|error| no_threads(&error))
}

fn no_threads(error: &io::Error) -> Failure {
    Failure::new(format!("no threads could be started: {error}"), "see the limits of this user (ulimit -u)")
}

/// All that this thread starts from now on steps back behind media, but what the launcher starts.
fn behind_media() -> Result<Launcher, Failure> {
    let launcher = Launcher::start().map_err(|error| no_threads(&error))?;
    if let Err(error) = step_back() {
        tracing::info!(%error, "control has the same priority as media");
    }
    Ok(launcher)
}

/// More would take cores from the media workers; fewer would let one slow question hold up another.
const CONTROL_THREADS: usize = 2;
