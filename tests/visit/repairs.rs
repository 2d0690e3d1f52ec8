//! Lost packets come back, both ways, and sound carries what was lost of it.

use quartet::base::{Seat, Seq16, Seq64};
use quartet::link::LegTerms;
use quartet::link::event::SrtpProfile;
use quartet::link::terms::{SourceKind, Ssrc};
use quartet::media::wire::demux::{Protocol, classify};
use quartet::media::wire::payload::red::{self, Red};
use quartet::media::wire::rtcp::{Block, Compound, ReportBlock};

use crate::support::World;
use crate::support::browser::{LAYERS, extensions, line};
use crate::support::packets::{self, Rtp};

const SENDER: Seat = Seat::ALL[0];
const RECEIVER: Seat = Seat::ALL[1];

const RTX: u8 = 98;
const RED: u8 = 62;

/// The repair stream of a line.
fn repairs(of: Ssrc) -> Ssrc {
    Ssrc(of.0 | 0x0001_0000)
}

/// Terms with all that repairs need.
fn repaired(terms: &mut LegTerms) {
    for line in &mut terms.outbound {
        match line.kind {
            SourceKind::Microphone => line.red_payload_type = Some(RED),
            SourceKind::Camera | SourceKind::Screen => {
                (line.rtx_payload_type, line.rtx_ssrc) = (Some(RTX), Some(repairs(line.ssrc)));
            }
        }
    }
    for line in &mut terms.inbound {
        line.nack = line.kind == SourceKind::Camera;
        line.red_payload_type = (line.kind == SourceKind::Microphone).then_some(RED);
    }
}

/// Two people who have been sending for two seconds.
fn two() -> World {
    let mut world = World::new(SrtpProfile::AeadAes128Gcm);
    for seat in [SENDER, RECEIVER] {
        world.join_on(seat, repaired);
    }
    world.run(2_000);
    world
}

/// A packet of media, opened.
struct Came {
    ssrc: Ssrc,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    payload: Vec<u8>,
    len: usize,
}

/// What has come to this seat since it was tapped.
fn tapped(world: &mut World, seat: Seat) -> Vec<Came> {
    let browser = world.browser(seat);
    let tapped = browser.tap.replace(Vec::new()).unwrap_or_default();
    let media = tapped.into_iter().filter(|(_, datagram)| classify(datagram) == Some(Protocol::Rtp));
    media
        .map(|(_, mut datagram)| {
            let (header, opened) = browser.open_media(&mut datagram);
            let payload = header.payload(&datagram[..opened.len]).unwrap().to_vec();
            Came {
                ssrc: header.ssrc,
                payload_type: header.payload_type,
                sequence: header.sequence.0,
                timestamp: header.timestamp,
                payload,
                len: datagram.len(),
            }
        })
        .collect()
}

/// Which packets of which streams this seat was asked for again.
fn asked(world: &mut World, seat: Seat) -> Vec<(Ssrc, u16)> {
    let browser = world.browser(seat);
    let tapped = browser.tap.replace(Vec::new()).unwrap_or_default();
    let mut asked = Vec::new();
    for (_, mut datagram) in tapped.into_iter().filter(|(_, datagram)| classify(datagram) == Some(Protocol::Rtcp)) {
        let len = browser.open_reports(&mut datagram);
        for block in Compound::new(&datagram[..len]) {
            if let Block::Nack(nack) = block.unwrap() {
                asked.extend(nack.lost().map(|number| (nack.media, number.0)));
            }
        }
    }
    asked
}

/// The number of the newest packet of this line, of those that were not looked at yet.
fn newest(world: &mut World, seat: Seat, media: Ssrc) -> u16 {
    tapped(world, seat).iter().rfind(|came| came.ssrc == media).unwrap().sequence
}

fn miss(world: &mut World, seat: Seat, media: Ssrc, numbers: &[u16]) {
    let numbers: Vec<Seq16> = numbers.iter().map(|number| Seq16(*number)).collect();
    let nack = world.browser(seat).rtcp(|writer| writer.nack(Ssrc(1), media, &numbers).unwrap());
    world.send(seat, nack);
}

#[test]
fn a_packet_that_a_receiver_lost_comes_again_on_the_repair_stream_once_per_round_trip() {
    let mut world = two();
    let media = line(RECEIVER, SourceKind::Camera, 0);
    tapped(&mut world, RECEIVER);
    world.run(100);
    let came = tapped(&mut world, RECEIVER);
    let lost = came.iter().filter(|came| came.ssrc == media).nth(4).unwrap();
    for (expected, wait) in [(1, 0), (0, 50), (1, 60)] {
        world.run(wait);
        tapped(&mut world, RECEIVER);
        miss(&mut world, RECEIVER, media, &[lost.sequence]);
        let again = tapped(&mut world, RECEIVER);
        assert_eq!(again.len(), expected, "after {wait} ms");
        for again in again {
            assert_eq!((again.ssrc, again.payload_type, again.timestamp), (repairs(media), RTX, lost.timestamp));
            assert_eq!(again.payload, [&lost.sequence.to_be_bytes()[..], &lost.payload].concat());
        }
    }
    miss(&mut world, RECEIVER, media, &[lost.sequence.wrapping_add(5_000), lost.sequence.wrapping_sub(5_000)]);
    miss(&mut world, RECEIVER, line(RECEIVER, SourceKind::Microphone, 0), &[1, 2, 3]);
    assert!(tapped(&mut world, RECEIVER).is_empty(), "what was never sent, or long ago, or has no repairs, is not repaired");
    assert_eq!(world.report().repaired, 2);
}

#[test]
fn a_second_is_remembered_and_what_a_switch_left_behind_is_not_repaired() {
    let mut world = two();
    let media = line(RECEIVER, SourceKind::Camera, 0);
    tapped(&mut world, RECEIVER);
    world.run(900);
    let came: Vec<Came> = tapped(&mut world, RECEIVER).into_iter().filter(|came| came.ssrc == media).collect();
    let numbers: Vec<u16> = came.iter().map(|came| came.sequence).collect();
    miss(&mut world, RECEIVER, media, &numbers[..20]);
    let again = tapped(&mut world, RECEIVER);
    assert_eq!(again.len(), 20);
    for (lost, again) in came.iter().zip(again) {
        assert_eq!(again.payload[2..], lost.payload);
    }
    world.run(300);
    tapped(&mut world, RECEIVER);
    miss(&mut world, RECEIVER, media, &numbers[..20]);
    assert!(tapped(&mut world, RECEIVER).is_empty(), "older than a second");

    world.run(300);
    let last = newest(&mut world, RECEIVER, media);
    world.layers[SENDER.index()] = [true, true, false];
    world.run(700);
    assert!(tapped(&mut world, RECEIVER).iter().any(|came| came.ssrc == media), "h is shown");
    miss(&mut world, RECEIVER, media, &[last]);
    assert!(tapped(&mut world, RECEIVER).is_empty(), "f was left behind");
}

#[test]
fn what_is_lost_before_a_keyframe_is_not_sent_again() {
    let mut world = two();
    let media = line(RECEIVER, SourceKind::Camera, 0);
    tapped(&mut world, RECEIVER);
    world.run(300);
    let before = newest(&mut world, RECEIVER, media);
    world.browser(SENDER).camera.iter_mut().for_each(|layer| layer.keyframe_wanted = true);
    world.run(100);
    let after = newest(&mut world, RECEIVER, media);
    miss(&mut world, RECEIVER, media, &[before]);
    assert!(tapped(&mut world, RECEIVER).is_empty(), "a keyframe has begun since");
    miss(&mut world, RECEIVER, media, &[after]);
    assert!(!tapped(&mut world, RECEIVER).is_empty());
}

#[test]
fn a_storm_of_requests_is_answered_with_fifteen_percent_at_most() {
    let mut world = two();
    world.browser(SENDER).shape.picture = [600, 900, 1_100, 0];
    let media = line(RECEIVER, SourceKind::Camera, 0);
    let (mut sent, mut again) = (0, 0);
    tapped(&mut world, RECEIVER);
    for turn in 0..1_000 {
        world.run(10);
        for came in tapped(&mut world, RECEIVER) {
            if came.ssrc == repairs(media) { again += came.len } else { sent += came.len }
        }
        let newest = 200 + turn * 2;
        let numbers: Vec<u16> = (0..200).map(|back| newest - back).collect();
        miss(&mut world, RECEIVER, media, &numbers);
        again += tapped(&mut world, RECEIVER).iter().map(|came| came.len).sum::<usize>();
    }
    let share = again as f64 / (sent + again) as f64;
    assert!(share <= 0.15, "{share}");
}

#[test]
fn a_repair_that_may_not_be_sent_is_not_taken_for_one_that_is_on_its_way() {
    let mut world = two();
    let shape = &mut world.browser(SENDER).shape;
    (shape.picture, shape.packets) = ([600, 900, 1_100, 0], [1, 2, 6, 2]);
    let media = line(RECEIVER, SourceKind::Camera, 0);
    tapped(&mut world, RECEIVER);
    world.run(700);
    // The newest first: nobody misses what was before a keyframe.
    let came: Vec<Came> = tapped(&mut world, RECEIVER).into_iter().filter(|came| came.ssrc == media).rev().collect();
    let is_repaired = |world: &mut World, number: u16| {
        tapped(world, RECEIVER);
        miss(world, RECEIVER, media, &[number]);
        !tapped(world, RECEIVER).is_empty()
    };
    let refused = came.iter().skip(1).position(|lost| !is_repaired(&mut world, lost.sequence)).unwrap() + 1;
    assert!(refused > 5, "{refused}");
    world.run(60);
    assert!(is_repaired(&mut world, came[refused].sequence), "within a round trip, as nothing went");
    assert!(!is_repaired(&mut world, came[refused].sequence), "now something has");
}

/// One packet of a frame of f is lost on its way here; its sender is asked for it. (Stream, number, datagram.)
fn lose_one(world: &mut World) -> (Ssrc, u16, Vec<u8>) {
    world.browser(SENDER).tap = Some(Vec::new());
    world.browser(SENDER).shape.packets = [1, 2, 6, 2];
    let now = world.now;
    let frame = world.browser(SENDER).frame(now, 2);
    let ssrc = world.browser(SENDER).camera[2].ssrc;
    let number = u16::from_be_bytes([frame[1][2], frame[1][3]]);
    for (place, datagram) in frame.iter().enumerate() {
        if place != 1 {
            world.send(SENDER, datagram.clone());
        }
    }
    (ssrc, number, frame[1].clone())
}

#[test]
fn a_packet_lost_on_its_way_here_is_asked_for_and_takes_its_place() {
    let mut world = two();
    let media = line(RECEIVER, SourceKind::Camera, 0);
    tapped(&mut world, RECEIVER);
    let (ssrc, number, late) = lose_one(&mut world);
    world.layers[SENDER.index()] = [false; 3];
    let before: Vec<u16> =
        tapped(&mut world, RECEIVER).iter().filter(|came| came.ssrc == media).map(|came| came.sequence).collect();
    world.run(30);
    assert_eq!(asked(&mut world, SENDER), [(ssrc, number)]);
    world.run(60);
    assert_eq!(asked(&mut world, SENDER), [], "not again within a round trip");
    world.run(20);
    assert_eq!(asked(&mut world, SENDER), [(ssrc, number)], "but after it");
    world.run(60);
    assert_eq!(asked(&mut world, SENDER), [(ssrc, number)], "and soon again: its round trip may be longer than ours");

    // Its sender sends it again, on a stream that it names by the layer.
    let ids = extensions(SENDER);
    let names: &[(u8, &[u8])] = &[(ids.mid, b"1"), (ids.repaired_rid, LAYERS[2].as_bytes())];
    let rtx = Rtp { marker: false, payload_type: 97, sequence: 700, timestamp: 9, ssrc: 0xabc, extensions: names, padding: 0 };
    let mark = packets::vp8(false, false, 5, 5, 5, &[u8::from(SENDER), 2, 0, 0, 1]);
    let (packet, header_len) = packets::rtp(&rtx, &[&number.to_be_bytes()[..], &mark].concat());
    let repair = world.browser(SENDER).seal_as(Ssrc(0xabc), Seq64(700), packet, header_len).unwrap();
    tapped(&mut world, RECEIVER);
    world.send(SENDER, repair);
    let came: Vec<Came> = tapped(&mut world, RECEIVER).into_iter().filter(|came| came.ssrc == media).collect();
    assert_eq!(came.len(), 1);
    assert_eq!(came[0].sequence, before[0].wrapping_add(1), "in the gap that was left for it");
    assert!(!before.contains(&came[0].sequence));

    world.send(SENDER, late);
    assert!(tapped(&mut world, RECEIVER).is_empty(), "the packet itself, come late, is not sent twice");
    world.run(500);
    assert_eq!(asked(&mut world, SENDER), []);
}

#[test]
fn a_keyframe_is_asked_for_until_one_comes_in_the_stead_of_what_was_given_up() {
    let mut world = two();
    let (lost, ..) = lose_one(&mut world);
    world.browser(SENDER).tap = None;
    let from = world.now;
    world.browser(SENDER).asked.clear();
    let asked = |world: &mut World| -> Vec<u128> {
        let asked = world.browser(SENDER).asked.drain(..).filter(|(_, ssrc)| *ssrc == lost);
        asked.map(|(at, _)| at.since(from).as_millis()).collect()
    };
    // No keyframe comes, as if the requests were lost.
    world.layers[SENDER.index()] = [false; 3];
    world.run(2_500);
    let times = asked(&mut world);
    assert!(times.len() == 5 && times[0].abs_diff(400) <= 60, "{times:?}");
    assert!(times.windows(2).all(|pair| (500..=520).contains(&(pair[1] - pair[0]))), "{times:?}");
    // One arrives.
    world.layers[SENDER.index()] = [true; 3];
    world.run(100);
    asked(&mut world);
    world.run(3_000);
    assert_eq!(asked(&mut world), []);
}

#[test]
fn a_packet_that_comes_late_is_not_asked_for() {
    let mut world = two();
    let (_, _, late) = lose_one(&mut world);
    world.send(SENDER, late);
    world.run(1_000);
    assert_eq!(asked(&mut world, SENDER), []);
}

#[test]
fn nobody_is_asked_for_what_nobody_looks_at() {
    let mut world = two();
    world.browser(SENDER).tap = Some(Vec::new());
    let now = world.now;
    let lost = world.browser(SENDER).frame(now, 1);
    drop(lost);
    world.run(1_000);
    assert_eq!(asked(&mut world, SENDER), [], "h is not shown");
}

/// The receiver reports that it has lost so many of 256 packets.
fn report_loss(world: &mut World, fraction_lost: u8) {
    let block = ReportBlock {
        ssrc: line(RECEIVER, SourceKind::Microphone, 0),
        fraction_lost,
        cumulative_lost: 9,
        highest_sequence: 0,
        jitter: 0,
        last_sender_report: 0,
        delay_since: 0,
    };
    let report = world.browser(RECEIVER).rtcp(|writer| writer.receiver_report(Ssrc(1), &[block]).unwrap());
    world.send(RECEIVER, report);
}

#[test]
fn sound_carries_copies_while_the_path_loses_packets() {
    let mut world = two();
    let sound = line(RECEIVER, SourceKind::Microphone, 0);
    for (fraction_lost, copies) in [(2, 0), (5, 1), (30, 2)] {
        report_loss(&mut world, fraction_lost);
        tapped(&mut world, RECEIVER);
        world.run(400);
        let came: Vec<Came> = tapped(&mut world, RECEIVER).into_iter().filter(|came| came.ssrc == sound).collect();
        assert!(came.len() >= 19);
        for window in came.windows(3) {
            let [oldest, older, newest] = window else { continue };
            if copies == 0 {
                assert_eq!((newest.payload_type, newest.payload[0]), (63, u8::from(SENDER)));
                continue;
            }
            assert_eq!(newest.payload_type, RED);
            let red = Red::parse(&newest.payload).unwrap();
            let own = |came: &Came| Red::parse(&came.payload).unwrap().own.sound.to_vec();
            let carried: Vec<_> = red.copies().map(|copy| (copy.offset, copy.sound.to_vec())).collect();
            let before = |came: &Came| (newest.timestamp.wrapping_sub(came.timestamp), own(came));
            let expected = [before(oldest), before(older)];
            assert_eq!(carried, expected[2 - copies..]);
            assert_eq!(red.own.payload_type, 63);
        }
    }
}

#[test]
fn copies_in_a_sender_s_sound_fill_what_was_lost_of_it_and_receivers_get_plain_sound() {
    let mut world = two();
    let sound = line(RECEIVER, SourceKind::Microphone, 0);
    world.sound = [false; 4];
    tapped(&mut world, RECEIVER);
    let (index, ssrc) = (world.browser(SENDER).microphone.next, world.browser(SENDER).microphone.ssrc);
    // Packets n and n + 1 are lost; n + 2 carries copies of both; n + 3 carries them again.
    let sounds: Vec<[u8; 6]> = (0..4).map(|number| [u8::from(SENDER), 9, 0, number, 0, 7]).collect();
    for number in [2usize, 3] {
        let copies = [(1_920, &sounds[number - 2][..]), (960, &sounds[number - 1][..])];
        let mut payload = [0; 64];
        let len = red::write(&mut payload, 111, copies.into_iter(), &sounds[number]).unwrap();
        let index = Seq64(index.0 + number as u64);
        let packet = Rtp {
            marker: false,
            payload_type: RED,
            sequence: index.wrapped().0,
            timestamp: 500_000 + 960 * number as u32,
            ssrc: ssrc.0,
            extensions: &[],
            padding: 0,
        };
        let (packet, header_len) = packets::rtp(&packet, &payload[..len]);
        let sealed = world.browser(SENDER).seal_as(ssrc, index, packet, header_len).unwrap();
        world.send(SENDER, sealed);
    }
    let came: Vec<Came> = tapped(&mut world, RECEIVER).into_iter().filter(|came| came.ssrc == sound).collect();
    assert_eq!(
        came.iter().map(|came| &came.payload[..]).collect::<Vec<_>>(),
        sounds.iter().map(|sound| &sound[..]).collect::<Vec<_>>()
    );
    for pair in came.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), 960);
        assert_eq!(pair[1].payload_type, 63);
    }
}
