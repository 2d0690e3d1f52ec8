//! What a bot does once it has its keys: it sends, receives, tells what arrived, and counts.

pub mod mix;
pub mod offer;

pub mod engine;
pub mod leg;

pub mod clock;
pub mod sender;
pub mod stamp;

pub mod arrivals;
pub mod receiver;
pub mod seal;

pub mod tally;
