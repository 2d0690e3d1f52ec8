//! The terms that everyone accepts before entering.

/// Changes whenever [`TEXT`] does; a record of acceptance names it.
pub const VERSION: &str = "2026-01";

/// What is accepted.
pub const TEXT: &str = include_str!("terms.txt");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::words::Digest;

    #[test]
    fn the_text_does_not_change_under_its_version() {
        assert_eq!(VERSION, "2026-01");
        assert_eq!(Digest::of(TEXT.as_bytes()).hex()[..16], *"0cd2760fdc0b5980");
    }
}
