//! `call: retrieve` and `call: feature`: what they name, resolved and compiled, and what an answer must be.
//!
//! What must stay true: an answer is checked by the same rule wherever it comes from: an author's examples or a worker.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::catalogue::Example;
use super::{RetrySpec, SchemaIx, Template};
use crate::digest::Digest;
use crate::value::Value;

/// Most passages one call asks for.
pub const TOP_K_MAX: i64 = 100;
/// Passages asked for where nothing is written.
pub const TOP_K: i64 = 5;
/// Most features one call names.
pub const FEATURES_MAX: usize = 64;

/// Something that is read, of a file of its own, and what serves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Served {
    /// Its name.
    pub name: Arc<str>,
    /// Its version (SemVer 2.0).
    pub version: Arc<str>,
    /// Digest of its file.
    pub digest: Digest,
    /// The worker queue that serves it; `builtin` is the binary itself, which plays what is scripted in its file.
    pub queue: Arc<str>,
    /// How long a read may take with all its attempts, in milliseconds.
    pub timeout_ms: i64,
    /// How it is tried again.
    pub retry: RetrySpec,
}

/// A source of passages: one YAML file, compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceSpec {
    /// What serves it.
    #[serde(flatten)]
    pub served: Served,
    /// The scripted stand-in: the answer of the first that applies to the query.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
}

/// `call: retrieve`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetrieveTask {
    /// `name@major` of the source.
    pub source: Arc<str>,
    /// What is looked for.
    pub query: Template,
    /// How many passages are asked for.
    pub top_k: i64,
}

/// A feature: one YAML file, compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeatureSpec {
    /// What serves it.
    #[serde(flatten)]
    pub served: Served,
    /// Contract of its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<SchemaIx>,
    /// The scripted stand-in: the values of each entity, earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(Arc<str>, Vec<FeatureValue>)>,
}

/// A value of a feature, and since when it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeatureValue {
    /// Since when, in microseconds UTC.
    pub from_us: i64,
    /// The value.
    pub value: Value,
}

impl FeatureSpec {
    /// The scripted value of `entity` at `as_of_us`.
    pub fn at(&self, entity: &str, as_of_us: i64) -> Option<&Value> {
        let (_, values) = self.values.iter().find(|(known, _)| **known == *entity)?;
        values.iter().rfind(|value| value.from_us <= as_of_us).map(|value| &value.value)
    }
}

/// `call: feature`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeatureTask {
    /// `name@major` of each feature; at least one.
    pub names: Vec<Arc<str>>,
    /// Whose.
    pub entity: Template,
    /// At which point in time; none: when the task began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Template>,
}

/// What is wrong with a passage: `{ source, text }`, and perhaps `id`, `score` and `labels`.
///
/// # Errors
/// What is wrong, in words.
pub fn check_passage(passage: &Value) -> Result<(), String> {
    const KNOWN: [&str; 5] = ["id", "labels", "score", "source", "text"];
    let map = passage.as_object().ok_or("a passage is an object of `source` and `text`")?;
    if let Some((key, _)) = map.iter().find(|(key, _)| !KNOWN.contains(&&***key)) {
        return Err(format!("`{key}` is not known in a passage; it has `source`, `text`, `id`, `score` and `labels`"));
    }
    let text = |key: &str| passage.member(key).and_then(Value::as_str);
    if text("source").is_none_or(str::is_empty) {
        return Err("a passage needs `source`: where it comes from, as text".to_owned());
    }
    if text("text").is_none() {
        return Err("a passage needs `text`".to_owned());
    }
    if passage.member("id").is_some_and(|id| id.as_str().is_none()) {
        return Err("`id` of a passage must be text".to_owned());
    }
    if passage.member("score").is_some_and(|score| !matches!(score, Value::Int(_) | Value::Float(_))) {
        return Err("`score` of a passage must be a number".to_owned());
    }
    let worded = |labels: &Value| labels.as_array().is_some_and(|labels| labels.iter().all(|label| label.as_str().is_some()));
    if passage.member("labels").is_some_and(|labels| !worded(labels)) {
        return Err("`labels` of a passage must be a list of texts".to_owned());
    }
    Ok(())
}
