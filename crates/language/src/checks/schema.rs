//! What a contract says of a value's fields, as far as it is plain: `properties`, `items`, `enum`, references inside the schema.
//!
//! What must stay true: whatever else a schema says widens the answer; a closed object is one that allows no additional properties.

use std::sync::Arc;

use provost_model::Value;

use super::known::{Known, Makes};

/// Deepest nesting of schemas that is followed.
const DEPTH_MAX: usize = 10;
/// Words that may give a value more fields than `properties` lists, or that would have to be judged.
const WIDENS: [&str; 10] = [
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "not",
    "patternProperties",
    "dependentSchemas",
    "unevaluatedProperties",
    "$dynamicRef",
    "propertyNames",
];

/// What `schema` says of a value that obeys it.
pub(super) fn known(makes: &Makes, schema: &Value) -> Arc<Known> {
    Reading { makes, root: schema }.known(schema, 0)
}

struct Reading<'s> {
    makes: &'s Makes,
    root: &'s Value,
}

impl Reading<'_> {
    fn known(&self, schema: &Value, depth: usize) -> Arc<Known> {
        if depth > DEPTH_MAX || schema.as_object().is_none() {
            return self.makes.anything();
        }
        if let Some(reference) = schema.member("$ref") {
            let target = reference.as_str().and_then(|text| text.strip_prefix('#')).and_then(|pointer| inside(self.root, pointer));
            return target.map_or_else(|| self.makes.anything(), |target| self.known(target, depth + 1));
        }
        if WIDENS.iter().any(|word| schema.member(word).is_some()) {
            return self.makes.anything();
        }
        if let Some(values) = schema.member("enum").and_then(Value::as_array) {
            let values = values.iter().map(|value| self.makes.value(value));
            return values.fold(self.makes.flat(), |joined, value| self.makes.join(&joined, &value));
        }
        let kinds = kinds(schema);
        if kinds.is_empty() {
            return self.makes.anything();
        }
        kinds.iter().fold(self.makes.flat(), |joined, kind| {
            let one = match *kind {
                "object" => self.object(schema, depth),
                "array" => self.array(schema, depth),
                _ => self.makes.flat(),
            };
            self.makes.join(&joined, &one)
        })
    }

    fn object(&self, schema: &Value, depth: usize) -> Arc<Known> {
        let properties = schema.member("properties").and_then(Value::as_object);
        let fields = properties.into_iter().flat_map(|map| map.iter()).map(|(key, member)| (key.clone(), self.known(member, depth + 1)));
        let closed = schema.member("additionalProperties").and_then(Value::as_bool) == Some(false);
        self.makes.object(fields.collect(), !closed)
    }

    fn array(&self, schema: &Value, depth: usize) -> Arc<Known> {
        let plain = schema.member("prefixItems").is_none();
        let item = schema.member("items").filter(|_| plain).map_or_else(|| self.makes.anything(), |items| self.known(items, depth + 1));
        self.makes.items(item, schema.member("maxItems").is_some())
    }
}

fn kinds(schema: &Value) -> Vec<&str> {
    match schema.member("type") {
        Some(Value::Str(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => Vec::new(),
    }
}

/// The schema at a JSON pointer into `root`.
fn inside<'v>(root: &'v Value, pointer: &str) -> Option<&'v Value> {
    let steps = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
    steps.into_iter().try_fold(root, |at, step| at.member(&step))
}
