//! The answer as text (RFC 9429 §5.3.1).

use std::fmt::Write;
use std::net::SocketAddr;

use super::LocalMedia;
use super::codec::Chosen;
use super::extension::Extension;
use super::line::{Heading, MediaKind, Rtp};
use super::plan::{Plan, Planned, Role};
use crate::base::Seat;
use crate::link::terms::{Mid, OutboundLine, SourceKind};
use crate::link::{Fingerprint, IceCredentials};

/// Feedback on pictures, as far as it was offered: what we tell a sender, and what we hear from a receiver.
const FEEDBACK_ON_PICTURES: &[&str] = &["transport-cc", "ccm fir", "nack", "nack pli"];
const FEEDBACK_ON_SOUND: &[&str] = &["transport-cc"];

/// Writes the answer. Writing to a `String` cannot fail.
pub(super) fn answer(plan: &Plan<'_>, seat: Seat, local: &LocalMedia, session_id: u64) -> String {
    let mut text = Text(String::with_capacity(2_048 + 768 * plan.lines.len()));
    text.line(format_args!("v=0"));
    text.line(format_args!("o=- {session_id} 1 IN IP4 0.0.0.0"));
    text.line(format_args!("s=-"));
    text.line(format_args!("t=0 0"));
    let bundled = plan.lines.iter().filter(|planned| !matches!(planned.role, Role::Reject));
    let mids = bundled.fold(String::new(), |mids, planned| mids + " " + planned.line.mid.as_str());
    text.line(format_args!("a=group:BUNDLE{mids}"));
    // RFC 8839 §5.3: we only answer checks. RFC 8445 §10: ice2, and a client may trickle if it likes.
    text.line(format_args!("a=ice-lite"));
    text.line(format_args!("a=ice-options:ice2 trickle"));
    text.line(format_args!("a=msid-semantic:WMS *"));
    // What a sender says of its layers takes more than the sixteen bytes of the one-byte form.
    if plan.mixes_extensions {
        text.line(format_args!("a=extmap-allow-mixed"));
    }
    let mut first = true;
    for planned in &plan.lines {
        if matches!(planned.role, Role::Reject) {
            text.rejected(planned);
            continue;
        }
        let Some(rtp) = &planned.line.rtp else { continue };
        text.opening(planned, rtp);
        text.transport(plan, local);
        if std::mem::take(&mut first) {
            text.candidates(&local.candidates);
        }
        text.media(planned, rtp, seat, &plan.terms.cname);
    }
    text.0
}

/// Writes the answer to a fragment: our new credentials, in the section in which the peer has said its own.
pub(super) fn fragment(
    bundle: Option<&str>,
    section: Option<(Heading<'_>, Option<Mid>)>,
    credentials: &IceCredentials,
    local: &LocalMedia,
) -> String {
    let mut text = Text(String::with_capacity(1_024));
    text.line(format_args!("a=ice-lite"));
    text.line(format_args!("a=ice-options:ice2 trickle"));
    let mids = bundle.unwrap_or_default().split_ascii_whitespace().filter_map(Mid::new);
    let mids = mids.fold(String::new(), |mids, mid| mids + " " + mid.as_str());
    if !mids.is_empty() {
        text.line(format_args!("a=group:BUNDLE{mids}"));
    }
    if let Some((heading, mid)) = section {
        text.line(format_args!("m={} 9 {} {}", heading.kind, heading.protocol, heading.formats));
        if let Some(mid) = mid {
            text.line(format_args!("a=mid:{}", mid.as_str()));
        }
    }
    text.credentials(credentials);
    text.candidates(&local.candidates);
    text.0
}

struct Text(String);

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = write!(self.0, "{line}\r\n");
    }

    /// RFC 3264 §6: port 0 rejects; the line keeps its place.
    fn rejected(&mut self, planned: &Planned<'_>) {
        let heading = &planned.line.heading;
        self.line(format_args!("m={} 0 {} {}", heading.kind, heading.protocol, heading.formats));
        self.line(format_args!("c=IN IP4 0.0.0.0"));
        self.line(format_args!("a=mid:{}", planned.line.mid.as_str()));
        self.line(format_args!("a=inactive"));
    }

    /// The `m=` line and what names the line.
    fn opening(&mut self, planned: &Planned<'_>, rtp: &Rtp<'_>) {
        let heading = &planned.line.heading;
        let Chosen { payload_type, rtx, red } = payload_types(&planned.role);
        // RFC 3264 §6.1: best first. Sound that comes to us had better carry copies, as nothing else repairs its way here; on
        // what we send the server itself decides, by the path.
        let (before, behind) = if matches!(planned.role, Role::Receive { .. }) { (red, rtx) } else { (None, rtx.or(red)) };
        let formats = before.into_iter().chain([payload_type]).chain(behind);
        let formats = formats.fold(String::new(), |formats, format| formats + &format!(" {format}"));
        // RFC 9429 §5.3.1: port 9 and 0.0.0.0 stand for "see the candidates".
        self.line(format_args!("m={} 9 {}{formats}", heading.kind, heading.protocol));
        self.line(format_args!("c=IN IP4 0.0.0.0"));
        self.line(format_args!("a=mid:{}", planned.line.mid.as_str()));
        self.line(format_args!("a=rtcp-mux"));
        if rtp.rtcp_rsize {
            self.line(format_args!("a=rtcp-rsize"));
        }
    }

    /// The same on every line. RFC 9143 §7.3.3 wants it once; browsers write and take it everywhere, and
    /// smaller clients read it only from the line they look at.
    fn transport(&mut self, plan: &Plan<'_>, local: &LocalMedia) {
        self.credentials(&plan.terms.local);
        self.line(format_args!("a=fingerprint:sha-256 {}", hex(&local.fingerprint)));
        self.line(format_args!("a=setup:passive"));
    }

    fn credentials(&mut self, local: &IceCredentials) {
        self.line(format_args!("a=ice-ufrag:{}", local.ufrag));
        self.line(format_args!("a=ice-pwd:{}", local.password.expose()));
    }

    /// RFC 8839 §5.1. All there are: no more will come.
    fn candidates(&mut self, addresses: &[SocketAddr]) {
        let addresses = &addresses[..addresses.len().min(LocalMedia::CANDIDATES_MAX)];
        for (at, address) in addresses.iter().enumerate() {
            let ip = address.ip().to_canonical();
            // An address without its zone, which means nothing elsewhere. RFC 8445 §5.1.1.3: candidates of one type and one base address share their foundation.
            let foundation = 1 + addresses.iter().position(|other| other.ip().to_canonical() == ip).unwrap_or(at);
            self.line(format_args!("a=candidate:{foundation} 1 udp {} {} {} typ host", priority(at), ip, address.port()));
        }
        self.line(format_args!("a=end-of-candidates"));
    }

    /// Direction, extensions, codecs and streams.
    fn media(&mut self, planned: &Planned<'_>, rtp: &Rtp<'_>, seat: Seat, cname: &str) {
        let direction = match &planned.role {
            Role::Receive { .. } => "recvonly",
            Role::Send(_) => "sendonly",
            Role::Idle(_) | Role::Reject => "inactive",
        };
        self.line(format_args!("a={direction}"));
        for answered in &planned.extensions {
            let direction = answered.direction.map(|direction| format!("/{}", direction.as_str())).unwrap_or_default();
            self.line(format_args!("a=extmap:{}{direction} {}", answered.id, answered.extension.uri()));
        }
        self.codec(planned, rtp);
        match &planned.role {
            Role::Receive { encodings, .. } if !encodings.is_empty() => {
                for rid in encodings {
                    self.line(format_args!("a=rid:{} recv", rid.id));
                }
                let list: Vec<&str> = encodings.iter().map(|rid| rid.id.as_str()).collect();
                self.line(format_args!("a=simulcast:recv {}", list.join(";")));
            }
            Role::Send(outbound) => self.stream(outbound, seat, cname),
            Role::Receive { .. } | Role::Idle(_) | Role::Reject => {}
        }
    }

    fn codec(&mut self, planned: &Planned<'_>, rtp: &Rtp<'_>) {
        let Chosen { payload_type, rtx, red } = payload_types(&planned.role);
        let feedback = match rtp.kind {
            MediaKind::Audio => FEEDBACK_ON_SOUND,
            MediaKind::Video => FEEDBACK_ON_PICTURES,
        };
        // What has nothing to speak of is not asked for: arrivals without numbers, lost packets without RTX to send them by.
        let spoken = |kind: &&&str| match **kind {
            "transport-cc" => planned.extensions.iter().any(|answered| answered.extension == Extension::TransportCc),
            "nack" => rtx.is_some(),
            _ => true,
        };
        match rtp.kind {
            MediaKind::Audio => self.line(format_args!("a=rtpmap:{payload_type} opus/48000/2")),
            MediaKind::Video => self.line(format_args!("a=rtpmap:{payload_type} VP8/90000")),
        }
        for kind in feedback.iter().filter(spoken).filter(|kind| rtp.codecs.offers_feedback(payload_type, kind)) {
            self.line(format_args!("a=rtcp-fb:{payload_type} {kind}"));
        }
        if rtp.kind == MediaKind::Audio {
            // RFC 7587 §6.1: what we would like to receive; useinbandfec so that a lost packet is in the next.
            let stereo = if rtp.codecs.has_parameter(payload_type, "stereo=1") { ";stereo=1" } else { "" };
            self.line(format_args!("a=fmtp:{payload_type} minptime=10;useinbandfec=1{stereo}"));
        }
        if let Some(rtx) = rtx {
            self.line(format_args!("a=rtpmap:{rtx} rtx/90000"));
            self.line(format_args!("a=fmtp:{rtx} apt={payload_type}"));
        }
        if let Some(red) = red {
            self.line(format_args!("a=rtpmap:{red} red/48000/2"));
            self.line(format_args!("a=fmtp:{red} {payload_type}/{payload_type}"));
        }
    }

    /// Whose line it is, and the SSRCs that it has for ever.
    fn stream(&mut self, outbound: &OutboundLine, seat: Seat, cname: &str) {
        match (outbound.kind, seat.on_line(usize::from(outbound.line))) {
            (SourceKind::Microphone, Some(carried)) => self.line(format_args!("a=msid:seat{carried} seat{carried}-microphone")),
            (SourceKind::Camera, Some(carried)) => self.line(format_args!("a=msid:seat{carried} seat{carried}-camera")),
            (SourceKind::Screen, _) => self.line(format_args!("a=msid:screen screen")),
            (SourceKind::Microphone | SourceKind::Camera, None) => {}
        }
        let ssrc = outbound.ssrc.0;
        if let Some(rtx) = outbound.rtx_ssrc {
            self.line(format_args!("a=ssrc-group:FID {ssrc} {}", rtx.0));
        }
        self.line(format_args!("a=ssrc:{ssrc} cname:{cname}"));
        if let Some(rtx) = outbound.rtx_ssrc {
            self.line(format_args!("a=ssrc:{} cname:{cname}", rtx.0));
        }
    }
}

/// The payload types of an accepted line.
fn payload_types(role: &Role) -> Chosen {
    match role {
        Role::Receive { terms, .. } => {
            Chosen { payload_type: terms.payload_type, rtx: terms.rtx_payload_type, red: terms.red_payload_type }
        }
        Role::Send(terms) => {
            Chosen { payload_type: terms.payload_type, rtx: terms.rtx_payload_type, red: terms.red_payload_type }
        }
        Role::Idle(chosen) => *chosen,
        Role::Reject => Chosen { payload_type: 0, rtx: None, red: None },
    }
}

/// RFC 8445 §5.1.2.1: type preference 126 for host, component 1, and a local preference of its own for each,
/// the first address highest.
fn priority(at: usize) -> u32 {
    let local = 65_535_u32.saturating_sub(u32::try_from(at).unwrap_or(u32::MAX));
    (126 << 24) + (local << 8) + (256 - 1)
}

fn hex(fingerprint: &Fingerprint) -> String {
    fingerprint.0.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}
