//! Media reaches whom it is for, as one stream per line.

use std::time::Duration;

use quartet::base::{DropReason, Seat, Seq64};
use quartet::link::Event;
use quartet::link::event::{DtlsVersion, SrtpProfile};
use quartet::link::terms::SourceKind;

use crate::support::World;
use crate::support::browser::line;
use crate::support::streams::{assert_pictures_are_continuous, assert_sound_is_continuous, layers_shown};
use crate::support::world::VISIT;

const Q: usize = 0;
const H: usize = 1;
const F: usize = 2;

/// All lines of all seats are what they must be.
fn assert_all_continuous(world: &World) {
    for browser in world.browsers.iter().flatten() {
        for number in 0..3 {
            assert_sound_is_continuous(&browser.on_line(SourceKind::Microphone, number));
            assert_pictures_are_continuous(&browser.on_line(SourceKind::Camera, number));
        }
        assert_pictures_are_continuous(&browser.on_line(SourceKind::Screen, 0));
    }
}

#[test]
fn three_others_receive_each_packet_once_under_their_own_names() {
    for profile in [SrtpProfile::AeadAes128Gcm, SrtpProfile::Aes128CmSha1_80] {
        let mut world = World::new(profile);
        for seat in Seat::ALL {
            world.join(seat, 0);
            let leg = world.browser(seat).leg;
            let connected = Event::LegConnected { visit: VISIT, seat, leg, dtls: DtlsVersion::V1_3, srtp: profile };
            assert_eq!(world.events.pop(), Some(connected));
        }
        world.run(2_000);
        assert_all_continuous(&world);
        for receiver in Seat::ALL {
            let browser = world.browsers[receiver.index()].as_ref().unwrap();
            for number in 0..3 {
                let sender = receiver.on_line(usize::from(number)).unwrap();
                let sent = world.browsers[sender.index()].as_ref().unwrap();
                let sound = browser.on_line(SourceKind::Microphone, number);
                assert_eq!(sound.len(), sent.microphone.packets as usize);
                assert!(sound.iter().all(|heard| heard.from() == u8::from(sender) && heard.level == Some(33)));
                let pictures = browser.on_line(SourceKind::Camera, number);
                assert!(pictures.iter().all(|heard| heard.from() == u8::from(sender)));
                assert!(pictures.iter().all(|heard| heard.payload_type == 100 + u8::from(receiver)));
                assert_eq!(pictures.last().unwrap().layer(), F as u8, "the best layer");
            }
        }
        let forwarded: usize = world.browsers.iter().flatten().map(|browser| browser.heard.len()).sum();
        assert_eq!(world.report().forwarded, forwarded as u64);
    }
}

#[test]
fn numbers_are_continuous_when_the_best_layer_stops_and_comes_back() {
    let mut world = World::full();
    let sender = Seat::ALL[1];
    let receiver = Seat::ALL[3];
    let from = world.now;
    for layers in [[true, true, false], [true, false, false], [true, true, true], [false, false, true], [true, true, true]] {
        world.layers[sender.index()] = layers;
        let stopped = world.now;
        world.run(2_500);
        let best = (0..3).rfind(|&layer| layers[layer]).unwrap() as u8;
        let shown = world.browser(receiver).on_line(SourceKind::Camera, 1);
        let first = shown.iter().find(|heard| heard.at > stopped && heard.layer() == best).unwrap();
        assert!(first.at.since(stopped) < Duration::from_millis(800), "{:?}", first.at.since(stopped));
    }
    assert_all_continuous(&world);
    let shown = world.browser(receiver).on_line(SourceKind::Camera, 1);
    let shown: Vec<_> = shown.into_iter().filter(|heard| heard.at > from).collect();
    let (q, h, f) = (Q as u8, H as u8, F as u8);
    assert_eq!(layers_shown(&shown), [h, q, f], "no layer but the best");
    assert!(world.report().layer_switches >= 9);
}

#[test]
fn without_f_others_go_on_with_h_within_two_seconds_on_the_same_ssrc() {
    let mut world = World::full();
    world.layers[0] = [true, true, false];
    let stopped = world.now;
    world.run(3_000);
    for receiver in &Seat::ALL[1..] {
        let shown = world.browser(*receiver).on_line(SourceKind::Camera, 0);
        let first = shown.iter().find(|heard| heard.at > stopped && heard.layer() == H as u8).unwrap();
        assert!(first.at.since(stopped) < Duration::from_secs(2));
        assert_eq!(first.ssrc, line(*receiver, SourceKind::Camera, 0));
    }
    assert_all_continuous(&world);
}

#[test]
fn a_thousand_switches_of_layer_break_nothing() {
    let mut world = World::new(SrtpProfile::AeadAes128Gcm);
    world.join(Seat::ALL[0], 0);
    world.join(Seat::ALL[1], 0);
    for switch in 0..1_000 {
        world.layers[0] = [true, switch % 2 == 0, false];
        world.run(700);
    }
    assert!(world.report().layer_switches >= 1_000);
    assert_all_continuous(&world);
}

#[test]
fn padding_leaves_no_gap() {
    let mut world = World::full();
    let sender = Seat::ALL[0];
    for _ in 0..50 {
        world.run(30);
        for _ in 0..3 {
            let now = world.now;
            let padding = world.browser(sender).padding(now, F);
            world.send(sender, padding);
        }
    }
    assert_eq!(world.drops(DropReason::Padding), 150);
    assert_all_continuous(&world);
}

#[test]
fn what_is_lost_on_the_way_here_is_missing_on_the_way_there_and_what_is_late_still_comes() {
    let mut world = World::full();
    let (sender, receiver) = (Seat::ALL[0], Seat::ALL[1]);
    world.layers[0] = [false; 3];
    world.browser(receiver).heard.clear();
    let now = world.now;
    let mut frame = world.browser(sender).frame(now, F);
    let lost = world.browser(sender).frame(now, F);
    let late = frame.remove(1);
    for datagram in frame.into_iter().chain([late]) {
        world.send(sender, datagram);
    }
    drop(lost);
    for datagram in world.browser(sender).frame(now, F) {
        world.send(sender, datagram);
    }
    let heard = world.browser(receiver).on_line(SourceKind::Camera, 0);
    let first = heard[0].index.0;
    let places: Vec<_> = heard.iter().map(|heard| heard.index.0 - first).collect();
    assert_eq!(places, [0, 2, 1, 6, 7, 8]);
    assert_eq!(heard[0].timestamp, heard[2].timestamp);
    assert!(heard.iter().all(|heard| heard.index < Seq64(1 << 20)));
}
