//! Natives over lists, objects and values of any kind.

use std::sync::Arc;

use jaq_core::ValT;
use provost_model::Value;
use provost_model::limits::ValueLimits;
use provost_model::value::{Map, normalise_f64, parse_with};

use super::error::EvalErrorKind::{Overflow, Parse, Type};
use super::module::{DEEP_STACK_BYTES, SHALLOW_STACK_BYTES};
use super::ops::{self, order};
use super::trace::Spot;
use super::val::{INPUT_DEPTH, R, V, fault, wrong_kind};
use super::{meter, text};

/// The items of a list.
pub(super) fn items(v: &V) -> R<&Arc<Vec<Value>>> {
    match &v.value {
        Value::Array(items) => Ok(items),
        other => Err(wrong_kind(other, "array")),
    }
}

/// The members of an object.
fn members(v: &V) -> R<&Arc<Map>> {
    match &v.value {
        Value::Object(map) => Ok(map),
        other => Err(wrong_kind(other, "object")),
    }
}

fn same_list(v: &V, list: Vec<Value>) -> V {
    meter::charge_items(list.len());
    V::list(list, v.inner_depth())
}

pub(super) fn length(v: V) -> R {
    let count = |n: usize| V::from(n as isize);
    match &v.value {
        Value::Null => Ok(V::flat(0)),
        Value::Bool(_) => Err(wrong_kind(&v.value, "something with a length")),
        Value::Int(_) | Value::Float(_) => abs(v),
        Value::Str(text) => {
            meter::charge_scan(text.len());
            Ok(count(text.chars().count()))
        }
        Value::Array(items) => Ok(count(items.len())),
        Value::Object(map) => Ok(count(map.len())),
    }
}

pub(super) fn kind(v: V) -> R {
    Ok(V::flat(v.value.kind()))
}

pub(super) fn keys(v: V) -> R {
    let keys: Vec<Value> = match &v.value {
        Value::Object(map) => map.iter().map(|(key, _)| Value::Str(Arc::clone(key))).collect(),
        Value::Array(items) => (0..items.len()).map(|at| Value::Int(at as i64)).collect(),
        other => return Err(fault(Type, format!("{} has no keys", other.kind()))),
    };
    meter::charge_items(keys.len());
    Ok(V::list(keys, 0))
}

pub(super) fn has(v: V, key: V) -> R {
    match (&v.value, &key.value) {
        (Value::Object(map), Value::Str(key)) => Ok(V::from(map.contains(key))),
        (Value::Array(items), Value::Int(at)) => Ok(V::from(usize::try_from(*at).is_ok_and(|at| at < items.len()))),
        (value, key) => Err(fault(Type, format!("cannot check whether {} has {} as key", value.kind(), key.kind()))),
    }
}

/// Whether `b` is inside `a`: texts by part, lists and objects by their items, anything else by equality.
pub(super) fn contains(v: V, inner: V) -> R {
    fn within(a: &Value, b: &Value) -> R<bool> {
        meter::charge(1);
        match (a, b) {
            (Value::Str(a), Value::Str(b)) => {
                meter::charge_scan(a.len() + b.len());
                Ok(a.contains(&**b))
            }
            (Value::Array(a), Value::Array(b)) => all(b.iter(), |y| any(a.iter(), |x| Ok(x.kind() == y.kind() && within(x, y)?))),
            (Value::Object(a), Value::Object(b)) => all(b.iter(), |(key, y)| match a.lookup(key) {
                Some(x) => Ok(x.kind() == y.kind() && within(x, y)?),
                None => Ok(false),
            }),
            (a, b) if a.kind() == b.kind() => Ok(order(a, b).is_eq()),
            (a, b) => Err(fault(Type, format!("cannot check whether {} contains {}", a.kind(), b.kind()))),
        }
    }
    let look = || within(&v.value, &inner.value).map(V::from);
    match (&v.value, &inner.value) {
        // As deep as the shallower of both; most questions are about texts, and those need nothing.
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => {
            stacker::maybe_grow(SHALLOW_STACK_BYTES, DEEP_STACK_BYTES, look)
        }
        (_, _) => look(),
    }
}

fn all<T>(mut of: impl Iterator<Item = T>, f: impl Fn(T) -> R<bool>) -> R<bool> {
    of.try_fold(true, |yes, x| if yes { f(x) } else { Ok(false) })
}

fn any<T>(of: impl Iterator<Item = T>, f: impl Fn(T) -> R<bool>) -> R<bool> {
    for x in of {
        if f(x)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where `inner` begins in `v`: texts in texts (by code points), lists in lists, anything else as an item.
pub(super) fn indices(v: &V, inner: &V) -> R {
    let at: Vec<Value> = match (&v.value, &inner.value) {
        (Value::Null, _) => return Ok(V::flat(Value::Null)),
        (Value::Str(a), Value::Str(b)) => text::positions(a, b),
        (Value::Array(a), Value::Array(b)) if !b.is_empty() => {
            let starts = a.windows(b.len()).enumerate();
            starts.filter(|(_, w)| w.iter().zip(b.iter()).all(|(x, y)| order(x, y).is_eq())).map(|(i, _)| Value::Int(i as i64)).collect()
        }
        (Value::Array(_), Value::Array(_)) => return Ok(V::flat(Value::Null)),
        (Value::Array(a), one) => a.iter().enumerate().filter(|(_, x)| order(x, one).is_eq()).map(|(i, _)| Value::Int(i as i64)).collect(),
        (value, other) => return Err(fault(Type, format!("cannot look for {} in {}", other.kind(), value.kind()))),
    };
    meter::charge_items(at.len());
    Ok(V::list(at, 0))
}

pub(super) fn reverse(v: V) -> R {
    match &v.value {
        Value::Null => Ok(V::list(Vec::new(), 0)),
        Value::Str(text) => Ok(V::text(text.chars().rev().collect())),
        _ => Ok(same_list(&v, items(&v)?.iter().rev().cloned().collect())),
    }
}

pub(super) fn sort(v: V) -> R {
    let mut list = items(&v)?.to_vec();
    meter::charge(list.len());
    list.sort_by(order);
    Ok(same_list(&v, list))
}

pub(super) fn unique(v: V) -> R {
    let mut list = items(&v)?.to_vec();
    meter::charge(list.len());
    list.sort_by(order);
    list.dedup_by(|a, b| order(a, b).is_eq());
    Ok(same_list(&v, list))
}

/// `+` over all children: texts at once, everything else one after the other.
pub(super) fn add(v: V) -> R {
    let parts: Vec<Value> = match &v.value {
        Value::Array(items) => items.to_vec(),
        Value::Object(map) => map.iter().map(|(_, member)| member.clone()).collect(),
        other => return Err(super::place::not_iterable(other)),
    };
    meter::charge(parts.len());
    if !parts.is_empty() && parts.iter().all(|part| matches!(part, Value::Str(_))) {
        let texts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
        meter::charge_bytes(texts.iter().map(|text| text.len()).sum());
        return Ok(V::flat(Value::from(texts.concat())));
    }
    let depth = v.inner_depth();
    parts.into_iter().try_fold(V::flat(Value::Null), |sum, part| sum + V { value: part, depth, fault: None, spot: Spot::NONE })
}

pub(super) fn flatten(v: V, levels: V) -> R {
    fn spread(items: &[Value], left: i64, out: &mut Vec<Value>) {
        for item in items {
            meter::charge_items(1);
            match item {
                Value::Array(inner) if left > 0 => spread(inner, left - 1, out),
                other => out.push(other.clone()),
            }
        }
    }
    let left = match levels.value {
        Value::Int(n) if n >= 0 => n,
        Value::Int(_) => return Err(fault(Type, "flatten needs a depth of 0 or more")),
        ref other => return Err(wrong_kind(other, "depth of flatten")),
    };
    let mut out = Vec::new();
    spread(items(&v)?, left, &mut out);
    Ok(V::list(out, v.inner_depth()))
}

pub(super) fn flatten_all(v: V) -> R {
    flatten(v, V::flat(i64::from(INPUT_DEPTH) * 4))
}

pub(super) fn to_entries(v: V) -> R {
    let map = members(&v)?;
    meter::charge_items(map.len().saturating_mul(4));
    let entry = |(key, value): (&Arc<str>, &Value)| Value::object([("key", Value::Str(Arc::clone(key))), ("value", value.clone())]);
    Ok(V::list(map.iter().map(entry).collect(), v.inner_depth() + 1))
}

pub(super) fn from_entries(v: V) -> R {
    let mut out = Map::new();
    for entry in items(&v)?.iter() {
        meter::charge_items(2);
        let first = |names: &[&str]| {
            let mut found = names.iter().filter_map(|name| entry.member(name));
            found.find(|value| !value.is_null()).cloned().unwrap_or_default()
        };
        let key = match first(&["key", "k", "name", "Name", "Key", "K"]) {
            Value::Str(key) => key,
            Value::Null => Arc::from("null"),
            scalar @ (Value::Bool(_) | Value::Int(_) | Value::Float(_)) => Arc::from(ops::json_text(&scalar)),
            other @ (Value::Array(_) | Value::Object(_)) => return Err(wrong_kind(&other, "object key")),
        };
        out.insert(key, first(&["value", "v", "Value", "V"]));
    }
    Ok(V::map(out, v.depth.saturating_sub(2)))
}

pub(super) fn transpose(v: V) -> R {
    let rows = items(&v)?;
    let widths = rows.iter().map(|row| row.as_array().map(<[Value]>::len).ok_or_else(|| wrong_kind(row, "row of an array of arrays")));
    let width = widths.collect::<R<Vec<usize>>>()?.into_iter().max().unwrap_or(0);
    meter::charge_items(width.saturating_mul(rows.len()));
    let column = |at: usize| rows.iter().map(move |row| row.as_array().and_then(|row| row.get(at)).cloned().unwrap_or_default());
    Ok(V::list((0..width).map(|at| Value::array(column(at))).collect(), v.inner_depth()))
}

/// Takes out all places named by `paths`, the last first, so that none moves another.
pub(super) fn delete_paths(v: V, paths: V) -> R {
    let mut sorted = items(&paths)?.to_vec();
    sorted.sort_by(|a, b| order(b, a));
    sorted.dedup_by(|a, b| order(a, b).is_eq());
    sorted.iter().try_fold(v, |v, path| match path {
        Value::Array(path) => delete_path(v, path),
        other => Err(wrong_kind(other, "path")),
    })
}

fn delete_path(v: V, path: &[Value]) -> R {
    let Some((first, rest)) = path.split_first() else { return Ok(V::flat(Value::Null)) };
    if matches!(v.value, Value::Null) {
        return Ok(v);
    }
    let key = V::input(first.clone());
    if v.clone().index(&key)?.value.is_null() && !rest.is_empty() {
        return Ok(v);
    }
    if let (Value::Array(items), Value::Int(at)) = (&v.value, &key.value)
        && super::place::position(*at, items.len()).is_none()
    {
        return Ok(v);
    }
    let renew = |old: V| {
        let new = if rest.is_empty() { None } else { Some(delete_path(old, rest).map_err(super::val::raise)) };
        new.into_iter()
    };
    v.map_index(&key, jaq_core::path::Opt::Essential, renew).map_err(|exn| match exn.get_err() {
        Ok(error) => error,
        Err(_) => fault(Type, "path cannot be deleted"),
    })
}

/// The edge's own strict reader, under its own limits.
pub(super) fn from_json(v: V) -> R {
    let Value::Str(json) = &v.value else { return Err(wrong_kind(&v.value, "JSON text")) };
    meter::charge_bytes(json.len().saturating_mul(4));
    let limits = ValueLimits { bytes_max: 16 << 20, depth_max: usize::from(INPUT_DEPTH) };
    let value = parse_with(json.as_bytes(), limits).map_err(|e| fault(Parse, format!("cannot read text as JSON: {}", e.detail)))?;
    Ok(V::nested(text::unreserved(value)?, INPUT_DEPTH))
}

pub(super) fn to_json(v: V) -> R {
    Ok(V::flat(Value::from(ops::json_text(&v.value))))
}

pub(super) fn to_number(v: V) -> R {
    match &v.value {
        Value::Int(_) | Value::Float(_) => Ok(v),
        Value::Str(text) if text.len() <= 512 => ops::parse_number(text),
        Value::Str(_) => Err(fault(Parse, "cannot read text as a number")),
        other => Err(wrong_kind(other, "number")),
    }
}

pub(super) fn abs(v: V) -> R {
    match &v.value {
        Value::Int(n) => n.checked_abs().map(V::flat).ok_or_else(|| fault(Overflow, "integer overflow in `abs`")),
        _ => rounded(&v, f64::abs),
    }
}

fn rounded(v: &V, f: fn(f64) -> f64) -> R {
    match &v.value {
        Value::Int(n) => Ok(V::flat(*n)),
        Value::Float(n) => ops::float(f(n.value())),
        other => Err(wrong_kind(other, "number")),
    }
}

pub(super) fn floor(v: V) -> R {
    rounded(&v, f64::floor)
}

pub(super) fn ceil(v: V) -> R {
    rounded(&v, f64::ceil)
}

pub(super) fn round(v: V) -> R {
    rounded(&v, f64::round)
}

pub(super) fn trunc(v: V) -> R {
    rounded(&v, f64::trunc)
}

/// IEEE 754 asks for the correctly rounded root, so it is equal everywhere.
pub(super) fn sqrt(v: V) -> R {
    let root = match &v.value {
        Value::Int(n) => (*n as f64).sqrt(),
        Value::Float(n) => n.value().sqrt(),
        other => return Err(wrong_kind(other, "number")),
    };
    normalise_f64(root).map(V::flat).map_err(|_| fault(Overflow, "cannot take the root of a negative number"))
}
