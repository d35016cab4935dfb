//! Static checks: what the text of a bundle already says about how it will run. One file each.
//!
//! What must stay true: a check reports only what is certain from the text, so that nobody learns to look past it; each finding names
//! the place and the fix. Some checks stand where the text is read: `then` to nowhere and secrets that would be kept are refused there.

mod blocks;
mod context;
pub(crate) mod effects;
mod fields;
mod flow;
mod forks;
pub(crate) mod keys;
mod known;
mod least;
mod loops;
mod outputs;
pub(crate) mod policies;
mod reach;
mod read;
mod schema;
pub(crate) mod secrets;

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::Program;
use provost_model::program::{ExprIx, TaskIx};

use crate::finding::{Log, Place};
use crate::tables::Origin;

/// Where things of a compiled workflow stand in its document.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// The name of each task.
    pub(crate) tasks: BTreeMap<TaskIx, Place>,
    /// Each task's `export`.
    pub(crate) exports: BTreeMap<TaskIx, Place>,
    /// Each use of an expression; no task: the document's own.
    pub(crate) expressions: BTreeMap<(Option<TaskIx>, ExprIx), Origin>,
    /// The actions that `call: policy` asks about, where they are written out.
    pub(crate) questions: Vec<(Arc<str>, Place)>,
    /// Whether the document writes a limit on how many tasks run.
    pub(crate) limits_tasks: bool,
}

impl Places {
    fn task(&self, index: TaskIx) -> Place {
        self.tasks.get(&index).copied().unwrap_or(Place::START)
    }

    fn export(&self, index: TaskIx) -> Place {
        self.exports.get(&index).copied().unwrap_or(Place::START)
    }
}

/// A workflow that compiled, and where its findings go.
#[derive(Clone, Copy)]
struct Subject<'p> {
    program: &'p Program,
    places: &'p Places,
    log: &'p Log,
}

impl Subject<'_> {
    /// The place of `part`, which is a part of the source of the expression `index`.
    fn inside(&self, task: Option<TaskIx>, index: ExprIx, part: &str) -> Option<Place> {
        let source: &str = &self.program.expressions.get(index.0 as usize)?.source;
        let offset = (part.as_ptr() as usize).checked_sub(source.as_ptr() as usize)?;
        let before = source.get(..offset)?;
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let origin = self.places.expressions.get(&(task, index))?;
        Some(origin.inside(u32::try_from(line).ok()?, u32::try_from(column).ok()?))
    }
}

/// Checks a compiled workflow. What reads its expressions needs them to compile, and stands in [`expressions`].
pub(crate) fn program(program: &Program, places: &Places, log: &Log) {
    let subject = Subject { program, places, log };
    context::check(subject);
    forks::check(subject);
    reach::check(subject);
    loops::check(subject);
    least::check(subject);
}

/// Follows what is known of the data through a workflow whose expressions compile.
pub(crate) fn expressions(program: &Program, places: &Places, log: &Log) {
    let subject = Subject { program, places, log };
    let trees: Vec<_> = program.expressions.iter().map(|expression| expression.source.as_ref()).collect();
    crate::expr::with_trees(&trees, |trees| {
        let found = flow::follow(program, trees);
        fields::report(subject, &found);
        outputs::report(subject, &found);
        loops::report(subject, &found);
    });
}
