//! Which visit is due next: a heap of one deadline for each, so that a thousand visits in which nothing happens cost
//! nothing.
//!
//! ```text
//!   heap:    3 │ 0 │ 7 │ …      a visit's key, each due no later than the two below it
//!   places:  1 │ – │ – │ 0 │…   where each key stands in the heap
//! ```
//!
//! A deadline that comes sooner moves up at once. One that is put off, as nearly every packet does, stays where it is:
//! when it has come, whoever asks the visit finds that there is nothing to do yet, and sets the later one.
#![forbid(unsafe_code)]

use super::route::VisitKey;
use crate::base::{Deadline, Instant};

/// The deadlines of a shard's visits.
#[derive(Default)]
pub(super) struct Timers {
    heap: Vec<Entry>,
    /// By key.
    places: Vec<Option<usize>>,
    /// Entries that were moved, for whoever counts.
    #[cfg(test)]
    moves: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    deadline: Deadline,
    key: VisitKey,
}

impl Timers {
    /// The earliest deadline, and whose it is.
    pub(super) fn first(&self) -> Option<(Deadline, VisitKey)> {
        self.heap.first().map(|entry| (entry.deadline, entry.key))
    }

    /// This visit is due then, or not at all.
    pub(super) fn set(&mut self, key: VisitKey, deadline: Option<Deadline>) {
        match (self.place(key), deadline) {
            (None, None) => {}
            (None, Some(deadline)) => self.insert(Entry { deadline, key }),
            (Some(place), None) => self.remove(place),
            (Some(place), Some(deadline)) => {
                let before = self.heap[place].deadline.at;
                self.heap[place].deadline = deadline;
                if deadline.at < before { self.rise(place) } else { self.sink(place) }
            }
        }
        self.check_invariants();
    }

    /// This visit is due then, if that is sooner than what is known. Nearly every packet asks this.
    pub(super) fn hasten(&mut self, key: VisitKey, deadline: Option<Deadline>) {
        let Some(deadline) = deadline else { return };
        if self.at(key).is_none_or(|known| deadline.at < known) {
            self.set(key, Some(deadline));
        }
    }

    /// When this visit is taken to be due.
    fn at(&self, key: VisitKey) -> Option<Instant> {
        self.place(key).map(|place| self.heap[place].deadline.at)
    }

    fn place(&self, key: VisitKey) -> Option<usize> {
        self.places.get(key.0).copied().flatten()
    }

    fn insert(&mut self, entry: Entry) {
        if self.places.len() <= entry.key.0 {
            self.places.resize(entry.key.0 + 1, None);
        }
        self.heap.push(entry);
        let last = self.heap.len() - 1;
        self.stand(last);
        self.rise(last);
    }

    fn remove(&mut self, place: usize) {
        let gone = self.heap.swap_remove(place);
        self.places[gone.key.0] = None;
        if place < self.heap.len() {
            // What was last may belong above or below.
            self.stand(place);
            self.rise(place);
            self.sink(place);
        }
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 {
            let above = (place - 1) / 2;
            if self.heap[above].deadline.at <= self.heap[place].deadline.at {
                break;
            }
            self.swap(above, place);
            place = above;
        }
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let below = [2 * place + 1, 2 * place + 2];
            let earliest =
                below.into_iter().filter(|below| *below < self.heap.len()).min_by_key(|below| self.heap[*below].deadline.at);
            match earliest {
                Some(earliest) if self.heap[earliest].deadline.at < self.heap[place].deadline.at => {
                    self.swap(place, earliest);
                    place = earliest;
                }
                Some(_) | None => return,
            }
        }
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        self.stand(one);
        self.stand(other);
    }

    /// Remembers where the entry at this place stands.
    fn stand(&mut self, place: usize) {
        #[cfg(test)]
        {
            self.moves += 1;
        }
        self.places[self.heap[place].key.0] = Some(place);
    }

    fn check_invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        for (place, entry) in self.heap.iter().enumerate() {
            assert!(place == 0 || self.heap[(place - 1) / 2].deadline.at <= entry.deadline.at, "the heap is in disorder");
            assert_eq!(self.places[entry.key.0], Some(place), "a visit's place is wrong");
        }
        assert_eq!(self.places.iter().flatten().count(), self.heap.len());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn deadline(nanos: u64) -> Deadline {
        Deadline { at: Instant::from_nanos(nanos), why: "test" }
    }

    fn of(visits: usize) -> Timers {
        let mut timers = Timers::default();
        for key in 0..visits {
            timers.set(VisitKey(key), Some(deadline(1_000_000 + key as u64)));
        }
        timers.moves = 0;
        timers
    }

    proptest! {
        #[test]
        fn the_earliest_is_first_whatever_is_set_and_hastened(acts in prop::collection::vec((0..20usize, prop::option::of(0..50u64), any::<bool>()), 0..200)) {
            let mut timers = Timers::default();
            let mut expected = [None; 20];
            for (key, at, hastens) in acts {
                if hastens {
                    timers.hasten(VisitKey(key), at.map(deadline));
                    expected[key] = match (expected[key], at) {
                        (Some(known), Some(at)) => Some(u64::min(known, at)),
                        (known, at) => known.or(at),
                    };
                } else {
                    timers.set(VisitKey(key), at.map(deadline));
                    expected[key] = at;
                }
                let first = timers.first().map(|(deadline, key)| (deadline.at.as_nanos(), expected[key.0]));
                let earliest = expected.iter().flatten().min().copied();
                prop_assert_eq!(first, earliest.map(|earliest| (earliest, Some(earliest))));
            }
        }
    }

    #[test]
    fn a_timer_among_a_thousand_moves_ten_places_and_a_packet_that_puts_it_off_none() {
        let mut timers = of(1_000);
        for round in 0..100u64 {
            let (first, key) = timers.first().unwrap();
            // Every other visit is heard, and its deadline is put off.
            for heard in 0..1_000 {
                timers.hasten(VisitKey(heard), Some(deadline(2_000_000 + round)));
            }
            assert_eq!(timers.moves, 0, "nothing was sooner");
            timers.set(key, Some(deadline(first.at.as_nanos() + 75_000)));
            assert!(timers.moves <= 2 * 10, "{}", timers.moves);
            timers.moves = 0;
        }
    }

    #[test]
    fn a_visit_that_has_gone_is_never_first_again() {
        let mut timers = of(100);
        for key in (0..100).rev() {
            timers.set(VisitKey(key), None);
            assert_ne!(timers.first().map(|(_, first)| first), Some(VisitKey(key)));
        }
        assert!(timers.first().is_none());
    }
}
