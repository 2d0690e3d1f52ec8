//! Who is looked at, who speaks, and how everybody fares.

use std::time::Duration;

use quartet::base::{Instant, Seat};
use quartet::link::event::{LegFacts, SrtpProfile};
use quartet::link::terms::SourceKind;
use quartet::link::{Command, Event, Tile, Watching};

use crate::support::World;
use crate::support::streams::assert_pictures_are_continuous;
use crate::support::world::VISIT;

/// A page that shows everyone but these.
fn hiding(hidden: &[Seat]) -> Watching {
    let mut watching = Watching::default();
    for seat in hidden {
        watching.cameras[seat.index()] = Tile { height: 0, ..Tile::default() };
    }
    watching
}

fn watch(world: &mut World, seat: Seat, watching: Watching) {
    let leg = world.browser(seat).leg;
    world.command(Command::Watch { visit: VISIT, seat, leg, watching });
}

/// What senders were told to send, and when.
fn wanted(world: &World, of: Seat) -> Vec<[bool; 3]> {
    let wanted = |event: &Event| {
        if let Event::Wanted { seat, layers, .. } = event { (*seat == of).then_some(*layers) } else { None }
    };
    world.events.iter().filter_map(wanted).collect()
}

fn pictures_since(world: &mut World, receiver: Seat, number: u8, since: Instant) -> usize {
    world.browser(receiver).on_line(SourceKind::Camera, number).iter().filter(|heard| heard.at > since).count()
}

#[test]
fn a_hidden_tile_gets_nothing_and_a_shown_one_goes_on_with_the_next_keyframe() {
    let mut world = World::full();
    let (receiver, sender) = (Seat::ALL[3], Seat::ALL[1]);
    watch(&mut world, receiver, hiding(&[sender]));
    let hidden = world.now;
    world.run(2_000);
    assert_eq!(pictures_since(&mut world, receiver, 1, hidden), 0);
    assert!(pictures_since(&mut world, receiver, 0, hidden) > 100, "the others go on");
    assert!(pictures_since(&mut world, Seat::ALL[2], 1, hidden) > 100, "and others see who was hidden here");

    watch(&mut world, receiver, Watching::default());
    let shown = world.now;
    world.run(200);
    assert!(pictures_since(&mut world, receiver, 1, shown) > 0, "asked for at once");
    world.run(2_000);
    assert_pictures_are_continuous(&world.browser(receiver).on_line(SourceKind::Camera, 1));
}

#[test]
fn what_nobody_looks_at_is_turned_off_after_five_seconds_and_on_at_once() {
    let mut world = World::full();
    let sender = Seat::ALL[0];
    world.run(6_000);
    world.events.clear();
    for receiver in &Seat::ALL[1..3] {
        watch(&mut world, *receiver, hiding(&[sender]));
    }
    world.run(8_000);
    assert_eq!(wanted(&world, sender), [] as [[bool; 3]; 0], "one still looks");
    watch(&mut world, Seat::ALL[3], hiding(&[sender]));
    let hidden = world.now;
    world.run(4_900);
    assert_eq!(wanted(&world, sender), [] as [[bool; 3]; 0]);
    world.run(300);
    assert_eq!(wanted(&world, sender), [[false; 3]], "{:?}", world.now.since(hidden));
    watch(&mut world, Seat::ALL[3], Watching::default());
    assert_eq!(wanted(&world, sender).last(), Some(&[true, false, true]), "the largest, and what everyone falls back to");
}

#[test]
fn a_layer_between_what_is_shown_and_the_least_is_turned_off() {
    let mut world = World::full();
    world.run(6_000);
    assert_eq!(wanted(&world, Seat::ALL[2]), [[true, false, true]]);
}

#[test]
fn what_a_page_said_belongs_to_its_connection() {
    let mut world = World::full();
    let (receiver, sender) = (Seat::ALL[3], Seat::ALL[0]);
    let old = world.browser(receiver).leg;
    world.join(receiver, 1);
    world.command(Command::Watch { visit: VISIT, seat: receiver, leg: old, watching: hiding(&[sender]) });
    let since = world.now;
    world.run(1_000);
    assert!(pictures_since(&mut world, receiver, 0, since) > 0, "a late word of the connection before means nothing");
}

#[test]
fn whoever_talks_alone_is_told_as_the_speaker() {
    let mut world = World::seated(SrtpProfile::AeadAes128Gcm);
    world.sound = [false, false, true, false];
    world.run(1_000);
    let speakers = |world: &World| {
        let speaker = |event: &Event| if let Event::Speaker { seat, .. } = event { Some(*seat) } else { None };
        world.events.iter().filter_map(speaker).collect::<Vec<_>>()
    };
    assert_eq!(speakers(&world), [Seat::ALL[2]]);
    world.sound = [true, false, false, false];
    world.run(2_000);
    assert_eq!(speakers(&world), [Seat::ALL[2], Seat::ALL[0]]);
}

#[test]
fn whoever_asks_hears_how_each_leg_fares() {
    let mut world = World::full();
    let seats = |world: &mut World| -> [Option<LegFacts>; 4] {
        world.command(Command::Measure { visit: VISIT });
        match world.events.pop() {
            Some(Event::Measured { visit: VISIT, seats, .. }) => *seats,
            other => panic!("{other:?}"),
        }
    };
    let first = seats(&mut world);
    world.run(1_000);
    let then = seats(&mut world);
    for seat in Seat::ALL {
        let (before, after) = (first[seat.index()].unwrap(), then[seat.index()].unwrap());
        assert_eq!(after.leg, world.browser(seat).leg);
        let came = after.uplink.packets - before.uplink.packets;
        assert!((230..=260).contains(&came), "50 of sound and 33 frames of 6 packets: {came}");
        assert_eq!((after.uplink.lost, after.downlink.lost), (0, 0));
        assert!(after.downlink.packets > before.downlink.packets);
        let others = Seat::ALL.map(|other| (other != seat).then_some(2));
        assert_eq!(after.downlink.layers, others);
    }
    let seat = Seat::ALL[1];
    let now = world.now;
    drop(world.browser(seat).sound(now));
    world.run(100);
    assert_eq!(seats(&mut world)[seat.index()].unwrap().uplink.lost, 1);
}

#[test]
fn whoever_comes_by_another_address_sees_and_is_seen_anew_at_once() {
    let mut world = World::full();
    let moved = Seat::ALL[2];
    for seat in Seat::ALL {
        world.browser(seat).asked.clear();
    }
    world.run(1_000);
    world.browser(moved).path.remote.set_port(50_000);
    let since = world.now;
    let check = world.browser(moved).check();
    world.send(moved, check);
    for seat in Seat::ALL {
        let asked = world.browser(seat).asked.iter().filter(|(at, _)| *at == since).count();
        assert_eq!(asked, 1, "seat {seat}: of the layer that is shown");
    }
    world.run(500);
    assert!(world.browser(moved).asked.iter().all(|(at, _)| at.since(since) < Duration::from_millis(100)));
}
