//! What a task hands on: `output`, `export`, and how the contexts of branches come together.

use std::collections::BTreeSet;
use std::sync::Arc;

use provost_model::program::{Flow, TaskKind};
use provost_model::value::Map;
use provost_model::{Problem, Value};

use super::flow::{About, Interpreter, Stop, Went};

impl<'c> Interpreter<'c> {
    /// Completes a task: `output.as`, `output.schema`, the join of branches, `export.as`, `export.schema`.
    pub(super) fn complete(&mut self, about: &About<'c>, output: Value, flow: Flow, context: &mut Value) -> Went {
        self.join(about, output, flow, context, &[])
    }

    /// Completes a fork whose finished branches leave these contexts, in declared order.
    pub(super) fn join(&mut self, about: &About<'c>, output: Value, flow: Flow, context: &mut Value, branches: &[Value]) -> Went {
        match self.shaped(about, output, context, branches) {
            Err(problem) => Err(self.raise(&about.at, Some(about.task), problem)),
            Ok((output, exported)) => {
                *context = exported;
                self.tasks_run += 1;
                self.closes(&about.at);
                self.note("completed", &about.at);
                Ok(Some((output, flow)))
            }
        }
    }

    fn shaped(&self, about: &About<'c>, raw: Value, context: &Value, branches: &[Value]) -> Result<(Value, Value), Problem> {
        let task = about.task;
        let raw =
            if matches!(task.kind, TaskKind::Fork(_) | TaskKind::Emit(_) | TaskKind::Listen(_)) { self.checked_depth(raw)? } else { raw };
        let mut seen = about.seen(context);
        seen.output = raw.clone();
        let output = task.output.to.as_ref().map_or_else(|| Ok(raw.clone()), |to| self.render(to, &raw, &seen))?;
        self.validate(task.output.schema, &output)?;
        let merged = merged(context, branches)?;
        let mut seen = about.seen(&merged);
        seen.output = output.clone();
        let Some(to) = &task.export.to else { return Ok((output, merged.clone())) };
        let exported = self.render(to, &output, &seen)?;
        self.validate(task.export.schema, &exported)?;
        Ok((output, exported))
    }

    /// The task at `about` raises `problem`.
    pub(super) fn fails(&mut self, about: &About<'c>, problem: Problem) -> Stop {
        self.raise(&about.at, Some(about.task), problem)
    }
}

/// `$context` with what each branch changed in its own; one key may be changed by one branch only.
fn merged(before: &Value, branches: &[Value]) -> Result<Value, Problem> {
    let conflict = || Problem::ours("fork-conflict", 409, "two branches exported one key");
    let (mut after, mut changed) = (before.as_object().cloned(), BTreeSet::new());
    for branch in branches.iter().filter(|branch| *branch != before) {
        let (Some(old), Some(new), Some(after)) = (before.as_object(), branch.as_object(), after.as_mut()) else { return Err(conflict()) };
        let keys: BTreeSet<&Arc<str>> = old.iter().chain(new.iter()).map(|(key, _)| key).collect();
        for key in keys.into_iter().filter(|key| old.lookup(key) != new.lookup(key)) {
            if !changed.insert(key.clone()) {
                return Err(conflict());
            }
            put(after, key, new.lookup(key));
        }
    }
    Ok(after.map_or_else(|| before.clone(), |map| Value::Object(Arc::new(map))))
}

fn put(map: &mut Map, key: &Arc<str>, value: Option<&Value>) {
    match value {
        Some(value) => drop(map.insert(key.clone(), value.clone())),
        None => drop(map.remove(key)),
    }
}
