use std::net::SocketAddr;
use std::time::Duration;

use quartet::base::Instant;
use serde_json::Value;

use super::forwarder::{Answer, Change, Forwarder, Outlet, SocketId};
use super::packets;

const START: Instant = Instant::from_nanos(5_000_000_000);
const MEDIA: &[u8] = &[0x80; 100];

/// A forwarder, the sockets it has open, and a clock that moves when it is told.
struct Scene {
    forwarder: Forwarder,
    now: Instant,
    open: Vec<SocketId>,
}

impl Scene {
    fn new() -> Scene {
        Scene { forwarder: Forwarder::new(1), now: START, open: Vec::new() }
    }

    /// Lets time pass; what comes out by then.
    fn pass(&mut self, millis: u64) -> Vec<(Outlet, Vec<u8>)> {
        self.now += Duration::from_millis(millis);
        while let Some(change) = self.forwarder.poll_change() {
            match change {
                Change::Open(id) => self.open.push(id),
                Change::Close(id) => self.open.retain(|&open| open != id),
            }
        }
        std::iter::from_fn(|| self.forwarder.poll_transmit(self.now)).collect()
    }

    /// What comes out at once when a browser sends this.
    fn up(&mut self, from: SocketAddr, datagram: &[u8]) -> Vec<(Outlet, Vec<u8>)> {
        self.forwarder.handle_from_client(self.now, from, datagram);
        self.pass(0)
    }

    fn down(&mut self, socket: SocketId, datagram: &[u8]) -> Vec<(Outlet, Vec<u8>)> {
        self.forwarder.handle_from_server(self.now, socket, datagram);
        self.pass(0)
    }

    /// Someone's check; the socket through which it left.
    fn check(&mut self, from: SocketAddr, ufrag: &str) -> SocketId {
        match self.up(from, &check(ufrag)).as_slice() {
            [(Outlet::Server(socket), _)] => *socket,
            other => panic!("{other:?}"),
        }
    }

    fn tell(&mut self, order: &str) -> Value {
        let (Answer::Go(answer) | Answer::Quit(answer)) = self.forwarder.obey(self.now, order);
        answer
    }

    fn tally(&mut self, ufrag: &str, lane: &str) -> Value {
        self.tell(r#"{"tally":{}}"#)["clients"][ufrag][lane].clone()
    }
}

fn check(ufrag: &str) -> Vec<u8> {
    packets::check(&format!("server:{ufrag}"), "password", [1; 12], true)
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[test]
fn what_no_check_came_before_goes_nowhere() {
    let mut scene = Scene::new();
    let mut nameless = check("ana");
    // The username becomes something else.
    nameless[21] = 0x77;
    let mut cut = check("ana");
    cut.truncate(30);
    for datagram in [MEDIA, &[], &nameless, &cut, &check("ana")[..20]] {
        assert_eq!(scene.up(address(1), datagram), []);
    }
    assert_eq!(scene.open, []);
    assert_eq!(scene.tell(r#"{"tally":{}}"#)["strays"], 5);
}

#[test]
fn each_address_has_a_socket_of_its_own_towards_the_server() {
    let mut scene = Scene::new();
    let sockets = [scene.check(address(1), "ana"), scene.check(address(2), "ana"), scene.check(address(3), "ben")];
    assert_eq!(scene.open, sockets);
    for (port, socket) in [1, 2, 3].into_iter().zip(sockets) {
        assert_eq!(scene.up(address(port), MEDIA), [(Outlet::Server(socket), MEDIA.to_vec())]);
        assert_eq!(scene.down(socket, MEDIA), [(Outlet::Client(address(port)), MEDIA.to_vec())]);
        assert_eq!(scene.check(address(port), if port == 3 { "ben" } else { "ana" }), socket, "and keeps it");
    }
    assert_eq!(scene.tell(r#"{"tally":{}}"#)["clients"]["ana"]["bindings"], 2);
}

#[test]
fn after_a_rebind_the_server_sees_another_port_and_the_old_one_is_dead() {
    let mut scene = Scene::new();
    let before = scene.check(address(1), "ana");
    let other = scene.check(address(2), "ben");
    scene.tell(r#"{"set":{"client":"ana","up":{"delay_ms":50}}}"#);
    assert_eq!(scene.up(address(1), MEDIA), []);

    assert_eq!(scene.tell(r#"{"rebind":{"client":"ana"}}"#)["rebound"], 1);
    let sent = scene.pass(50);
    let [(Outlet::Server(after), _)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(scene.open, [other, *after], "what was under way leaves through the new one");
    assert_eq!(scene.down(before, MEDIA), []);
    assert_eq!(scene.down(*after, MEDIA), [(Outlet::Client(address(1)), MEDIA.to_vec())]);
    assert_eq!(scene.up(address(2), MEDIA), [(Outlet::Server(other), MEDIA.to_vec())], "ben's is the same");
}

#[test]
fn a_client_that_restarts_ice_keeps_its_port() {
    let mut scene = Scene::new();
    let socket = scene.check(address(1), "ana");
    assert_eq!(scene.check(address(1), "ana2"), socket);
    assert_eq!(scene.up(address(1), MEDIA), [(Outlet::Server(socket), MEDIA.to_vec())]);
    assert_eq!(scene.tally("ana2", "up")["offered"], 2);
    assert_eq!(scene.tally("ana", "up")["offered"], 1);
}

#[test]
fn a_direction_of_a_client_is_set_alone() {
    let mut scene = Scene::new();
    let (ana, ben) = (scene.check(address(1), "ana"), scene.check(address(2), "ben"));
    assert_eq!(scene.tell(r#"{"set":{"client":"ana","down":{"loss":1}}}"#)["set"], 1);
    assert_eq!(scene.down(ana, MEDIA), []);
    assert_eq!(scene.up(address(1), MEDIA).len(), 1);
    assert_eq!(scene.down(ben, MEDIA).len(), 1);
    scene.tell(r#"{"set":{"client":"ana","up":{"loss":1}}}"#);
    assert_eq!(scene.down(ana, MEDIA), [], "what is not named stays");
    scene.tell(r#"{"set":{"client":"ana","down":{}}}"#);
    assert_eq!(scene.down(ana, MEDIA).len(), 1);
}

#[test]
fn everyone_is_also_who_comes_later() {
    let mut scene = Scene::new();
    scene.check(address(1), "ana");
    scene.check(address(2), "ben");
    assert_eq!(scene.tell(r#"{"set":{"client":"*","up":{"loss":1},"down":{"loss":1}}}"#)["set"], 2);
    scene.tell(r#"{"set":{"client":"ben","up":{},"down":{}}}"#);
    assert_eq!(scene.up(address(1), MEDIA), []);
    assert_eq!(scene.up(address(2), MEDIA).len(), 1);
    assert_eq!(scene.up(address(3), &check("ana again")), []);
    assert_eq!(scene.tally("ana again", "up")["lost"], 1);
}

#[test]
fn the_tally_says_what_was_done() {
    let mut scene = Scene::new();
    let socket = scene.check(address(1), "ana");
    scene.tell(r#"{"set":{"client":"ana","down":{"rate":{"bits_per_second":80000,"queue_ms":200}}}}"#);
    // 100 bytes take 10 ms.
    for _ in 0..2_000 {
        scene.down(socket, MEDIA);
        scene.pass(1);
    }
    let down = scene.tally("ana", "down");
    assert_eq!(down["offered"], 2_000);
    assert_eq!(down["bits_per_second"], 80_000);
    let waits = down["queue_delay_ms"].as_f64().unwrap();
    assert!((190.0..=210.0).contains(&waits), "{waits} ms");
    scene.pass(2_000);
    let down = scene.tally("ana", "down");
    assert_eq!(down["bits_per_second"], 0);
    assert_eq!(down["delivered"].as_u64().unwrap() + down["overflowed"].as_u64().unwrap(), 2_000);
}

#[test]
fn an_order_that_makes_no_sense_changes_nothing_and_is_told_why() {
    let mut scene = Scene::new();
    scene.check(address(1), "ana");
    for (order, why) in [
        ("", "EOF"),
        (r#"{"sing":{}}"#, "unknown variant"),
        (r#"{"set":{"client":"ben","up":{}}}"#, "no check of ben"),
        (r#"{"set":{"client":"ana","up":{"latency":5}}}"#, "unknown field"),
        (r#"{"set":{"client":"ana","up":{"loss":1.5}}}"#, "no share"),
        (r#"{"set":{"client":"ana","up":{"reorder":-1}}}"#, "no share"),
        (r#"{"set":{"client":"ana","up":{"loss":{"share":0.9,"mean":2}}}}"#, "cannot lose"),
        (r#"{"set":{"client":"ana","up":{"delay_ms":60000}}}"#, "more than"),
        (r#"{"set":{"client":"ana","up":{"rate":{"bits_per_second":0,"queue_ms":5}}}}"#, "outage"),
        (r#"{"rebind":{"client":"ben"}}"#, "no check of ben"),
    ] {
        let answer = scene.tell(order);
        assert!(answer["error"].as_str().unwrap().contains(why), "{order}: {answer}");
        assert_eq!(scene.up(address(1), MEDIA).len(), 1);
    }
    assert!(matches!(scene.forwarder.obey(START, r#"{"quit":{}}"#), Answer::Quit(_)));
}

#[test]
fn whoever_was_silent_longest_is_forgotten_for_a_new_one() {
    let mut scene = Scene::new();
    for client in 0..64 {
        scene.check(address(1_000 + client), &format!("client {client}"));
        scene.pass(10);
    }
    assert_eq!(scene.up(address(1_000), MEDIA).len(), 1, "the first of them is still here");
    scene.check(address(2_000), "one more");
    assert_eq!(scene.open.len(), 64);
    assert_eq!(scene.up(address(1_001), MEDIA), [], "the second is not");
    assert_eq!(scene.up(address(1_000), MEDIA).len(), 1);

    for binding in 0..20 {
        scene.check(address(3_000 + binding), "one more");
        scene.pass(10);
    }
    assert_eq!(scene.open.len(), 63 + 8);
    assert_eq!(scene.up(address(3_019), MEDIA).len(), 1);
    assert_eq!(scene.up(address(3_011), MEDIA), []);
}
