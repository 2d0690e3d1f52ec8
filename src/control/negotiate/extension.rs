//! Header extensions (RFC 8285): which of them we speak, and on which lines.

use super::OfferError;
use super::line::Direction;
use crate::link::terms::ExtensionIds;

/// The extensions that an answer may take up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extension {
    Mid,
    Rid,
    RepairedRid,
    TransportCc,
    AudioLevel,
    VideoOrientation,
    PlayoutDelay,
    LayersAllocation,
}

impl Extension {
    pub(super) const fn uri(self) -> &'static str {
        match self {
            // RFC 9143 §15.2
            Self::Mid => "urn:ietf:params:rtp-hdrext:sdes:mid",
            // RFC 8852 §4
            Self::Rid => "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            Self::RepairedRid => "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
            // draft-holmer-rmcat-transport-wide-cc-extensions-01 §2
            Self::TransportCc => "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
            // RFC 6464 §4
            Self::AudioLevel => "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            // 3GPP TS 26.114 §7.4.5
            Self::VideoOrientation => "urn:3gpp:video-orientation",
            Self::PlayoutDelay => "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
            Self::LayersAllocation => "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
        }
    }

    /// What we read of the packets that a peer sends us.
    pub(super) const RECEIVED: &'static [Extension] = &[
        Self::Mid,
        Self::Rid,
        Self::RepairedRid,
        Self::TransportCc,
        Self::AudioLevel,
        Self::VideoOrientation,
        Self::LayersAllocation,
    ];

    /// What we write into the packets that we send.
    pub(super) const SENT: &'static [Extension] =
        &[Self::Mid, Self::TransportCc, Self::AudioLevel, Self::VideoOrientation, Self::PlayoutDelay];

    /// Where the table of the leg keeps this extension's id.
    pub(super) const fn slot(self, ids: &mut ExtensionIds) -> &mut u8 {
        match self {
            Self::Mid => &mut ids.mid,
            Self::Rid => &mut ids.rid,
            Self::RepairedRid => &mut ids.repaired_rid,
            Self::TransportCc => &mut ids.transport_cc,
            Self::AudioLevel => &mut ids.audio_level,
            Self::VideoOrientation => &mut ids.video_orientation,
            Self::PlayoutDelay => &mut ids.playout_delay,
            Self::LayersAllocation => &mut ids.layers_allocation,
        }
    }
}

/// One `a=extmap` of an offer.
#[derive(Clone, Copy)]
pub(super) struct Offered<'a> {
    pub(super) id: u8,
    pub(super) direction: Option<Direction>,
    pub(super) uri: &'a str,
}

impl<'a> Offered<'a> {
    /// Reads `4/recvonly urn:… attributes`; none for an id that no packet can carry.
    pub(super) fn parse(value: &'a str, line: usize) -> Result<Option<Self>, OfferError> {
        let bad = OfferError::BadExtension { line };
        let mut words = value.split_ascii_whitespace();
        let (number, uri) = words.next().zip(words.next()).ok_or(bad)?;
        let (number, direction) = match number.split_once('/') {
            Some((number, direction)) => (number, Some(Direction::parse(direction).ok_or(bad)?)),
            None => (number, None),
        };
        // RFC 8285 §5: 4096 to 4351 stand for "more than fit"; nothing is sent with them.
        let id = number.parse::<u16>().ok().filter(|&id| id > 0).ok_or(bad)?;
        Ok(u8::try_from(id).ok().map(|id| Self { id, direction, uri }))
    }

    /// Whether our packets and theirs can carry it: the one-byte form has ids 1 to 14 (RFC 8285 §4.2).
    pub(super) const fn fits_one_byte(&self) -> bool {
        self.id <= 14
    }
}

/// One `a=extmap` of our answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Answered {
    pub(super) extension: Extension,
    pub(super) id: u8,
    /// Only where the offer named one (RFC 8285 §6).
    pub(super) direction: Option<Direction>,
}

/// The meaning of ids in the whole BUNDLE group.
pub(super) struct Space<'a> {
    uris: [Option<&'a str>; 256],
    pub(super) ids: ExtensionIds,
}

impl<'a> Space<'a> {
    pub(super) fn new() -> Self {
        Self { uris: [None; 256], ids: ExtensionIds::default() }
    }

    /// Takes up those of `offered` that are among `wanted` and can flow in `flow`, the offerer's direction of
    /// the line (send-only or receive-only).
    ///
    /// RFC 9143 §8: within a BUNDLE group one id is one extension. That an extension has one id is our own
    /// rule, so that a leg has one table; every browser keeps to it.
    pub(super) fn take_up(
        &mut self,
        offered: &[Offered<'a>],
        wanted: &[Extension],
        flow: Direction,
        line: usize,
    ) -> Result<Vec<Answered>, OfferError> {
        let mut answered = Vec::new();
        for offer in offered {
            match self.uris[usize::from(offer.id)].replace(offer.uri) {
                Some(uri) if uri != offer.uri => return Err(OfferError::ExtensionConflict { line }),
                _ => {}
            }
            let flows = offer.direction.is_none_or(|direction| direction == Direction::SendRecv || direction == flow);
            let Some(&extension) = wanted.iter().find(|extension| extension.uri() == offer.uri) else { continue };
            if !flows || !offer.fits_one_byte() {
                continue;
            }
            let slot = extension.slot(&mut self.ids);
            if *slot != 0 && *slot != offer.id {
                return Err(OfferError::ExtensionConflict { line });
            }
            if *slot == offer.id && answered.iter().any(|known: &Answered| known.extension == extension) {
                continue;
            }
            *slot = offer.id;
            answered.push(Answered { extension, id: offer.id, direction: offer.direction.map(|_| flow.reversed()) });
        }
        Ok(answered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(value: &str) -> Result<Option<(u8, Option<Direction>)>, OfferError> {
        Offered::parse(value, 1).map(|offered| offered.map(|offered| (offered.id, offered.direction)))
    }

    #[test]
    fn extmaps_are_read_with_and_without_direction() {
        let bad = Err(OfferError::BadExtension { line: 1 });
        for (value, expected) in [
            ("3 urn:x", Ok(Some((3, None)))),
            ("3/recvonly urn:x attributes here", Ok(Some((3, Some(Direction::RecvOnly))))),
            ("255 urn:x", Ok(Some((255, None)))),
            ("4096 urn:x", Ok(None)),
            ("0 urn:x", bad),
            ("x urn:x", bad),
            ("3/up urn:x", bad),
            ("3", bad),
            ("", bad),
            ("65536 urn:x", bad),
        ] {
            assert_eq!(offered(value), expected, "{value}");
        }
    }

    fn take_up(space: &mut Space<'_>, values: &[&'static str], flow: Direction) -> Result<Vec<(Extension, u8)>, OfferError> {
        let offered: Vec<_> = values.iter().filter_map(|value| Offered::parse(value, 1).unwrap()).collect();
        // The texts are static, so one space may see several lists.
        let answered = space.take_up(&offered, Extension::RECEIVED, flow, 2)?;
        Ok(answered.iter().map(|answered| (answered.extension, answered.id)).collect())
    }

    const MID: &str = "3 urn:ietf:params:rtp-hdrext:sdes:mid";

    #[test]
    fn one_id_is_one_extension_in_the_whole_group() {
        let conflict = Err(OfferError::ExtensionConflict { line: 2 });
        for other in ["3 urn:3gpp:video-orientation", "3 urn:unknown", "4 urn:ietf:params:rtp-hdrext:sdes:mid"] {
            let mut space = Space::new();
            assert_eq!(take_up(&mut space, &[MID], Direction::SendOnly), Ok(vec![(Extension::Mid, 3)]));
            assert_eq!(take_up(&mut space, &[other], Direction::SendOnly), conflict, "{other}");
            assert_eq!(take_up(&mut Space::new(), &[MID, other], Direction::SendOnly), conflict, "{other}");
        }
        let mut space = Space::new();
        assert_eq!(take_up(&mut space, &[MID, MID], Direction::SendOnly), Ok(vec![(Extension::Mid, 3)]));
        assert_eq!(space.ids.mid, 3);
    }

    #[test]
    fn an_extension_is_taken_up_only_where_it_can_flow_and_fit() {
        for (value, flow, taken) in [
            ("9/sendonly urn:3gpp:video-orientation", Direction::SendOnly, true),
            ("9/recvonly urn:3gpp:video-orientation", Direction::SendOnly, false),
            ("9/sendrecv urn:3gpp:video-orientation", Direction::SendOnly, true),
            ("9/inactive urn:3gpp:video-orientation", Direction::SendOnly, false),
            ("14 urn:3gpp:video-orientation", Direction::SendOnly, true),
            ("15 urn:3gpp:video-orientation", Direction::SendOnly, false),
            ("16 urn:3gpp:video-orientation", Direction::SendOnly, false),
        ] {
            assert_eq!(take_up(&mut Space::new(), &[value], flow).unwrap().len(), usize::from(taken), "{value}");
        }
    }
}
