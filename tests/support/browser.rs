//! A scripted browser: answers no question of its own, but sends and receives as one does.

use std::net::SocketAddr;

use quartet::base::secret::Secret;
use quartet::base::{Instant, LegId, Seat, Seq64};
use quartet::link::IceCredentials;
use quartet::link::event::SrtpProfile;
use quartet::link::terms::{ExtensionIds, Fingerprint, InboundLine, LegTerms, Mid, OutboundLine, Rid, SourceKind, Sources, Ssrc};
use quartet::media::net::path::Path;
use quartet::media::proto::srtp::{Opened, Opener, OutboundSlot, Sealer};
use quartet::media::wire::demux::{Protocol, classify};
use quartet::media::wire::ext::Extensions;
use quartet::media::wire::payload::vp8::{Descriptor, PictureId};
use quartet::media::wire::rtcp::{Block, Compound, RtcpWriter, SenderInfo};
use quartet::media::wire::rtp::Header;

use super::arrivals::Arrivals;
use super::fake_dtls;
use super::packets::{self, Rtp};

pub(crate) const LAYERS: [&str; 3] = ["q", "h", "f"];

/// The payload type of repairs and padding on its way down (RFC 4588).
const RTX: u8 = 99;

/// The SSRC of a line's repairs.
pub(crate) fn rtx_of(line: Ssrc) -> Ssrc {
    Ssrc(line.0 | 0x40)
}

/// Terms on which what goes down is numbered and repaired, as with every real browser.
pub(crate) fn numbered(mut terms: LegTerms) -> LegTerms {
    for line in &mut terms.outbound {
        line.transport_cc = true;
        if line.kind != SourceKind::Microphone {
            (line.rtx_payload_type, line.rtx_ssrc) = (Some(RTX), Some(rtx_of(line.ssrc)));
        }
    }
    terms
}

/// One browser.
pub(crate) struct Browser {
    pub(crate) seat: Seat,
    pub(crate) leg: LegId,
    pub(crate) path: Path,
    /// What its certificate really is; its terms name [`Browser::certificate`].
    pub(crate) shows: Fingerprint,
    secret: [u8; 32],
    /// How often it has restarted ICE.
    restarts: u32,
    transaction: u32,
    sealer: Sealer,
    opener: Opener,
    pub(crate) microphone: Stream,
    /// q, h, f.
    pub(crate) camera: [Stream; 3],
    pub(crate) screen: Stream,
    /// The next transport-wide number.
    transport: u16,
    pub(crate) shape: Shape,
    /// Whether it keeps what it hears.
    pub(crate) keeps: bool,
    /// What came, sealed, for whoever wants to look at it in their own way: then nothing else is done with it.
    pub(crate) tap: Option<Vec<(Instant, Vec<u8>)>>,
    pub(crate) heard: Vec<Heard>,
    /// Keyframe requests: when, and for which SSRC.
    pub(crate) asked: Vec<(Instant, Ssrc)>,
    pub(crate) sender_reports: Vec<(Instant, Ssrc, SenderInfo)>,
    pub(crate) blocks_about: Vec<Ssrc>,
    /// Transport-wide numbers that were told as arrived, and when: in ticks of 250 µs since some beginning.
    pub(crate) arrived: Vec<(u16, i64)>,
    pub(crate) goodbyes: usize,
    pub(crate) handshake_answers: usize,
    /// What came by its transport-wide number, if it tells so; then its terms are [`numbered`].
    pub(crate) arrivals: Option<Arrivals>,
}

/// How large what it sends is.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Packets of a frame: q, h, f and the screen.
    pub(crate) packets: [usize; 4],
    /// Bytes of payload in each of them, if more than its marks.
    pub(crate) picture: [usize; 4],
    /// Bytes of payload in a packet of sound, if more than its marks.
    pub(crate) sound: usize,
}

impl Shape {
    /// As little as shows everything.
    const SMALL: Shape = Shape { packets: [1, 2, 3, 2], picture: [0; 4], sound: 0 };
}

/// One of its outgoing streams.
pub(crate) struct Stream {
    pub(crate) ssrc: Ssrc,
    slot: OutboundSlot,
    pub(crate) next: Seq64,
    start: u32,
    rate: u32,
    pub(crate) picture: u16,
    tl0: u8,
    key: u8,
    pub(crate) keyframe_wanted: bool,
    pub(crate) packets: u32,
}

/// One packet that came to it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Heard {
    pub(crate) at: Instant,
    pub(crate) ssrc: Ssrc,
    pub(crate) payload_type: u8,
    pub(crate) index: Seq64,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) picture: Option<Descriptor>,
    pub(crate) level: Option<u8>,
    /// The sender's marks: seat, layer, frame, packet of the frame.
    pub(crate) mark: [u8; 5],
}

impl Heard {
    pub(crate) fn from(&self) -> u8 {
        self.mark[0]
    }
    pub(crate) fn layer(&self) -> u8 {
        self.mark[1]
    }
    /// Which frame of the sender's it belongs to.
    pub(crate) fn frame(&self) -> (u8, u8, u16) {
        (self.mark[0], self.mark[1], u16::from_be_bytes([self.mark[2], self.mark[3]]))
    }
    pub(crate) fn picture_id(&self) -> u16 {
        match self.picture.and_then(|picture| picture.picture_id) {
            Some(PictureId::Fifteen(id)) => id,
            other => panic!("no 15-bit picture id: {other:?}"),
        }
    }
}

/// Every leg names its extensions differently.
pub(crate) fn extensions(seat: Seat) -> ExtensionIds {
    let id = |place: u8| 1 + (place + 2 * u8::from(seat)) % 14;
    ExtensionIds {
        mid: id(0),
        rid: id(1),
        repaired_rid: id(2),
        transport_cc: id(3),
        abs_send_time: 0,
        audio_level: id(4),
        video_orientation: id(5),
        playout_delay: id(6),
        layers_allocation: id(7),
    }
}

/// The SSRC of a line: of what kind, and which of them.
pub(crate) fn line(receiver: Seat, kind: SourceKind, number: u8) -> Ssrc {
    let kind = match kind {
        SourceKind::Microphone => 0,
        SourceKind::Camera => 0x10,
        SourceKind::Screen => 0x20,
    };
    Ssrc(0x5e00_0000 | u32::from(u8::from(receiver)) << 8 | kind | u32::from(number))
}

impl Browser {
    /// Someone new for this seat; `life` tells apart those who sit there one after the other.
    pub(crate) fn new(seat: Seat, life: u8, profile: SrtpProfile) -> Browser {
        let number = u8::from(seat);
        let mut secret = [0; 32];
        for (place, byte) in secret.iter_mut().enumerate() {
            *byte = (place as u8).wrapping_mul(37) ^ number.wrapping_mul(91) ^ life.wrapping_mul(53);
        }
        let theirs = fake_dtls::keys(profile, &secret);
        let mut sealer = Sealer::new(profile, &theirs.remote);
        let base = 0xb000_0000 | u32::from(life) << 16 | u32::from(number) << 8;
        let mut stream = |place: u32, rate| {
            let ssrc = Ssrc(base | place);
            Stream {
                ssrc,
                slot: sealer.register(ssrc).unwrap(),
                next: Seq64(u64::from(65_400 - place * 100)),
                start: u32::MAX - 50_000 * place,
                rate,
                picture: 0x7ff0 + place as u16,
                tl0: 250 + place as u8,
                key: 29,
                keyframe_wanted: true,
                packets: 0,
            }
        };
        let microphone = stream(0, 48_000);
        let camera = [stream(1, 90_000), stream(2, 90_000), stream(3, 90_000)];
        let screen = stream(4, 90_000);
        let remote = SocketAddr::from(([10, life, 0, number], 40_000 + u16::from(number)));
        Browser {
            seat,
            leg: LegId::from_bits(u64::from(life) << 8 | u64::from(number)),
            path: Path { socket: 0, remote },
            shows: Browser::certificate(seat, life),
            secret,
            restarts: 0,
            transaction: 0,
            sealer,
            opener: Opener::new(profile, &theirs.local),
            microphone,
            camera,
            screen,
            transport: 65_000,
            shape: Shape::SMALL,
            keeps: true,
            tap: None,
            heard: Vec::new(),
            asked: Vec::new(),
            sender_reports: Vec::new(),
            blocks_about: Vec::new(),
            arrived: Vec::new(),
            goodbyes: 0,
            handshake_answers: 0,
            arrivals: None,
        }
    }

    fn certificate(seat: Seat, life: u8) -> Fingerprint {
        Fingerprint([u8::from(seat) ^ life << 2; 32])
    }

    fn life(&self) -> u8 {
        (self.leg.bits() >> 8) as u8
    }

    fn ufrags(&self) -> (String, String) {
        let restarts = if self.restarts == 0 { String::new() } else { format!("r{}", self.restarts) };
        let of = |side: &str| format!("{side}{}x{}{restarts}", self.seat, self.life());
        (of("ours"), of("peer"))
    }

    /// Restarts ICE: its next checks carry new credentials, of which these are the server's and its own.
    pub(crate) fn restart(&mut self) -> (IceCredentials, IceCredentials) {
        self.restarts += 1;
        self.credentials()
    }

    fn credentials(&self) -> (IceCredentials, IceCredentials) {
        let credentials = |ufrag: String| IceCredentials { password: Secret::new(format!("{ufrag}-password-of-24")), ufrag };
        let (ours, theirs) = self.ufrags();
        (credentials(ours), credentials(theirs))
    }

    /// What its offer and the answer agreed on.
    pub(crate) fn terms(&self) -> LegTerms {
        let mid = |text: &str| Mid::new(text).unwrap();
        let (local, remote) = self.credentials();
        let inbound = |text: &str, kind, payload_type, rtx: Option<u8>, ssrc| InboundLine {
            mid: mid(text),
            kind,
            payload_type,
            rtx_payload_type: rtx,
            ssrc,
            rtx_ssrc: None,
            red_payload_type: None,
            tells_layers: kind == SourceKind::Camera,
            rids: Vec::new(),
            nack: false,
            transport_cc: true,
        };
        let mut camera = inbound("1", SourceKind::Camera, 96, Some(97), None);
        camera.rids = (0..).zip(LAYERS).map(|(layer, id)| Rid { id: id.to_owned(), layer }).collect();
        let outbound = |kind, number: u8| OutboundLine {
            mid: mid(&format!("{}", 3 + 2 * number)),
            kind,
            line: number,
            payload_type: if kind == SourceKind::Microphone { 63 } else { 100 + u8::from(self.seat) },
            rtx_payload_type: None,
            red_payload_type: None,
            ssrc: line(self.seat, kind, number),
            rtx_ssrc: None,
            transport_cc: false,
        };
        let pair = |number| [outbound(SourceKind::Microphone, number), outbound(SourceKind::Camera, number)];
        let terms = LegTerms {
            local,
            remote,
            fingerprints: vec![Browser::certificate(self.seat, self.life())],
            extensions: extensions(self.seat),
            inbound: vec![
                inbound("0", SourceKind::Microphone, 111, None, Some(self.microphone.ssrc)),
                camera,
                inbound("2", SourceKind::Screen, 96, Some(97), Some(self.screen.ssrc)),
            ],
            outbound: (0..3).flat_map(pair).chain([outbound(SourceKind::Screen, 0)]).collect(),
            sources: Sources::default(),
            cname: format!("cname-{}", self.seat),
        };
        if self.arrivals.is_some() { numbered(terms) } else { terms }
    }

    /// A connectivity check with USE-CANDIDATE.
    pub(crate) fn check(&mut self) -> Vec<u8> {
        self.transaction += 1;
        let (ours, theirs) = self.ufrags();
        let mut transaction = [u8::from(self.seat); 12];
        transaction[..4].copy_from_slice(&self.transaction.to_be_bytes());
        packets::check(&format!("{ours}:{theirs}"), &format!("{ours}-password-of-24"), transaction, true)
    }

    pub(crate) fn hello(&self) -> Vec<u8> {
        fake_dtls::hello(self.shows, self.secret)
    }

    /// One sealed packet of sound, 20 ms.
    pub(crate) fn sound(&mut self, now: Instant) -> Vec<u8> {
        let ids = extensions(self.seat);
        let transport = self.number();
        let frame = (self.microphone.packets as u16).to_be_bytes();
        let extensions: &[(u8, &[u8])] = &[(ids.mid, b"0"), (ids.audio_level, &[0x80 | 33]), (ids.transport_cc, &transport)];
        let mut payload = vec![u8::from(self.seat), 9, frame[0], frame[1], 0];
        payload.resize(payload.len().max(self.shape.sound), 0);
        let stream = &mut self.microphone;
        stream.seal(&mut self.sealer, now, 111, false, extensions, &payload, 0)
    }

    /// One frame of one layer of the camera, in sealed packets.
    pub(crate) fn frame(&mut self, now: Instant, layer: usize) -> Vec<Vec<u8>> {
        let ids = extensions(self.seat);
        let rid = LAYERS[layer].as_bytes();
        let names: [(u8, &[u8]); 2] = [(ids.mid, b"1"), (ids.rid, rid)];
        self.picture(now, layer, &names)
    }

    /// One frame of the lowest layer, which says what this browser makes of its camera (video-layers-allocation00).
    pub(crate) fn frame_saying(&mut self, now: Instant, said: &[u8]) -> Vec<Vec<u8>> {
        let ids = extensions(self.seat);
        let names: [(u8, &[u8]); 3] = [(ids.mid, b"1"), (ids.rid, LAYERS[0].as_bytes()), (ids.layers_allocation, said)];
        self.picture(now, 0, &names)
    }

    /// One frame of the screen.
    pub(crate) fn screen_frame(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let ids = extensions(self.seat);
        let names: [(u8, &[u8]); 1] = [(ids.mid, b"2")];
        self.picture(now, 3, &names)
    }

    fn picture(&mut self, now: Instant, place: usize, names: &[(u8, &[u8])]) -> Vec<Vec<u8>> {
        let ids = extensions(self.seat);
        let (packets, len) = (self.shape.packets[place], self.shape.picture[place]);
        let numbers: Vec<_> = (0..packets).map(|_| self.number()).collect();
        let stream = if place < 3 { &mut self.camera[place] } else { &mut self.screen };
        let keyframe = std::mem::take(&mut stream.keyframe_wanted);
        stream.picture = (stream.picture + 1) & 0x7fff;
        stream.tl0 = stream.tl0.wrapping_add(1);
        if keyframe {
            stream.key = (stream.key + 1) & 0x1f;
        }
        let frame = stream.picture.to_be_bytes();
        let mut sealed = Vec::new();
        for (packet, transport) in numbers.iter().enumerate() {
            let mark = [u8::from(self.seat), place as u8, frame[0], frame[1], packet as u8];
            let mut payload = packets::vp8(packet == 0, keyframe, stream.picture, stream.tl0, stream.key, &mark);
            payload.resize(payload.len().max(len), 0);
            let last = packet + 1 == packets;
            let mut extensions = names.to_vec();
            extensions.extend([(ids.transport_cc, &transport[..]), (ids.video_orientation, &[1])]);
            sealed.push(stream.seal(&mut self.sealer, now, 96, last, &extensions, &payload, 0));
        }
        sealed
    }

    /// A packet of nothing but padding on a layer of the camera.
    pub(crate) fn padding(&mut self, now: Instant, layer: usize) -> Vec<u8> {
        let ids = extensions(self.seat);
        let transport = self.number();
        let extensions: &[(u8, &[u8])] = &[(ids.mid, b"1"), (ids.rid, LAYERS[layer].as_bytes()), (ids.transport_cc, &transport)];
        self.camera[layer].seal(&mut self.sealer, now, 96, false, extensions, &[], 200)
    }

    /// A packet on any SSRC, with no name.
    pub(crate) fn stranger(&mut self, ssrc: u32) -> Option<Vec<u8>> {
        let packet = Rtp { marker: false, payload_type: 96, sequence: 1, timestamp: 0, ssrc, extensions: &[], padding: 0 };
        let (bytes, header_len) = packets::rtp(&packet, &[1; 20]);
        self.seal_as(Ssrc(ssrc), Seq64(1), bytes, header_len)
    }

    /// Any packet, sealed under any SSRC and index; None where the sealer refuses.
    pub(crate) fn seal_as(&mut self, ssrc: Ssrc, index: Seq64, mut packet: Vec<u8>, header_len: usize) -> Option<Vec<u8>> {
        let slot = self.sealer.register(ssrc)?;
        let len = packet.len();
        packet.resize(len + 20, 0);
        let sealed = self.sealer.seal_rtp(slot, index, &mut packet, header_len, len).ok()?;
        packet.truncate(sealed);
        Some(packet)
    }

    /// Any report, sealed; None where the sealer refuses.
    pub(crate) fn seal_report(&mut self, mut report: Vec<u8>) -> Option<Vec<u8>> {
        let len = report.len();
        report.resize(len + 20, 0);
        let sealed = self.sealer.seal_rtcp(&mut report, len).ok()?;
        report.truncate(sealed);
        Some(report)
    }

    /// Sender reports of all streams that have sent.
    pub(crate) fn reports(&mut self, now: Instant) -> Vec<u8> {
        // The browser's own idea of the date.
        let wall = now.as_nanos() + 1_000_000_000 * (3_900_000_000 + u64::from(self.leg.bits() as u16));
        let fraction = ((wall % 1_000_000_000) << 32) / 1_000_000_000;
        let ntp = ((wall / 1_000_000_000) << 32) | fraction;
        let reports: Vec<_> = [&self.microphone, &self.camera[0], &self.camera[1], &self.camera[2], &self.screen]
            .into_iter()
            .filter(|stream| stream.packets > 0)
            .map(|stream| (stream.ssrc, stream.timestamp(now), stream.packets))
            .collect();
        self.rtcp(|writer| {
            for (ssrc, rtp_timestamp, packets) in &reports {
                let info = SenderInfo { ntp, rtp_timestamp: *rtp_timestamp, packets: *packets, octets: 0 };
                writer.sender_report(*ssrc, &info, &[]).unwrap();
            }
            writer.receiver_report(Ssrc(1), &[]).unwrap();
        })
    }

    /// What came since it last told so; nothing from who does not tell.
    pub(crate) fn tell_arrivals(&mut self) -> Vec<Vec<u8>> {
        let Some(mut arrivals) = self.arrivals.take() else { return Vec::new() };
        let told = arrivals.tell(self, line(self.seat, SourceKind::Camera, 0));
        self.arrivals = Some(arrivals);
        told
    }

    /// Any RTCP, sealed.
    pub(crate) fn rtcp(&mut self, write: impl FnOnce(&mut RtcpWriter<'_>)) -> Vec<u8> {
        let mut bytes = vec![0; 1_400];
        let mut writer = RtcpWriter::new(&mut bytes);
        write(&mut writer);
        let len = writer.len();
        let sealed = self.sealer.seal_rtcp(&mut bytes, len).unwrap();
        bytes.truncate(sealed);
        bytes
    }

    fn number(&mut self) -> [u8; 2] {
        let number = self.transport;
        self.transport = number.wrapping_add(1);
        number.to_be_bytes()
    }

    /// Takes a datagram of the server.
    pub(crate) fn hear(&mut self, now: Instant, datagram: &mut [u8]) {
        if let Some(tap) = &mut self.tap {
            tap.push((now, datagram.to_vec()));
            return;
        }
        match classify(datagram) {
            Some(Protocol::Stun) => assert_eq!(datagram[..2], [1, 1], "a success"),
            Some(Protocol::Dtls) if datagram == fake_dtls::goodbye() => self.goodbyes += 1,
            Some(Protocol::Dtls) => self.handshake_answers += 1,
            Some(Protocol::Rtp) => self.hear_rtp(now, datagram),
            Some(Protocol::Rtcp) => self.hear_rtcp(now, datagram),
            None => panic!("the server sent nobody's protocol"),
        }
    }

    /// Whether this is a packet or report for it that it has not had before.
    pub(crate) fn opens(&mut self, datagram: &mut [u8]) -> bool {
        if classify(datagram) == Some(Protocol::Rtcp) {
            return self.opener.open_rtcp(datagram).is_ok();
        }
        let Some(header) = Header::parse(datagram) else { return false };
        let opened = self.opener.open_rtp(datagram, &header);
        opened.is_ok_and(|opened| opened.slot.is_some() || self.opener.admit(header.ssrc, opened.index).is_some())
    }

    /// Opens a packet of media where it lies. It must be one that this browser can open, and has not had before.
    pub(crate) fn open_media(&mut self, datagram: &mut [u8]) -> (Header, Opened) {
        let header = Header::parse(datagram).expect("the server sends RTP");
        let opened = self.opener.open_rtp(datagram, &header).expect("the server seals right, and nothing twice");
        if opened.slot.is_none() {
            self.opener.admit(header.ssrc, opened.index).expect("few lines");
        }
        (header, opened)
    }

    /// Opens reports where they lie; says how long they are.
    pub(crate) fn open_reports(&mut self, datagram: &mut [u8]) -> usize {
        self.opener.open_rtcp(datagram).expect("the server seals right")
    }

    fn hear_rtp(&mut self, now: Instant, datagram: &mut [u8]) {
        let (header, opened) = self.open_media(datagram);
        let packet = &datagram[..opened.len];
        if let Some(arrivals) = &mut self.arrivals {
            let number = Extensions::parse(packet, &header, &extensions(self.seat)).transport_cc;
            arrivals.take(now, number.expect("all that goes down is numbered"));
        }
        if !self.keeps || header.payload_type == RTX {
            return;
        }
        let payload = header.payload(packet).expect("no padding");
        let sound = header.payload_type == 63;
        let picture = (!sound).then(|| Descriptor::parse(payload).expect("VP8"));
        let mark = picture.map_or(payload, |picture| &payload[picture.len + 1..]);
        let extensions = Extensions::parse(packet, &header, &extensions(self.seat));
        self.heard.push(Heard {
            at: now,
            ssrc: header.ssrc,
            payload_type: header.payload_type,
            index: opened.index,
            timestamp: header.timestamp,
            marker: header.marker,
            picture,
            level: extensions.audio_level.map(|level| level.level),
            mark: mark[..5].try_into().unwrap(),
        });
    }

    fn hear_rtcp(&mut self, now: Instant, datagram: &mut [u8]) {
        let len = self.open_reports(datagram);
        for block in Compound::new(&datagram[..len]) {
            match block.expect("the server writes RTCP right") {
                Block::Pli(pli) => {
                    self.asked.push((now, pli.media));
                    let streams = self.camera.iter_mut().chain([&mut self.screen]);
                    for stream in streams.filter(|stream| stream.ssrc == pli.media) {
                        stream.keyframe_wanted = true;
                    }
                }
                Block::SenderReport(report) => self.sender_reports.push((now, report.ssrc, report.info)),
                Block::ReceiverReport(report) => self.blocks_about.extend(report.reports().map(|block| block.ssrc)),
                Block::TransportCc(feedback) => {
                    let mut tick = i64::from(feedback.reference_time) * 256;
                    for (number, delta) in feedback.statuses() {
                        let Some(delta) = delta else { continue };
                        tick += i64::from(delta);
                        self.arrived.push((number.0, tick));
                    }
                }
                Block::Sdes | Block::Bye(_) | Block::Nack(_) | Block::Fir(_) | Block::Remb(_) | Block::Unknown(_) => {}
            }
        }
    }

    /// What came on one of its lines.
    pub(crate) fn on_line(&self, kind: SourceKind, number: u8) -> Vec<Heard> {
        let ssrc = line(self.seat, kind, number);
        self.heard.iter().filter(|heard| heard.ssrc == ssrc).cloned().collect()
    }
}

impl Stream {
    pub(crate) fn timestamp(&self, now: Instant) -> u32 {
        let ticks = u128::from(now.as_nanos()) * u128::from(self.rate) / 1_000_000_000;
        self.start.wrapping_add(ticks as u32)
    }

    #[allow(clippy::too_many_arguments, reason = "a test's packet has as many parts")]
    fn seal(
        &mut self,
        sealer: &mut Sealer,
        now: Instant,
        payload_type: u8,
        marker: bool,
        extensions: &[(u8, &[u8])],
        payload: &[u8],
        padding: u8,
    ) -> Vec<u8> {
        let index = self.next;
        self.next = index.next();
        self.packets += 1;
        let packet = Rtp {
            marker,
            payload_type,
            sequence: index.wrapped().0,
            timestamp: self.timestamp(now),
            ssrc: self.ssrc.0,
            extensions,
            padding,
        };
        let (mut bytes, header_len) = packets::rtp(&packet, payload);
        let len = bytes.len();
        bytes.resize(len + 20, 0);
        let sealed = sealer.seal_rtp(self.slot, index, &mut bytes, header_len, len).unwrap();
        bytes.truncate(sealed);
        bytes
    }
}
