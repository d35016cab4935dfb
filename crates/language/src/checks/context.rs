//! Exports that drop keys of the context. Only what is visible in the text is judged; everything else is decided when it runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use provost_model::program::{Block, TaskIx, TaskKind, Template};
use provost_model::{Program, Value};

use super::Subject;
use super::blocks::inside;
use crate::finding::{Code, listed};

/// What an `export.as` does to the context, as far as its text says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Export {
    /// Whether the earlier context stays.
    keeps: bool,
    /// The keys it writes.
    pub(super) keys: BTreeSet<Arc<str>>,
}

pub(super) fn check(subject: Subject<'_>) {
    block(subject, &subject.program.root, BTreeSet::new());
}

/// Walks a list in order with the keys known to be in the context; hands back those known after it.
fn block(subject: Subject<'_>, block: &Block, mut known: BTreeSet<Arc<str>>) -> BTreeSet<Arc<str>> {
    for index in block {
        known = task(subject, *index, known);
    }
    known
}

fn task(subject: Subject<'_>, index: TaskIx, mut known: BTreeSet<Arc<str>>) -> BTreeSet<Arc<str>> {
    let Some(task) = subject.program.task(index) else { return known };
    match &task.kind {
        TaskKind::Fork(fork) => {
            for branch in &fork.branches {
                let added = self::task(subject, *branch, known.clone());
                known.extend(added);
            }
        }
        // What a handler exports is there only after an error.
        kind => {
            if let Some(inner) = inside(kind).first() {
                known = block(subject, inner, known);
            }
        }
    }
    let Some(to) = task.export.to.as_ref() else { return known };
    let Some(export) = export(subject.program, to) else { return BTreeSet::new() };
    let lost: Vec<&str> = known.difference(&export.keys).map(|key| &**key).collect();
    if !export.keeps && !lost.is_empty() {
        let hint = "write `${ $context + { … } }` to keep them";
        let message = format!("`export.as` of `{}` drops {} from the context", task.name, listed(&lost));
        subject.log.warn(Code::ContextDropped, subject.places.export(index), message, hint);
    }
    if export.keeps {
        known.extend(export.keys);
        return known;
    }
    export.keys
}

/// What `template` as `export.as` does.
pub(super) fn export(program: &Program, template: &Template) -> Option<Export> {
    match template {
        Template::Expression(index) => read(&program.expressions.get(index.0 as usize)?.source),
        Template::Object(members) => Some(Export { keeps: false, keys: members.iter().map(|(key, _)| key.clone()).collect() }),
        Template::Literal(Value::Object(map)) => Some(Export { keeps: false, keys: map.iter().map(|(key, _)| key.clone()).collect() }),
        Template::Literal(_) | Template::Array(_) => None,
    }
}

/// Reads `{ … }`, `$context + { … }` and `{ … } + $context`; anything else is not judged.
fn read(source: &str) -> Option<Export> {
    let source = source.trim();
    if source == "$context" || source == "$context + ." || source == ". + $context" {
        return Some(Export { keeps: true, keys: BTreeSet::new() });
    }
    let before = source.strip_prefix("$context").and_then(|rest| rest.trim_start().strip_prefix('+')).map(str::trim_start);
    let after = source.strip_suffix("$context").and_then(|rest| rest.trim_end().strip_suffix('+')).map(str::trim_end);
    let (keeps, object) = match (before, after) {
        (Some(object), _) | (None, Some(object)) => (true, object),
        (None, None) => (false, source),
    };
    keys(object).map(|keys| Export { keeps, keys })
}

/// The keys of one object construction that is the whole text.
fn keys(text: &str) -> Option<BTreeSet<Arc<str>>> {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    let mut members = vec![String::new()];
    let mut closed = false;
    for c in text.chars() {
        if closed && !c.is_whitespace() {
            return None;
        }
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.checked_sub(1)?;
                closed = depth == 0;
            }
            ',' if depth == 1 => {
                members.push(String::new());
                continue;
            }
            _ => {}
        }
        if depth == 0 && !closed && !c.is_whitespace() {
            return None;
        }
        members.last_mut()?.push(c);
    }
    closed.then(|| members.iter().map(|member| key(member)).collect::<Option<BTreeSet<_>>>())?
}

fn key(member: &str) -> Option<Arc<str>> {
    let member = member.trim().trim_start_matches('{').trim_end_matches('}').trim();
    let key = member.split_once(':').map_or(member, |(key, _)| key).trim();
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key.trim_start_matches('$'));
    let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    plain.then(|| key.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(keeps: bool, keys: &[&str]) -> Option<Export> {
        Some(Export { keeps, keys: keys.iter().map(|key| Arc::from(*key)).collect() })
    }

    #[test]
    fn reads_what_is_visible() {
        assert_eq!(read("{ request: . }"), export(false, &["request"]));
        assert_eq!(read("$context + { a: .x, b: { c: 1 } }"), export(true, &["a", "b"]));
        assert_eq!(read("{ \"a b\": 1 } + $context"), None);
        assert_eq!(read("{ a: \"},{\" } + $context"), export(true, &["a"]));
        assert_eq!(read("$context | .a = 1"), None);
        assert_eq!(read("{ a } * { b }"), None);
        assert_eq!(read("$context"), export(true, &[]));
    }
}
