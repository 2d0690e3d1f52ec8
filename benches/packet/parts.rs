//! The parts of a packet's way, each alone.

use std::hint::black_box;
use std::net::SocketAddr;

use quartet::base::secret::Secret;
use quartet::base::{Instant, Seat, Seq16, Seq64};
use quartet::link::IceCredentials;
use quartet::link::event::SrtpProfile;
use quartet::link::terms::Ssrc;
use quartet::media::net::path::Path;
use quartet::media::proto::ice::IceLite;
use quartet::media::proto::srtp::{MasterKey, Opener, Sealer};
use quartet::media::visit::budget::{PICTURES, Step, Wish, Worth, share};
use quartet::media::wire::demux::classify;
use quartet::media::wire::ext::Extensions;
use quartet::media::wire::payload::vp8::Descriptor;
use quartet::media::wire::rtcp::{Block, Compound, RtcpWriter};
use quartet::media::wire::rtp::{Header, HeaderFields, write_header};

use crate::clock::time;
use crate::profile::PROFILES;
use crate::spread::Spread;
use crate::support::browser::extensions;
use crate::support::packets::{self, Rtp};

/// A batch is timed as one, so that the clock's own cost does not count.
const BATCH: usize = 1_000;
const BATCHES: usize = 50;
/// Bytes of a packet before it is sealed, such that it is 1,150 or a little more on the wire.
const LEN: usize = 1_136;
const SSRC: Ssrc = Ssrc(0x5157_4e31);
const MASTER: MasterKey = MasterKey { key: [0x17; 16], salt: [0x2a; 14] };

/// What one of it takes, and what it may take.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) budget_ns: f64,
    pub(crate) spread: Spread,
}

impl Part {
    fn new(name: impl Into<String>, budget_ns: f64, spread: Spread) -> Part {
        Part { name: name.into(), budget_ns, spread }
    }
}

pub(crate) fn measure() -> Vec<Part> {
    let (packet, header_len) = packet(0);
    let ids = extensions(Seat::PROVIDER);
    let header = Header::parse(&packet).unwrap();
    let outgoing = Extensions::parse(&packet, &header, &ids).forwarded();
    let fields = HeaderFields { marker: false, payload_type: 96, sequence: Seq16(1), timestamp: 2, ssrc: SSRC };
    let (mut written, payload) = ([0; 1_536], packet[header_len..].to_vec());
    let descriptor = Descriptor::parse(&payload).unwrap();

    let (mut agent, check) = agent();
    let path = Path { socket: 0, remote: SocketAddr::from(([192, 0, 2, 1], 4_000)) };
    let mut reply = [0; 256];

    let mut parts = vec![
        Part::new("demultiplex a datagram", 10.0, of_each(|_| _ = black_box(classify(black_box(&packet))))),
        Part::new(
            "answer a connectivity check",
            1_400.0,
            of_each(|_| _ = black_box(agent.handle_check(Instant::ZERO, path, black_box(&check), &mut reply).unwrap())),
        ),
        Part::new(
            "read a header, its extensions and a VP8 descriptor",
            70.0,
            of_each(|_| {
                let header = Header::parse(black_box(&packet)).unwrap();
                black_box(Extensions::parse(&packet, &header, &ids));
                black_box(Descriptor::parse(header.payload(&packet).unwrap()));
            }),
        ),
        Part::new(
            "write a header, copy the payload, rewrite its descriptor",
            50.0,
            of_each(|turn| {
                let len = write_header(&mut written, &fields, black_box(&outgoing), &ids).unwrap();
                written[len..len + payload.len()].copy_from_slice(&payload);
                descriptor.rewrite(&mut written[len..], turn as u16, 1, 2);
                black_box(&mut written);
            }),
        ),
    ];
    parts.push(Part::new("read a report on 60 arrivals", 350.0, arrivals()));
    parts.push(Part::new("share a receiver's path among four pictures", 1_200.0, shares()));
    for profile in &PROFILES {
        let named = |what: &str| format!("{what} 1,150 bytes, {}", profile.name);
        parts.push(Part::new(named("open"), profile.budget.ns_open, open(profile.srtp)));
        parts.push(Part::new(named("seal"), profile.budget.ns_seal, seal(profile.srtp)));
    }
    parts
}

fn of_each(mut act: impl FnMut(usize)) -> Spread {
    batches(|_| (), |()| (0..BATCH).for_each(&mut act))
}

/// `prepare` makes what the batch of this number needs; only `act` is timed.
fn batches<T>(mut prepare: impl FnMut(usize) -> T, mut act: impl FnMut(T)) -> Spread {
    let one = |number| {
        let prepared = prepare(number);
        let (taken, ()) = time(|| act(prepared));
        taken.as_nanos() as f64 / BATCH as f64
    };
    Spread::of((0..BATCHES).map(one).collect())
}

/// A receiver's report on what arrived in a tenth of a second: three pictures and sounds, every twentieth packet lost.
fn arrivals() -> Spread {
    let arrivals: Vec<Option<u64>> = (0..60).map(|packet| (packet % 20 != 7).then_some(4_000 + packet * 6)).collect();
    let mut bytes = [0; 256];
    let mut writer = RtcpWriter::new(&mut bytes);
    assert_eq!(writer.transport_cc(SSRC, SSRC, Seq16(65_500), 1, &arrivals), arrivals.len());
    let len = writer.len();
    of_each(|_| {
        for block in Compound::new(black_box(&bytes[..len])) {
            let Ok(Block::TransportCc(report)) = block else { panic!("nothing else was written") };
            assert_eq!(black_box(report.statuses().filter(|(_, delta)| delta.is_some()).count()), 57);
        }
    })
}

/// An interpreter, who speaks, one more and a screen, seen in full, on paths of all widths: from where nothing fits to where all does.
fn shares() -> Spread {
    let camera = |worth| Wish { worth, most: Step::TOP, rates: [[50_000; 3], [200_000, 150_000, 150_000], [500_000; 3]] };
    let screen = Wish { worth: Worth::Pinned, most: Step::TOP, rates: [[1_500_000, 0, 0], [0; 3], [0; 3]] };
    let [interpreter, speaker, plain] = [Worth::Interpreter, Worth::Speaker, Worth::Plain].map(camera);
    let wishes = [Some(interpreter), Some(speaker), Some(plain), Some(screen)];
    let held = [Some(Step::whole(1)); PICTURES];
    assert_eq!(share(u64::MAX, &wishes, &held).map(|step| step.is_some()), [true; PICTURES]);
    of_each(|turn| {
        let room = turn as u64 % 100 * 75_000;
        black_box(share(black_box(room), black_box(&wishes), &held));
    })
}

fn seal(profile: SrtpProfile) -> Spread {
    let mut sealer = Sealer::new(profile, &MASTER);
    let slot = sealer.register(SSRC).unwrap();
    let (mut packet, header_len) = packet(0);
    packet.resize(LEN + 20, 0);
    let mut index = Seq64(0);
    of_each(|_| {
        sealer.seal_rtp(slot, index, black_box(&mut packet), header_len, LEN).unwrap();
        index = index.next();
    })
}

fn open(profile: SrtpProfile) -> Spread {
    let mut sealer = Sealer::new(profile, &MASTER);
    let mut opener = Opener::new(profile, &MASTER);
    let slot = sealer.register(SSRC).unwrap();
    opener.admit(SSRC, Seq64(0)).unwrap();
    let sealed = |batch: usize| -> Vec<Vec<u8>> {
        let indices = (1 + batch * BATCH..=(1 + batch) * BATCH).map(|index| Seq64(index as u64));
        let one = |index: Seq64| {
            let (mut packet, header_len) = packet(index.wrapped().0);
            packet.resize(LEN + 20, 0);
            let len = sealer.seal_rtp(slot, index, &mut packet, header_len, LEN).unwrap();
            packet.truncate(len);
            packet
        };
        indices.map(one).collect()
    };
    batches(sealed, |mut packets| {
        for packet in &mut packets {
            let header = Header::parse(packet).unwrap();
            opener.open_rtp(packet, &header).unwrap();
        }
        black_box(packets);
    })
}

/// A packet of pictures in the clear, and how long its header is.
fn packet(sequence: u16) -> (Vec<u8>, usize) {
    let ids = extensions(Seat::PROVIDER);
    let names: &[(u8, &[u8])] = &[(ids.mid, b"1"), (ids.rid, b"f"), (ids.transport_cc, &[1, 2]), (ids.video_orientation, &[1])];
    let rtp = Rtp { marker: false, payload_type: 96, sequence, timestamp: 7, ssrc: SSRC.0, extensions: names, padding: 0 };
    let mut payload = packets::vp8(true, false, 0x1234, 5, 6, &[]);
    payload.resize(LEN - 28, 0x2b);
    let (packet, header_len) = packets::rtp(&rtp, &payload);
    assert_eq!((packet.len(), header_len), (LEN, 28));
    (packet, header_len)
}

/// An agent, and a check that it answers.
fn agent() -> (IceLite, Vec<u8>) {
    const PASSWORD: &str = "a password of twenty-two";
    let credentials = |ufrag: &str| IceCredentials { ufrag: ufrag.to_owned(), password: Secret::new(PASSWORD.to_owned()) };
    let agent = IceLite::new(credentials("ours"), credentials("theirs"), Instant::ZERO);
    (agent, packets::check("ours:theirs", PASSWORD, [3; 12], true))
}
