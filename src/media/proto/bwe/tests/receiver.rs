//! The far end, as browsers do it: arrivals are told each 75 to 100 ms, by our own writer, from a clock that begins
//! anywhere.

use std::collections::BTreeMap;

use super::{Dice, ms};
use crate::base::{Instant, Seq16, Seq64};
use crate::link::terms::Ssrc;
use crate::media::wire::rtcp::RtcpWriter;

/// Bytes of one feedback packet.
const ROOM: usize = 1_200;

pub(super) struct Receiver {
    arrivals: BTreeMap<Seq64, u64>,
    /// The number that is reported next; none before the first came.
    next: Option<Seq64>,
    feedbacks: u8,
    due: Instant,
    /// Ticks of 250 µs of its clock at our zero.
    clock: u64,
    dice: Dice,
}

impl Receiver {
    pub(super) fn new(seed: u64) -> Receiver {
        let mut dice = Dice(seed);
        // A minute before its reference time wraps, at the most.
        let clock = (1_u64 << 32) - dice.below(4_000 * 60);
        Receiver { arrivals: BTreeMap::new(), next: None, feedbacks: 0, due: Instant::ZERO, clock, dice }
    }

    /// A packet came.
    pub(super) fn take(&mut self, now: Instant, number: Seq16) {
        let number = self.next.unwrap_or(Seq64(0x1_0000 + u64::from(number.0))).nearest(number);
        self.arrivals.insert(number, self.clock + now.as_nanos() / 250_000);
        // A late one is told again, with all that follow it.
        self.next = Some(self.next.map_or(number, |next| next.min(number)));
        while self.arrivals.len() > 500 {
            self.arrivals.pop_first();
        }
    }

    /// The feedback packets that are sent now.
    pub(super) fn poll(&mut self, now: Instant) -> Vec<Vec<u8>> {
        if now < self.due {
            return vec![];
        }
        self.due = now + ms(75 + self.dice.below(26));
        let mut packets = Vec::new();
        while let (Some(next), Some((&last, _))) = (self.next, self.arrivals.last_key_value()) {
            if next > last {
                break;
            }
            let arrivals: Vec<_> = (next.0..=last.0).map(|number| self.arrivals.get(&Seq64(number)).copied()).collect();
            let mut buffer = vec![0; ROOM];
            let mut writer = RtcpWriter::new(&mut buffer);
            let told = writer.transport_cc(Ssrc(1), Ssrc(2), next.wrapped(), self.feedbacks, &arrivals);
            let len = writer.len();
            buffer.truncate(len);
            if told == 0 {
                // Too many in a row did not come: begin with the first that did.
                let came = self.arrivals.range(next..).next().map(|(number, _)| *number);
                assert_ne!(came, Some(next));
                self.next = came;
                continue;
            }
            self.next = Some(Seq64(next.0 + told as u64));
            self.feedbacks = self.feedbacks.wrapping_add(1);
            packets.push(buffer);
        }
        packets
    }
}
