//! Where the media process connects: a path that nobody else can reach, and a look at who comes.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::SockAddr;
use tokio::net::UnixListener;
use tokio::time::sleep;

use super::MediaError;
use super::connection::Connection;
use crate::link::socket::socket;

/// Connections that the kernel keeps until they are accepted: all workers of a large machine at once.
const BACKLOG: i32 = 64;

/// The pause after an accept that failed, for lack of descriptors most likely: without it the loop would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The socket that the media process connects to. The file goes when this is dropped.
pub(super) struct Listener {
    /// A SEQPACKET socket, for which tokio has no type: accepting is the same for all.
    socket: UnixListener,
    path: PathBuf,
    /// Our own user, who owns the file.
    user: u32,
}

/// Who may connect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    /// As this user, besides our own.
    pub(super) user: Option<u32>,
    /// As this process only.
    pub(super) process: Option<u32>,
}

impl Listener {
    /// Listens at `path`, in a directory that is ours, in the place of a socket that nobody listens on any more.
    pub(super) fn open(path: &Path) -> Result<Listener, MediaError> {
        let failed = |error| MediaError::Listen { path: path.to_owned(), error };
        let refused = |why| MediaError::Place { path: path.to_owned(), why };
        let directory = path.parent().ok_or_else(|| refused("it has no directory"))?;
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        // Whoever can write there could put their own socket in the place of ours.
        if fs::metadata(directory).map_err(failed)?.mode() & 0o002 != 0 {
            return Err(refused("its directory can be written by everyone; choose one that only quartet uses"));
        }
        let address = SockAddr::unix(path).map_err(failed)?;
        clear(path, &address).map_err(failed)?.map_err(refused)?;

        let socket = socket().map_err(failed)?;
        socket.bind(&address).map_err(failed)?;
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
        socket.listen(BACKLOG).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let user = fs::metadata(path).map_err(failed)?.uid();
        let socket = UnixListener::from_std(OwnedFd::from(socket).into()).map_err(failed)?;
        Ok(Listener { socket, path: path.to_owned(), user })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The next connection of someone who may. Others are turned away, with a line in the log.
    pub(super) async fn accept(&self, expected: Expected) -> Connection {
        loop {
            let accepted = self.socket.accept().await.map(|(socket, _)| Connection::new(socket));
            match accepted.and_then(|connection| Ok((connection.peer()?, connection))) {
                Ok((peer, connection)) if expected.fits(self.user, peer.uid(), peer.pid()) => return connection,
                Ok((peer, _)) => {
                    tracing::warn!(user = peer.uid(), process = peer.pid(), "a stranger at the media socket was turned away");
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection of the media process");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A file that stays is cleared by the next start.
        drop(fs::remove_file(&self.path));
    }
}

impl Expected {
    /// Whether someone with this user and process is who we wait for. A process that the kernel does not name (it lives
    /// where we cannot see it) is not.
    fn fits(self, own: u32, user: u32, process: Option<i32>) -> bool {
        let user_fits = user == own || self.user == Some(user);
        let process_fits =
            self.process.is_none_or(|expected| process.is_some_and(|process| i64::from(process) == i64::from(expected)));
        user_fits && process_fits
    }
}

/// Removes a socket that was left behind. The inner result is why the place cannot be taken.
fn clear(path: &Path, address: &SockAddr) -> io::Result<Result<(), &'static str>> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ok(())),
        other => other?,
    };
    if !metadata.file_type().is_socket() {
        return Ok(Err("a file that is no socket is there"));
    }
    if socket()?.connect(address).is_ok() {
        return Ok(Err("another quartet listens there"));
    }
    fs::remove_file(path).map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Order;
    use crate::link::socket::{LinkError, LinkSocket};

    #[test]
    fn only_our_user_or_the_named_one_and_the_named_process_fit() {
        let any = Expected { user: None, process: None };
        let named = Expected { user: Some(7), process: None };
        let child = Expected { user: None, process: Some(42) };
        for (expected, user, process, fits) in [
            (any, 5, None, true),
            (any, 7, Some(1), false),
            (any, 0, Some(1), false),
            (named, 5, Some(1), true),
            (named, 7, Some(1), true),
            (named, 8, Some(1), false),
            (child, 5, Some(42), true),
            (child, 5, Some(43), false),
            (child, 5, None, false),
            (child, 7, Some(42), false),
        ] {
            assert_eq!(expected.fits(5, user, process), fits, "{expected:?} {user} {process:?}");
        }
    }

    #[tokio::test]
    async fn the_socket_and_its_directory_are_ours_alone_and_the_file_goes() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("run/media.sock");
        let listener = Listener::open(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_but_a_living_one_and_a_file_are_not() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("media.sock");
        let dead = socket().unwrap();
        dead.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        drop(dead);
        let living = Listener::open(&path).unwrap();
        assert!(matches!(Listener::open(&path), Err(MediaError::Place { why, .. }) if why.contains("another")));
        drop(living);
        fs::write(&path, "mine").unwrap();
        assert!(matches!(Listener::open(&path), Err(MediaError::Place { why, .. }) if why.contains("no socket")));
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    #[tokio::test]
    async fn a_stranger_is_turned_away_without_a_word() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("media.sock");
        let listener = Listener::open(&path).unwrap();
        let stranger = tokio::task::spawn_blocking(move || {
            let mut stranger = LinkSocket::connect(&path).unwrap();
            stranger.wait_at_most(Some(Duration::from_secs(20))).unwrap();
            stranger.receive::<Order>()
        });
        // The process that we wait for is another one.
        let expected = Expected { user: None, process: Some(1) };
        tokio::select! {
            _ = listener.accept(expected) => panic!("a stranger was taken in"),
            heard = stranger => assert!(matches!(heard.unwrap(), Err(LinkError::Closed))),
        }
    }

    #[tokio::test]
    async fn a_directory_that_everyone_can_write_is_refused() {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), Permissions::from_mode(0o1777)).unwrap();
        assert!(matches!(Listener::open(&place.path().join("media.sock")), Err(MediaError::Place { .. })));
    }
}
