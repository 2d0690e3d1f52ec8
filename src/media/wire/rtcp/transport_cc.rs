//! Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1):
//! which packets of a leg arrived, and when, in ticks of 250 µs.
//!
//! ```text
//!  |      base sequence number     |      packet status count      |
//!  |           reference time (64 ms)              | feedback count |
//!  | chunks of 16 bits: the status symbols of consecutive packets … |
//!  | deltas: for each packet that arrived, one byte or two, since the one before …
//!
//!  run length    |0| S |      length (13)      |
//!  one-bit       |1|0|    14 symbols: lost, or a small delta     |
//!  two-bit       |1|1|    7 symbols                              |
//! ```

use crate::base::Seq16;
use crate::link::terms::Ssrc;
use crate::media::wire::cursor::{Reader, Writer};

/// Packets that one block may report on. Feedback comes ten times a second and more, so a few hundred are
/// usual; 13 bytes of run lengths could claim 65,535 and make us walk them all.
pub const STATUSES_MAX: usize = 8_191;

/// 64 ms in ticks of 250 µs.
const TICKS_PER_REFERENCE: u64 = 256;
/// Base, count, reference time and feedback count.
const HEAD_LEN: usize = 8;
const ONE_BIT_SYMBOLS: usize = 14;
const TWO_BIT_SYMBOLS: usize = 7;
const RUN_BITS: u16 = 0x1fff;

/// A packet's status as a chunk says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Symbol {
    Lost = 0,
    Small = 1,
    Large = 2,
}

impl Symbol {
    /// Draft §3.1.1: 3 is reserved.
    const fn from_bits(bits: u16) -> Option<Symbol> {
        match bits & 3 {
            0 => Some(Symbol::Lost),
            1 => Some(Symbol::Small),
            2 => Some(Symbol::Large),
            _ => None,
        }
    }

    const fn delta_len(self) -> usize {
        self as usize
    }
}

/// Sixteen bits of statuses.
#[derive(Clone, Copy, Debug)]
enum Chunk {
    Run { symbol: u16, len: usize },
    OneBit(u16),
    TwoBit(u16),
}

impl Chunk {
    const fn from_bytes(bytes: [u8; 2]) -> Chunk {
        let bits = u16::from_be_bytes(bytes);
        match bits >> 14 {
            0 | 1 => Chunk::Run { symbol: bits >> 13, len: (bits & RUN_BITS) as usize },
            2 => Chunk::OneBit(bits),
            _ => Chunk::TwoBit(bits),
        }
    }

    const fn len(self) -> usize {
        match self {
            Chunk::Run { len, .. } => len,
            Chunk::OneBit(_) => ONE_BIT_SYMBOLS,
            Chunk::TwoBit(_) => TWO_BIT_SYMBOLS,
        }
    }

    /// The symbol at `index`, which is less than the length. None if it is the reserved one.
    fn symbol(self, index: usize) -> Option<Symbol> {
        Symbol::from_bits(match self {
            Chunk::Run { symbol, .. } => symbol,
            Chunk::OneBit(bits) => bits >> (ONE_BIT_SYMBOLS - 1).checked_sub(index)? & 1,
            Chunk::TwoBit(bits) => bits >> (2 * (TWO_BIT_SYMBOLS - 1).checked_sub(index)?),
        })
    }

    /// Bytes of deltas that the first `count` symbols ask for.
    fn deltas_len(self, count: usize) -> Option<usize> {
        match self {
            Chunk::Run { .. } => Some(count * self.symbol(0)?.delta_len()),
            Chunk::OneBit(_) | Chunk::TwoBit(_) => (0..count).map(|index| self.symbol(index).map(Symbol::delta_len)).sum(),
        }
    }
}

/// Feedback as it came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransportCc<'a> {
    pub sender: Ssrc,
    pub media: Ssrc,
    /// The first packet reported on.
    pub base: Seq16,
    /// Packets reported on, at least 1 and at most [`STATUSES_MAX`].
    pub count: u16,
    /// From where the first delta counts: 24 bits, wrapping, in 64 ms of the reporter's clock.
    pub reference_time: u32,
    /// Goes up by one with each feedback, wrapping: a gap is a lost feedback.
    pub feedback_count: u8,
    chunks: &'a [[u8; 2]],
    deltas: &'a [u8],
}

impl<'a> TransportCc<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<TransportCc<'a>> {
        let mut reader = Reader::new(body);
        let (sender, media) = (Ssrc(reader.u32()?), Ssrc(reader.u32()?));
        let (base, count) = (Seq16(reader.u16()?), reader.u16()?);
        let (reference_time, feedback_count) = (reader.u24()?, reader.u8()?);
        let mut statuses_left = usize::from(count);
        if statuses_left == 0 || statuses_left > STATUSES_MAX {
            return None;
        }
        let (all_chunks, _) = reader.rest().as_chunks::<2>();
        let (mut chunks_len, mut deltas_len) = (0, 0);
        while statuses_left > 0 {
            let chunk = Chunk::from_bytes(*all_chunks.get(chunks_len)?);
            // Symbols behind the last packet fill its chunk and mean nothing.
            let said = chunk.len().min(statuses_left);
            deltas_len += chunk.deltas_len(said)?;
            statuses_left -= said;
            chunks_len += 1;
        }
        let chunks = all_chunks.get(..chunks_len)?;
        reader.slice(2 * chunks_len)?;
        let deltas = reader.slice(deltas_len)?;
        Some(TransportCc { sender, media, base, count, reference_time, feedback_count, chunks, deltas })
    }

    /// Every packet reported on, in order: none if it did not arrive, else the ticks of 250 µs since the one
    /// that arrived before it in this order, the first since the reference time.
    pub fn statuses(&self) -> impl Iterator<Item = (Seq16, Option<i16>)> + 'a {
        let mut deltas = Reader::new(self.deltas);
        let mut sequence = self.base.0;
        let chunks = self.chunks.iter().map(|bytes| Chunk::from_bytes(*bytes));
        let symbols = chunks.flat_map(|chunk| (0..chunk.len()).map_while(move |index| chunk.symbol(index)));
        symbols.take(usize::from(self.count)).map_while(move |symbol| {
            let at = Seq16(sequence);
            sequence = sequence.wrapping_add(1);
            let delta = match symbol {
                Symbol::Lost => None,
                Symbol::Small => Some(i16::from(deltas.u8()?)),
                Symbol::Large => Some(deltas.u16()?.cast_signed()),
            };
            Some((at, delta))
        })
    }
}

/// A packet's status as we report it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Status {
    Lost,
    Small(u8),
    Large(i16),
}

impl Status {
    /// The status of the next packet, where `last` is the arrival before. None if no delta can say it.
    fn next(last: &mut u64, arrival: Option<u64>) -> Option<Status> {
        let Some(arrival) = arrival else { return Some(Status::Lost) };
        let delta = arrival.wrapping_sub(*last).cast_signed();
        *last = arrival;
        u8::try_from(delta).map(Status::Small).or_else(|_| i16::try_from(delta).map(Status::Large)).ok()
    }

    const fn symbol(self) -> Symbol {
        match self {
            Status::Lost => Symbol::Lost,
            Status::Small(_) => Symbol::Small,
            Status::Large(_) => Symbol::Large,
        }
    }
}

/// What one block will say.
pub(super) struct Report<'a> {
    /// At least one of them arrived.
    arrivals: &'a [Option<u64>],
    /// In 64 ms, not after the first arrival and less than 64 ms before it: its delta is small.
    reference: u64,
}

impl<'a> Report<'a> {
    /// The longest beginning of `arrivals` that a block can report on in `room` bytes behind its two sources.
    /// None if no packet in it arrived.
    pub(super) fn fitting(arrivals: &'a [Option<u64>], room: usize) -> Option<Report<'a>> {
        let reference = arrivals.iter().flatten().next()? / TICKS_PER_REFERENCE;
        let mut last = reference * TICKS_PER_REFERENCE;
        let mut deltas_len = 0;
        let mut fitting = 0;
        for (count, arrival) in (1..=STATUSES_MAX).zip(arrivals) {
            let Some(status) = Status::next(&mut last, *arrival) else { break };
            let with_this = deltas_len + status.symbol().delta_len();
            // Every chunk but the last says at least as much as a two-bit one.
            let len = HEAD_LEN + 2 * count.div_ceil(TWO_BIT_SYMBOLS) + with_this;
            if len.next_multiple_of(4) > room {
                break;
            }
            deltas_len = with_this;
            fitting = count;
        }
        let arrivals = arrivals.get(..fitting)?;
        (deltas_len > 0).then_some(Report { arrivals, reference })
    }

    /// Packets reported on.
    pub(super) const fn len(&self) -> usize {
        self.arrivals.len()
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>, base: Seq16, feedback_count: u8) -> Option<()> {
        writer.u16(base.0)?;
        writer.u16(u16::try_from(self.len()).ok()?)?;
        let [.., r0, r1, r2] = self.reference.to_be_bytes();
        writer.bytes(&[r0, r1, r2, feedback_count])?;
        let mut symbols = self.statuses().map(Status::symbol);
        let mut left = self.len();
        while left > 0 {
            let (chunk, said) = next_chunk(symbols.clone(), left)?;
            writer.u16(chunk)?;
            left -= said;
            symbols.nth(said - 1)?;
        }
        for status in self.statuses() {
            match status {
                Status::Lost => {}
                Status::Small(delta) => writer.u8(delta)?,
                Status::Large(delta) => writer.bytes(&delta.to_be_bytes())?,
            }
        }
        Some(())
    }

    fn statuses(&self) -> impl Iterator<Item = Status> + Clone + use<'a> {
        let mut last = self.reference * TICKS_PER_REFERENCE;
        self.arrivals.iter().map_while(move |arrival| Status::next(&mut last, *arrival))
    }
}

/// The chunk that begins with the first of `symbols`, of which `left` are left, and how many it says: at
/// least one. A long run is best said by its length, anything else by the vector that holds more of it.
fn next_chunk(symbols: impl Iterator<Item = Symbol> + Clone, left: usize) -> Option<(u16, usize)> {
    let first = symbols.clone().next()?;
    let run = symbols.clone().take(usize::from(RUN_BITS)).take_while(|symbol| *symbol == first).count();
    let run_chunk = || Some(((first as u16) << 13 | u16::try_from(run).ok()?, run));
    if run == left || run >= ONE_BIT_SYMBOLS {
        return run_chunk();
    }
    if symbols.clone().take(ONE_BIT_SYMBOLS).all(|symbol| symbol != Symbol::Large) {
        return Some((0b10 << 14 | packed(symbols, ONE_BIT_SYMBOLS, 1), left.min(ONE_BIT_SYMBOLS)));
    }
    if run >= TWO_BIT_SYMBOLS {
        return run_chunk();
    }
    Some((0b11 << 14 | packed(symbols, TWO_BIT_SYMBOLS, 2), left.min(TWO_BIT_SYMBOLS)))
}

/// The first `count` symbols, each in `width` bits, the first highest; lost ones where there are no more.
fn packed(mut symbols: impl Iterator<Item = Symbol>, count: usize, width: u32) -> u16 {
    (0..count).fold(0, |bits, _| bits << width | symbols.next().unwrap_or(Symbol::Lost) as u16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::wire::rtcp::{Block, Compound, RtcpWriter};

    /// The one block of a packet.
    fn read(packet: &[u8]) -> TransportCc<'_> {
        let mut blocks = Compound::new(packet);
        let Some(Ok(Block::TransportCc(feedback))) = blocks.next() else { panic!("no feedback") };
        assert_eq!(blocks.next(), None);
        feedback
    }

    fn written(base: u16, arrivals: &[Option<u64>], room: usize) -> (usize, Vec<u8>) {
        let mut buffer = vec![0xaa; room];
        let mut writer = RtcpWriter::new(&mut buffer);
        let reported = writer.transport_cc(Ssrc(1), Ssrc(2), Seq16(base), 7, arrivals);
        let len = writer.len();
        buffer.truncate(len);
        (reported, buffer)
    }

    /// When each packet arrived, by the feedback, in the clock of its reference time.
    fn arrivals(feedback: &TransportCc<'_>) -> Vec<Option<u64>> {
        let mut at = u64::from(feedback.reference_time) * TICKS_PER_REFERENCE;
        let arrival = |(_, delta): (Seq16, Option<i16>)| {
            at = at.checked_add_signed(i64::from(delta?)).unwrap();
            Some(at)
        };
        feedback.statuses().map(arrival).collect()
    }

    #[test]
    fn chunks_are_chosen_by_what_they_hold() {
        let (lost, at) = (None, |ticks: u64| Some(4 * TICKS_PER_REFERENCE + ticks));
        let cases: [(Vec<Option<u64>>, &[u16]); 7] = [
            (vec![at(0)], &[0b001_0000000000001]),
            (vec![at(0); 20], &[0b001_0000000010100]),
            (
                [vec![at(0); 20], vec![lost; 8_000], vec![at(9)]].concat(),
                &[0b001_0000000010100, 0b000_1111101000000, 0b001_0000000000001],
            ),
            (vec![at(0), lost, at(1), at(2), lost], &[0b10_10110000000000]),
            (vec![at(0), at(300), lost, at(0)], &[0b11_01100010000000]),
            ([vec![at(0); 7], vec![at(300)]].concat(), &[0b001_0000000000111, 0b010_0000000000001]),
            (vec![lost, lost, at(0), lost], &[0b10_00100000000000]),
        ];
        for (arrivals, chunks) in cases {
            let (reported, packet) = written(0, &arrivals, 4_096);
            assert_eq!(reported, arrivals.len());
            let said: Vec<u16> = read(&packet).chunks.iter().map(|chunk| u16::from_be_bytes(*chunk)).collect();
            assert_eq!(said, chunks, "{arrivals:?}");
        }
    }

    #[test]
    fn a_whole_feedback_stands_byte_by_byte() {
        // 1,000 ticks: three times 64 ms, and 232 ticks.
        let (_, packet) = written(0xffff, &[Some(1_000), None, Some(1_256), Some(1_255)], 64);
        let expected = [
            0xaf,
            205,
            0,
            6,
            0,
            0,
            0,
            1,
            0,
            0,
            0,
            2, // head with padding, sources
            0xff,
            0xff,
            0,
            4,
            0,
            0,
            3,
            7, // base, count, reference time, feedback count
            0b1101_0010,
            0b1000_0000,
            232, // a small delta, a lost packet, two large deltas
            0x01,
            0x00,
            0xff,
            0xff,
            1, // +256, −1, padding
        ];
        assert_eq!(packet, expected);
        let statuses: Vec<_> = read(&packet).statuses().collect();
        assert_eq!(statuses, [(Seq16(0xffff), Some(232)), (Seq16(0), None), (Seq16(1), Some(256)), (Seq16(2), Some(-1))]);
    }

    #[test]
    fn what_no_delta_can_say_goes_into_the_next_block() {
        for (gap, reported) in [(32_767, 3), (32_768, 2)] {
            let arrivals = [Some(100_000), None, Some(100_000 + gap)];
            assert_eq!(written(0, &arrivals, 64).0, reported, "{gap}");
        }
        for (gap, reported) in [(32_768, 2), (32_769, 1)] {
            assert_eq!(written(0, &[Some(100_000), Some(100_000 - gap)], 64).0, reported, "{gap}");
        }
        assert_eq!(written(0, &[Some(u64::MAX), Some(0)], 64).0, 2);
    }

    #[test]
    fn nothing_is_written_where_nothing_arrived_or_fits() {
        for (arrivals, room) in [(&[][..], 64), (&[None, None], 64), (&[Some(5)], 23), (&[Some(5)], 0)] {
            assert_eq!(written(0, arrivals, room), (0, vec![]), "{arrivals:?} {room}");
        }
        assert_eq!(written(0, &[Some(5)], 24).0, 1);
        assert_eq!(written(0, &vec![Some(5); STATUSES_MAX + 5], 16_384).0, STATUSES_MAX);
    }

    /// A body behind the sources: count, then chunks and deltas.
    fn body(count: u16, rest: &[u8]) -> Vec<u8> {
        let mut body = vec![0; 10];
        body.extend_from_slice(&count.to_be_bytes());
        body.extend_from_slice(&[0; 4]);
        body.extend_from_slice(rest);
        body
    }

    #[test]
    fn a_lying_feedback_is_malformed() {
        for (count, rest, parses) in [
            (0, &[0x20, 1, 5][..], false),
            (1, &[0x20, 1, 5], true),
            (1, &[0x20, 1], false),
            (2, &[0x20, 1, 5], false),
            (2, &[0x20, 2, 5], false),
            (2, &[0x20, 2, 5, 5], true),
            (1, &[0x40, 1, 5], false),
            (1, &[0x40, 1, 5, 5], true),
            // A run longer than the count ends with it; a run of none says nothing.
            (1, &[0x3f, 0xff, 5], true),
            (1, &[0x20, 0, 0x20, 1, 5], true),
            // The reserved symbol, before and behind the last packet.
            (1, &[0x60, 1, 5, 5], false),
            (2, &[0b1101_1100, 0, 5, 5, 5], false),
            (1, &[0b1101_1100, 0, 5], true),
            // More packets than anyone reports on.
            (8_191, &[0x1f, 0xff], true),
            (8_192, &[0x1f, 0xff, 0x1f, 0xff], false),
        ] {
            let body = body(count, rest);
            let feedback = TransportCc::parse(&body);
            assert_eq!(feedback.is_some(), parses, "{count} {rest:x?}");
            if let Some(feedback) = feedback {
                assert_eq!(feedback.statuses().count(), usize::from(count));
            }
            for cut in 0..16 {
                assert_eq!(TransportCc::parse(&body[..cut]), None);
            }
        }
    }

    /// Packets as they come: mostly in a row, some lost, some late, some after a pause.
    fn arrival_times() -> impl Strategy<Value = Vec<Option<u64>>> {
        let step = prop_oneof![
            6 => (0..300_i64).prop_map(Some),
            2 => Just(None),
            1 => (-40_000..40_000_i64).prop_map(Some),
        ];
        let steps = proptest::collection::vec((step, 1..20_usize), 0..40);
        (1_000_000..3_000_000_u64, steps).prop_map(|(start, steps)| {
            let mut at = start;
            let mut arrivals = Vec::new();
            for (step, times) in steps {
                for _ in 0..times {
                    arrivals.push(step.map(|step| {
                        at = at.saturating_add_signed(step);
                        at
                    }));
                }
            }
            arrivals
        })
    }

    proptest! {
        #[test]
        fn every_arrival_is_reported_once_and_to_the_tick(base: u16, times in arrival_times(), room in 28..400_usize) {
            let mut left = &times[..];
            let mut sequence = base;
            while left.iter().any(Option::is_some) {
                let (reported, packet) = written(sequence, left, room);
                if reported == 0 {
                    // Too little room for so many that did not arrive first.
                    prop_assert!(left.iter().take_while(|arrival| arrival.is_none()).count() > 7);
                    break;
                }
                let feedback = read(&packet);
                prop_assert!(packet.len() <= room && packet.len() % 4 == 0);
                prop_assert_eq!((feedback.sender, feedback.media, feedback.feedback_count), (Ssrc(1), Ssrc(2), 7));
                prop_assert_eq!((feedback.base, usize::from(feedback.count)), (Seq16(sequence), reported));
                prop_assert_eq!(arrivals(&feedback), &left[..reported]);
                left = &left[reported..];
                sequence = sequence.wrapping_add(u16::try_from(reported).unwrap());
            }
        }
    }
}
