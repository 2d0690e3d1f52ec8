//! `quartet check`: everything that is wrong, before anybody is sick at 7 a.m.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;

use super::addresses;
use super::{Failure, tls};
use crate::config::Config;

/// Looks at what the configuration names on this machine. Each finding says what to do.
pub fn check(config: &Config) -> Vec<Failure> {
    let mut found = Vec::new();
    if let Err(failure) = tls::from_files(&config.server.certificate, &config.server.key) {
        found.push(failure);
    }
    for (key, path) in [
        ("store.path", config.store.path.as_path()),
        ("server.runtime_directory", &config.server.runtime_directory.join("socket")),
    ] {
        found.extend(directory(key, path));
    }
    for address in &config.server.listen {
        if let Err(error) = TcpListener::bind(address) {
            found.push(Failure::new(
                format!("server.listen: {address}: {error}"),
                "name a free port and an address of this machine; is Quartet running already?",
            ));
        }
    }
    match addresses::to_listen_on(&config.media) {
        Err(failure) => found.push(failure),
        Ok(addresses) => {
            for address in addresses {
                if let Err(error) = UdpSocket::bind((address, config.media.first_port)) {
                    found.push(Failure::new(
                        format!("media.first_port: {address}, UDP {}: {error}", config.media.first_port),
                        "name a free port and an address of this machine; is Quartet running already?",
                    ));
                }
            }
        }
    }
    found
}

/// The directory that will hold `path` must be there and writable.
fn directory(key: &str, path: &Path) -> Option<Failure> {
    let directory = path.parent()?;
    match fs::metadata(directory) {
        Ok(is) if is.is_dir() && !is.permissions().readonly() => None,
        Ok(_) => Some(Failure::new(
            format!("{key}: {} is no directory that can be written", directory.display()),
            "make it a directory of the user that runs Quartet",
        )),
        Err(error) => {
            Some(Failure::new(format!("{key}: {}: {error}", directory.display()), format!("mkdir -p {}", directory.display())))
        }
    }
}
