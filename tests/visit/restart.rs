//! A page restarts ICE: its network has changed, and nobody hears or sees a gap.

use quartet::base::{DropReason, LegId, Seat};
use quartet::link::Command;
use quartet::link::event::SrtpProfile;
use quartet::link::terms::SourceKind;
use quartet::media::net::path::Path;

use crate::support::World;
use crate::support::browser::Browser;
use crate::support::streams::{assert_pictures_are_continuous, assert_sound_is_continuous};
use crate::support::world::VISIT;

const SEAT: Seat = Seat::ALL[1];

/// Control passes a restart on; the browser's next checks carry its credentials.
fn restart(world: &mut World, seat: Seat) {
    let leg = world.browser(seat).leg;
    let (local, remote) = world.browser(seat).restart();
    world.command(Command::RestartIce { visit: VISIT, seat, leg, local, remote });
}

/// Goes to another address, unless it is told to stay; says where it was.
fn moved(world: &mut World, seat: Seat, port: u16) -> Path {
    let before = world.browser(seat).path;
    world.browser(seat).path.remote.set_port(port);
    before
}

/// Everything that others hear and see of this seat, and it of them, goes on without a gap.
fn assert_nothing_is_lost(world: &mut World, seat: Seat) {
    for receiver in Seat::ALL {
        for number in 0..3u8 {
            if receiver == seat || receiver.on_line(usize::from(number)) == Some(seat) {
                let sound = world.browser(receiver).on_line(SourceKind::Microphone, number);
                let pictures = world.browser(receiver).on_line(SourceKind::Camera, number);
                assert_sound_is_continuous(&sound);
                assert_pictures_are_continuous(&pictures);
                let gap = sound.windows(2).map(|pair| pair[1].at.since(pair[0].at)).max().unwrap();
                assert!(gap.as_millis() <= 20, "{receiver} {number}: {gap:?}");
            }
        }
    }
}

#[test]
fn media_flows_through_a_restart_and_the_new_address_takes_over() {
    let mut world = World::full();
    let old_check = world.browser(SEAT).check();
    restart(&mut world, SEAT);
    world.run(200);
    // The page still sends from its old address; its first check comes from the new one.
    let old = moved(&mut world, SEAT, 50_000);
    let (new, check) = (world.browser(SEAT).path, world.browser(SEAT).check());
    world.send_from(new, check);
    world.run(2_000);
    assert_nothing_is_lost(&mut world, SEAT);
    assert_eq!((world.browser(SEAT).handshake_answers, world.report().legs), (1, 4), "without a new handshake");

    let (sent, out) = (world.report().forwarded, world.report().datagrams_out);
    let now = world.now;
    let sound = world.browser(SEAT).sound(now);
    world.send_from(old, sound);
    assert_eq!(world.drops(DropReason::UnknownAddress), 1, "the old address is a stranger's");
    world.send_from(old, old_check.clone());
    world.send_from(new, old_check);
    assert_eq!(world.drops(DropReason::StunUnknownUser), 2, "and the old name nobody's");
    assert_eq!((world.report().forwarded, world.report().datagrams_out), (sent, out));
}

#[test]
fn a_restart_without_a_check_leaves_everything_as_it_was() {
    let mut world = World::full();
    let mut stays = world.browser(SEAT).check();
    for _ in 0..1_000 {
        restart(&mut world, SEAT);
    }
    world.send(SEAT, std::mem::take(&mut stays));
    assert_eq!(world.drops(DropReason::StunUnknownUser), 0, "the old credentials count until the new ones do");
    world.run(1_000);
    assert_nothing_is_lost(&mut world, SEAT);
    let check = world.browser(SEAT).check();
    world.send(SEAT, check);
    assert_eq!(world.drops(DropReason::StunUnknownUser), 0, "and the last restart is the one that counts");
    world.run(5_000);
    assert_nothing_is_lost(&mut world, SEAT);
}

#[test]
fn a_restart_that_another_replaces_leaves_no_name_behind() {
    let mut world = World::full();
    restart(&mut world, SEAT);
    let replaced = world.browser(SEAT).check();
    restart(&mut world, SEAT);
    world.send(SEAT, replaced);
    assert_eq!(world.drops(DropReason::StunUnknownUser), 1);
}

#[test]
fn the_restart_of_a_leg_that_is_gone_or_another_ones_changes_nothing() {
    let mut world = World::full();
    let leg = world.browser(SEAT).leg;
    let mut ghost = Browser::new(SEAT, 9, SrtpProfile::AeadAes128Gcm);
    let (local, remote) = ghost.restart();
    let wrong = [(VISIT, SEAT, LegId::from_bits(77)), (VISIT, Seat::ALL[2], leg)];
    let elsewhere = quartet::base::VisitId::from_bits(99);
    for (visit, seat, leg) in wrong.into_iter().chain([(elsewhere, SEAT, leg)]) {
        world.command(Command::RestartIce { visit, seat, leg, local: local.clone(), remote: remote.clone() });
    }
    let check = ghost.check();
    world.send_from(ghost.path, check);
    assert_eq!(world.drops(DropReason::StunUnknownUser), 1);

    world.command(Command::Disconnect { visit: VISIT, seat: SEAT, leg });
    world.command(Command::RestartIce { visit: VISIT, seat: SEAT, leg, local, remote });
    let check = ghost.check();
    world.send_from(ghost.path, check);
    assert_eq!((world.drops(DropReason::StunUnknownUser), world.report().legs), (2, 3));
}

#[test]
fn garbage_and_forgeries_do_not_end_a_restart() {
    let mut world = World::full();
    restart(&mut world, SEAT);
    let stranger = Path { socket: 0, remote: ([198, 51, 100, 1], 9).into() };
    let out = world.report().datagrams_out;
    let mut forged = world.browser(SEAT).check();
    let place = forged.len() - 20;
    forged[place] ^= 1;
    let crc_from = forged.len() - 8;
    let crc = crc32fast::hash(&forged[..crc_from]) ^ 0x5354_554e;
    forged[crc_from + 4..].copy_from_slice(&crc.to_be_bytes());
    world.send_from(stranger, forged);
    world.send_from(stranger, vec![0; 20]);
    assert_eq!((world.drops(DropReason::StunUnauthenticated), world.report().datagrams_out), (1, out));
    world.run(1_000);
    assert_nothing_is_lost(&mut world, SEAT);
}

#[test]
fn a_leg_that_has_not_shaken_hands_can_restart_too() {
    let mut world = World::new(SrtpProfile::AeadAes128Gcm);
    world.seat(Browser::new(SEAT, 0, SrtpProfile::AeadAes128Gcm));
    let check = world.browser(SEAT).check();
    world.send(SEAT, check);
    restart(&mut world, SEAT);
    moved(&mut world, SEAT, 50_000);
    world.connect(SEAT);
    assert_eq!((world.browser(SEAT).handshake_answers, world.report().legs), (1, 1));
}
