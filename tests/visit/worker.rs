//! A whole worker, with its sockets and clock.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use quartet::base::{LegId, Seat, VisitId};
use quartet::link::Command;
use quartet::link::event::SrtpProfile;
use quartet::link::socket::LinkSocket;
use quartet::media::net::clock::Clock;
use quartet::media::worker::run::Worker;
use quartet::media::worker::shard::Shard;
use socket2::{Domain, Socket, Type};

use crate::support::browser::Browser;
use crate::support::fake_dtls::FakeHandshaker;

const PROFILE: SrtpProfile = SrtpProfile::AeadAes128Gcm;
/// Nothing here takes this long: it only ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn who_checks_in_the_moment_in_which_they_are_given_a_leg_is_no_stranger() {
    let (here, there) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).unwrap();
    let (mut control, link) = (LinkSocket::new(here), LinkSocket::new(there));
    link.never_wait().unwrap();
    let (controls, next) = mpsc::channel();
    controls.send(link).unwrap();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let page = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    page.set_read_timeout(Some(PATIENCE)).unwrap();

    // Both are there before the worker looks.
    let (visit, seat) = (VisitId::from_bits(1), Seat::PROVIDER);
    let mut browser = Browser::new(seat, 1, PROFILE);
    let connect = Command::Connect { visit, seat, leg: LegId::from_bits(2), terms: Box::new(browser.terms()) };
    control.send(&Command::OpenVisit { visit }).unwrap();
    control.send(&connect).unwrap();
    page.send_to(&browser.check(), socket.local_addr().unwrap()).unwrap();
    let worker = thread::spawn(move || {
        let shard = Shard::new(0, Box::new(FakeHandshaker { profile: PROFILE }), [7; 32]);
        Worker::new(shard, Clock::start(), vec![socket], next).and_then(Worker::run)
    });

    let mut answer = [0; 1_500];
    let (len, _) = page.recv_from(&mut answer).expect("the one check that was sent is answered");
    assert_eq!(answer[..len][..2], [1, 1], "a binding success response (RFC 8489 §5)");
    control.send(&"no command").unwrap();
    worker.join().unwrap().expect_err("it ends for that");
}
