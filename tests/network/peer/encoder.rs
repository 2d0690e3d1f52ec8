//! One layer of a peer's camera.

use std::collections::VecDeque;
use std::time::Duration;

use quartet::base::{Instant, Seq16, Seq64};
use quartet::link::terms::Ssrc;

use super::Shape;
use super::mark::{HEAD, Mark};
use crate::support::network::Dice;
use crate::support::packets;

/// Packets that are kept for repairs: browsers keep about a second.
const HISTORY: usize = 600;
/// Frames within which a keyframe's excess is saved again.
const SAVED_WITHIN: usize = 24;

/// A packet before it is sealed.
#[derive(Clone)]
pub(super) struct Plain {
    pub(super) index: Seq64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) payload: Vec<u8>,
    /// Which layers its sender makes, where it says so.
    pub(super) layers: Option<[bool; 3]>,
}

/// What a peer's frames have in common.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) visit: u8,
    pub(super) seat: u8,
}

pub(super) struct Encoder {
    pub(super) ssrc: Ssrc,
    pub(super) rtx: Ssrc,
    pub(super) rtx_next: Seq64,
    layer: u8,
    next: Seq64,
    start: u32,
    picture: u16,
    tl0: u8,
    key: u8,
    /// Its place in the pattern of temporal layers.
    phase: usize,
    pub(super) keyframe_wanted: bool,
    /// Bytes that a keyframe has cost more than its share.
    debt: usize,
    pub(super) packets: u32,
    /// And when each was sent again.
    history: VecDeque<(Plain, Option<Instant>)>,
}

impl Encoder {
    pub(super) fn new(dice: &mut Dice, ssrc: Ssrc, layer: u8) -> Encoder {
        Encoder {
            ssrc,
            rtx: Ssrc(ssrc.0 | 0x80),
            rtx_next: Seq64(dice.between((0, 0x7fff)).into()),
            layer,
            next: Seq64(dice.between((0, 0x7fff)).into()),
            start: dice.next() as u32,
            picture: dice.between((0, 0x7fff)) as u16,
            tl0: dice.next() as u8,
            key: dice.next() as u8,
            phase: 0,
            keyframe_wanted: true,
            debt: 0,
            packets: 0,
            history: VecDeque::new(),
        }
    }

    pub(super) fn timestamp(&self, now: Instant) -> u32 {
        self.start.wrapping_add((u128::from(now.as_nanos()) * 9 / 100_000) as u32)
    }

    /// The next frame, at so many bits per second.
    pub(super) fn frame(&mut self, now: Instant, origin: Origin, shape: &Shape, rate: u64, dice: &mut Dice) -> Vec<Plain> {
        let keyframe = std::mem::take(&mut self.keyframe_wanted);
        if keyframe {
            self.key = self.key.wrapping_add(1);
            self.phase = 0;
        }
        // T0 T1: the base layer has three fifths of the bytes. T0 T2 T1 T2: it has two fifths, each other frame a fifth.
        let (temporal, sync, share) = match (shape.temporal_layers, self.phase % 4) {
            (1, _) => (0, false, 1.0),
            (2, 0 | 2) => (0, false, 1.2),
            (2, _) => (1, true, 0.8),
            (_, 0) => (0, false, 1.6),
            (_, 1) => (2, true, 0.8),
            (_, 2) => (1, true, 0.8),
            (_, _) => (2, false, 0.8),
        };
        self.phase += 1;
        self.picture = (self.picture + 1) & 0x7fff;
        self.tl0 = self.tl0.wrapping_add(u8::from(temporal == 0));

        let even = (rate as f64 * shape.frame_interval.as_secs_f64() / 8.0) as usize;
        let bytes = if keyframe {
            self.debt = even * (shape.keyframe - 1);
            even * shape.keyframe
        } else {
            let saved = (even * (shape.keyframe - 1) / SAVED_WITHIN).min(self.debt);
            self.debt -= saved;
            let swing = 0.8 + 0.4 * dice.unit();
            ((even - saved.min(even)) as f64 * share * swing) as usize
        };
        let count = bytes.div_ceil(shape.packet).max(1);
        let (width, height) = ([320u16, 640, 1_280], [180u16, 360, 720]);
        let (width, height) = (width[usize::from(self.layer)].to_le_bytes(), height[usize::from(self.layer)].to_le_bytes());
        let timestamp = self.timestamp(now);
        (0..count)
            .map(|packet| {
                let mark = Mark {
                    visit: origin.visit,
                    seat: origin.seat,
                    layer: self.layer,
                    serial: self.picture,
                    packet: packet as u8,
                };
                let mut rest = vec![0, 0, 0x9d, 1, 0x2a, width[0], width[1], height[0], height[1]];
                rest.extend(mark.bytes());
                debug_assert_eq!(rest.len() + 1, HEAD + 6);
                let mut payload = packets::vp8(packet == 0, keyframe, self.picture, self.tl0, self.key, &rest);
                payload[5] |= temporal << 6 | u8::from(sync) << 5;
                let len = (bytes / count).max(payload.len());
                payload.resize(len, 0);
                let index = self.next;
                self.next = index.next();
                self.packets += 1;
                let plain = Plain { index, timestamp, marker: packet + 1 == count, payload, layers: None };
                self.history.push_back((plain.clone(), None));
                plain
            })
            .collect()
    }

    /// Forgets what is too old to be repaired.
    pub(super) fn forget(&mut self) {
        while self.history.len() > HISTORY {
            self.history.pop_front();
        }
    }

    /// The packet of this number, if it is still there and was not sent again just now.
    pub(super) fn find(&mut self, now: Instant, number: Seq16, apart: Duration) -> Option<Plain> {
        let (plain, again) = self.history.iter_mut().rev().find(|(plain, _)| plain.index.wrapped() == number)?;
        if again.is_some_and(|at| now.since(at) < apart) {
            return None;
        }
        *again = Some(now);
        Some(plain.clone())
    }
}

/// What each layer gets of the uplink: the lowest first, each from the least with which it is worth sending.
pub(super) fn share(target: u64, full: [u64; 3]) -> [Option<u64>; 3] {
    let mut left = target;
    let mut shares = [None; 3];
    for (layer, (share, full)) in shares.iter_mut().zip(full).enumerate() {
        let least = if layer == 0 { 0 } else { full * 2 / 5 };
        if left < least {
            break;
        }
        *share = Some(full.min(left));
        left -= full.min(left);
    }
    shares
}
