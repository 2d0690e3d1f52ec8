//! From a sender's numbers to a line's: sequence, timestamp, picture id. The receiver sees one stream that
//! never breaks, whatever stands behind it.

use super::ingress::Incoming;
use super::pictures::{Picture, Pictures};
use super::random::Random;
use super::sequence::Sequence;
use super::timeline::Timeline;
use crate::base::{Instant, Seq64};

/// One line's three mappings.
pub(super) struct Rewriter {
    sequence: Sequence,
    timeline: Timeline,
    pictures: Option<Pictures>,
}

/// What a packet is called on a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    pub(super) index: Seq64,
    pub(super) timestamp: u32,
    /// Of video.
    pub(super) picture: Option<Picture>,
}

impl Rewriter {
    pub(super) fn of_sound(random: &mut Random) -> Rewriter {
        Rewriter { sequence: first_number(random), timeline: Timeline::of_sound(random.word()), pictures: None }
    }

    pub(super) fn of_pictures(random: &mut Random) -> Rewriter {
        Rewriter {
            sequence: first_number(random),
            timeline: Timeline::of_pictures(random.word()),
            pictures: Some(Pictures::new(random)),
        }
    }

    /// Another stream stands behind the line from this packet on: sequence and picture go on by one, the
    /// timestamp by `captured_ns` or by the time that passed.
    pub(super) fn begin(&mut self, now: Instant, packet: &Incoming<'_>, captured_ns: Option<i64>) {
        self.sequence.begin(packet.index);
        self.timeline.begin(now, packet.timestamp, captured_ns);
        if let (Some(pictures), Some(descriptor)) = (&mut self.pictures, &packet.picture) {
            pictures.begin(descriptor);
        }
    }

    /// Nothing stands behind the line.
    pub(super) fn end(&mut self) {
        self.sequence.end();
    }

    /// This packet is not for receivers: leave no gap.
    pub(super) fn skip(&mut self, index: Seq64) {
        self.sequence.skip(index);
    }

    /// This packet's frame is not for this receiver: leave no gap, neither in numbers nor in pictures.
    pub(super) fn withhold(&mut self, packet: &Incoming<'_>) {
        self.sequence.skip(packet.index);
        if let Some((pictures, descriptor)) = self.pictures.as_mut().zip(packet.picture.as_ref()) {
            pictures.withhold(descriptor);
        }
    }

    /// The packet's name on the line; None if it is too late to have one.
    pub(super) fn stamp(&mut self, now: Instant, packet: &Incoming<'_>) -> Option<Stamp> {
        let index = self.sequence.map(packet.index)?;
        let timestamp = self.timeline.map(now, packet.timestamp);
        let picture = self.pictures.as_mut().zip(packet.picture.as_ref());
        Some(Stamp { index, timestamp, picture: picture.map(|(pictures, descriptor)| pictures.map(descriptor)) })
    }

    /// The newest packet's timestamp as its sender wrote it.
    pub(super) fn newest_input(&self) -> Option<u32> {
        self.timeline.newest_input()
    }

    /// A timestamp of what stands behind the line, as the line says it.
    pub(super) fn line_timestamp(&self, input: u32) -> u32 {
        input.wrapping_add(self.timeline.offset())
    }
}

/// RFC 3711 §3.3.1: a receiver that misses the first packets guesses the rollover counter right if the
/// sequence begins in the lower half.
fn first_number(random: &mut Random) -> Sequence {
    Sequence::new(Seq64(random.fifteen().into()))
}
