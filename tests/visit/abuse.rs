//! Whatever strangers and participants send, others go on as if nothing were.

use std::time::Duration;

use quartet::base::{DropReason, LegId, Seat, Seq64, VisitId};
use quartet::link::event::SrtpProfile;
use quartet::link::terms::{Fingerprint, SourceKind, Ssrc};
use quartet::link::{Command, Event, LegEnd};

use crate::support::World;
use crate::support::browser::{Browser, extensions};
use crate::support::fake_dtls;
use crate::support::packets::{self, Rtp};
use crate::support::world::VISIT;

/// Everybody still hears and sees everybody.
fn assert_media_goes_on(world: &mut World) {
    for browser in world.browsers.iter_mut().flatten() {
        browser.heard.clear();
    }
    world.run(500);
    for browser in world.browsers.iter().flatten() {
        for number in 0..3 {
            assert!(browser.on_line(SourceKind::Microphone, number).len() >= 24);
            assert!(browser.on_line(SourceKind::Camera, number).len() >= 45);
        }
    }
}

#[test]
fn a_datagram_of_any_length_and_first_byte_at_a_live_leg_changes_nothing() {
    let mut world = World::full();
    let before = world.report();
    let path = world.browser(Seat::ALL[1]).path;
    world.events.clear();
    let mut datagram = [0u8; 1_501];
    for first in 0..=255 {
        for len in 0..=1_500 {
            datagram.fill(0x5a);
            datagram[0] = first;
            world.shard.handle_datagram(world.now, world.now, path, &mut datagram[..len]);
        }
    }
    let after = world.report();
    assert_eq!(after.datagrams_in - before.datagrams_in, 256 * 1_501);
    assert_eq!(
        (after.forwarded, after.legs, after.visits, after.visits_failed, after.datagrams_out),
        (before.forwarded, 4, 1, 0, before.datagrams_out)
    );
    assert!(world.shard.poll_event().is_none());
    assert_media_goes_on(&mut world);
}

#[test]
fn media_and_handshakes_from_an_address_that_passed_no_check_are_ignored() {
    let mut world = World::full();
    let seat = Seat::ALL[0];
    let before = world.report();
    let mut elsewhere = world.browser(seat).path;
    elsewhere.remote.set_port(9);
    let now = world.now;
    let sound = world.browser(seat).sound(now);
    let hello = world.browser(seat).hello();
    let rtcp = world.browser(seat).reports(now);
    for datagram in [sound, hello, rtcp] {
        world.send_from(elsewhere, datagram);
    }
    let after = world.report();
    assert_eq!(world.drops(DropReason::UnknownAddress), 3);
    assert_eq!((after.forwarded, after.datagrams_out), (before.forwarded, before.datagrams_out));
}

#[test]
fn a_forged_check_moves_nothing() {
    let mut world = World::full();
    let seat = Seat::ALL[0];
    let mut elsewhere = world.browser(seat).path;
    elsewhere.remote.set_port(9);
    let before = world.report();
    let mut check = world.browser(seat).check();
    let place = check.len() - 20;
    check[place] ^= 1;
    let crc_from = check.len() - 8;
    let crc = crc32fast::hash(&check[..crc_from]) ^ 0x5354_554e;
    check[crc_from + 4..].copy_from_slice(&crc.to_be_bytes());
    world.send_from(elsewhere, check);
    assert_eq!(world.drops(DropReason::StunUnauthenticated), 1);
    assert_eq!(world.report().datagrams_out, before.datagrams_out, "not even an answer");
    assert_media_goes_on(&mut world);
}

#[test]
fn a_participant_cannot_take_the_address_of_another() {
    let mut world = World::full();
    let victim = world.browser(Seat::ALL[1]).path;
    let check = world.browser(Seat::ALL[2]).check();
    world.send_from(victim, check);
    assert_media_goes_on(&mut world);
}

#[test]
fn forged_and_unnamed_streams_make_no_state_and_reach_nobody() {
    let mut world = World::full();
    let seat = Seat::ALL[1];
    world.alive = [false; 4];
    let before = world.report().forwarded;
    let now = world.now;
    for ssrc in 0..10_000u32 {
        let mut forged = world.browser(Seat::ALL[1]).sound(now);
        forged[8..12].copy_from_slice(&(ssrc | 0x7000_0000).to_be_bytes());
        world.send(seat, forged);
    }
    let refused = world.drops(DropReason::Unauthenticated);
    assert_eq!(refused, 10_000);
    let mut unnamed = 0;
    for ssrc in 0..64 {
        let Some(packet) = world.browser(seat).stranger(0x6000_0000 | ssrc) else { break };
        world.send(seat, packet);
        unnamed += 1;
    }
    assert!(unnamed > 20);
    assert_eq!(world.drops(DropReason::UnknownStream), unnamed);
    assert_eq!(world.report().forwarded, before);
    world.alive = [true; 4];
    assert_media_goes_on(&mut world);
}

#[test]
fn arrivals_of_streams_that_nobody_knows_wake_nobody_too_often() {
    let mut world = World::new(SrtpProfile::AeadAes128Gcm);
    let sender = Seat::ALL[0];
    world.join(sender, 0);
    world.alive[0] = false;
    let ids = extensions(sender);
    let names: &[(u8, &[u8])] = &[(ids.transport_cc, &[0, 7])];
    let packet = Rtp { marker: false, payload_type: 96, sequence: 1, timestamp: 0, ssrc: 77, extensions: names, padding: 0 };
    let (packet, header_len) = packets::rtp(&packet, &[1; 20]);
    let packet = world.browser(sender).seal_as(Ssrc(77), Seq64(1), packet, header_len).unwrap();
    world.send(sender, packet);
    assert_eq!(world.drops(DropReason::UnknownStream), 1);
    for _ in 0..20 {
        world.now += Duration::from_millis(100);
        world.shard.handle_timeout(world.now);
        assert!(world.shard.deadline().is_none_or(|next| next.at > world.now), "{:?}", world.shard.deadline());
    }
    world.alive[0] = true;
    world.run(200);
    assert!(world.browser(sender).arrived.iter().any(|(number, _)| *number == 7), "told once there is something to name");
}

#[test]
fn a_flood_by_a_participant_is_cut_to_its_allowance() {
    let mut world = World::full();
    let seat = Seat::ALL[1];
    for _ in 0..200 {
        world.run(10);
        let now = world.now;
        for _ in 0..200 {
            let padding = world.browser(seat).padding(now, 0);
            world.send(seat, padding);
        }
    }
    let dropped = world.drops(DropReason::TooMuch);
    assert!(dropped > 20_000, "{dropped}");
    world.run(1_000);
    assert_media_goes_on(&mut world);
}

#[test]
fn a_wrong_fingerprint_gets_no_media_and_is_told() {
    let mut world = World::new(SrtpProfile::AeadAes128Gcm);
    world.join(Seat::ALL[0], 0);
    let seat = Seat::ALL[1];
    let mut browser = Browser::new(seat, 0, SrtpProfile::AeadAes128Gcm);
    browser.shows = Fingerprint([0x66; 32]);
    let leg = browser.leg;
    world.seat(browser);
    world.connect(seat);
    let ended = Event::LegEnded { visit: VISIT, seat, leg, why: LegEnd::WrongFingerprint };
    assert_eq!(world.events.last(), Some(&ended));
    world.run(1_000);
    assert!(world.browser(seat).heard.is_empty());
    assert!(world.browser(Seat::ALL[0]).heard.is_empty());
    assert_eq!(world.report().forwarded, 0);
    assert_eq!(world.report().legs, 1);
}

#[test]
fn media_before_the_keys_is_dropped() {
    let mut world = World::new(SrtpProfile::AeadAes128Gcm);
    let seat = Seat::ALL[1];
    world.seat(Browser::new(seat, 0, SrtpProfile::AeadAes128Gcm));
    let check = world.browser(seat).check();
    world.send(seat, check);
    let now = world.now;
    let sound = world.browser(seat).sound(now);
    world.send(seat, sound);
    assert_eq!(world.drops(DropReason::NoKeys), 1);
}

#[test]
fn a_visit_that_panics_ends_alone() {
    let mut world = World::full();
    let other = VisitId::from_bits(2);
    let seat = Seat::ALL[0];
    let mut browser = Browser::new(seat, 9, SrtpProfile::AeadAes128Gcm);
    let terms = Box::new(browser.terms());
    world.command(Command::OpenVisit { visit: other });
    world.command(Command::Connect { visit: other, seat, leg: LegId::from_bits(99), terms });
    let check = browser.check();
    world.send_from(browser.path, check);
    assert_eq!((world.report().visits, world.report().legs), (2, 5));

    world.events.clear();
    world.send_from(browser.path, fake_dtls::bomb());
    assert_eq!(world.events, [Event::VisitFailed { visit: other }]);
    let report = world.report();
    assert_eq!((report.visits, report.legs, report.visits_failed), (1, 4, 1));
    let check = browser.check();
    world.send_from(browser.path, check);
    world.send_from(browser.path, browser.hello());
    assert_eq!(world.drops(DropReason::StunUnknownUser), 1);
    assert_eq!(world.drops(DropReason::UnknownAddress), 1);
    assert_media_goes_on(&mut world);

    world.command(Command::OpenVisit { visit: other });
    assert_eq!(world.report().visits, 2, "it can be opened again");
}

#[test]
fn lying_rtcp_of_a_participant_is_counted_and_harmless() {
    let mut world = World::full();
    let seat = Seat::ALL[1];
    let bye = {
        let others = [world.browser(Seat::ALL[0]).camera[2].ssrc, Ssrc(7)];
        world.browser(seat).rtcp(|writer| writer.bye(&others).unwrap())
    };
    world.send(seat, bye);
    let before = world.report().layer_switches;
    assert_media_goes_on(&mut world);
    assert_eq!(world.report().layer_switches, before, "nobody stops another's layer");
}
