//! The SFU: four seats that see and hear each other.
#![forbid(unsafe_code)]
