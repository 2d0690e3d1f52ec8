//! The API as strangers meet it: over TLS on the loopback, with a client that is not ours.

mod door;
mod full;
mod guessing;
mod hostile;
mod moving;
mod quality;
mod record;
mod scheduling;
mod visits;
mod waiting;
mod watching;
mod world;
