//! The schemas of an OpenAPI document as contracts: JSON Schema 2020-12 that says of a value what the document says of it.
//!
//! What must stay true: nothing is refused that the document allows. A parameter of path, query, header or form is text on its way, so
//! the text that says a number or a truth counts as one; what only an answer holds (`readOnly`) is not asked for. What cannot be said
//! in 2020-12 is left out. What is absent: formats, `style`, `encoding`, `discriminator`.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::Value;
use provost_model::value::lookup;

/// Words whose value says the same in every version.
const PLAIN: [&str; 20] = [
    "type",
    "enum",
    "const",
    "multipleOf",
    "maximum",
    "minimum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "required",
    "dependentRequired",
    "maxContains",
    "minContains",
];
/// Words that hold one schema.
const ONE: [&str; 11] = [
    "items",
    "additionalProperties",
    "not",
    "contains",
    "propertyNames",
    "if",
    "then",
    "else",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contentSchema",
];
/// Words that hold a list of schemas.
const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Words that hold schemas by name.
const NAMED: [&str; 3] = ["properties", "patternProperties", "dependentSchemas"];
/// Words that make a schema more than what one `type` says of it.
const JOINS: [&str; 6] = ["$ref", "allOf", "anyOf", "oneOf", "not", "if"];
const INTEGER: &str = "^[-+]?[0-9]+$";
const NUMBER: &str = "^[-+]?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?$";
/// Deepest nesting that is read; deeper down anything goes.
const DEPTH_MAX: usize = 32;
/// Most schemas that one is made of.
const SCHEMAS_MAX: usize = 10_000;

/// Reads schemas of one document.
pub(super) struct Shapes<'d> {
    document: &'d Value,
    /// Before OpenAPI 3.1: no JSON Schema of its own right.
    old: bool,
    /// What was referred to: its name and schema, by pointer.
    definitions: BTreeMap<&'d str, (Arc<str>, Value)>,
    left: usize,
}

impl<'d> Shapes<'d> {
    pub(super) fn new(document: &'d Value, old: bool) -> Self {
        Self { document, old, definitions: BTreeMap::new(), left: SCHEMAS_MAX }
    }

    /// The contract of a value that is sent as it is.
    pub(super) fn whole(mut self, raw: &'d Value) -> Value {
        let schema = self.schema(raw, 0);
        self.complete(schema)
    }

    /// The contract of a value that is text on its way; nothing may be given where it need not be there.
    pub(super) fn text(mut self, raw: &'d Value, required: bool) -> Value {
        let schema = self.schema(raw, 0);
        let schema = self.as_text(&schema);
        self.complete(if required { schema } else { or_null(schema) })
    }

    /// The contract of a form: each of its members is text on its way.
    pub(super) fn form(mut self, raw: &'d Value) -> Value {
        let schema = self.schema(raw, 0);
        let plain = self.resolved(&schema).clone();
        let Some(properties) = plain.member("properties").and_then(Value::as_object) else { return self.complete(schema) };
        let members: Vec<_> = properties.iter().map(|(name, member)| (name.clone(), or_null(self.as_text(member)))).collect();
        let schema = with(&plain, "properties", Value::object(members));
        self.complete(schema)
    }

    /// With all that it refers to.
    fn complete(self, schema: Value) -> Value {
        if self.definitions.is_empty() {
            return schema;
        }
        let definitions = Value::object(self.definitions.into_values());
        with(&schema, "$defs", definitions)
    }

    fn schema(&mut self, raw: &'d Value, depth: usize) -> Value {
        let Some(map) = raw.as_object() else { return anything(raw) };
        self.left = self.left.saturating_sub(1);
        if depth > DEPTH_MAX || self.left == 0 || raw.member("$id").is_some() || raw.member("$dynamicRef").is_some() {
            return Value::Bool(true);
        }
        let mut members: Vec<(Arc<str>, Value)> = Vec::new();
        if let Some(target) = raw.member("$ref") {
            let Some(reference) = target.as_str().and_then(|target| self.reference(target, depth)) else { return Value::Bool(true) };
            if self.old {
                return reference;
            }
            members.extend(reference.member("$ref").map(|name| ("$ref".into(), name.clone())));
        }
        for (key, member) in map.iter() {
            let word = &**key;
            let read = if PLAIN.contains(&word) {
                member.clone()
            } else if ONE.contains(&word) {
                self.schema(member, depth + 1)
            } else if LISTS.contains(&word) {
                Value::array(member.as_array().unwrap_or_default().iter().map(|one| self.schema(one, depth + 1)))
            } else if NAMED.contains(&word) {
                let named = member.as_object().into_iter().flat_map(|named| named.iter());
                Value::object(named.map(|(name, one)| (name.clone(), self.schema(one, depth + 1))))
            } else {
                continue;
            };
            members.push((key.clone(), read));
        }
        self.translated(raw, members)
    }

    /// What versions before 3.1 say in their own way, and what only an answer holds.
    fn translated(&self, raw: &Value, mut members: Vec<(Arc<str>, Value)>) -> Value {
        if raw.member("type").and_then(Value::as_str) == Some("file") {
            return Value::Bool(true);
        }
        for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
            let Some(Value::Bool(exclusive)) = raw.member(flag) else { continue };
            members.retain(|(key, _)| **key != *flag);
            if *exclusive {
                members.iter_mut().filter(|(key, _)| **key == *bound).for_each(|(key, _)| *key = flag.into());
            }
        }
        let properties = raw.member("properties");
        for (_, required) in members.iter_mut().filter(|(key, _)| &**key == "required") {
            let sent = |name: &&Value| {
                let property = properties.and_then(|properties| properties.member(name.as_str()?));
                property.is_none_or(|property| property.member("readOnly") != Some(&Value::Bool(true)))
            };
            // In Swagger 2.0 it may also say of a parameter that it must be there.
            let names = required.as_array().unwrap_or_default();
            *required = Value::array(names.iter().filter(sent).cloned());
        }
        let schema = Value::object(members);
        let nullable = ["nullable", "x-nullable"].iter().any(|word| raw.member(word) == Some(&Value::Bool(true)));
        if self.old && nullable { or_null(schema) } else { schema }
    }

    /// A reference to what stands elsewhere in the document.
    fn reference(&mut self, target: &'d str, depth: usize) -> Option<Value> {
        let pointer = target.strip_prefix('#')?;
        let found = lookup(self.document, pointer)?;
        if !self.definitions.contains_key(pointer) {
            let name: Arc<str> = format!("s{}", self.definitions.len()).into();
            self.definitions.insert(pointer, (name, Value::Bool(true)));
            let read = self.schema(found, depth + 1);
            self.definitions.entry(pointer).and_modify(|(_, schema)| *schema = read);
        }
        let (name, _) = self.definitions.get(pointer)?;
        Some(Value::object([(Arc::from("$ref"), Value::from(format!("#/$defs/{name}")))]))
    }

    fn resolved<'v>(&'v self, schema: &'v Value) -> &'v Value {
        let target = schema.member("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix("#/$defs/"));
        let found = target.and_then(|target| self.definitions.values().find(|(name, _)| **name == *target));
        found.map_or(schema, |(_, schema)| schema)
    }

    /// What `schema` says of a value, said of the text that it is sent as too.
    fn as_text(&self, schema: &Value) -> Value {
        let plain = self.resolved(schema);
        if JOINS.iter().any(|word| plain.member(word).is_some()) {
            return schema.clone();
        }
        let listed = plain.member("enum").and_then(Value::as_array);
        let kind = plain.member("type").and_then(|kind| match kind.as_array() {
            Some([kind, other]) if other.as_str() == Some("null") => kind.as_str(),
            Some(_) | None => kind.as_str(),
        });
        match (kind, listed) {
            (Some("boolean"), None) => {
                let both = [Value::Bool(true), Value::Bool(false), Value::from("true"), Value::from("false")];
                Value::object([(Arc::from("enum"), Value::array(both))])
            }
            (Some("boolean" | "integer" | "number"), Some(listed)) => {
                let texts = listed.iter().map(|one| Value::from(one.to_string()));
                let all: Vec<Value> = listed.iter().cloned().chain(texts).collect();
                without(&with(plain, "enum", Value::array(all)), "type")
            }
            (Some(kind @ ("integer" | "number")), None) => {
                let pattern = if kind == "integer" { INTEGER } else { NUMBER };
                with(&with(plain, "type", texts([kind, "string"])), "pattern", Value::from(pattern))
            }
            (Some("string"), None) if plain.member("const").is_none() => with(plain, "type", texts(["string", "number", "boolean"])),
            (Some("array"), _) => {
                let item = self.as_text(plain.member("items").unwrap_or(&Value::Bool(true)));
                let list = with(plain, "items", item.clone());
                Value::object([(Arc::from("anyOf"), Value::array([list, item]))])
            }
            (_, _) => schema.clone(),
        }
    }
}

/// A schema that is `true` or `false`; anything else allows anything.
fn anything(raw: &Value) -> Value {
    if raw == &Value::Bool(false) { Value::Bool(false) } else { Value::Bool(true) }
}

fn texts<const N: usize>(words: [&str; N]) -> Value {
    Value::array(words.map(Value::from))
}

fn with(schema: &Value, key: &str, value: Value) -> Value {
    let others = schema.as_object().into_iter().flat_map(|map| map.iter()).filter(|(known, _)| &***known != key);
    let others = others.map(|(known, member)| (known.clone(), member.clone()));
    let all: Vec<(Arc<str>, Value)> = others.chain([(Arc::from(key), value)]).collect();
    Value::object(all)
}

fn without(schema: &Value, key: &str) -> Value {
    let others = schema.as_object().into_iter().flat_map(|map| map.iter()).filter(|(known, _)| &***known != key);
    let all: Vec<(Arc<str>, Value)> = others.map(|(known, member)| (known.clone(), member.clone())).collect();
    Value::object(all)
}

/// The schema, or null.
fn or_null(schema: Value) -> Value {
    let joins = JOINS.iter().any(|word| schema.member(word).is_some()) || schema.member("const").is_some();
    if schema.as_object().is_none() {
        return schema;
    }
    if joins {
        let null = Value::object([(Arc::from("type"), Value::from("null"))]);
        return Value::object([(Arc::from("anyOf"), Value::array([schema, null]))]);
    }
    let listed = schema.member("enum").and_then(Value::as_array).map(|listed| {
        let all: Vec<Value> = listed.iter().cloned().chain([Value::Null]).collect();
        Value::array(all)
    });
    let schema = listed.map_or(schema.clone(), |listed| with(&schema, "enum", listed));
    let kinds = match schema.member("type") {
        Some(Value::Str(kind)) => vec![Value::Str(kind.clone())],
        Some(Value::Array(kinds)) => kinds.to_vec(),
        Some(_) | None => return schema,
    };
    let null = Value::from("null");
    if kinds.contains(&null) {
        return schema;
    }
    let kinds: Vec<Value> = kinds.into_iter().chain([null]).collect();
    with(&schema, "type", Value::array(kinds))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::Contract;

    fn value(json: &str) -> Value {
        provost_model::value::parse(json.as_bytes()).unwrap()
    }

    #[track_caller]
    fn check(schema: &Value, allowed: &[&str], refused: &[&str]) {
        let contract = Contract::compile(schema).unwrap();
        for json in allowed {
            assert!(contract.allows(&value(json)), "{json} under {schema}");
        }
        for json in refused {
            assert!(!contract.allows(&value(json)), "{json} under {schema}");
        }
    }

    #[test]
    fn what_is_text_on_its_way_may_be_text() {
        let nothing = Value::Null;
        for (schema, allowed, refused) in [
            (r#"{"type":"boolean"}"#, &["true", "\"false\"", "null"][..], &["\"banana\"", "1", "[true]"][..]),
            (r#"{"type":"integer","minimum":1}"#, &["1", "\"2\"", "null"], &["0", "\"x\"", "1.5", "true"]),
            (r#"{"type":"number"}"#, &["1.5", "\"1.5\"", "\"1e3\""], &["\"1,5\"", "{}"]),
            (r#"{"type":"integer","enum":[1,2]}"#, &["1", "\"2\"", "null"], &["3", "\"3\""]),
            (r#"{"type":"string","maxLength":2}"#, &["\"ab\"", "7", "true", "null"], &["\"abc\"", "[]"]),
            (r#"{"type":"string","enum":["sold"]}"#, &["\"sold\"", "null"], &["\"slod\""]),
            (r#"{"type":"array","items":{"type":"string","enum":["sold"]}}"#, &["[\"sold\"]", "\"sold\"", "null"], &["[\"x\"]", "\"x\""]),
            (r#"{"allOf":[{"type":"integer"}]}"#, &["1", "null"], &["\"x\""]),
            ("{}", &["1", "\"x\"", "null"], &[]),
        ] {
            check(&Shapes::new(&nothing, true).text(&value(schema), false), allowed, refused);
        }
        check(&Shapes::new(&nothing, true).text(&value(r#"{"type":"integer"}"#), true), &["1"], &["null"]);
    }

    #[test]
    fn older_words_mean_what_they_meant() {
        let document = value(
            r##"{"components":{"schemas":{
                "pet":{"type":"object","required":["id","name"],"additionalProperties":false,"example":{"id":1},"discriminator":{"propertyName":"x"},
                       "properties":{"id":{"type":"integer","readOnly":true},"name":{"type":"string","nullable":true},
                                     "age":{"type":"number","minimum":0,"exclusiveMinimum":true},"child":{"$ref":"#/components/schemas/pet"}}}}}}"##,
        );
        let raw = value(r##"{"$ref":"#/components/schemas/pet"}"##);
        let schema = Shapes::new(&document, true).whole(&raw);
        let allowed = [r#"{"name":"Rex"}"#, r#"{"name":null,"age":1}"#, r#"{"name":"a","child":{"name":"b"}}"#];
        check(
            &schema,
            &allowed,
            &[r#"{}"#, r#"{"name":1}"#, r#"{"name":"a","age":0}"#, r#"{"name":"a","child":{}}"#, r#"{"name":"a","x":1}"#],
        );
        let form = Shapes::new(&document, true).form(&raw);
        check(&form, &[r#"{"name":"Rex","age":"1.5"}"#, r#"{"name":7}"#], &[r#"{"name":"Rex","age":"old"}"#]);
    }
}
