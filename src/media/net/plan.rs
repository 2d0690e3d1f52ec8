//! Which datagrams of a turn may leave as one: pure, so that it can be tested by table.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::path::Path;

/// Datagrams of one run. Kernels before 6.9 refuse more (UDP_MAX_SEGMENTS).
const SEGMENTS_MAX: usize = 64;

/// Bytes of one run: what one IPv4 datagram could carry, which the kernel checks before it cuts.
const RUN_BYTES_MAX: usize = 65_507;

/// Destinations that are looked for before the index is asked. A packet goes to the three other seats of its
/// visit, and the next packet of its frame to the same three, so nearly every look-up ends here.
const RECENT: usize = 4;

/// Datagrams of one turn, ordered by destination and cut into runs. Each destination gets its own in the order
/// in which they were made. Nothing is allocated once it is made.
pub struct Plan {
    /// In the order of their first datagram.
    destinations: Vec<Destination>,
    index: HashMap<Path, usize, RandomState>,
    recent: [usize; RECENT],
    recent_oldest: usize,
    datagrams: Vec<Datagram>,
    order: Vec<usize>,
    runs: Vec<Run>,
    segments_max: usize,
}

/// The first and last datagram of a destination, as places in `datagrams`.
struct Destination {
    path: Path,
    first: usize,
    last: usize,
}

struct Datagram {
    slot: usize,
    len: usize,
    /// The next one to the same destination.
    next: Option<usize>,
}

/// Datagrams that leave as one message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    pub path: Path,
    /// The length of all but the last of several datagrams, none for one alone.
    pub segment: Option<u16>,
    start: usize,
    end: usize,
}

impl Plan {
    /// Room for `datagrams` datagrams.
    pub fn new(datagrams: usize) -> Plan {
        Plan {
            destinations: Vec::with_capacity(datagrams),
            index: HashMap::with_capacity_and_hasher(datagrams, RandomState::default()),
            recent: [0; RECENT],
            recent_oldest: 0,
            datagrams: Vec::with_capacity(datagrams),
            order: Vec::with_capacity(datagrams),
            runs: Vec::with_capacity(datagrams),
            segments_max: SEGMENTS_MAX,
        }
    }

    /// For provoking a kernel: runs of more datagrams than it takes.
    #[cfg(test)]
    pub(super) fn with_segments_max(mut self, segments_max: usize) -> Plan {
        self.segments_max = segments_max;
        self
    }

    /// Makes the plan for these slots: number, destination, length. Those to a destination that is `alone` become
    /// runs of one.
    pub fn arrange(&mut self, slots: impl Iterator<Item = (usize, Path, usize)>, alone: impl Fn(&Path) -> bool) {
        self.destinations.clear();
        self.index.clear();
        self.datagrams.clear();
        self.order.clear();
        self.runs.clear();
        for (slot, path, len) in slots {
            self.chain(slot, path, len);
        }
        let sockets = self.destinations.iter().map(|destination| usize::from(destination.path.socket) + 1).max().unwrap_or(0);
        for socket in 0..sockets {
            for place in 0..self.destinations.len() {
                let path = self.destinations[place].path;
                if usize::from(path.socket) == socket {
                    self.cut(place, if alone(&path) { 1 } else { self.segments_max });
                }
            }
        }
    }

    /// The runs of one socket.
    pub fn runs(&self, socket: usize) -> &[Run] {
        let start = self.runs.partition_point(|run| usize::from(run.path.socket) < socket);
        let end = self.runs.partition_point(|run| usize::from(run.path.socket) <= socket);
        &self.runs[start..end]
    }

    /// The slots of a run, in order.
    pub fn slots(&self, run: &Run) -> &[usize] {
        &self.order[run.start..run.end]
    }

    /// Appends a datagram to its destination's chain.
    fn chain(&mut self, slot: usize, path: Path, len: usize) {
        let this = self.datagrams.len();
        self.datagrams.push(Datagram { slot, len, next: None });
        match self.find(&path) {
            Some(place) => {
                let last = std::mem::replace(&mut self.destinations[place].last, this);
                self.datagrams[last].next = Some(this);
            }
            None => {
                let place = self.destinations.len();
                self.destinations.push(Destination { path, first: this, last: this });
                self.index.insert(path, place);
                self.remember(place);
            }
        }
    }

    fn find(&mut self, path: &Path) -> Option<usize> {
        let is_it = |&place: &usize| self.destinations.get(place).is_some_and(|destination| destination.path == *path);
        if let Some(place) = self.recent.into_iter().find(is_it) {
            return Some(place);
        }
        let place = *self.index.get(path)?;
        self.remember(place);
        Some(place)
    }

    fn remember(&mut self, place: usize) {
        self.recent[self.recent_oldest] = place;
        self.recent_oldest = (self.recent_oldest + 1) % RECENT;
    }

    /// Cuts one destination's chain into runs: all of one length, only the last may be shorter.
    fn cut(&mut self, place: usize, segments_max: usize) {
        let Destination { path, first, .. } = self.destinations[place];
        let mut next = Some(first);
        while let Some(head) = next {
            let segment = self.datagrams[head].len;
            let start = self.order.len();
            let (mut bytes, mut last_len) = (0, segment);
            while let Some(this) = next {
                let Datagram { slot, len, next: after } = self.datagrams[this];
                let begins = this == head;
                // An empty datagram has no segment to be, so it goes alone.
                let joins = last_len == segment
                    && (1..=segment).contains(&len)
                    && bytes + len <= RUN_BYTES_MAX
                    && self.order.len() - start < segments_max;
                if !begins && !joins {
                    break;
                }
                self.order.push(slot);
                bytes += len;
                last_len = len;
                next = after;
            }
            let end = self.order.len();
            let segment = if end - start > 1 { u16::try_from(segment).ok() } else { None };
            self.runs.push(Run { path, segment, start, end });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    fn to(socket: u8, port: u16) -> Path {
        Path { socket, remote: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) }
    }

    /// Socket, port, segment, slots.
    type Row = (u8, u16, Option<u16>, Vec<usize>);

    fn arranged(plan: &mut Plan, datagrams: &[(u8, u16, usize)], alone: impl Fn(&Path) -> bool) -> Vec<Row> {
        let slots = datagrams.iter().enumerate().map(|(slot, &(socket, port, len))| (slot, to(socket, port), len));
        plan.arrange(slots, alone);
        let row = |run: &Run| (run.path.socket, run.path.remote.port(), run.segment, plan.slots(run).to_vec());
        (0..8).flat_map(|socket| plan.runs(socket).iter().map(row).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn runs_are_of_one_length_but_for_a_shorter_last() {
        type Given<'a> = &'a [(u8, u16, usize)];
        type Expected<'a> = &'a [(u8, u16, Option<u16>, &'a [usize])];
        let table: &[(Given<'_>, Expected<'_>)] = &[
            (&[], &[]),
            (&[(0, 1, 100)], &[(0, 1, None, &[0])]),
            (&[(0, 1, 100), (0, 1, 100)], &[(0, 1, Some(100), &[0, 1])]),
            // The last of a run may be shorter, and ends it.
            (&[(0, 1, 100), (0, 1, 99), (0, 1, 99)], &[(0, 1, Some(100), &[0, 1]), (0, 1, None, &[2])]),
            // A longer one begins another run.
            (&[(0, 1, 99), (0, 1, 100), (0, 1, 100)], &[(0, 1, None, &[0]), (0, 1, Some(100), &[1, 2])]),
            // Destinations interleave, and each keeps its order.
            (
                &[(0, 1, 50), (0, 2, 60), (0, 1, 50), (0, 2, 60), (0, 1, 20)],
                &[(0, 1, Some(50), &[0, 2, 4]), (0, 2, Some(60), &[1, 3])],
            ),
            // The same address by another socket is another destination; runs stand by socket.
            (&[(1, 1, 50), (0, 1, 50), (1, 1, 50)], &[(0, 1, None, &[1]), (1, 1, Some(50), &[0, 2])]),
            // An empty datagram goes alone and in its place.
            (
                &[(0, 1, 50), (0, 1, 0), (0, 1, 0), (0, 1, 50)],
                &[(0, 1, None, &[0]), (0, 1, None, &[1]), (0, 1, None, &[2]), (0, 1, None, &[3])],
            ),
        ];
        let mut plan = Plan::new(16);
        for (datagrams, expected) in table {
            let expected: Vec<Row> = expected.iter().map(|&(a, b, c, slots)| (a, b, c, slots.to_vec())).collect();
            assert_eq!(arranged(&mut plan, datagrams, |_| false), expected, "{datagrams:?}");
        }
    }

    #[test]
    fn a_destination_that_is_alone_gets_runs_of_one() {
        let mut plan = Plan::new(16);
        let rows = arranged(&mut plan, &[(0, 1, 9), (0, 2, 9), (0, 1, 9), (0, 2, 9)], |path| path.remote.port() == 1);
        assert_eq!(rows, [(0, 1, None, vec![0]), (0, 1, None, vec![2]), (0, 2, Some(9), vec![1, 3])]);
    }

    #[test]
    fn a_run_has_at_most_64_datagrams_and_65507_bytes() {
        let mut plan = Plan::new(256);
        let lengths = |len: usize, count: usize, plan: &mut Plan| -> Vec<usize> {
            arranged(plan, &vec![(0, 1, len); count], |_| false).into_iter().map(|(.., slots)| slots.len()).collect()
        };
        assert_eq!(lengths(100, 130, &mut plan), [64, 64, 2]);
        assert_eq!(lengths(1_500, 100, &mut plan), [43, 43, 14]);
        const { assert!(43 * 1_500 <= RUN_BYTES_MAX && 44 * 1_500 > RUN_BYTES_MAX) };
    }

    #[test]
    fn a_full_turn_of_strangers_fits_the_room_that_was_made_for_it() {
        let mut plan = Plan::new(1_024);
        let room = |plan: &Plan| {
            let Plan { destinations, index, datagrams, order, runs, .. } = plan;
            [destinations.capacity(), index.capacity(), datagrams.capacity(), order.capacity(), runs.capacity()]
        };
        let before = room(&plan);
        for turn in 0..3 {
            plan.arrange((0..1_024).map(|port: u16| (usize::from(port), to(0, port + turn), 1_100)), |_| false);
            assert_eq!(plan.runs(0).len(), 1_024);
        }
        assert_eq!(room(&plan), before);
    }

    #[test]
    fn every_datagram_leaves_once_and_in_order_whatever_the_mix() {
        let mut plan = Plan::new(1_024);
        let mut state = 1_u64;
        let mut random = move |below: u16| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state.to_be_bytes()[0..2].iter().fold(0, |sum, &byte| sum << 8 | u16::from(byte))) % below
        };
        for _ in 0..200 {
            let count = random(1_000);
            let datagrams: Vec<(u8, u16, usize)> = (0..count)
                .map(|_| ([0, 1, 2][usize::from(random(3))], random(40), [0, 80, 1_100, 1_101][usize::from(random(4))]))
                .collect();
            let rows = arranged(&mut plan, &datagrams, |path| path.remote.port() % 5 == 0);
            let mut seen: Vec<usize> = rows.iter().flat_map(|(.., slots)| slots.clone()).collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..datagrams.len()));
            for (socket, port) in (0..3).flat_map(|socket| (0..40).map(move |port| (socket, port))) {
                let own = rows.iter().filter(|row| (row.0, row.1) == (socket, port)).flat_map(|row| row.3.iter());
                assert!(own.is_sorted_by(|a, b| a < b));
            }
            for (.., segment, slots) in rows {
                let lengths: Vec<usize> = slots.iter().map(|&slot| datagrams[slot].2).collect();
                let (last, others) = lengths.split_last().unwrap();
                assert_eq!(segment.is_some(), !others.is_empty());
                assert!(others.iter().all(|&len| segment.is_some_and(|segment| usize::from(segment) == len)));
                assert!(others.is_empty() || (1..=others[0]).contains(last));
            }
        }
    }
}
