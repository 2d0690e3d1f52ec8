//! The system's randomness.

/// `N` random bytes.
///
/// A system that cannot give randomness can make neither a token nor an id that is safe to use, so this
/// ends the task that asked instead of going on with something guessable.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// Fills `bytes`, as [`bytes()`].
pub fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system gives randomness");
}

/// The bits of a new id.
pub fn bits() -> u64 {
    u64::from_ne_bytes(bytes())
}
