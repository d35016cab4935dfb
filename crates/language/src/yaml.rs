//! YAML 1.2 with positions: a tree whose every key and value knows its line and column.
//!
//! What must stay true: scalars follow the core schema of YAML 1.2 (so `on`, `yes` and `no` are text), numbers are exact or refused,
//! keys are unique, and no input makes the tree larger than [`NODES_MAX`] or deeper than [`DEPTH_MAX`]. Tags (but `!!str`), merge
//! keys and several documents in one file are not read.

mod load;
mod scalar;

use std::sync::Arc;

use provost_model::Value;

use crate::finding::Place;

pub(crate) use load::{load, shown};

use crate::finding::{Finding, Log};

/// Reads plain YAML 1.2 (and so JSON) within the limits of a source: nothing in it is evaluated.
///
/// # Errors
/// What is wrong with the text.
pub fn read_value(text: &str) -> Result<Value, Vec<Finding>> {
    let log = Log::new("");
    let node = load(text.as_bytes(), 1, &log);
    node.map(|node| node.to_value()).ok_or_else(|| log.into_findings())
}

/// Deepest nesting of lists and mappings.
pub(crate) const DEPTH_MAX: usize = 64;
/// Most values in one file, aliases expanded.
pub(crate) const NODES_MAX: usize = 200_000;

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Place,
    /// How many characters after `at` the text of a scalar begins; `None` where it cannot be told (block scalars).
    pub(crate) inset: Option<u32>,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    pub(crate) at: Place,
    pub(crate) value: Node,
}

impl Node {
    /// The plain value without places.
    pub(crate) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => Value::array(items.iter().map(Node::to_value)),
            Kind::Map(entries) => Value::object(entries.iter().map(|entry| (entry.key.clone(), entry.value.to_value()))),
        }
    }

    /// The text of a text scalar.
    pub(crate) fn as_text(&self) -> Option<&Arc<str>> {
        if let Kind::Scalar(Value::Str(text)) = &self.kind { Some(text) } else { None }
    }

    /// The entries of a mapping.
    pub(crate) fn as_map(&self) -> Option<&[Entry]> {
        if let Kind::Map(entries) = &self.kind { Some(entries) } else { None }
    }

    /// The items of a list.
    pub(crate) fn as_list(&self) -> Option<&[Node]> {
        if let Kind::List(items) = &self.kind { Some(items) } else { None }
    }

    /// The value of `key` in a mapping.
    pub(crate) fn member(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|entry| &*entry.key == key).map(|entry| &entry.value)
    }

    /// Where the member at a JSON pointer is written, as far as it goes.
    pub(crate) fn place(&self, pointer: &str) -> Place {
        let mut found = self;
        for token in pointer.split('/').skip(1) {
            let key = token.replace("~1", "/").replace("~0", "~");
            let Some(inner) = found.member(&key).or_else(|| found.as_list()?.get(key.parse::<usize>().ok()?)) else { break };
            found = inner;
        }
        found.at
    }

    /// What authors call this kind of value.
    pub(crate) fn what(&self) -> &'static str {
        match &self.kind {
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
            Kind::Scalar(Value::Null) => "nothing",
            Kind::Scalar(Value::Bool(_)) => "true or false",
            Kind::Scalar(Value::Int(_) | Value::Float(_)) => "a number",
            Kind::Scalar(Value::Str(_) | Value::Array(_) | Value::Object(_)) => "text",
        }
    }
}
