//! No datagram makes the parser fall, and ICE-lite moves only as a plain model of it says.

use std::net::SocketAddr;

use quartet::base::Instant;
use quartet::base::secret::Secret;
use quartet::link::terms::IceCredentials;
use quartet::media::crypto::HmacSha1;
use quartet::media::net::path::Path;
use quartet::media::proto::ice::{IceLite, Outdated};
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

/// What the agent should know of one pair of credentials.
#[derive(Clone, Default)]
struct Model {
    username: String,
    /// Validated paths, the one checked longest ago first.
    validated: Vec<Path>,
    selected: Option<Path>,
}

impl Model {
    fn new(ufrag: &str) -> Model {
        Model { username: format!("{ufrag}:theirs"), ..Model::default() }
    }

    /// This path was checked: which one has no room any more.
    fn validate(&mut self, path: Path) -> Option<Path> {
        self.validated.retain(|known| *known != path);
        self.validated.push(path);
        let oldest = self.validated.iter().position(|known| Some(*known) != self.selected);
        oldest.filter(|_| self.validated.len() > 8).map(|place| self.validated.remove(place))
    }
}

/// Takes each four bytes of the input for one check, on one of sixteen paths, with restarts between them.
fn operate(input: &[u8]) {
    let credentials = |ufrag: &str| IceCredentials { ufrag: ufrag.to_owned(), password: Secret::new(PASSWORD.to_owned()) };
    let mut agent = IceLite::new(credentials("ours"), credentials("theirs"), Instant::ZERO);
    let mut current = Model::new("ours");
    let mut next: Option<Model> = None;
    let mut heard = Instant::ZERO;
    for (turn, script) in (1..).zip(input.chunks_exact(4).take(64)) {
        let now = Instant::from_nanos(turn);
        let path = path(script[0]);
        let is_nominating = script[1] & 1 != 0;
        let is_granted = script[1] & 6 == 0;
        let is_signed = script[1] & 8 == 0;
        if script[1] & 16 != 0 {
            let ufrag = format!("o{turn:03}");
            agent.restart(&credentials(&ufrag), &credentials("theirs"));
            next = Some(Model::new(&ufrag));
        }
        let is_next = script[1] & 32 != 0 && next.is_some();
        let was = current.selected;
        let model = next.as_mut().filter(|_| is_next).unwrap_or(&mut current);
        let mut attributes = vec![0, 6, 0, 11];
        attributes.extend(model.username.bytes().chain([0]));
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
            let forgotten = model.validate(path);
            if is_granted {
                heard = now;
                model.selected = if is_nominating { Some(path) } else { model.selected };
            }
            assert_eq!(checked.selected, is_granted && is_nominating && was != Some(path));
            let restarted = next.take_if(|_| is_next && is_granted && is_nominating).map(|next| current = next).is_some();
            let gone = forgotten.filter(|path| !models(&current, &next).any(|model| model.validated.contains(path)));
            let outdated = match gone {
                _ if restarted => Outdated::Credentials,
                Some(path) => Outdated::Path(path),
                None => Outdated::Nothing,
            };
            assert_eq!(checked.outdated, outdated);
        }
        assert_eq!((agent.selected(), agent.last_heard()), (current.selected, heard));
        let is_validated = |path| models(&current, &next).any(|model| model.validated.contains(&path));
        assert!((0..16).map(self::path).all(|path| agent.is_validated(path) == is_validated(path)));
        let known = |name: &str| models(&current, &next).any(|model| model.username == format!("{name}:theirs"));
        assert!((1..=turn).map(|turn| format!("o{turn:03}")).all(|name| agent.answers_to(name.as_bytes()) == known(&name)));
        assert_eq!(agent.answers_to(b"ours"), known("ours"));
    }
}

fn models<'a>(current: &'a Model, next: &'a Option<Model>) -> impl Iterator<Item = &'a Model> {
    std::iter::once(current).chain(next)
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
