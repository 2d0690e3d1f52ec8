//! How a datagram finds its leg: a check by the name it carries, everything else by where it comes from.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::base::Seat;
use crate::media::net::path::Path;

/// A visit's place among the shard's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct VisitKey(pub(super) usize);

/// Where a leg sits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) visit: VisitKey,
    pub(super) seat: Seat,
}

/// The shard's two tables. A packet costs one lookup, whatever comes of it.
#[derive(Default)]
pub(super) struct Routes {
    /// By the ufrag that we gave the leg.
    by_name: HashMap<Box<[u8]>, Place>,
    /// Only addresses that passed a check of that leg.
    by_path: HashMap<Path, Place, RandomState>,
}

impl Routes {
    /// A leg that sits there answers to this name.
    pub(super) fn name(&mut self, ufrag: &str, place: Place) {
        self.by_name.insert(ufrag.as_bytes().into(), place);
    }

    /// This path passed a check of the leg that sits there.
    pub(super) fn validate(&mut self, path: Path, place: Place) {
        self.by_path.insert(path, place);
    }

    /// The leg that sits there has no room for this path any more.
    pub(super) fn invalidate(&mut self, path: Path, place: Place) {
        if self.by_path.get(&path) == Some(&place) {
            self.by_path.remove(&path);
        }
    }

    pub(super) fn by_name(&self, ufrag: &[u8]) -> Option<Place> {
        self.by_name.get(ufrag).copied()
    }

    pub(super) fn by_path(&self, path: Path) -> Option<Place> {
        self.by_path.get(&path).copied()
    }

    /// The leg that sits there has restarted: only these names and paths are still its own.
    pub(super) fn keep(&mut self, place: Place, name: impl Fn(&[u8]) -> bool, path: impl Fn(Path) -> bool) {
        self.by_name.retain(|known, owner| *owner != place || name(known));
        self.by_path.retain(|known, owner| *owner != place || path(*known));
    }

    /// Nobody sits there any more. Legs go seldom, so the tables are searched.
    pub(super) fn forget(&mut self, place: Place) {
        self.retain(|known| known != place);
    }

    /// The visit has gone.
    pub(super) fn forget_visit(&mut self, visit: VisitKey) {
        self.retain(|known| known.visit != visit);
    }

    /// Every name and every path is known to the leg that it leads to.
    pub(super) fn check_invariants(&self, name: impl Fn(Place, &[u8]) -> bool, path: impl Fn(Place, Path) -> bool) {
        assert!(
            self.by_name.iter().all(|(known, place)| name(*place, known)),
            "a name leads to a leg that does not answer to it"
        );
        assert!(
            self.by_path.iter().all(|(known, place)| path(*place, *known)),
            "a path leads to a leg that was not checked there"
        );
    }

    fn retain(&mut self, keep: impl Fn(Place) -> bool) {
        self.by_name.retain(|_, place| keep(*place));
        self.by_path.retain(|_, place| keep(*place));
    }
}
