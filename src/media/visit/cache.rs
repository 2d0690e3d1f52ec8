//! The last second of one layer in the clear, as its sender sent it: what lost packets are sent again from, for whichever
//! receivers lost them.
//!
//! Payloads lie one behind the other in a ring of bytes, each behind what its packet says beside it; a packet is there for as
//! long as nothing newer lies upon it.

use std::num::NonZeroU16;
use std::time::Duration;

use super::ingress::Incoming;
use super::watch::Layer;
use crate::base::{Instant, Seq16, Seq64};
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
    /// The highest index that was kept.
    newest: Seq64,
}

/// One packet, but for what lies in the ring; what the payload says is read again when it is sent again. Short, because a visit
/// has some two thousand of them.
#[derive(Clone, Copy)]
struct Kept {
    /// Its number, the bytes of [`Cache::written`], and milliseconds of the clock: all without what lies above their low bits.
    /// The first two do not come round again within a second. The clock does each minute, so that of a layer that has stopped an
    /// old packet may seem new for a second; nobody misses it any more.
    index: u32,
    start: u32,
    timestamp: u32,
    at_ms: u16,
    extent: Extent,
}

const _: () = assert!(size_of::<Option<Kept>>() <= 16);

/// How much of the ring is one packet's, and whether it ends its frame: bytes of payload, 11 bits; the mark, one; bytes of what
/// is said beside, three; and a bit that is always set.
#[derive(Clone, Copy)]
struct Extent(NonZeroU16);

impl Extent {
    const ALWAYS: NonZeroU16 = NonZeroU16::new(1 << 15).unwrap();

    /// None for a payload that is longer than any of the internet.
    fn new(payload: usize, marker: bool, beside: usize) -> Option<Extent> {
        let (payload, beside) = (u16::try_from(payload).ok()?, u16::try_from(beside).ok()?);
        let fits = payload < 1 << 11 && beside < 1 << 3;
        fits.then(|| Extent(Extent::ALWAYS | (beside << 12) | (u16::from(marker) << 11) | payload))
    }

    fn payload(self) -> usize {
        usize::from(self.0.get() & 0x7ff)
    }

    fn marker(self) -> bool {
        self.0.get() & 1 << 11 != 0
    }

    fn beside(self) -> usize {
        usize::from(self.0.get() >> 12 & 7)
    }
}

/// What a packet says beside its payload, as bytes: which of it there is, and that.
struct Beside {
    bytes: [u8; Beside::MAX],
    len: usize,
}

impl Beside {
    const MAX: usize = 6;
    const LEVEL: u8 = 1;
    const ORIENTATION: u8 = 2;
    const DELAY: u8 = 4;

    fn new(said: &Outgoing<'_>) -> Beside {
        let Outgoing { mid: _, transport_cc: _, audio_level, video_orientation, playout_delay } = said;
        let mut beside = Beside { bytes: [0; Beside::MAX], len: 0 };
        if let Some(AudioLevel { voice, level }) = audio_level {
            beside.push(Beside::LEVEL, &[u8::from(*voice) << 7 | level]);
        }
        if let Some(orientation) = video_orientation {
            beside.push(Beside::ORIENTATION, &[*orientation]);
        }
        if let Some(delay) = playout_delay {
            beside.push(Beside::DELAY, delay);
        }
        beside
    }

    fn push(&mut self, kind: u8, bytes: &[u8]) {
        let at = self.len.max(1);
        self.bytes[0] |= kind;
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self.len = at + bytes.len();
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Reads it back; nothing from nothing.
    fn read(bytes: &[u8]) -> Outgoing<'static> {
        let mut said = Outgoing::default();
        let Some((&kinds, mut rest)) = bytes.split_first() else { return said };
        if kinds & Beside::LEVEL != 0
            && let Some((&[byte], after)) = rest.split_first_chunk()
        {
            (said.audio_level, rest) = (Some(AudioLevel { voice: byte >> 7 == 1, level: byte & 0x7f }), after);
        }
        if kinds & Beside::ORIENTATION != 0
            && let Some((&[byte], after)) = rest.split_first_chunk()
        {
            (said.video_orientation, rest) = (Some(byte), after);
        }
        if kinds & Beside::DELAY != 0 {
            said.playout_delay = rest.first_chunk().copied();
        }
        said
    }
}

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
        Cache { kind, layer, bytes: vec![0; bytes].into(), written: 0, packets: vec![None; packets].into(), newest: Seq64(0) }
    }

    /// Keeps a packet. False if it is there already: it has come twice.
    pub(super) fn keep(&mut self, now: Instant, packet: &Incoming<'_>) -> bool {
        let place = self.place(packet.index);
        let place = &mut self.packets[place];
        let index = low(packet.index.0);
        // Around the wrap of the low bits.
        let ahead = |kept: &Kept| kept.index.wrapping_sub(index).cast_signed();
        match place.as_ref().map(ahead) {
            Some(0) => return false,
            // Something older than what is remembered: it goes on, and is not kept.
            Some(1..) => return true,
            Some(_) | None => {}
        }
        let beside = Beside::new(&packet.extensions);
        let Some(extent) = Extent::new(packet.payload.len(), packet.marker, beside.len) else { return true };
        let (len, capacity) = (beside.len + packet.payload.len(), self.bytes.len());
        let mut at = place_of(self.written, capacity);
        if at + len > capacity {
            // A packet lies in one piece.
            self.written += (capacity - at) as u64;
            at = 0;
        }
        let Some((said, payload)) = self.bytes.get_mut(at..at + len).and_then(|room| room.split_at_mut_checked(beside.len))
        else {
            return true;
        };
        said.copy_from_slice(beside.bytes());
        payload.copy_from_slice(packet.payload);
        let (start, timestamp) = (low(self.written), packet.timestamp);
        *place = Some(Kept { index, start, timestamp, at_ms: now.low_millis(), extent });
        self.written += len as u64;
        self.newest = self.newest.max(packet.index);
        true
    }

    /// The packet with this index, if it is still there. Nothing begins with it again.
    pub(super) fn find(&self, now: Instant, index: Seq64) -> Option<Incoming<'_>> {
        let kept = self.packets[self.place(index)].as_ref().filter(|kept| kept.index == low(index.0))?;
        let newer = low(self.written).wrapping_sub(kept.start);
        let age_ms = now.low_millis().wrapping_sub(kept.at_ms);
        if newer as usize > self.bytes.len() || u128::from(age_ms) > AGE_MAX.as_millis() {
            return None;
        }
        let &Kept { timestamp, extent, .. } = kept;
        let at = place_of(self.written - u64::from(newer), self.bytes.len());
        let (said, rest) = self.bytes.get(at..)?.split_at_checked(extent.beside())?;
        let (extensions, payload) = (Beside::read(said), rest.get(..extent.payload())?);
        let (kind, layer, marker) = (self.kind, self.layer, extent.marker());
        let picture = match kind {
            SourceKind::Microphone => None,
            SourceKind::Camera | SourceKind::Screen => Descriptor::parse(payload),
        };
        Some(Incoming { kind, layer, index, timestamp, marker, extensions, payload, picture, begins: false, replaces: false })
    }

    /// The packet of this number, which is one of the newest.
    pub(super) fn find_newest(&self, now: Instant, number: Seq16) -> Option<Incoming<'_>> {
        self.find(now, self.newest.nearest(number))
    }

    fn place(&self, index: Seq64) -> usize {
        place_of(index.0, self.packets.len())
    }
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
    fn what_is_said_beside_a_payload_comes_back_with_it() {
        let level = Some(AudioLevel { voice: true, level: 127 });
        let mut said = Vec::new();
        for audio_level in [None, level, Some(AudioLevel { voice: false, level: 0 })] {
            for video_orientation in [None, Some(0), Some(255)] {
                for playout_delay in [None, Some([0; 3]), Some([1, 2, 255])] {
                    said.push(Outgoing { audio_level, video_orientation, playout_delay, ..Outgoing::default() });
                }
            }
        }
        for marker in [true, false] {
            for (extensions, index) in said.iter().zip(u64::from(u32::MAX) - 10..) {
                let packet = Incoming { index: Seq64(index), marker, extensions: *extensions, ..packet(0, b"what is shown") };
                let mut cache = Cache::new(SourceKind::Screen, 0);
                assert!(cache.keep(at(0), &packet));
                let found = cache.find(at(0), Seq64(index)).unwrap();
                assert_eq!((found.extensions, found.marker, found.payload), (*extensions, marker, &b"what is shown"[..]));
            }
        }
        let mut cache = Cache::new(SourceKind::Screen, 0);
        for (index, len, kept) in [(1, 0, true), (2, 2_047, true), (3, 2_048, false)] {
            assert!(cache.keep(at(0), &packet(index, &vec![7; len])), "it goes on");
            assert_eq!(cache.find(at(0), Seq64(index)).map(|found| found.payload.len()), kept.then_some(len));
        }
    }

    #[test]
    fn a_number_of_which_only_the_low_bits_are_known_is_one_of_the_newest() {
        let mut cache = Cache::new(SourceKind::Camera, 2);
        for index in 65_500..65_600 {
            cache.keep(at(0), &packet(index, b"near the wrap"));
        }
        for (number, expected) in [(65_535, Some(65_535)), (0, Some(65_536)), (63, Some(65_599)), (64, None)] {
            assert_eq!(cache.find_newest(at(0), Seq16(number)).map(|found| found.index.0), expected, "{number}");
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
