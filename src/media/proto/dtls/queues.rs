//! Where BoringSSL reads and writes: memory with a datagram's borders.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::io::{self, Read, Write};

/// Datagrams that may wait to be sent. Our longest flight is two, and BoringSSL sends a flight at most once
/// for each datagram that it is shown. More would let a peer make us hold more; fewer could cut a flight, which
/// its retransmission would mend.
const OUTBOUND_MAX: usize = 16;

/// One datagram in, a few out. A read takes the whole datagram; a write is one.
#[derive(Default)]
pub(super) struct Queues {
    /// The datagram to read, and whether it is still there. Its memory is used again for the next.
    inbound: Vec<u8>,
    unread: bool,
    outbound: VecDeque<Vec<u8>>,
}

impl Queues {
    /// The place to put the next datagram; what was not read of the last one is lost, as on a network. Returns
    /// whether there is one now: an empty one is none.
    pub(super) fn offer(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> bool {
        self.inbound.clear();
        fill(&mut self.inbound);
        self.unread = !self.inbound.is_empty();
        self.unread
    }

    /// The oldest datagram that was written, copied to the start of `buffer`. One that does not fit is lost.
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> Option<usize> {
        while let Some(datagram) = self.outbound.pop_front() {
            if let Some(room) = buffer.get_mut(..datagram.len()) {
                room.copy_from_slice(&datagram);
                return Some(datagram.len());
            }
        }
        None
    }
}

impl Read for Queues {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.unread {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.unread = false;
        let len = self.inbound.len().min(buffer.len());
        buffer[..len].copy_from_slice(&self.inbound[..len]);
        Ok(len)
    }
}

impl Write for Queues {
    /// Always takes the datagram: a full queue loses it, as a network would.
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        if self.outbound.len() < OUTBOUND_MAX {
            self.outbound.push_back(datagram.to_vec());
        }
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(queues: &mut Queues, room: usize) -> Option<Vec<u8>> {
        let mut buffer = vec![0; room];
        queues.take(&mut buffer).map(|len| buffer[..len].to_vec())
    }

    #[test]
    fn a_datagram_is_read_once_and_whole() {
        let mut queues = Queues::default();
        let mut buffer = [0; 8];
        assert_eq!(queues.read(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(queues.offer(|datagram| datagram.extend_from_slice(b"one")));
        assert!(queues.offer(|datagram| datagram.extend_from_slice(b"another")));
        assert_eq!(queues.read(&mut buffer).unwrap(), 7);
        assert_eq!(&buffer[..7], b"another");
        assert_eq!(queues.read(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn an_empty_datagram_is_none() {
        let mut queues = Queues::default();
        assert!(!queues.offer(|_| ()));
        assert_eq!(queues.read(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn writes_keep_their_borders_and_order() {
        let mut queues = Queues::default();
        queues.write_all(b"first").unwrap();
        queues.write_all(b"second, too long").unwrap();
        queues.write_all(b"third").unwrap();
        assert_eq!(taken(&mut queues, 8).unwrap(), b"first");
        assert_eq!(taken(&mut queues, 8).unwrap(), b"third");
        assert_eq!(taken(&mut queues, 8), None);
    }

    #[test]
    fn what_waits_to_be_sent_is_bounded() {
        let mut queues = Queues::default();
        for number in 0..100 {
            assert_eq!(queues.write(&[number]).unwrap(), 1);
        }
        let waiting = std::iter::from_fn(|| taken(&mut queues, 8)).count();
        assert_eq!(waiting, OUTBOUND_MAX);
    }
}
