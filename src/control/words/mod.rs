//! Words that the whole control side shares: people, tokens, what is written down, the clock, randomness.
//!
//! Nothing here knows the store, a visit or HTTP.

pub mod act;
pub mod clock;
pub mod network;
pub mod notice;
pub mod person;
pub mod presence;
pub mod random;
pub mod token;

pub use act::{Act, Actor, Subject};
pub use clock::Clock;
pub use network::Network;
pub use notice::Notice;
pub use person::{BirthDate, Name, Role, Staff};
pub use presence::{Reason, Standing};
pub use token::{Digest, Token, TokenKind};
