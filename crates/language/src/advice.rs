//! What compiles but should be looked at: exports that drop keys of the context, and forks whose branches export the same key (an
//! error). Only what is visible in the text is judged; everything else is decided when it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provost_model::Program;
use provost_model::Value;
use provost_model::program::{Block, TaskIx, TaskKind, Template};

use crate::finding::{Code, Log, Place, listed};

/// What an `export.as` does to the context, as far as its text says.
#[derive(Debug, PartialEq, Eq)]
struct Export {
    /// Whether the earlier context stays.
    keeps: bool,
    keys: BTreeSet<Arc<str>>,
}

/// Checks a program's exports; `places` says where they stand.
pub(crate) fn check(program: &Program, places: &BTreeMap<TaskIx, Place>, log: &Log) {
    let advice = Advice { program, places, log };
    advice.block(&program.root, BTreeSet::new());
    for task in &program.tasks {
        if let TaskKind::Fork(fork) = &task.kind
            && !fork.compete
        {
            advice.fork(&fork.branches);
        }
    }
}

struct Advice<'p> {
    program: &'p Program,
    places: &'p BTreeMap<TaskIx, Place>,
    log: &'p Log,
}

impl Advice<'_> {
    /// Walks a list in order with the keys known to be in the context; hands back those known after it.
    fn block(&self, block: &Block, mut known: BTreeSet<Arc<str>>) -> BTreeSet<Arc<str>> {
        for index in block {
            known = self.task(*index, known);
        }
        known
    }

    fn task(&self, index: TaskIx, mut known: BTreeSet<Arc<str>>) -> BTreeSet<Arc<str>> {
        let Some(task) = self.program.task(index) else { return known };
        match &task.kind {
            TaskKind::Do(block) => known = self.block(block, known),
            TaskKind::Extended(extended) => known = self.block(&extended.body, known),
            TaskKind::Aside(aside) => known = self.block(&aside.body, known),
            TaskKind::Try(attempt) => known = self.block(&attempt.body, known),
            TaskKind::For(each) => known = self.block(&each.body, known),
            TaskKind::Listen(listen) => known = listen.each.iter().fold(known, |known, each| self.block(&each.body, known)),
            TaskKind::Fork(fork) => {
                for branch in &fork.branches {
                    let added = self.task(*branch, known.clone());
                    known.extend(added);
                }
            }
            TaskKind::Set(_)
            | TaskKind::Switch(_)
            | TaskKind::Raise(_)
            | TaskKind::Wait(_)
            | TaskKind::Emit(_)
            | TaskKind::Agent(_)
            | TaskKind::Rules(_)
            | TaskKind::Decide(_)
            | TaskKind::Policy(_)
            | TaskKind::Review(_)
            | TaskKind::Act(_)
            | TaskKind::Run(_)
            | TaskKind::Compensate(_) => {}
        }
        let Some(export) = task.export.to.as_ref() else { return known };
        let Some(export) = self.export(export) else { return BTreeSet::new() };
        let lost: Vec<&str> = known.difference(&export.keys).map(|key| &**key).collect();
        if !export.keeps && !lost.is_empty() {
            let at = self.places.get(&index).copied().unwrap_or(Place::START);
            let hint = "write `${ $context + { … } }` to keep them";
            self.log.warn(
                Code::ContextDropped,
                at,
                format!("`export.as` of `{}` drops {} from the context", task.name, listed(&lost)),
                hint,
            );
        }
        if export.keeps {
            known.extend(export.keys);
            return known;
        }
        export.keys
    }

    fn export(&self, template: &Template) -> Option<Export> {
        match template {
            Template::Expression(index) => read(&self.program.expressions.get(index.0 as usize)?.source),
            Template::Object(members) => Some(Export { keeps: false, keys: members.iter().map(|(key, _)| key.clone()).collect() }),
            Template::Literal(Value::Object(map)) => Some(Export { keeps: false, keys: map.iter().map(|(key, _)| key.clone()).collect() }),
            Template::Literal(_) | Template::Array(_) => None,
        }
    }

    /// The same literal key from two branches cannot be merged.
    fn fork(&self, branches: &Block) {
        let mut owners: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
        for branch in branches {
            let Some(task) = self.program.task(*branch) else { continue };
            let mut keys = Vec::new();
            self.exported(*branch, &mut keys);
            let mine: BTreeSet<Arc<str>> = keys.iter().map(|(key, _)| key.clone()).collect();
            for key in mine {
                let at = keys.iter().find(|(k, _)| *k == key).map_or(Place::START, |(_, at)| *at);
                if let Some(other) = owners.get(&key) {
                    let message = format!("branches `{other}` and `{}` both export `{key}`", task.name);
                    self.log.error_hint(Code::ForkConflict, at, message, "give each branch a key of its own");
                } else {
                    owners.insert(key, task.name.clone());
                }
            }
        }
    }

    fn exported(&self, index: TaskIx, out: &mut Vec<(Arc<str>, Place)>) {
        let Some(task) = self.program.task(index) else { return };
        let at = self.places.get(&index).copied().unwrap_or(Place::START);
        if let Some(export) = task.export.to.as_ref().and_then(|export| self.export(export)) {
            out.extend(export.keys.into_iter().map(|key| (key, at)));
        }
        let inner: &[TaskIx] = match &task.kind {
            TaskKind::Do(block) => block,
            TaskKind::Extended(extended) => &extended.body,
            TaskKind::Aside(aside) => &aside.body,
            TaskKind::Try(attempt) => &attempt.body,
            TaskKind::For(each) => &each.body,
            TaskKind::Listen(listen) => listen.each.as_ref().map_or(&[], |each| &each.body),
            TaskKind::Fork(fork) => &fork.branches,
            TaskKind::Set(_)
            | TaskKind::Switch(_)
            | TaskKind::Raise(_)
            | TaskKind::Wait(_)
            | TaskKind::Emit(_)
            | TaskKind::Agent(_)
            | TaskKind::Rules(_)
            | TaskKind::Decide(_)
            | TaskKind::Policy(_)
            | TaskKind::Review(_)
            | TaskKind::Act(_)
            | TaskKind::Run(_)
            | TaskKind::Compensate(_) => &[],
        };
        for index in inner {
            self.exported(*index, out);
        }
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
