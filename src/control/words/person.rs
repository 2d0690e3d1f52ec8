//! What is known of people. Neither a name nor a birth date has a `Debug` that shows it.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use subtle::ConstantTimeEq;

/// A name of a person or a group, as it was typed but trimmed.
#[derive(Clone, PartialEq, Eq)]
pub struct Name(String);

/// Why a text is not a name. It has no text of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAName {
    Empty,
    TooLong,
    ControlCharacter,
}

impl Name {
    /// Characters of the longest name. Longer would not fit a tile; shorter would refuse real people.
    pub const LENGTH_MAX: usize = 120;

    pub fn new(text: &str) -> Result<Name, NotAName> {
        let text = text.trim();
        if text.is_empty() {
            Err(NotAName::Empty)
        } else if text.chars().count() > Name::LENGTH_MAX {
            Err(NotAName::TooLong)
        } else if text.chars().any(is_unseen) {
            Err(NotAName::ControlCharacter)
        } else {
            Ok(Name(text.to_owned()))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that change how the text around them is shown, or show nothing at all: controls, line and
/// paragraph separators, and the marks that turn the direction of writing, with which one name could be
/// made to look like another.
pub(super) fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl fmt::Display for NotAName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotAName::Empty => f.write_str("must not be empty"),
            NotAName::TooLong => write!(f, "must have at most {} characters", Name::LENGTH_MAX),
            NotAName::ControlCharacter => f.write_str("must not contain control characters"),
        }
    }
}

/// A birth date: a date, never a moment, so no time zone can move it. Kept as the ten characters of
/// `YYYY-MM-DD`, so that comparing two takes the same time wherever they differ.
#[derive(Clone, Copy)]
pub struct BirthDate([u8; 10]);

/// A text that is not a birth date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotABirthDate;

impl BirthDate {
    /// No day at all: no date that was typed is equal to it.
    pub const NEVER: BirthDate = BirthDate([0; 10]);

    /// Whether both are the same day, in a time that does not depend on the answer.
    pub fn is(&self, other: &BirthDate) -> subtle::Choice {
        self.0.ct_eq(&other.0)
    }

    /// `YYYY-MM-DD`, for the record and for staff.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether this day is after `today`.
    pub fn is_after(&self, today: Date) -> bool {
        self.as_str().parse::<Date>().is_ok_and(|date| date > today)
    }
}

impl FromStr for BirthDate {
    type Err = NotABirthDate;

    /// Exactly `YYYY-MM-DD` in ASCII digits, a day that exists, from 1880 on: nobody alive is older.
    fn from_str(text: &str) -> Result<BirthDate, NotABirthDate> {
        let bytes: [u8; 10] = text.as_bytes().try_into().map_err(|_| NotABirthDate)?;
        let shaped = bytes.iter().enumerate().all(|(place, byte)| match place {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        if !shaped {
            return Err(NotABirthDate);
        }
        let date: Date = text.parse().map_err(|_| NotABirthDate)?;
        if date.year() < 1880 { Err(NotABirthDate) } else { Ok(BirthDate(bytes)) }
    }
}

impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Declares an enum that records and messages spell as one small word.
macro_rules! word_enum {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// The word in records and messages.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            /// The value that `word` spells.
            pub fn from_word(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }
    )*};
}
pub(crate) use word_enum;

word_enum! {
    /// As what someone is in a visit.
    Role {
        Provider "provider",
        Patient "patient",
        /// Family, an advocate, another clinician: verified with a patient's birth date.
        Guest "guest",
        Interpreter "interpreter",
    }

    /// What an admin token may do; each may do what those before it may.
    Staff {
        /// Look at the machine, not at people: metrics.
        Monitor "monitor",
        /// Make appointments and links, see who waits.
        Scheduler "scheduler",
        Admin "admin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded_and_show_nothing_unseen() {
        assert_eq!(Name::new("  Zoë O’Hara-李 ").unwrap().as_str(), "Zoë O’Hara-李");
        let longest = "é".repeat(Name::LENGTH_MAX);
        assert!(Name::new(&longest).is_ok());
        for (text, why) in [
            ("", NotAName::Empty),
            (" \t ", NotAName::Empty),
            (&*format!("{longest}é"), NotAName::TooLong),
            ("a\nb", NotAName::ControlCharacter),
            ("a\u{1b}[31m", NotAName::ControlCharacter),
            ("a\u{202e}b", NotAName::ControlCharacter),
        ] {
            assert_eq!(Name::new(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn a_birth_date_is_a_day_that_exists_in_ascii() {
        for text in ["1948-02-29", "2000-02-29", "1900-01-01", "2024-12-31"] {
            assert!(text.parse::<BirthDate>().is_ok(), "{text}");
        }
        for text in [
            "",
            "1900-02-29",
            "1948-2-29",
            "48-02-29",
            "29-02-1948",
            "02/29/1948",
            "1948-13-01",
            "1948-00-01",
            "1948-01-32",
            "١٩٤٨-٠٢-٢٩",
            "1948-02-29T00:00:00Z",
            "+1948-02-29",
            "-948-02-29",
            " 1948-02-29",
            "1948-02-29 ",
            "0001-01-01",
            "1948W02-29",
        ] {
            assert!(text.parse::<BirthDate>().is_err(), "{text}");
        }
    }

    #[test]
    fn people_do_not_show_in_debug() {
        assert_eq!(format!("{:?} {:?}", Name::new("Ada").unwrap(), "1948-02-29".parse::<BirthDate>().unwrap()), "… …");
    }
}
