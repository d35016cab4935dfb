//! `export.as`: what a task changes in `$context`, and how the branches of a fork come together.

use std::sync::Arc;

use provost_model::planted::planted;
use provost_model::program::{Task, TaskKind};
use provost_model::record::Exported;
use provost_model::value::Map;
use provost_model::{Labelled, Labels, Position, Problem, Value};

use crate::evolve::apply;
use crate::state::OpenKind;
use crate::turn::{Scope, Turn};

/// What the task at `at` exports, as the changed top-level keys; `None` when nothing changed.
///
/// # Errors
/// `expression`, `validation` and `fork-conflict` problems.
pub(crate) fn exported(
    turn: &Turn<'_>,
    at: &Position,
    task: &Task,
    output: &Labelled,
    scope: impl FnOnce() -> Scope,
) -> Result<Option<Exported>, Problem> {
    let merged = joined(turn, at, task)?;
    let Some(to) = &task.export.to else {
        return Ok(merged);
    };
    let before = turn.state.context(at);
    // `export.as` replaces `$context`; it sees what the branches exported.
    let scope = match &merged {
        Some(merged) => Scope { more: vec![("context".into(), apply(&before, merged))], ..scope() },
        None => scope(),
    };
    let after = turn.render(to, output, &scope)?;
    turn.validate(task.export.schema, &after, "the exported context")?;
    Ok(difference(&before, &after))
}

/// The changed top-level keys from `before` to `after`.
pub(crate) fn difference(before: &Labelled, after: &Labelled) -> Option<Exported> {
    if before == after {
        return None;
    }
    let whole = || Some(Exported { set: Value::Null, dropped: Vec::new(), whole: Some(after.value.clone()), labels: after.labels.clone() });
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else { return whole() };
    // Labels of the context itself stay with its unchanged keys; only writing it whole takes them off.
    if !after.labels.at("").covers(before.labels.at("")) {
        return whole();
    }
    Some(by_keys((before, old), (after, new)))
}

/// What a branch changed. Its keys go into a context that others write too, so that nothing takes labels of the context itself off.
fn of_branch(before: &Labelled, after: &Labelled) -> Option<Exported> {
    match (before.as_object(), after.as_object()) {
        (Some(old), Some(new)) if before != after => Some(by_keys((before, old), (after, new))),
        _ => difference(before, after),
    }
}

fn by_keys((before, old): (&Labelled, &Map), (after, new): (&Labelled, &Map)) -> Exported {
    let same = |key: &str, value: &Value| old.lookup(key) == Some(value) && before.labels_of(key) == after.labels_of(key);
    let (kept, set): (Vec<_>, Vec<_>) = new.iter().partition(|(key, value)| same(key, value));
    let labels = after.labels.without(kept.iter().map(|(key, _)| &***key));
    let set: Map = set.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let dropped = old.iter().filter(|(key, _)| !new.contains(key)).map(|(key, _)| key.clone()).collect();
    let set = if set.is_empty() { Value::Null } else { Value::Object(Arc::new(set)) };
    Exported { set, dropped, whole: None, labels }
}

/// What the branches of a finished fork exported, merged in declared order.
fn joined(turn: &Turn<'_>, at: &Position, task: &Task) -> Result<Option<Exported>, Problem> {
    let TaskKind::Fork(fork) = &task.kind else { return Ok(None) };
    let Some(OpenKind::Fork { done, .. }) = turn.state.open.get(at).map(|open| &open.kind) else { return Ok(None) };
    let before = turn.state.context(at);
    let mut merged = Exported { set: Value::Null, dropped: Vec::new(), whole: None, labels: Labels::new() };
    let mut set = Map::new();
    // Keys that a branch only read: their labels may be others now, which is no change of the branch's own.
    let mut read = Map::new();
    for ix in &fork.branches {
        let branch = turn.task(*ix)?;
        let line = at.task(&branch.name, 1);
        let Some(context) = turn.state.lines.get(&line).filter(|_| done.iter().any(|(finished, _)| finished == ix)) else { continue };
        let Some(changed) = of_branch(&before, context) else { continue };
        if changed.whole.is_some() {
            return Err(conflict("the whole context"));
        }
        merged.labels = merged.labels.join(&changed.labels);
        for (key, value) in changed.set.as_object().into_iter().flat_map(Map::iter) {
            if before.as_object().and_then(|before| before.lookup(key)) == Some(value) {
                read.insert(key.clone(), value.clone());
                continue;
            }
            if (set.insert(key.clone(), value.clone()).is_some() || merged.dropped.contains(key)) && !planted("last-branch-exports") {
                return Err(conflict(&format!("`{key}`")));
            }
        }
        for key in changed.dropped {
            if set.contains(&key) || merged.dropped.contains(&key) {
                return Err(conflict(&format!("`{key}`")));
            }
            merged.dropped.push(key);
        }
    }
    for (key, value) in read.iter().filter(|(key, _)| !merged.dropped.contains(key)) {
        if !set.contains(key) {
            set.insert(key.clone(), value.clone());
        }
    }
    if set.is_empty() && merged.dropped.is_empty() {
        return Ok(None);
    }
    merged.set = if set.is_empty() { Value::Null } else { Value::Object(Arc::new(set)) };
    Ok(Some(merged))
}

fn conflict(what: &str) -> Problem {
    Problem::ours("fork-conflict", 409, format!("two branches of the fork exported {what}"))
        .detail("let each branch export keys of its own, or export at the fork itself")
}
