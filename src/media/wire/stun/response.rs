//! The answer to a binding request.

use std::net::{IpAddr, SocketAddr};

use super::attribute::{ATTRIBUTE_HEADER, kind};
use super::{BINDING_ERROR, BINDING_SUCCESS, HEADER_LEN, INTEGRITY_LEN, MAGIC_COOKIE, UNKNOWN_MAX, fingerprint};

/// Room that any answer fits.
pub const RESPONSE_MAX: usize = 128;

const CRC_LEN: usize = 4;
const LONGEST_REASON: usize = 20;
const LONGEST_REFUSAL: usize = HEADER_LEN
    + (ATTRIBUTE_HEADER + 4 + LONGEST_REASON)
    + (ATTRIBUTE_HEADER + 2 * UNKNOWN_MAX)
    + (ATTRIBUTE_HEADER + INTEGRITY_LEN)
    + (ATTRIBUTE_HEADER + CRC_LEN);
const _: () = assert!(LONGEST_REFUSAL <= RESPONSE_MAX);

/// Why a request that came from the right peer is not granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal<'a> {
    /// 420: it had attributes that must be understood and are not; these.
    UnknownAttributes(&'a [u16]),
    /// 487: it claims the role that is ours (RFC 8445 §7.3.1.1).
    RoleConflict,
}

impl Refusal<'_> {
    /// The code, as RFC 8489 §14.8 splits it, and its reason phrase.
    fn words(self) -> ([u8; 2], &'static [u8]) {
        match self {
            Refusal::UnknownAttributes(_) => ([4, 20], b"Unknown Attribute"),
            Refusal::RoleConflict => ([4, 87], b"Role Conflict"),
        }
    }
}

/// An answer under way: begun as what it is, ended by [`Response::finish`].
pub struct Response<'a> {
    buffer: &'a mut [u8; RESPONSE_MAX],
    len: usize,
}

impl<'a> Response<'a> {
    /// Tells the peer from where we heard it.
    pub fn success(buffer: &'a mut [u8; RESPONSE_MAX], transaction: [u8; 12], from: SocketAddr) -> Response<'a> {
        let mut response = Response::begin(buffer, BINDING_SUCCESS, transaction);
        // RFC 8489 §14.2: the cookie masks the port and IPv4; cookie and transaction id mask IPv6.
        let mut mask = [0; 16];
        mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
        mask[4..].copy_from_slice(&transaction);
        let mut value = [0; 20];
        let mut masked = |family: u8, address: &[u8]| {
            value[1] = family;
            value[2..4].copy_from_slice(&from.port().to_be_bytes());
            value[4..][..address.len()].copy_from_slice(address);
            value[2..4].iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
            value[4..].iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
            4 + address.len()
        };
        let len = match from.ip() {
            IpAddr::V4(address) => masked(1, &address.octets()),
            IpAddr::V6(address) => masked(2, &address.octets()),
        };
        response.attribute(kind::XOR_MAPPED_ADDRESS, &[&value[..len]]);
        response
    }

    /// Tells the peer what is wrong with its request.
    pub fn refusal(buffer: &'a mut [u8; RESPONSE_MAX], transaction: [u8; 12], refusal: Refusal<'_>) -> Response<'a> {
        let mut response = Response::begin(buffer, BINDING_ERROR, transaction);
        let (code, reason) = refusal.words();
        response.attribute(kind::ERROR_CODE, &[&[0, 0], &code, reason]);
        if let Refusal::UnknownAttributes(unknown) = refusal {
            let mut value = [0; 2 * UNKNOWN_MAX];
            let mut len = 0;
            for (place, unknown) in value.chunks_exact_mut(2).zip(unknown) {
                place.copy_from_slice(&unknown.to_be_bytes());
                len += 2;
            }
            response.attribute(kind::UNKNOWN_ATTRIBUTES, &[&value[..len]]);
        }
        response
    }

    /// Adds MESSAGE-INTEGRITY, made by `sign` over what it covers, and FINGERPRINT: the answer's length.
    pub fn finish(mut self, sign: impl FnOnce(&[u8]) -> [u8; INTEGRITY_LEN]) -> usize {
        // RFC 8489 §14.5, §14.7: both count themselves in the length that they cover.
        self.set_length(self.len + ATTRIBUTE_HEADER + INTEGRITY_LEN);
        let tag = sign(&self.buffer[..self.len]);
        self.attribute(kind::MESSAGE_INTEGRITY, &[&tag]);
        self.set_length(self.len + ATTRIBUTE_HEADER + CRC_LEN);
        let crc = fingerprint(&self.buffer[..self.len]);
        self.attribute(kind::FINGERPRINT, &[&crc.to_be_bytes()]);
        self.len
    }

    fn begin(buffer: &'a mut [u8; RESPONSE_MAX], message: u16, transaction: [u8; 12]) -> Response<'a> {
        buffer[..2].copy_from_slice(&message.to_be_bytes());
        buffer[4..8].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
        buffer[8..HEADER_LEN].copy_from_slice(&transaction);
        Response { buffer, len: HEADER_LEN }
    }

    /// Appends an attribute whose value is these parts, padded with zeros.
    fn attribute(&mut self, kind: u16, parts: &[&[u8]]) {
        let start = self.len;
        self.append(&kind.to_be_bytes());
        self.append(&[0, 0]);
        parts.iter().for_each(|part| self.append(part));
        let value_len = self.len - start - ATTRIBUTE_HEADER;
        self.buffer[start + 2..][..2].copy_from_slice(&short(value_len));
        self.append(&[0; 3][..value_len.next_multiple_of(4) - value_len]);
    }

    fn append(&mut self, bytes: &[u8]) {
        self.buffer[self.len..][..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Says in the header that the message ends here.
    fn set_length(&mut self, end: usize) {
        self.buffer[2..4].copy_from_slice(&short(end - HEADER_LEN));
    }
}

/// A length inside a response, as it is written.
fn short(len: usize) -> [u8; 2] {
    u16::try_from(len).expect("no response is longer than RESPONSE_MAX").to_be_bytes()
}
