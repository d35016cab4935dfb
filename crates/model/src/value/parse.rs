//! Reading values at the edge: strict JSON with limits on bytes, depth and duplicate keys.
//!
//! Everything refused carries the JSON pointer of the place, so that a user finds it.

use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Map, Value, normalise_f64};
use crate::limits::{VALUE, ValueLimits};

/// Why bytes are not a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail} at `{pointer}`")]
pub struct ParseError {
    /// Which rule was broken.
    pub kind: ParseErrorKind,
    /// Where, as a JSON pointer (empty: the whole value).
    pub pointer: String,
    /// What happened, for people.
    pub detail: String,
}

/// The rules of the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseErrorKind {
    /// Not JSON (RFC 8259), or not UTF-8.
    Malformed,
    /// More bytes than allowed.
    TooLarge,
    /// Nested deeper than allowed.
    TooDeep,
    /// The same key twice in one object.
    DuplicateKey,
    /// A number that cannot be held exactly.
    Number,
}

/// Parses JSON under the default limits ([`VALUE`]).
///
/// # Errors
/// [`ParseError`] with the rule broken and the place.
pub fn parse(bytes: &[u8]) -> Result<Value, ParseError> {
    parse_with(bytes, VALUE)
}

/// Parses JSON under `limits`.
///
/// # Errors
/// [`ParseError`] with the rule broken and the place.
pub fn parse_with(bytes: &[u8], limits: ValueLimits) -> Result<Value, ParseError> {
    if bytes.len() > limits.bytes_max {
        let detail = format!("{} bytes are more than the limit of {} bytes", bytes.len(), limits.bytes_max);
        return Err(ParseError { kind: ParseErrorKind::TooLarge, pointer: String::new(), detail });
    }
    let text = std::str::from_utf8(bytes).map_err(|e| ParseError {
        kind: ParseErrorKind::Malformed,
        pointer: String::new(),
        detail: format!("body is not UTF-8 from byte {}", e.valid_up_to()),
    })?;
    let place = std::cell::RefCell::new(Place { rounded: rounded_integers(text), ..Place::default() });
    let mut json = serde_json::Deserializer::from_str(text);
    let seed = Seed { depth: 0, limits, place: &place };
    let value = seed.deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    value.map_err(|e| place.into_inner().error(&e))
}

/// Integers as written that are too large to be exact: what reading makes of them, so that their place can be named.
fn rounded_integers(text: &str) -> Vec<f64> {
    let mut found = Vec::new();
    let (mut in_string, mut escaped, mut at) = (false, false, 0);
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'-' | b'0'..=b'9' if !in_string => {
                let number = number_at(text, at);
                at += number.len().max(1);
                let integer = !number.contains(['.', 'e', 'E']);
                if integer && number.len() >= INTEGER_CHARS_MIN && number.parse::<i64>().is_err() {
                    found.extend(number.parse::<f64>());
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The shortest integer that may not fit has this many characters.
const INTEGER_CHARS_MIN: usize = 19;

fn number_at(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.bytes().take_while(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')).count();
    rest.get(..length).unwrap_or_default()
}

#[derive(Default)]
struct Place {
    rounded: Vec<f64>,
    path: Vec<String>,
    kind: Option<ParseErrorKind>,
    detail: String,
}

impl Place {
    fn error(self, cause: &serde_json::Error) -> ParseError {
        let pointer = self.path.iter().rev().map(|t| format!("/{t}")).collect();
        match self.kind {
            Some(kind) => ParseError { kind, pointer, detail: self.detail },
            None if cause.to_string().starts_with("number out of range") => {
                ParseError { kind: ParseErrorKind::Number, pointer, detail: "number is out of range".to_owned() }
            }
            None => ParseError { kind: ParseErrorKind::Malformed, pointer, detail: format!("body is not JSON: {cause}") },
        }
    }
}

#[derive(Clone, Copy)]
struct Seed<'p> {
    depth: usize,
    limits: ValueLimits,
    place: &'p std::cell::RefCell<Place>,
}

impl Seed<'_> {
    fn refuse<E: serde::de::Error>(&self, kind: ParseErrorKind, detail: String) -> E {
        let mut place = self.place.borrow_mut();
        place.kind = Some(kind);
        place.detail = detail;
        E::custom("refused")
    }

    /// Notes, on the way out of an error, which member or item it was in.
    fn within<E>(&self, token: &str, error: E) -> E {
        self.place.borrow_mut().path.push(token.replace('~', "~0").replace('/', "~1"));
        error
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        if depth > self.limits.depth_max {
            return Err(self.refuse(ParseErrorKind::TooDeep, format!("nested deeper than {} levels", self.limits.depth_max)));
        }
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Int(n))
    }

    fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Value, E> {
        i64::try_from(n).map(Value::Int).map_err(|_| self.refuse(ParseErrorKind::Number, super::NumberError::NotExact.to_string()))
    }

    fn visit_f64<E: serde::de::Error>(self, n: f64) -> Result<Value, E> {
        if self.place.borrow().rounded.iter().any(|rounded| rounded.to_bits() == n.to_bits()) {
            return Err(self.refuse(ParseErrorKind::Number, super::NumberError::NotExact.to_string()));
        }
        normalise_f64(n).map_err(|e| self.refuse(ParseErrorKind::Number, e.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::str(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::str(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut items = Vec::new();
        loop {
            match seq.next_element_seed(seed).map_err(|e| self.within(&items.len().to_string(), e))? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(Arc::new(items))),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(seed).map_err(|e| self.within(&key, e))?;
            if map.insert(key.as_str().into(), value).is_some() {
                let refused = self.refuse(ParseErrorKind::DuplicateKey, format!("key `{key}` stands twice in one object"));
                return Err(self.within(&key, refused));
            }
        }
        Ok(Value::Object(Arc::new(map)))
    }
}
