//! The paths by which one peer reaches us.

use crate::media::net::path::Path;

/// Validated paths that one leg may have. A browser checks every pair of its addresses and ours, a handful;
/// more would let a peer fill the tables that route by path, fewer would make its own pairs push each other out.
const PATHS_MAX: usize = 8;

/// Paths that passed a check, and the one that we send on.
pub(super) struct Paths {
    /// The one that was checked longest ago stands first.
    validated: Vec<Path>,
    selected: Option<Path>,
}

impl Paths {
    /// Room for all paths, allocated here.
    pub(super) fn new() -> Paths {
        Paths { validated: Vec::with_capacity(PATHS_MAX), selected: None }
    }

    pub(super) fn selected(&self) -> Option<Path> {
        self.selected
    }

    pub(super) fn is_validated(&self, path: Path) -> bool {
        self.validated.contains(&path)
    }

    /// Takes note that this path was checked just now. If that is one too many, the one that was checked
    /// longest ago is forgotten, though never the selected one.
    pub(super) fn validate(&mut self, path: Path) -> Option<Path> {
        if let Some(place) = self.validated.iter().position(|known| *known == path) {
            self.validated[place..].rotate_left(1);
            return None;
        }
        let oldest = self.validated.iter().position(|known| Some(*known) != self.selected);
        let is_full = self.validated.len() == PATHS_MAX;
        let forgotten = oldest.filter(|_| is_full).map(|place| self.validated.remove(place));
        self.validated.push(path);
        forgotten
    }

    /// Sends on this validated path from now on.
    pub(super) fn select(&mut self, path: Path) {
        self.selected = Some(path);
    }
}

const _: () = assert!(PATHS_MAX >= 2, "beside the selected path there is always one to forget");
