//! STUN binding requests and their answers (RFC 8489), as far as an ICE-lite server meets them (RFC 8445).
//!
//! A [`Request`] is read whole and without a key: its integrity says what it covers, and whoever holds the
//! password checks it. A [`Response`] is written the other way round, with the tag of whoever can sign.

mod attribute;
mod request;
mod response;

pub use request::{Integrity, Request, UNKNOWN_MAX, local_ufrag};
pub use response::{RESPONSE_MAX, Refusal, Response};

/// RFC 8489 §5: type, length, magic cookie, transaction id.
const HEADER_LEN: usize = 20;

/// RFC 8489 §5.
const MAGIC_COOKIE: u32 = 0x2112_A442;

/// Method 1 (binding) with the class bits of RFC 8489 §5.
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;

/// RFC 8489 §14.5: an HMAC-SHA1.
const INTEGRITY_LEN: usize = 20;

/// Sets a message apart from its transport's other protocols (RFC 8489 §14.7).
fn fingerprint(covered: &[u8]) -> u32 {
    crc32fast::hash(covered) ^ 0x5354_554e
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
