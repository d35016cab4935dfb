//! Order, arithmetic and text form of values.
//!
//! What must stay true: integers are exact or the operation fails; the order is jq's (null, false, true, numbers, strings, arrays,
//! objects) and total; no work is done that was not charged before.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::sync::Arc;

use jaq_core::ops::Math;
use provost_model::Value;
use provost_model::value::{Map, canonical_into, normalise_f64};

use super::error::EvalErrorKind::{Depth, Overflow, Parse, Type};
use super::trace::Spot;
use super::update::{items_mut, members_mut};
use super::val::{DEPTH_MAX, R, V, fault};
use super::{meter, text};

/// jq's order over all values.
pub(super) fn order(a: &Value, b: &Value) -> Ordering {
    meter::charge(1);
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.value().total_cmp(&b.value()),
        (Value::Int(a), Value::Float(b)) => order_mixed(*a, b.value()),
        (Value::Float(a), Value::Int(b)) => order_mixed(*b, a.value()).reverse(),
        (Value::Str(a), Value::Str(b)) => {
            meter::charge_scan(a.len().min(b.len()));
            a.cmp(b)
        }
        (Value::Array(a), Value::Array(b)) => {
            let pairs = a.iter().zip(b.iter()).map(|(a, b)| order(a, b));
            pairs.into_iter().find(|o| o.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => order_objects(a, b),
        (a, b) => rank(a).cmp(&rank(b)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Float(_) => 2,
        Value::Str(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// Exact: no integer is rounded to compare it.
fn order_mixed(int: i64, float: f64) -> Ordering {
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    if float >= EDGE {
        return Ordering::Less;
    }
    if float < -EDGE {
        return Ordering::Greater;
    }
    int.cmp(&(float.trunc() as i64)).then_with(|| 0.0_f64.total_cmp(&(float.fract() + 0.0)))
}

/// First the keys, then the members, as jq does.
fn order_objects(a: &Map, b: &Map) -> Ordering {
    meter::charge(a.len().min(b.len()));
    let keys = a.iter().map(|(key, _)| key).cmp(b.iter().map(|(key, _)| key));
    let members = a.iter().zip(b.iter()).map(|((_, a), (_, b))| order(a, b));
    if keys.is_ne() { keys } else { members.into_iter().find(|o| o.is_ne()).unwrap_or(Ordering::Equal) }
}

/// The real nesting of a value, up to one level over the limit.
pub(super) fn depth_of(value: &Value) -> u16 {
    fn walk(value: &Value, left: u16) -> u16 {
        meter::charge_copy();
        let Some(left) = left.checked_sub(1) else { return 0 };
        match value {
            Value::Array(items) => 1 + items.iter().map(|item| walk(item, left)).max().unwrap_or(0),
            Value::Object(map) => 1 + map.iter().map(|(_, member)| walk(member, left)).max().unwrap_or(0),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => 0,
        }
    }
    walk(value, DEPTH_MAX + 2)
}

/// Bytes of the JSON text of a value, about; charged as they are counted, so that a value that shares its parts cannot unfold unseen.
pub(super) fn measure(value: &Value) -> usize {
    meter::charge_copy();
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Int(n) => n.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1 + usize::from(*n < 0),
        Value::Float(_) => 24,
        Value::Str(text) => text.len() + 2,
        Value::Array(items) => items.iter().fold(2, |sum, item| sum + 1 + measure(item)),
        Value::Object(map) => map.iter().fold(2, |sum, (key, member)| sum + key.len() + 4 + measure(member)),
    }
}

/// The canonical JSON text of a value.
pub(super) fn json_text(value: &Value) -> String {
    let size = measure(value);
    meter::charge_bytes(size);
    let mut out = String::with_capacity(size);
    canonical_into(value, &mut out);
    out
}

/// Reads a number as JSON writes it.
pub(super) fn parse_number(text: &str) -> R {
    let refused = || fault(Parse, "cannot read text as a number");
    if let Ok(n) = text.parse::<i64>() {
        return Ok(V::flat(n));
    }
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return Err(fault(Overflow, "integer is outside -9223372036854775808 to 9223372036854775807"));
    }
    let numeric = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'));
    let number = text.parse::<f64>().ok().filter(|_| numeric).ok_or_else(refused)?;
    float(number)
}

/// A float in normal form.
pub(super) fn float(number: f64) -> R {
    normalise_f64(number).map(V::flat).map_err(|_| fault(Overflow, "number is not finite"))
}

fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Float(n) => Some(n.value()),
        Value::Null | Value::Bool(_) | Value::Str(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn mismatch(a: &Value, op: Math, b: &Value) -> jaq_core::Error<V> {
    fault(Type, format!("cannot calculate {} {} {}", a.kind(), op.as_str(), b.kind()))
}

fn overflow(op: Math) -> jaq_core::Error<V> {
    fault(Overflow, format!("integer overflow in `{}`; results must fit 64 bits", op.as_str()))
}

/// Both sides count for the label of the result.
fn read(a: &V, b: &V) {
    a.spot.read();
    b.spot.read();
}

/// Arithmetic of two numbers.
fn numbers(a: V, op: Math, b: V, exact: fn(i64, i64) -> Option<i64>, rough: fn(f64, f64) -> f64) -> R {
    match (&a.value, &b.value) {
        (Value::Int(x), Value::Int(y)) => exact(*x, *y).map(V::flat).ok_or_else(|| overflow(op)),
        (x, y) => match (as_float(x), as_float(y)) {
            (Some(x), Some(y)) => float(rough(x, y)),
            _ => Err(mismatch(x, op, y)),
        },
    }
}

impl Add for V {
    type Output = R;

    fn add(self, other: V) -> R {
        meter::charge(1);
        let depth = self.depth.max(other.depth);
        if let (Value::Object(a), Value::Object(b)) = (&self.value, &other.value) {
            let spot = Spot::united(self.spot, other.spot, b.iter().map(|(key, _)| &**key));
            let (a, b) = (Arc::clone(a), Arc::clone(b));
            drop((self, other));
            return Ok(V::nested(Value::Object(merge(a, b)), depth).at(spot));
        }
        read(&self, &other);
        match (self.value, other.value) {
            (Value::Null, value) => Ok(V { value, spot: Spot::NONE, ..other }),
            (value, Value::Null) => Ok(V { value, depth: self.depth, fault: None, spot: Spot::NONE }),
            (Value::Str(a), Value::Str(b)) => {
                meter::charge_bytes(a.len() + b.len());
                Ok(V::flat(Value::from([&*a, &*b].concat())))
            }
            (Value::Array(mut a), Value::Array(b)) => {
                meter::charge_items(b.len());
                items_mut(&mut a).extend(b.iter().cloned());
                Ok(V::nested(Value::Array(a), depth))
            }
            (a, b) => {
                let (a, b) =
                    (V { value: a, depth: 0, fault: None, spot: Spot::NONE }, V { value: b, depth: 0, fault: None, spot: Spot::NONE });
                numbers(a, Math::Add, b, i64::checked_add, |x, y| x + y)
            }
        }
    }
}

/// The members of both; `b` wins. The smaller side is moved into the larger one.
fn merge(mut a: Arc<Map>, mut b: Arc<Map>) -> Arc<Map> {
    if a.len() < b.len() {
        meter::charge_items(a.len().saturating_mul(2) + b.len() / 16);
        let into = members_mut(&mut b);
        for (key, member) in a.iter() {
            if !into.contains(key) {
                into.insert(Arc::clone(key), member.clone());
            }
        }
        return b;
    }
    meter::charge_items(b.len().saturating_mul(2) + a.len() / 16);
    let into = members_mut(&mut a);
    for (key, member) in b.iter() {
        into.insert(Arc::clone(key), member.clone());
    }
    a
}

impl Sub for V {
    type Output = R;

    fn sub(self, other: V) -> R {
        meter::charge(1);
        read(&self, &other);
        if let (Value::Array(a), Value::Array(b)) = (&self.value, &other.value) {
            let kept: Vec<Value> = a.iter().filter(|x| !b.iter().any(|y| order(x, y).is_eq())).cloned().collect();
            meter::charge_items(kept.len());
            return Ok(V::list(kept, self.inner_depth()));
        }
        numbers(self, Math::Sub, other, i64::checked_sub, |x, y| x - y)
    }
}

impl Mul for V {
    type Output = R;

    fn mul(self, other: V) -> R {
        meter::charge(1);
        read(&self, &other);
        match (&self.value, &other.value) {
            (Value::Str(text), Value::Int(n)) | (Value::Int(n), Value::Str(text)) => Ok(repeat(text, *n)),
            (Value::Object(a), Value::Object(b)) => {
                let merged = merge_deeply(a, b, DEPTH_MAX)?;
                Ok(V::nested(merged, self.depth.max(other.depth)))
            }
            _ => numbers(self, Math::Mul, other, i64::checked_mul, |x, y| x * y),
        }
    }
}

/// `text` `n` times; null when that is none, as in jq.
fn repeat(text: &str, n: i64) -> V {
    let Some(times) = usize::try_from(n).ok().filter(|n| *n > 0) else { return V::flat(Value::Null) };
    meter::charge_bytes(text.len().saturating_mul(times));
    V::flat(Value::from(text.repeat(times)))
}

fn merge_deeply(a: &Arc<Map>, b: &Arc<Map>, left: u16) -> R<Value> {
    let left = left.checked_sub(1).ok_or_else(|| fault(Depth, "objects nest too deeply to be merged"))?;
    meter::charge_items(a.len().saturating_add(b.len()).saturating_mul(2));
    let mut out = (**a).clone();
    for (key, member) in b.iter() {
        let new = match (a.lookup(key), member) {
            (Some(Value::Object(x)), Value::Object(y)) => merge_deeply(x, y, left)?,
            (_, other) => other.clone(),
        };
        out.insert(Arc::clone(key), new);
    }
    Ok(Value::Object(Arc::new(out)))
}

impl Div for V {
    type Output = R;

    fn div(self, other: V) -> R {
        meter::charge(1);
        read(&self, &other);
        match (&self.value, &other.value) {
            (Value::Str(a), Value::Str(b)) => Ok(text::split_text(a, b)),
            (Value::Int(_) | Value::Float(_), Value::Int(0)) => Err(fault(Overflow, "cannot divide by zero")),
            (Value::Int(x), Value::Int(y)) => match (x.checked_rem(*y), x.checked_div(*y)) {
                (Some(0), Some(exact)) => Ok(V::flat(exact)),
                (Some(_), _) => float(*x as f64 / *y as f64),
                (None, _) => Err(overflow(Math::Div)),
            },
            _ => numbers(self, Math::Div, other, |_, _| None, |x, y| x / y),
        }
    }
}

impl Rem for V {
    type Output = R;

    /// Both sides are cut to integers first, as in jq.
    fn rem(self, other: V) -> R {
        meter::charge(1);
        read(&self, &other);
        let cut = |value: &Value| match value {
            Value::Int(n) => Some(*n),
            Value::Float(n) => Some(n.value().trunc() as i64),
            Value::Null | Value::Bool(_) | Value::Str(_) | Value::Array(_) | Value::Object(_) => None,
        };
        match (cut(&self.value), cut(&other.value)) {
            (Some(_), Some(0)) => Err(fault(Overflow, "cannot divide by zero")),
            // The one pair that overflows is i64::MIN % -1, which is 0.
            (Some(x), Some(y)) => Ok(V::flat(x.checked_rem(y).unwrap_or(0))),
            _ => Err(mismatch(&self.value, Math::Rem, &other.value)),
        }
    }
}

impl Neg for V {
    type Output = R;

    fn neg(self) -> R {
        meter::charge(1);
        self.spot.read();
        match &self.value {
            Value::Int(n) => n.checked_neg().map(V::flat).ok_or_else(|| overflow(Math::Sub)),
            Value::Float(n) => float(-n.value()),
            other => Err(fault(Type, format!("cannot negate {}", other.kind()))),
        }
    }
}
