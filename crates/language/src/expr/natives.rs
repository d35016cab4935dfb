//! The filters written in Rust: one line each.
//!
//! What must stay true: each call is charged, and each filter charges its own work before it does it. Names that start with `_` are for
//! the prelude; authors cannot call them (see `catalogue`).

use jaq_core::native::{bome, v};
use jaq_core::val::{ValX, ValXs};
use jaq_core::{Bind, Cv, DataT, Error, Lut, Native, data::HasLut};
use provost_model::Value;

use super::error::EvalErrorKind::Type;
use super::module::Entries;
use super::regexp::{self, Patterns};
use super::val::{R, V, fault, raise, wrong_kind};
use super::{dates, list, meter, ops, text};

/// What jaq knows of us: the type of values, and what natives may reach.
pub(super) struct Jq;

/// What natives may reach.
#[derive(Clone, Copy)]
pub(super) struct Reach<'a> {
    pub(super) lut: &'a Lut<Jq>,
    pub(super) patterns: &'a Patterns,
    pub(super) entries: Option<&'a Entries>,
}

impl DataT for Jq {
    type V<'a> = V;
    type Data<'a> = Reach<'a>;
}

impl<'a> HasLut<'a, Jq> for Reach<'a> {
    fn lut(&self) -> &'a Lut<Jq> {
        self.lut
    }
}

/// One native filter.
pub(super) type Fun = jaq_core::native::Fun<Jq>;

macro_rules! plain {
    ($($name:literal $f:path),* $(,)?) => {
        [$(($name, v(0), Native::new(|cv: Cv<'_, Jq>| {
            cv.1.spot.read();
            called(|| $f(cv.1))
        }))),*]
    };
}

macro_rules! with_one {
    ($($name:literal $f:path),* $(,)?) => {
        [$(($name, v(1), Native::new(|mut cv: Cv<'_, Jq>| {
            let argument = cv.0.pop_var();
            cv.1.spot.read();
            argument.spot.read();
            called(|| $f(cv.1, argument))
        }))),*]
    };
}

fn called<'a>(f: impl FnOnce() -> R) -> ValXs<'a, V> {
    meter::charge(1);
    meter::check_stack();
    bome(f())
}

/// All native filters, ours and those of jaq-core whose work passes through the value type.
pub(super) fn all() -> Vec<Fun> {
    let mut funs: Vec<Fun> = Vec::new();
    let kept = ["path", "path_value", "range", "first", "last", "limit", "skip"];
    funs.extend(jaq_core::funs().filter(|(name, ..)| kept.contains(name)));
    funs.extend(constants());
    funs.extend(on_values());
    funs.extend(on_text());
    funs.extend(by_filter());
    funs.push(("_entry", Box::new([Bind::Fun(())]), Native::new(|cv| entry(cv))));
    funs
}

/// What reads nothing of its input, and `_raise`.
fn constants() -> Vec<Fun> {
    let unread: [Fun; 3] = [
        ("true", v(0), Native::new(|_| called(|| Ok(V::flat(true))))),
        ("false", v(0), Native::new(|_| called(|| Ok(V::flat(false))))),
        ("null", v(0), Native::new(|_| called(|| Ok(V::flat(Value::Null))))),
    ];
    unread.into_iter().chain(plain!["_raise" raised]).collect()
}

fn raised(v: V) -> R {
    Err(Error::new(v))
}

fn on_values() -> Vec<Fun> {
    let plain = plain![
        "length" list::length, "keys" list::keys, "keys_unsorted" list::keys, "reverse" list::reverse, "sort" list::sort,
        "unique" list::unique, "add" list::add, "flatten" list::flatten_all, "to_entries" list::to_entries,
        "from_entries" list::from_entries, "transpose" list::transpose, "fromjson" list::from_json, "tojson" list::to_json,
        "@json" list::to_json, "tonumber" list::to_number, "abs" list::abs, "fabs" list::abs, "floor" list::floor, "ceil" list::ceil,
        "round" list::round, "trunc" list::trunc, "sqrt" list::sqrt,
    ];
    let dates = plain![
        "fromdate" dates::from_text, "fromdateiso8601" dates::from_text, "todate" dates::to_text, "todateiso8601" dates::to_text,
        "date" dates::to_text, "gmtime" dates::broken_down, "mktime" dates::together,
    ];
    let one = with_one![
        "has" list::has, "contains" list::contains, "indices" find, "flatten" list::flatten, "delpaths" list::delete_paths,
    ];
    let kind: Fun = (
        "type",
        v(0),
        Native::new(|cv: Cv<'_, Jq>| {
            cv.1.spot.read_kind();
            called(|| list::kind(cv.1))
        }),
    );
    plain.into_iter().chain(dates).chain(one).chain([kind]).collect()
}

fn find(v: V, part: V) -> R {
    list::indices(&v, &part)
}

fn on_text() -> Vec<Fun> {
    let plain = plain![
        "utf8bytelength" text::utf8_length, "ascii_downcase" text::downcase, "ascii_upcase" text::upcase, "trim" text::trim,
        "ltrim" text::trim_start, "rtrim" text::trim_end, "explode" text::explode, "implode" text::implode, "@text" text::format_text,
        "@uri" text::format_uri, "@html" text::format_html, "@base64" text::format_base64, "@base64d" text::format_base64d,
        "@csv" text::format_csv, "@tsv" text::format_tsv, "@sh" text::format_sh, "_named" regexp::named, "_text" only_text,
    ];
    let one = with_one![
        "startswith" text::starts_with, "endswith" text::ends_with, "ltrimstr" text::strip_start, "rtrimstr" text::strip_end,
        "split" text::split, "join" text::join,
    ];
    let pattern: [Fun; 2] = [
        ("_matches", v(2), Native::new(|cv| with_pattern(cv, regexp::matches))),
        ("_pieces", v(2), Native::new(|cv| with_pattern(cv, regexp::pieces))),
    ];
    plain.into_iter().chain(one).chain(pattern).collect()
}

fn only_text(v: V) -> R {
    if matches!(v.value, Value::Str(_)) { Ok(v) } else { Err(wrong_kind(&v.value, "replacement; use a string")) }
}

fn with_pattern<'a>(mut cv: Cv<'a, Jq>, f: fn(&Patterns, V, V, V) -> R) -> ValXs<'a, V> {
    let flags = cv.0.pop_var();
    let source = cv.0.pop_var();
    let patterns = cv.0.data().patterns;
    [&cv.1, &source, &flags].into_iter().for_each(|v| v.spot.read());
    called(|| f(patterns, cv.1, source, flags))
}

fn by_filter() -> [Fun; 2] {
    let f = || -> Box<[Bind]> { Box::new([Bind::Fun(())]) };
    [
        ("_sorted_by", f(), Native::new(|cv| Box::new(std::iter::once(keyed(cv).map(sorted))))),
        ("_groups_by", f(), Native::new(|cv| Box::new(std::iter::once(keyed(cv).map(grouped))))),
    ]
}

/// A list with the outputs of a filter for each item, sorted by them.
struct Keyed {
    depth: u16,
    items: Vec<(Vec<V>, Value)>,
}

fn keyed<'a>(mut cv: Cv<'a, Jq>) -> ValX<'a, Keyed, V> {
    meter::charge(1);
    meter::check_stack();
    cv.1.spot.read();
    let (f, context) = cv.0.pop_fun();
    let depth = cv.1.inner_depth();
    let mut items = Vec::new();
    for item in list::items(&cv.1).map_err(raise)?.iter() {
        meter::charge_items(1);
        let keys = f.run((context.clone(), cv.1.child(item.clone()))).collect::<ValX<'a, Vec<V>, V>>()?;
        meter::charge_items(keys.len());
        keys.iter().for_each(|key| key.spot.read());
        items.push((keys, item.clone()));
    }
    items.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Keyed { depth, items })
}

fn sorted(keyed: Keyed) -> V {
    V::list(keyed.items.into_iter().map(|(_, item)| item).collect(), keyed.depth)
}

fn grouped(keyed: Keyed) -> V {
    let mut groups: Vec<Vec<Value>> = Vec::new();
    let mut last: Option<Vec<V>> = None;
    for (keys, item) in keyed.items {
        meter::charge_items(1);
        match groups.last_mut() {
            Some(group) if last.as_ref() == Some(&keys) => group.push(item),
            Some(_) | None => groups.push(vec![item]),
        }
        last = Some(keys);
    }
    V::list(groups.into_iter().map(|group| Value::Array(group.into())).collect(), keyed.depth + 1)
}

/// Notes where an expression begins in the compiled module; run once, when the module is compiled.
fn entry<'a>(mut cv: Cv<'a, Jq>) -> ValXs<'a, V> {
    let (id, _) = cv.0.pop_fun();
    match cv.0.data().entries {
        Some(entries) => entries.borrow_mut().push(id),
        None => return bome(Err(fault(Type, "an entry is no filter"))),
    }
    Box::new(std::iter::empty())
}

/// The text of an error for the outside.
pub(super) fn shown(v: &V) -> String {
    match &v.value {
        Value::Str(text) => text.to_string(),
        other => ops::json_text(other),
    }
}
