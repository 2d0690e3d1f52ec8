//! The last second of one layer in the clear, as its sender sent it: what lost packets are sent again from, for whichever
//! receivers lost them.
//!
//! Payloads lie one behind the other in a ring of bytes; a packet is there for as long as nothing newer lies upon it.

use std::time::Duration;

use super::ingress::Incoming;
use super::watch::Layer;
use crate::base::{Instant, Seq64};
use crate::link::terms::SourceKind;
use crate::media::wire::ext::{AudioLevel, Outgoing};
use crate::media::wire::payload::vp8::Descriptor;

/// How old a packet may be that is sent again. Older ones come after the decoder has given up on their frame; with fewer a
/// path of 500 ms there and back could not be repaired.
const AGE_MAX: Duration = Duration::from_secs(1);

/// What one layer keeps.
pub(super) struct Cache {
    kind: SourceKind,
    layer: Layer,
    bytes: Box<[u8]>,
    /// Where the next payload goes, counted from the beginning and never wrapping.
    written: u64,
    /// By index modulo their number.
    packets: Box<[Option<Kept>]>,
}

/// One packet, but for its payload; what the payload says is read again when it is sent again. Short, because a visit has
/// some two thousand of them.
#[derive(Clone, Copy)]
struct Kept {
    index: Seq64,
    /// Milliseconds of the clock, and bytes of [`Cache::written`], both without what lies above their low bits: neither
    /// comes round again within a second.
    at_ms: u32,
    start: u32,
    timestamp: u32,
    len: u16,
    marker: bool,
    audio_level: Option<AudioLevel>,
    video_orientation: Option<u8>,
    playout_delay: Option<[u8; 3]>,
}

const _: () = assert!(size_of::<Option<Kept>>() <= 32);

/// Bytes and packets that a second of this layer needs: 1.7, 0.55 and 0.2 Mbit/s, an eighth more than our pages have browsers
/// send, and 2.5 of a screen. More would cost every visit memory (1.2 megabytes for all four seats as it is); with less, a
/// layer at its highest would be forgotten before the second is over.
const fn room(kind: SourceKind, layer: Layer) -> (usize, usize) {
    match (kind, layer) {
        (SourceKind::Microphone, _) => (8 * 1024, 64),
        (SourceKind::Camera, 0) => (24 * 1024, 64),
        (SourceKind::Camera, 1) => (68 * 1024, 128),
        (SourceKind::Camera, _) => (206 * 1024, 256),
        (SourceKind::Screen, _) => (312 * 1024, 512),
    }
}

impl Cache {
    /// Room for a second, allocated here.
    pub(super) fn new(kind: SourceKind, layer: Layer) -> Cache {
        let (bytes, packets) = room(kind, layer);
        Cache { kind, layer, bytes: vec![0; bytes].into(), written: 0, packets: vec![None; packets].into() }
    }

    /// Keeps a packet. False if it is there already: it has come twice.
    pub(super) fn keep(&mut self, now: Instant, packet: &Incoming<'_>) -> bool {
        let place = self.place(packet.index);
        let place = &mut self.packets[place];
        match place {
            Some(kept) if kept.index == packet.index => return false,
            // Something older than what is remembered: it goes on, and is not kept.
            Some(kept) if kept.index > packet.index => return true,
            Some(_) | None => {}
        }
        let (len, capacity) = (packet.payload.len(), self.bytes.len());
        let Ok(short) = u16::try_from(len) else { return true };
        let mut at = place_of(self.written, capacity);
        if at + len > capacity {
            // A payload lies in one piece.
            self.written += (capacity - at) as u64;
            at = 0;
        }
        let Some(room) = self.bytes.get_mut(at..at + len) else { return true };
        room.copy_from_slice(packet.payload);
        let Outgoing { mid: _, transport_cc: _, audio_level, video_orientation, playout_delay } = packet.extensions;
        *place = Some(Kept {
            index: packet.index,
            at_ms: low(millis(now)),
            start: low(self.written),
            timestamp: packet.timestamp,
            len: short,
            marker: packet.marker,
            audio_level,
            video_orientation,
            playout_delay,
        });
        self.written += len as u64;
        true
    }

    /// The packet with this index, if it is still there. Nothing begins with it again.
    pub(super) fn find(&self, now: Instant, index: Seq64) -> Option<Incoming<'_>> {
        let kept = self.packets[self.place(index)].as_ref().filter(|kept| kept.index == index)?;
        let newer = low(self.written).wrapping_sub(kept.start);
        let age_ms = low(millis(now)).wrapping_sub(kept.at_ms);
        if newer as usize > self.bytes.len() || u128::from(age_ms) > AGE_MAX.as_millis() {
            return None;
        }
        let at = place_of(self.written - u64::from(newer), self.bytes.len());
        let payload = self.bytes.get(at..at + usize::from(kept.len))?;
        let &Kept { timestamp, marker, audio_level, video_orientation, playout_delay, .. } = kept;
        let extensions = Outgoing { audio_level, video_orientation, playout_delay, ..Outgoing::default() };
        let (kind, layer) = (self.kind, self.layer);
        let picture = match kind {
            SourceKind::Microphone => None,
            SourceKind::Camera | SourceKind::Screen => Descriptor::parse(payload),
        };
        Some(Incoming { kind, layer, index, timestamp, marker, extensions, payload, picture, begins: false, replaces: false })
    }

    fn place(&self, index: Seq64) -> usize {
        place_of(index.0, self.packets.len())
    }
}

/// Milliseconds since the clock's beginning.
fn millis(now: Instant) -> u64 {
    now.as_nanos() / 1_000_000
}

/// The low bits of a number that only grows.
#[expect(clippy::cast_possible_truncation, reason = "what lies above is not wanted")]
fn low(number: u64) -> u32 {
    number as u32
}

/// Where the `counted`th of anything lies in a ring.
fn place_of(counted: u64, ring: usize) -> usize {
    usize::try_from(counted % ring as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn packet(index: u64, payload: &[u8]) -> Incoming<'_> {
        Incoming {
            kind: SourceKind::Camera,
            layer: 0,
            index: Seq64(index),
            timestamp: u32::try_from(index).unwrap() * 3_000,
            marker: true,
            extensions: Outgoing::default(),
            payload,
            picture: None,
            begins: false,
            replaces: false,
        }
    }

    #[test]
    fn a_packet_is_there_until_something_newer_lies_upon_it() {
        let mut cache = Cache::new(SourceKind::Camera, 0);
        // 20 packets of 1,200 bytes fit into 24 KiB.
        for index in 0..50u8 {
            assert!(cache.keep(at(0), &packet(1_000 + u64::from(index), &[index; 1_200])));
        }
        for index in 0..50u8 {
            let found = cache.find(at(0), Seq64(1_000 + u64::from(index)));
            assert_eq!(found.map(|found| found.payload), (index >= 30).then_some(&[index; 1_200][..]), "{index}");
        }
    }

    #[test]
    fn a_packet_older_than_a_second_is_not_given() {
        let mut cache = Cache::new(SourceKind::Camera, 2);
        cache.keep(at(0), &packet(7, b"seven"));
        assert!(cache.find(at(1_000), Seq64(7)).is_some());
        assert!(cache.find(at(1_001), Seq64(7)).is_none());
        assert!(cache.find(at(0), Seq64(7 + 256)).is_none(), "another at the same place");
    }

    #[test]
    fn what_comes_twice_is_known_and_what_comes_late_hides_nothing_newer() {
        let mut cache = Cache::new(SourceKind::Camera, 0);
        assert!(cache.keep(at(0), &packet(300, b"new")));
        assert!(!cache.keep(at(0), &packet(300, b"new")));
        assert!(cache.keep(at(0), &packet(300 - 64, b"old")), "it may go on");
        assert_eq!(cache.find(at(0), Seq64(300)).map(|found| found.payload), Some(&b"new"[..]));
        assert!(cache.find(at(0), Seq64(300 - 64)).is_none());
    }
}
