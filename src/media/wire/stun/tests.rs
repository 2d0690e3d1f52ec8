use std::net::SocketAddr;

use proptest::prelude::*;

use super::sample::{RFC_5769_PASSWORD, RFC_5769_REQUEST, RFC_5769_TRANSACTION, Sample};
use super::*;
use crate::base::DropReason;
use crate::media::crypto::HmacSha1;

fn key() -> HmacSha1 {
    HmacSha1::new(RFC_5769_PASSWORD.as_bytes())
}

fn parse(datagram: &[u8]) -> Result<Request<'_>, DropReason> {
    Request::parse(datagram)
}

fn is_signed(request: &Request<'_>) -> bool {
    request.integrity.is_some_and(|integrity| key().verify(&integrity.covered(), integrity.tag))
}

#[test]
fn the_request_of_rfc_5769_reads_as_it_says() {
    let request = parse(RFC_5769_REQUEST).unwrap();
    assert_eq!(request.transaction, RFC_5769_TRANSACTION);
    assert_eq!(request.username, Some(&b"evtj:h6vY"[..]));
    assert_eq!(request.priority, Some(0x6e00_01ff));
    assert_eq!(request.ice_controlled, Some(0x932f_f9b1_5126_3b36));
    assert_eq!(request.ice_controlling, None);
    assert!(!request.use_candidate);
    assert!(request.unknown().is_empty());
    assert!(is_signed(&request));
    assert_eq!(local_ufrag(RFC_5769_REQUEST), Ok(&b"evtj"[..]));
}

#[test]
fn any_changed_byte_of_a_request_shows() {
    for place in 0..RFC_5769_REQUEST.len() {
        let mut changed = RFC_5769_REQUEST.to_vec();
        changed[place] ^= 0x10;
        assert!(parse(&changed).is_err(), "{place}");
    }
}

#[test]
fn integrity_covers_what_stands_before_it_and_nothing_behind() {
    let longer = Sample::check("a:b").signed(RFC_5769_PASSWORD).with(0x8022, b"behind").marked().bytes();
    assert!(is_signed(&parse(&longer).unwrap()));
    let other = Sample::check("a:b").signed("another").marked().bytes();
    assert!(!is_signed(&parse(&other).unwrap()));
}

#[test]
fn what_follows_integrity_is_ignored() {
    let datagram = Sample::request()
        .signed(RFC_5769_PASSWORD)
        .with(0x0006, b"late:user")
        .with(0x0025, &[])
        .with(0x7abc, b"would have to be understood")
        .with(0x0024, b"no priority is seven bytes")
        .marked()
        .bytes();
    let request = parse(&datagram).unwrap();
    assert_eq!((request.username, request.use_candidate, request.unknown()), (None, false, &[][..]));
}

#[test]
fn of_several_attributes_of_one_kind_the_first_counts() {
    let datagram = Sample::request()
        .with(0x0006, b"first:user")
        .with(0x0006, b"second:user")
        .with(0x0024, &[0, 0, 0, 1])
        .with(0x0024, &[0, 0, 0, 2])
        .signed(RFC_5769_PASSWORD)
        .signed("another")
        .marked()
        .bytes();
    let request = parse(&datagram).unwrap();
    assert_eq!((request.username, request.priority), (Some(&b"first:user"[..]), Some(1)));
    assert!(is_signed(&request));
    assert_eq!(local_ufrag(&datagram), Ok(&b"first"[..]));
}

#[test]
fn unknown_attributes_are_named_if_they_matter_and_ignored_if_not() {
    let mut sample = Sample::check("a:b").with(0xC070, b"x").with(0xC071, b"").with(0x8022, b"software");
    for kind in 0x7000..0x7020 {
        sample = sample.with(kind, b"?");
    }
    let datagram = sample.ended(RFC_5769_PASSWORD);
    let request = parse(&datagram).unwrap();
    assert_eq!(request.unknown(), [0x7000, 0x7001, 0x7002, 0x7003, 0x7004, 0x7005, 0x7006, 0x7007]);
}

#[test]
fn what_is_no_well_formed_binding_request_is_refused() {
    let good = Sample::check("a:b").ended("x");
    assert!(parse(&good).is_ok());
    let changed = |place: usize, byte: u8| {
        let mut datagram = good.clone();
        datagram[place] = byte;
        datagram
    };
    let mut early = Sample::check("a:b").signed("x").marked().with(0x8022, b"more").bytes();
    let place = early.len() - 16;
    let crc = fingerprint(&early[..place]).to_be_bytes();
    early[place + 4..place + 8].copy_from_slice(&crc);
    // Refused for itself and not for its CRC: the fingerprint is made after the fault.
    let cases: [(&str, Vec<u8>); 14] = [
        ("empty", vec![]),
        ("a header cut short", good[..19].to_vec()),
        ("nothing but a header", good[..20].to_vec()),
        ("an indication", Sample::message(0x0011).signed("x").marked().bytes()),
        ("a response", Sample::message(0x0101).signed("x").marked().bytes()),
        ("an allocate request", Sample::message(0x0003).signed("x").marked().bytes()),
        ("another cookie", changed(4, 0x20)),
        ("longer than it says", [&good[..], &[0; 4]].concat()),
        ("shorter than it says", good[..good.len() - 4].to_vec()),
        ("no fingerprint", Sample::check("a:b").signed("x").bytes()),
        ("a fingerprint that is not the last", early),
        ("a fingerprint of three bytes", Sample::check("a:b").signed("x").with(0x8028, &[1, 2, 3]).bytes()),
        ("integrity of another length", Sample::check("a:b").with(0x0008, &[0; 32]).marked().bytes()),
        ("a priority of another length", Sample::request().with(0x0024, &[0; 8]).ended("x")),
    ];
    for (what, datagram) in cases {
        assert_eq!(parse(&datagram).err(), Some(DropReason::StunMalformed), "{what}");
    }
}

#[test]
fn an_attribute_that_runs_over_the_end_is_refused() {
    for len in [5_u16, 8, 9, 0x7fff, 0xffff] {
        let mut datagram = Sample::request().with(0x0006, b"a:b!").bytes();
        datagram[22..24].copy_from_slice(&len.to_be_bytes());
        assert_eq!(parse(&datagram).err(), Some(DropReason::StunMalformed), "{len}");
        assert_eq!(local_ufrag(&datagram), Err(DropReason::StunMalformed), "{len}");
    }
}

#[test]
fn our_fragment_is_what_stands_before_the_first_colon() {
    let user = |name: &str| Sample::request().with(0x8022, b"first").with(0x0006, name.as_bytes()).bytes();
    for (username, fragment) in [
        ("ours:theirs", Ok(&b"ours"[..])),
        ("ours:the:irs", Ok(b"ours")),
        (":theirs", Ok(b"")),
        ("ours", Err(DropReason::StunUnknownUser)),
        ("", Err(DropReason::StunUnknownUser)),
    ] {
        assert_eq!(local_ufrag(&user(username)), fragment, "{username}");
    }
    assert_eq!(local_ufrag(&Sample::request().bytes()), Err(DropReason::StunUnknownUser));
    assert_eq!(local_ufrag(b"\x00\x01"), Err(DropReason::StunMalformed));
}

/// The addresses are those of RFC 5769 §2.2 and §2.3; the bytes come from another implementation's HMAC and CRC.
#[test]
fn answers_are_written_as_others_write_them() {
    let from = |text: &str| text.parse::<SocketAddr>().unwrap();
    let finish = |response: Response<'_>| response.finish(|covered| key().tag(&[covered]));
    let mut buffer = [0xee; RESPONSE_MAX];
    let mut check = |begin: &dyn Fn(&mut [u8; RESPONSE_MAX]) -> usize, expected: &str| {
        let len = begin(&mut buffer);
        assert_eq!(data_encoding::HEXLOWER.encode(&buffer[..len]), expected);
    };
    check(
        &|buffer| finish(Response::success(buffer, RFC_5769_TRANSACTION, from("192.0.2.1:32853"))),
        "0101002c2112a442b7e7a701bc34d686fa87dfae002000080001a147e112a643\
         0008001474c9371ebf3148548518699c3e3174c20dd9e68a80280004fae4043a",
    );
    check(
        &|buffer| finish(Response::success(buffer, RFC_5769_TRANSACTION, from("[2001:db8:1234:5678:11:2233:4455:6677]:32853"))),
        "010100382112a442b7e7a701bc34d686fa87dfae002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9\
         00080014ee33a0555319eec10ad5fbfdf8733d196e552b3c802800045ded7186",
    );
    check(
        &|buffer| finish(Response::refusal(buffer, RFC_5769_TRANSACTION, Refusal::RoleConflict)),
        "011100382112a442b7e7a701bc34d686fa87dfae0009001100000457526f6c6520436f6e666c696374000000\
         00080014311281211954e91b36277b009303cc0fb479f99580280004b6d2d64f",
    );
    check(
        &|buffer| {
            let refusal = Refusal::UnknownAttributes(&[0x15, 0x7fff, 2]);
            finish(Response::refusal(buffer, RFC_5769_TRANSACTION, refusal))
        },
        "011100482112a442b7e7a701bc34d686fa87dfae0009001500000414556e6b6e6f776e20417474726962757465000000\
         000a000600157fff00020000000800140cb150287f9f61bb39ed045a1c88a8013973a461802800045140920d",
    );
}

#[test]
fn the_longest_refusal_fits() {
    let mut buffer = [0; RESPONSE_MAX];
    let refusal = Refusal::UnknownAttributes(&[0x7000; 3 * UNKNOWN_MAX]);
    let len = Response::refusal(&mut buffer, RFC_5769_TRANSACTION, refusal).finish(|covered| key().tag(&[covered]));
    assert!(len <= RESPONSE_MAX);
}

#[test]
fn no_length_and_no_first_byte_is_a_request() {
    let mut garbage = [0x5a; 1_500];
    for len in 0..=garbage.len() {
        for first in 0..=255 {
            garbage[0] = first;
            assert!(parse(&garbage[..len]).is_err());
            assert!(local_ufrag(&garbage[..len]).is_err());
        }
    }
}

proptest! {
    /// Behind a right header anything may follow.
    #[test]
    fn no_body_makes_the_parser_fall(body in prop::collection::vec(any::<u8>(), 0..300), kinds in prop::collection::vec((0..0x2b_u16, 0..24_u16), 0..20)) {
        let mut datagram = Sample::request().bytes();
        for (kind, len) in kinds {
            datagram.extend(kind.to_be_bytes());
            datagram.extend(len.to_be_bytes());
            datagram.extend(&body[..body.len().min(usize::from(len))]);
        }
        datagram.extend(&body);
        datagram.truncate(datagram.len() / 4 * 4);
        let len = u16::try_from(datagram.len() - 20).unwrap();
        datagram[2..4].copy_from_slice(&len.to_be_bytes());
        prop_assert!(parse(&datagram).is_err());
        let _ = local_ufrag(&datagram);
    }
}
