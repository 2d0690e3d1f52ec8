//! What an attacker on the path, or an odd peer, can do to a handshake: nothing.

use boring::ssl::SslVersion;

use super::browser::{Browser, Habits};
use super::network::{Network, To, clean};
use super::*;

const VERSIONS: [SslVersion; 2] = [SslVersion::DTLS1_2, SslVersion::DTLS1_3];

fn record(kind: u8, epoch: u8, sequence: u32, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).unwrap().to_be_bytes();
    let sequence = sequence.to_be_bytes();
    [&[kind, 254, 253, 0, epoch, 0, 0], &sequence[..], &len, body].concat()
}

/// A piece of a handshake message: type, length, message sequence, offset.
fn fragment(kind: u8, message: usize, number: u16, offset: usize, body: &[u8]) -> Vec<u8> {
    let u24 = |value: usize| u32::try_from(value).unwrap().to_be_bytes()[1..].to_vec();
    [vec![kind], u24(message), number.to_be_bytes().to_vec(), u24(offset), u24(body.len()), body.to_vec()].concat()
}

/// Datagrams that anybody can make who knows the addresses.
fn garbage() -> Vec<Vec<u8>> {
    let mut all = vec![vec![], b"\x16".to_vec(), record(22, 0, 7, b"")[..12].to_vec(), vec![0x2e; 20], vec![0x3f; 3]];
    for (kind, body) in [
        (21, &[1, 0][..]),
        (21, &[2, 40]),
        (20, &[2]),
        (20, &[1, 1]),
        (22, b"not a fragment"),
        (22, &[1, 0, 0, 9, 0, 0, 0, 0, 8, 0, 0, 2, 1, 2]),
        (23, b"application data"),
        (26, &[0, 0]),
        (99, b"?"),
    ] {
        for epoch in 0..4 {
            all.push(record(kind, epoch, 60, body));
        }
    }
    all
}

#[test]
fn garbage_between_flights_is_harmless() {
    for newest in VERSIONS {
        let mut network = Network::new(&Habits::newest(newest));
        for datagram in garbage() {
            network.reach_us(&datagram);
        }
        network.run(&mut |_, to, datagram| match to {
            To::Us => [garbage(), vec![datagram], garbage()].concat(),
            To::Browser => vec![datagram],
        });
        assert!(network.both_connected(), "{newest:?}");
        assert!(network.now.since(START).as_millis() < 400, "nothing had to be sent again");
    }
}

#[test]
fn garbage_in_front_of_a_genuine_record_is_harmless() {
    let alert = record(21, 0, 60, &[2, 40]);
    for newest in VERSIONS {
        let mut network = Network::new(&Habits::newest(newest));
        network.run(&mut |_, to, datagram| match to {
            To::Us => vec![[&alert[..], &datagram, &alert].concat()],
            To::Browser => vec![datagram],
        });
        assert!(network.both_connected(), "{newest:?}");
    }
}

#[test]
fn a_session_survives_ten_thousand_forgeries() {
    for newest in VERSIONS {
        let mut network = Network::connected(&Habits::newest(newest));
        let mut forgeries = garbage();
        // What would pass before there are keys.
        forgeries.push(record(20, 0, 61, &[1]));
        forgeries.push(record(22, 0, 62, &fragment(1, 3, 0, 0, b"abc")));
        forgeries.push(record(22, 0, 63, &fragment(20, 3, 9, 0, b"abc")));
        for datagram in forgeries.iter().cycle().take(10_000) {
            network.reach_us(datagram);
            assert!(sent(&mut *network.leg).is_empty(), "a forgery is not answered");
        }
        assert!(network.both_connected());
        network.browser.tls.shutdown().unwrap();
        network.run(&mut clean);
        assert_eq!(network.said.ended, Some(LegEnd::Closed), "it still hears its peer");
    }
}

#[test]
fn every_length_and_first_byte_is_harmless() {
    for newest in VERSIONS {
        let mut network = Network::connected(&Habits::newest(newest));
        let mut handshaking = Network::new(&Habits::newest(newest));
        for first in 0..=255 {
            for len in [1, 2, 3, 12, 13, 14, 25, 26, 100, 1_199, 1_500] {
                let mut datagram = vec![0; len];
                datagram[0] = first;
                network.reach_us(&datagram);
                handshaking.reach_us(&datagram);
            }
        }
        assert!(network.both_connected());
        handshaking.run(&mut clean);
        assert!(handshaking.both_connected());
    }
}

/// Cuts the handshake messages in the clear to pieces of `piece` bytes, one a record, one record a datagram.
struct Scissors {
    piece: usize,
    sequence: u32,
}

impl Scissors {
    fn cut(&mut self, mut datagram: &[u8]) -> Vec<Vec<u8>> {
        let mut pieces = Vec::new();
        while let Some(header) = datagram.first_chunk::<13>().filter(|header| header[0] & 0xe0 != 0x20) {
            let len = usize::from(u16::from_be_bytes([header[11], header[12]]));
            let (whole, rest) = datagram.split_at(13 + len);
            datagram = rest;
            match (header[0], header[4]) {
                (22, 0) => self.cut_messages(&whole[13..], &mut pieces),
                (_, 0) => pieces.push(self.renumbered(header[0], &whole[13..])),
                _ => pieces.push(whole.to_vec()),
            }
        }
        if !datagram.is_empty() {
            pieces.push(datagram.to_vec());
        }
        pieces
    }

    fn cut_messages(&mut self, mut body: &[u8], pieces: &mut Vec<Vec<u8>>) {
        while !body.is_empty() {
            let u24 = |at: usize| usize::from(body[at]) << 16 | usize::from(body[at + 1]) << 8 | usize::from(body[at + 2]);
            let (kind, message, number) = (body[0], u24(1), u16::from_be_bytes([body[4], body[5]]));
            let (offset, len) = (u24(6), u24(9));
            for (index, bytes) in body[12..12 + len].chunks(self.piece).enumerate() {
                let piece = fragment(kind, message, number, offset + index * self.piece, bytes);
                pieces.push(self.renumbered(22, &piece));
            }
            body = &body[12 + len..];
        }
    }

    fn renumbered(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        self.sequence += 1;
        record(kind, 0, self.sequence, body)
    }
}

#[test]
fn a_client_hello_in_tiny_pieces_is_understood() {
    for newest in VERSIONS {
        for piece in [1, 7, 200, 500, 1_175] {
            let mut scissors = Scissors { piece, sequence: 0 };
            let mut network = Network::new(&Habits::newest(newest));
            network.run(&mut |_, to, datagram| match to {
                To::Us => scissors.cut(&datagram),
                To::Browser => vec![datagram],
            });
            assert!(network.both_connected(), "{newest:?} in pieces of {piece}");
        }
    }
}

#[test]
fn a_chain_of_fragments_fails_alone() {
    for order in ["ascending", "descending", "repeated", "empty", "ahead"] {
        let handshaker = handshaker();
        let mut leg = handshaker.accept(START, &[]);
        let mut said = Said::default();
        for turn in 0..100_000_usize {
            // The largest message that is taken, never complete.
            let (number, offset, body) = match order {
                "ascending" => (0, turn % 8_191, &b"x"[..]),
                "descending" => (0, 8_191 - turn % 8_191, &b"x"[..]),
                "repeated" => (0, 4_000, &b"x"[..]),
                "empty" => (0, turn % 8_192, &b""[..]),
                _ => (turn % 65_536, 1, &b"x"[..]),
            };
            let piece = fragment(1, 8_192, u16::try_from(number).unwrap(), offset, body);
            leg.handle_datagram(START, &record(22, 0, u32::try_from(turn).unwrap(), &piece));
            assert!(sent(&mut *leg).is_empty(), "no amplification");
        }
        said.hear(&mut *leg);
        assert!(said.connected.is_none());

        let habits = Habits::default();
        let mut other = Network::new(&habits);
        other.run(&mut clean);
        assert!(other.both_connected());
        leg.handle_timeout(START + std::time::Duration::from_secs(30));
        said.hear(&mut *leg);
        assert!(matches!(said.ended, Some(LegEnd::HandshakeTimeout | LegEnd::HandshakeFailed)), "{order}");
    }
}

/// A leg holds at most seven messages in pieces, 8 kB each, whatever is sent. Other tests run beside this one, so
/// the bound has room for theirs; a leg that held all would take four times the bound.
#[test]
fn pieces_that_never_fit_are_held_in_bounded_memory() {
    let handshaker = handshaker();
    let before = resident();
    let legs: Vec<_> = (0..64).map(|_| handshaker.accept(START, &[])).collect();
    let mut flooded = Vec::new();
    for mut leg in legs {
        let mut sequence = 0;
        for message in [100_000, 8_192] {
            for offset in (0..message - 1_000).step_by(1_000) {
                for number in 0..10 {
                    sequence += 1;
                    let piece = fragment(1, message, number, offset, &[b'x'; 1_000]);
                    leg.handle_datagram(START, &record(22, 0, sequence, &piece));
                }
            }
        }
        flooded.push(leg);
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes for {} legs", flooded.len());
    assert!(flooded.iter().all(|leg| leg.deadline().is_some()), "they all still wait");
}

/// Bytes of memory that this process holds.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

#[test]
fn a_client_hello_alone_is_answered_once_a_timer() {
    let mut browser = Browser::new(&Habits::default());
    browser.start(START);
    let hello = browser.sent();
    let mut leg = handshaker().accept(START, &[]);
    let mut answered = 0;
    for _ in 0..100 {
        for datagram in &hello {
            leg.handle_datagram(START, datagram);
        }
        answered += sent(&mut *leg).len();
    }
    assert!(answered > 0 && answered <= 3, "{answered} datagrams");
}
