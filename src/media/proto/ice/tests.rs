use std::time::Duration;

use super::*;
use crate::base::secret::Secret;
use crate::base::{DropReason, Instant};
use crate::link::terms::IceCredentials;
use crate::media::net::path::Path;
use crate::media::wire::stun::sample::{RFC_5769_PASSWORD, RFC_5769_REQUEST, Sample};

const PASSWORD: &str = "a password of twenty-two";

fn credentials(ufrag: &str, password: &str) -> IceCredentials {
    IceCredentials { ufrag: ufrag.to_owned(), password: Secret::new(password.to_owned()) }
}

fn agent() -> IceLite {
    IceLite::new(credentials("ours", PASSWORD), credentials("theirs", "not used by us"), Instant::ZERO)
}

fn path(port: u16) -> Path {
    Path { socket: 0, remote: ([192, 0, 2, 1], port).into() }
}

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

fn check() -> Vec<u8> {
    Sample::check("ours:theirs").ended(PASSWORD)
}

fn nomination() -> Vec<u8> {
    Sample::check("ours:theirs").nominating().ended(PASSWORD)
}

/// Hands a datagram to the agent; of the answer only its message type and, of an error, its code.
fn hand(agent: &mut IceLite, now: Instant, path: Path, datagram: &[u8]) -> Result<(Checked, u16, Option<u8>), DropReason> {
    let mut reply = [0; 128];
    let checked = agent.handle_check(now, path, datagram, &mut reply)?;
    let kind = u16::from_be_bytes([reply[0], reply[1]]);
    Ok((checked, kind, (kind == 0x0111).then_some(reply[27])))
}

#[test]
fn a_check_is_answered_with_the_address_it_came_from() {
    let mut agent = agent();
    let mut reply = [0; 128];
    let checked = agent.handle_check(at(1), path(32_853), &check(), &mut reply).unwrap();
    assert_eq!(checked, Checked { reply_len: 64, selected: false, outdated: Outdated::Nothing });
    // RFC 5769 §2.2: 192.0.2.1:32853, masked.
    assert_eq!(reply[20..32], [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
}

#[test]
fn strangers_hear_nothing_and_change_nothing() {
    for (datagram, why) in [
        (b"\x00\x01\x00\x00".to_vec(), DropReason::StunMalformed),
        (Sample::check("ours:theirs").signed(PASSWORD).bytes(), DropReason::StunMalformed),
        (Sample::check("ours:theirs").marked().bytes(), DropReason::StunUnauthenticated),
        (Sample::check("ours:theirs").ended("another password"), DropReason::StunUnauthenticated),
        (Sample::check("ours:theirs").ended(""), DropReason::StunUnauthenticated),
        (Sample::request().ended(PASSWORD), DropReason::StunUnknownUser),
        (Sample::check("ours").ended(PASSWORD), DropReason::StunUnknownUser),
        (Sample::check("ours:").ended(PASSWORD), DropReason::StunUnknownUser),
        (Sample::check("ours:their").ended(PASSWORD), DropReason::StunUnknownUser),
        (Sample::check("ours:theirs!").ended(PASSWORD), DropReason::StunUnknownUser),
        (Sample::check("OURS:theirs").ended(PASSWORD), DropReason::StunUnknownUser),
        (Sample::check("theirs:ours").ended(PASSWORD), DropReason::StunUnknownUser),
        (Sample::request().signed(PASSWORD).with(0x0006, b"ours:theirs").marked().bytes(), DropReason::StunUnknownUser),
    ] {
        let mut agent = agent();
        let mut reply = [0; 128];
        assert_eq!(agent.handle_check(at(1), path(1), &datagram, &mut reply), Err(why));
        assert_eq!(reply, [0; 128]);
        assert!(!agent.is_validated(path(1)) && agent.selected().is_none() && agent.last_heard() == Instant::ZERO);
    }
}

#[test]
fn only_use_candidate_selects() {
    let mut agent = agent();
    assert!(!hand(&mut agent, at(1), path(1), &check()).unwrap().0.selected);
    assert_eq!(agent.selected(), None);
    assert!(hand(&mut agent, at(2), path(1), &nomination()).unwrap().0.selected);
    assert!(!hand(&mut agent, at(3), path(1), &nomination()).unwrap().0.selected, "it was there already");
    assert!(!hand(&mut agent, at(4), path(2), &check()).unwrap().0.selected);
    assert_eq!(agent.selected(), Some(path(1)));
    assert!(hand(&mut agent, at(5), path(2), &nomination()).unwrap().0.selected);
    assert_eq!(agent.selected(), Some(path(2)));
    assert!(agent.is_validated(path(1)) && agent.is_validated(path(2)) && !agent.is_validated(path(3)));
}

#[test]
fn the_same_address_on_another_socket_is_another_path() {
    let mut agent = agent();
    hand(&mut agent, at(1), path(1), &check()).unwrap();
    assert!(!agent.is_validated(Path { socket: 1, ..path(1) }));
}

#[test]
fn the_path_checked_longest_ago_gives_way_but_never_the_selected_one() {
    let mut agent = agent();
    hand(&mut agent, at(1), path(1), &nomination()).unwrap();
    for port in 2..=8 {
        assert_eq!(hand(&mut agent, at(1), path(port), &check()).unwrap().0.outdated, Outdated::Nothing);
    }
    hand(&mut agent, at(2), path(2), &check()).unwrap();
    for (port, forgotten) in [(9, 3), (10, 4), (3, 5), (11, 6), (12, 7), (13, 8), (14, 2), (15, 9)] {
        assert_eq!(hand(&mut agent, at(3), path(port), &check()).unwrap().0.outdated, Outdated::Path(path(forgotten)), "{port}");
        assert!(!agent.is_validated(path(forgotten)) && agent.is_validated(path(port)));
    }
    assert!(agent.is_validated(path(1)));
    assert_eq!(agent.selected(), Some(path(1)));
}

#[test]
fn only_a_granted_check_is_consent() {
    let mut agent = agent();
    hand(&mut agent, at(5), path(1), &check()).unwrap();
    assert_eq!(agent.last_heard(), at(5));
    let wrong_role = Sample::request().with(0x0006, b"ours:theirs").with(0x8029, &[1; 8]).ended(PASSWORD);
    hand(&mut agent, at(9), path(1), &wrong_role).unwrap();
    assert!(hand(&mut agent, at(9), path(1), b"garbage").is_err());
    assert_eq!(agent.last_heard(), at(5));
}

#[test]
fn a_peer_that_claims_our_role_is_told_so() {
    let mut agent = IceLite::new(credentials("evtj", RFC_5769_PASSWORD), credentials("h6vY", ""), Instant::ZERO);
    let (checked, kind, code) = hand(&mut agent, at(1), path(1), RFC_5769_REQUEST).unwrap();
    assert_eq!((kind, code), (0x0111, Some(87)));
    assert!(!checked.selected && agent.selected().is_none());
}

#[test]
fn a_peer_that_wants_something_unknown_is_told_so_and_moves_nothing() {
    let mut agent = agent();
    let datagram = Sample::check("ours:theirs").nominating().with(0x7abc, b"?").ended(PASSWORD);
    let (checked, kind, code) = hand(&mut agent, at(1), path(1), &datagram).unwrap();
    assert_eq!((kind, code), (0x0111, Some(20)));
    assert!(!checked.selected && agent.selected().is_none());
    assert!(agent.is_validated(path(1)), "whoever routes by path may count on it after every answer");
}

#[test]
fn without_room_for_the_answer_nothing_happens() {
    let mut agent = agent();
    assert_eq!(agent.handle_check(at(1), path(1), &check(), &mut [0; 127]), Err(DropReason::OutboxFull));
    assert!(!agent.is_validated(path(1)));
}

const NEW_PASSWORD: &str = "twenty-two new letters";

fn restart(agent: &mut IceLite, ufrag: &str) {
    agent.restart(&credentials(ufrag, NEW_PASSWORD), &credentials("changed", "not used by us"));
}

fn new_check(nominating: bool) -> Vec<u8> {
    let check = Sample::check("again:changed");
    if nominating { check.nominating().ended(NEW_PASSWORD) } else { check.ended(NEW_PASSWORD) }
}

#[test]
fn after_a_restart_the_old_path_is_used_until_a_new_check_selects_one() {
    let mut agent = agent();
    hand(&mut agent, at(1), path(1), &nomination()).unwrap();
    hand(&mut agent, at(1), path(2), &check()).unwrap();
    restart(&mut agent, "again");
    assert!(agent.answers_to(b"ours") && agent.answers_to(b"again") && !agent.answers_to(b"other"));
    assert_eq!(agent.selected(), Some(path(1)));
    let checked = hand(&mut agent, at(2), path(3), &new_check(false)).unwrap().0;
    assert_eq!((checked.selected, checked.outdated, agent.selected()), (false, Outdated::Nothing, Some(path(1))));
    hand(&mut agent, at(2), path(2), &new_check(false)).unwrap();
    assert!(hand(&mut agent, at(2), path(2), &nomination()).unwrap().0.selected, "the old credentials count until then");

    let checked = hand(&mut agent, at(3), path(3), &new_check(true)).unwrap().0;
    assert_eq!((checked.selected, checked.outdated, agent.selected()), (true, Outdated::Credentials, Some(path(3))));
    assert!(!agent.answers_to(b"ours") && agent.answers_to(b"again"));
    assert_eq!([1, 2, 3].map(|port| agent.is_validated(path(port))), [false, true, true], "only what was checked anew");
    assert_eq!(hand(&mut agent, at(4), path(1), &nomination()), Err(DropReason::StunUnknownUser));
    assert_eq!((agent.selected(), agent.last_heard()), (Some(path(3)), at(3)));
}

#[test]
fn a_restart_on_the_same_path_outdates_the_credentials_and_moves_nothing() {
    let mut agent = agent();
    hand(&mut agent, at(1), path(1), &nomination()).unwrap();
    restart(&mut agent, "again");
    let checked = hand(&mut agent, at(2), path(1), &new_check(true)).unwrap().0;
    assert_eq!((checked.selected, checked.outdated), (false, Outdated::Credentials));
}

#[test]
fn a_restart_takes_the_place_of_one_that_led_to_nothing() {
    let mut agent = agent();
    hand(&mut agent, at(1), path(1), &nomination()).unwrap();
    for number in 0..1_000 {
        restart(&mut agent, &format!("again{number}"));
    }
    restart(&mut agent, "again");
    assert!(!agent.answers_to(b"again0") && !agent.answers_to(b"again999") && agent.answers_to(b"again"));
    assert_eq!(agent.selected(), Some(path(1)));
    assert!(hand(&mut agent, at(2), path(2), &new_check(true)).unwrap().0.selected);
}

#[test]
fn a_restart_is_proven_by_its_own_password_only() {
    for (username, password, why) in [
        ("again:changed", PASSWORD, DropReason::StunUnauthenticated),
        ("ours:theirs", NEW_PASSWORD, DropReason::StunUnauthenticated),
        ("again:theirs", NEW_PASSWORD, DropReason::StunUnknownUser),
        ("ours:changed", PASSWORD, DropReason::StunUnknownUser),
    ] {
        let mut agent = agent();
        restart(&mut agent, "again");
        let datagram = Sample::check(username).nominating().ended(password);
        assert_eq!(hand(&mut agent, at(1), path(1), &datagram), Err(why), "{username}");
        assert!(agent.answers_to(b"ours") && !agent.is_validated(path(1)));
    }
}

#[test]
fn a_wrong_role_ends_no_restart() {
    let mut agent = agent();
    hand(&mut agent, at(1), path(1), &nomination()).unwrap();
    restart(&mut agent, "again");
    let datagram = Sample::check("again:changed").nominating().with(0x8029, &[1; 8]).ended(NEW_PASSWORD);
    let (checked, kind, code) = hand(&mut agent, at(2), path(2), &datagram).unwrap();
    assert_eq!((kind, code, checked.selected, checked.outdated), (0x0111, Some(87), false, Outdated::Nothing));
    assert!(agent.answers_to(b"ours") && agent.selected() == Some(path(1)));
}
