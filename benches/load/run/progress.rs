//! How far a run is.

use std::io::{IsTerminal, Write, stderr};

/// Says on standard error how far a run is: on one line of a terminal, else on a line each.
pub struct Progress {
    terminal: bool,
}

impl Default for Progress {
    fn default() -> Progress {
        Progress { terminal: stderr().is_terminal() }
    }
}

impl Progress {
    pub fn say(&self, text: &str) {
        let mut out = stderr().lock();
        // Nobody reads it: then nobody misses it.
        let _ = if self.terminal { write!(out, "\r\x1b[K{text}").and_then(|()| out.flush()) } else { writeln!(out, "{text}") };
    }

    /// What was said last stays.
    pub fn done(&self) {
        if self.terminal {
            let _ = writeln!(stderr());
        }
    }
}
