//! Linux: batched UDP, epoll, buffers. [`sys`] holds every `unsafe` of the project; [`path`] and [`outbox`]
//! are plain memory, and all that the pure layers see of the network.

pub mod outbox;
pub mod path;
