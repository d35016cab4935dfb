//! Writing a place in a value: what `|=` and its kin do to children.
//!
//! What must stay true: only the first output of the new value counts, none removes the place; what this evaluation built alone is
//! changed where it lies, anything else is copied first and the copy charged.

use std::sync::Arc;

use jaq_core::path::Opt;
use jaq_core::val::ValX;
use provost_model::Value;
use provost_model::value::Map;

use super::error::EvalErrorKind::Type;
use super::meter::{self, Nested};
use super::place::{self, no_place, not_iterable};
use super::trace::Spot;
use super::val::{DEPTH_MAX, V, fault, raise};

/// The list, ready to be changed.
pub(super) fn items_mut(items: &mut Arc<Vec<Value>>) -> &mut Vec<Value> {
    if Arc::get_mut(items).is_none() {
        meter::charge_items(items.len());
    }
    Arc::make_mut(items)
}

/// The members, ready to be changed.
pub(super) fn members_mut(map: &mut Arc<Map>) -> &mut Map {
    if Arc::get_mut(map).is_none() {
        meter::charge_items(map.len().saturating_mul(2));
    }
    Arc::make_mut(map)
}

/// The new value of a place, if it has one. All its labels count for the whole.
fn renew<'a, I: Iterator<Item = ValX<'a, V>>>(old: V, f: &impl Fn(V) -> I) -> ValX<'a, Option<V>, V> {
    let new = renew_apart(old, f)?;
    new.iter().for_each(|new| new.spot.read());
    Ok(new)
}

/// The new value of a place, if it has one, with its own labels.
fn renew_apart<'a, I: Iterator<Item = ValX<'a, V>>>(old: V, f: &impl Fn(V) -> I) -> ValX<'a, Option<V>, V> {
    let _nested = Nested::enter();
    f(old).next().transpose()
}

fn give_up<'a>(v: V, opt: Opt, error: impl FnOnce(&V) -> jaq_core::Error<V>) -> ValX<'a, V> {
    opt.fail(v, |v| raise(error(&v)))
}

/// `.[] |= f`.
pub(super) fn every<'a, I: Iterator<Item = ValX<'a, V>>>(v: V, opt: Opt, f: impl Fn(V) -> I) -> ValX<'a, V> {
    meter::charge(1);
    let mut depth = 0;
    let inner = v.inner_depth();
    match v.value {
        Value::Array(items) => {
            let mut out = Vec::new();
            for item in items.iter() {
                let old = V::nested(item.clone(), inner);
                if let Some(new) = renew(old, &f)? {
                    depth = depth.max(new.depth);
                    meter::charge_items(1);
                    out.push(new.value);
                }
            }
            Ok(V::list(out, depth))
        }
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, member) in map.iter() {
                let old = V::nested(member.clone(), inner);
                if let Some(new) = renew(old, &f)? {
                    depth = depth.max(new.depth);
                    meter::charge_items(2);
                    out.insert(Arc::clone(key), new.value);
                }
            }
            Ok(V::map(out, depth))
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => give_up(v, opt, |v| not_iterable(&v.value)),
    }
}

/// `.[index] |= f`.
pub(super) fn at<'a, I: Iterator<Item = ValX<'a, V>>>(v: V, index: &V, opt: Opt, f: impl Fn(V) -> I) -> ValX<'a, V> {
    meter::charge(1);
    let (inner, outer, spot) = (v.inner_depth(), v.depth, v.spot);
    if !matches!((&v.value, &index.value), (Value::Null | Value::Object(_), Value::Str(_))) {
        spot.read();
    }
    match (v.value, &index.value) {
        (Value::Null, Value::Str(key)) => member((Arc::default(), spot), outer, inner, key, &f),
        (Value::Object(map), Value::Str(key)) => member((map, spot), outer, inner, key, &f),
        (Value::Null, Value::Int(_) | Value::Float(_)) => item(Arc::default(), outer, inner, &index.value, &f),
        (Value::Array(items), Value::Int(_) | Value::Float(_)) => item(items, outer, inner, &index.value, &f),
        (value @ (Value::Null | Value::Array(_)), Value::Object(_)) => {
            let v = V::nested(value, outer);
            match place::slice_bounds(&index.value) {
                Some((start, end)) => slice(v, Some(&start), Some(&end), opt, f),
                None => give_up(v, opt, |v| no_place(&v.value, &index.value)),
            }
        }
        (value, _) => give_up(V::nested(value, outer), opt, |v| no_place(&v.value, &index.value)),
    }
}

fn member<'a, I>((mut map, spot): (Arc<Map>, Spot), outer: u16, inner: u16, key: &Arc<str>, f: &impl Fn(V) -> I) -> ValX<'a, V>
where
    I: Iterator<Item = ValX<'a, V>>,
{
    meter::charge_scan(key.len() + map.len() / 8);
    let members = members_mut(&mut map);
    // Taken out while it is renewed, so that it can be changed where it lies.
    let old = if members.contains(key) { members.insert(Arc::clone(key), Value::Null) } else { None };
    let old = V::nested(old.unwrap_or_default(), inner).at(spot.member(key));
    let (depth, new) = match renew_apart(old, f)? {
        Some(new) => {
            meter::charge_items(2);
            members.insert(Arc::clone(key), new.value);
            (new.depth, new.spot)
        }
        None => {
            members.remove(key);
            (0, Spot::NONE)
        }
    };
    let part = Spot::holding([(&**key, new)].into_iter().filter(|(_, new)| *new != Spot::NONE));
    let spot = Spot::united(spot, part, std::iter::once(&**key));
    Ok(V::nested(Value::Object(map), outer.max(depth + 1)).at(spot))
}

fn item<'a, I>(mut items: Arc<Vec<Value>>, outer: u16, inner: u16, index: &Value, f: &impl Fn(V) -> I) -> ValX<'a, V>
where
    I: Iterator<Item = ValX<'a, V>>,
{
    let len = items.len();
    let wanted = place::whole(index).unwrap_or_default();
    let at = match place::position(wanted, len) {
        Some(at) => at,
        None if wanted < 0 => return Err(raise(fault(Type, "cannot write before the start of an array"))),
        None => usize::try_from(wanted).unwrap_or(usize::MAX),
    };
    let list = items_mut(&mut items);
    let old = list.get_mut(at).map(std::mem::take).unwrap_or_default();
    let depth = match renew(V::nested(old, inner), f)? {
        Some(new) => {
            meter::charge_items(at.saturating_add(1).saturating_sub(len).max(1));
            if at >= list.len() {
                list.resize(at + 1, Value::Null);
            }
            if let Some(place) = list.get_mut(at) {
                *place = new.value;
            }
            new.depth
        }
        None => {
            if at < list.len() {
                meter::charge_scan(len);
                list.remove(at);
            }
            0
        }
    };
    Ok(V::nested(Value::Array(items), outer.max(depth + 1)))
}

/// `.[start:end] |= f`.
pub(super) fn slice<'a, I>(v: V, start: Option<&V>, end: Option<&V>, opt: Opt, f: impl Fn(V) -> I) -> ValX<'a, V>
where
    I: Iterator<Item = ValX<'a, V>>,
{
    meter::charge(1);
    let outer = v.depth.min(DEPTH_MAX);
    let mut items = match v.value {
        Value::Array(items) => items,
        Value::Null => Arc::default(),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::Object(_) => {
            return give_up(v, opt, |v| fault(Type, format!("cannot write a slice of {}", v.value.kind())));
        }
    };
    let span = place::span(items.len(), start, end).map_err(raise)?;
    let part = items.get(span.clone()).unwrap_or_default().to_vec();
    meter::charge_items(part.len());
    let (new, depth) = match renew(V::nested(Value::Array(Arc::new(part)), outer), &f)? {
        None => (Arc::default(), 0),
        Some(V { value: Value::Array(new), depth, .. }) => (new, depth),
        Some(other) => return Err(raise(fault(Type, format!("a slice can only become an array, not {}", other.value.kind())))),
    };
    meter::charge_items(items.len() + new.len());
    items_mut(&mut items).splice(span, new.iter().cloned());
    Ok(V::nested(Value::Array(items), outer.max(depth)))
}
