//! One visit's turn: what it is told and what it may touch while it has the word.

use std::collections::VecDeque;

use super::counters::Counters;
use super::random::Random;
use crate::base::{DropReason, Instant};
use crate::link::Event;
use crate::media::net::outbox::Outbox;
use crate::media::net::path::Path;

/// The shard's things, lent to a visit for the length of one call.
pub struct Turn<'a> {
    pub now: Instant,
    pub outbox: &'a mut Outbox,
    pub counters: &'a mut Counters,
    pub events: &'a mut VecDeque<Event>,
    pub random: &'a mut Random,
}

impl Turn<'_> {
    /// Sends what `write` puts at the start of a slot, if it puts anything there.
    pub fn send(&mut self, path: Path, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> bool {
        let Some(slot) = self.outbox.slot() else {
            self.counters.dropped(DropReason::OutboxFull);
            return false;
        };
        let Some(len) = write(slot) else { return false };
        self.outbox.commit(path, len);
        self.counters.datagrams_out += 1;
        self.counters.bytes_out += len as u64;
        true
    }
}
