//! Linux: batched UDP, epoll, buffers. All that the pure layers see of the network is plain memory, [`path`]
//! and [`outbox`].
//!
//! [`bind`] opens a worker's sockets, [`poller`] waits for them, [`udp`] receives and sends in batches, cut by
//! [`plan`] into runs that leave as one. [`clock`] and [`affinity`] say when and where a worker runs. [`sys`]
//! holds every `unsafe` that speaks to the kernel, and no policy.

pub mod affinity;
pub mod bind;
pub mod clock;
pub mod outbox;
pub mod path;
pub mod plan;
pub mod poller;
pub mod sys;
pub mod udp;
