//! Names of things: random, opaque, safe to log.
//!
//! An id is 64 random bits and says nothing about what it names. It is not a secret: knowing one opens
//! nothing. Its text is a prefix and thirteen letters, `vis-0r2d5m8k1w3xz`, and is what a path, a record
//! and a log line show.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Crockford's base 32 in small letters: no i, l, o, u, so that an id survives being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 13 × 5 = 65 bits hold 64.
const LETTERS: usize = 13;

/// A text that is not the id that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an id of this kind")
    }
}

impl std::error::Error for NotAnId {}

fn write_text(f: &mut fmt::Formatter<'_>, prefix: &str, bits: u64) -> fmt::Result {
    let mut text = [0u8; LETTERS];
    for (place, letter) in text.iter_mut().enumerate() {
        let shift = 5 * (LETTERS - 1 - place);
        // Five bits: always a place in the alphabet.
        *letter = ALPHABET[(bits >> shift & 31) as usize];
    }
    f.write_str(prefix)?;
    f.write_str("-")?;
    f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

fn read_text(text: &str, prefix: &str) -> Result<u64, NotAnId> {
    let letters = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-')).ok_or(NotAnId)?;
    if letters.len() != LETTERS {
        return Err(NotAnId);
    }
    let mut bits: u128 = 0;
    for letter in letters.bytes() {
        let value = ALPHABET.iter().position(|&known| known == letter).ok_or(NotAnId)?;
        bits = bits << 5 | value as u128;
    }
    u64::try_from(bits).map_err(|_| NotAnId)
}

/// Declares an id type with its text prefix.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// The id with these bits.
            pub const fn from_bits(bits: u64) -> Self {
                Self(bits)
            }

            /// The 64 bits of this id.
            pub const fn bits(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_text(f, $prefix, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_text(f, $prefix, self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                read_text(text, $prefix).map(Self)
            }
        }

        /// Text where people read it (JSON), bits where machines do (link).
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                if out.is_human_readable() { out.collect_str(self) } else { out.serialize_u64(self.0) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                if input.is_human_readable() {
                    let text = std::borrow::Cow::<'_, str>::deserialize(input)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    u64::deserialize(input).map(Self)
                }
            }
        }
    )*};
}

ids! {
    /// One occurrence of an appointment, live.
    VisitId "vis";
    /// A planned meeting of one provider and one to three patients.
    AppointmentId "apt";
    /// Someone who sees patients.
    ProviderId "prv";
    /// Someone who is seen.
    PatientId "pat";
    /// A person in a visit, from verifying to leaving.
    ParticipantId "par";
    /// An invitation. The id names it in records; only the link's own random bits open anything.
    LinkId "lnk";
    /// An admin token's record. The token's own random bits open the API.
    TokenId "tok";
    /// One connection of a seat: a seat that reconnects gets a new one.
    LegId "leg";
}

/// One of the four places of a visit that send and receive: 0, 1, 2 or 3. Seat 0 is kept for the provider.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Seat(u8);

impl Seat {
    /// How many seats a visit has. Four is the product.
    pub const COUNT: usize = 4;
    /// All seats, in order.
    pub const ALL: [Seat; Seat::COUNT] = [Seat(0), Seat(1), Seat(2), Seat(3)];
    /// The seat that only a provider takes.
    pub const PROVIDER: Seat = Seat(0);

    /// The seat with this number, if there is one.
    pub const fn new(number: u8) -> Option<Seat> {
        if (number as usize) < Seat::COUNT { Some(Seat(number)) } else { None }
    }

    /// 0 to 3, for indexing arrays of `Seat::COUNT`.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Which of this receiver's three recvonly lines carries `sender`; none for itself.
    ///
    /// The lines of a receiver are bound to the other seats in seat order, for ever: line k of receiver r
    /// carries seat k where k < r, and seat k + 1 otherwise. Nobody needs a table, and nothing renegotiates.
    pub const fn line_of(self, sender: Seat) -> Option<usize> {
        if sender.0 == self.0 {
            None
        } else if sender.0 < self.0 {
            Some(sender.0 as usize)
        } else {
            Some(sender.0 as usize - 1)
        }
    }

    /// The seat that this receiver's recvonly line `line` carries; the inverse of [`Seat::line_of`].
    pub const fn on_line(self, line: usize) -> Option<Seat> {
        if line >= Seat::COUNT - 1 {
            return None;
        }
        Some(Seat::ALL[if line < self.index() { line } else { line + 1 }])
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl TryFrom<u8> for Seat {
    type Error = NotAnId;

    fn try_from(number: u8) -> Result<Self, NotAnId> {
        Seat::new(number).ok_or(NotAnId)
    }
}

impl From<Seat> for u8 {
    fn from(seat: Seat) -> u8 {
        seat.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        for bits in [0, 1, 31, 32, u64::MAX, 0x0123_4567_89ab_cdef] {
            let id = VisitId::from_bits(bits);
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(serde_json::from_str::<VisitId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        }
        assert_eq!(VisitId::from_bits(0).to_string(), "vis-0000000000000");
    }

    #[test]
    fn a_text_that_is_not_this_kind_of_id_is_refused() {
        for text in
            ["", "vis-", "pat-0000000000000", "vis-000000000000", "vis-000000000000i", "vis-g000000000000", "vis-00000000000000"]
        {
            assert_eq!(text.parse::<VisitId>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn line_k_of_a_receiver_always_carries_the_same_other_seat() {
        for receiver in Seat::ALL {
            let mut lines = [false; 3];
            for sender in Seat::ALL {
                match receiver.line_of(sender) {
                    None => assert_eq!(receiver, sender),
                    Some(line) => {
                        lines[line] = true;
                        assert_eq!(receiver.on_line(line), Some(sender));
                    }
                }
            }
            assert_eq!(lines, [true; 3]);
            assert_eq!(receiver.on_line(3), None);
        }
    }
}
