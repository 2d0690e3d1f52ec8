//! What arrived when, told to the server as browsers tell it (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).

use crate::media::receiver::nearest;

/// Ticks of a delta.
const TICK_NANOS: u64 = 250_000;
/// Ticks of 64 ms: the unit of the reference time.
const REFERENCE_TICKS: u64 = 256;
/// Packets of one feedback.
const TOLD_MAX: u64 = 1_000;

/// The arrivals that have not been told.
#[derive(Default)]
pub struct Arrivals {
    /// Number, unwrapped, and nanoseconds.
    waiting: Vec<(u64, u64)>,
    /// The first number that the next feedback is about.
    next: Option<u64>,
    feedbacks: u8,
}

impl Arrivals {
    pub fn take(&mut self, number: u16, at: u64) {
        let next = *self.next.get_or_insert(0x1_0000 + u64::from(number));
        let expected = self.waiting.last().map_or(next, |last| last.0);
        let number = nearest(expected, number);
        if number >= next {
            self.waiting.push((number, at));
        }
    }

    /// Writes the feedback that is due, without anything sealed. None if nothing has come.
    pub fn write(&mut self, sender: u32, media: u32, out: &mut Vec<u8>) -> Option<()> {
        self.waiting.sort_unstable();
        self.waiting.dedup_by_key(|arrival| arrival.0);
        let first = self.next?;
        let last = self.waiting.last()?.0.min(first + TOLD_MAX - 1);
        let reference = self.waiting.first()?.1 / TICK_NANOS / REFERENCE_TICKS;
        let count = last - first + 1;

        out.clear();
        out.extend([0x8f, 205, 0, 0]);
        out.extend(sender.to_be_bytes());
        out.extend(media.to_be_bytes());
        out.extend((first as u16).to_be_bytes());
        out.extend((count as u16).to_be_bytes());
        out.extend(&reference.to_be_bytes()[5..]);
        out.push(self.feedbacks);

        let (mut symbols, mut deltas) = (Vec::with_capacity(count as usize), Vec::new());
        let mut before = reference * REFERENCE_TICKS;
        let mut arrivals = self.waiting.iter().peekable();
        for number in first..=last {
            let Some(&(_, at)) = arrivals.next_if(|arrival| arrival.0 == number) else {
                symbols.push(0);
                continue;
            };
            let ticks = at / TICK_NANOS;
            let delta = ticks as i64 - before as i64;
            before = ticks;
            match u8::try_from(delta) {
                Ok(small) => {
                    symbols.push(1);
                    deltas.push(small);
                }
                Err(_) => {
                    symbols.push(2);
                    let large = delta.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
                    deltas.extend(large.to_be_bytes());
                }
            }
        }
        for seven in symbols.chunks(7) {
            // §3.1.4: a vector of seven symbols of two bits, the first one highest.
            let vector = seven.iter().enumerate().fold(0xc000_u16, |vector, (n, symbol)| vector | symbol << (12 - 2 * n));
            out.extend(vector.to_be_bytes());
        }
        out.extend(deltas);
        out.resize(out.len().next_multiple_of(4), 0);
        let words = (out.len() / 4 - 1) as u16;
        out[2..4].copy_from_slice(&words.to_be_bytes());

        self.waiting.retain(|arrival| arrival.0 > last);
        self.next = Some(last + 1);
        self.feedbacks = self.feedbacks.wrapping_add(1);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
    use webrtc_util::marshal::Unmarshal;

    use super::*;

    #[test]
    fn a_stranger_reads_what_came_and_when() {
        let mut arrivals = Arrivals::default();
        let base = 1_800_000_000_000_000_000;
        for (number, ms) in [(65_534, 0), (65_535, 3), (1, 10), (0, 11), (5, 100)] {
            arrivals.take(number, base + ms * 1_000_000);
        }
        let mut bytes = Vec::new();
        arrivals.write(7, 9, &mut bytes).unwrap();
        let read = TransportLayerCc::unmarshal(&mut bytes.as_slice()).unwrap();
        assert_eq!((read.base_sequence_number, read.packet_status_count, read.fb_pkt_count), (65_534, 8, 0));
        let deltas: Vec<i64> = read.recv_deltas.iter().map(|delta| delta.delta / 1_000).collect();
        assert_eq!(deltas[1..], [3, 8, -1, 90]);
        assert!(arrivals.write(7, 9, &mut bytes).is_none(), "all is told");
        arrivals.take(6, base);
        arrivals.write(7, 9, &mut bytes).unwrap();
        assert_eq!(bytes[19], 1, "the next feedback");
    }
}
