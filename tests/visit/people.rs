//! People come, go, mute, share, fall silent and come back; nobody else notices more than they should.

use std::time::Duration;

use quartet::base::{DropReason, Seat};
use quartet::link::event::SrtpProfile;
use quartet::link::terms::SourceKind;
use quartet::link::{Command, Event, LegEnd, Sources};

use crate::support::World;
use crate::support::browser::Browser;
use crate::support::fake_dtls;
use crate::support::streams::{assert_pictures_are_continuous, assert_sound_is_continuous};
use crate::support::world::VISIT;

#[test]
fn another_person_takes_the_seat_and_the_lines_go_on() {
    let mut world = World::full();
    let (leaver, receiver) = (Seat::ALL[1], Seat::ALL[3]);
    let leg = world.browser(leaver).leg;
    world.command(Command::Disconnect { visit: VISIT, seat: leaver, leg });
    assert_eq!(world.browser(leaver).goodbyes, 1, "close_notify");
    let datagram = world.browser(leaver).hello();
    world.send(leaver, datagram);
    assert_eq!(world.drops(DropReason::UnknownAddress), 1, "nobody sits there");
    world.browsers[leaver.index()] = None;
    world.run(5_000);
    let left = world.now;
    world.join(leaver, 7);
    world.run(2_000);

    let sound = world.browser(receiver).on_line(SourceKind::Microphone, 1);
    let pictures = world.browser(receiver).on_line(SourceKind::Camera, 1);
    assert_sound_is_continuous(&sound);
    assert_pictures_are_continuous(&pictures);
    for (line, rate) in [(&sound, 48_000.0), (&pictures, 90_000.0)] {
        let first_of_new = line.iter().position(|heard| heard.at >= left).unwrap();
        let (before, after) = (&line[first_of_new - 1], &line[first_of_new]);
        let passed = after.at.since(before.at).as_secs_f64();
        let told = f64::from(after.timestamp.wrapping_sub(before.timestamp)) / rate;
        assert!((told - passed).abs() < 0.001, "timestamps go on with the clock: {told} {passed}");
        assert!(line.len() > first_of_new + 90);
    }
    assert_eq!(world.report().legs, 4);
}

#[test]
fn mute_stops_exactly_that_source_and_it_resumes_as_one_stream() {
    let off = [
        (SourceKind::Microphone, Sources { microphone: false, ..Sources::default() }),
        (SourceKind::Camera, Sources { camera: false, ..Sources::default() }),
    ];
    for (muted, sources) in off {
        let mut world = World::full();
        let sender = Seat::ALL[2];
        world.set_sources(sender, sources);
        let from = world.now;
        world.run(2_000);
        for receiver in Seat::ALL {
            for (kind, number) in
                [SourceKind::Microphone, SourceKind::Camera].into_iter().flat_map(|kind| (0..3).map(move |n| (kind, n)))
            {
                let is_muted = kind == muted && receiver.on_line(usize::from(number)) == Some(sender);
                let heard = world.browser(receiver).on_line(kind, number);
                let since = heard.iter().filter(|heard| heard.at > from).count();
                assert_eq!(since == 0, is_muted, "{receiver} {kind:?} {number}: {since}");
            }
        }
        assert!(world.drops(DropReason::Muted) > 0);
        world.set_sources(sender, Sources::default());
        let on = world.now;
        world.run(1_000);
        for receiver in Seat::ALL.into_iter().filter(|&seat| seat != sender) {
            let number = receiver.line_of(sender).unwrap() as u8;
            let sound = world.browser(receiver).on_line(SourceKind::Microphone, number);
            let pictures = world.browser(receiver).on_line(SourceKind::Camera, number);
            assert_sound_is_continuous(&sound);
            assert_pictures_are_continuous(&pictures);
            for line in [sound, pictures] {
                let first = line.iter().find(|heard| heard.at > on).unwrap();
                assert!(first.at.since(on) < Duration::from_millis(200));
            }
        }
    }
}

#[test]
fn the_first_screen_keeps_the_line_until_it_stops() {
    let mut world = World::full();
    let (first, second, viewer) = (Seat::ALL[1], Seat::ALL[2], Seat::ALL[0]);
    world.screens[first.index()] = true;
    world.run(1_000);
    world.screens[second.index()] = true;
    world.run(2_000);
    let seen = world.browser(viewer).on_line(SourceKind::Screen, 0);
    assert!(seen.len() > 100 && seen.iter().all(|heard| heard.from() == u8::from(first)));
    assert!(world.drops(DropReason::ScreenTaken) > 0);
    assert!(world.browser(second).on_line(SourceKind::Screen, 0).len() == seen.len(), "the other sharer watches too");
    assert!(world.browser(first).on_line(SourceKind::Screen, 0).is_empty(), "nobody sees their own");

    world.screens[first.index()] = false;
    let stopped = world.now;
    world.run(3_000);
    let seen = world.browser(viewer).on_line(SourceKind::Screen, 0);
    let taken = seen.iter().find(|heard| heard.from() == u8::from(second)).unwrap().at;
    assert!((Duration::from_millis(1_900)..Duration::from_millis(2_300)).contains(&taken.since(stopped)));

    world.screens[first.index()] = true;
    world.set_sources(second, Sources { screen: false, ..Sources::default() });
    world.run(500);
    assert_eq!(world.browser(viewer).on_line(SourceKind::Screen, 0).last().unwrap().from(), u8::from(first));
    assert_pictures_are_continuous(&world.browser(viewer).on_line(SourceKind::Screen, 0));
}

#[test]
fn silence_is_told_after_3_s_and_ends_the_leg_after_30_s_without_a_check() {
    let mut world = World::full();
    let seat = Seat::ALL[2];
    let leg = world.browser(seat).leg;
    world.events.clear();
    world.alive[seat.index()] = false;
    // What is said of speakers and layers is another matter.
    let heard = |world: &mut World| {
        let events = std::mem::take(&mut world.events).into_iter();
        let of_legs = |event: &Event| !matches!(event, Event::Wanted { .. } | Event::Speaker { .. } | Event::Paused { .. });
        events.filter(of_legs).collect::<Vec<_>>()
    };
    world.run(2_800);
    assert_eq!(heard(&mut world), []);
    world.run(300);
    assert_eq!(heard(&mut world), [Event::LegSilent { visit: VISIT, seat, leg }]);
    world.alive[seat.index()] = true;
    world.run(20);
    assert_eq!(heard(&mut world), [Event::LegResumed { visit: VISIT, seat, leg }]);
    world.run(2_500);
    world.alive[seat.index()] = false;
    world.run(27_000);
    assert_eq!(heard(&mut world), [Event::LegSilent { visit: VISIT, seat, leg }]);
    world.run(3_100);
    assert_eq!(heard(&mut world), [Event::LegEnded { visit: VISIT, seat, leg, why: LegEnd::Silent }]);
    assert_eq!(world.browser(seat).goodbyes, 0, "without consent nothing is sent");
    assert_eq!(world.report().legs, 3);
}

#[test]
fn media_without_checks_is_no_consent() {
    let mut world = World::full();
    let seat = Seat::ALL[2];
    world.alive[seat.index()] = false;
    for _ in 0..1_600 {
        world.run(20);
        let now = world.now;
        if world.report().legs == 4 {
            let sound = world.browser(seat).sound(now);
            world.send(seat, sound);
        }
    }
    let leg = world.browser(seat).leg;
    assert_eq!(world.events.last(), Some(&Event::LegEnded { visit: VISIT, seat, leg, why: LegEnd::Silent }));
    assert!(!world.events.iter().any(|event| matches!(event, Event::LegSilent { .. })), "it was heard all the time");
}

#[test]
fn whoever_never_connects_is_forgotten() {
    let mut world = World::new(SrtpProfile::AeadAes128Gcm);
    let seat = Seat::ALL[1];
    world.seat(Browser::new(seat, 0, SrtpProfile::AeadAes128Gcm));
    world.alive[seat.index()] = false;
    world.run(19_900);
    assert_eq!(world.events, []);
    world.run(11_000);
    let leg = world.browser(seat).leg;
    assert_eq!(world.events, [Event::LegEnded { visit: VISIT, seat, leg, why: LegEnd::HandshakeTimeout }]);
}

#[test]
fn goodbye_ends_a_leg_at_once() {
    let mut world = World::full();
    let seat = Seat::ALL[3];
    let leg = world.browser(seat).leg;
    world.send(seat, fake_dtls::goodbye());
    assert_eq!(world.events.last(), Some(&Event::LegEnded { visit: VISIT, seat, leg, why: LegEnd::Closed }));
    assert_eq!(world.report().legs, 3);
}

#[test]
fn the_newest_connection_of_a_seat_wins() {
    let mut world = World::full();
    let seat = Seat::ALL[1];
    let ghost = world.browsers[seat.index()].take().unwrap();
    world.join(seat, 3);
    let ended = world.events.iter().any(|event| matches!(event, Event::LegEnded { .. }));
    assert!(!ended, "control knows, as it seated the newcomer");
    assert_eq!(world.report().legs, 4);
    world.browsers[seat.index()].as_mut().unwrap().heard.clear();
    let before = world.drops(DropReason::UnknownAddress);
    world.send_from(ghost.path, ghost.hello());
    assert_eq!(world.drops(DropReason::UnknownAddress), before + 1, "a ghost is a stranger");
    world.command(Command::Disconnect { visit: VISIT, seat, leg: ghost.leg });
    assert_eq!(world.report().legs, 4, "and cannot take the newcomer along");
    world.run(1_000);
    assert!(world.browser(seat).heard.len() > 100);
}

#[test]
fn a_new_address_takes_the_leg_over_when_it_passes_a_check() {
    let mut world = World::full();
    let seat = Seat::ALL[1];
    world.browser(seat).path.remote.set_port(50_000);
    world.browser(seat).heard.clear();
    world.run(2_600);
    assert!(world.browser(seat).heard.len() > 100, "heard again after the next check");
    assert_eq!(world.report().legs, 4);
    assert_eq!(world.browser(seat).handshake_answers, 1, "without a new handshake");
}

#[test]
fn closing_a_visit_says_goodbye_to_all() {
    let mut world = World::full();
    world.command(Command::CloseVisit { visit: VISIT });
    assert!(world.browsers.iter().flatten().all(|browser| browser.goodbyes == 1));
    assert_eq!((world.report().visits, world.report().legs), (0, 0));
    assert_eq!(world.shard.deadline(), None, "nothing is left to be done");
}
