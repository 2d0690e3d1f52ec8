//! Every capacity of the media side, and how they relate. Each argues both ways.

/// Bytes of the largest datagram that we make or take: an Ethernet frame's worth. Larger would need
/// fragments that hospital firewalls drop; smaller would refuse what browsers send (up to ~1,250 bytes).
pub const DATAGRAM_MAX: usize = 1_500;

/// Bytes of one slot of the outbox: a datagram and its SRTP tag, rounded so that slots stay aligned.
pub const SLOT_BYTES: usize = 1_536;

/// Datagrams of one turn of the loop. More would let one turn hold up the next packet; fewer would send in
/// more system calls. A turn of 64 received packets makes at most 64 × 3 and some RTCP.
pub const OUTBOX_SLOTS: usize = 1_024;

/// Room that the outbox keeps for what one datagram, command or timer may make; with less, the worker sends
/// before it goes on. A packet makes at most three copies, a handshake one flight, and RTCP to all four seats.
pub const OUTBOX_ROOM_MIN: usize = 64;

/// Streams (SSRCs) that one leg may have us keep state for. A browser with simulcast and RTX uses 9; a flood
/// of forged ones must not grow memory (security test 18).
pub const STREAMS_PER_LEG: usize = 32;

/// Packets behind the newest that are still taken, per SSRC (RFC 3711 §3.3.2 asks at least 64; reordered
/// 1080p bursts need more; media.md says 1,024).
pub const REPLAY_WINDOW: u64 = 1_024;

/// Simulcast layers of one video source: q, h and f.
pub const LAYERS: usize = 3;

/// Addresses of this machine on which each worker listens: a socket each. More would only make offers longer;
/// a machine with two networks and both families has four.
pub const ADDRESSES_MAX: usize = 8;

/// Events of one worker that wait for control to read them. A visit makes some ten in its life, so this is a
/// minute of the busiest worker; more would only hide for longer that control has stopped.
pub const EVENTS_WAITING_MAX: usize = 4_096;

/// Worker threads of a media process; no machine that we run on has more cores.
pub const WORKERS_MAX: u16 = 256;

/// Bytes of one message between media and control.
pub const LINK_MESSAGE_MAX: usize = 64 * 1024;

/// Visits whose snapshots go into one message. A new control hears of a thousand visits in four messages; more in one
/// would not fit, fewer would fill the queue of events that wait.
pub const SNAPSHOTS_PER_MESSAGE: usize = 256;

/// Bytes of one snapshot at most: the visit's id, and for each of four seats whether it is taken, the leg's id, its
/// state and three sources. An id of 64 bits takes ten bytes.
const SNAPSHOT_BYTES_MAX: usize = 10 + 4 * (1 + 10 + 1 + 3);

const _: () = assert!(SNAPSHOTS_PER_MESSAGE * SNAPSHOT_BYTES_MAX + 16 <= LINK_MESSAGE_MAX);
const _: () = assert!(OUTBOX_ROOM_MIN * 4 <= OUTBOX_SLOTS);
const _: () = assert!(SLOT_BYTES >= DATAGRAM_MAX);
const _: () = assert!(REPLAY_WINDOW.is_power_of_two());
