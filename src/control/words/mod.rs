//! Words that the whole control side shares: people, tokens, the clock, randomness.
//!
//! Nothing here knows the store, a visit or HTTP.

pub mod clock;
pub mod person;
pub mod random;
pub mod token;

pub use clock::Clock;
pub use person::{BirthDate, Name, Role, Staff};
pub use token::{Digest, Token, TokenKind};
