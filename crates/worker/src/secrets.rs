//! Secrets of a folder, put into a request just before it leaves, and taken out of what comes back.
//!
//! What must stay true: exactly the listed places are filled, a text that merely looks like one is not; a content stands in nothing that
//! is reported; what is missing stops the request before a byte of it leaves. One file is one secret, under its name, read when it is
//! needed, so that a changed file counts from the next request on. What is absent: caching, encryption, other providers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use provost_model::record::{Attempted, SecretSpan, is_secret_name};
use provost_model::value::lookup_mut;
use provost_model::{Problem, Value};
use provost_telemetry::Secret;

/// Longest content of a secret, in bytes.
pub const SECRET_BYTES_MAX: usize = 64 << 10;
/// What stands in a report for the content of a secret.
pub const HIDDEN: &str = "***";

/// Shortest credential that is taken out of what comes back, in bytes; secrets of the folder always are.
const CONTENT_BYTES_MIN: usize = 6;

/// Where secrets are kept. The default has none.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    folder: Option<PathBuf>,
}

/// Why a request cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// There is no such secret here.
    #[error("secret `{0}` is not known here; write it into a file of that name in the folder of `--secrets`")]
    Unknown(String),
    /// The content cannot be used.
    #[error("secret `{0}` is empty, not UTF-8, or has more than {SECRET_BYTES_MAX} bytes")]
    Unusable(String),
    /// A listed place is not there.
    #[error("there is no place for secret `{name}` at `{pointer}`")]
    Place {
        /// The secret.
        name: String,
        /// Where.
        pointer: String,
    },
}

impl SecretError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "secret-unknown",
            Self::Unusable(_) => "secret-unusable",
            Self::Place { .. } => "secret-place",
        }
    }
}

/// Contents that were put into a request, to be taken out of what comes back.
#[derive(Debug, Default)]
pub struct Filled(BTreeMap<String, Secret<String>>);

impl Secrets {
    /// The secrets of `folder`: one file each.
    pub fn folder(folder: PathBuf) -> Self {
        Self { folder: Some(folder) }
    }

    /// `input` as it may be shown: with `***` at `spans`.
    pub fn masked(input: &Value, spans: &[SecretSpan]) -> Value {
        let mut masked = input.clone();
        for span in backwards(spans) {
            let Some(text) = text_at(&mut masked, &span.pointer) else { continue };
            if let (Some(before), Some(after)) = (text.get(..span.start), text.get(span.end..)) {
                *text = [before, HIDDEN, after].concat().into();
            }
        }
        masked
    }

    /// Puts secrets into `input` at `spans`.
    ///
    /// # Errors
    /// [`SecretError`] when one is missing or a place is not there; `input` must not be sent then.
    pub fn fill(&self, input: &mut Value, spans: &[SecretSpan]) -> Result<Filled, SecretError> {
        let mut filled = Filled::default();
        for span in backwards(spans) {
            if !filled.0.contains_key(&span.name) {
                filled.0.insert(span.name.clone(), self.read(&span.name)?);
            }
            let Some(content) = filled.0.get(&span.name) else { return Err(SecretError::Unknown(span.name.clone())) };
            let missing = || SecretError::Place { name: span.name.clone(), pointer: span.pointer.clone() };
            let text = text_at(input, &span.pointer).ok_or_else(missing)?;
            let (before, after) = (text.get(..span.start), text.get(span.end..));
            let (Some(before), Some(after)) = (before, after.filter(|_| span.start <= span.end)) else { return Err(missing()) };
            *text = [before, content.expose(), after].concat().into();
        }
        Ok(filled)
    }

    fn read(&self, name: &str) -> Result<Secret<String>, SecretError> {
        let unknown = || SecretError::Unknown(name.to_owned());
        let folder = self.folder.as_ref().filter(|_| is_secret_name(name)).ok_or_else(unknown)?;
        let bytes = Secret::new(std::fs::read(folder.join(name)).map_err(|_| unknown())?);
        let text = std::str::from_utf8(bytes.expose()).map(|text| text.trim_end_matches(['\r', '\n'])).unwrap_or_default();
        if text.is_empty() || text.len() > SECRET_BYTES_MAX {
            return Err(SecretError::Unusable(name.to_owned()));
        }
        Ok(Secret::new(text.to_owned()))
    }
}

/// From the end of each text, so that earlier places stay where they are.
fn backwards(spans: &[SecretSpan]) -> Vec<&SecretSpan> {
    let mut spans: Vec<&SecretSpan> = spans.iter().collect();
    spans.sort_by(|a, b| (&a.pointer, b.start).cmp(&(&b.pointer, a.start)));
    spans
}

/// The text at a JSON pointer, ready to be changed.
fn text_at<'v>(value: &'v mut Value, pointer: &str) -> Option<&'v mut Arc<str>> {
    match lookup_mut(value, pointer)? {
        Value::Str(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Filled {
    /// Another content that must not come back: a token, or a credential in another form. A short one is left: it would be found in
    /// texts that have nothing to do with it.
    pub(crate) fn also(&mut self, content: &str) {
        if content.len() >= CONTENT_BYTES_MIN {
            let name = format!("\u{0}{}", self.0.len());
            self.0.insert(name, Secret::new(content.to_owned()));
        }
    }

    /// `outcome` without the contents: a target may say back what it was told.
    pub fn hidden(&self, outcome: Attempted) -> Attempted {
        if self.0.is_empty() {
            return outcome;
        }
        let problem = |problem: Problem| Problem {
            title: self.without(&problem.title),
            detail: self.without(&problem.detail),
            extra: self.value(&problem.extra),
            ..problem
        };
        match outcome {
            Attempted::Done { value, reference, usage, dropped_bytes } => Attempted::Done {
                value: self.value(&value),
                reference: reference.map(|reference| self.without(&reference).into()),
                usage,
                dropped_bytes,
            },
            Attempted::Failed { problem: failed, retry, retry_after_ms } => {
                Attempted::Failed { problem: problem(failed), retry, retry_after_ms }
            }
            Attempted::Unknown { problem: unknown } => Attempted::Unknown { problem: problem(unknown) },
            Attempted::Unreadable { problem: said, reference } => {
                Attempted::Unreadable { problem: problem(said), reference: reference.map(|reference| self.without(&reference).into()) }
            }
            Attempted::Absent => Attempted::Absent,
        }
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::Str(text) => Value::from(self.without(text)),
            Value::Array(items) => Value::array(items.iter().map(|item| self.value(item))),
            Value::Object(map) => Value::object(map.iter().map(|(key, member)| (self.without(key), self.value(member)))),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => value.clone(),
        }
    }

    fn without(&self, text: &str) -> String {
        self.0.values().fold(text.to_owned(), |text, secret| text.replace(secret.expose(), HIDDEN))
    }
}
