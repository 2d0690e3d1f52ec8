//! What was sent, until its fate is known.

use std::num::NonZeroU8;
use std::time::Duration;

use super::loss::{BEHIND, Order};
use crate::base::{Instant, Seq16, Seq64};

/// Packets that are remembered. Three top layers with sound are 700 packets a second, so this is three seconds of
/// them: a round trip of two, and feedback that is late. More would cost eight bytes a packet and leg; fewer would
/// forget packets before a far receiver has told of them, and see neither queue nor loss.
pub(super) const REMEMBERED: usize = 2_048;

/// A packet that was told as lost may be told as late, so its fate is settled when a packet that left so much later
/// has been reported. Longer would be slower to see losses; shorter would take packets for lost that others overtook.
const SETTLED_AFTER: Duration = Duration::from_millis(100);

/// A packet is taken for missing when one that left so much later has arrived: for longer where packets overtake each other.
/// Longer would make each repair later, shorter would send again what is merely late.
const MISSING_AFTER: Duration = Duration::from_millis(15);
/// For so long after a packet has come late others are expected to. Longer would hold repairs up long after a path has
/// settled; shorter would forget it between two of one in a hundred.
const DISORDERED_FOR: Duration = Duration::from_secs(10);

/// The first number: a cycle above zero, so that every number has one before it.
const FIRST: u64 = 0x1_0000;

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Fate {
    /// Nothing has been told, or never will be: a feedback that is lost says nothing about its packets.
    #[default]
    Unknown,
    Lost,
    Arrived,
}

/// What the sender of a packet calls it, to hear of it by that name when it is missing. Eleven bits, because every leg
/// remembers thousands: a line remembers no more than eight bits of numbers tell apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name {
    /// [`Name::LINES`] at most.
    pub line: NonZeroU8,
    /// The low bits of its number on the line.
    pub number: u8,
}

impl Name {
    /// Lines that names tell apart.
    pub const LINES: usize = 7;
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Packet {
    pub(super) sent: Instant,
    pub(super) bytes: u16,
    name: Option<Name>,
    pub(super) fate: Fate,
    /// Left while a probe ran: what is lost of it is the probe's to judge.
    pub(super) probing: bool,
    behind: bool,
}

impl Packet {
    pub(super) fn order(&self) -> Order {
        if self.behind { Order::Behind } else { Order::First }
    }
}

/// A packet in eight bytes, because every leg remembers thousands.
///
/// ```text
///   63 ────────────────── 26 │ 25 ── 23 │ 22 ─── 15 │ 14 ── 4 │   3    │   2   │ 1 ─ 0
///   when it left, in µs,     │ line, or │ low bits  │ bytes   │ behind │ probe │ fate
///   without what lies above  │ nothing  │ of number │         │        │       │
/// ```
#[derive(Clone, Copy, Debug, Default)]
struct Packed(u64);

/// Microseconds that a packed packet tells apart: three days.
const ROUND: u64 = 1 << 38;

impl Packed {
    /// Larger datagrams are counted as this large; none of ours is.
    const BYTES_MAX: u64 = (1 << 11) - 1;

    fn new(packet: Packet) -> Packed {
        let Packet { sent, bytes, name, fate, probing, behind } = packet;
        let name = name.map_or(0, |name| (u64::from(name.line.get()) << 8) | u64::from(name.number));
        let bytes = u64::from(bytes).min(Packed::BYTES_MAX);
        let flags = (u64::from(behind) << 3) | (u64::from(probing) << 2) | Packed::bits(fate);
        Packed(((micros(sent) % ROUND) << 26) | (name << 15) | (bytes << 4) | flags)
    }

    fn bits(fate: Fate) -> u64 {
        match fate {
            Fate::Unknown => 0,
            Fate::Lost => 1,
            Fate::Arrived => 2,
        }
    }

    fn set_fate(&mut self, fate: Fate) {
        self.0 = (self.0 & !3) | Packed::bits(fate);
    }

    /// The packet, now that the newest left at `last`.
    fn unpack(self, last: Instant) -> Packet {
        let Packed(packed) = self;
        let last = micros(last);
        let ago = last.wrapping_sub(packed >> 26) % ROUND;
        let [.., line, number] = ((packed >> 15) & 0x7ff).to_be_bytes();
        Packet {
            sent: Instant::from_nanos(last.saturating_sub(ago) * 1_000),
            bytes: ((packed >> 4) & Packed::BYTES_MAX) as u16,
            name: NonZeroU8::new(line).map(|line| Name { line, number }),
            fate: match packed & 3 {
                1 => Fate::Lost,
                2 => Fate::Arrived,
                _ => Fate::Unknown,
            },
            probing: (packed >> 2) & 1 == 1,
            behind: (packed >> 3) & 1 == 1,
        }
    }
}

fn micros(at: Instant) -> u64 {
    at.as_nanos() / 1_000
}

/// The last packets, by number.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    ring: Box<[Packed; REMEMBERED]>,
    /// When the last packet left; the beginning of time, if none did.
    last: Instant,
    next: Seq64,
    /// The highest number that was reported on, and one.
    reported: Seq64,
    /// When the newest packet that was reported on left.
    reported_sent: Instant,
    /// All before have been settled.
    settled: Seq64,
    /// All before have been told, if they were missing.
    told: Seq64,
    /// When a packet came that had been taken for lost.
    disordered: Option<Instant>,
}

impl Sent {
    pub(super) fn new() -> Sent {
        let first = Seq64(FIRST);
        Sent {
            ring: Box::new([Packed::default(); REMEMBERED]),
            last: Instant::ZERO,
            next: first,
            reported: first,
            reported_sent: Instant::ZERO,
            settled: first,
            told: first,
            disordered: None,
        }
    }

    /// A packet leaves. Answers its number.
    pub(super) fn push(&mut self, now: Instant, bytes: usize, name: Option<Name>, probing: bool) -> Seq64 {
        let number = self.next;
        let behind = number.0 > FIRST && now < self.last_sent() + BEHIND;
        let bytes = u16::try_from(bytes).unwrap_or(u16::MAX);
        self.ring[place(number)] = Packed::new(Packet { sent: now, bytes, name, fate: Fate::Unknown, probing, behind });
        self.last = now;
        self.next = number.next();
        number
    }

    /// When the last packet left; the beginning of time, if none did.
    pub(super) fn last_sent(&self) -> Instant {
        self.last
    }

    /// The number that the next packet will have.
    pub(super) fn next(&self) -> Seq64 {
        self.next
    }

    /// The highest number that was reported on, and one.
    pub(super) fn reported(&self) -> Seq64 {
        self.reported
    }

    /// Which packet a report means; none if we did not send it, or have forgotten it.
    pub(super) fn find(&self, number: Seq16) -> Option<Seq64> {
        let number = Seq64(self.next.0 - 1).nearest(number);
        self.remembers(number).then_some(number)
    }

    fn remembers(&self, number: Seq64) -> bool {
        number < self.next && number.0 >= FIRST && number.0 + REMEMBERED as u64 >= self.next.0
    }

    /// Bytes of the packets between the last that was reported on and this one, of which nothing was told.
    pub(super) fn skipped(&self, number: Seq64) -> u64 {
        self.between(number).map(|skipped| u64::from(self.packet(skipped).bytes)).sum()
    }

    /// The packets between the last that was reported on and this one.
    pub(super) fn between(&self, number: Seq64) -> impl Iterator<Item = Seq64> + use<> {
        let oldest = self.next.0.saturating_sub(REMEMBERED as u64);
        (self.reported.0.max(oldest)..number.0.min(self.next.0)).map(Seq64)
    }

    /// A packet was reported on. Answers it if this changes its fate.
    pub(super) fn report(&mut self, number: Seq64, fate: Fate) -> Option<Packet> {
        let mut packet = self.packet(number);
        if number >= self.reported {
            self.reported = number.next();
            self.reported_sent = packet.sent;
        }
        if packet.fate == Fate::Arrived || packet.fate == fate {
            return None;
        }
        if packet.fate == Fate::Lost {
            self.disordered = Some(self.reported_sent);
        }
        packet.fate = fate;
        self.ring[place(number)].set_fate(fate);
        Some(packet)
    }

    fn packet(&self, number: Seq64) -> Packet {
        self.ring[place(number)].unpack(self.last)
    }

    /// The next packet that has a name and did not arrive, by all that is known, and when it left. Each is told once.
    pub(super) fn missing(&mut self) -> Option<(Instant, Name)> {
        let is_disordered = self.disordered.is_some_and(|at| self.reported_sent.since(at) < DISORDERED_FOR);
        let patience = if is_disordered { SETTLED_AFTER } else { MISSING_AFTER };
        self.told = self.told.max(Seq64(self.next.0.saturating_sub(REMEMBERED as u64)));
        while self.told < self.reported {
            let packet = self.packet(self.told);
            if packet.sent + patience > self.reported_sent {
                return None;
            }
            self.told = self.told.next();
            if let (Fate::Lost, Some(name)) = (packet.fate, packet.name) {
                return Some((packet.sent, name));
            }
        }
        None
    }

    /// The next packet whose fate changes no more, in the order of sending.
    pub(super) fn settle(&mut self) -> Option<Packet> {
        let oldest = Seq64(self.next.0.saturating_sub(REMEMBERED as u64));
        self.settled = self.settled.max(oldest);
        let packet = self.packet(self.settled);
        if self.settled >= self.reported || packet.sent + SETTLED_AFTER > self.reported_sent {
            return None;
        }
        self.settled = self.settled.next();
        Some(packet)
    }
}

fn place(number: Seq64) -> usize {
    const MASK: u64 = REMEMBERED as u64 - 1;
    (number.0 & MASK) as usize
}

const _: () = assert!(REMEMBERED.is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn numbers_are_found_across_the_wrap_and_only_if_they_were_sent_lately() {
        let mut sent = Sent::new();
        assert_eq!(sent.find(Seq16(0xffff)), None, "nothing was sent");
        for packet in 0..66_000 {
            sent.push(at(packet), 100, None, false);
        }
        let next = sent.next();
        assert_eq!(next.wrapped(), Seq16(464));
        for (number, found) in
            [(463, true), (0, true), (0xffff, true), (464, false), (9_000, false), (63_952, true), (63_951, false)]
        {
            assert_eq!(sent.find(Seq16(number)).map(Seq64::wrapped), found.then_some(Seq16(number)), "{number}");
        }
    }

    #[test]
    fn eight_bytes_hold_a_packet_however_long_the_clock_has_run() {
        let micros = |micros| Instant::from_nanos(micros * 1_000);
        let name = |line, number| NonZeroU8::new(line).map(|line| Name { line, number });
        for (sent, last) in
            [(0, 0), (5, 1_000_000_007), (ROUND - 1, ROUND + 1), (9 * ROUND - 1, 9 * ROUND), (7 * ROUND, 7 * ROUND)]
        {
            for fate in [Fate::Unknown, Fate::Lost, Fate::Arrived] {
                for (probing, behind, name) in
                    [(false, false, None), (true, false, name(7, 255)), (false, true, name(1, 0)), (true, true, name(4, 129))]
                {
                    let packet = Packet { sent: micros(sent), bytes: 1_500, name, fate, probing, behind };
                    let read = Packed::new(packet).unpack(micros(last));
                    let fields =
                        |packet: Packet| (packet.sent, packet.bytes, packet.name, packet.fate, packet.probing, packet.behind);
                    assert_eq!(fields(read), fields(packet));
                }
            }
        }
    }

    #[test]
    fn a_fate_changes_once_or_from_lost_to_late() {
        let mut sent = Sent::new();
        let number = sent.push(at(0), 100, None, false);
        for (fate, changes) in
            [(Fate::Lost, true), (Fate::Lost, false), (Fate::Arrived, true), (Fate::Arrived, false), (Fate::Lost, false)]
        {
            assert_eq!(sent.report(number, fate).is_some(), changes, "{fate:?}");
        }
    }

    #[test]
    fn fates_are_settled_in_order_when_nothing_can_overtake_any_more() {
        let mut sent = Sent::new();
        let numbers: Vec<_> = (0..20).map(|packet| sent.push(at(20 * packet), 100, None, false)).collect();
        sent.report(numbers[0], Fate::Arrived);
        sent.report(numbers[9], Fate::Arrived);
        assert_eq!(sent.skipped(numbers[12]), 200, "between the last report and this");
        for skipped in sent.between(numbers[12]) {
            sent.report(skipped, Fate::Lost);
        }
        let settled: Vec<_> = std::iter::from_fn(|| sent.settle().map(|packet| packet.fate)).collect();
        assert_eq!((settled[0], settled.len()), (Fate::Arrived, 7), "100 ms before the last of them left");
        sent.report(numbers[19], Fate::Arrived);
        let settled: Vec<_> = std::iter::from_fn(|| sent.settle().map(|packet| packet.fate)).collect();
        assert_eq!(settled[2..6], [Fate::Arrived, Fate::Lost, Fate::Lost, Fate::Unknown]);
    }

    #[test]
    fn packets_that_leave_together_are_behind_the_first() {
        let mut sent = Sent::new();
        let orders = [(0, Order::First), (0, Order::Behind), (4, Order::Behind), (9, Order::First), (20, Order::First)];
        for (millis, order) in orders {
            let number = sent.push(at(millis), 100, None, false);
            assert_eq!(sent.report(number, Fate::Arrived).map(|packet| packet.order()), Some(order), "{millis}");
        }
    }

    /// Packets of these names, and 20 ms between two.
    fn named(sent: &mut Sent, count: u16) -> Vec<Seq64> {
        let name = |number: u16| {
            let [_, number] = number.to_be_bytes();
            Some(Name { line: NonZeroU8::MIN, number })
        };
        (0..count).map(|number| sent.push(at(20 * u64::from(number)), 100, name(number), false)).collect()
    }

    fn missing(sent: &mut Sent) -> Vec<u8> {
        std::iter::from_fn(|| sent.missing().map(|(_, name)| name.number)).collect()
    }

    #[test]
    fn what_is_lost_is_told_once_by_its_name_when_something_later_has_arrived() {
        let mut sent = Sent::new();
        let numbers = named(&mut sent, 20);
        sent.report(numbers[0], Fate::Arrived);
        sent.report(numbers[1], Fate::Lost);
        assert!(missing(&mut sent).is_empty(), "it may be late");
        sent.report(numbers[2], Fate::Arrived);
        assert_eq!(missing(&mut sent), [1]);
        assert!(missing(&mut sent).is_empty(), "once");
        // Of 3 nothing is told: the report of it was lost.
        for (number, fate) in [(4, Fate::Lost), (5, Fate::Lost), (6, Fate::Arrived)] {
            sent.report(numbers[number], fate);
        }
        assert_eq!(missing(&mut sent), [4, 5]);
    }

    #[test]
    fn where_packets_overtake_each_other_one_that_does_not_come_is_waited_for() {
        let mut sent = Sent::new();
        let numbers = named(&mut sent, 700);
        for (place, &number) in numbers[..10].iter().enumerate() {
            sent.report(number, if [1, 4].contains(&place) { Fate::Lost } else { Fate::Arrived });
        }
        assert_eq!(missing(&mut sent), [1, 4]);
        sent.report(numbers[1], Fate::Arrived);
        for (newest, expected) in [(12, &[][..]), (15, &[]), (16, &[11])] {
            sent.report(numbers[11], Fate::Lost);
            sent.report(numbers[newest], Fate::Arrived);
            assert_eq!(missing(&mut sent), expected, "{newest}");
        }
        sent.report(numbers[600], Fate::Lost);
        sent.report(numbers[601], Fate::Arrived);
        assert_eq!(missing(&mut sent), [88], "600, ten seconds later");
    }
}
