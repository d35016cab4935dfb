//! Regular expressions: an engine that never backtracks, with its work charged before it is done.
//!
//! What must stay true: a pattern that would need a large program is refused; each search is charged for all the text that is left, times
//! the size class of the pattern, because finding all matches can look at the rest of the text once per match.

use std::cell::RefCell;

use provost_model::Value;
use regex::{Captures, Regex, RegexBuilder};

use super::error::EvalErrorKind::Parse;
use super::list::items;
use super::meter;
use super::text::str_of;
use super::val::{R, V, fault};

/// Largest programs, in bytes as the engine counts them, with the weight of a byte searched.
const CLASSES: [(usize, usize); 3] = [(32 << 10, 1), (128 << 10, 4), (512 << 10, 16)];
/// Units that compiling takes for each byte of a pattern.
const COMPILE_UNITS_PER_BYTE: usize = 16;
/// Longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 4096;
/// Patterns remembered within one evaluation.
const REMEMBERED_MAX: usize = 8;

/// Patterns compiled in this evaluation.
#[derive(Default)]
pub(super) struct Patterns(RefCell<Vec<(String, Pattern)>>);

#[derive(Clone)]
struct Pattern {
    regex: Regex,
    weight: usize,
    /// Units that a search takes before it looks at text.
    start: usize,
    every: bool,
    skip_empty: bool,
}

impl Patterns {
    fn pattern(&self, source: &str, flags: &str) -> R<Pattern> {
        meter::charge_scan(source.len());
        let key = format!("{flags}/{source}");
        if let Some((_, pattern)) = self.0.borrow().iter().find(|(known, _)| *known == key) {
            return Ok(pattern.clone());
        }
        let pattern = compile(source, flags)?;
        let mut known = self.0.borrow_mut();
        if known.len() < REMEMBERED_MAX {
            known.push((key, pattern.clone()));
        }
        Ok(pattern)
    }
}

fn compile(source: &str, flags: &str) -> R<Pattern> {
    if source.len() > PATTERN_BYTES_MAX {
        return Err(fault(Parse, format!("regular expression is longer than {PATTERN_BYTES_MAX} bytes")));
    }
    let unknown = flags.chars().find(|flag| !"gnimslxp".contains(*flag));
    if let Some(flag) = unknown {
        return Err(fault(Parse, format!("unknown flag `{flag}` of a regular expression; use g, i, l, m, n, p, s or x")));
    }
    let on = |flag: char| flags.contains(flag);
    for (size_max, weight) in CLASSES {
        meter::charge(250 * weight + COMPILE_UNITS_PER_BYTE * source.len());
        let built = RegexBuilder::new(source)
            .case_insensitive(on('i'))
            .multi_line(on('m') || on('p'))
            .dot_matches_new_line(on('s') || on('p'))
            .swap_greed(on('l'))
            .ignore_whitespace(on('x'))
            .size_limit(size_max)
            .dfa_size_limit(1 << 20)
            .nest_limit(32)
            .build();
        match built {
            Ok(regex) => return Ok(Pattern { regex, weight, start: source.len() / 2, every: on('g'), skip_empty: on('n') }),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(_) => return Err(fault(Parse, "cannot read text as a regular expression")),
        }
    }
    Err(fault(Parse, "regular expression needs too large a program; lower its counted repetitions"))
}

/// Walks the matches of `pattern` in `text`, from left to right.
fn each_match<'t>(pattern: &Pattern, text: &'t str, mut take: impl FnMut(&Captures<'t>)) {
    let mut found = pattern.regex.captures_iter(text);
    let mut from = 0;
    loop {
        meter::charge(1 + pattern.start + text.len().saturating_sub(from).saturating_mul(pattern.weight) / 4);
        let Some(captures) = found.next() else { return };
        let Some(whole) = captures.get(0) else { return };
        from = whole.end();
        if !(pattern.skip_empty && whole.is_empty()) {
            take(&captures);
        }
        if !pattern.every {
            return;
        }
    }
}

/// Counts code points up to growing byte offsets.
struct Places<'t> {
    text: &'t str,
    bytes: usize,
    chars: usize,
}

impl Places<'_> {
    fn at(&mut self, bytes: usize) -> i64 {
        let (from, base) = if bytes < self.bytes { (0, 0) } else { (self.bytes, self.chars) };
        let between = self.text.get(from..bytes).unwrap_or_default();
        meter::charge_scan(between.len());
        (self.bytes, self.chars) = (bytes, base + between.chars().count());
        self.chars as i64
    }
}

fn describe(pattern: &Pattern, captures: &Captures<'_>, places: &mut Places<'_>) -> Value {
    let mut groups = Vec::new();
    for (at, name) in pattern.regex.capture_names().enumerate() {
        let group = captures.get(at);
        let text = group.map(|group| group.as_str());
        meter::charge_items(8);
        meter::charge_bytes(text.map_or(0, str::len));
        let offset = group.map_or(-1, |group| places.at(group.start()));
        let length = text.map_or(0, |text| text.chars().count() as i64);
        let mut fields = vec![("offset", Value::Int(offset)), ("length", Value::Int(length)), ("string", Value::from(text))];
        if at > 0 {
            fields.push(("name", Value::from(name)));
        }
        groups.push(fields);
    }
    let mut groups = groups.into_iter();
    let mut whole = groups.next().unwrap_or_default();
    whole.push(("captures", Value::array(groups.map(Value::object))));
    Value::object(whole)
}

/// All matches as jq's `match` describes them.
pub(super) fn matches(patterns: &Patterns, v: V, source: V, flags: V) -> R {
    let text = str_of(&v)?;
    let pattern = patterns.pattern(str_of(&source)?, str_of(&flags)?)?;
    let mut places = Places { text, bytes: 0, chars: 0 };
    let mut found = Vec::new();
    each_match(&pattern, text, |captures| found.push(describe(&pattern, captures, &mut places)));
    Ok(V::list(found, 3))
}

/// The text between the matches, and the matches between them, in order.
pub(super) fn pieces(patterns: &Patterns, v: V, source: V, flags: V) -> R {
    let text = str_of(&v)?;
    let pattern = patterns.pattern(str_of(&source)?, str_of(&flags)?)?;
    let mut places = Places { text, bytes: 0, chars: 0 };
    let (mut pieces, mut from) = (Vec::new(), 0);
    let plain = |range: &str| {
        meter::charge_items(1);
        meter::charge_bytes(range.len());
        Value::from(range)
    };
    each_match(&pattern, text, |captures| {
        if let Some(whole) = captures.get(0) {
            pieces.push(plain(text.get(from..whole.start()).unwrap_or_default()));
            pieces.push(describe(&pattern, captures, &mut places));
            from = whole.end();
        }
    });
    pieces.push(plain(text.get(from..).unwrap_or_default()));
    Ok(V::list(pieces, 3))
}

/// The named groups of a match as an object.
pub(super) fn named(v: V) -> R {
    let groups = V::input(v.value.member("captures").cloned().unwrap_or_default());
    let mut pairs = Vec::new();
    for group in items(&groups)?.iter() {
        meter::charge_items(2);
        if let Some(Value::Str(name)) = group.member("name") {
            pairs.push((name.clone(), group.member("string").cloned().unwrap_or_default()));
        }
    }
    Ok(V::map(pairs.into_iter().collect(), 0))
}
