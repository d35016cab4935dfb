//! Places of a call's input that a secret belongs in: their names are recorded, their contents never are.

use serde::{Deserialize, Serialize};

/// Whether `name` can be the name of a secret: 1 to 128 of `a-z A-Z 0-9 _ - .`, not beginning with a dot.
pub fn is_secret_name(name: &str) -> bool {
    let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    fits && (1..=128).contains(&name.len()) && !name.starts_with('.')
}

/// One place of a value that a secret belongs in. The bytes there are a marker; who sends the value puts the secret in their place, and
/// never looks for markers itself: a text that looks like one may come from anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretSpan {
    /// JSON pointer of the text.
    pub pointer: String,
    /// First byte of the marker in the text.
    pub start: usize,
    /// Byte after the marker.
    pub end: usize,
    /// Name of the secret.
    pub name: String,
}
