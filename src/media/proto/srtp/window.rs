//! Which indices of one stream were there already.

use crate::base::limits::REPLAY_WINDOW;

const WORDS: usize = (REPLAY_WINDOW / 64) as usize;

/// A sliding window of [`REPLAY_WINDOW`] indices that ends at the newest (RFC 3711 §3.3.2).
///
/// ```text
///     too old       │ 1,024 known, one bit each │      not seen yet
/// ──────────────────┼──────────────────── newest┼──────────────────▶ index
/// ```
///
/// The bit of an index is its remainder, so the window slides by clearing, not by shifting.
pub(super) struct Window {
    newest: Option<u64>,
    seen: [u64; WORDS],
}

impl Window {
    pub(super) const EMPTY: Window = Window { newest: None, seen: [0; WORDS] };

    /// The highest index so far.
    pub(super) fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// Whether this index is certainly new: neither seen nor too old to know.
    pub(super) fn is_fresh(&self, index: u64) -> bool {
        match self.newest {
            Some(newest) if index <= newest => newest - index < REPLAY_WINDOW && !self.is_set(index),
            Some(_) | None => true,
        }
    }

    /// Remembers this index. One that is too old to have a place changes nothing.
    pub(super) fn mark(&mut self, index: u64) {
        match self.newest {
            Some(newest) if index <= newest => {
                if newest - index < REPLAY_WINDOW {
                    self.set(index);
                }
            }
            Some(newest) => {
                for passed in 1..=(index - newest).min(REPLAY_WINDOW) {
                    self.clear(newest + passed);
                }
                self.set(index);
                self.newest = Some(index);
            }
            None => {
                self.set(index);
                self.newest = Some(index);
            }
        }
    }

    fn is_set(&self, index: u64) -> bool {
        let (word, bit) = place(index);
        self.seen[word] & bit != 0
    }

    fn set(&mut self, index: u64) {
        let (word, bit) = place(index);
        self.seen[word] |= bit;
    }

    fn clear(&mut self, index: u64) {
        let (word, bit) = place(index);
        self.seen[word] &= !bit;
    }
}

/// The word and the bit of an index.
fn place(index: u64) -> (usize, u64) {
    let slot = index % REPLAY_WINDOW;
    ((slot / 64) as usize, 1 << (slot % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_index_is_fresh_once_and_only_within_the_window() {
        let mut window = Window::EMPTY;
        window.mark(5_000);
        for (index, fresh) in [
            (5_000, false),
            (5_001, true),
            (4_999, true),
            (5_000 - 1_023, true),
            (5_000 - 1_024, false),
            (0, false),
            (u64::MAX, true),
        ] {
            assert_eq!(window.is_fresh(index), fresh, "{index}");
        }
    }

    #[test]
    fn a_jump_forgets_what_it_passes_and_no_more() {
        let mut window = Window::EMPTY;
        for index in 0..1_024 {
            window.mark(index);
        }
        window.mark(1_500);
        for index in 0..=1_500 {
            assert_eq!(window.is_fresh(index), (1_024..1_500).contains(&index), "{index}");
        }
    }

    proptest! {
        /// Against a set that remembers everything.
        #[test]
        fn the_window_agrees_with_a_perfect_memory(start in 0..1_u64 << 50, steps in prop::collection::vec(-1_500..1_500_i64, 1..400)) {
            let mut window = Window::EMPTY;
            let mut memory = BTreeSet::new();
            let mut at = start;
            for step in steps {
                at = at.saturating_add_signed(step);
                let newest = memory.last().copied().unwrap_or(0);
                let too_old = !memory.is_empty() && at + REPLAY_WINDOW <= newest;
                prop_assert_eq!(window.is_fresh(at), !too_old && !memory.contains(&at));
                window.mark(at);
                if !too_old {
                    memory.insert(at);
                }
            }
        }
    }
}
