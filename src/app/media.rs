//! `quartet media`: the process that holds the UDP ports, and no name.

use std::path::Path;
use std::time::SystemTime;

use super::Failure;
use crate::config::Level;
use crate::control::telemetry;
use crate::media::proto::dtls::{BoringHandshaker, Handshaker, Identity};
use crate::media::worker::process;

/// Runs the media process until the control process that listens at `socket` goes away.
pub fn media(socket: &Path, level: Level) -> Result<(), Failure> {
    telemetry::start_log(level.word());
    let hint = "this is a fault of Quartet or of its crypto library: please report it";
    let identity = Identity::generate(SystemTime::now()).map_err(|error| Failure::new(format!("no DTLS certificate: {error}"), hint))?;
    // Made once and before any worker starts, so that a worker's own can be made from it without failing.
    let handshaker = BoringHandshaker::new(&identity).map_err(|error| Failure::new(format!("no DTLS: {error}"), hint))?;
    process::run(socket, || Box::new(handshaker.clone()) as Box<dyn Handshaker>).map_err(|error| Failure::new(format!("media: {error}"), ""))
}
