//! One section of an offer as typed values.

use super::OfferError;
use super::codec::Codecs;
use super::extension::Offered;
use super::simulcast::Simulcast;
use super::text::{Attribute, Section};
use crate::link::Fingerprint;
use crate::link::terms::{Mid, Ssrc};

/// Who sends on a line, as its writer sees it (RFC 8866 §6.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    pub(super) fn parse(text: &str) -> Option<Direction> {
        match text {
            "sendrecv" => Some(Self::SendRecv),
            "sendonly" => Some(Self::SendOnly),
            "recvonly" => Some(Self::RecvOnly),
            "inactive" => Some(Self::Inactive),
            _ => None,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The same as the other side sees it.
    pub(super) const fn reversed(self) -> Direction {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::SendRecv | Self::Inactive => self,
        }
    }
}

/// Sound or pictures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MediaKind {
    Audio,
    Video,
}

/// The `m=` line.
#[derive(Clone, Copy)]
pub(super) struct Heading<'a> {
    pub(super) kind: &'a str,
    pub(super) protocol: &'a str,
    pub(super) formats: &'a str,
    port: u16,
}

impl<'a> Heading<'a> {
    pub(super) fn parse(text: &'a str, line: usize) -> Result<Self, OfferError> {
        let bad = OfferError::BadMediaLine { line };
        let mut words = text.splitn(4, ' ');
        let (Some(kind), Some(port), Some(protocol), Some(formats)) = (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(bad);
        };
        // A rejected line is repeated in the answer: only visible ASCII may be.
        let visible = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible(kind) || !visible(protocol) || !formats.split(' ').all(visible) {
            return Err(bad);
        }
        let port = port.parse().map_err(|_| bad)?;
        Ok(Self { kind, protocol, formats, port })
    }
}

/// What a section says of its transport; a session may say it for all.
#[derive(Clone, Default)]
pub(super) struct Transport<'a> {
    pub(super) ufrag: Option<&'a str>,
    pub(super) password: Option<&'a str>,
    /// Of the kind that we check, SHA-256; `None` inside for one that is none.
    pub(super) fingerprints: Vec<Option<Fingerprint>>,
    pub(super) setup: Option<&'a str>,
    pub(super) rtcp_mux: bool,
}

impl<'a> Transport<'a> {
    /// What these attributes say of it.
    pub(super) fn of(attributes: &[Attribute<'a>]) -> Self {
        let mut transport = Transport::default();
        attributes.iter().for_each(|attribute| transport.take(attribute));
        transport
    }

    /// Takes an attribute if it is one of a transport's.
    fn take(&mut self, attribute: &Attribute<'a>) {
        match attribute.name {
            "ice-ufrag" => self.ufrag = Some(attribute.value),
            "ice-pwd" => self.password = Some(attribute.value),
            "fingerprint" => {
                let (hash, hex) = attribute.value.split_once(' ').unwrap_or((attribute.value, ""));
                if hash.eq_ignore_ascii_case("sha-256") {
                    self.fingerprints.push(fingerprint(hex.trim()));
                }
            }
            "setup" => self.setup = Some(attribute.value),
            "rtcp-mux" => self.rtcp_mux = true,
            _ => {}
        }
    }

    /// What stands in the section counts before what stands in the session (RFC 8839 §5.4, RFC 8122 §5).
    pub(super) fn or(mut self, session: &Transport<'a>) -> Self {
        self.ufrag = self.ufrag.or(session.ufrag);
        self.password = self.password.or(session.password);
        self.setup = self.setup.or(session.setup);
        if self.fingerprints.is_empty() {
            self.fingerprints.clone_from(&session.fingerprints);
        }
        self
    }
}

/// `AB:CD:…`, 32 bytes (RFC 8122 §5).
fn fingerprint(hex: &str) -> Option<Fingerprint> {
    let mut bytes = [0; 32];
    let mut pairs = hex.split(':');
    for byte in &mut bytes {
        let pair = pairs.next().filter(|pair| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    pairs.next().is_none().then_some(Fingerprint(bytes))
}

/// What the session's own attributes say for all lines.
pub(super) struct Session<'a> {
    transport: Transport<'a>,
    direction: Direction,
    /// The mids of the first BUNDLE group.
    pub(super) bundle: Option<&'a str>,
    /// Whether one stream may have header extensions in both forms (RFC 8285 §6).
    pub(super) mixes_extensions: bool,
}

impl<'a> Session<'a> {
    pub(super) fn read(attributes: &[Attribute<'a>]) -> Self {
        // RFC 8866 §6.7: sendrecv is the default.
        let mut session =
            Session { transport: Transport::default(), direction: Direction::SendRecv, bundle: None, mixes_extensions: false };
        for attribute in attributes {
            session.transport.take(attribute);
            session.direction = Direction::parse(attribute.name).unwrap_or(session.direction);
            session.mixes_extensions |= attribute.name == "extmap-allow-mixed";
            if attribute.name == "group" && session.bundle.is_none() {
                session.bundle = attribute.value.strip_prefix("BUNDLE").filter(|mids| mids.is_empty() || mids.starts_with(' '));
            }
        }
        session
    }
}

/// What a line of sound or pictures says.
pub(super) struct Rtp<'a> {
    pub(super) kind: MediaKind,
    pub(super) direction: Direction,
    pub(super) codecs: Codecs<'a>,
    pub(super) extensions: Vec<Offered<'a>>,
    pub(super) simulcast: Simulcast<'a>,
    /// As announced, each once.
    pub(super) ssrcs: Vec<Ssrc>,
    /// Each with the SSRC of its RTX (RFC 5576 §4.2, FID).
    pub(super) repairs: Vec<(Ssrc, Ssrc)>,
    pub(super) rtcp_rsize: bool,
}

/// One section of an offer.
pub(super) struct Line<'a> {
    /// From 1, for errors.
    pub(super) number: usize,
    pub(super) heading: Heading<'a>,
    pub(super) mid: Mid,
    pub(super) transport: Transport<'a>,
    /// None where the line is nothing that we speak, or its offerer has already given it up.
    pub(super) rtp: Option<Rtp<'a>>,
}

impl<'a> Line<'a> {
    pub(super) fn read(section: &Section<'a>, number: usize, session: &Session<'a>) -> Result<Self, OfferError> {
        let heading = Heading::parse(section.heading, number)?;
        let mut transport = Transport::default();
        let mut mid = None;
        let mut bundle_only = false;
        for attribute in &section.attributes {
            transport.take(attribute);
            match attribute.name {
                "mid" => mid = Some(attribute.value),
                "bundle-only" => bundle_only = true,
                _ => {}
            }
        }
        let mid = mid.and_then(Mid::new).ok_or(OfferError::BadMid { line: number })?;
        let kind = match heading.kind {
            "audio" => Some(MediaKind::Audio),
            "video" => Some(MediaKind::Video),
            _ => None,
        };
        // RFC 9429 §5.1.2: these are what WebRTC offers may say; they all mean the same. RFC 9143 §6: port 0
        // without bundle-only is a line given up.
        let spoken = matches!(heading.protocol, "UDP/TLS/RTP/SAVPF" | "TCP/DTLS/RTP/SAVPF" | "UDP/TLS/RTP/SAVP" | "RTP/SAVPF");
        let alive = heading.port != 0 || bundle_only;
        let rtp = match kind {
            Some(kind) if spoken && alive => Some(Rtp::read(section, kind, heading.formats, number, session.direction)?),
            _ => None,
        };
        Ok(Self { number, heading, mid, transport: transport.or(&session.transport), rtp })
    }
}

impl<'a> Rtp<'a> {
    fn read(section: &Section<'a>, kind: MediaKind, formats: &str, line: usize, default: Direction) -> Result<Self, OfferError> {
        let mut rtp = Rtp {
            kind,
            direction: default,
            codecs: Codecs::new(formats, line)?,
            extensions: Vec::new(),
            simulcast: Simulcast::default(),
            ssrcs: Vec::new(),
            repairs: Vec::new(),
            rtcp_rsize: false,
        };
        for attribute in &section.attributes {
            let value = attribute.value;
            match attribute.name {
                "rtpmap" => rtp.codecs.rtpmap(value, line)?,
                "fmtp" => rtp.codecs.fmtp(value, line)?,
                "rtcp-fb" => rtp.codecs.rtcp_fb(value, line)?,
                "extmap" => rtp.extensions.extend(Offered::parse(value, line)?),
                "rid" => rtp.simulcast.rid(value),
                "simulcast" => rtp.simulcast.simulcast(value),
                "ssrc" => {
                    let ssrc = ssrc(value.split(' ').next()).ok_or(OfferError::BadSsrc { line })?;
                    // The lines of one SSRC stand together.
                    if rtp.ssrcs.last() != Some(&ssrc) && !rtp.ssrcs.contains(&ssrc) {
                        rtp.ssrcs.push(ssrc);
                    }
                }
                "ssrc-group" => {
                    let mut words = value.split(' ');
                    if words.next() == Some("FID") {
                        let pair = ssrc(words.next()).zip(ssrc(words.next())).filter(|(media, repair)| media != repair);
                        rtp.repairs.push(pair.ok_or(OfferError::BadSsrc { line })?);
                    }
                }
                "rtcp-rsize" => rtp.rtcp_rsize = true,
                name => rtp.direction = Direction::parse(name).unwrap_or(rtp.direction),
            }
        }
        Ok(rtp)
    }
}

fn ssrc(text: Option<&str>) -> Option<Ssrc> {
    text?.parse().ok().map(Ssrc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_32_bytes_in_hexadecimal() {
        let text = (0..32).map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
        let mut counting = 0..;
        let bytes = std::array::from_fn(|_| counting.next().unwrap());
        assert_eq!(fingerprint(&text), Some(Fingerprint(bytes)));
        assert_eq!(fingerprint(&text.to_lowercase()), Some(Fingerprint(bytes)));
        for bad in [
            "",
            "-",
            "00",
            &text[3..],
            &format!("{text}:00"),
            &text.replace("1F", "1G"),
            &text.replace("1F", "+F"),
            &text.replace(':', ""),
        ] {
            assert_eq!(fingerprint(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_media_line_has_kind_port_protocol_and_formats() {
        for text in [
            "",
            "audio",
            "audio 9 UDP/TLS/RTP/SAVPF",
            "audio x P 0",
            "audio 65536 P 0",
            "audio 9 P ",
            "audio 9 P 0  1",
            " 9 P 0",
            "audio 9 P é",
        ] {
            assert_eq!(Heading::parse(text, 3).err(), Some(OfferError::BadMediaLine { line: 3 }), "{text}");
        }
        let heading = Heading::parse("application 9 UDP/DTLS/SCTP webrtc-datachannel", 1).unwrap();
        assert_eq!((heading.kind, heading.port, heading.formats), ("application", 9, "webrtc-datachannel"));
    }
}
