//! Reading a place in a value: `.[k]`, `.[a:b]`, and what an index means.

use std::ops::Range;
use std::sync::Arc;

use provost_model::Value;

use super::error::EvalErrorKind::Type;
use super::val::{R, V, fault};
use super::{list, meter};

/// The failure of `.[]` on a value without children.
pub(super) fn not_iterable(value: &Value) -> jaq_core::Error<V> {
    fault(Type, format!("cannot iterate over {}", value.kind()))
}

/// The failure of `.[index]` on a value that has no such places.
pub(super) fn no_place(value: &Value, index: &Value) -> jaq_core::Error<V> {
    let key: String = match index {
        Value::Str(key) => format!("`{}`", key.chars().take(64).collect::<String>()),
        other => other.kind().to_owned(),
    };
    fault(Type, format!("cannot index {} with {key}", value.kind()))
}

/// `v[index]`; absent is null.
pub(super) fn index(v: &V, index: &V) -> R {
    match (&v.value, &index.value) {
        (Value::Object(map), Value::Str(key)) => {
            meter::charge_scan(key.len());
            Ok(v.child(map.lookup(key).cloned().unwrap_or_default()))
        }
        (Value::Array(items), Value::Int(_) | Value::Float(_)) => {
            let at = whole(&index.value).and_then(|at| position(at, items.len()));
            Ok(v.child(at.and_then(|at| items.get(at)).cloned().unwrap_or_default()))
        }
        (Value::Null, Value::Str(_) | Value::Int(_) | Value::Float(_) | Value::Null) => Ok(V::flat(Value::Null)),
        (Value::Array(_), Value::Array(_)) => list::indices(v, index),
        (Value::Array(_) | Value::Null | Value::Str(_), Value::Object(_)) => {
            let (start, end) = slice_bounds(&index.value).ok_or_else(|| no_place(&v.value, &index.value))?;
            slice(v, Some(&start), Some(&end))
        }
        (value, key) => Err(no_place(value, key)),
    }
}

/// The whole number at or below a number.
pub(super) fn whole(number: &Value) -> Option<i64> {
    match number {
        Value::Int(n) => Some(*n),
        // Saturates, which is as good: no list is that long.
        Value::Float(n) => Some(n.value().floor() as i64),
        Value::Null | Value::Bool(_) | Value::Str(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The place of index `at` in a list of `len` items, counted from the end if negative.
pub(super) fn position(at: i64, len: usize) -> Option<usize> {
    let len = i64::try_from(len).ok()?;
    let at = if at < 0 { at.checked_add(len)? } else { at };
    usize::try_from(at).ok().filter(|at| (*at as i64) < len)
}

/// The bounds that a slice object of a path holds.
pub(super) fn slice_bounds(object: &Value) -> Option<(V, V)> {
    let map = object.as_object()?;
    let known = map.iter().all(|(key, _)| matches!(&**key, "start" | "end"));
    let bound = |key| V::flat(map.lookup(key).cloned().unwrap_or_default());
    (known && !map.is_empty()).then(|| (bound("start"), bound("end")))
}

/// The positions that a slice covers in `len` items.
pub(super) fn span(len: usize, start: Option<&V>, end: Option<&V>) -> R<Range<usize>> {
    let bound = |v: Option<&V>, default: usize, up: bool| -> R<usize> {
        let number = match v.map(|v| &v.value) {
            None | Some(Value::Null) => return Ok(default),
            Some(Value::Int(n)) => *n,
            Some(Value::Float(n)) if up => n.value().ceil() as i64,
            Some(Value::Float(n)) => n.value().floor() as i64,
            Some(other) => return Err(fault(Type, format!("cannot slice with {}; use a number", other.kind()))),
        };
        let from_end = number.saturating_add(i64::try_from(len).unwrap_or(i64::MAX));
        let at = if number < 0 { from_end.max(0) } else { number };
        Ok(usize::try_from(at).unwrap_or(usize::MAX).min(len))
    };
    let (start, end) = (bound(start, 0, false)?, bound(end, len, true)?);
    Ok(start..end.max(start))
}

/// `v[start:end]` of a list, a text (by code points) or null.
pub(super) fn slice(v: &V, start: Option<&V>, end: Option<&V>) -> R {
    match &v.value {
        Value::Null => Ok(V::flat(Value::Null)),
        Value::Array(items) => {
            let part = items.get(span(items.len(), start, end)?).unwrap_or_default();
            meter::charge_items(part.len());
            Ok(V::nested(Value::Array(Arc::new(part.to_vec())), v.depth))
        }
        Value::Str(text) => {
            meter::charge_scan(text.len());
            let span = span(text.chars().count(), start, end)?;
            Ok(V::text(text.chars().skip(span.start).take(span.len()).collect()))
        }
        other => Err(fault(Type, format!("cannot slice {}", other.kind()))),
    }
}
