//! The bot's offer, written by hand, and the few things it wants from the answer.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::Problem;

pub const OPUS: u8 = 111;
pub const VP8: u8 = 96;

/// What the bot sends, and the credentials of its end.
pub struct Offer<'a> {
    pub ufrag: &'a str,
    pub password: &'a str,
    /// `AB:CD:…` of the certificate that it will show, or claims to show.
    pub fingerprint: &'a str,
    pub audio_ssrc: u32,
    pub video_ssrc: u32,
}

impl Offer<'_> {
    /// Microphone and camera to send, three sounds and three pictures to receive, all in one bundle.
    pub fn text(&self) -> String {
        let mids: Vec<String> = (0..8).map(|mid| mid.to_string()).collect();
        let mut sdp = format!(
            "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\na=msid-semantic: WMS\r\n",
            mids.join(" ")
        );
        self.line(&mut sdp, "0", Kind::Audio, "sendonly", Some(self.audio_ssrc));
        self.line(&mut sdp, "1", Kind::Video, "sendonly", Some(self.video_ssrc));
        for pair in 0..3 {
            self.line(&mut sdp, &mids[2 + 2 * pair], Kind::Audio, "recvonly", None);
            self.line(&mut sdp, &mids[3 + 2 * pair], Kind::Video, "recvonly", None);
        }
        sdp
    }

    fn line(&self, sdp: &mut String, mid: &str, kind: Kind, direction: &str, ssrc: Option<u32>) {
        let (media, codec) = match kind {
            Kind::Audio => (
                format!("audio 9 UDP/TLS/RTP/SAVPF {OPUS}"),
                format!("a=rtpmap:{OPUS} opus/48000/2\r\na=fmtp:{OPUS} minptime=10;useinbandfec=1\r\n"),
            ),
            Kind::Video => (
                format!("video 9 UDP/TLS/RTP/SAVPF {VP8}"),
                format!("a=rtpmap:{VP8} VP8/90000\r\na=rtcp-fb:{VP8} nack pli\r\na=rtcp-fb:{VP8} ccm fir\r\n"),
            ),
        };
        sdp.push_str(&format!(
            "m={media}\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:sha-256 {}\r\na=setup:actpass\r\na=mid:{mid}\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na={direction}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{codec}",
            self.ufrag, self.password, self.fingerprint,
        ));
        if let Some(ssrc) = ssrc {
            sdp.push_str(&format!("a=msid:bot bot{mid}\r\na=ssrc:{ssrc} cname:bot\r\n"));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Audio,
    Video,
}

/// A stream that the answer says we will receive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub kind: Kind,
    /// The stream id: `seat2`.
    pub stream: String,
}

/// What the bot needs of the answer.
pub struct Answer {
    pub ufrag: String,
    pub password: String,
    pub address: SocketAddr,
    pub fingerprint: String,
    /// By SSRC.
    pub lines: HashMap<u32, Line>,
}

impl Answer {
    /// Reads the answer as any stranger would: line by line.
    pub fn parse(text: &str) -> Result<Answer, Problem> {
        let value = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .map(str::to_owned)
                .ok_or_else(|| Problem::from(format!("no {name}")))
        };
        let address = text
            .lines()
            .filter_map(|line| line.strip_prefix("a=candidate:"))
            .filter_map(|candidate| {
                let words: Vec<&str> = candidate.split(' ').collect();
                let address: std::net::IpAddr = words.get(4)?.parse().ok()?;
                Some(SocketAddr::new(address, words.get(5)?.parse().ok()?))
            })
            .find(|address| address.is_ipv4() && address.ip().is_loopback())
            .ok_or("no candidate on loopback")?;
        let mut lines = HashMap::new();
        for section in text.split("\r\nm=").skip(1) {
            let kind = if section.starts_with("audio") { Kind::Audio } else { Kind::Video };
            let stream = section.lines().find_map(|line| line.strip_prefix("a=msid:")).and_then(|msid| msid.split(' ').next());
            let ssrc = section
                .lines()
                .find_map(|line| line.strip_prefix("a=ssrc:"))
                .and_then(|rest| rest.split(' ').next()?.parse().ok());
            if let (Some(stream), Some(ssrc)) = (stream, ssrc) {
                lines.insert(ssrc, Line { kind, stream: stream.to_owned() });
            }
        }
        Ok(Answer {
            ufrag: value("a=ice-ufrag:")?,
            password: value("a=ice-pwd:")?,
            fingerprint: value("a=fingerprint:sha-256 ")?,
            address,
            lines,
        })
    }
}
