//! A browser that behaves as real ones do, as far as a server and a path can tell.
//!
//! - [`mark`]: what each payload says of itself;
//! - [`encoder`]: a layer of the camera; [`uplink`]: how much of it goes up;
//! - [`tap`]: what the server sends, judged as it leaves;
//! - [`sound`], [`picture`]: what becomes of that at its other end.

mod encoder;
mod mark;
mod picture;
mod sound;
mod tap;
mod uplink;

use std::collections::VecDeque;
use std::time::Duration;

use quartet::base::{Instant, Seat};
use quartet::link::LegTerms;
use quartet::link::event::{Layers, SrtpProfile};
use quartet::link::terms::{SourceKind, Ssrc};
use quartet::media::wire::rtcp::{Block, Compound, ReportBlock, SenderInfo};

use encoder::{Encoder, Origin, Plain};
use mark::Mark;
pub(crate) use picture::Picture;
pub(crate) use sound::{Played, Sound};
pub(crate) use tap::Said;
use tap::{Content, Media, Tap};
use uplink::Uplink;

use crate::support::arrivals::Arrivals;
use crate::support::browser::{self, Browser};
use crate::support::network::Dice;
use crate::support::packets::{self, Rtp};

const SOUND: u8 = 111;
const INBOUND_RED: u8 = 63;
/// What the browser calls RED with what it receives.
pub(super) const OUTBOUND_RED: u8 = 64;
const PICTURE: u8 = 96;
const RTX: u8 = 97;

/// How often it looks what is due: as often as browsers let packets go.
const TICK: Duration = Duration::from_millis(5);
/// RFC 7675 §5.1: checks go on each 2.5 s or so, as browsers do.
const CHECK_INTERVAL: Duration = Duration::from_millis(2_500);
/// From one check, or hello, to the next, as long as there is no answer.
const AGAIN: Duration = Duration::from_millis(250);
/// media.md: transport-wide feedback each 50–100 ms.
const FEEDBACK_INTERVAL: Duration = Duration::from_millis(75);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// A packet is sent again a round trip and so much after it last was, at the soonest (libwebrtc).
const ANSWERED_APART: Duration = Duration::from_millis(5);
/// Requests for keyframes that come sooner after one that was obeyed are not.
const OBEYED_AGAIN: Duration = Duration::from_millis(300);
/// There and back, as long as nothing is known of it.
const ROUND_TRIP: Duration = Duration::from_millis(100);
/// How much faster than its target a browser lets packets go.
const PACE: f64 = 2.5;

/// How much of its target may wait in its pacer before it leaves out frames.
const BEHIND_MAX: Duration = Duration::from_millis(300);
/// Bytes around a payload, about.
const AROUND: usize = 50;

/// What a peer sends, and what it takes.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) camera: bool,
    pub(crate) microphone: bool,
    pub(crate) frame_interval: Duration,
    pub(crate) sound_interval: Duration,
    /// Bits per second of each layer, when there is room for it.
    pub(crate) rates: [u64; 3],
    /// How many times as large as other frames a keyframe is.
    pub(crate) keyframe: usize,
    /// Bytes of payload of a packet, at most.
    pub(crate) packet: usize,
    /// Bytes of one sound.
    pub(crate) sound: usize,
    /// How many temporal layers each layer has: one to three.
    pub(crate) temporal_layers: u8,
    /// Whether it takes sound with copies in it.
    pub(crate) takes_red: bool,
    /// Whether it asks for what it misses.
    pub(crate) asks: bool,
    /// Whether it says which layers it makes, as Chromium does and Firefox does not.
    pub(crate) tells_layers: bool,
}

impl Shape {
    /// What browsers send of a camera of 1280×720.
    pub(crate) const BROWSER: Shape = Shape {
        camera: true,
        microphone: true,
        frame_interval: Duration::from_nanos(33_333_333),
        sound_interval: Duration::from_millis(20),
        rates: [150_000, 500_000, 1_500_000],
        keyframe: 6,
        packet: 1_150,
        sound: 80,
        temporal_layers: 1,
        takes_red: true,
        asks: true,
        tells_layers: true,
    };
    /// Someone who only looks and listens.
    pub(crate) const SILENT: Shape = Shape { camera: false, microphone: false, ..Shape::BROWSER };
    /// As little as has everything in it: frames of several packets, three layers and sound.
    pub(crate) const SMALL: Shape = Shape {
        frame_interval: Duration::from_millis(100),
        sound_interval: Duration::from_millis(60),
        rates: [8_000, 12_000, 20_000],
        keyframe: 2,
        packet: 120,
        sound: 20,
        ..Shape::BROWSER
    };
}

/// One browser of one visit.
pub(crate) struct Peer {
    pub(crate) browser: Browser,
    pub(crate) shape: Shape,
    origin: Origin,
    dice: Dice,
    pub(crate) connected: Option<Instant>,
    answered: bool,
    next_tick: Instant,
    next_check: Instant,
    next_frame: Instant,
    next_sound: Instant,
    next_feedback: Instant,
    next_report: Instant,
    microphone: Microphone,
    camera: [Encoder; 3],
    /// What the server's word has turned off, and when a word that is on its way is heard.
    wanted: Layers,
    words: VecDeque<(Instant, Layers)>,
    active: [bool; 3],
    uplink: Uplink,
    /// Repairs, then pictures, that wait to be sent.
    repairs: VecDeque<(usize, Plain)>,
    pacer: VecDeque<(usize, Plain)>,
    /// When repairs were let in, in the last second.
    repaired: VecDeque<Instant>,
    budget: f64,
    tap: Tap,
    arrivals: Arrivals,
    round_trip: Duration,
    /// The newest sender report of each line of pictures: middle bits of its time, and when it came.
    sender_reports: [Option<(u32, Instant)>; 3],
    pub(crate) sounds: [Sound; 3],
    pub(crate) pictures: [Picture; 3],
    pub(crate) out: Vec<Vec<u8>>,
    /// Packets of pictures that it sent, and those that it sent again.
    pub(crate) sent: u64,
    pub(crate) sent_again: u64,
    /// Numbers that the server asked for.
    pub(crate) asked: u64,
    pub(crate) keyframes_asked: u64,
    /// When it last made keyframes because it was asked to: of all layers, as browsers do.
    obeyed: Option<Instant>,
}

struct Microphone {
    ssrc: Ssrc,
    next: u64,
    serial: u16,
    /// The sound before, for the copy of it.
    before: Option<Vec<u8>>,
    start: u32,
}

impl Peer {
    /// Someone new; `life` tells apart all who ever sit anywhere.
    pub(crate) fn new(now: Instant, visit: u8, seat: Seat, life: u8, shape: Shape, dice: &mut Dice) -> Peer {
        let mut dice = dice.fork();
        let browser = Browser::new(seat, life, SrtpProfile::AeadAes128Gcm);
        let ssrc = |place: u32| Ssrc(0xa000_0000 | u32::from(life) << 16 | u32::from(u8::from(seat)) << 8 | place);
        let mut layer = |layer: u8| Encoder::new(&mut dice, ssrc(1 + u32::from(layer)), layer);
        let camera = [layer(0), layer(1), layer(2)];
        let microphone = Microphone {
            ssrc: browser.microphone.ssrc,
            next: dice.between((0, 0x7fff)).into(),
            serial: 0,
            before: None,
            start: dice.next() as u32,
        };
        let later = now + dice.shorter_than(TICK);
        let phase = later + dice.shorter_than(shape.frame_interval);
        Peer {
            browser,
            shape,
            origin: Origin { visit, seat: seat.into() },
            connected: None,
            answered: false,
            next_tick: later,
            next_check: later,
            next_frame: phase,
            next_sound: phase,
            next_feedback: phase,
            next_report: phase,
            microphone,
            camera,
            wanted: [true; 3],
            words: VecDeque::new(),
            active: [false; 3],
            uplink: Uplink::new(),
            repairs: VecDeque::new(),
            pacer: VecDeque::new(),
            repaired: VecDeque::new(),
            budget: 0.0,
            tap: Tap::new(visit, seat),
            arrivals: Arrivals::default(),
            round_trip: ROUND_TRIP,
            sender_reports: [None; 3],
            sounds: std::array::from_fn(|_| Sound::new(shape.sound_interval)),
            pictures: std::array::from_fn(|_| Picture::default()),
            out: Vec::new(),
            sent: 0,
            sent_again: 0,
            asked: 0,
            keyframes_asked: 0,
            obeyed: None,
            dice,
        }
    }

    pub(crate) fn seat(&self) -> Seat {
        self.browser.seat
    }

    /// What its offer and the answer agreed on: all that browsers have.
    pub(crate) fn terms(&self) -> LegTerms {
        let mut terms = browser::numbered(self.browser.terms());
        for line in &mut terms.inbound {
            line.nack = line.kind != SourceKind::Microphone;
            if line.kind == SourceKind::Microphone {
                line.red_payload_type = Some(INBOUND_RED);
            }
        }
        for line in &mut terms.outbound {
            if line.kind == SourceKind::Microphone {
                line.red_payload_type = self.shape.takes_red.then_some(OUTBOUND_RED);
            }
        }
        terms
    }

    /// Its page hears which of its layers are wanted.
    pub(crate) fn hear_word(&mut self, at: Instant, layers: Layers) {
        self.words.push_back((at, layers));
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.next_tick
    }

    /// Does what is due; what it sends is in `out`.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.next_tick = now + TICK;
        while self.words.front().is_some_and(|(at, _)| *at <= now) {
            self.wanted = self.words.pop_front().unwrap().1;
        }
        if now >= self.next_check {
            self.next_check = now + if self.connected.is_some() { CHECK_INTERVAL } else { AGAIN };
            let check = self.browser.check();
            self.out.push(check);
            if self.answered && self.connected.is_none() {
                self.out.push(self.browser.hello());
            }
        }
        if self.connected.is_none() {
            return;
        }
        if self.shape.microphone && now >= self.next_sound {
            self.next_sound += self.shape.sound_interval;
            self.next_sound = self.next_sound.max(now);
            self.speak(now);
        }
        if now >= self.next_frame {
            self.next_frame += self.shape.frame_interval;
            self.next_frame = self.next_frame.max(now);
            self.film(now);
        }
        self.pace(now);
        self.mend(now);
        if now >= self.next_feedback {
            self.next_feedback = now + FEEDBACK_INTERVAL;
            let media = browser::line(self.seat(), SourceKind::Microphone, 0);
            let feedback = self.arrivals.tell(&mut self.browser, media);
            self.out.extend(feedback);
        }
        if now >= self.next_report {
            self.next_report = now + REPORT_INTERVAL;
            self.report(now);
        }
    }

    fn speak(&mut self, now: Instant) {
        let ids = browser::extensions(self.seat());
        let Microphone { ssrc, next, serial, start, .. } = self.microphone;
        let mark = Mark { visit: self.origin.visit, seat: self.origin.seat, layer: 0, serial, packet: 0 };
        let mut sound = mark.bytes().to_vec();
        sound.resize(self.shape.sound, 0);
        let ticks = |interval: Duration| (interval.as_millis() * 48) as u32;
        // RFC 2198: as Chromium does, each packet has a copy of the one before.
        let before = self.microphone.before.replace(sound.clone());
        let mut payload = Vec::new();
        if let Some(before) = &before {
            let head = ticks(self.shape.sound_interval) << 10 | before.len() as u32;
            let [_, a, b, c] = head.to_be_bytes();
            payload.extend([0x80 | SOUND, a, b, c]);
        }
        payload.push(SOUND);
        payload.extend(before.into_iter().flatten());
        payload.extend(sound);
        let timestamp = start.wrapping_add(ticks(self.shape.sound_interval).wrapping_mul(serial.into()));
        let number = self.uplink.number(now, payload.len() + AROUND);
        self.budget -= (payload.len() + AROUND) as f64;
        let extensions: &[(u8, &[u8])] = &[(ids.mid, b"0"), (ids.audio_level, &[0x80 | 33]), (ids.transport_cc, &number)];
        let rtp = Rtp {
            marker: false,
            payload_type: INBOUND_RED,
            sequence: next as u16,
            timestamp,
            ssrc: ssrc.0,
            extensions,
            padding: 0,
        };
        let (bytes, header_len) = packets::rtp(&rtp, &payload);
        let sealed = self.browser.seal_as(ssrc, quartet::base::Seq64(next), bytes, header_len).expect("a fresh number");
        self.out.push(sealed);
        self.microphone.next += 1;
        self.microphone.serial += 1;
    }

    fn film(&mut self, now: Instant) {
        if !self.shape.camera {
            return;
        }
        // While the pacer is behind, nothing is encoded: so browsers come down from what they sent.
        let behind: usize = self.pacer.iter().map(|(_, plain)| plain.payload.len()).sum();
        if behind as f64 * 8.0 > self.uplink.target() as f64 * BEHIND_MAX.as_secs_f64() {
            return;
        }
        let sound = (self.shape.sound * 2 + AROUND) as u64 * 8 * 1_000 / self.shape.sound_interval.as_millis() as u64;
        let shares = encoder::share(self.uplink.target().saturating_sub(sound), self.shape.rates);
        let active: [bool; 3] = std::array::from_fn(|place| shares[place].is_some() && self.wanted[place]);
        let before = std::mem::replace(&mut self.active, active);
        for (place, encoder) in self.camera.iter_mut().enumerate() {
            let Some(rate) = shares[place].filter(|_| active[place]) else { continue };
            // An encoder that begins again begins with a keyframe.
            encoder.keyframe_wanted |= !before[place];
            let tells = self.shape.tells_layers && (encoder.keyframe_wanted || active != before);
            let mut frame = encoder.frame(now, self.origin, &self.shape, rate, &mut self.dice);
            frame[0].layers = tells.then_some(active);
            self.pacer.extend(frame.into_iter().map(|plain| (place, plain)));
            encoder.forget();
        }
    }

    /// Lets go what has its turn.
    fn pace(&mut self, now: Instant) {
        let turn = self.uplink.target() as f64 * PACE * TICK.as_secs_f64() / 8.0;
        self.budget = (self.budget + turn).min(turn);
        while self.budget > 0.0 {
            let repair = !self.repairs.is_empty();
            let Some((place, plain)) = self.repairs.pop_front().or_else(|| self.pacer.pop_front()) else { return };
            self.budget -= (plain.payload.len() + AROUND) as f64;
            self.send(now, place, &plain, repair);
        }
    }

    fn send(&mut self, now: Instant, place: usize, plain: &Plain, repair: bool) {
        let ids = browser::extensions(self.seat());
        let number = self.uplink.number(now, plain.payload.len() + AROUND);
        let rid = browser::LAYERS[place].as_bytes();
        let encoder = &mut self.camera[place];
        let mut payload = Vec::with_capacity(plain.payload.len() + 2);
        let (ssrc, index, payload_type, rid_id) = if repair {
            self.sent_again += 1;
            let index = encoder.rtx_next;
            encoder.rtx_next = index.next();
            // RFC 4588 §4: the original sequence number first.
            payload.extend(plain.index.wrapped().0.to_be_bytes());
            (encoder.rtx, index, RTX, ids.repaired_rid)
        } else {
            (encoder.ssrc, plain.index, PICTURE, ids.rid)
        };
        self.sent += 1;
        payload.extend(&plain.payload);
        let allocation = plain.layers.filter(|_| !repair).map(|active| allocation(place, active));
        let mut extensions: Vec<(u8, &[u8])> = vec![(ids.mid, b"1"), (rid_id, rid), (ids.transport_cc, &number)];
        extensions.extend(allocation.iter().map(|said| (ids.layers_allocation, &said[..])));
        let rtp = Rtp {
            marker: plain.marker,
            payload_type,
            sequence: index.wrapped().0,
            timestamp: plain.timestamp,
            ssrc: ssrc.0,
            extensions: &extensions,
            padding: 0,
        };
        let (bytes, header_len) = packets::rtp(&rtp, &payload);
        let sealed = self.browser.seal_as(ssrc, index, bytes, header_len).expect("a fresh number");
        self.out.push(sealed);
    }

    /// Asks for what is missing, and for keyframes.
    fn mend(&mut self, now: Instant) {
        let seat = self.seat();
        for (line, picture) in (0..).zip(&mut self.pictures) {
            let ssrc = browser::line(seat, SourceKind::Camera, line);
            let missing = picture.missing(now, self.round_trip);
            if !missing.is_empty() && self.shape.asks {
                self.out.push(self.browser.rtcp(|writer| writer.nack(Ssrc(1), ssrc, &missing).unwrap()));
            }
            if picture.starves(now) {
                self.out.push(self.browser.rtcp(|writer| writer.pli(Ssrc(1), ssrc).unwrap()));
            }
        }
    }

    /// Sender reports of what it sends, receiver reports of the pictures that it receives.
    fn report(&mut self, now: Instant) {
        let ntp = ntp(now);
        let sound_ticks = (self.shape.sound_interval.as_millis() * 48) as u32;
        let last = self.microphone.serial.saturating_sub(1);
        let mut reports = Vec::new();
        if self.shape.microphone {
            reports.push((
                self.microphone.ssrc,
                self.microphone.start.wrapping_add(sound_ticks.wrapping_mul(last.into())),
                last.into(),
            ));
        }
        let layers = self.camera.iter().filter(|layer| layer.packets > 0);
        reports.extend(layers.map(|layer| (layer.ssrc, layer.timestamp(now), layer.packets)));
        let seat = self.seat();
        let blocks: Vec<_> = (0..3u8)
            .zip(&self.pictures)
            .zip(self.sender_reports)
            .filter_map(|((line, picture), report)| {
                let highest = picture.newest()?;
                let (middle, at) = report.unwrap_or_default();
                Some(ReportBlock {
                    ssrc: browser::line(seat, SourceKind::Camera, line),
                    fraction_lost: 0,
                    cumulative_lost: 0,
                    highest_sequence: highest as u32,
                    jitter: 0,
                    last_sender_report: middle,
                    delay_since: report.map_or(0, |_| (now.since(at).as_nanos() * 65_536 / 1_000_000_000) as u32),
                })
            })
            .collect();
        let datagram = self.browser.rtcp(|writer| {
            for (ssrc, rtp_timestamp, packets) in &reports {
                let info = SenderInfo { ntp, rtp_timestamp: *rtp_timestamp, packets: *packets, octets: 0 };
                writer.sender_report(*ssrc, &info, &[]).unwrap();
            }
            writer.receiver_report(Ssrc(1), &blocks).unwrap();
        });
        self.out.push(datagram);
    }

    /// Opens a datagram that leaves the server for this peer, and judges it.
    pub(crate) fn open(&mut self, datagram: &mut [u8]) -> Said {
        self.tap.open(&mut self.browser, datagram)
    }

    /// Packets of media that left the server for it; repairs and padding among them.
    pub(crate) fn came(&self) -> (u64, u64, u64) {
        (self.tap.media, self.tap.repaired, self.tap.padding)
    }

    /// Numbers of its lines that were never given.
    pub(crate) fn left_out(&self) -> u64 {
        self.tap.left_out()
    }

    /// Takes what has come over the wire.
    pub(crate) fn hear(&mut self, now: Instant, said: &Said) {
        match said {
            Said::Check => {
                if !self.answered {
                    self.answered = true;
                    self.out.push(self.browser.hello());
                }
                return;
            }
            Said::Handshake => {}
            Said::Media(media) => self.hear_media(now, media),
            Said::Reports(reports) => self.hear_reports(now, reports),
        }
        // Whatever is sealed says that the handshake is done, if its own answer was lost.
        self.connected.get_or_insert(now);
    }

    fn hear_media(&mut self, now: Instant, media: &Media) {
        if let Some(number) = media.number {
            self.arrivals.take(now, number);
        }
        let line = usize::from(media.line);
        match (&media.content, media.kind) {
            (Content::Padding, _) | (Content::Picture(..), SourceKind::Screen | SourceKind::Microphone) => {}
            (Content::Sound(marks), _) => self.sounds[line].take(now, marks),
            (Content::Picture(descriptor, mark), SourceKind::Camera) => self.pictures[line].take(
                now,
                media.index,
                media.repair,
                media.timestamp,
                media.marker,
                (*descriptor, *mark),
                self.round_trip,
            ),
        }
    }

    fn hear_reports(&mut self, now: Instant, reports: &[u8]) {
        let seat = self.seat();
        for block in Compound::new(reports) {
            match block.expect("the server writes RTCP right") {
                Block::Pli(pli) => {
                    self.keyframes_asked += 1;
                    assert!(self.camera.iter().any(|layer| layer.ssrc == pli.media), "a layer that it sends");
                    if self.obeyed.is_none_or(|at| now.since(at) >= OBEYED_AGAIN) {
                        self.obeyed = Some(now);
                        self.camera.iter_mut().for_each(|layer| layer.keyframe_wanted = true);
                    }
                }
                Block::Nack(nack) => {
                    let place = self.camera.iter().position(|layer| layer.ssrc == nack.media).expect("a layer that it sends");
                    for number in nack.lost() {
                        self.asked += 1;
                        // What is on its way already is not sent once more.
                        let plain = self.camera[place].find(now, number, self.round_trip + ANSWERED_APART);
                        if let Some(plain) = plain.filter(|_| self.may_repair(now)) {
                            self.repairs.push_back((place, plain));
                        }
                    }
                }
                Block::SenderReport(report) => {
                    let middle = (report.info.ntp >> 16) as u32;
                    let line = (0..3u8).find(|&line| browser::line(seat, SourceKind::Camera, line) == report.ssrc);
                    if let Some(line) = line {
                        self.sender_reports[usize::from(line)] = Some((middle, now));
                    }
                }
                Block::ReceiverReport(report) => {
                    let told = report.reports().filter(|block| block.last_sender_report != 0);
                    for block in told {
                        let middle = (ntp(now) >> 16) as u32;
                        let passed = middle.wrapping_sub(block.last_sender_report).wrapping_sub(block.delay_since);
                        self.round_trip = Duration::from_nanos(u64::from(passed) * 1_000_000_000 / 65_536).max(TICK);
                    }
                }
                Block::TransportCc(feedback) => self.uplink.hear(now, &feedback),
                Block::Sdes | Block::Bye(_) | Block::Fir(_) | Block::Remb(_) | Block::Unknown(_) => {}
            }
        }
    }

    /// Repairs are at most what its target lets go in a second, as in browsers.
    fn may_repair(&mut self, now: Instant) -> bool {
        while self.repaired.front().is_some_and(|at| now.since(*at) > Duration::from_secs(1)) {
            self.repaired.pop_front();
        }
        let may = (self.repaired.len() * self.shape.packet * 8) as u64 <= self.uplink.target();
        if may {
            self.repaired.push_back(now);
        }
        may
    }
}

/// What a stream says of all three (video-layers-allocation00), as Chromium does: of none behind the last that is made.
/// Bitrates follow, which nobody asks for.
fn allocation(stream: usize, active: [bool; 3]) -> Vec<u8> {
    let streams = active.iter().rposition(|active| *active).unwrap_or(0) as u8;
    let head = (stream as u8) << 6 | streams << 4;
    let masks = active.map(u8::from);
    match active {
        [true, false, false] | [true, true, false] | [true, true, true] => vec![head | 1, 0, 100],
        [_, _, false] => vec![head, masks[0] << 4 | masks[1], 0, 100],
        [_, _, true] => vec![head, masks[0] << 4 | masks[1], masks[2] << 4, 0, 100],
    }
}

/// The peer's idea of the date.
fn ntp(now: Instant) -> u64 {
    let nanos = now.as_nanos();
    let fraction = ((nanos % 1_000_000_000) << 32) / 1_000_000_000;
    ((3_900_000_000 + nanos / 1_000_000_000) << 32) | fraction
}
