//! What is wrong with a configuration file: where, what, and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, from 1; zero where no line can be named.
    pub line: usize,
    /// The key's path, `media.first_port`; empty where the text is no TOML.
    pub key: String,
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

/// Everything that is wrong, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    file: PathBuf,
    list: Vec<Problem>,
}

impl Problems {
    pub(super) fn new(mut list: Vec<Problem>) -> Problems {
        list.sort_by_key(|problem| problem.line);
        Problems { file: PathBuf::new(), list }
    }

    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Problems {
        let problem = Problem {
            line: 0,
            key: String::new(),
            what: format!("cannot be read: {error}"),
            hint: "name the file with --config PATH, and see that this user may read it".into(),
        };
        Problems { file: path.into(), list: vec![problem] }
    }

    pub(super) fn of_file(mut self, path: &Path) -> Problems {
        self.file = path.into();
        self
    }

    /// Each of them.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.list.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", self.file.display())?;
            if problem.line > 0 {
                write!(f, ":{}", problem.line)?;
            }
            write!(f, ": ")?;
            if !problem.key.is_empty() {
                write!(f, "{}: ", problem.key)?;
            }
            write!(f, "{}\n    {}", problem.what, problem.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
