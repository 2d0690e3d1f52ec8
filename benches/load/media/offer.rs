//! What bots offer and read of answers: SDP as text, since it is a stranger's that they speak.

use std::net::SocketAddr;

use crate::bot::Problem;
use crate::bot::connection::Far;
pub use crate::bot::sdp::Kind;
use crate::media::mix::{OPUS, RTX, VP8};

/// A stream that a leg receives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub ssrc: u32,
    pub kind: Kind,
    /// Whose seat stands behind it.
    pub from: u8,
}

/// The header extensions that bots send (RFC 8285).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExtensionIds {
    pub mid: u8,
    pub rid: u8,
    pub audio_level: u8,
    pub transport_cc: u8,
}

/// As offered.
pub const IDS: ExtensionIds = ExtensionIds { mid: 4, rid: 10, audio_level: 1, transport_cc: 3 };

pub const TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// Which way media flows on an m-line, as its writer sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Send,
    Receive,
}

/// The own end of a connection.
pub struct Near<'a> {
    pub ufrag: &'a str,
    pub password: &'a str,
    pub fingerprint: &'a str,
    /// `actpass` in an offer, `active` in an answer.
    pub setup: &'a str,
}

/// The lines of a description, each with its mid in order. What is sent is a microphone and a camera in three layers.
pub fn describe(near: &Near<'_>, lines: &[(Kind, Way)]) -> String {
    let mids: Vec<String> = (0..lines.len()).map(|mid| mid.to_string()).collect();
    let mut text = format!(
        "v=0\r\no=- 4611731400430051337 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n",
        mids.join(" ")
    );
    for (mid, &(kind, way)) in mids.iter().zip(lines) {
        line(&mut text, near, mid, kind, way);
    }
    text
}

fn line(text: &mut String, near: &Near<'_>, mid: &str, kind: Kind, way: Way) {
    let ExtensionIds { mid: mid_id, rid, audio_level, transport_cc } = IDS;
    let media = match kind {
        Kind::Audio => format!("audio 9 UDP/TLS/RTP/SAVPF {OPUS}"),
        Kind::Video => format!("video 9 UDP/TLS/RTP/SAVPF {VP8} {RTX}"),
    };
    text.push_str(&format!("m={media}\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"));
    text.push_str(&format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=ice-options:trickle\r\n", near.ufrag, near.password));
    text.push_str(&format!("a=fingerprint:sha-256 {}\r\na=setup:{}\r\na=mid:{mid}\r\n", near.fingerprint, near.setup));
    text.push_str(&format!(
        "a=extmap:{mid_id} urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:{transport_cc} {TRANSPORT_CC}\r\n"
    ));
    match kind {
        Kind::Audio => text.push_str(&format!("a=extmap:{audio_level} urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n")),
        Kind::Video => text.push_str(&format!("a=extmap:{rid} urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n")),
    }
    text.push_str(if way == Way::Send { "a=sendonly\r\na=msid:- bot\r\n" } else { "a=recvonly\r\n" });
    text.push_str("a=rtcp-mux\r\na=rtcp-rsize\r\n");
    match kind {
        Kind::Audio => text.push_str(&format!(
            "a=rtpmap:{OPUS} opus/48000/2\r\na=rtcp-fb:{OPUS} transport-cc\r\na=fmtp:{OPUS} minptime=10;useinbandfec=1\r\n"
        )),
        Kind::Video => text.push_str(&format!(
            "a=rtpmap:{VP8} VP8/90000\r\na=rtcp-fb:{VP8} transport-cc\r\na=rtcp-fb:{VP8} ccm fir\r\na=rtcp-fb:{VP8} nack\r\na=rtcp-fb:{VP8} nack pli\r\na=rtpmap:{RTX} rtx/90000\r\na=fmtp:{RTX} apt={VP8}\r\n"
        )),
    }
    if (kind, way) == (Kind::Video, Way::Send) {
        text.push_str("a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n");
    }
}

/// The answer to an offer of nothing but lines to us: all as it was offered, with our own end.
pub fn mirror(offer: &str, near: &Near<'_>) -> String {
    let theirs = ["a=candidate:", "a=end-of-candidates", "a=ssrc", "a=msid", "a=ice-lite", "a=ice-options:"];
    let mut text = String::new();
    for line in offer.lines().filter(|line| !theirs.iter().any(|name| line.starts_with(name))) {
        let name = line.split([':', ' ']).next().unwrap_or(line);
        match name {
            "a=ice-ufrag" => text.push_str(&format!("{name}:{}", near.ufrag)),
            "a=ice-pwd" => text.push_str(&format!("{name}:{}", near.password)),
            "a=fingerprint" => text.push_str(&format!("{name}:sha-256 {}", near.fingerprint)),
            "a=setup" => text.push_str(&format!("{name}:{}", near.setup)),
            "a=sendonly" | "a=sendrecv" => text.push_str("a=recvonly"),
            _ => text.push_str(line),
        }
        text.push_str("\r\n");
    }
    text
}

/// The first value of `name` in a description.
pub fn value<'a>(text: &'a str, name: &str) -> Result<&'a str, Problem> {
    text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("a description has no {name}").into())
}

/// What a description says of its writer's end.
pub fn far(text: &str) -> Result<Far, Problem> {
    let address = |candidate: &str| -> Option<SocketAddr> {
        // RFC 8839 §5.1: foundation, component, transport, priority, address, port.
        let words: Vec<&str> = candidate.split(' ').collect();
        let is_udp = words.get(2)?.eq_ignore_ascii_case("udp") && *words.get(1)? == "1";
        let address: std::net::IpAddr = words.get(4)?.parse().ok()?;
        Some(SocketAddr::new(address, words.get(5)?.parse().ok()?)).filter(|address| is_udp && address.is_ipv4())
    };
    let mut addresses: Vec<SocketAddr> = text.lines().filter_map(|line| address(line.strip_prefix("a=candidate:")?)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() {
        return Err("the server announces no UDP address of IPv4".into());
    }
    Ok(Far {
        addresses,
        ufrag: value(text, "a=ice-ufrag:")?.to_owned(),
        password: value(text, "a=ice-pwd:")?.to_owned(),
        fingerprint: value(text, "a=fingerprint:sha-256 ")?.to_owned(),
    })
}

/// The media sections of a description.
pub fn sections(text: &str) -> impl Iterator<Item = (Kind, &str)> {
    text.split("\r\nm=").skip(1).map(|section| (if section.starts_with("audio") { Kind::Audio } else { Kind::Video }, section))
}

/// The first SSRC that a section declares: the media's own, before that of its repairs.
pub fn declared_ssrc(section: &str) -> Option<u32> {
    section.lines().find_map(|line| line.strip_prefix("a=ssrc:")?.split(' ').next()?.parse().ok())
}

/// The number of a header extension in a section (RFC 8285 §5).
pub fn extension(section: &str, uri: &str) -> Option<u8> {
    section.lines().find_map(|line| {
        let (number, of) = line.strip_prefix("a=extmap:")?.split_once(' ')?;
        let number = number.split('/').next()?;
        number.parse().ok().filter(|_| of.split(' ').next() == Some(uri))
    })
}

/// Whether a section takes transport-wide numbers, under the number that bots offer.
pub fn numbers_packets(section: &str) -> bool {
    section.lines().any(|line| line.strip_prefix("a=extmap:").is_some_and(|rest| rest.ends_with(TRANSPORT_CC)))
        && section.contains("transport-cc\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\na=group:BUNDLE 0\r\na=ice-lite\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendonly\r\na=mid:0\r\na=extmap:5/sendonly urn:a\r\na=extmap:6 urn:b\r\na=ice-ufrag:them\r\na=ice-pwd:secret\r\na=ice-options:trickle\r\na=fingerprint:sha-256 AA\r\na=setup:actpass\r\na=ssrc:7 cname:x\r\na=candidate:1 1 udp 1 127.0.0.2 9 typ host\r\n";

    #[test]
    fn an_answer_keeps_the_lines_and_has_another_end() {
        let near = Near { ufrag: "us", password: "word", fingerprint: "BB", setup: "active" };
        assert_eq!(
            mirror(OFFER, &near),
            "v=0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=recvonly\r\na=mid:0\r\na=extmap:5/sendonly urn:a\r\na=extmap:6 urn:b\r\na=ice-ufrag:us\r\na=ice-pwd:word\r\na=fingerprint:sha-256 BB\r\na=setup:active\r\n"
        );
    }

    #[test]
    fn extensions_are_found_by_their_whole_name() {
        for (uri, number) in [("urn:a", Some(5)), ("urn:b", Some(6)), ("urn:", None)] {
            assert_eq!(extension(OFFER, uri), number, "{uri}");
        }
    }
}
