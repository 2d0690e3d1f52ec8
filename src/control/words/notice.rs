//! What the provider tells those who wait.

use std::fmt;

/// A short text that someone typed for others to read. Without a `Debug` that shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice(String);

/// Why a text is no notice. It has no text of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotANotice {
    TooLong,
    ControlCharacter,
}

impl Notice {
    /// Characters of the longest notice: a few sentences, which a phone shows without scrolling.
    pub const LENGTH_MAX: usize = 500;

    /// The text, trimmed; nothing when nothing is left of it.
    pub fn new(text: &str) -> Result<Option<Notice>, NotANotice> {
        let text = text.trim();
        if text.chars().count() > Notice::LENGTH_MAX {
            Err(NotANotice::TooLong)
        } else if text.chars().any(|c| c != '\n' && super::person::is_unseen(c)) {
            Err(NotANotice::ControlCharacter)
        } else {
            Ok((!text.is_empty()).then(|| Notice(text.to_owned())))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl fmt::Display for NotANotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotANotice::TooLong => write!(f, "must have at most {} characters", Notice::LENGTH_MAX),
            NotANotice::ControlCharacter => f.write_str("must not contain control characters other than line feeds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_trimmed_and_bounded_and_may_have_lines() {
        assert_eq!(
            Notice::new(" The doctor is late.\nPlease wait. ").unwrap().unwrap().as_str(),
            "The doctor is late.\nPlease wait."
        );
        assert_eq!(Notice::new(" \n ").unwrap(), None);
        assert!(Notice::new(&"é".repeat(Notice::LENGTH_MAX)).is_ok());
        assert_eq!(Notice::new(&"é".repeat(Notice::LENGTH_MAX + 1)), Err(NotANotice::TooLong));
        assert_eq!(Notice::new("a\u{202e}b"), Err(NotANotice::ControlCharacter));
    }
}
