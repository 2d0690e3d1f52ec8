//! Why an offer was refused, said so that whoever wrote the client knows what to change.

use std::fmt;

/// Why there is no answer. Lines count from 1 in the order of the offer's `m=` lines; nothing of the offer's
/// text is repeated, as it holds addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferError {
    /// More than [`super::text::OFFER_MAX`] bytes.
    TooLong,
    /// A fragment of more than [`super::text::FRAGMENT_MAX`] bytes.
    FragmentTooLong,
    /// The text line with this number is no line of a fragment.
    NotFragment { at: usize },
    /// No or bad `a=ice-ufrag`, `a=ice-pwd` in a fragment.
    NoRestart,
    /// The text line with this number is longer than [`super::text::LINE_MAX`] bytes.
    LineTooLong { at: usize },
    /// The text line with this number holds NUL or another control character.
    ControlCharacter { at: usize },
    /// The text line with this number is no line of SDP.
    NotSdp { at: usize },
    /// More than [`super::text::MEDIA_MAX`] `m=` lines.
    TooManyLines,
    /// More than [`super::text::ATTRIBUTES_MAX`] attributes in one section.
    TooManyAttributes,
    /// An `m=` line that cannot be read.
    BadMediaLine { line: usize },
    /// No `a=mid`, or one that is no token of at most 16 bytes.
    BadMid { line: usize },
    /// The same `a=mid` twice.
    MidTwice { line: usize },
    /// No `a=group:BUNDLE`.
    NoBundle,
    /// A line outside of the BUNDLE group.
    NotBundled { line: usize },
    /// Nothing to receive and nothing to send.
    NothingOffered,
    /// More lines of one kind and direction than a seat has.
    TooManyOfKind { line: usize, what: &'static str, most: usize },
    /// No or bad `a=ice-ufrag`, `a=ice-pwd`.
    NoIce,
    /// No or bad `a=fingerprint:sha-256`.
    NoFingerprint,
    /// `a=setup` leaves no room for us to be passive.
    BadSetup,
    /// No `a=rtcp-mux`.
    NoRtcpMux,
    /// No Opus on a line of sound.
    NoOpus { line: usize },
    /// No VP8 on a line of pictures.
    NoVp8 { line: usize },
    /// A payload type that is no number up to 127, or stands there twice.
    BadPayloadType { line: usize },
    /// One payload type means two things.
    PayloadTypeConflict { line: usize },
    /// Two RTX payload types for one, or one for two.
    RtxConflict { line: usize },
    /// An `a=extmap` that cannot be read.
    BadExtension { line: usize },
    /// One header extension id means two things, or one extension has two ids.
    ExtensionConflict { line: usize },
    /// An `a=ssrc` or `a=ssrc-group` that cannot be read.
    BadSsrc { line: usize },
    /// One SSRC on two lines.
    SsrcTwice { line: usize },
    /// Neither an SSRC nor the mid extension tells which packets belong to a line.
    Unrecognizable { line: usize },
    /// `a=rid` and `a=simulcast` do not fit each other, or cannot be read.
    BadSimulcast { line: usize },
    /// More simulcast encodings than we take.
    TooManyEncodings { line: usize },
}

impl fmt::Display for OfferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use super::text::{ATTRIBUTES_MAX, FRAGMENT_MAX, LINE_MAX, MEDIA_MAX, OFFER_MAX};
        match self {
            Self::TooLong => write!(f, "the offer is longer than {OFFER_MAX} bytes: offer fewer lines"),
            Self::FragmentTooLong => write!(f, "the fragment is longer than {FRAGMENT_MAX} bytes: send only what has changed"),
            Self::NotFragment { at } => {
                write!(f, "text line {at} is no line of a fragment: send a= lines, and m= lines with theirs (RFC 8840)")
            }
            Self::NoRestart => f.write_str(
                "a=ice-ufrag (4 to 256 characters) and a=ice-pwd (22 to 256) are needed: an ICE restart is said by new ones",
            ),
            Self::LineTooLong { at } => write!(f, "text line {at} is longer than {LINE_MAX} bytes"),
            Self::ControlCharacter { at } => {
                write!(f, "text line {at} holds a control character: send the SDP as the browser made it")
            }
            Self::NotSdp { at } => write!(f, "text line {at} is not SDP: send the offer's sdp as it is, beginning with v=0"),
            Self::TooManyLines => {
                write!(f, "more than {MEDIA_MAX} media lines: offer one transceiver for each thing sent or received")
            }
            Self::TooManyAttributes => write!(f, "more than {ATTRIBUTES_MAX} attributes in one section"),
            Self::BadMediaLine { line } => write!(f, "media line {line} cannot be read"),
            Self::BadMid { line } => write!(f, "media line {line} needs an a=mid of at most 16 token characters"),
            Self::MidTwice { line } => write!(f, "media line {line} repeats an a=mid of another: each needs its own"),
            Self::NoBundle => f.write_str("there is no a=group:BUNDLE: all media must share one transport"),
            Self::NotBundled { line } => {
                write!(f, "media line {line} is not in the BUNDLE group: put every line of sound and pictures into it")
            }
            Self::NothingOffered => {
                f.write_str("nothing is sent or received: offer at least one active line of sound or pictures")
            }
            Self::TooManyOfKind { line, what, most } => {
                write!(f, "media line {line} is one too many: a seat has at most {most} of {what}")
            }
            Self::NoIce => {
                f.write_str("a=ice-ufrag (4 to 256 characters) and a=ice-pwd (22 to 256) are needed on the first bundled line")
            }
            Self::NoFingerprint => {
                f.write_str("a=fingerprint:sha-256 with 32 bytes in hexadecimal is needed: media is sealed by DTLS-SRTP only")
            }
            Self::BadSetup => f.write_str("a=setup must be actpass or active: this server waits for the client's handshake"),
            Self::NoRtcpMux => f.write_str("a=rtcp-mux is needed: RTP and RTCP share one port"),
            Self::NoOpus { line } => write!(f, "media line {line} offers no opus/48000/2"),
            Self::NoVp8 { line } => write!(f, "media line {line} offers no VP8/90000"),
            Self::BadPayloadType { line } => {
                write!(f, "media line {line} has a payload type that is no number from 0 to 127, or has it twice")
            }
            Self::PayloadTypeConflict { line } => {
                write!(f, "media line {line} gives a payload type another meaning than the lines before it")
            }
            Self::RtxConflict { line } => write!(f, "media line {line} must map one rtx payload type to one apt"),
            Self::BadExtension { line } => write!(f, "media line {line} has an a=extmap that cannot be read"),
            Self::ExtensionConflict { line } => write!(
                f,
                "media line {line} gives a header extension another id than the lines before it: ids are shared in a BUNDLE group"
            ),
            Self::BadSsrc { line } => write!(f, "media line {line} has an a=ssrc or a=ssrc-group that cannot be read"),
            Self::SsrcTwice { line } => write!(f, "media line {line} announces an SSRC of another line"),
            Self::Unrecognizable { line } => {
                write!(f, "media line {line} needs an a=ssrc or the header extension urn:ietf:params:rtp-hdrext:sdes:mid")
            }
            Self::BadSimulcast { line } => {
                write!(f, "media line {line} names an encoding in a=simulcast:send without its own a=rid … send")
            }
            Self::TooManyEncodings { line } => {
                write!(f, "media line {line} offers more than {} simulcast encodings", crate::base::limits::LAYERS)
            }
        }
    }
}

impl std::error::Error for OfferError {}
