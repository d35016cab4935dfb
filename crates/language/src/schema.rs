//! JSON Schemas (2020-12) of the files of a bundle, for editors that complete and check while somebody types.
//!
//! What must stay true: the keys of every object here are the keys that the reader of that file knows, which a test holds against the
//! findings the reader makes; whatever a schema refuses, the reader refuses too. What is absent: everything that needs more than one file
//! or an expression to be judged; `provost check` has that.

mod parts;
#[cfg(test)]
mod tests;
mod workflow;

use serde_json::{Map, Value as Json, json};

/// A kind of file with a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaKind {
    /// `workflows/*.yaml`.
    Workflow,
    /// The front matter of `agents/*.md`.
    Agent,
    /// `rules/*.yaml`.
    Rules,
    /// `actions/*.yaml`.
    Action,
    /// `sources/*.yaml`.
    Source,
    /// `features/*.yaml`.
    Feature,
    /// `contracts/*`: any schema, and what `x-provost` may say.
    Contract,
    /// `bindings/*.yaml`.
    Bindings,
    /// `tests/*.yaml`.
    Test,
    /// `provost.lock`.
    Lock,
}

impl SchemaKind {
    /// Every kind, in order.
    pub const ALL: [Self; 10] = [
        Self::Workflow,
        Self::Agent,
        Self::Rules,
        Self::Action,
        Self::Source,
        Self::Feature,
        Self::Contract,
        Self::Bindings,
        Self::Test,
        Self::Lock,
    ];

    /// The word that names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Agent => "agent",
            Self::Rules => "rules",
            Self::Action => "action",
            Self::Source => "source",
            Self::Feature => "feature",
            Self::Contract => "contract",
            Self::Bindings => "bindings",
            Self::Test => "test",
            Self::Lock => "lock",
        }
    }
}

/// The schema of a kind as pretty JSON, the same bytes every time.
pub fn text(kind: SchemaKind) -> String {
    let mut schema = match kind {
        SchemaKind::Workflow => workflow::document(),
        SchemaKind::Agent => parts::agent(),
        SchemaKind::Rules => parts::rules(),
        SchemaKind::Action => parts::action(),
        SchemaKind::Source => parts::source(),
        SchemaKind::Feature => parts::feature(),
        SchemaKind::Contract => parts::contract(),
        SchemaKind::Bindings => parts::bindings(),
        SchemaKind::Test => parts::test(),
        SchemaKind::Lock => parts::lock(),
    };
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".to_owned(), json!(format!("Provost: {}", kind.word())));
    }
    serde_json::to_string_pretty(&sorted(schema)).unwrap_or_default() + "\n"
}

/// Members in order of their names, whatever the map of the JSON library keeps.
fn sorted(schema: Json) -> Json {
    match schema {
        Json::Object(members) => {
            let members: std::collections::BTreeMap<String, Json> = members.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Json::Object(members.into_iter().collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// A mapping of these members and no others.
fn object(required: &[&str], members: &[(&str, Json)]) -> Json {
    let properties: Map<String, Json> = members.iter().map(|(key, schema)| ((*key).to_owned(), schema.clone())).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if let Some(schema) = schema.as_object_mut()
        && !required.is_empty()
    {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

fn words(words: &[&str]) -> Json {
    json!({ "enum": words })
}

fn string() -> Json {
    json!({ "type": "string" })
}

fn flag() -> Json {
    json!({ "type": "boolean" })
}

fn whole(from: i64, to: Option<i64>) -> Json {
    to.map_or_else(|| json!({ "type": "integer", "minimum": from }), |to| json!({ "type": "integer", "minimum": from, "maximum": to }))
}

fn list(items: Json) -> Json {
    json!({ "type": "array", "items": items })
}

fn map(values: Json) -> Json {
    json!({ "type": "object", "additionalProperties": values })
}

fn any() -> Json {
    json!(true)
}

fn says(mut schema: Json, text: &str) -> Json {
    if let Some(members) = schema.as_object_mut() {
        members.insert("description".to_owned(), json!(text));
    }
    schema
}

/// A duration: units, or ISO 8601 (or an expression, where one may stand).
fn duration() -> Json {
    let units: Vec<(&str, Json)> = ["days", "hours", "minutes", "seconds", "milliseconds"].map(|unit| (unit, whole(0, None))).to_vec();
    let mut inline = object(&[], &units);
    if let Some(members) = inline.as_object_mut() {
        members.insert("minProperties".to_owned(), json!(1));
    }
    json!({ "anyOf": [inline, string()] })
}

/// A duration in milliseconds, or as an object.
fn millis(from: i64) -> Json {
    json!({ "anyOf": [whole(from, None), duration()] })
}

/// A retry policy.
fn retry(conditions: bool) -> Json {
    let attempt = object(&[], &[("count", whole(0, Some(1000))), ("duration", duration())]);
    let settings = json!({ "type": "object", "maxProperties": 0 });
    let backoff = object(&[], &[("constant", settings.clone()), ("linear", settings.clone()), ("exponential", settings)]);
    let mut members = vec![
        ("delay", duration()),
        ("backoff", backoff),
        ("limit", object(&[], &[("attempt", attempt), ("duration", duration())])),
        ("jitter", object(&["from", "to"], &[("from", duration()), ("to", duration())])),
    ];
    if conditions {
        members.extend([("when", string()), ("exceptWhen", string())]);
    }
    object(&[], &members)
}

/// A review, with more members where it is a task.
fn review(more: &[(&str, Json)]) -> Json {
    let mut members = vec![
        ("queue", says(string(), "Who is asked.")),
        ("title", says(string(), "The question.")),
        ("options", says(json!({ "type": "array", "items": string(), "minItems": 2 }), "The first approves, the second rejects.")),
        ("fourEyes", says(flag(), "Whether somebody else must answer than who caused it.")),
        ("form", schema_or_contract()),
        ("expiresMs", whole(0, None)),
    ];
    members.extend(more.iter().cloned());
    object(&["queue"], &members)
}

/// A JSON Schema in place, or the name of a contract.
fn schema_or_contract() -> Json {
    json!({ "type": ["object", "boolean", "string"], "description": "A JSON Schema, or the name of a contract." })
}
