//! Values that must not be seen: no `Debug`, no `Display`, wiped when dropped.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// Something that must never be printed: a key, a password, a token. It is wiped when it is dropped.
///
/// `Debug` exists so that a type which holds one can be printed; it prints three dots.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Hides `value`.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value, for the few places that must use it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<T: Zeroize + PartialEq> PartialEq for Secret<T> {
    /// For tests and change detection; authentication compares with `subtle`.
    fn eq(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}
