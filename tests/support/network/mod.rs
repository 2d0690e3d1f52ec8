//! A network that does to packets exactly what it is told, and says what it did: on the clock and from the seed of whoever
//! uses it, so that a test that failed once fails again.

#![allow(dead_code, unused_imports, reason = "each test binary uses its part of this")]

mod dice;
mod impairment;
mod wire;

pub(crate) use dice::Dice;
pub(crate) use impairment::{Impairment, Loss, Rate};
pub(crate) use wire::{Tally, Wire};
