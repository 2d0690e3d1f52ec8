//! One message, one datagram: how [`super::Command`]s and [`super::Event`]s cross between the processes.
//!
//! The socket is Unix SEQPACKET: it keeps messages whole and in order, and says when the other end has gone. A
//! message that is too long, does not parse, or has bytes left over is no message: the connection it came by is
//! not to be trusted any more, and whoever reads it closes it.
#![forbid(unsafe_code)]

use std::fmt;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::base::limits::LINK_MESSAGE_MAX;

/// Bytes to receive into: one more than a message may have, so that a longer one shows.
pub const RECEIVE_BYTES: usize = LINK_MESSAGE_MAX + 1;

/// How long a call may wait for the other end to make room: for a connection among those that it has yet to accept, or
/// for a message. It does both at once; one that is stopped must not stop us, too.
const SEND_PATIENCE: Duration = Duration::from_secs(5);

/// Why a connection between the processes cannot go on.
#[derive(Debug)]
pub enum LinkError {
    /// The other end has gone.
    Closed,
    /// A message longer than [`LINK_MESSAGE_MAX`].
    TooLong,
    /// Bytes that are no message, or not one that belongs here.
    Malformed,
    Io(io::Error),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::Closed => f.write_str("the other process has closed the connection"),
            LinkError::TooLong => write!(f, "a message of more than {LINK_MESSAGE_MAX} bytes"),
            LinkError::Malformed => f.write_str("bytes that are no message; both processes must be the same version of quartet"),
            LinkError::Io(error) => write!(f, "the socket between the processes failed: {error}"),
        }
    }
}

impl std::error::Error for LinkError {}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> LinkError {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected};
        if [BrokenPipe, ConnectionReset, NotConnected].contains(&error.kind()) { LinkError::Closed } else { LinkError::Io(error) }
    }
}

/// The message's bytes, written into `buffer`.
pub fn encode<'b, M: Serialize>(message: &M, buffer: &'b mut [u8]) -> Result<&'b [u8], LinkError> {
    let room = buffer.len().min(LINK_MESSAGE_MAX);
    match postcard::to_slice(message, &mut buffer[..room]) {
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(LinkError::TooLong),
    }
}

/// The message that these bytes are, to the last of them. No bytes at all are how a SEQPACKET socket says that the
/// other end has gone; neither side ever sends such a message.
pub fn decode<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, LinkError> {
    if bytes.is_empty() {
        return Err(LinkError::Closed);
    }
    if bytes.len() > LINK_MESSAGE_MAX {
        return Err(LinkError::TooLong);
    }
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Ok(_) | Err(_) => Err(LinkError::Malformed),
    }
}

/// A socket of the kind that the processes talk by.
pub fn socket() -> io::Result<Socket> {
    Socket::new(Domain::UNIX, Type::SEQPACKET.cloexec(), None)
}

/// One end of a connection, with the buffers of its messages.
pub struct LinkSocket {
    socket: Socket,
    incoming: Box<[u8]>,
    outgoing: Box<[u8]>,
}

/// Whether the socket took a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    Whole,
    /// The other end reads too slowly: nothing was sent.
    NoRoom,
}

impl LinkSocket {
    /// An end that is connected already.
    pub fn new(socket: Socket) -> LinkSocket {
        LinkSocket { socket, incoming: vec![0; RECEIVE_BYTES].into(), outgoing: vec![0; LINK_MESSAGE_MAX].into() }
    }

    /// Connects to whoever listens at `path`. Calls wait until [`LinkSocket::never_wait`], though connecting and sending
    /// not for ever.
    pub fn connect(path: &Path) -> io::Result<LinkSocket> {
        let socket = socket()?;
        socket.set_write_timeout(Some(SEND_PATIENCE))?;
        socket.connect(&SockAddr::unix(path)?)?;
        Ok(LinkSocket::new(socket))
    }

    /// From now on neither receiving nor sending waits.
    pub fn never_wait(&self) -> io::Result<()> {
        self.socket.set_nonblocking(true)
    }

    /// Receiving waits this long, or without a limit.
    pub fn wait_at_most(&self, time: Option<Duration>) -> io::Result<()> {
        self.socket.set_read_timeout(time)
    }

    /// The next message; none if it would have to wait (longer).
    pub fn receive<M: DeserializeOwned>(&mut self) -> Result<Option<M>, LinkError> {
        loop {
            match self.socket.read(&mut self.incoming) {
                Ok(len) => return decode(&self.incoming[..len]).map(Some),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends a message, whole or not at all.
    pub fn send<M: Serialize>(&mut self, message: &M) -> Result<Sent, LinkError> {
        let bytes = encode(message, &mut self.outgoing)?;
        loop {
            match self.socket.send(bytes) {
                Ok(_) => return Ok(Sent::Whole),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Sent::NoRoom),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for LinkSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::VisitId;
    use crate::link::{Command, Event, Greeting, Order, WorkerReport};

    fn pair() -> (LinkSocket, Socket) {
        let (ours, theirs) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).unwrap();
        let ours = LinkSocket::new(ours);
        ours.never_wait().unwrap();
        (ours, theirs)
    }

    #[test]
    fn messages_cross_whole_and_in_order() {
        let (mut ours, theirs) = pair();
        let mut theirs = LinkSocket::new(theirs);
        let orders: Vec<Command> = (0..5).map(|bits| Command::OpenVisit { visit: VisitId::from_bits(bits) }).collect();
        for order in &orders {
            assert_eq!(theirs.send(order).unwrap(), Sent::Whole);
        }
        for order in orders {
            assert_eq!(ours.receive::<Command>().unwrap(), Some(order));
        }
        assert_eq!(ours.receive::<Command>().unwrap(), None);
    }

    #[test]
    fn what_is_no_message_ends_the_connection() {
        let mut good = vec![0; LINK_MESSAGE_MAX];
        let good = encode(&Command::Report, &mut good).unwrap().to_vec();
        for (name, bytes, too_long) in [
            ("garbage", vec![0xff; 40], false),
            ("cut short", vec![0], false),
            ("bytes left over", [good.as_slice(), &[0]].concat(), false),
            ("too long", vec![0; LINK_MESSAGE_MAX + 1], true),
        ] {
            let (mut ours, theirs) = pair();
            theirs.send(&bytes).unwrap();
            let error = ours.receive::<Command>().unwrap_err();
            assert!(matches!((&error, too_long), (LinkError::Malformed, false) | (LinkError::TooLong, true)), "{name}: {error}");
        }
    }

    #[test]
    fn an_end_that_has_gone_is_closed_for_both_directions() {
        let (mut ours, theirs) = pair();
        drop(theirs);
        assert!(matches!(ours.receive::<Command>(), Err(LinkError::Closed)));
        assert!(matches!(ours.send(&Command::Report), Err(LinkError::Closed)));
    }

    #[test]
    fn a_message_that_is_too_long_is_not_sent_and_one_just_short_enough_is() {
        let (mut ours, theirs) = pair();
        let report = |counters: usize| Event::Report(Box::new(WorkerReport { drops: vec![0; counters], ..Default::default() }));
        let fixed = encode(&report(0), &mut [0; 64]).unwrap().len() + 2;
        assert!(matches!(ours.send(&report(LINK_MESSAGE_MAX - fixed + 1)), Err(LinkError::TooLong)));
        assert_eq!(ours.send(&report(LINK_MESSAGE_MAX - fixed)).unwrap(), Sent::Whole);
        let mut theirs = LinkSocket::new(theirs);
        assert_eq!(theirs.receive::<Event>().unwrap(), Some(report(LINK_MESSAGE_MAX - fixed)));
    }

    #[test]
    fn a_reader_that_sleeps_never_makes_the_sender_wait() {
        let (mut ours, _theirs) = pair();
        let sent = (0..100_000).take_while(|_| ours.send(&Command::Report).unwrap() == Sent::Whole).count();
        assert!((1..100_000).contains(&sent));
    }

    proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode::<Command>(&bytes);
            let _ = decode::<Event>(&bytes);
            let _ = decode::<Order>(&bytes);
            let _ = decode::<Greeting>(&bytes);
        }
    }
}
