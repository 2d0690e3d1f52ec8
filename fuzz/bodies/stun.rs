//! No datagram makes the parser fall, and ICE-lite moves only as a plain model of it says.

use std::net::SocketAddr;

use quartet::base::Instant;
use quartet::base::secret::Secret;
use quartet::link::terms::IceCredentials;
use quartet::media::crypto::HmacSha1;
use quartet::media::net::path::Path;
use quartet::media::proto::ice::IceLite;
use quartet::media::wire::stun::{RESPONSE_MAX, Request, local_ufrag};

const PASSWORD: &str = "a password of twenty-two";

pub(crate) fn run(input: &[u8]) {
    let input = &input[..input.len().min(1_400)];
    read(input);
    read(&message(&[input], false));
    read(&message(&[input], true));
    operate(input);
}

/// Reads a datagram both ways, which must agree on whom it is for.
fn read(datagram: &[u8]) {
    let ufrag = local_ufrag(datagram);
    let Ok(request) = Request::parse(datagram) else { return };
    if let (Some(username), Ok(ufrag)) = (request.username, ufrag) {
        assert!(username.starts_with(ufrag) && username[ufrag.len()] == b':');
    }
    assert!(request.unknown().iter().all(|kind| *kind <= 0x7fff));
}

/// Takes each four bytes of the input for one check, on one of sixteen paths.
fn operate(input: &[u8]) {
    let credentials = |ufrag: &str| IceCredentials { ufrag: ufrag.to_owned(), password: Secret::new(PASSWORD.to_owned()) };
    let mut agent = IceLite::new(credentials("ours"), credentials("theirs"), Instant::ZERO);
    // Validated paths, the one checked longest ago first.
    let mut validated: Vec<Path> = Vec::new();
    let mut selected = None;
    let mut heard = Instant::ZERO;
    for (turn, script) in (1..).zip(input.chunks_exact(4).take(64)) {
        let now = Instant::from_nanos(turn);
        let path = path(script[0]);
        let is_nominating = script[1] & 1 != 0;
        let is_granted = script[1] & 6 == 0;
        let is_signed = script[1] & 8 == 0;
        let mut attributes = vec![0, 6, 0, 11];
        attributes.extend(b"ours:theirs\0");
        let parts: &[(bool, &[u8])] = &[
            (is_nominating, &[0, 0x25, 0, 0]),
            (script[1] & 2 != 0, &[0x7a, script[2], 0, 0]),
            (script[1] & 4 != 0, &[0x80, 0x29, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
        ];
        parts.iter().filter(|(wanted, _)| *wanted).for_each(|(_, bytes)| attributes.extend(*bytes));
        let mut reply = [0; RESPONSE_MAX];
        let checked = agent.handle_check(now, path, &message(&[&attributes], is_signed), &mut reply);
        assert_eq!(checked.is_ok(), is_signed);
        if let Ok(checked) = checked {
            assert!((20..=RESPONSE_MAX).contains(&checked.reply_len));
            assert_eq!(reply[..2], if is_granted { [1, 1] } else { [1, 0x11] });
            validated.retain(|known| *known != path);
            validated.push(path);
            let oldest = validated.iter().position(|known| Some(*known) != selected);
            let forgotten = oldest.filter(|_| validated.len() > 8).map(|place| validated.remove(place));
            assert_eq!(checked.forgotten, forgotten);
            assert_eq!(checked.selected, is_granted && is_nominating && selected != Some(path));
            if is_granted {
                heard = now;
                selected = if is_nominating { Some(path) } else { selected };
            }
        }
        assert_eq!((agent.selected(), agent.last_heard()), (selected, heard));
        assert!((0..16).map(self::path).all(|path| agent.is_validated(path) == validated.contains(&path)));
    }
}

fn path(number: u8) -> Path {
    Path { socket: 0, remote: SocketAddr::from(([192, 0, 2, 1], 1_000 + u16::from(number % 16))) }
}

/// A binding request with these attributes, if asked signed, and with a fingerprint.
fn message(attributes: &[&[u8]], signed: bool) -> Vec<u8> {
    let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    attributes.iter().for_each(|part| message.extend(*part));
    message.resize(message.len().next_multiple_of(4), 0);
    if signed {
        count(&mut message, 24);
        let tag = HmacSha1::new(PASSWORD.as_bytes()).tag(&[&message]);
        message.extend([0, 8, 0, 20]);
        message.extend(tag);
    }
    count(&mut message, 8);
    let crc = crc32(&message) ^ 0x5354_554e;
    message.extend([0x80, 0x28, 0, 4]);
    message.extend(crc.to_be_bytes());
    message
}

/// Says in the header that so many bytes are still to come.
fn count(message: &mut [u8], to_come: usize) {
    let len = u16::try_from(message.len() - 20 + to_come).expect("a datagram");
    message[2..4].copy_from_slice(&len.to_be_bytes());
}

/// ISO 3309, bit by bit: another way than the server's.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}
