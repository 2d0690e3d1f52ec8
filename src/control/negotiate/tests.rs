//! Real offers, what they become, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::link::terms::{ExtensionIds, InboundLine, OutboundLine, SourceKind};

const PAGE: &str = include_str!("../../../tests/fixtures/offers/chromium-156-page.sdp");
const PUBLISHER: &str = include_str!("../../../tests/fixtures/offers/chromium-156-publisher.sdp");
const VIEWER: &str = include_str!("../../../tests/fixtures/offers/chromium-156-viewer.sdp");
const TWO_WAY: &str = include_str!("../../../tests/fixtures/offers/chromium-156-two-way.sdp");
const FIREFOX_PAGE: &str = include_str!("../../../tests/fixtures/offers/firefox-153-page.sdp");
const FIREFOX_PUBLISHER: &str = include_str!("../../../tests/fixtures/offers/firefox-153-publisher.sdp");
const FIREFOX_VIEWER: &str = include_str!("../../../tests/fixtures/offers/firefox-153-viewer.sdp");
const SAFARI: &str = include_str!("../../../tests/fixtures/offers/safari-26-two-way.sdp");

const ALL: &[&str] = &[PAGE, PUBLISHER, VIEWER, TWO_WAY, FIREFOX_PAGE, FIREFOX_PUBLISHER, FIREFOX_VIEWER, SAFARI];

fn local() -> LocalMedia {
    let candidates = ["192.0.2.1:5004", "[2001:db8::1]:5004", "192.0.2.1:5006"];
    LocalMedia { fingerprint: Fingerprint([0xa5; 32]), candidates: candidates.map(|address| address.parse().unwrap()).to_vec() }
}

/// Answers with randomness that counts.
fn negotiate(offer: &str, seat: u8) -> Result<Negotiated, OfferError> {
    let mut next = 0u8;
    let mut random = |bytes: &mut [u8]| bytes.fill_with(|| (next = next.wrapping_add(1), next).1);
    answer(offer, Seat::new(seat).unwrap(), &local(), &mut random)
}

fn refused(offer: &str) -> Option<OfferError> {
    negotiate(offer, 0).err()
}

fn inbound(line: &InboundLine) -> String {
    let rids: String = line.rids.iter().map(|rid| format!(" {}{}", rid.id, rid.layer)).collect();
    let announced = match (line.ssrc, line.rtx_ssrc) {
        (Some(_), Some(_)) => " ssrc rtx-ssrc",
        (Some(_), None) => " ssrc",
        (None, _) => "",
    };
    let feedback = if line.transport_cc { " cc" } else { "" };
    let nack = if line.nack { " nack" } else { "" };
    let red = line.red_payload_type.map(|red| format!(" red {red}")).unwrap_or_default();
    format!(
        "{:?} in  {:?} {} {:?}{announced}{feedback}{nack}{red}{rids}",
        line.mid, line.kind, line.payload_type, line.rtx_payload_type
    )
}

fn outbound(line: &OutboundLine) -> String {
    let rtx = if line.rtx_ssrc.is_some() { " rtx-ssrc" } else { "" };
    let feedback = if line.transport_cc { " cc" } else { "" };
    let red = line.red_payload_type.map(|red| format!(" red {red}")).unwrap_or_default();
    format!(
        "{:?} out {:?}/{} {} {:?}{rtx}{feedback}{red}",
        line.mid, line.kind, line.line, line.payload_type, line.rtx_payload_type
    )
}

/// The terms of an offer, a line for each of theirs.
fn terms(offer: &str) -> Vec<String> {
    let terms = negotiate(offer, 2).map_err(|error| error.to_string()).unwrap().terms;
    terms.inbound.iter().map(inbound).chain(terms.outbound.iter().map(outbound)).collect()
}

#[test]
fn our_page_in_chromium_becomes_three_lines_in_and_seven_out() {
    assert_eq!(
        terms(PAGE),
        [
            "0 in  Microphone 111 None ssrc cc red 63",
            "1 in  Camera 96 Some(97) cc nack q0 h1 f2",
            "2 in  Screen 96 Some(97) ssrc rtx-ssrc cc nack",
            "3 out Microphone/0 111 None cc red 63",
            "4 out Camera/0 96 Some(97) rtx-ssrc cc",
            "5 out Microphone/1 111 None cc red 63",
            "6 out Camera/1 96 Some(97) rtx-ssrc cc",
            "7 out Microphone/2 111 None cc red 63",
            "8 out Camera/2 96 Some(97) rtx-ssrc cc",
            "9 out Screen/0 96 Some(97) rtx-ssrc cc",
        ]
    );
    let terms = negotiate(PAGE, 2).unwrap().terms;
    let extensions = ExtensionIds {
        mid: 4,
        rid: 10,
        repaired_rid: 11,
        transport_cc: 3,
        abs_send_time: 0,
        audio_level: 1,
        video_orientation: 13,
        playout_delay: 5,
        layers_allocation: 9,
    };
    assert_eq!(terms.extensions, extensions);
    assert_eq!((terms.fingerprints.len(), terms.remote.ufrag.len(), terms.remote.password.expose().len()), (1, 4, 24));
}

#[test]
fn our_page_in_firefox_becomes_the_same() {
    assert_eq!(
        terms(FIREFOX_PAGE),
        [
            "0 in  Microphone 109 None ssrc cc",
            "1 in  Camera 120 Some(124) cc nack q0 h1 f2",
            "2 in  Screen 120 Some(124) ssrc rtx-ssrc cc nack",
            "3 out Microphone/0 109 None cc",
            "4 out Camera/0 120 Some(124) rtx-ssrc cc",
            "5 out Microphone/1 109 None cc",
            "6 out Camera/1 120 Some(124) rtx-ssrc cc",
            "7 out Microphone/2 109 None cc",
            "8 out Camera/2 120 Some(124) rtx-ssrc cc",
            "9 out Screen/0 120 Some(124) rtx-ssrc cc",
        ]
    );
}

#[test]
fn plain_publishers_and_viewers_are_smaller_offers() {
    for (offer, expected) in [
        (PUBLISHER, ["0 in  Microphone 111 None ssrc cc red 63", "1 in  Camera 96 Some(97) ssrc rtx-ssrc cc nack"]),
        (VIEWER, ["0 out Microphone/0 111 None cc red 63", "1 out Camera/0 96 Some(97) rtx-ssrc cc"]),
        (TWO_WAY, ["0 in  Microphone 111 None ssrc cc red 63", "1 in  Camera 96 Some(97) ssrc rtx-ssrc cc nack"]),
        (FIREFOX_PUBLISHER, ["0 in  Microphone 109 None ssrc cc", "1 in  Camera 120 Some(124) ssrc rtx-ssrc cc nack"]),
        (FIREFOX_VIEWER, ["0 out Microphone/0 109 None cc", "1 out Camera/0 120 Some(124) rtx-ssrc cc"]),
        (SAFARI, ["0 in  Microphone 111 None ssrc cc red 63", "1 in  Camera 107 Some(108) ssrc rtx-ssrc cc nack"]),
    ] {
        assert_eq!(terms(offer), expected);
    }
}

/// The answer's lines without what is random.
fn answered(offer: &str) -> Vec<String> {
    let answer = negotiate(offer, 2).unwrap().answer;
    assert!(answer.ends_with("\r\n"));
    let hidden = ["o=", "a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=ssrc"];
    let lines = answer.lines().filter(|line| !hidden.iter().any(|hidden| line.starts_with(hidden)));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_answer_to_a_publisher_is_this() {
    let expected = "\
v=0
s=-
t=0 0
a=group:BUNDLE 0 1
a=ice-lite
a=ice-options:ice2 trickle
a=msid-semantic:WMS *
a=extmap-allow-mixed
m=audio 9 UDP/TLS/RTP/SAVPF 63 111
c=IN IP4 0.0.0.0
a=mid:0
a=rtcp-mux
a=rtcp-rsize
a=setup:passive
a=candidate:1 1 udp 2130706431 192.0.2.1 5004 typ host
a=candidate:2 1 udp 2130706175 2001:db8::1 5004 typ host
a=candidate:1 1 udp 2130705919 192.0.2.1 5006 typ host
a=end-of-candidates
a=recvonly
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=mid:1
a=rtcp-mux
a=rtcp-rsize
a=setup:passive
a=recvonly
a=extmap:13 urn:3gpp:video-orientation
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96";
    assert_eq!(answered(PUBLISHER), expected.lines().collect::<Vec<_>>());
}

#[test]
fn a_line_that_we_send_on_has_its_own_extensions_and_feedback() {
    let expected = "\
a=sendonly
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:6/sendonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
a=extmap:7 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=rtpmap:120 VP8/90000
a=rtcp-fb:120 transport-cc
a=rtcp-fb:120 ccm fir
a=rtcp-fb:120 nack
a=rtcp-fb:120 nack pli
a=rtpmap:124 rtx/90000
a=fmtp:124 apt=120
a=msid:seat0 seat0-camera";
    let answered = answered(FIREFOX_VIEWER);
    let from = answered.iter().rposition(|line| line == "a=sendonly").unwrap();
    assert_eq!(answered[from..], expected.lines().collect::<Vec<_>>());
}

#[test]
fn line_k_of_sound_and_of_pictures_carry_the_same_other_seat() {
    for (seat, others) in [(0, [1, 2, 3]), (1, [0, 2, 3]), (2, [0, 1, 3]), (3, [0, 1, 2])] {
        let answer = negotiate(PAGE, seat).unwrap().answer;
        let msids: Vec<&str> = answer.lines().filter_map(|line| line.strip_prefix("a=msid:")).collect();
        let mut expected: Vec<String> = others
            .iter()
            .flat_map(|other| ["microphone", "camera"].map(|kind| format!("seat{other} seat{other}-{kind}")))
            .collect();
        expected.push("screen screen".to_owned());
        assert_eq!(msids, expected);
    }
}

#[test]
fn what_a_sender_says_of_its_layers_is_taken_up_where_it_counts_them_as_we_do() {
    const SAYS: &str = "a=extmap:9 http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00\r\n";
    let both_forms = "a=extmap-allow-mixed\r\n";
    for (offer, said, mixed) in [
        (PAGE.to_owned(), 1, true),
        (PAGE.replace("a=simulcast:send q;h;f", "a=simulcast:send f;h;q"), 0, true),
        (PAGE.replace("a=simulcast:send q;h;f", "a=simulcast:send f"), 0, true),
        (PAGE.replace(both_forms, ""), 1, false),
        (FIREFOX_PAGE.to_owned(), 0, false),
    ] {
        let Negotiated { answer, terms } = negotiate(&offer, 2).unwrap();
        assert_eq!((answer.matches(SAYS).count(), answer.contains(both_forms)), (said, mixed));
        let telling: Vec<_> = terms.inbound.iter().filter(|line| line.tells_layers).map(|line| line.kind).collect();
        assert_eq!(telling, vec![SourceKind::Camera; said]);
        assert_eq!(terms.extensions.layers_allocation != 0, said > 0);
    }
}

#[test]
fn the_answers_ssrcs_and_names_are_those_of_the_terms() {
    let Negotiated { answer, terms } = negotiate(PAGE, 1).unwrap();
    for line in &terms.outbound {
        assert!(answer.contains(&format!("a=ssrc:{} cname:{}\r\n", line.ssrc.0, terms.cname)));
        let Some(rtx) = line.rtx_ssrc else { continue };
        assert!(answer.contains(&format!("a=ssrc-group:FID {} {}\r\n", line.ssrc.0, rtx.0)));
    }
    assert!(answer.contains(&format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", terms.local.ufrag, terms.local.password.expose())));
    assert!(answer.contains(&format!("a=fingerprint:sha-256 {}A5\r\n", "A5:".repeat(31))));
}

#[test]
fn simulcast_is_taken_as_it_is_offered() {
    for page in [PAGE, FIREFOX_PAGE] {
        let answer = negotiate(page, 0).unwrap().answer;
        assert!(answer.contains("a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n"));
        let turned = negotiate(&page.replace("send q;h;f", "send f;~h;q"), 0).unwrap();
        assert!(turned.answer.contains("a=simulcast:recv f;h;q\r\n"));
        assert_eq!(turned.terms.inbound[1].rids.iter().map(|rid| rid.id.as_str()).collect::<Vec<_>>(), ["q", "h", "f"]);
        // Nothing tells the encodings apart without the rid extension.
        let blind = page.replace("sdes:rtp-stream-id", "sdes:other");
        assert!(!negotiate(&blind, 0).unwrap().answer.contains("simulcast"));
    }
}

#[test]
fn a_data_channel_is_rejected_and_left_out_of_the_bundle() {
    for offer in [TWO_WAY, SAFARI] {
        let lines = answered(offer);
        assert!(lines.contains(&"a=group:BUNDLE 0 1".to_owned()));
        assert_eq!(
            lines[lines.len() - 4..],
            ["m=application 0 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:2", "a=inactive"]
        );
    }
    // So is a line that its offerer gave up. Where it comes first, the transport is another line's.
    let first = TWO_WAY.replacen("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 0 UDP/TLS/RTP/SAVPF", 1);
    let ufrag = &negotiate(TWO_WAY, 0).unwrap().terms.remote.ufrag;
    let first = first.replacen(ufrag, "gone", 1);
    assert_eq!(&negotiate(&first, 0).unwrap().terms.remote.ufrag, ufrag);
    let lines = answered(&first);
    assert!(lines.contains(&"a=group:BUNDLE 1".to_owned()));
    assert!(lines.contains(&"m=audio 0 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126".to_owned()));
    assert_eq!(lines.iter().filter(|line| line.starts_with("a=candidate")).count(), 3);
}

#[test]
fn an_inactive_line_stays_inactive_and_has_no_terms() {
    let quiet = PUBLISHER.replacen("a=sendonly", "a=inactive", 1);
    assert_eq!(terms(&quiet), ["1 in  Camera 96 Some(97) ssrc rtx-ssrc cc nack"]);
    let lines = answered(&quiet);
    assert!(lines.contains(&"a=group:BUNDLE 0 1".to_owned()));
    assert_eq!(lines.iter().filter(|line| *line == "a=inactive").count(), 1);
}

#[test]
fn stereo_is_answered_as_offered() {
    for (offer, fmtp) in [
        (FIREFOX_PUBLISHER, "a=fmtp:109 minptime=10;useinbandfec=1;stereo=1"),
        (PUBLISHER, "a=fmtp:111 minptime=10;useinbandfec=1"),
    ] {
        assert!(answered(offer).contains(&fmtp.to_owned()));
    }
}

#[test]
fn lines_may_end_in_lf_alone() {
    assert_eq!(terms(&PAGE.replace("\r\n", "\n")), terms(PAGE));
}

#[test]
fn what_a_session_says_holds_for_its_lines() {
    let fingerprint = PUBLISHER.lines().find(|line| line.starts_with("a=fingerprint")).unwrap();
    let moved =
        PUBLISHER.replace(&format!("{fingerprint}\r\n"), "").replacen("t=0 0\r\n", &format!("t=0 0\r\n{fingerprint}\r\n"), 1);
    assert_eq!(negotiate(&moved, 0).unwrap().terms.fingerprints, negotiate(PUBLISHER, 0).unwrap().terms.fingerprints);
}

#[test]
fn what_an_offer_lacks_is_said() {
    use OfferError::*;
    let without = |start: &str| {
        PUBLISHER.lines().filter(|line| !line.starts_with(start)).map(|line| format!("{line}\r\n")).collect::<String>()
    };
    for start in ["a=ice-ufrag", "a=ice-pwd"] {
        assert_eq!(refused(&without(start)), Some(NoIce), "{start}");
    }
    for (start, error) in [
        ("a=group", NoBundle),
        ("a=fingerprint", NoFingerprint),
        ("a=setup", BadSetup),
        ("a=rtcp-mux", NoRtcpMux),
        ("a=mid", BadMid { line: 1 }),
        ("a=rtpmap:111", NoOpus { line: 1 }),
        ("a=rtpmap:96", NoVp8 { line: 2 }),
        ("m=", NothingOffered),
        ("v=", NotSdp { at: 1 }),
    ] {
        assert_eq!(refused(&without(start)), Some(error), "{start}");
    }
    // Without SSRCs the mid extension tells lines apart, and the other way round.
    assert_eq!(refused(&without("a=ssrc")), None);
    let unnamed: String = without("a=ssrc").replace("sdes:mid", "sdes:other");
    assert_eq!(refused(&unnamed), Some(Unrecognizable { line: 1 }));
}

#[test]
fn what_contradicts_itself_is_refused() {
    use OfferError::*;
    for (from, to, error) in [
        ("a=mid:1", "a=mid:0", MidTwice { line: 2 }),
        ("a=mid:1", "a=mid:seventeen-letters", BadMid { line: 2 }),
        ("a=group:BUNDLE 0 1", "a=group:BUNDLE 0", NotBundled { line: 2 }),
        ("a=group:BUNDLE 0 1", "a=group:BUNDLED 0 1", NoBundle),
        ("a=setup:actpass", "a=setup:passive", BadSetup),
        ("a=setup:actpass", "a=setup:holdconn", BadSetup),
        ("a=fingerprint:sha-256 ", "a=fingerprint:sha-1 ", NoFingerprint),
        ("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:", NoFingerprint),
        ("a=ice-ufrag:", "a=ice-ufrag:\u{fc}", NoIce),
        ("a=rtpmap:96 VP8", "a=rtpmap:96 VP7", NoVp8 { line: 2 }),
        ("SAVPF 111", "SAVPF 200", BadPayloadType { line: 1 }),
        ("SAVPF 111", "SAVPF 63", BadPayloadType { line: 1 }),
        ("a=fmtp:103 apt=102", "a=fmtp:103 apt=96", RtxConflict { line: 2 }),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:8 opus/48000/2\r\na=x", PayloadTypeConflict { line: 1 }),
        ("a=extmap:13 ", "a=extmap:4 ", ExtensionConflict { line: 2 }),
        ("a=extmap:13 ", "a=extmap:x ", BadExtension { line: 2 }),
        ("a=ssrc:", "a=ssrc:x", BadSsrc { line: 1 }),
        ("a=ssrc-group:FID ", "a=ssrc-group:FID x", BadSsrc { line: 2 }),
        ("m=video 9", "m=video ninth", BadMediaLine { line: 2 }),
        ("s=-", "s=\0", ControlCharacter { at: 3 }),
    ] {
        assert!(PUBLISHER.contains(from), "{from}");
        assert_eq!(refused(&PUBLISHER.replace(from, to)), Some(error), "{from} → {to}");
    }
    let microphone = negotiate(PUBLISHER, 0).unwrap().terms.inbound[0].ssrc.unwrap().0;
    let camera = negotiate(PUBLISHER, 0).unwrap().terms.inbound[1].ssrc.unwrap().0;
    assert_eq!(refused(&PUBLISHER.replace(&camera.to_string(), &microphone.to_string())), Some(SsrcTwice { line: 2 }));
    // Sound and pictures with one payload type.
    let one = PUBLISHER.replace("SAVPF 111", "SAVPF 96").replace(":111 ", ":96 ");
    assert_eq!(refused(&one), Some(PayloadTypeConflict { line: 2 }));
}

#[test]
fn credentials_are_neither_too_short_nor_too_long() {
    let with = |name: &str, length: usize| {
        let line = PUBLISHER.lines().find(|line| line.starts_with(name)).unwrap();
        refused(&PUBLISHER.replace(line, &format!("{name}{}", "x".repeat(length))))
    };
    for (name, least) in [("a=ice-ufrag:", 4), ("a=ice-pwd:", 22)] {
        assert_eq!([least - 1, least, 256, 257].map(|length| with(name, length).is_some()), [true, false, false, true], "{name}");
    }
}

/// An offer of one line of each of `directions`, all of one kind.
fn lines_of(kind: &str, directions: &[&str]) -> String {
    let mids: String = (0..directions.len()).map(|mid| format!(" {mid}")).collect();
    let mut offer = format!(
        "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=group:BUNDLE{mids}\na=ice-ufrag:abcd\na=ice-pwd:{}\na=setup:active\na=fingerprint:sha-256 {}00\n",
        "p".repeat(22),
        "00:".repeat(31)
    );
    for (mid, direction) in directions.iter().enumerate() {
        offer += &format!(
            "m={kind} 9 UDP/TLS/RTP/SAVPF 96 111\na=mid:{mid}\na=rtcp-mux\na={direction}\na=rtpmap:96 VP8/90000\na=rtpmap:111 opus/48000/2\na=ssrc:{} cname:x\n",
            100 + mid
        );
    }
    offer
}

#[test]
fn a_seat_has_so_many_lines_and_no_more() {
    for (kind, direction, most) in
        [("audio", "sendonly", 1), ("video", "sendonly", 2), ("audio", "recvonly", 3), ("video", "recvonly", 4)]
    {
        assert_eq!(refused(&lines_of(kind, &vec![direction; most])), None, "{kind} {direction}");
        match refused(&lines_of(kind, &vec![direction; most + 1])) {
            Some(OfferError::TooManyOfKind { line, most: said, .. }) => assert_eq!((line, said), (most + 1, most)),
            other => panic!("{kind} {direction}: {other:?}"),
        }
    }
    assert_eq!(refused(&lines_of("audio", &["inactive"; 16])), Some(OfferError::NothingOffered));
    assert_eq!(refused(&lines_of("audio", &["inactive"; 17])), Some(OfferError::TooManyLines));
    assert_eq!(refused(&lines_of("text", &["sendonly"])), Some(OfferError::NothingOffered));
}

#[test]
fn every_refusal_tells_what_to_do_and_nothing_of_the_offer() {
    let camera = negotiate(PUBLISHER, 0).unwrap().terms.inbound[1].ssrc.unwrap().0.to_string();
    let error = refused(&PUBLISHER.replace(&camera, "secret")).unwrap().to_string();
    assert_eq!(error, "media line 2 has an a=ssrc or a=ssrc-group that cannot be read");
}

#[test]
fn no_more_candidates_are_announced_than_allowed() {
    let local = LocalMedia { fingerprint: Fingerprint([0; 32]), candidates: vec![SocketAddr::from(([192, 0, 2, 7], 9)); 40] };
    let answer = answer(PAGE, Seat::PROVIDER, &local, &mut |bytes| bytes.fill(7)).unwrap().answer;
    assert_eq!(answer.matches("a=candidate:").count(), LocalMedia::CANDIDATES_MAX);
    assert_eq!(answer.matches("a=end-of-candidates").count(), 1);
}

#[test]
fn every_real_offer_has_an_answer_that_agrees_with_it() {
    for offer in ALL {
        assert_eq!(refused(offer), None);
        sdp(offer.as_bytes());
    }
}

/// One change of an offer's lines. Numbers pick by remainder, so that each always does something.
#[derive(Clone, Debug)]
enum Change {
    Drop(usize),
    Repeat(usize, usize),
    Swap(usize, usize),
    /// Puts a byte into a line.
    Garble(usize, usize, u8),
    /// Cuts a line short.
    Cut(usize, usize),
    /// Puts a number for the first digits of a line.
    Renumber(usize, u32),
    /// Takes a line from another offer.
    Graft(usize, usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<usize>;
    prop_oneof![
        at().prop_map(Change::Drop),
        (at(), at()).prop_map(|(from, to)| Change::Repeat(from, to)),
        (at(), at()).prop_map(|(a, b)| Change::Swap(a, b)),
        (at(), at(), any::<u8>()).prop_map(|(line, at, byte)| Change::Garble(line, at, byte)),
        (at(), at()).prop_map(|(line, at)| Change::Cut(line, at)),
        (at(), prop_oneof![0..260u32, any::<u32>()]).prop_map(|(line, number)| Change::Renumber(line, number)),
        (at(), at(), at()).prop_map(|(offer, from, to)| Change::Graft(offer, from, to)),
    ]
}

fn changed(offer: &str, changes: &[Change]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = offer.split_inclusive('\n').map(|line| line.as_bytes().to_vec()).collect();
    for change in changes {
        let count = lines.len();
        if count == 0 {
            break;
        }
        match *change {
            Change::Drop(at) => drop(lines.remove(at % count)),
            Change::Repeat(from, to) => lines.insert(to % count, lines[from % count].clone()),
            Change::Swap(a, b) => lines.swap(a % count, b % count),
            Change::Garble(line, at, byte) => {
                let line = &mut lines[line % count];
                let at = at % (line.len() + 1);
                line.insert(at, byte);
            }
            Change::Cut(line, at) => {
                let line = &mut lines[line % count];
                let keep = at % (line.len() + 1);
                line.truncate(keep);
                line.push(b'\n');
            }
            Change::Renumber(line, number) => {
                let line = &mut lines[line % count];
                let from = line.iter().position(u8::is_ascii_digit).unwrap_or(line.len());
                let to = from + line[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                line.splice(from..to, number.to_string().into_bytes());
            }
            Change::Graft(offer, from, to) => {
                let other: Vec<&str> = ALL[offer % ALL.len()].split_inclusive('\n').collect();
                lines.insert(to % count, other[from % other.len()].as_bytes().to_vec());
            }
        }
    }
    lines.concat()
}

proptest! {
    /// `sdp` panics where an answer disagrees with its offer or its terms.
    #[test]
    fn a_mutated_offer_is_refused_or_has_an_answer_that_agrees(
        offer in 0..ALL.len(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        sdp(&changed(ALL[offer], &changes));
    }

    #[test]
    fn no_bytes_make_the_parser_fall(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        sdp(&bytes);
        sdp(&[b"v=0\nm=audio 9 UDP/TLS/RTP/SAVPF 96\na=", &bytes[..]].concat());
    }
}

#[test]
fn an_offer_full_to_the_brim_is_answered_and_its_terms_fit_the_link() {
    let mut ssrcs = 1_000..;
    let mut offer = String::new();
    for line in lines_of("video", &["sendonly", "sendonly", "recvonly", "recvonly", "recvonly", "recvonly"]).split_inclusive('\n')
    {
        offer += line;
        if line.starts_with("a=rtcp-mux") {
            // Six attributes stand there already.
            offer.extend(ssrcs.by_ref().take(text::ATTRIBUTES_MAX - 6).map(|ssrc| format!("a=ssrc:{ssrc} cname:x\n")));
        }
    }
    assert_eq!(refused(&offer), None);
    sdp(offer.as_bytes());
    assert_eq!(refused(&offer.replace("a=rtcp-mux\n", "a=rtcp-mux\na=x\n")), Some(OfferError::TooManyAttributes));
}
