//! The value jaq computes with: a [`Value`] without conversion, plus a bound on its depth.
//!
//! What must stay true: `depth` is never less than the real nesting of `value` (a value of the caller counts as [`INPUT_DEPTH`]); every
//! copy, comparison, construction and visit is charged to the meter. Two values that are equal cost the same, wherever they came from:
//! nothing here may look at whether two values share an allocation, except to move instead of copy what this evaluation built itself.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::path::Opt;
use jaq_core::val::{ValR, ValT, ValX};
use jaq_core::{Error, Exn};
use provost_model::Value;
use provost_model::value::Map;

use super::error::EvalErrorKind;
use super::meter::{self, Trip};
use super::trace::Spot;
use super::{ops, place, update};

/// Depth that a value of the caller is taken to have: the limit of the edge.
pub(super) const INPUT_DEPTH: u16 = 64;
/// Deepest value an evaluation may build.
pub(super) const DEPTH_MAX: u16 = 128;

/// Result of an operation.
pub(super) type R<T = V> = Result<T, Error<V>>;

/// A value inside an evaluation.
#[derive(Debug)]
pub(super) struct V {
    pub(super) value: Value,
    pub(super) depth: u16,
    /// Which failure this value describes, if an operation made it to fail with.
    pub(super) fault: Option<EvalErrorKind>,
    /// Which labelled places it came from; what is built here has none, for its parts were read.
    pub(super) spot: Spot,
}

impl V {
    /// A value handed in by the caller.
    pub(super) fn input(value: Value) -> Self {
        let depth = if is_flat(&value) { 0 } else { INPUT_DEPTH };
        Self { value, depth, fault: None, spot: Spot::NONE }
    }

    /// A value without children.
    pub(super) fn flat(value: impl Into<Value>) -> Self {
        Self { value: value.into(), depth: 0, fault: None, spot: Spot::NONE }
    }

    /// A part of this value.
    pub(super) fn child(&self, value: Value) -> Self {
        meter::charge_copy();
        let depth = if is_flat(&value) { 0 } else { self.depth.saturating_sub(1).max(1) };
        Self { value, depth, fault: None, spot: Spot::NONE }
    }

    /// Text that was built here.
    pub(super) fn text(text: String) -> Self {
        meter::charge_bytes(text.len());
        Self::flat(Value::from(text))
    }

    /// A list whose items nest no deeper than `depth`.
    pub(super) fn list(items: Vec<Value>, depth: u16) -> Self {
        Self::nested(Value::Array(Arc::new(items)), depth + 1)
    }

    /// An object whose members nest no deeper than `depth`.
    pub(super) fn map(map: Map, depth: u16) -> Self {
        Self::nested(Value::Object(Arc::new(map)), depth + 1)
    }

    /// `value` with the bound `depth`, measured anew when the bound is over the limit.
    pub(super) fn nested(value: Value, depth: u16) -> Self {
        let depth = if depth > DEPTH_MAX { ops::depth_of(&value) } else { depth };
        if depth > DEPTH_MAX {
            meter::trip(Trip::Depth);
        }
        Self { value, depth, fault: None, spot: Spot::NONE }
    }

    /// The same, handed in with labels.
    pub(super) fn at(self, spot: Spot) -> Self {
        Self { spot, ..self }
    }

    /// The value alone, its labels joined into those of the result.
    fn into_read(self) -> Value {
        self.spot.read();
        self.value
    }

    /// Where `index` leads. A key, or a place counted from the start, does not depend on its neighbours.
    fn step(&self, index: &V) -> Spot {
        index.spot.read();
        match (&self.value, &index.value) {
            (Value::Object(_) | Value::Null, Value::Str(key)) => self.spot.member(key),
            (Value::Array(_) | Value::Null, Value::Int(at)) if *at >= 0 && self.spot != Spot::NONE => self.spot.member(&at.to_string()),
            (_, _) => {
                self.spot.read();
                Spot::NONE
            }
        }
    }

    /// Bound on the depth of the parts.
    pub(super) fn inner_depth(&self) -> u16 {
        self.depth.saturating_sub(1)
    }
}

fn is_flat(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

/// A failure that `try` may catch.
pub(super) fn fault(kind: EvalErrorKind, detail: impl Into<String>) -> Error<V> {
    let text: String = detail.into();
    meter::charge(1);
    meter::charge_bytes(text.len());
    Error::new(V { value: Value::from(text), depth: 0, fault: Some(kind), spot: Spot::NONE })
}

/// A failure because a value is of the wrong kind.
pub(super) fn wrong_kind(value: &Value, wanted: &str) -> Error<V> {
    fault(EvalErrorKind::Type, format!("cannot use {} as {wanted}", value.kind()))
}

impl Clone for V {
    fn clone(&self) -> Self {
        meter::charge_copy();
        Self { value: self.value.clone(), depth: self.depth, fault: self.fault, spot: self.spot }
    }
}

/// Names the kind and never the content: messages travel further than documents may.
impl fmt::Display for V {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.value.kind())
    }
}

impl PartialEq for V {
    fn eq(&self, other: &Self) -> bool {
        self.spot.read();
        other.spot.read();
        ops::order(&self.value, &other.value) == Ordering::Equal
    }
}

impl Eq for V {}

impl PartialOrd for V {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for V {
    fn cmp(&self, other: &Self) -> Ordering {
        self.spot.read();
        other.spot.read();
        ops::order(&self.value, &other.value)
    }
}

impl From<bool> for V {
    fn from(b: bool) -> Self {
        meter::charge(1);
        Self::flat(b)
    }
}

impl From<isize> for V {
    fn from(n: isize) -> Self {
        meter::charge(1);
        Self::flat(Value::Int(n as i64))
    }
}

impl From<String> for V {
    fn from(text: String) -> Self {
        meter::charge(1);
        Self::text(text)
    }
}

/// A slice as an element of a path, as jq writes it.
impl From<Range<Option<V>>> for V {
    fn from(range: Range<Option<V>>) -> Self {
        let bound = |v: Option<V>| v.map_or(Value::Null, V::into_read);
        meter::charge_items(2);
        let map = [(Arc::from("start"), bound(range.start)), (Arc::from("end"), bound(range.end))].into_iter().collect();
        Self::map(map, 1)
    }
}

impl FromIterator<V> for V {
    fn from_iter<I: IntoIterator<Item = V>>(items: I) -> Self {
        meter::charge(1);
        let mut depth = 0;
        let (mut list, mut spots) = (Vec::new(), Vec::new());
        for item in items {
            meter::charge_items(1);
            depth = depth.max(item.depth);
            if item.spot != Spot::NONE {
                spots.push((list.len().to_string(), item.spot));
            }
            list.push(item.value);
        }
        let spot = Spot::holding(spots.iter().map(|(at, spot)| (at.as_str(), *spot)));
        Self::list(list, depth).at(spot)
    }
}

impl ValT for V {
    fn from_num(n: &str) -> R {
        meter::charge(1);
        ops::parse_number(n)
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(pairs: I) -> R {
        meter::charge(1);
        let (mut map, mut depth, mut spots) = (Map::new(), 0, Vec::new());
        for (key, member) in pairs {
            meter::charge_items(2);
            key.spot.read();
            let Value::Str(key) = key.value else { return Err(wrong_kind(&key.value, "object key; write `(… | tostring)`")) };
            depth = depth.max(member.depth);
            if member.spot != Spot::NONE {
                spots.push((Arc::clone(&key), member.spot));
            }
            map.insert(key, member.value);
        }
        let spot = Spot::holding(spots.iter().map(|(key, spot)| (&**key, *spot)));
        Ok(Self::map(map, depth).at(spot))
    }

    fn key_values(self) -> BoxIter<'static, ValR<(Self, Self), Self>> {
        self.spot.read();
        meter::charge(1);
        match &self.value {
            Value::Array(items) => {
                let items = Arc::clone(items);
                let len = items.len();
                Box::new((0..len).map(move |at| Ok((V::from(at as isize), self.child(items.get(at).cloned().unwrap_or_default())))))
            }
            Value::Object(map) => {
                meter::charge_items(map.len());
                let pairs: Vec<_> = map.iter().map(|(key, value)| (Arc::clone(key), value.clone())).collect();
                Box::new(pairs.into_iter().map(move |(key, value)| Ok((V::flat(Value::Str(key)), self.child(value)))))
            }
            other => box_once(Err(place::not_iterable(other))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR<Self>>> {
        self.spot.read();
        meter::charge(1);
        meter::check_stack();
        match &self.value {
            Value::Array(items) => {
                let items = Arc::clone(items);
                let len = items.len();
                Box::new((0..len).map(move |at| Ok(self.child(items.get(at).cloned().unwrap_or_default()))))
            }
            Value::Object(map) => {
                meter::charge_items(map.len());
                let members: Vec<_> = map.iter().map(|(_, value)| value.clone()).collect();
                Box::new(members.into_iter().map(move |value| Ok(self.child(value))))
            }
            other => box_once(Err(place::not_iterable(other))),
        }
    }

    fn index(self, index: &Self) -> R {
        meter::charge(1);
        let spot = self.step(index);
        let found = place::index(&self, index);
        if found.is_err() {
            self.spot.read_kind();
        }
        found.map(|v| V { spot, ..v })
    }

    fn range(self, range: Range<Option<&Self>>) -> R {
        meter::charge(1);
        self.spot.read();
        [range.start, range.end].into_iter().flatten().for_each(|bound| bound.spot.read());
        place::slice(&self, range.start, range.end)
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(self, opt: Opt, f: impl Fn(Self) -> I) -> ValX<'a, Self> {
        self.spot.read();
        update::every(self, opt, f)
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(self, index: &Self, opt: Opt, f: impl Fn(Self) -> I) -> ValX<'a, Self> {
        index.spot.read();
        update::at(self, index, opt, f)
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<Option<&Self>>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        self.spot.read();
        [range.start, range.end].into_iter().flatten().for_each(|bound| bound.spot.read());
        update::slice(self, range.start, range.end, opt, f)
    }

    fn as_bool(&self) -> bool {
        self.spot.read_kind();
        !matches!(self.value, Value::Null | Value::Bool(false))
    }

    fn into_string(self) -> Self {
        meter::charge(1);
        self.spot.read();
        match self.value {
            Value::Str(_) => self,
            ref other => V::text(ops::json_text(other)),
        }
    }
}

/// Lets a failure leave a native filter.
pub(super) fn raise<'a>(error: Error<V>) -> Exn<'a, V> {
    Exn::from(error)
}
