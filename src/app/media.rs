//! `quartet media`: the process that holds the UDP ports, and no name.

use std::path::Path;
use std::time::SystemTime;

use super::Failure;
use crate::config::Level;
use crate::control::telemetry;
use crate::media::proto::dtls::{BoringHandshaker, Handshaker, Identity};
use crate::media::worker::process;

/// Runs the media process until the control process that listens at `socket` says that it is over.
pub fn media(socket: &Path, level: Level) -> Result<(), Failure> {
    telemetry::start_log(level.word()).map_err(|error| Failure::new(format!("--log: {error}"), ""))?;
    let identity = Identity::generate(SystemTime::now()).map_err(|error| {
        Failure::new(
            format!("no DTLS certificate: {error}"),
            "this is a fault of Quartet or of its crypto library: please report it",
        )
    })?;
    process::run(socket, || BoringHandshaker::new(&identity).map(|handshaker| Box::new(handshaker) as Box<dyn Handshaker>))
        .map_err(|error| Failure::new(format!("media: {error}"), ""))
}
