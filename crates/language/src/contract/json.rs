//! Our values as the validator sees them: borrowed, never converted, except where it quotes one in a message.
//!
//! What must stay true: every look at a value takes a step of those that [`counted`] gives, so that a check ends by a count, whatever the
//! schema says; outside of it looks are free.

use std::borrow::Cow;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use provost_model::Value;
use provost_model::value::Map;

thread_local! {
    static STEPS_LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

/// All steps are taken.
struct Spent;

/// Takes a step. The validator sees no unwinding, so it cannot go on.
fn step() {
    let left = STEPS_LEFT.get();
    if left == 0 {
        resume_unwind(Box::new(Spent));
    }
    STEPS_LEFT.set(left - 1);
}

/// What `work` gives within `steps_max` looks at values; `None` where they do not suffice.
pub(super) fn counted<T>(steps_max: u64, work: impl FnOnce() -> T) -> Option<T> {
    let before = STEPS_LEFT.replace(steps_max);
    let worked = catch_unwind(AssertUnwindSafe(work));
    STEPS_LEFT.set(before);
    match worked {
        Ok(given) => Some(given),
        Err(why) if why.is::<Spent>() => None,
        Err(why) => resume_unwind(why),
    }
}

/// The representation.
pub(super) struct OurValue;

/// One value.
#[derive(Clone, Copy)]
pub(super) struct Whole<'a>(pub(super) &'a Value);

/// A number, read without loss.
#[derive(Clone, Copy)]
pub(super) enum Num {
    Int(i64),
    Float(f64),
}

/// The members of an object.
pub(super) struct Members<'a>(&'a Map);

/// The items of a list.
pub(super) struct Items<'a>(&'a [Value]);

impl Json for OurValue {
    type Node<'a> = Whole<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = Value;

    const KEYS_PER_LOOKUP: usize = 2;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>(buffer: &mut Value, string: &str, f: impl FnOnce(Whole<'_>) -> T) -> T {
        *buffer = Value::str(string);
        f(Whole(buffer))
    }
}

impl<'a> Node<'a, OurValue> for Whole<'a> {
    type Object = Members<'a>;
    type Array = Items<'a>;
    type Number = Num;

    fn as_object(&self) -> Option<Members<'a>> {
        step();
        self.0.as_object().map(Members)
    }

    fn as_array(&self) -> Option<Items<'a>> {
        step();
        self.0.as_array().map(Items)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        step();
        self.0.as_str().map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<Num> {
        step();
        match self.0 {
            Value::Int(number) => Some(Num::Int(*number)),
            Value::Float(number) => Some(Num::Float(number.value())),
            Value::Null | Value::Bool(_) | Value::Str(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        step();
        self.0.as_bool()
    }

    fn is_null(&self) -> bool {
        step();
        self.0.is_null()
    }

    fn json_type(&self) -> JsonType {
        step();
        match self.0 {
            Value::Null => JsonType::Null,
            Value::Bool(_) => JsonType::Boolean,
            Value::Int(_) | Value::Float(_) => JsonType::Number,
            Value::Str(_) => JsonType::String,
            Value::Array(_) => JsonType::Array,
            Value::Object(_) => JsonType::Object,
        }
    }

    fn to_value(&self) -> Cow<'a, serde_json::Value> {
        Cow::Owned(to_json(self.0))
    }

    fn identity(&self) -> Option<NodeIdentity> {
        step();
        // A shared subtree answers for both places: it is one value, and no value contains itself.
        Some(NodeIdentity::new(std::ptr::from_ref(self.0).addr()))
    }
}

impl JsonNumber for Num {
    fn as_u64(&self) -> Option<u64> {
        self.as_i64().and_then(|number| u64::try_from(number).ok())
    }

    fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Float(_) => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
        }
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_number().to_string())
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        let number = match self {
            Self::Int(number) => serde_json::Number::from(*number),
            // A float in normal form is finite.
            Self::Float(number) => serde_json::Number::from_f64(*number).unwrap_or_else(|| serde_json::Number::from(0)),
        };
        Cow::Owned(number)
    }

    fn is_integer(&self) -> bool {
        match self {
            Self::Int(_) => true,
            Self::Float(number) => number.fract() == 0.0,
        }
    }
}

/// Iterates the members of an object.
pub(super) struct MembersIter<'a>(Box<dyn Iterator<Item = (&'a Arc<str>, &'a Value)> + 'a>);

impl<'a> Iterator for MembersIter<'a> {
    type Item = (&'a str, Whole<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        step();
        self.0.next().map(|(key, value)| (&**key, Whole(value)))
    }
}

impl<'a> Object<'a, OurValue> for Members<'a> {
    type Node = Whole<'a>;
    type MemberName = &'a str;
    type MembersIter = MembersIter<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &Box<str>) -> Option<Whole<'a>> {
        step();
        self.0.lookup(key).map(Whole)
    }

    fn members(&self) -> MembersIter<'a> {
        MembersIter(Box::new(self.0.iter()))
    }
}

/// Iterates the items of a list.
pub(super) struct ItemsIter<'a>(std::slice::Iter<'a, Value>);

impl<'a> Iterator for ItemsIter<'a> {
    type Item = Whole<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        step();
        self.0.next().map(Whole)
    }
}

impl<'a> Array<'a, OurValue> for Items<'a> {
    type Node = Whole<'a>;
    type ElementsIter = ItemsIter<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> ItemsIter<'a> {
        ItemsIter(self.0.iter())
    }

    fn is_unique(&self) -> bool {
        // Equal values have one normal form, so a set of them decides (JSON Schema's equality is mathematical, and so is ours).
        let mut seen = std::collections::BTreeSet::new();
        self.0.iter().all(|item| seen.insert(provost_model::value::canonical(item)))
    }
}

/// A value as `serde_json` has it, for schemas and messages.
pub(super) fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(number) => (*number).into(),
        Value::Float(number) => number.value().into(),
        Value::Str(text) => (&**text).into(),
        Value::Array(items) => items.iter().map(to_json).collect(),
        Value::Object(map) => serde_json::Value::Object(map.iter().map(|(key, member)| (key.to_string(), to_json(member))).collect()),
    }
}
