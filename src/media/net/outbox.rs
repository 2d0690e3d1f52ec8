//! What one turn of the loop sends: fixed slots, filled in order, sent in one system call, emptied.
#![forbid(unsafe_code)]

use super::path::Path;
use crate::base::limits::SLOT_BYTES;

/// A datagram that waits for the end of the turn.
pub struct Slot {
    bytes: [u8; SLOT_BYTES],
    len: usize,
    path: Option<Path>,
}

impl Slot {
    const EMPTY: Slot = Slot { bytes: [0; SLOT_BYTES], len: 0, path: None };

    /// The datagram.
    pub fn datagram(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Where it goes.
    pub fn path(&self) -> Option<Path> {
        self.path
    }
}

/// The datagrams of one turn, in the order in which they were made.
pub struct Outbox {
    slots: Box<[Slot]>,
    filled: usize,
}

impl Outbox {
    /// Room for `slots` datagrams, all allocated here.
    pub fn new(slots: usize) -> Outbox {
        let mut room = Vec::with_capacity(slots);
        room.resize_with(slots, || Slot::EMPTY);
        Outbox { slots: room.into_boxed_slice(), filled: 0 }
    }

    /// The next free slot's bytes, to be written and then [`Outbox::commit`]ted; None when the turn is full.
    pub fn slot(&mut self) -> Option<&mut [u8; SLOT_BYTES]> {
        self.slots.get_mut(self.filled).map(|slot| &mut slot.bytes)
    }

    /// Sends the first `len` bytes of the slot that [`Outbox::slot`] gave.
    pub fn commit(&mut self, path: Path, len: usize) {
        if let Some(slot) = self.slots.get_mut(self.filled) {
            slot.len = len.min(SLOT_BYTES);
            slot.path = Some(path);
            self.filled += 1;
        }
    }

    /// How many datagrams still fit.
    pub fn room(&self) -> usize {
        self.slots.len() - self.filled
    }

    /// What waits to be sent.
    pub fn filled(&self) -> &[Slot] {
        &self.slots[..self.filled]
    }

    /// Forgets what was sent.
    pub fn clear(&mut self) {
        self.filled = 0;
    }
}
