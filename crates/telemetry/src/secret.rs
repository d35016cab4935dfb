//! A secret that cannot be printed and is wiped from memory when dropped.
//!
//! What must stay true: `Debug`, `Display` and [`Shown`] write `***`; there is no `Serialize`, so a secret cannot stand in anything
//! that is serialized. It does not protect copies made through [`Secret::expose`].

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroize;

use crate::shown::{Plain, Shown};

/// What stands in place of a secret.
pub const REDACTED: &str = "***";

/// A secret value: a key, a token, a password.
///
/// ```compile_fail
/// fn write<T: serde::Serialize>(_: T) {}
/// write(provost_telemetry::Secret::new("hunter2".to_owned())); // a secret cannot be serialized
/// ```
#[derive(Default)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes a secret in.
    pub const fn new(secret: T) -> Self {
        Self(secret)
    }

    /// The secret itself, for the one call that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T: Zeroize> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T: Zeroize> Shown for Secret<T> {
    fn shown(&self) -> Plain<'_> {
        Plain::Text(REDACTED.into())
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}
