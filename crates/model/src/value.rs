//! The one value type of Provost: what events, facts, arguments and results are made of.
//!
//! What must stay true: object keys are sorted by UTF-16 code units and unique; integers are exact `i64`; every other number is a
//! finite `f64` that is not an integer within 2^53. So two equal values have one canonical form and one digest. Cloning is cheap
//! (reference counted). It does no IO and evaluates nothing. Source: DESIGN §5a, RFC 8785 (with exact integers).

mod map;
mod number;
mod parse;
mod pointer;
mod serde_impl;
mod write;

use std::sync::Arc;

pub use map::{Map, utf16_order};
pub use number::{Float, NumberError, normalise_f64};
pub use parse::{ParseError, ParseErrorKind, parse, parse_with};
pub use pointer::{Pointer, lookup, lookup_mut, unescaped};
pub use write::{canonical, canonical_into, canonical_len, rough_len};

/// A JSON-like value in normal form. See the module documentation for its invariants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Value {
    /// JSON `null`; also "absent".
    #[default]
    Null,
    /// JSON `true` and `false`.
    Bool(bool),
    /// An exact integer.
    Int(i64),
    /// A finite number that is no integer within 2^53.
    Float(Float),
    /// A string of Unicode scalar values.
    Str(Arc<str>),
    /// An ordered list.
    Array(Arc<Vec<Value>>),
    /// A map with unique keys in UTF-16 order.
    Object(Arc<Map>),
}

impl Value {
    /// A string value.
    pub fn str(text: impl Into<Arc<str>>) -> Self {
        Self::Str(text.into())
    }

    /// A list value.
    pub fn array(items: impl IntoIterator<Item = Value>) -> Self {
        Self::Array(Arc::new(items.into_iter().collect()))
    }

    /// An object value; a later pair replaces an earlier one with the same key.
    pub fn object<K: Into<Arc<str>>>(pairs: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Object(Arc::new(pairs.into_iter().map(|(k, v)| (k.into(), v)).collect()))
    }

    /// An empty object.
    pub fn empty() -> Self {
        Self::Object(Arc::default())
    }

    /// The member `key` of an object; `None` for every other value.
    pub fn member(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Object(map) => map.lookup(key),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Str(_) | Self::Array(_) => None,
        }
    }

    /// The text of a string value.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self { Some(text) } else { None }
    }

    /// The integer of an integer value.
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(n) = self { Some(*n) } else { None }
    }

    /// The truth of a boolean value.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(b) = self { Some(*b) } else { None }
    }

    /// The items of a list value.
    pub fn as_array(&self) -> Option<&[Value]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The members of an object value.
    pub fn as_object(&self) -> Option<&Map> {
        if let Self::Object(map) = self { Some(map) } else { None }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether its lists and objects nest deeper than `levels`; looks no deeper than that.
    pub fn is_deeper_than(&self, levels: usize) -> bool {
        let inside = |part: &Value| levels == 0 || part.is_deeper_than(levels - 1);
        match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Str(_) => false,
            Self::Array(items) => levels == 0 || items.iter().any(inside),
            Self::Object(map) => levels == 0 || map.iter().any(|(_, member)| inside(member)),
        }
    }

    /// What JSON calls this kind of value, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::Float(_) => "number",
            Self::Str(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// Whether both are the same allocation or equal scalars: a cheap test that may say no for equal values.
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Array(a), Self::Array(b)) => Arc::ptr_eq(a, b),
            (Self::Object(a), Self::Object(b)) => Arc::ptr_eq(a, b),
            (a, b) => a == b,
        }
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(option: Option<T>) -> Self {
        option.map_or(Self::Null, Into::into)
    }
}

impl std::fmt::Display for Value {
    /// Writes the canonical form.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&canonical(self))
    }
}
