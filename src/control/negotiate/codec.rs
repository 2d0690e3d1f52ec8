//! Payload types of one section, and the two codecs that we speak.

use super::OfferError;

/// Payload types have seven bits (RFC 3550 §5.1).
const PAYLOAD_TYPES: usize = 128;

/// What one section says about its payload types.
pub(super) struct Codecs<'a> {
    /// In the order of the `m=` line: best first.
    formats: Vec<u8>,
    /// `a=rtpmap`, by payload type.
    names: [Option<&'a str>; PAYLOAD_TYPES],
    /// `a=fmtp`, by payload type.
    parameters: [Option<&'a str>; PAYLOAD_TYPES],
    /// `a=rtcp-fb`; no payload type stands for all of them (`*`).
    feedback: Vec<(Option<u8>, &'a str)>,
}

/// A codec that was chosen from an offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Chosen {
    pub(super) payload_type: u8,
    pub(super) rtx: Option<u8>,
    /// Sound with copies of what went before in it (RFC 2198).
    pub(super) red: Option<u8>,
}

impl<'a> Codecs<'a> {
    /// The section's formats, as its `m=` line names them; `line` is for errors.
    pub(super) fn new(formats: &str, line: usize) -> Result<Self, OfferError> {
        let mut codecs =
            Codecs { formats: Vec::new(), names: [None; PAYLOAD_TYPES], parameters: [None; PAYLOAD_TYPES], feedback: Vec::new() };
        for format in formats.split_ascii_whitespace() {
            let payload_type = payload_type_of(format).ok_or(OfferError::BadPayloadType { line })?;
            if codecs.formats.contains(&payload_type) {
                return Err(OfferError::BadPayloadType { line });
            }
            codecs.formats.push(payload_type);
        }
        Ok(codecs)
    }

    /// `a=rtpmap:111 opus/48000/2`
    pub(super) fn rtpmap(&mut self, value: &'a str, line: usize) -> Result<(), OfferError> {
        let (payload_type, name) = numbered(value).ok_or(OfferError::BadPayloadType { line })?;
        match self.names[usize::from(payload_type)].replace(name) {
            Some(before) if !before.eq_ignore_ascii_case(name) => Err(OfferError::PayloadTypeConflict { line }),
            _ => Ok(()),
        }
    }

    /// `a=fmtp:97 apt=96`
    pub(super) fn fmtp(&mut self, value: &'a str, line: usize) -> Result<(), OfferError> {
        let (payload_type, parameters) = numbered(value).ok_or(OfferError::BadPayloadType { line })?;
        match self.parameters[usize::from(payload_type)].replace(parameters) {
            Some(before) if apt(before) != apt(parameters) => Err(OfferError::RtxConflict { line }),
            _ => Ok(()),
        }
    }

    /// `a=rtcp-fb:96 nack pli`
    pub(super) fn rtcp_fb(&mut self, value: &'a str, line: usize) -> Result<(), OfferError> {
        if let Some(kind) = value.strip_prefix("* ") {
            self.feedback.push((None, kind.trim()));
        } else {
            let (payload_type, kind) = numbered(value).ok_or(OfferError::BadPayloadType { line })?;
            self.feedback.push((Some(payload_type), kind));
        }
        Ok(())
    }

    /// Opus (RFC 7587 §7: always 48000/2, whatever is sent).
    pub(super) fn opus(&self) -> Option<Chosen> {
        let payload_type = self.first("opus/48000/2")?;
        // RFC 2198 §5: `a=fmtp:63 111/111` names what may be inside; all of it must be this Opus.
        let of_this = |parameters: &str| parameters.split('/').all(|one| payload_type_of(one) == Some(payload_type));
        let red = self.usable("red/48000/2").find(|&red| self.parameters[usize::from(red)].is_some_and(of_this));
        Some(Chosen { payload_type, rtx: None, red })
    }

    /// VP8 (RFC 7741) and its RTX (RFC 4588), if there is one.
    pub(super) fn vp8(&self, line: usize) -> Result<Option<Chosen>, OfferError> {
        let Some(payload_type) = self.first("VP8/90000") else { return Ok(None) };
        let mut repairs =
            self.usable("rtx/90000").filter(|&rtx| self.parameters[usize::from(rtx)].and_then(apt) == Some(payload_type));
        let rtx = repairs.next();
        if repairs.next().is_some() {
            return Err(OfferError::RtxConflict { line });
        }
        Ok(Some(Chosen { payload_type, rtx, red: None }))
    }

    /// Whether `a=rtcp-fb` offers `kind` for a payload type.
    pub(super) fn offers_feedback(&self, payload_type: u8, kind: &str) -> bool {
        self.feedback.iter().any(|&(of, what)| of.is_none_or(|of| of == payload_type) && what == kind)
    }

    /// Whether `a=fmtp` of a payload type has `parameter` (`name=value`).
    pub(super) fn has_parameter(&self, payload_type: u8, parameter: &str) -> bool {
        let parameters = self.parameters[usize::from(payload_type & 127)].unwrap_or_default();
        parameters.split(';').any(|one| one.trim().eq_ignore_ascii_case(parameter))
    }

    fn first(&self, name: &str) -> Option<u8> {
        self.usable(name).next()
    }

    /// The payload types with this `a=rtpmap`, best first, as far as they can share a port with RTCP.
    fn usable(&self, name: &str) -> impl Iterator<Item = u8> {
        self.formats.iter().copied().filter(move |&format| {
            // RFC 5761 §4: "payload types in the range 64-95 MUST NOT be used" with RTCP on the same port.
            !(64..=95).contains(&format) && self.names[usize::from(format)].is_some_and(|known| known.eq_ignore_ascii_case(name))
        })
    }
}

fn payload_type_of(text: &str) -> Option<u8> {
    // RFC 8866 §9 has no sign in numbers, which `parse` would take.
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u8>().ok()).flatten()?;
    (usize::from(number) < PAYLOAD_TYPES).then_some(number)
}

fn numbered(value: &str) -> Option<(u8, &str)> {
    let (number, rest) = value.split_once(' ')?;
    Some((payload_type_of(number)?, rest.trim()))
}

/// The associated payload type of an RTX format (RFC 4588 §8.1).
fn apt(parameters: &str) -> Option<u8> {
    parameters.split(';').find_map(|one| payload_type_of(one.trim().strip_prefix("apt=")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codecs<'a>(formats: &str, lines: &[&'a str]) -> Result<Codecs<'a>, OfferError> {
        let mut codecs = Codecs::new(formats, 1)?;
        for line in lines {
            match line.split_once(':').unwrap() {
                ("rtpmap", value) => codecs.rtpmap(value, 1)?,
                ("fmtp", value) => codecs.fmtp(value, 1)?,
                ("rtcp-fb", value) => codecs.rtcp_fb(value, 1)?,
                other => panic!("{other:?}"),
            }
        }
        Ok(codecs)
    }

    #[test]
    fn the_first_vp8_of_the_line_is_taken_with_its_own_rtx() {
        let lines = [
            "rtpmap:97 VP8/90000",
            "rtpmap:96 vp8/90000",
            "rtpmap:98 rtx/90000",
            "fmtp:98 apt=96",
            "rtpmap:99 rtx/90000",
            "fmtp:99 x=1; apt=97",
        ];
        let chosen = |formats| codecs(formats, &lines).unwrap().vp8(1);
        assert_eq!(chosen("96 97 98 99"), Ok(Some(Chosen { payload_type: 96, rtx: Some(98), red: None })));
        assert_eq!(chosen("97 96 98 99"), Ok(Some(Chosen { payload_type: 97, rtx: Some(99), red: None })));
        assert_eq!(chosen("97 98"), Ok(Some(Chosen { payload_type: 97, rtx: None, red: None })));
        assert_eq!(chosen("98"), Ok(None));
    }

    #[test]
    fn red_is_taken_where_all_that_may_be_inside_is_the_opus_of_the_line() {
        let red = |parameters: &str| {
            let fmtp = format!("fmtp:63 {parameters}");
            codecs("111 63 0", &["rtpmap:111 opus/48000/2", "rtpmap:63 red/48000/2", &fmtp]).unwrap().opus().unwrap().red
        };
        for (parameters, expected) in [("111/111", Some(63)), ("111", Some(63)), ("111/0", None), ("0/0", None), ("x", None)] {
            assert_eq!(red(parameters), expected, "{parameters}");
        }
        assert_eq!(codecs("111 63", &["rtpmap:111 opus/48000/2", "rtpmap:63 red/48000/2"]).unwrap().opus().unwrap().red, None);
    }

    #[test]
    fn an_rtx_without_one_meaning_is_refused() {
        let two = ["rtpmap:96 VP8/90000", "rtpmap:97 rtx/90000", "fmtp:97 apt=96", "rtpmap:98 rtx/90000", "fmtp:98 apt=96"];
        assert_eq!(codecs("96 97 98", &two).unwrap().vp8(7), Err(OfferError::RtxConflict { line: 7 }));
        assert_eq!(codecs("96 97", &["fmtp:97 apt=96", "fmtp:97 apt=98"]).err(), Some(OfferError::RtxConflict { line: 1 }));
    }

    #[test]
    fn payload_types_are_numbers_up_to_127_said_once() {
        for formats in ["128", "256", "-1", "+96", "9x", "96 96", "0x10"] {
            assert_eq!(codecs(formats, &[]).err(), Some(OfferError::BadPayloadType { line: 1 }), "{formats}");
        }
        for line in ["rtpmap:128 VP8/90000", "fmtp:200 apt=1", "rtcp-fb:999 nack", "rtpmap:96", "rtcp-fb:*"] {
            assert_eq!(codecs("96", &[line]).err(), Some(OfferError::BadPayloadType { line: 1 }), "{line}");
        }
        assert_eq!(
            codecs("96", &["rtpmap:96 VP8/90000", "rtpmap:96 H264/90000"]).err(),
            Some(OfferError::PayloadTypeConflict { line: 1 })
        );
    }

    #[test]
    fn a_payload_type_that_looks_like_rtcp_is_not_chosen() {
        for (number, usable) in [(63, true), (64, false), (72, false), (95, false), (96, true)] {
            let (formats, map) = (number.to_string(), format!("rtpmap:{number} opus/48000/2"));
            assert_eq!(codecs(&formats, &[&map]).unwrap().opus().is_some(), usable, "{number}");
        }
    }

    #[test]
    fn feedback_is_for_one_payload_type_or_all() {
        let codecs = codecs("96 97", &["rtcp-fb:96 nack pli", "rtcp-fb:* ccm fir"]).unwrap();
        assert!(codecs.offers_feedback(96, "nack pli") && !codecs.offers_feedback(97, "nack pli"));
        assert!(codecs.offers_feedback(97, "ccm fir") && !codecs.offers_feedback(96, "nack"));
    }
}
