use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::media::net::bind::bind;

/// A peer that is not ours: it sends and receives one datagram at a time.
fn peer() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket
}

fn ours() -> Vec<UdpSocket> {
    let sockets = bind(&[Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()], 0).unwrap();
    // Only the tests wait: the calls under test never do.
    sockets[0].set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    sockets
}

/// A datagram that says which it is.
fn datagram(number: u8, len: usize) -> Vec<u8> {
    (0..=255).cycle().map(|place: u8| place.wrapping_add(number)).take(len).collect()
}

fn path(socket: u8, peer: &UdpSocket) -> Path {
    Path { socket, remote: peer.local_addr().unwrap() }
}

fn put(outbox: &mut Outbox, path: Path, bytes: &[u8]) {
    outbox.slot().unwrap()[..bytes.len()].copy_from_slice(bytes);
    outbox.commit(path, bytes.len());
}

/// The next datagrams of a peer that is not ours.
fn heard(peer: &UdpSocket, count: usize) -> Vec<Vec<u8>> {
    let mut buffer = [0; 2_000];
    (0..count).map(|_| peer.recv(&mut buffer).map(|len| buffer[..len].to_vec()).unwrap()).collect()
}

fn hears_nothing(peer: &UdpSocket) -> bool {
    peer.set_nonblocking(true).unwrap();
    peer.recv(&mut [0; 1]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

#[test]
fn datagrams_of_single_senders_arrive_one_by_one_with_their_path() {
    let (ours, peer, other) = (ours(), peer(), peer());
    let address = ours[0].local_addr().unwrap();
    let sent = [(&peer, datagram(1, 1)), (&other, datagram(2, 1_400)), (&peer, Vec::new()), (&peer, datagram(3, 700))];
    for (from, bytes) in &sent {
        from.send_to(bytes, address).unwrap();
    }
    let mut receiver = Receiver::default();
    let mut got = Vec::new();
    // On loopback a datagram is there when the call that sent it returns.
    receiver.receive(0, &ours[0], |path, _, bytes| got.push((path, bytes.to_vec())));
    assert!(got == sent.map(|(from, bytes)| (path(0, from), bytes)), "{got:?}");
    assert_eq!(receiver.calls(), 1);

    receiver.receive(0, &ours[0], |_, _, _| panic!("nothing is there"));
    assert_eq!(receiver.calls(), 2);
}

#[test]
fn what_the_kernel_joined_is_split_where_it_was_joined() {
    let ours = ours();
    let from = self::ours();
    let to = Path { socket: 0, remote: ours[0].local_addr().unwrap() };
    let mut outbox = Outbox::new(64);
    let sent: Vec<Vec<u8>> = (0..40).map(|number| datagram(number, if number == 39 { 77 } else { 1_200 })).collect();
    for bytes in &sent {
        put(&mut outbox, to, bytes);
    }
    let mut sender = Sender::new(64);
    sender.send(&from, &outbox);
    assert_eq!((sender.calls(), sender.failures()), (1, 0));

    // Loopback hands a run on as it was sent: one message, many datagrams.
    let mut receiver = Receiver::default();
    assert_eq!(receiver.arrays.receive(ours[0].as_fd()).unwrap(), 1);
    let message = receiver.arrays.message(0).unwrap();
    assert_eq!((message.segment, message.bytes.len()), (Some(1_200), 39 * 1_200 + 77));

    sender.send(&from, &outbox);
    let mut got = Vec::new();
    receiver.receive(5, &ours[0], |path, _, bytes| {
        assert_eq!((path.socket, path.remote), (5, from[0].local_addr().unwrap()));
        got.push(bytes.to_vec());
    });
    assert_eq!(got, sent);
}

#[test]
fn every_datagram_says_when_the_kernel_got_it() {
    let wall = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (ours, from, peer) = (ours(), ours(), peer());
    let address = ours[0].local_addr().unwrap();
    let mut outbox = Outbox::new(64);
    for number in 0..3 {
        put(&mut outbox, Path { socket: 0, remote: address }, &datagram(number, 1_200));
    }
    let before = wall();
    peer.send_to(b"first", address).unwrap();
    let between = wall();
    Sender::new(64).send(&from, &outbox);
    let after = wall();

    let mut stamps = Vec::new();
    Receiver::default().receive(0, &ours[0], |_, stamp, _| stamps.push(stamp.unwrap()));
    assert_eq!(stamps.len(), 4, "one by itself, three that the kernel joined");
    assert!(before <= stamps[0] && stamps[0] <= between);
    assert!(stamps[1..].iter().all(|stamp| between <= *stamp && *stamp <= after));
}

#[test]
fn runs_arrive_as_the_datagrams_that_were_put_in_in_order_per_destination() {
    let (ours, first, second) = (ours(), peer(), peer());
    let mut outbox = Outbox::new(64);
    let lengths = [1_100, 1_100, 1_099, 80, 1_100, 1_500, 1, 1];
    for (number, &len) in (0..).zip(&lengths) {
        put(&mut outbox, path(0, &first), &datagram(number, len));
        put(&mut outbox, path(0, &second), &datagram(number + 100, len));
    }
    let mut sender = Sender::new(64);
    sender.send(&ours, &outbox);
    assert_eq!((sender.calls(), sender.failures()), (1, 0), "one call for all");
    for (peer, base) in [(&first, 0), (&second, 100)] {
        let expected: Vec<Vec<u8>> = (base..).zip(&lengths).map(|(number, &len)| datagram(number, len)).collect();
        assert_eq!(heard(peer, lengths.len()), expected);
        assert!(hears_nothing(peer));
    }
}

#[test]
fn each_socket_sends_its_own_and_both_families_work() {
    let (ours, four) = (ours(), peer());
    let six = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    six.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut outbox = Outbox::new(8);
    put(&mut outbox, path(1, &six), b"six");
    put(&mut outbox, path(0, &four), b"four");
    put(&mut outbox, path(1, &six), b"SIX");
    // A socket that does not exist sends nothing and harms nothing.
    put(&mut outbox, path(7, &four), b"none");
    let mut sender = Sender::new(8);
    sender.send(&ours, &outbox);
    assert_eq!((sender.calls(), sender.failures()), (2, 0));
    for (peer, socket, expected) in [(&four, &ours[0], &[&b"four"[..]][..]), (&six, &ours[1], &[b"six", b"SIX"])] {
        let mut buffer = [0; 16];
        for datagram in expected {
            let (len, from) = peer.recv_from(&mut buffer).unwrap();
            assert_eq!((&buffer[..len], from), (*datagram, socket.local_addr().unwrap()));
        }
    }
}

#[test]
fn a_run_that_the_kernel_refuses_goes_one_by_one_and_the_destination_is_remembered() {
    let (ours, peer, other) = (ours(), peer(), peer());
    // No kernel takes 1,000 segments: EINVAL, from the kernel itself.
    let mut sender = Sender::new(1_024);
    sender.plan = Plan::new(1_024).with_segments_max(1_024);
    let mut outbox = Outbox::new(1_024);
    for number in 0..200 {
        put(&mut outbox, path(0, &peer), &datagram(number, 50));
    }
    put(&mut outbox, path(0, &other), b"a");
    put(&mut outbox, path(0, &other), b"b");
    sender.send(&ours, &outbox);
    let expected: Vec<Vec<u8>> = (0..200).map(|number| datagram(number, 50)).collect();
    assert_eq!(heard(&peer, 200), expected);
    assert_eq!(heard(&other, 2), [b"a", b"b"]);
    // The refused call, its datagrams in one call, and the rest of the batch.
    assert_eq!((sender.calls(), sender.failures()), (3, 0));
    assert!(sender.alone.contains(&path(0, &peer)) && !sender.alone.contains(&path(0, &other)));

    sender.send(&ours, &outbox);
    assert_eq!((sender.calls(), sender.failures()), (4, 0), "nothing is refused the second time");
    assert_eq!(heard(&peer, 200), expected);
}

#[test]
fn what_cannot_be_sent_is_counted_and_holds_up_nothing() {
    let (ours, peer) = (ours(), peer());
    // An IPv6 destination by an IPv4 socket is refused (EAFNOSUPPORT).
    let wrong = Path { socket: 0, remote: SocketAddr::from((Ipv6Addr::LOCALHOST, 9)) };
    let mut outbox = Outbox::new(8);
    put(&mut outbox, wrong, b"x");
    put(&mut outbox, wrong, b"y");
    put(&mut outbox, path(0, &peer), b"z");
    let mut sender = Sender::new(8);
    sender.send(&ours, &outbox);
    assert_eq!(heard(&peer, 1), [b"z"]);
    assert_eq!((sender.calls(), sender.failures()), (2, 2));
    assert!(sender.alone.is_empty());
}

#[test]
fn a_closed_port_at_the_other_end_stops_neither_sending_nor_receiving() {
    let (ours, peer) = (ours(), peer());
    let closed = path(0, &self::peer());
    let mut outbox = Outbox::new(8);
    put(&mut outbox, closed, b"x");
    put(&mut outbox, path(0, &peer), b"y");
    let mut sender = Sender::new(8);
    sender.send(&ours, &outbox);
    sender.send(&ours, &outbox);
    assert_eq!(heard(&peer, 2), [b"y", b"y"]);
    peer.send_to(b"back", ours[0].local_addr().unwrap()).unwrap();
    let mut got = Vec::new();
    Receiver::default().receive(0, &ours[0], |_, _, bytes| got.push(bytes.to_vec()));
    assert_eq!(got, [b"back"]);
}

#[test]
fn every_message_is_sent_or_refused_once_and_a_full_socket_ends_the_turn() {
    let error = |code: i32| Err(io::Error::from_raw_os_error(code));
    // What the kernel answers call by call; the calls expected, as the first message of each; the messages refused.
    type Row<'a> = (Vec<io::Result<usize>>, &'a [usize], &'a [usize]);
    let table: [Row<'_>; 6] = [
        (vec![Ok(5)], &[0], &[]),
        (vec![Ok(2), Ok(3)], &[0, 2], &[]),
        (vec![error(libc::EPERM), Ok(4)], &[0, 1], &[0]),
        (vec![Ok(2), error(libc::ENOBUFS), Ok(2)], &[0, 2, 3], &[2]),
        (vec![Ok(2), error(libc::EAGAIN)], &[0, 2], &[2, 3, 4]),
        ((0..5).map(|_| error(libc::ECONNREFUSED)).collect(), &[0, 1, 2, 3, 4], &[0, 1, 2, 3, 4]),
    ];
    for (answers, expected_calls, expected_refused) in table {
        let (mut answers, mut firsts, mut refused) = (answers.into_iter(), Vec::new(), Vec::new());
        let send = |first| {
            firsts.push(first);
            answers.next().unwrap()
        };
        let calls = drive(5, send, |message, _| refused.push(message));
        assert_eq!((firsts.as_slice(), refused.as_slice()), (expected_calls, expected_refused));
        assert_eq!(calls, expected_calls.len() as u64);
        assert!(answers.next().is_none());
    }
}
