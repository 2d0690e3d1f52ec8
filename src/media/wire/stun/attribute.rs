//! Attributes: type, length, value, padding to four bytes (RFC 8489 §14).

/// The attributes that we know, by their numbers (RFC 8489 §18.3, RFC 8445 §16.1).
pub(super) mod kind {
    pub(in super::super) const USERNAME: u16 = 0x0006;
    pub(in super::super) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(in super::super) const ERROR_CODE: u16 = 0x0009;
    pub(in super::super) const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
    pub(in super::super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub(in super::super) const PRIORITY: u16 = 0x0024;
    pub(in super::super) const USE_CANDIDATE: u16 = 0x0025;
    pub(in super::super) const FINGERPRINT: u16 = 0x8028;
    pub(in super::super) const ICE_CONTROLLED: u16 = 0x8029;
    pub(in super::super) const ICE_CONTROLLING: u16 = 0x802A;

    /// RFC 8489 §14: numbers above may be ignored by who does not know them, numbers below not.
    pub(in super::super) const REQUIRED_MAX: u16 = 0x7FFF;
}

/// Bytes before a value: type and length.
pub(super) const ATTRIBUTE_HEADER: usize = 4;

/// One attribute of a message.
#[derive(Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) kind: u16,
    pub(super) value: &'a [u8],
    /// Where in the message it begins, with its type.
    pub(super) start: usize,
}

/// Walks the attributes of a message from `at` on.
#[derive(Clone)]
pub(super) struct Attributes<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(message: &'a [u8], at: usize) -> Attributes<'a> {
        Attributes { message, at }
    }

    /// The next attribute; None if it runs over the end, its padding included.
    fn read(&self) -> Option<(Attribute<'a>, usize)> {
        let rest = self.message.get(self.at..)?;
        let (kind, rest) = rest.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let len = usize::from(u16::from_be_bytes(*len));
        let padded = len.next_multiple_of(4);
        let value = rest.get(..padded)?.get(..len)?;
        let attribute = Attribute { kind: u16::from_be_bytes(*kind), value, start: self.at };
        Some((attribute, self.at + ATTRIBUTE_HEADER + padded))
    }
}

/// An attribute that runs over the end of its message.
pub(super) struct Overrun;

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Overrun>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.message.len() {
            return None;
        }
        match self.read() {
            Some((attribute, next)) => {
                self.at = next;
                Some(Ok(attribute))
            }
            None => {
                self.at = self.message.len();
                Some(Err(Overrun))
            }
        }
    }
}
