//! `provost.lock`: every part of a bundle with its digest, and the digest of all.

use std::fmt::Write as _;
use std::sync::Arc;

use provost_model::{Digest, Value};
use serde::{Deserialize, Serialize};

use super::PartKind;
use super::place::LOCK;
use crate::finding::{Code, Finding, Log, Place};

/// Goes into the digest, so that another way to make it gives other digests.
const SCHEME: &[u8] = b"provost-bundle-1";

/// One part of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Path in the folder.
    pub path: Arc<str>,
    /// What it is.
    pub kind: PartKind,
    /// What it is called.
    pub name: Arc<str>,
    /// Its version, where its kind has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Arc<str>>,
    /// Digest of its bytes.
    pub digest: Digest,
}

/// The lock of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Number of the lock's own format.
    pub format: u32,
    /// Digest over path and digest of every part.
    pub bundle: Digest,
    /// The parts in order of path.
    pub parts: Vec<Part>,
}

impl Lock {
    /// The lock of parts that are in order of path.
    pub(super) fn of(parts: Vec<Part>) -> Self {
        let mut pieces: Vec<&[u8]> = vec![SCHEME];
        for part in &parts {
            pieces.push(part.path.as_bytes());
            pieces.push(part.digest.as_bytes());
        }
        Self { format: 1, bundle: Digest::of_parts(&pieces), parts }
    }

    /// The text of `provost.lock`: JSON, one part per line, the same bytes for the same bundle.
    pub fn to_text(&self) -> String {
        let mut out = format!("{{\n  \"bundle\": \"{}\",\n  \"format\": {},\n  \"parts\": [", self.bundle, self.format);
        for (at, part) in self.parts.iter().enumerate() {
            let mut pairs = vec![
                ("digest", Value::from(part.digest.to_string())),
                ("kind", Value::str(kind_word(part.kind))),
                ("name", Value::Str(part.name.clone())),
                ("path", Value::Str(part.path.clone())),
            ];
            pairs.extend(part.version.iter().map(|version| ("version", Value::Str(version.clone()))));
            let comma = if at == 0 { "" } else { "," };
            let _infallible = write!(out, "{comma}\n    {}", Value::object(pairs));
        }
        out.push_str("\n  ]\n}\n");
        out
    }

    /// Reads a lock.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn from_text(text: &str) -> Result<Self, LockError> {
        let lock: Self = serde_json::from_str(text).map_err(|error| LockError::Malformed(error.to_string()))?;
        if lock.format != 1 {
            return Err(LockError::Format(lock.format));
        }
        Ok(lock)
    }
}

/// What is to be said of the text of a `provost.lock` that stands beside the parts of which `lock` is the lock.
pub(super) fn against(text: &str, lock: &Lock) -> Option<Finding> {
    let log = Log::new(LOCK);
    match Lock::from_text(text) {
        Ok(read) if read == *lock => {}
        Ok(read) => {
            let message = format!("the lock is that of `{}`, and the parts here are `{}`", read.bundle, lock.bundle);
            log.warn(Code::OtherLock, Place::START, message, "a lock pins nothing by itself; write it anew, or take it away");
        }
        Err(error) => log.error_hint(Code::Lock, Place::START, error.to_string(), "or take the file away: a bundle needs none"),
    }
    log.into_findings().pop()
}

/// Why a text is no lock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Not the JSON of a lock.
    #[error("`provost.lock` cannot be read: {0}; write it anew")]
    Malformed(String),
    /// Of a format this version does not know.
    #[error("`provost.lock` has format {0}; this version reads 1")]
    Format(u32),
}

impl LockError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "lock-malformed",
            Self::Format(_) => "lock-format",
        }
    }
}

fn kind_word(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Contract => "contract",
        PartKind::Api => "api",
        PartKind::Action => "action",
        PartKind::Agent => "agent",
        PartKind::Rules => "rules",
        PartKind::Source => "source",
        PartKind::Feature => "feature",
        PartKind::Workflow => "workflow",
        PartKind::Policy => "policy",
        PartKind::PolicySchema => "policy-schema",
        PartKind::Function => "function",
    }
}
