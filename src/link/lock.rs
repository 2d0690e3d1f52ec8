//! How a control finds out that a media process is alive, before that process has found it: a locked file beside the
//! socket.
//!
//! The kernel lets go of the lock when the process ends, however it ends, so it cannot be left behind. The file stays
//! and is empty: it is never read.
#![forbid(unsafe_code)]

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Held by a media process from its start to its end.
pub struct Alive {
    _locked: File,
}

impl Alive {
    /// Becomes the one media process of the control that listens at `socket`; none if there is one already.
    pub fn hold(socket: &Path) -> io::Result<Option<Alive>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(place(socket))?;
        Ok(lock(&file)?.then_some(Alive { _locked: file }))
    }

    /// Whether some process is.
    pub fn is_held(socket: &Path) -> io::Result<bool> {
        match OpenOptions::new().write(true).open(place(socket)) {
            Ok(file) => Ok(!lock(&file)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The file that is locked for the process that connects to `socket`.
pub fn place(socket: &Path) -> PathBuf {
    socket.with_extension("lock")
}

fn lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_is_alive_until_it_ends_and_looking_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("media.sock");
        assert!(!Alive::is_held(&socket).unwrap(), "before there ever was one");
        let alive = Alive::hold(&socket).unwrap().unwrap();
        assert!(Alive::is_held(&socket).unwrap() && Alive::is_held(&socket).unwrap());
        assert!(Alive::hold(&socket).unwrap().is_none());
        drop(alive);
        assert!(!Alive::is_held(&socket).unwrap());
        assert!(Alive::hold(&socket).unwrap().is_some());
    }

    #[test]
    fn a_place_that_cannot_be_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Alive::hold(&directory.path().join("none/media.sock")).is_err());
    }
}
