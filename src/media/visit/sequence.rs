//! A line's own sequence numbers: without a break, whatever stands behind the line.
//!
//! ```text
//!   in    7  8  9  p  11 12      │ another layer begins │   40 41
//!   out   3  4  5     6  7       │                      │   8  9
//! ```
//!
//! A packet that is not forwarded (p: padding) leaves no gap, but a lost one does: the receiver must see what
//! is missing. What comes late finds the number that was left for it. A gap too wide for a receiver to follow
//! is closed, as if another stream began behind it.

use crate::base::Seq64;

/// How many of the newest gaps are remembered, for packets that come late. More would find the place of
/// packets so late that no decoder wants them; fewer would give up packets of a burst of probing.
const GAPS: usize = 64;
const GAPS_MASK: u64 = GAPS as u64 - 1;

const _: () = assert!(GAPS.is_power_of_two());

/// The widest gap in a line's numbers. RFC 3711 §3.3.1: a receiver guesses how often numbers have wrapped from the
/// newest that it has heard, so behind a gap of half of all numbers it could open nothing any more. Wider would come
/// near that where packets overtake each other; narrower would hide how much was lost in half a minute of outage.
const GAP_MAX: u64 = 1 << 14;

/// Maps the numbers of whatever stands behind a line to the line's own.
pub(super) struct Sequence {
    /// The next number that was never given out.
    next: Seq64,
    /// The number behind the newest packet that went out.
    unheard: Seq64,
    source: Option<Source>,
}

/// The stream that stands behind the line now.
struct Source {
    /// Where it began: what came before belongs to nobody.
    first: Seq64,
    newest: Seq64,
    /// `first` went out with this number.
    start: Seq64,
    /// How many gaps were closed since `first`.
    closed: u64,
    /// The newest of them, by number modulo [`GAPS`] of their count.
    gaps: [Seq64; GAPS],
}

impl Sequence {
    /// A line whose first packet goes out with this number.
    pub(super) fn new(first: Seq64) -> Sequence {
        Sequence { next: first, unheard: first, source: None }
    }

    /// Another stream stands behind the line from its packet `first` on.
    pub(super) fn begin(&mut self, first: Seq64) {
        self.source = Some(Source { first, newest: first, start: self.next, closed: 0, gaps: [Seq64::default(); GAPS] });
    }

    /// Nothing stands behind the line until something begins.
    pub(super) fn end(&mut self) {
        self.source = None;
    }

    /// The line's number for this packet; None if it is from before the beginning, or too late to know.
    pub(super) fn map(&mut self, packet: Seq64) -> Option<Seq64> {
        let source = self.source.as_mut()?;
        if packet < source.first {
            return None;
        }
        if packet >= source.newest {
            source.newest = packet;
        }
        let later = source.gaps_after(packet)?;
        let is_newest = packet == source.newest;
        let number = source.number(packet, source.closed - later);
        if !is_newest {
            self.unheard = self.unheard.max(number.next());
            return Some(number);
        }
        let number = if number.0 > self.unheard.0 + GAP_MAX {
            // Whatever was lost before this packet is no longer missed.
            self.next = self.unheard;
            self.begin(packet);
            self.next
        } else {
            number
        };
        self.next = number.next();
        self.unheard = self.next;
        Some(number)
    }

    /// This packet is not forwarded: if it is the newest, the numbers close over it. An older one has its
    /// number already, which stays empty.
    pub(super) fn skip(&mut self, packet: Seq64) {
        let Some(source) = self.source.as_mut() else { return };
        if packet <= source.newest {
            return;
        }
        source.newest = packet;
        source.gaps[(source.closed & GAPS_MASK) as usize] = packet;
        source.closed += 1;
        self.next = source.number(packet, source.closed).next();
    }
}

impl Source {
    /// The number of a packet that has this many closed gaps before it.
    fn number(&self, packet: Seq64, gaps: u64) -> Seq64 {
        Seq64(self.start.0 + (packet.0 - self.first.0) - gaps)
    }

    /// How many closed gaps lie after this packet; None if that is no longer known, or it is one of them.
    fn gaps_after(&self, packet: Seq64) -> Option<u64> {
        let known = self.closed.min(GAPS as u64);
        let mut later = 0;
        // Gaps are remembered in order, so the newest that is not later ends the search.
        while later < known {
            let gap = self.gaps[((self.closed - 1 - later) & GAPS_MASK) as usize];
            if gap == packet {
                return None;
            }
            if gap < packet {
                return Some(later);
            }
            later += 1;
        }
        (known == self.closed).then_some(later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(first_out: u64, first_in: u64) -> Sequence {
        let mut sequence = Sequence::new(Seq64(first_out));
        sequence.begin(Seq64(first_in));
        assert_eq!(sequence.map(Seq64(first_in)), Some(Seq64(first_out)));
        sequence
    }

    #[test]
    fn nothing_goes_out_before_something_begins() {
        let mut sequence = Sequence::new(Seq64(5));
        sequence.skip(Seq64(9));
        assert_eq!(sequence.map(Seq64(10)), None);
    }

    #[test]
    fn closed_gaps_leave_no_hole_and_lost_packets_do() {
        let mut sequence = begun(100, 7);
        sequence.skip(Seq64(8));
        assert_eq!(sequence.map(Seq64(9)), Some(Seq64(101)));
        assert_eq!(sequence.map(Seq64(11)), Some(Seq64(103)), "10 is lost");
    }

    #[test]
    fn late_packets_find_the_number_that_was_left_for_them() {
        let mut sequence = begun(100, 7);
        sequence.skip(Seq64(9));
        sequence.skip(Seq64(12));
        assert_eq!(sequence.map(Seq64(13)), Some(Seq64(104)));
        for (late, number) in [(8, Some(101)), (9, None), (10, Some(102)), (11, Some(103)), (12, None), (6, None)] {
            assert_eq!(sequence.map(Seq64(late)), number.map(Seq64), "{late}");
        }
        assert_eq!(sequence.map(Seq64(14)), Some(Seq64(105)));
    }

    #[test]
    fn a_packet_skipped_late_leaves_its_hole() {
        let mut sequence = begun(100, 7);
        assert_eq!(sequence.map(Seq64(9)), Some(Seq64(102)));
        sequence.skip(Seq64(8));
        assert_eq!(sequence.map(Seq64(10)), Some(Seq64(103)));
    }

    #[test]
    fn a_new_stream_goes_on_with_the_next_number() {
        let mut sequence = begun(100, 7);
        sequence.skip(Seq64(9));
        assert_eq!(sequence.map(Seq64(10)), Some(Seq64(102)));
        sequence.begin(Seq64(4_000));
        assert_eq!(sequence.map(Seq64(4_000)), Some(Seq64(103)));
        assert_eq!(sequence.map(Seq64(3_999)), None);
        sequence.end();
        assert_eq!(sequence.map(Seq64(4_001)), None);
        sequence.begin(Seq64(3));
        assert_eq!(sequence.map(Seq64(3)), Some(Seq64(104)));
    }

    #[test]
    fn a_gap_too_wide_for_a_receiver_is_closed() {
        let mut sequence = begun(100, 7);
        assert_eq!(sequence.map(Seq64(8 + GAP_MAX)), Some(Seq64(101 + GAP_MAX)), "as wide as may be");
        assert_eq!(sequence.map(Seq64(8)), Some(Seq64(101)), "and what comes late has its place");
        assert_eq!(sequence.map(Seq64(10 + 2 * GAP_MAX)), Some(Seq64(102 + GAP_MAX)), "one wider is closed");
        assert_eq!(sequence.map(Seq64(9 + 2 * GAP_MAX)), None, "what comes from within it has no place");
        assert_eq!(sequence.map(Seq64(11 + 2 * GAP_MAX)), Some(Seq64(103 + GAP_MAX)));
    }

    #[test]
    fn gaps_before_packets_that_nobody_hears_add_up() {
        let mut sequence = begun(0, 7);
        for step in 1..10 {
            sequence.skip(Seq64(7 + step * (GAP_MAX - 5)));
        }
        let number = sequence.map(Seq64(8 + 9 * (GAP_MAX - 5))).expect("it is the newest");
        assert!(number.0 <= 1 + GAP_MAX, "{number:?}");
        let mut sequence = begun(0, 7);
        sequence.skip(Seq64(100_000));
        sequence.skip(Seq64(100_001));
        assert_eq!(sequence.map(Seq64(100_002)), Some(Seq64(1)));
    }

    #[test]
    fn a_wide_gap_is_closed_behind_what_came_late() {
        let mut sequence = begun(100, 7);
        sequence.skip(Seq64(9));
        assert_eq!(sequence.map(Seq64(8)), Some(Seq64(101)));
        assert_eq!(sequence.map(Seq64(11 + GAP_MAX)), Some(Seq64(102)));
    }

    #[test]
    fn what_is_older_than_the_remembered_gaps_is_given_up() {
        let mut sequence = begun(100, 1);
        for gap in 0..=GAPS as u64 {
            sequence.skip(Seq64(10 + gap));
        }
        assert_eq!(sequence.map(Seq64(9)), None);
        assert_eq!(sequence.map(Seq64(10 + GAPS as u64 + 1)), Some(Seq64(109)));
    }

    proptest::proptest! {
        /// Whatever is lost, late, skipped or replaced: no number goes out twice, and packets keep their order.
        #[test]
        fn no_number_is_given_out_twice(steps in proptest::collection::vec((0u8..12, 0u64..40), 1..400)) {
            let mut sequence = Sequence::new(Seq64(20_000));
            let (mut base, mut newest) = (0, 0);
            let mut taken = std::collections::BTreeSet::new();
            let mut out = std::collections::BTreeMap::new();
            for (kind, step) in steps {
                let packet = match kind {
                    11 if step == 0 => newest + GAP_MAX + 1,
                    0 => {
                        base += 1_000_000;
                        newest = base + step;
                        sequence.begin(Seq64(newest));
                        newest
                    }
                    1..=3 => newest.saturating_sub(step),
                    _ => newest + 1 + step / 30,
                };
                newest = newest.max(packet);
                if !taken.insert(packet) {
                    continue;
                }
                if kind == 4 {
                    sequence.skip(Seq64(packet));
                } else if let Some(number) = sequence.map(Seq64(packet)) {
                    proptest::prop_assert!(out.insert(packet, number).is_none());
                }
            }
            let numbers: Vec<_> = out.values().collect();
            proptest::prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
