//! An offer as sections of attributes: the only code that walks raw text, and every bound on it.

use super::OfferError;

/// Bytes of an offer. Our page offers 32 KiB; 16 such sections with candidates would still fit.
pub(super) const OFFER_MAX: usize = 256 * 1024;
/// Bytes of a fragment of one. A page sends some hundred; one that repeats sixteen sections with all candidates fits.
pub(super) const FRAGMENT_MAX: usize = 16 * 1024;
/// Bytes of one line. The longest that a browser writes are the `m=` line and `a=fmtp`, some 200 bytes; an
/// identity assertion may take a few thousand.
pub(super) const LINE_MAX: usize = 8 * 1024;
/// Sections. A seat uses ten and a data channel; more than 16 we would not answer anyhow.
pub(super) const MEDIA_MAX: usize = 16;
/// Attributes of one section. Chromium writes 150 where it offers every codec, and some for each candidate.
pub(super) const ATTRIBUTES_MAX: usize = 1_024;

/// One `a=` line.
#[derive(Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    /// What follows the colon; empty for a flag.
    pub(super) value: &'a str,
}

/// One `m=` line and its attributes.
pub(super) struct Section<'a> {
    /// What follows `m=`.
    pub(super) heading: &'a str,
    pub(super) attributes: Vec<Attribute<'a>>,
}

/// A session description: what an answer needs of it.
pub(super) struct Description<'a> {
    pub(super) session: Vec<Attribute<'a>>,
    pub(super) media: Vec<Section<'a>>,
}

impl<'a> Description<'a> {
    /// Reads `offer` in one pass. Lines end in CRLF or LF; nothing but attributes and `m=` lines is kept.
    pub(super) fn parse(offer: &'a str) -> Result<Self, OfferError> {
        if offer.len() > OFFER_MAX {
            return Err(OfferError::TooLong);
        }
        let mut description = Description { session: Vec::new(), media: Vec::new() };
        for (at, line) in lines(offer) {
            let line = checked(at, line)?;
            if at == 1 {
                // RFC 8866 §5.1: "v=0" comes first.
                if line != "v=0" {
                    return Err(OfferError::NotSdp { at });
                }
                continue;
            }
            description.line(line).ok_or(OfferError::NotSdp { at })??;
        }
        Ok(description)
    }

    /// Reads what RFC 8840 §9 calls a fragment: attributes, and `m=` lines with attributes, of a description.
    pub(super) fn fragment(text: &'a str) -> Result<Self, OfferError> {
        if text.len() > FRAGMENT_MAX {
            return Err(OfferError::FragmentTooLong);
        }
        let mut description = Description { session: Vec::new(), media: Vec::new() };
        for (at, line) in lines(text) {
            description.line(checked(at, line)?).ok_or(OfferError::NotFragment { at })??;
        }
        Ok(description)
    }

    /// Takes one line; None if it is none.
    fn line(&mut self, line: &'a str) -> Option<Result<(), OfferError>> {
        let (kind, value) = line.split_once('=')?;
        match kind {
            "a" => Some(self.attribute(value)),
            "m" if self.media.len() == MEDIA_MAX => Some(Err(OfferError::TooManyLines)),
            "m" => {
                self.media.push(Section { heading: value, attributes: Vec::new() });
                Some(Ok(()))
            }
            "o" | "s" | "i" | "u" | "e" | "p" | "c" | "b" | "t" | "r" | "z" | "k" => Some(Ok(())),
            // RFC 8866 §5: a parser "MUST completely ignore any session description that contains a type
            // letter that it does not understand".
            _ => None,
        }
    }

    fn attribute(&mut self, text: &'a str) -> Result<(), OfferError> {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let attributes = match self.media.last_mut() {
            Some(section) => &mut section.attributes,
            None => &mut self.session,
        };
        if attributes.len() == ATTRIBUTES_MAX {
            return Err(OfferError::TooManyAttributes);
        }
        attributes.push(Attribute { name, value });
        Ok(())
    }
}

/// Lines and their numbers, from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.strip_suffix('\n').unwrap_or(text).split('\n'))
}

/// A line without its end, if it may be read at all.
fn checked(at: usize, line: &str) -> Result<&str, OfferError> {
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.len() > LINE_MAX {
        return Err(OfferError::LineTooLong { at });
    }
    // RFC 8866 §9: byte-string excludes NUL, CR and LF; no attribute that we read holds any other either.
    if line.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(OfferError::ControlCharacter { at });
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(offer: &str) -> Option<OfferError> {
        Description::parse(offer).err()
    }

    #[test]
    fn lines_end_in_crlf_or_lf_and_attributes_stay_in_their_section() {
        let description =
            Description::parse("v=0\r\no=- 1 1 IN IP4 0.0.0.0\na=x:1:2\r\nm=audio 9 P 0\na=flag\nm=video 9 P 1").unwrap();
        assert_eq!((description.session[0].name, description.session[0].value), ("x", "1:2"));
        assert_eq!(description.media.iter().map(|section| section.heading).collect::<Vec<_>>(), ["audio 9 P 0", "video 9 P 1"]);
        assert_eq!((description.media[0].attributes[0].name, description.media[0].attributes[0].value), ("flag", ""));
    }

    #[test]
    fn what_is_not_sdp_is_refused_at_its_line() {
        for (offer, at) in [
            ("", 1),
            ("v=1\n", 1),
            (" v=0", 1),
            ("{\"sdp\":\"v=0\"}", 1),
            ("v=0\n\na=x", 2),
            ("v=0\nx=1", 2),
            ("v=0\nab=1", 2),
            ("v=0\n=", 2),
        ] {
            assert_eq!(error(offer), Some(OfferError::NotSdp { at }), "{offer:?}");
        }
        for (offer, at) in [("v=0\na=x\0", 2), ("v=0\r\r\n", 1), ("v=0\ra=x\r\n", 1), ("v=0\na=\u{1b}[0m", 2)] {
            assert_eq!(error(offer), Some(OfferError::ControlCharacter { at }), "{offer:?}");
        }
    }

    #[test]
    fn every_bound_holds_at_its_edge() {
        let line = |bytes: usize| format!("v=0\na={}", "x".repeat(bytes - 2));
        assert_eq!(error(&line(LINE_MAX)), None);
        assert_eq!(error(&line(LINE_MAX + 1)), Some(OfferError::LineTooLong { at: 2 }));
        assert_eq!(error(&format!("v=0\na={}", "x".repeat(2 << 20))), Some(OfferError::TooLong));
        let media = |count: usize| format!("v=0\n{}", "m=audio 9 P 0\n".repeat(count));
        assert_eq!(error(&media(MEDIA_MAX)), None);
        assert_eq!(error(&media(MEDIA_MAX + 1)), Some(OfferError::TooManyLines));
        assert_eq!(error(&media(10_000)), Some(OfferError::TooManyLines));
        let attributes = |count: usize| format!("v=0\nm=audio 9 P 0\n{}", "a=x\n".repeat(count));
        assert_eq!(error(&attributes(ATTRIBUTES_MAX)), None);
        assert_eq!(error(&attributes(ATTRIBUTES_MAX + 1)), Some(OfferError::TooManyAttributes));
    }
}
