//! People and programs: who did something, and how that is known.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The owner of everything: 1 to 63 characters of `a-z 0-9 -`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(Arc<str>);

/// Text that is no tenant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a tenant; write 1 to 63 characters of a-z, 0-9 and `-`")]
pub struct TenantError(String);

impl TenantId {
    /// Parses a tenant's name.
    ///
    /// # Errors
    /// [`TenantError`] when the text breaks the rule above.
    pub fn parse(text: &str) -> Result<Self, TenantError> {
        let fits = !text.is_empty() && text.len() <= 63 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits { Ok(Self(text.into())) } else { Err(TenantError(text.to_owned())) }
    }

    /// The tenant of a laptop.
    pub fn local() -> Self {
        Self("local".into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for TenantId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a name is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// By a named bearer token.
    Token,
    /// By the loopback connection of a laptop only.
    Loopback,
    /// By being Provost itself (timers, leases, schedules).
    System,
}

/// Who asked for something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Who {
    /// The authenticated name.
    pub name: Arc<str>,
    /// How the name is known.
    pub known: Known,
    /// Roles the credential carries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Arc<str>>,
}

impl Who {
    /// Provost itself.
    pub fn system() -> Self {
        Self { name: "provost".into(), known: Known::System, roles: Vec::new() }
    }

    /// Whether `other` is another person, authenticated by a credential of their own: what four eyes need.
    pub fn differs_for_four_eyes(&self, other: &Who) -> bool {
        self.known == Known::Token && other.known == Known::Token && self.name != other.name
    }
}
