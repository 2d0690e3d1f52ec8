//! Tokens: random text that opens something. Only its SHA-256 is ever kept.

use std::fmt;

use aws_lc_rs::digest;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use super::random;
use crate::base::secret::Secret;

/// What a token opens. The prefix of its text says so, to people and to secret scanners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `qt_`: the API, for staff and their programs.
    Admin,
    /// `qs_`: one participant's session in one visit.
    Session,
    /// A link into one visit; bare, because it is typed and read aloud more than the others.
    Link,
}

impl TokenKind {
    pub const fn prefix(self) -> &'static str {
        match self {
            TokenKind::Admin => "qt_",
            TokenKind::Session => "qs_",
            TokenKind::Link => "",
        }
    }
}

/// A token as its owner holds it.
#[derive(Clone, Debug)]
pub struct Token(Secret<String>);

impl Token {
    /// Random bytes of a token: 192 bits are far beyond guessing (128 would do) and encode without a
    /// remainder to 32 letters; more would only make links longer in text messages.
    const BYTES: usize = 24;
    /// Bytes of the longest text that is looked at as a token at all.
    const TEXT_MAX: usize = 64;

    pub fn random(kind: TokenKind) -> Token {
        let random = random::bytes::<{ Token::BYTES }>();
        Token(Secret::new(format!("{}{}", kind.prefix(), BASE64URL_NOPAD.encode(&random))))
    }

    /// A token that someone showed, if its shape could be one of `kind`.
    pub fn shown(kind: TokenKind, text: &str) -> Option<Token> {
        let body = text.strip_prefix(kind.prefix())?;
        let letters = body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        (letters && !body.is_empty() && text.len() <= Token::TEXT_MAX).then(|| Token(Secret::new(text.to_owned())))
    }

    /// What the record keeps of it.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.expose().as_bytes())
    }

    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Digest {
        let mut sum = [0; 32];
        sum.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Digest(sum)
    }

    /// Hexadecimal, as records keep it: text compares the same in every database.
    pub fn hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn tokens_are_long_url_safe_and_never_the_same() {
        let mut seen = HashSet::new();
        for _ in 0..1_000_000 {
            let token = Token::random(TokenKind::Link);
            assert_eq!(token.expose().len(), 32);
            assert!(Token::shown(TokenKind::Link, token.expose()).is_some());
            assert!(seen.insert(token.expose().to_owned()));
        }
    }

    #[test]
    fn only_the_right_shape_is_looked_at() {
        let long = "a".repeat(65);
        for (kind, text, shaped) in [
            (TokenKind::Admin, "qt_abc", true),
            (TokenKind::Admin, "qs_abc", false),
            (TokenKind::Admin, "qt_", false),
            (TokenKind::Session, "qs_a-b_c", true),
            (TokenKind::Link, "", false),
            (TokenKind::Link, "a b", false),
            (TokenKind::Link, "ä", false),
            (TokenKind::Link, &*long, false),
        ] {
            assert_eq!(Token::shown(kind, text).is_some(), shaped, "{text}");
        }
    }

    #[test]
    fn a_token_does_not_show_in_debug() {
        let token = Token::random(TokenKind::Session);
        assert!(!format!("{token:?}{:?}", token.digest()).contains(&token.expose()[3..]));
    }
}
