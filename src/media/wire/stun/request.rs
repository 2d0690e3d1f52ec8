//! A binding request, as a peer's connectivity check sends it.

use super::attribute::{ATTRIBUTE_HEADER, Attribute, Attributes, Overrun, kind};
use super::{BINDING_REQUEST, HEADER_LEN, INTEGRITY_LEN, MAGIC_COOKIE, fingerprint};
use crate::base::DropReason;

/// How many attributes that we had to know, and do not, are remembered. An honest peer sends none; naming
/// a few is enough to say why a request was refused.
pub const UNKNOWN_MAX: usize = 8;

/// A binding request with a right FINGERPRINT. Nothing in it is believed until its integrity was checked.
#[derive(Clone)]
pub struct Request<'a> {
    pub transaction: [u8; 12],
    /// Both sides' username fragments, ours first.
    pub username: Option<&'a [u8]>,
    pub priority: Option<u32>,
    pub use_candidate: bool,
    /// The peer's tie-breaker, under the role that it claims.
    pub ice_controlling: Option<u64>,
    pub ice_controlled: Option<u64>,
    pub integrity: Option<Integrity<'a>>,
    unknown: [u16; UNKNOWN_MAX],
    unknown_len: usize,
}

/// What MESSAGE-INTEGRITY says, and of what.
#[derive(Clone, Copy)]
pub struct Integrity<'a> {
    header: [u8; HEADER_LEN],
    attributes: &'a [u8],
    /// The HMAC-SHA1 that must come out.
    pub tag: &'a [u8; INTEGRITY_LEN],
}

impl<'a> Integrity<'a> {
    /// The bytes that the tag speaks for, in two parts, as the header is not as it was sent.
    pub fn covered(&self) -> [&[u8]; 2] {
        [&self.header, self.attributes]
    }

    /// RFC 8489 §14.5: the length in the header counts up to the end of MESSAGE-INTEGRITY, whatever follows.
    fn new(message: &'a [u8], attribute: Attribute<'a>) -> Option<Integrity<'a>> {
        let (header, _) = message.split_first_chunk::<HEADER_LEN>()?;
        let mut header = *header;
        let end = attribute.start + ATTRIBUTE_HEADER + INTEGRITY_LEN;
        header[2..4].copy_from_slice(&u16::try_from(end - HEADER_LEN).ok()?.to_be_bytes());
        let attributes = message.get(HEADER_LEN..attribute.start)?;
        Some(Integrity { header, attributes, tag: attribute.value.try_into().ok()? })
    }
}

impl<'a> Request<'a> {
    /// Reads a whole datagram. Anything but a well-formed binding request is refused.
    pub fn parse(datagram: &'a [u8]) -> Result<Request<'a>, DropReason> {
        Request::read(datagram).ok_or(DropReason::StunMalformed)
    }

    /// The attributes that we had to know and do not, at most [`UNKNOWN_MAX`] of them.
    pub fn unknown(&self) -> &[u16] {
        &self.unknown[..self.unknown_len]
    }

    fn read(datagram: &'a [u8]) -> Option<Request<'a>> {
        let mut request = Request {
            transaction: transaction(datagram)?,
            username: None,
            priority: None,
            use_candidate: false,
            ice_controlling: None,
            ice_controlled: None,
            integrity: None,
            unknown: [0; UNKNOWN_MAX],
            unknown_len: 0,
        };
        let mut attributes = Attributes::new(datagram, HEADER_LEN);
        for attribute in attributes.by_ref() {
            let attribute = attribute.ok()?;
            if attribute.kind == kind::FINGERPRINT {
                return (is_fingerprint_right(datagram, attribute)? && attributes.next().is_none()).then_some(request);
            }
            // RFC 8489 §14.5: "agents MUST ignore all other attributes that follow MESSAGE-INTEGRITY".
            if request.integrity.is_none() {
                request.take(datagram, attribute)?;
            }
        }
        // RFC 8489 §7: a use of STUN that has FINGERPRINT refuses messages without it, and ICE is such a use.
        None
    }

    /// Takes one attribute. RFC 8489 §14: of several of one kind only the first counts.
    fn take(&mut self, datagram: &'a [u8], attribute: Attribute<'a>) -> Option<()> {
        let value = attribute.value;
        match attribute.kind {
            kind::USERNAME => {
                self.username.get_or_insert(value);
            }
            kind::PRIORITY => {
                self.priority.get_or_insert(u32::from_be_bytes(value.try_into().ok()?));
            }
            kind::USE_CANDIDATE => self.use_candidate = true,
            kind::ICE_CONTROLLING => {
                self.ice_controlling.get_or_insert(u64::from_be_bytes(value.try_into().ok()?));
            }
            kind::ICE_CONTROLLED => {
                self.ice_controlled.get_or_insert(u64::from_be_bytes(value.try_into().ok()?));
            }
            kind::MESSAGE_INTEGRITY => self.integrity = Some(Integrity::new(datagram, attribute)?),
            unknown if unknown <= kind::REQUIRED_MAX => {
                if let Some(place) = self.unknown.get_mut(self.unknown_len) {
                    *place = unknown;
                    self.unknown_len += 1;
                }
            }
            _optional => {}
        }
        Some(())
    }
}

/// The part of the username that is ours, which says for which leg a request is: read before anything else
/// is known, and no more of the datagram than leads to it.
pub fn local_ufrag(datagram: &[u8]) -> Result<&[u8], DropReason> {
    transaction(datagram).ok_or(DropReason::StunMalformed)?;
    let username = Attributes::new(datagram, HEADER_LEN)
        .find(|attribute| attribute.as_ref().map_or(true, |attribute| attribute.kind == kind::USERNAME))
        .ok_or(DropReason::StunUnknownUser)?
        .map_err(|Overrun| DropReason::StunMalformed)?
        .value;
    // RFC 8445 §7.2.2: whom the request is for, a colon, who sends it.
    let colon = username.iter().position(|byte| *byte == b':').ok_or(DropReason::StunUnknownUser)?;
    Ok(&username[..colon])
}

/// The transaction id, if the header is a binding request's and its length is the datagram's.
fn transaction(datagram: &[u8]) -> Option<[u8; 12]> {
    let (header, attributes) = datagram.split_first_chunk::<HEADER_LEN>()?;
    let [t0, t1, l0, l1, c0, c1, c2, c3, transaction @ ..] = *header;
    let is_request = u16::from_be_bytes([t0, t1]) == BINDING_REQUEST;
    let is_whole = usize::from(u16::from_be_bytes([l0, l1])) == attributes.len() && attributes.len().is_multiple_of(4);
    let is_stun = u32::from_be_bytes([c0, c1, c2, c3]) == MAGIC_COOKIE;
    (is_request && is_whole && is_stun).then_some(transaction)
}

/// RFC 8489 §14.7: the CRC-32 of all that stands before it, with the length as it was sent.
fn is_fingerprint_right(datagram: &[u8], attribute: Attribute<'_>) -> Option<bool> {
    let said = u32::from_be_bytes(attribute.value.try_into().ok()?);
    Some(said == fingerprint(datagram.get(..attribute.start)?))
}
