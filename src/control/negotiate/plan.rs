//! What becomes of each line of an offer, and whether together they make a leg.

use std::collections::BTreeSet;

use super::OfferError;
use super::codec::Chosen;
use super::extension::{Answered, Extension, Space};
use super::line::{Direction, Line, MediaKind, Rtp, Session, Transport};
use super::mint::Mint;
use super::text::Description;
use crate::base::Seat;
use crate::base::secret::Secret;
use crate::link::terms::{InboundLine, OutboundLine, Rid, SourceKind, Ssrc};
use crate::link::{Fingerprint, IceCredentials, LegTerms, Sources};

/// Certificates of one peer. Browsers have one; the first of more are checked.
const FINGERPRINTS_MAX: usize = 4;

/// What becomes of one line.
pub(super) enum Role {
    /// The peer sends, we receive. The encodings stand in the offer's order.
    Receive { terms: InboundLine, encodings: Vec<Rid> },
    /// We send, the peer receives.
    Send(OutboundLine),
    /// Nobody sends, as the offer wants it.
    Idle(Chosen),
    /// Not for us: a data channel, an unknown protocol, a line already given up.
    Reject,
}

/// One line of the offer and what becomes of it.
pub(super) struct Planned<'a> {
    pub(super) line: Line<'a>,
    pub(super) role: Role,
    pub(super) extensions: Vec<Answered>,
}

/// The whole answer before it is written.
pub(super) struct Plan<'a> {
    /// In the order of the offer.
    pub(super) lines: Vec<Planned<'a>>,
    pub(super) terms: LegTerms,
    /// Whether header extensions may come in both forms (RFC 8285 §6).
    pub(super) mixes_extensions: bool,
}

impl<'a> Plan<'a> {
    pub(super) fn of(description: &Description<'a>, mint: &mut Mint<'_>) -> Result<Self, OfferError> {
        let session = Session::read(&description.session);
        let lines = read_lines(description, &session)?;
        let tagged = tagged(&lines, &session)?;
        let (remote, fingerprints) = peer(&lines[tagged].transport)?;
        avoid_announced(&lines, mint)?;

        let mut counts = Counts::default();
        let mut space = Space::new();
        let mut planned = Vec::with_capacity(lines.len());
        for line in lines {
            let (role, extensions) = match &line.rtp {
                Some(rtp) => counts.place(&line, rtp, &mut space, mint)?,
                None => (Role::Reject, Vec::new()),
            };
            planned.push(Planned { line, role, extensions });
        }

        let (mut inbound, mut outbound) = (Vec::new(), Vec::new());
        for line in &planned {
            match &line.role {
                Role::Receive { terms, .. } => inbound.push(terms.clone()),
                Role::Send(terms) => outbound.push(terms.clone()),
                Role::Idle(_) | Role::Reject => {}
            }
        }
        if inbound.is_empty() && outbound.is_empty() {
            return Err(OfferError::NothingOffered);
        }
        let terms = LegTerms {
            local: mint.credentials(),
            remote,
            fingerprints,
            extensions: space.ids,
            inbound,
            outbound,
            sources: Sources::default(),
            cname: mint.cname(),
        };
        Ok(Self { lines: planned, terms, mixes_extensions: session.mixes_extensions })
    }
}

/// Every section as a line; mids are unique (RFC 9143 §7.2).
fn read_lines<'a>(description: &Description<'a>, session: &Session<'a>) -> Result<Vec<Line<'a>>, OfferError> {
    let mut lines: Vec<Line<'a>> = Vec::with_capacity(description.media.len());
    for (number, section) in (1..).zip(&description.media) {
        let line = Line::read(section, number, session)?;
        if lines.iter().any(|other| other.mid == line.mid) {
            return Err(OfferError::MidTwice { line: number });
        }
        lines.push(line);
    }
    Ok(lines)
}

/// The line whose transport is everyone's: the first of the BUNDLE group that we take (RFC 9143 §7.3.1).
fn tagged(lines: &[Line<'_>], session: &Session<'_>) -> Result<usize, OfferError> {
    let spoken = |line: &&Line<'_>| line.rtp.is_some();
    if !lines.iter().any(|line| spoken(&line)) {
        return Err(OfferError::NothingOffered);
    }
    let group = session.bundle.ok_or(OfferError::NoBundle)?;
    let mids = || group.split_ascii_whitespace();
    let bundled: BTreeSet<&str> = mids().collect();
    if let Some(line) = lines.iter().filter(spoken).find(|line| !bundled.contains(line.mid.as_str())) {
        return Err(OfferError::NotBundled { line: line.number });
    }
    mids()
        .find_map(|mid| lines.iter().position(|line| line.rtp.is_some() && line.mid.as_str() == mid))
        .ok_or(OfferError::NothingOffered)
}

/// Who the peer is, by the tagged line.
fn peer(transport: &Transport<'_>) -> Result<(IceCredentials, Vec<Fingerprint>), OfferError> {
    let remote = credentials(transport).ok_or(OfferError::NoIce)?;
    // RFC 8122 §5: any of the certificates named may be shown; one that cannot be read is not skipped in
    // silence.
    let fingerprints: Option<Vec<Fingerprint>> = transport.fingerprints.iter().copied().take(FINGERPRINTS_MAX).collect();
    let fingerprints = fingerprints.filter(|fingerprints| !fingerprints.is_empty()).ok_or(OfferError::NoFingerprint)?;
    // RFC 8842 §5.2: an offer says actpass; active is what is left to a client that knows that we are passive.
    if !matches!(transport.setup, Some("actpass" | "active")) {
        return Err(OfferError::BadSetup);
    }
    if !transport.rtcp_mux {
        return Err(OfferError::NoRtcpMux);
    }
    Ok((remote, fingerprints))
}

/// The peer's half of ICE.
pub(super) fn credentials(transport: &Transport<'_>) -> Option<IceCredentials> {
    // RFC 8839 §5.4: ice-ufrag is 4 to 256 ice-chars, ice-pwd 22 to 256. Chromium's ice-char is RFC 8839's;
    // '-', '_' and '=' are let pass, as bots use base64url.
    let credential = |text: Option<&str>, least: usize| {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
        text.filter(|text| (least..=256).contains(&text.len()) && text.bytes().all(letter)).map(str::to_owned)
    };
    Some(IceCredentials { ufrag: credential(transport.ufrag, 4)?, password: Secret::new(credential(transport.password, 22)?) })
}

/// Keeps the offer's SSRCs out of the answer. Each belongs to one line (RFC 5576 §4.1).
fn avoid_announced(lines: &[Line<'_>], mint: &mut Mint<'_>) -> Result<(), OfferError> {
    for line in lines {
        let Some(rtp) = &line.rtp else { continue };
        let repairs = rtp.repairs.iter().map(|&(_, repair)| repair).filter(|repair| !rtp.ssrcs.contains(repair));
        let own: BTreeSet<u32> = rtp.ssrcs.iter().copied().chain(repairs).map(|ssrc| ssrc.0).collect();
        if !own.into_iter().all(|ssrc| mint.avoid(Ssrc(ssrc))) {
            return Err(OfferError::SsrcTwice { line: line.number });
        }
    }
    Ok(())
}

/// How many lines of each kind have found their place, and what the payload types mean so far.
#[derive(Default)]
struct Counts {
    microphones: u8,
    pictures: u8,
    sounds_sent: u8,
    pictures_sent: u8,
    payload_types: Vec<(u8, Meaning)>,
}

/// What a payload type is to the whole BUNDLE group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Opus,
    Vp8,
    Rtx,
    Red,
}

/// Others that a seat hears and sees.
const OTHERS: u8 = 3;
const _: () = assert!(OTHERS as usize == Seat::COUNT - 1);

impl Counts {
    /// Decides about a line that we speak.
    fn place<'a>(
        &mut self,
        line: &Line<'a>,
        rtp: &Rtp<'a>,
        space: &mut Space<'a>,
        mint: &mut Mint<'_>,
    ) -> Result<(Role, Vec<Answered>), OfferError> {
        let number = line.number;
        let chosen = match rtp.kind {
            MediaKind::Audio => rtp.codecs.opus().ok_or(OfferError::NoOpus { line: number }),
            MediaKind::Video => rtp.codecs.vp8(number)?.ok_or(OfferError::NoVp8 { line: number }),
        };
        match rtp.direction {
            // A line of a client that would do both: who is heard and seen comes on lines that only receive,
            // because a line that we send on is bound to one seat and a sender's own line is not.
            Direction::SendRecv | Direction::SendOnly => {
                let chosen = chosen?;
                let kind = self.inbound_kind(rtp.kind, number)?;
                self.mean(rtp.kind, chosen, number)?;
                receive(line, rtp, kind, chosen, space)
            }
            Direction::RecvOnly => {
                let chosen = chosen?;
                let (kind, place) = self.outbound_kind(rtp.kind, number)?;
                self.mean(rtp.kind, chosen, number)?;
                let wanted = with_feedback(rtp, chosen, Extension::SENT);
                let extensions = space.take_up(&rtp.extensions, &wanted, Direction::RecvOnly, number)?;
                let ssrc = mint.ssrc();
                let rtx_ssrc = chosen.rtx.map(|_| mint.ssrc());
                let terms = OutboundLine {
                    mid: line.mid.clone(),
                    kind,
                    line: place,
                    payload_type: chosen.payload_type,
                    rtx_payload_type: chosen.rtx,
                    red_payload_type: chosen.red,
                    ssrc,
                    rtx_ssrc,
                    transport_cc: has(&extensions, Extension::TransportCc),
                };
                Ok((Role::Send(terms), extensions))
            }
            Direction::Inactive => Ok((chosen.map_or(Role::Reject, Role::Idle), Vec::new())),
        }
    }

    /// The first line of pictures is the camera, the second the screen.
    fn inbound_kind(&mut self, kind: MediaKind, line: usize) -> Result<SourceKind, OfferError> {
        match kind {
            MediaKind::Audio => match counted(&mut self.microphones) {
                0 => Ok(SourceKind::Microphone),
                _ => Err(OfferError::TooManyOfKind { line, what: "sound to send", most: 1 }),
            },
            MediaKind::Video => match counted(&mut self.pictures) {
                0 => Ok(SourceKind::Camera),
                1 => Ok(SourceKind::Screen),
                _ => Err(OfferError::TooManyOfKind { line, what: "pictures to send (camera and screen)", most: 2 }),
            },
        }
    }

    /// One line for each of the others; one more of pictures is the screen.
    fn outbound_kind(&mut self, kind: MediaKind, line: usize) -> Result<(SourceKind, u8), OfferError> {
        match kind {
            MediaKind::Audio => match counted(&mut self.sounds_sent) {
                place if place < OTHERS => Ok((SourceKind::Microphone, place)),
                _ => Err(OfferError::TooManyOfKind { line, what: "sound to receive", most: usize::from(OTHERS) }),
            },
            MediaKind::Video => match counted(&mut self.pictures_sent) {
                place if place < OTHERS => Ok((SourceKind::Camera, place)),
                OTHERS => Ok((SourceKind::Screen, 0)),
                _ => Err(OfferError::TooManyOfKind {
                    line,
                    what: "pictures to receive (three cameras and a screen)",
                    most: usize::from(OTHERS) + 1,
                }),
            },
        }
    }

    /// RFC 9143 §9.1: a payload type means the same on every line of a BUNDLE group.
    fn mean(&mut self, kind: MediaKind, chosen: Chosen, line: usize) -> Result<(), OfferError> {
        let meaning = match kind {
            MediaKind::Audio => Meaning::Opus,
            MediaKind::Video => Meaning::Vp8,
        };
        let pairs = [(Some(chosen.payload_type), meaning), (chosen.rtx, Meaning::Rtx), (chosen.red, Meaning::Red)];
        for (payload_type, meaning) in pairs {
            let Some(payload_type) = payload_type else { continue };
            if self.payload_types.iter().any(|&(known, other)| known == payload_type && other != meaning) {
                return Err(OfferError::PayloadTypeConflict { line });
            }
            self.payload_types.push((payload_type, meaning));
        }
        Ok(())
    }
}

/// Counts one more and says how many there were. At most as many as there are sections.
fn counted(count: &mut u8) -> u8 {
    let before = *count;
    *count = before.saturating_add(1);
    before
}

/// A line on which the peer sends.
fn receive<'a>(
    line: &Line<'a>,
    rtp: &Rtp<'a>,
    kind: SourceKind,
    chosen: Chosen,
    space: &mut Space<'a>,
) -> Result<(Role, Vec<Answered>), OfferError> {
    let number = line.number;
    let mut wanted = with_feedback(rtp, chosen, Extension::RECEIVED);
    let encodings = rtp.simulcast.encodings(chosen.payload_type, number);
    // A peer counts its encodings as it offers them, and we from the smallest.
    if !encodings.as_ref().is_ok_and(|rids| rids.len() > 1 && rids.is_sorted_by_key(|rid| rid.layer)) {
        wanted.retain(|extension| *extension != Extension::LayersAllocation);
    }
    let extensions = space.take_up(&rtp.extensions, &wanted, Direction::SendOnly, number)?;
    let answered = |extension| has(&extensions, extension);

    let recognized_by_rid = answered(Extension::Mid) && answered(Extension::Rid);
    let encodings = match rtp.kind {
        MediaKind::Video if recognized_by_rid => encodings?,
        MediaKind::Audio | MediaKind::Video => Vec::new(),
    };
    let (ssrc, rtx_ssrc) = if encodings.is_empty() { announced(rtp) } else { (None, None) };
    if ssrc.is_none() && !answered(Extension::Mid) {
        return Err(OfferError::Unrecognizable { line: number });
    }
    let mut rids = encodings.clone();
    rids.sort_by_key(|rid| rid.layer);
    let terms = InboundLine {
        mid: line.mid.clone(),
        kind,
        payload_type: chosen.payload_type,
        rtx_payload_type: chosen.rtx,
        red_payload_type: chosen.red,
        ssrc,
        rtx_ssrc,
        rids,
        nack: chosen.rtx.is_some() && rtp.codecs.offers_feedback(chosen.payload_type, "nack"),
        transport_cc: answered(Extension::TransportCc),
        tells_layers: answered(Extension::LayersAllocation),
    };
    Ok((Role::Receive { terms, encodings }, extensions))
}

/// These extensions, with transport-wide numbers only where their feedback was offered too: one without the other would be
/// bytes for nothing.
fn with_feedback(rtp: &Rtp<'_>, chosen: Chosen, extensions: &[Extension]) -> Vec<Extension> {
    let feedback = rtp.codecs.offers_feedback(chosen.payload_type, "transport-cc");
    extensions.iter().copied().filter(|&extension| feedback || extension != Extension::TransportCc).collect()
}

fn has(answered: &[Answered], extension: Extension) -> bool {
    answered.iter().any(|answered| answered.extension == extension)
}

/// The SSRC that a single encoding is announced with, and its RTX.
fn announced(rtp: &Rtp<'_>) -> (Option<Ssrc>, Option<Ssrc>) {
    match rtp.repairs.first() {
        Some(&(media, repair)) => (Some(media), Some(repair)),
        None => (rtp.ssrcs.first().copied(), None),
    }
}
