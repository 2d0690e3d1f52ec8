//! What was sent, until its fate is known.

use std::time::Duration;

use super::loss::{BEHIND, Order};
use crate::base::{Instant, Seq16, Seq64};

/// Packets that are remembered. Three top layers with sound are 700 packets a second, so this is three seconds of them: a round
/// trip of two, and feedback that is late. More would cost 16 bytes a packet and leg; fewer would forget packets before
/// a far receiver has told of them, and see neither queue nor loss.
pub(super) const REMEMBERED: usize = 2_048;

/// A packet that was told as lost may be told as late, so its fate is settled when a packet that left so much later has been
/// reported. Longer would be slower to see losses; shorter would take packets for lost that others overtook.
const SETTLED_AFTER: Duration = Duration::from_millis(100);

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Fate {
    /// Nothing has been told, or never will be: a feedback that is lost says nothing about its packets.
    #[default]
    Unknown,
    Lost,
    Arrived,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Packet {
    pub(super) sent: Instant,
    pub(super) bytes: u16,
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

/// The last packets, by number.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    ring: Box<[Packet; REMEMBERED]>,
    next: Seq64,
    /// The highest number that was reported on, and one.
    reported: Seq64,
    /// When the newest packet that was reported on left.
    reported_sent: Instant,
    /// All before have been settled.
    settled: Seq64,
}

impl Sent {
    pub(super) fn new() -> Sent {
        // A cycle above zero, so that every number has one before it.
        let first = Seq64(0x1_0000);
        Sent {
            ring: Box::new([Packet::default(); REMEMBERED]),
            next: first,
            reported: first,
            reported_sent: Instant::ZERO,
            settled: first,
        }
    }

    /// A packet leaves. Answers its number.
    pub(super) fn push(&mut self, now: Instant, bytes: usize, probing: bool) -> Seq64 {
        let number = self.next;
        let before = self.ring[place(Seq64(number.0 - 1))].sent;
        let behind = number.0 > 0x1_0000 && now < before + BEHIND;
        let bytes = u16::try_from(bytes).unwrap_or(u16::MAX);
        self.ring[place(number)] = Packet { sent: now, bytes, fate: Fate::Unknown, probing, behind };
        self.next = number.next();
        number
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
        number < self.next && number.0 >= 0x1_0000 && number.0 + REMEMBERED as u64 >= self.next.0
    }

    /// Bytes of the packets between the last that was reported on and this one, of which nothing was told.
    pub(super) fn skipped(&self, number: Seq64) -> u64 {
        self.between(number).map(|skipped| u64::from(self.ring[place(skipped)].bytes)).sum()
    }

    /// The reporter has left these out although no feedback is missing: they did not arrive.
    pub(super) fn lose_skipped(&mut self, number: Seq64) {
        for skipped in self.between(number) {
            self.ring[place(skipped)].fate = Fate::Lost;
        }
    }

    fn between(&self, number: Seq64) -> impl Iterator<Item = Seq64> + use<> {
        let oldest = self.next.0.saturating_sub(REMEMBERED as u64);
        (self.reported.0.max(oldest)..number.0.min(self.next.0)).map(Seq64)
    }

    /// A packet was reported on. Answers it if this changes its fate.
    pub(super) fn report(&mut self, number: Seq64, fate: Fate) -> Option<Packet> {
        let packet = &mut self.ring[place(number)];
        if number >= self.reported {
            self.reported = number.next();
            self.reported_sent = packet.sent;
        }
        if packet.fate == Fate::Arrived || packet.fate == fate {
            return None;
        }
        packet.fate = fate;
        Some(*packet)
    }

    /// The next packet whose fate changes no more, in the order of sending.
    pub(super) fn settle(&mut self) -> Option<Packet> {
        let oldest = Seq64(self.next.0.saturating_sub(REMEMBERED as u64));
        self.settled = self.settled.max(oldest);
        let packet = self.ring[place(self.settled)];
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
