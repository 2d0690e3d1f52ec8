//! Pictures begin when they should, and asking for them costs little.

use std::time::Duration;

use quartet::base::{Instant, Seat};
use quartet::link::event::SrtpProfile;
use quartet::link::terms::{SourceKind, Ssrc};

use crate::support::World;
use crate::support::browser::line;

/// The most requests for one SSRC within any second.
fn most_in_a_second(asked: &[(Instant, Ssrc)]) -> usize {
    let second = Duration::from_secs(1);
    let within = |(from, ssrc): &(Instant, Ssrc)| {
        asked.iter().filter(|(at, of)| of == ssrc && at >= from && at.since(*from) < second).count()
    };
    asked.iter().map(within).max().unwrap_or(0)
}

#[test]
fn whoever_joins_sees_all_within_one_keyframe() {
    let mut world = World::new(SrtpProfile::AeadAes128Gcm);
    for seat in [Seat::ALL[0], Seat::ALL[1], Seat::ALL[2]] {
        world.join(seat, 0);
    }
    world.run(3_000);
    let newcomer = Seat::ALL[3];
    world.join(newcomer, 0);
    world.run(100);
    for number in 0..3 {
        let shown = world.browser(newcomer).on_line(SourceKind::Camera, number);
        assert!(!shown.is_empty(), "line {number}");
    }
}

#[test]
fn a_storm_of_requests_lets_two_through_per_layer_and_second() {
    let mut world = World::full();
    let sender = Seat::ALL[0];
    world.browser(sender).asked.clear();
    for _ in 0..300 {
        world.run(10);
        for receiver in &Seat::ALL[1..] {
            for _ in 0..10 {
                let media = line(*receiver, SourceKind::Camera, 0);
                let storm = world.browser(*receiver).rtcp(|writer| (0..3).for_each(|_| writer.pli(Ssrc(1), media).unwrap()));
                world.send(*receiver, storm);
            }
        }
    }
    let asked = &world.browser(sender).asked;
    assert!((5..=7).contains(&asked.len()), "{}", asked.len());
    assert!(most_in_a_second(asked) <= 2);
    assert!(asked.iter().all(|(_, ssrc)| *ssrc == asked[0].1), "only of the layer that is shown");
}

#[test]
fn a_request_is_repeated_until_the_keyframe_comes() {
    let mut world = World::full();
    let sender = Seat::ALL[0];
    world.layers[0] = [true, true, false];
    world.browser(sender).asked.clear();
    for _ in 0..300 {
        // A sender that hears nothing.
        world.run(10);
        world.browser(sender).camera.iter_mut().for_each(|stream| stream.keyframe_wanted = false);
    }
    let asked = &world.browser(sender).asked;
    assert!((4..=6).contains(&asked.len()), "{asked:?}");
    assert!(most_in_a_second(asked) <= 2);
}

#[test]
fn a_receiver_asks_for_what_it_is_shown_and_nothing_else() {
    let mut world = World::full();
    world.run(1_000);
    let before = world.report().keyframe_requests;
    let receiver = Seat::ALL[2];
    let others: Vec<_> = [
        line(Seat::ALL[1], SourceKind::Camera, 0),
        line(receiver, SourceKind::Microphone, 0),
        line(receiver, SourceKind::Screen, 0),
        world.browser(Seat::ALL[0]).camera[2].ssrc,
        Ssrc(0),
        Ssrc(0xdead_beef),
    ]
    .into();
    let wishes = world.browser(receiver).rtcp(|writer| others.iter().for_each(|ssrc| writer.pli(Ssrc(1), *ssrc).unwrap()));
    world.send(receiver, wishes);
    assert_eq!(world.report().keyframe_requests, before);
    let mine = line(receiver, SourceKind::Camera, 1);
    let wish = world.browser(receiver).rtcp(|writer| writer.pli(Ssrc(1), mine).unwrap());
    world.send(receiver, wish);
    assert_eq!(world.report().keyframe_requests, before + 1);
    let f = world.browser(Seat::ALL[1]).camera[2].ssrc;
    assert_eq!(world.browser(Seat::ALL[1]).asked.last().unwrap().1, f);
}

#[test]
fn what_a_sender_says_of_its_layers_is_believed_where_it_says_it_of_the_stream_that_it_says_it_on() {
    for (said, asked_for) in [
        // The first of two streams that are both made: the third is not.
        (&[0b0001_0001][..], Some(1)),
        (&[0b0000_0001], Some(0)),
        // All three are made.
        (&[0b0010_0001], None),
        // On the first stream it says that this is the second.
        (&[0b0101_0001], None),
        (&[0b0010_0000], None),
        (&[0], None),
        (&[0xff; 16], None),
    ] {
        let mut world = World::full();
        world.run(2_000);
        let sender = Seat::ALL[1];
        world.browser(sender).asked.clear();
        let now = world.now;
        for packet in world.browser(sender).frame_saying(now, said) {
            world.send(sender, packet);
        }
        let asked = world.browser(sender).asked.clone();
        let expected = asked_for.map(|layer: usize| (now, world.browser(sender).camera[layer].ssrc));
        assert_eq!(asked, Vec::from_iter(expected), "{said:x?}");
    }
}

#[test]
fn a_layer_that_lacks_a_frame_has_the_next_one_ready_until_it_goes_on() {
    const FRAME_MS: u64 = 30;
    let mut world = World::full();
    let sender = Seat::ALL[1];
    let lag = |world: &mut World, frames: u64| {
        world.browser(sender).asked.clear();
        world.layers[sender.index()] = [true, true, false];
        let from = world.now;
        world.run(frames * FRAME_MS);
        world.layers[sender.index()] = [true; 3];
        world.run(300);
        let shown = world.browser(Seat::ALL[0]).on_line(SourceKind::Camera, 0);
        let layers: Vec<_> = shown.iter().filter(|heard| heard.at > from).map(|heard| heard.layer()).collect();
        let asked: Vec<_> = world.browser(sender).asked.iter().map(|(_, ssrc)| *ssrc).collect();
        world.run(700);
        (asked, layers.contains(&1))
    };
    let [_, h, _] = world.browser(sender).camera.each_ref().map(|stream| stream.ssrc);
    assert_eq!(lag(&mut world, 3), (vec![], false), "after a keyframe encoders leave out frames");
    world.run(8_000);
    let (asked, shows_h) = lag(&mut world, 3);
    assert!(asked.starts_with(&[h]) && shows_h, "{asked:?}");
    assert_eq!(lag(&mut world, 3), (vec![], false), "it was taken for ended just now");
    world.run(8_000);
    let (asked, shows_h) = lag(&mut world, 1);
    assert!(asked.starts_with(&[h]) && !shows_h, "{asked:?}");
}
