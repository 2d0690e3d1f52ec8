//! Everything that knows people, records and text: the side of the house that may wait.

pub mod negotiate;
