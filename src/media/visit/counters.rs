//! What a shard counts: plain numbers that only grow.

use crate::base::DropReason;

/// The counters of one shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    pub datagrams_in: u64,
    pub bytes_in: u64,
    pub datagrams_out: u64,
    pub bytes_out: u64,
    /// RTP packets sealed and queued to receivers.
    pub forwarded: u64,
    /// RTP packets sent again.
    pub repaired: u64,
    /// Keyframe requests sent to senders.
    pub keyframe_requests: u64,
    /// Times a line changed its simulcast layer.
    pub layer_switches: u64,
    pub visits_failed: u64,
    /// By [`DropReason::index`].
    pub drops: [u64; DropReason::COUNT],
}

impl Counters {
    /// A datagram came to nothing.
    pub fn dropped(&mut self, reason: DropReason) {
        self.drops[reason.index()] += 1;
    }
}
