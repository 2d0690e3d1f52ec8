//! What we tell senders and receivers about streams.

use std::collections::BTreeSet;
use std::time::Duration;

use quartet::base::limits::OUTBOX_ROOM_MIN;
use quartet::base::{DropReason, Seat};
use quartet::link::terms::SourceKind;

use crate::support::World;
use crate::support::browser::{Browser, Heard, line};

/// When a packet is played, by the line's newest report: seconds of the server's clock, in 2^-32.
fn played_at(browser: &Browser, heard: &Heard, rate: f64) -> f64 {
    let (_, _, info) = browser.sender_reports.iter().rev().find(|(_, ssrc, _)| *ssrc == heard.ssrc).expect("a report");
    let ticks = heard.timestamp.wrapping_sub(info.rtp_timestamp) as i32;
    info.ntp as f64 / 4_294_967_296.0 + f64::from(ticks) / rate
}

#[test]
fn sound_and_picture_of_one_person_are_played_in_step_whatever_layer_is_shown() {
    let mut world = World::full();
    let sender = Seat::ALL[2];
    let mut clocks = BTreeSet::new();
    for layers in [[true; 3], [true, false, false], [true, true, false]] {
        world.layers[sender.index()] = layers;
        world.run(4_000);
        for receiver in Seat::ALL.into_iter().filter(|&seat| seat != sender) {
            let browser = world.browsers[receiver.index()].as_ref().unwrap();
            let number = receiver.line_of(sender).unwrap() as u8;
            for (kind, rate) in [(SourceKind::Microphone, 48_000.0), (SourceKind::Camera, 90_000.0)] {
                let last = browser.on_line(kind, number).pop().unwrap();
                let captured = last.at.as_nanos() as f64 / 1e9;
                let offset = played_at(browser, &last, rate) - captured;
                clocks.insert((offset * 1_000.0).round() as i64);
            }
        }
    }
    let spread = clocks.last().unwrap() - clocks.first().unwrap();
    assert!(spread <= 1, "one clock for all lines, to a millisecond: {clocks:?}");
}

#[test]
fn each_line_is_reported_on_each_second_with_what_was_sent_on_it() {
    let mut world = World::full();
    world.run(8_000);
    let receiver = Seat::ALL[0];
    let browser = world.browsers[0].as_ref().unwrap();
    for (kind, number) in [(SourceKind::Microphone, 1), (SourceKind::Camera, 1)] {
        let ssrc = line(receiver, kind, number);
        let reports: Vec<_> = browser.sender_reports.iter().filter(|(_, of, _)| *of == ssrc).collect();
        assert!((8..=10).contains(&reports.len()), "{}", reports.len());
        let (at, _, info) = reports[reports.len() - 1];
        let sent = browser.on_line(kind, number).iter().filter(|heard| heard.at < *at).count();
        assert!((info.packets as usize).abs_diff(sent) <= 3, "{} {sent}", info.packets);
        assert!(info.octets as usize >= 5 * sent);
    }
    let idle = line(receiver, SourceKind::Screen, 0);
    assert!(browser.sender_reports.iter().all(|(_, ssrc, _)| *ssrc != idle), "nothing to say of what shows nothing");
}

#[test]
fn each_inbound_stream_is_reported_on_to_its_sender() {
    let mut world = World::full();
    world.run(2_000);
    for browser in world.browsers.iter().flatten() {
        let sent = [&browser.microphone, &browser.camera[0], &browser.camera[1], &browser.camera[2]];
        for stream in sent {
            assert!(browser.blocks_about.contains(&stream.ssrc));
        }
        assert!(!browser.blocks_about.contains(&browser.screen.ssrc));
    }
}

#[test]
fn every_arrival_is_told_to_its_sender_across_the_wrap() {
    let mut world = World::full();
    world.run(3_000);
    for seat in Seat::ALL {
        world.alive[seat.index()] = false;
    }
    world.run(200);
    for browser in world.browsers.iter().flatten() {
        let sent = browser.microphone.packets + browser.camera.iter().map(|stream| stream.packets).sum::<u32>();
        assert!(sent > 536, "the numbers wrapped");
        let mut told: Vec<u16> = browser.arrived.iter().map(|(number, _)| *number).collect();
        assert_eq!(told.len(), sent as usize, "each once");
        told.dedup();
        assert_eq!(told[0], 65_000);
        assert!(told.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
    }
}

#[test]
fn how_long_a_packet_waited_for_its_turn_is_not_told_as_delay_of_its_path() {
    const EVERY: Duration = Duration::from_millis(20);
    let mut world = World::full();
    let seat = Seat::ALL[0];
    world.alive = [false; 4];
    world.run(200);
    let before = world.browser(seat).arrived.len();
    let mut came = Vec::new();
    for _ in 0..10 {
        let now = world.now;
        came.push((now, world.browser(seat).sound(now)));
        world.now += EVERY;
    }
    // The worker was held up all the while, and takes them at once.
    let path = world.browser(seat).path;
    for (arrived, mut datagram) in came {
        world.shard.handle_datagram(world.now, arrived, path, &mut datagram);
    }
    world.run(200);
    let told = &world.browser(seat).arrived[before..];
    assert_eq!(told.len(), 10);
    assert!(told.windows(2).all(|pair| pair[1].1 - pair[0].1 == 80), "20 ms apart: {told:?}");
}

#[test]
fn what_is_due_waits_while_the_outbox_has_no_room_for_it() {
    let mut world = World::full();
    world.run(2_000);
    let path = world.browsers[0].as_ref().unwrap().path;
    let outbox = world.shard.outbox();
    while outbox.room() >= OUTBOX_ROOM_MIN {
        outbox.commit(path, 20);
    }
    let (full, deadline) = (outbox.filled().len(), world.shard.deadline().unwrap());
    let later = deadline.at + Duration::from_millis(1);
    world.shard.handle_timeout(later);
    assert_eq!(world.shard.outbox().filled().len(), full, "nothing was written where it might not fit");
    assert_eq!(world.shard.deadline(), Some(deadline), "and nothing was forgotten");
    world.shard.outbox().clear();
    world.shard.handle_timeout(later);
    assert!(!world.shard.outbox().filled().is_empty());
    assert!(world.shard.deadline().is_some_and(|next| next.at > later));
    assert_eq!(world.drops(DropReason::OutboxFull), 0);
}
