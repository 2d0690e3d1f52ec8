//! What a worker sleeps on: its UDP sockets, its socket to control, and the time.
#![forbid(unsafe_code)]

use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::sys::{Epoll, Interest, Ready};
use crate::base::limits::ADDRESSES_MAX;

/// The token of the socket to control; UDP sockets have their index.
const CONTROL: u64 = u64::MAX;

/// Everything is watched level-triggered: what a bounded turn left behind wakes the next one at once.
pub struct Poller {
    epoll: Epoll,
    ready: [Ready; ADDRESSES_MAX + 1],
    /// Whether control's socket is watched for room, too.
    control_interest: Interest,
}

/// What woke the worker. Nothing set: only the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Woken {
    sockets: u64,
    /// Control said something, has gone, or (where that was asked for) has room again.
    pub control: bool,
}

impl Woken {
    /// Whether UDP socket `index` has something.
    pub fn socket(&self, index: usize) -> bool {
        self.sockets >> index & 1 == 1
    }
}

impl Poller {
    /// Watches these sockets; at most [`ADDRESSES_MAX`] count.
    pub fn new(sockets: &[UdpSocket]) -> io::Result<Poller> {
        let epoll = Epoll::new()?;
        for (token, socket) in (0..).zip(sockets.iter().take(ADDRESSES_MAX)) {
            epoll.add(socket.as_fd(), token, Interest::Readable)?;
        }
        Ok(Poller { epoll, ready: [Ready::EMPTY; ADDRESSES_MAX + 1], control_interest: Interest::Readable })
    }

    /// Watches the socket to control, too. It stops being watched when it is closed; then there may be another.
    pub fn watch_control(&mut self, control: BorrowedFd<'_>) -> io::Result<()> {
        self.control_interest = Interest::Readable;
        self.epoll.add(control, CONTROL, Interest::Readable)
    }

    /// Also wakes, or no longer, when control's socket has room for events that wait.
    pub fn watch_room(&mut self, control: BorrowedFd<'_>, waiting: bool) -> io::Result<()> {
        let interest = if waiting { Interest::ReadableAndWritable } else { Interest::Readable };
        if interest != self.control_interest {
            self.epoll.modify(control, CONTROL, interest)?;
            self.control_interest = interest;
        }
        Ok(())
    }

    /// Sleeps until something is there, or the time is over. A signal is nothing and time not yet over.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<Woken> {
        let count = match self.epoll.wait(&mut self.ready, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            other => other?,
        };
        let mut woken = Woken::default();
        for ready in self.ready.iter().take(count) {
            match ready.token() {
                CONTROL => woken.control = true,
                index => woken.sockets |= 1 << index,
            }
        }
        Ok(woken)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::os::unix::net::UnixDatagram;

    use super::*;

    const SOON: Option<Duration> = Some(Duration::from_secs(10));

    fn sockets() -> (Vec<UdpSocket>, UnixDatagram, UnixDatagram) {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        (vec![bind(), bind(), bind()], ours, theirs)
    }

    #[test]
    fn what_has_something_wakes_and_only_that() {
        let (sockets, ours, theirs) = sockets();
        let mut poller = Poller::new(&sockets).unwrap();
        poller.watch_control(ours.as_fd()).unwrap();
        assert_eq!(poller.wait(Some(Duration::ZERO)).unwrap(), Woken::default());

        sockets[0].send_to(b"x", sockets[2].local_addr().unwrap()).unwrap();
        let woken = poller.wait(SOON).unwrap();
        assert_eq!([0, 1, 2].map(|index| woken.socket(index)), [false, false, true]);
        assert!(!woken.control);

        theirs.send(b"x").unwrap();
        let woken = poller.wait(SOON).unwrap();
        assert!(woken.socket(2) && woken.control);
    }

    #[test]
    fn control_is_watched_for_room_only_while_something_waits() {
        let (sockets, ours, _theirs) = sockets();
        let mut poller = Poller::new(&sockets).unwrap();
        poller.watch_control(ours.as_fd()).unwrap();
        poller.watch_room(ours.as_fd(), true).unwrap();
        assert!(poller.wait(SOON).unwrap().control);
        poller.watch_room(ours.as_fd(), false).unwrap();
        assert_eq!(poller.wait(Some(Duration::ZERO)).unwrap(), Woken::default());
    }

    #[test]
    fn a_control_that_was_closed_is_watched_no_more_and_the_next_one_is() {
        let (sockets, ours, theirs) = sockets();
        let mut poller = Poller::new(&sockets).unwrap();
        poller.watch_control(ours.as_fd()).unwrap();
        poller.watch_room(ours.as_fd(), true).unwrap();
        theirs.send(b"x").unwrap();
        drop(ours);
        assert_eq!(poller.wait(Some(Duration::ZERO)).unwrap(), Woken::default());
        let (next, _theirs) = UnixDatagram::pair().unwrap();
        poller.watch_control(next.as_fd()).unwrap();
        assert_eq!(poller.wait(Some(Duration::ZERO)).unwrap(), Woken::default(), "it has room, but nothing waits");
        poller.watch_room(next.as_fd(), true).unwrap();
        assert!(poller.wait(SOON).unwrap().control);
    }

    #[test]
    fn a_short_time_is_kept_to_the_microsecond_and_not_rounded_to_nothing() {
        let (sockets, ours, _theirs) = sockets();
        let mut poller = Poller::new(&sockets).unwrap();
        poller.watch_control(ours.as_fd()).unwrap();
        let timeout = Duration::from_micros(300);
        let start = std::time::Instant::now();
        assert_eq!(poller.wait(Some(timeout)).unwrap(), Woken::default());
        assert!(start.elapsed() >= timeout);
    }
}
