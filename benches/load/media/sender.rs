//! What one bot sends: packets of the reference mix, sealed, a frame's all in one run.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::bot::Problem;
use crate::media::clock::system_nanos;
use crate::media::mix::{
    FRAME_EVERY, FRAME_RATE, FULL_BYTES, LAYERS, OPUS, SOUND_BYTES, SOUND_EVERY, SOUND_RATE, STREAMS, TEMPORAL, TURN_OF_SPEECH,
    VP8,
};
use crate::media::offer::ExtensionIds;
use crate::media::seal::{Sealer, TAG_MAX};
use crate::media::stamp::{DESCRIPTOR_BYTES, FRAME_HEADER_BYTES, Stamp};

/// Fixed header, one word of extension header, two of extensions (RFC 3550 §5.3.1, RFC 8285 §4.2).
const HEADER_BYTES: usize = 12 + 4 + 8;

/// Room for all packets of a frame.
pub const RUN_BYTES_MAX: usize = 8 * (HEADER_BYTES + FULL_BYTES + TAG_MAX);

/// Packets that leave in one system call: all of one length, only the last may be shorter.
pub struct Run {
    pub bytes: usize,
    pub segment: u16,
    pub packets: u64,
}

/// Sound and the three layers of one bot.
pub struct Sender {
    visit: u32,
    seat: u8,
    ids: ExtensionIds,
    sealer: Sealer,
    streams: [Stream; STREAMS],
    transport_number: u16,
    frames: u32,
    sounds: u32,
}

/// One stream of RTP.
struct Stream {
    ssrc: u32,
    /// Of the next packet, with the rollover counter above it.
    index: u64,
    /// The first packet's number in its stamp.
    first_number: u32,
    first_timestamp: u32,
    packets: u32,
    octets: u32,
    /// The next frame is to be a keyframe.
    keyframe: bool,
    picture: u16,
    tl0: u8,
    key: u8,
}

/// What a sender report says of a stream (RFC 3550 §6.4.1).
pub struct Sent {
    pub ssrc: u32,
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

impl Sender {
    pub fn new(visit: u32, seat: u8, ssrcs: [u32; STREAMS], ids: ExtensionIds, sealer: Sealer) -> Sender {
        // Any beginnings will do, but no two legs' alike.
        let random = RandomState::new();
        // A later bot in this seat goes on above the numbers of the one before: none sends a thousand packets a second.
        let first_number = (system_nanos() / 1_000_000) as u32;
        let streams = ssrcs.map(|ssrc| {
            let [a, b, c, d, e, f, ..] = random.hash_one(ssrc).to_be_bytes();
            Stream {
                ssrc,
                index: u64::from(u16::from_be_bytes([a & 0x7f, b])),
                first_number,
                first_timestamp: u32::from_be_bytes([c, d, e, f]),
                packets: 0,
                octets: 0,
                keyframe: true,
                picture: u16::from_be_bytes([e, f]) & 0x7fff,
                tl0: c,
                key: d & 0x1f,
            }
        });
        Sender { visit, seat, ids, sealer, streams, transport_number: 0, frames: 0, sounds: 0 }
    }

    /// The server asks for a keyframe of this stream; says whether it is one of ours.
    pub fn keyframe_wanted(&mut self, ssrc: u32) -> bool {
        let stream = self.streams.iter_mut().skip(1).find(|stream| stream.ssrc == ssrc);
        stream.map(|stream| stream.keyframe = true).is_some()
    }

    /// The next sound, sent at `now` (nanoseconds of the system's clock).
    pub fn sound(&mut self, now: u64, out: &mut [u8]) -> Result<Run, Problem> {
        let speaker = u64::from(self.sounds) * SOUND_EVERY.as_nanos() as u64 / TURN_OF_SPEECH.as_nanos() as u64 % 4;
        // RFC 6464 §3: minus dBov, and whether it is speech.
        let level = if speaker == u64::from(self.seat) { 0x80 | 25 } else { 127 };
        let timestamp = (u64::from(self.sounds) * SOUND_RATE / 50) as u32;
        self.sounds = self.sounds.wrapping_add(1);
        let extension = (self.ids.audio_level, level);
        let bytes = self.packet(now, out, 0, timestamp, true, extension, SOUND_BYTES, |payload, stamp| stamp.write(payload))?;
        Ok(Run { bytes, segment: 0, packets: 1 })
    }

    /// The next frame in all layers, the largest first.
    pub fn frame(&mut self, now: u64, out: &mut [u8]) -> Result<Run, Problem> {
        let timestamp = (u128::from(self.frames) * FRAME_EVERY.as_nanos() * u128::from(FRAME_RATE) / 1_000_000_000) as u32;
        let temporal = TEMPORAL[self.frames as usize % TEMPORAL.len()];
        self.frames = self.frames.wrapping_add(1);
        let (mut bytes, mut segment, mut packets) = (0, 0, 0);
        for (number, layer) in LAYERS.iter().enumerate().rev() {
            let stream = &mut self.streams[1 + number];
            let keyframe = std::mem::take(&mut stream.keyframe);
            let temporal = if keyframe { 0 } else { temporal };
            stream.picture = (stream.picture + 1) & 0x7fff;
            stream.tl0 = stream.tl0.wrapping_add(u8::from(temporal == 0));
            stream.key = (stream.key + u8::from(keyframe)) & 0x1f;
            let [picture_high, picture_low] = (0x8000 | stream.picture).to_be_bytes();
            let (tl0, key) = (stream.tl0, stream.key);
            for packet in 0..layer.packets {
                let starts = packet == 0;
                let last = packet + 1 == layer.packets;
                let extension = (self.ids.rid, layer.rid);
                let write = |payload: &mut [u8], stamp: &Stamp| {
                    // RFC 7741 §4.2: X and S; I, L, T and K; picture id; TL0PICIDX; TID with Y, KEYIDX.
                    let starts_bit = if starts { 0x10 } else { 0 };
                    let sync = if temporal > 0 { 0x20 } else { 0 };
                    let descriptor = [0x80 | starts_bit, 0xf0, picture_high, picture_low, tl0, temporal << 6 | sync | key];
                    let (head, mut rest) = payload.split_at_mut(DESCRIPTOR_BYTES);
                    head.copy_from_slice(&descriptor);
                    if starts {
                        let (header, stamped) = rest.split_at_mut(FRAME_HEADER_BYTES);
                        // RFC 6386 §9.1: the lowest bit says "no keyframe"; then the start code and the size.
                        header.copy_from_slice(&[u8::from(!keyframe), 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02]);
                        let scale = 1u16 << (2 - number);
                        header[6..8].copy_from_slice(&(1_280 / scale).to_le_bytes());
                        header[8..].copy_from_slice(&(720 / scale).to_le_bytes());
                        rest = stamped;
                    }
                    stamp.write(rest);
                };
                let len = self.packet(now, &mut out[bytes..], 1 + number, timestamp, last, extension, layer.bytes, write)?;
                if segment == 0 {
                    segment = len as u16;
                }
                bytes += len;
                packets += 1;
            }
        }
        Ok(Run { bytes, segment, packets })
    }

    /// What sender reports say now.
    pub fn reports(&self) -> impl Iterator<Item = Sent> {
        self.streams.iter().enumerate().map(|(number, stream)| {
            let (count, every, rate) =
                if number == 0 { (self.sounds, SOUND_EVERY, SOUND_RATE) } else { (self.frames, FRAME_EVERY, FRAME_RATE) };
            let ticks = u128::from(count) * every.as_nanos() * u128::from(rate) / 1_000_000_000;
            Sent {
                ssrc: stream.ssrc,
                timestamp: stream.first_timestamp.wrapping_add(ticks as u32),
                packets: stream.packets,
                octets: stream.octets,
            }
        })
    }

    #[expect(clippy::too_many_arguments, reason = "one packet's fields")]
    fn packet(
        &mut self,
        now: u64,
        out: &mut [u8],
        number: usize,
        timestamp: u32,
        marker: bool,
        (extension, value): (u8, u8),
        payload: usize,
        write: impl FnOnce(&mut [u8], &Stamp),
    ) -> Result<usize, Problem> {
        let stream = &mut self.streams[number];
        let (index, ssrc) = (stream.index, stream.ssrc);
        let stamp = Stamp {
            visit: self.visit,
            seat: self.seat,
            stream: number as u8,
            number: stream.first_number.wrapping_add(stream.packets),
            sent: now,
        };
        stream.index += 1;
        stream.packets = stream.packets.wrapping_add(1);
        stream.octets = stream.octets.wrapping_add(payload as u32);
        let (payload_type, mid) = if number == 0 { (OPUS, b'0') } else { (VP8, b'1') };
        let timestamp = timestamp.wrapping_add(stream.first_timestamp);
        let len = HEADER_BYTES + payload + self.sealer.tag_bytes();
        let packet = &mut out[..len];
        packet[0] = 0x90;
        packet[1] = u8::from(marker) << 7 | payload_type;
        packet[2..4].copy_from_slice(&index.to_be_bytes()[6..]);
        packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
        packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
        let [high, low] = self.transport_number.to_be_bytes();
        self.transport_number = self.transport_number.wrapping_add(1);
        let ids = &self.ids;
        packet[12..HEADER_BYTES].copy_from_slice(&[
            0xbe,
            0xde,
            0,
            2,
            ids.mid << 4,
            mid,
            extension << 4,
            value,
            ids.transport_cc << 4 | 1,
            high,
            low,
            0,
        ]);
        write(&mut packet[HEADER_BYTES..HEADER_BYTES + payload], &stamp);
        self.sealer.seal(packet, HEADER_BYTES, ssrc, index)?;
        Ok(len)
    }
}
