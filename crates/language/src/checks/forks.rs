//! Forks whose branches export the same key, which the join cannot merge.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provost_model::program::{Block, TaskIx, TaskKind};

use super::Subject;
use super::blocks::inside;
use super::context::export;
use crate::finding::{Code, Place};

pub(super) fn check(subject: Subject<'_>) {
    for task in &subject.program.tasks {
        if let TaskKind::Fork(task) = &task.kind
            && !task.compete
        {
            fork(subject, &task.branches);
        }
    }
}

fn fork(subject: Subject<'_>, branches: &Block) {
    let mut owners: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
    for branch in branches {
        let Some(task) = subject.program.task(*branch) else { continue };
        let mut keys = Vec::new();
        exported(subject, *branch, &mut keys);
        let mine: BTreeSet<Arc<str>> = keys.iter().map(|(key, _)| key.clone()).collect();
        for key in mine {
            let at = keys.iter().find(|(k, _)| *k == key).map_or(Place::START, |(_, at)| *at);
            if let Some(other) = owners.get(&key) {
                let message = format!("branches `{other}` and `{}` both export `{key}`", task.name);
                subject.log.error_hint(Code::ForkConflict, at, message, "give each branch a key of its own");
            } else {
                owners.insert(key, task.name.clone());
            }
        }
    }
}

fn exported(subject: Subject<'_>, index: TaskIx, out: &mut Vec<(Arc<str>, Place)>) {
    let Some(task) = subject.program.task(index) else { return };
    let at = subject.places.export(index);
    if let Some(export) = task.export.to.as_ref().and_then(|to| export(subject.program, to)) {
        out.extend(export.keys.into_iter().map(|key| (key, at)));
    }
    // Of a `try`, what is tried; its handlers run instead of the rest, and the join decides.
    for index in inside(&task.kind).first().into_iter().copied().flatten() {
        exported(subject, *index, out);
    }
}
