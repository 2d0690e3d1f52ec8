//! The API as strangers meet it: over TLS on the loopback, with a client that is not ours.

mod door;
mod hostile;
mod record;
mod scheduling;
mod visits;
mod waiting;
mod world;
