//! Why a command could not be carried out, and what the operator can do.

use std::fmt;

/// What `main` prints before it exits with 1 (or 2 for a configuration that is wrong).
#[derive(Debug)]
pub struct Failure {
    what: String,
    hint: String,
    exit_code: u8,
}

impl Failure {
    /// Something failed; `hint` says what to do.
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure { what: what.into(), hint: hint.into(), exit_code: 1 }
    }

    /// What the program exits with.
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

impl From<crate::config::Problems> for Failure {
    fn from(problems: crate::config::Problems) -> Failure {
        Failure {
            what: problems.to_string(),
            hint: "config/quartet.toml documents every key; `quartet check` looks again".into(),
            exit_code: 2,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if !self.hint.is_empty() {
            write!(f, "\n    {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
