//! Control's end of one connection: whole messages, awaited.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::net::unix::UCred;

use crate::link::socket::{LinkError, decode, encode};

/// A connection that a reader and a writer may share.
///
/// tokio has no type for SEQPACKET. Its stream's `try_` calls are the plain system calls, which keep messages whole;
/// its `AsyncRead` would take a short message for an empty socket.
pub(super) struct Connection {
    socket: UnixStream,
}

impl Connection {
    /// Takes a connected SEQPACKET socket.
    pub(super) fn new(socket: UnixStream) -> Connection {
        Connection { socket }
    }

    /// Who is at the other end, as the kernel knows it.
    pub(super) fn peer(&self) -> io::Result<UCred> {
        self.socket.peer_cred()
    }

    /// The next message, received into `buffer` of `RECEIVE_BYTES`. May be dropped and called again: a message is
    /// taken whole or not at all.
    pub(super) async fn receive<M: DeserializeOwned>(&self, buffer: &mut [u8]) -> Result<M, LinkError> {
        loop {
            self.socket.readable().await?;
            match self.socket.try_read(buffer) {
                Ok(len) => return decode(&buffer[..len]),
                Err(error) if again(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends a message, made in `buffer` of `LINK_MESSAGE_MAX`.
    pub(super) async fn send<M: Serialize>(&self, message: &M, buffer: &mut [u8]) -> Result<(), LinkError> {
        let bytes = encode(message, buffer)?;
        loop {
            self.socket.writable().await?;
            match self.socket.try_write(bytes) {
                Ok(_) => return Ok(()),
                Err(error) if again(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Nothing was wrong: it was not ready after all, or a signal came.
fn again(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
