//! The bare loop: what forwarding costs when nothing else is asked for. One thread, one socket; datagrams come joined
//! (UDP_GRO) and many at a time, are opened once, rewritten and sealed three times, and leave grouped by destination, cut by
//! the kernel (UDP_SEGMENT), all of a turn in one system call. No handshake, no check, no RTCP, no cache, no estimate, no
//! switch of layer: whoever sits where is told on standard input. How far a whole server is from it, no noisy machine can blur.

use std::collections::HashMap;
use std::io::{BufRead, stdin};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use quartet::media::net::bind::bind;
use quartet::media::net::poller::Poller;
use quartet::media::net::sys::{ReceiveArrays, SendArrays};

use crate::bot::Problem;
use crate::media::mix::{SEATS, STREAMS, TOP};
use crate::media::receiver::nearest;
use crate::media::seal::{LABEL_KEY, LABEL_SALT, derive};

/// Messages of one receiving call.
const MESSAGES: usize = 64;
/// Bytes of a datagram's place in the arena.
const SLOT: usize = 1_536;
/// Datagrams that a turn may make before they are sent.
const SLOTS: usize = 1_024;
/// What one joined message may make: 64 KiB of datagrams of a hundred bytes, to three others, would be more than any bot sends.
const SLOTS_PER_MESSAGE: usize = 64;
/// Datagrams of one run (UDP_MAX_SEGMENTS of older kernels).
const SEGMENTS: usize = 64;
const TAG: usize = 16;

/// Someone who sends and receives.
struct Seat {
    address: SocketAddr,
    open: Key,
    seal: Key,
    /// Of each stream, the index that is expected next.
    next: [u64; STREAMS],
    /// The first seat of the same visit.
    visit: usize,
    /// What waits for this seat: slot and length.
    waiting: Vec<(usize, usize)>,
}

struct Key {
    key: LessSafeKey,
    salt: [u8; 12],
}

impl Key {
    fn new(master: &[u8], salt: &[u8]) -> Result<Key, Problem> {
        let mut long = [0; 14];
        long[..12].copy_from_slice(salt.get(..12).ok_or("a salt of twelve bytes")?);
        let key: [u8; 16] = derive(master, &long, LABEL_KEY)?;
        let key = UnboundKey::new(&AES_128_GCM, &key).map_err(|_| "a session key")?;
        Ok(Key { key: LessSafeKey::new(key), salt: derive(master, &long, LABEL_SALT)? })
    }

    fn nonce(&self, ssrc: [u8; 4], index: u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[2..6].copy_from_slice(&ssrc);
        nonce[6..].copy_from_slice(&index.to_be_bytes()[2..]);
        nonce.iter_mut().zip(&self.salt).for_each(|(byte, salt)| *byte ^= *salt);
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Says its port, reads who sits where (`seat ADDRESS KEY SALT KEY SALT`, first what it sends with; four in a row are a
/// visit) up to `go`, and forwards until standard input ends.
pub fn run() -> Result<(), Problem> {
    let sockets = bind(&[Ipv4Addr::LOCALHOST.into()], 0)?;
    println!("{}", sockets[0].local_addr()?.port());
    let mut seats = Vec::new();
    let mut by_address = HashMap::new();
    let mut lines = stdin().lock().lines();
    for line in &mut lines {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let ["seat", address, theirs @ .., key, salt] = words.as_slice() else { break };
        let bytes = |hex: &str| data_encoding::HEXLOWER.decode(hex.as_bytes());
        let [their_key, their_salt] = theirs else { return Err("a seat has four secrets".into()) };
        let address: SocketAddr = address.parse()?;
        by_address.insert(address, seats.len());
        seats.push(Seat {
            address,
            open: Key::new(&bytes(their_key)?, &bytes(their_salt)?)?,
            seal: Key::new(&bytes(key)?, &bytes(salt)?)?,
            next: [0x1_0000; STREAMS],
            visit: seats.len() / usize::from(SEATS) * usize::from(SEATS),
            waiting: Vec::with_capacity(SLOTS),
        });
    }
    drop(lines);
    // Who started this ends it by closing what it reads from.
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut stdin().lock(), &mut std::io::sink());
        std::process::exit(0);
    });
    let mut poller = Poller::new(&sockets)?;
    let mut receive = ReceiveArrays::new(MESSAGES);
    let mut turn = Turn { arena: vec![0; SLOT * SLOTS], filled: 0, busy: Vec::new(), arrays: SendArrays::new(SLOTS) };
    loop {
        poller.wait(None)?;
        let count = receive.receive(sockets[0].as_fd()).unwrap_or(0);
        for message in 0..count {
            let Some(message) = receive.message(message) else { continue };
            let Some(&from) = message.from.and_then(|from| by_address.get(&from)) else { continue };
            for datagram in message.bytes.chunks_mut(message.segment.unwrap_or(usize::MAX)) {
                turn.forward(&mut seats, from, datagram);
            }
            if SLOTS - turn.filled < SLOTS_PER_MESSAGE {
                turn.send(&mut seats, &sockets[0]);
            }
        }
        turn.send(&mut seats, &sockets[0]);
    }
}

/// What one turn of the loop makes.
struct Turn {
    arena: Vec<u8>,
    filled: usize,
    /// Seats for which something waits.
    busy: Vec<usize>,
    arrays: SendArrays,
}

impl Turn {
    fn forward(&mut self, seats: &mut [Seat], from: usize, datagram: &mut [u8]) -> Option<()> {
        let &[0x90, _, high, low, _, _, _, _, a, b, c, d, _, _, words_high, words_low, ..] = &*datagram else { return None };
        let stream = usize::from(d & 0x0f);
        let header = 16 + 4 * usize::from(u16::from_be_bytes([words_high, words_low]));
        let sender = seats.get_mut(from)?;
        let next = sender.next.get_mut(stream)?;
        let index = nearest(*next, u16::from_be_bytes([high, low]));
        *next = index + 1;
        let ssrc = [a, b, c, d];
        // As bots count it: their first numbers are of the first cycle.
        let nonce = sender.open.nonce(ssrc, index - 0x1_0000);
        let (clear, sealed) = datagram.split_at_mut_checked(header)?;
        let plain = sender.open.key.open_in_place(nonce, Aad::from(&*clear), sealed).ok()?.len();
        if stream != 0 && stream != 1 + TOP {
            return None;
        }
        let visit = sender.visit;
        for to in (visit..visit + usize::from(SEATS)).filter(|&to| to != from) {
            let receiver = seats.get_mut(to)?;
            let len = header + plain + TAG;
            let slot = self.arena.get_mut(self.filled * SLOT..)?.get_mut(..len)?;
            slot[..header + plain].copy_from_slice(&datagram[..header + plain]);
            // What a forwarder must rewrite at least: number and stream, here to what they are.
            slot[2..4].copy_from_slice(&index.to_be_bytes()[6..]);
            slot[8..12].copy_from_slice(&ssrc);
            let (clear, rest) = slot.split_at_mut(header);
            let (payload, tag) = rest.split_at_mut(plain);
            let nonce = receiver.seal.nonce(ssrc, index - 0x1_0000);
            let sealed = receiver.seal.key.seal_in_place_separate_tag(nonce, Aad::from(&*clear), payload).ok()?;
            tag.copy_from_slice(sealed.as_ref());
            if receiver.waiting.is_empty() {
                self.busy.push(to);
            }
            receiver.waiting.push((self.filled, len));
            self.filled += 1;
        }
        Some(())
    }

    fn send(&mut self, seats: &mut [Seat], socket: &std::net::UdpSocket) {
        if self.filled == 0 {
            return;
        }
        let arena = &self.arena;
        let mut batch = self.arrays.batch();
        for seat in &self.busy {
            let seat = &seats[*seat];
            let mut rest = seat.waiting.as_slice();
            while let [(_, segment), ..] = rest {
                // All of one length, the last may be shorter.
                let same = rest.iter().take(SEGMENTS).take_while(|(_, len)| len == segment).count();
                let shorter = rest.get(same).is_some_and(|(_, len)| len < segment && same < SEGMENTS);
                let (run, others) = rest.split_at(same + usize::from(shorter));
                rest = others;
                let segment = u16::try_from(*segment).ok().filter(|_| run.len() > 1);
                batch.push(seat.address, segment, run.iter().map(|(slot, len)| &arena[slot * SLOT..][..*len]));
            }
        }
        let mut sent = 0;
        while sent < batch.len() {
            // What the kernel refuses is lost.
            sent += batch.send(socket.as_fd(), sent).unwrap_or(1).max(1);
        }
        for seat in self.busy.drain(..) {
            seats[seat].waiting.clear();
        }
        self.filled = 0;
    }
}
