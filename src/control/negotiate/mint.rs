//! What an answer makes up: credentials, names, SSRCs.

use std::collections::BTreeSet;

use crate::base::secret::Secret;
use crate::link::IceCredentials;
use crate::link::terms::Ssrc;

/// Both ICE (RFC 8839 §5.4, `ice-char`) and CNAMEs (RFC 7022 §4.2) may use these 64.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 8445 §5.3 asks for 24 random bits; the worker finds a leg by its ufrag alone, so 72 keep ten thousand
/// legs apart.
const UFRAG_LETTERS: usize = 12;
/// RFC 8445 §5.3 asks for 128 random bits: these are 144.
const PASSWORD_LETTERS: usize = 24;
/// RFC 7022 §4.2: 96 random bits.
const CNAME_LETTERS: usize = 16;

/// Makes up what has to be random.
pub(super) struct Mint<'r> {
    random: &'r mut dyn FnMut(&mut [u8]),
    /// SSRCs that must not be made: the offer's and those already made.
    taken: BTreeSet<u32>,
}

impl<'r> Mint<'r> {
    pub(super) fn new(random: &'r mut dyn FnMut(&mut [u8])) -> Self {
        // RFC 3550 allows zero, but too many programs take it for "none".
        Self { random, taken: BTreeSet::from([0]) }
    }

    /// Keeps an SSRC of the offer from being made; says whether it was new.
    pub(super) fn avoid(&mut self, ssrc: Ssrc) -> bool {
        self.taken.insert(ssrc.0)
    }

    /// An SSRC that nobody on this leg has. However bad the randomness, it is found: the next free one counts.
    pub(super) fn ssrc(&mut self) -> Ssrc {
        let mut bytes = [0; 4];
        (self.random)(&mut bytes);
        let mut ssrc = u32::from_be_bytes(bytes);
        while !self.taken.insert(ssrc) {
            ssrc = ssrc.wrapping_add(1);
        }
        Ssrc(ssrc)
    }

    pub(super) fn credentials(&mut self) -> IceCredentials {
        IceCredentials { ufrag: self.text::<UFRAG_LETTERS>(), password: Secret::new(self.text::<PASSWORD_LETTERS>()) }
    }

    pub(super) fn cname(&mut self) -> String {
        self.text::<CNAME_LETTERS>()
    }

    /// RFC 9429 §5.2.1: the session id is a 64-bit number with the highest bit zero.
    pub(super) fn session_id(&mut self) -> u64 {
        let mut bytes = [0; 8];
        (self.random)(&mut bytes);
        u64::from_be_bytes(bytes) >> 1
    }

    /// 256 is four times 64: every letter is as likely.
    fn text<const LENGTH: usize>(&mut self) -> String {
        let mut bytes = [0; LENGTH];
        (self.random)(&mut bytes);
        bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte & 63)])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssrcs_are_distinct_and_not_the_offers_even_without_randomness() {
        let mut zero = |bytes: &mut [u8]| bytes.fill(0xff);
        let mut mint = Mint::new(&mut zero);
        assert!(mint.avoid(Ssrc(1)));
        assert!(!mint.avoid(Ssrc(1)));
        assert_eq!([mint.ssrc(), mint.ssrc(), mint.ssrc()], [Ssrc(u32::MAX), Ssrc(2), Ssrc(3)]);
    }

    #[test]
    fn credentials_have_the_length_and_letters_of_ice() {
        let mut next = 0u8;
        let mut random = |bytes: &mut [u8]| bytes.fill_with(|| (next = next.wrapping_add(97), next).1);
        let credentials = Mint::new(&mut random).credentials();
        assert_eq!((credentials.ufrag.len(), credentials.password.expose().len()), (12, 24));
        assert!(credentials.ufrag.bytes().all(|letter| LETTERS.contains(&letter)));
        assert_ne!(credentials.ufrag[..], credentials.password.expose()[..12]);
    }
}
