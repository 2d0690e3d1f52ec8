//! Whatever happens to a whole worker, in whatever order: no visit fails, every datagram goes where a check of that
//! very leg passed and can be opened there once, one turn's work fits the room that is kept for it, and no timer is
//! left behind.

use std::time::Duration;

use quartet::base::limits::OUTBOX_ROOM_MIN;
use quartet::base::{Instant, LegId, Seat, Seq64, VisitId};
use quartet::link::event::SrtpProfile;
use quartet::link::terms::{ExtensionIds, LegTerms, SourceKind, Ssrc};
use quartet::link::{Command, Event, Sources};
use quartet::media::net::path::Path;
use quartet::media::wire::demux::{Protocol, classify};
use quartet::media::wire::rtcp::{FirEntry, SenderInfo};
use quartet::media::wire::rtp::Header;
use quartet::media::worker::shard::Shard;

use support::browser::{Browser, LAYERS, extensions, line};
use support::fake_dtls::{self, FakeHandshaker};
use support::packets;

#[path = "../../tests/support/mod.rs"]
#[allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "scripted browsers know what they made")]
mod support;

const VISITS: usize = 2;
/// As many as there are lives to tell apart those who sit down one after the other.
const OPERATIONS_MAX: usize = 250;
/// From a turn of the loop to the end of every patience.
const STEPS: [u64; 16] = [1, 5, 10, 20, 33, 100, 200, 500, 700, 1_000, 2_500, 3_000, 5_000, 20_000, 30_000, 61_000];

/// Takes the first byte for the SRTP profile, then for each operation: what, who, and what it needs.
pub(crate) fn run(input: &[u8]) {
    let mut script = Script(input);
    let profile = if script.byte() & 1 == 0 { SrtpProfile::AeadAes128Gcm } else { SrtpProfile::Aes128CmSha1_80 };
    let mut scene = Scene::new(profile);
    for _ in 0..OPERATIONS_MAX {
        if script.0.is_empty() {
            return;
        }
        scene.operate(&mut script);
    }
}

/// What is left of the input; zeros behind its end.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// The next bytes, fewer at the end.
    fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (taken, left) = self.0.split_at(len.min(self.0.len()));
        self.0 = left;
        taken
    }
}

/// Someone whom control has seated, and from where their checks were answered.
struct Guest {
    browser: Browser,
    paths: Vec<Path>,
}

struct Scene {
    shard: Shard,
    profile: SrtpProfile,
    now: Instant,
    guests: [[Option<Guest>; Seat::COUNT]; VISITS],
    /// How many have sat down.
    lives: u8,
    /// The newest datagram and where it came from: what a stranger on the way has seen.
    seen: Option<(Path, Vec<u8>)>,
}

impl Scene {
    fn new(profile: SrtpProfile) -> Scene {
        Scene {
            shard: Shard::new(0, Box::new(FakeHandshaker { profile }), [7; 32]),
            profile,
            now: Instant::ZERO + Duration::from_secs(1_000),
            guests: [const { [const { None }; Seat::COUNT] }; VISITS],
            lives: 0,
            seen: None,
        }
    }

    fn operate(&mut self, script: &mut Script<'_>) {
        let (what, who) = (script.byte(), script.byte());
        let (visit, seat) = (usize::from(who >> 2 & 1), Seat::ALL[usize::from(who & 3)]);
        let id = visit_id(visit);
        match what % 16 {
            0 => self.command(Command::OpenVisit { visit: id }),
            1 => {
                self.command(Command::CloseVisit { visit: id });
                self.guests[visit] = [const { None }; Seat::COUNT];
            }
            2 => self.connect(visit, seat, script),
            3 => {
                let leg = self.guest(visit, seat).map_or(LegId::from_bits(7), |guest| guest.browser.leg);
                self.command(Command::Disconnect { visit: id, seat, leg });
            }
            4 => {
                let bits = script.byte();
                self.command(Command::SetSources { visit: id, seat, sources: sources(bits) });
            }
            5 if who & 0x80 != 0 => self.restart(visit, seat),
            5 => self.command(Command::Report),
            6 => {
                self.now += Duration::from_millis(STEPS[usize::from(who % 16)]);
                self.shard.handle_timeout(self.now);
                let late = self.shard.deadline().filter(|deadline| deadline.at <= self.now);
                assert_eq!(late, None, "still due");
                self.settle(VISITS * OUTBOX_ROOM_MIN);
            }
            7 => self.repeat(script),
            _ => {
                let from = self.path(visit, seat, script.byte());
                let Some(datagrams) = self.datagrams(what % 16, visit, seat, from, script) else { return };
                for datagram in datagrams {
                    self.deliver(from, datagram);
                }
            }
        }
    }

    fn guest(&mut self, visit: usize, seat: Seat) -> Option<&mut Guest> {
        self.guests[visit][seat.index()].as_mut()
    }

    fn command(&mut self, command: Command) {
        self.shard.handle_command(self.now, command);
        self.settle(OUTBOX_ROOM_MIN);
    }

    fn connect(&mut self, visit: usize, seat: Seat, script: &mut Script<'_>) {
        self.lives += 1;
        let browser = Browser::new(seat, self.lives, self.profile);
        let mut terms = browser.terms();
        bend(&mut terms, script.byte(), script);
        self.command(Command::Connect { visit: visit_id(visit), seat, leg: browser.leg, terms: Box::new(terms) });
        self.guests[visit][seat.index()] = Some(Guest { browser, paths: Vec::new() });
    }

    /// From now on the browser's checks carry what it has restarted with.
    fn restart(&mut self, visit: usize, seat: Seat) {
        let Some(guest) = self.guest(visit, seat) else { return };
        let leg = guest.browser.leg;
        let (local, remote) = guest.browser.restart();
        self.command(Command::RestartIce { visit: visit_id(visit), seat, leg, local, remote });
    }

    /// Mostly a seat's own address; else another port of it, somebody's, or one that several use.
    fn path(&mut self, visit: usize, seat: Seat, choice: u8) -> Path {
        let other = Seat::ALL[usize::from(choice >> 4 & 3)];
        let own = |guest: Option<&mut Guest>| guest.map(|guest| guest.browser.path);
        let path = match choice % 8 {
            6 => own(self.guest(usize::from(choice >> 6 & 1), other)),
            7 => None,
            _ => own(self.guest(visit, seat)),
        };
        let mut path = path.unwrap_or(Path { socket: 0, remote: ([192, 0, 2, 1], 1_000).into() });
        if matches!(choice % 8, 4 | 5) {
            path.remote.set_port(1_000 + u16::from(choice >> 4));
        }
        path
    }

    /// What someone sends.
    fn datagrams(&mut self, what: u8, visit: usize, seat: Seat, from: Path, script: &mut Script<'_>) -> Option<Vec<Vec<u8>>> {
        let now = self.now;
        let Some(guest) = self.guests[visit][seat.index()].as_mut() else { return Some(vec![garbage(script)]) };
        let browser = &mut guest.browser;
        Some(match what {
            8 => {
                let mut check = browser.check();
                match usize::from(script.number()) {
                    // Signed as it must be: the server may answer, and send there from now on.
                    bit if bit < 0x8000 => guest.paths.push(from),
                    bit => flip(&mut check, bit),
                }
                vec![check]
            }
            9 => match script.byte() % 8 {
                0 => vec![fake_dtls::goodbye()],
                1 => {
                    browser.shows.0[0] ^= 1;
                    let hello = browser.hello();
                    browser.shows.0[0] ^= 1;
                    vec![hello]
                }
                _ => vec![browser.hello()],
            },
            10 => vec![browser.sound(now)],
            11 => match script.byte() % 8 {
                layer @ 0..3 => browser.frame(now, usize::from(layer)),
                3 => browser.screen_frame(now),
                4 => vec![browser.padding(now, 2)],
                // All layers of one moment; a keyframe of each.
                5 => (0..3).flat_map(|layer| browser.frame(now, layer)).collect(),
                _ => {
                    browser.camera.iter_mut().for_each(|stream| stream.keyframe_wanted = true);
                    (0..3).flat_map(|layer| browser.frame(now, layer)).collect()
                }
            },
            12 | 13 => vec![media(browser, now, script)?],
            14 => vec![report(browser, seat, now, script)?],
            _ => vec![garbage(script)],
        })
    }

    /// The newest datagram once more: as it was, from elsewhere, or with a bit turned.
    fn repeat(&mut self, script: &mut Script<'_>) {
        let Some((from, mut datagram)) = self.seen.clone() else { return };
        let how = script.number();
        // A check is good from wherever it comes, and a bit that turns twice is whole again: those stay as they are.
        if classify(&datagram) != Some(Protocol::Stun) {
            if how & 1 == 1 {
                flip(&mut datagram, usize::from(how >> 2));
            }
            if how & 2 == 2 {
                return self.deliver(Path { socket: 0, remote: ([198, 51, 100, 1], 1_000 + (how >> 12)).into() }, datagram);
            }
        }
        self.deliver(from, datagram);
    }

    fn deliver(&mut self, from: Path, datagram: Vec<u8>) {
        self.shard.handle_datagram(self.now, self.now, from, &mut datagram.clone());
        self.seen = Some((from, datagram));
        self.settle(OUTBOX_ROOM_MIN);
    }

    /// Everything that must hold after every turn.
    fn settle(&mut self, datagrams_max: usize) {
        let mut events = 0;
        while let Some(event) = self.shard.poll_event() {
            assert!(!matches!(event, Event::VisitFailed { .. }));
            events += 1;
        }
        assert!(events <= 2 * Seat::COUNT * VISITS, "{events} events of one turn");
        assert_eq!(self.shard.report().visits_failed, 0);

        let outbox = self.shard.outbox();
        assert!(outbox.filled().len() <= datagrams_max, "{} datagrams of one turn", outbox.filled().len());
        for slot in outbox.filled() {
            let (to, datagram) = (slot.path().expect("every datagram goes somewhere"), slot.datagram());
            let mut there = self.guests.iter_mut().flatten().flatten().filter(|guest| guest.paths.contains(&to));
            let is_heard = match classify(datagram).expect("the server speaks our protocols") {
                Protocol::Stun => datagram[..2] == [1, 1] && there.next().is_some(),
                Protocol::Dtls => there.next().is_some(),
                // Opened once; a number used twice is refused as a replay is.
                Protocol::Rtp | Protocol::Rtcp => there.any(|guest| guest.browser.opens(&mut datagram.to_vec())),
            };
            assert!(is_heard, "a datagram for nobody who could be there");
        }
        outbox.clear();
    }
}

fn visit_id(visit: usize) -> VisitId {
    VisitId::from_bits(visit as u64)
}

fn sources(bits: u8) -> Sources {
    Sources { microphone: bits & 1 != 0, camera: bits & 2 != 0, screen: bits & 4 != 0 }
}

fn flip(datagram: &mut [u8], bit: usize) {
    if let Some(bit) = bit.checked_rem(8 * datagram.len()) {
        datagram[bit / 8] ^= 1 << (bit % 8);
    }
}

fn garbage(script: &mut Script<'_>) -> Vec<u8> {
    let len = script.byte();
    let mut bytes = script.bytes(usize::from(len & 15)).to_vec();
    bytes.resize(usize::from(len) * 7, 0x5a);
    bytes
}

/// Terms that no offer would lead to, but that a worker could be told.
fn bend(terms: &mut LegTerms, how: u8, script: &mut Script<'_>) {
    if how & 1 != 0 {
        let id = script.byte();
        terms.extensions = ExtensionIds { mid: id, rid: id >> 4, transport_cc: id, ..terms.extensions };
    }
    if how & 2 != 0 {
        let line = script.byte();
        terms.inbound.remove(usize::from(line % 3));
        let twice = terms.inbound[usize::from(line >> 7)].clone();
        terms.inbound.push(twice);
    }
    if how & 4 != 0 {
        terms.outbound.truncate(usize::from(script.byte() % 7));
    }
    if how & 8 != 0 {
        let ssrc = terms.outbound.first().map(|line| line.ssrc);
        terms.outbound.iter_mut().for_each(|line| line.ssrc = ssrc.unwrap_or(line.ssrc));
    }
    if how & 16 != 0 {
        terms.sources = sources(script.byte());
    }
    if how & 32 != 0 {
        let layer = script.byte();
        terms.inbound.iter_mut().flat_map(|line| &mut line.rids).for_each(|rid| rid.layer = rid.layer.wrapping_add(layer));
    }
    if how & 64 != 0 {
        terms.inbound.iter_mut().for_each(|line| line.rids.clear());
    }
    if how & 128 != 0 {
        let number = script.byte();
        terms.outbound.iter_mut().for_each(|line| line.line = line.line.wrapping_add(number));
    }
}

/// A packet that is sealed right and may say anything.
fn media(browser: &mut Browser, now: Instant, script: &mut Script<'_>) -> Option<Vec<u8>> {
    let (which, flags, jump, skew) = (script.byte(), script.byte(), script.byte(), script.byte());
    let ids = extensions(browser.seat);
    let place = usize::from(which % 6);
    let stream = match place {
        0 => &mut browser.microphone,
        1..=3 => &mut browser.camera[place - 1],
        _ => &mut browser.screen,
    };
    // The next number, some before or behind it, or farther away than a number says.
    let steps = i64::from(jump.cast_signed()) << if flags & 1 == 0 { 0 } else { 10 };
    let index = Seq64(stream.next.0.saturating_add_signed(steps));
    if steps >= 0 {
        stream.next = index.next();
    }
    let timestamp = stream.timestamp(now).wrapping_add_signed(i32::from(skew.cast_signed()) << if flags & 2 == 0 { 0 } else { 24 });
    let known = stream.ssrc;
    let ssrc = if place == 5 { Ssrc(0xabc0 | u32::from(which >> 4)) } else { known };
    let payload_type = match flags >> 2 & 3 {
        0 if place == 0 => 111,
        1 => 97,
        2 => script.byte() & 0x7f,
        _ => 96,
    };
    let names: &[(u8, &[u8])] = match which >> 4 {
        0 => &[],
        1 => &[(ids.mid, b"0")],
        2 => &[(ids.mid, b"2")],
        named @ 3..6 => &[(ids.mid, b"1"), (ids.rid, LAYERS[usize::from(named) - 3].as_bytes())],
        6 => &[(ids.mid, b"1"), (ids.repaired_rid, b"h")],
        7 => &[(ids.mid, script.bytes(5)), (ids.transport_cc, script.bytes(2))],
        8 => &[(ids.transport_cc, script.bytes(2)), (ids.audio_level, script.bytes(1)), (ids.playout_delay, script.bytes(3))],
        _ => &[(ids.mid, b"1"), (ids.rid, b"f"), (ids.transport_cc, script.bytes(2)), (ids.video_orientation, script.bytes(1))],
    };
    let names: Vec<_> = names.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
    let packet = packets::Rtp {
        marker: flags & 16 != 0,
        payload_type,
        sequence: index.wrapped().0,
        timestamp,
        ssrc: ssrc.0,
        extensions: &names,
        padding: if flags & 32 == 0 { 0 } else { script.byte() },
    };
    let payload = match flags >> 6 {
        0 => script.bytes(12).to_vec(),
        1 => packets::vp8(true, true, script.number() & 0x7fff, script.byte(), script.byte(), &[0; 9]),
        2 => packets::vp8(script.byte() & 1 == 0, false, script.number() & 0x7fff, script.byte(), script.byte(), &[0; 9]),
        _ => Vec::new(),
    };
    let (mut bytes, header_len) = packets::rtp(&packet, &payload);
    if which >= 0xf0 {
        // Anything at all in the place of the header's lengths and extensions.
        let wild = script.bytes(4);
        bytes[header_len - wild.len()..header_len].copy_from_slice(wild);
        bytes[0] ^= script.byte() & 0x3f;
    }
    let header_len = Header::parse(&bytes).map_or(header_len, |header| header.len);
    browser.seal_as(ssrc, index, bytes, header_len)
}

/// RTCP that is sealed right and may say anything.
fn report(browser: &mut Browser, seat: Seat, now: Instant, script: &mut Script<'_>) -> Option<Vec<u8>> {
    let (how, which) = (script.byte(), script.byte());
    let about = line(seat, [SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen][usize::from(which % 3)], which >> 6);
    let own = browser.camera[usize::from(which % 3)].ssrc;
    Some(match how % 8 {
        0 => browser.reports(now),
        1 => browser.rtcp(|writer| writer.pli(Ssrc(1), about).expect("there is room")),
        2 => browser.rtcp(|writer| writer.fir(Ssrc(1), &[FirEntry { ssrc: about, sequence: which }]).expect("there is room")),
        3 => browser.rtcp(|writer| writer.bye(&[own]).expect("there is room")),
        4 => {
            let (seconds, rtp_timestamp) = (u64::from(script.number()), u32::from(script.number()) << 16);
            let info = SenderInfo { ntp: seconds << 48, rtp_timestamp, packets: 0, octets: 0 };
            browser.rtcp(|writer| writer.sender_report(own, &info, &[]).expect("there is room"))
        }
        _ => {
            let mut bytes = vec![0x80 | how >> 3, 200 + which % 8];
            let words = which >> 3 & 3;
            bytes.extend([0, words.max(1)]);
            bytes.extend(script.bytes(4 * usize::from(words)));
            bytes.resize(4 + 4 * usize::from(words.max(1)), 0);
            browser.seal_report(bytes)?
        }
    })
}
