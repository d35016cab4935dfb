//! How many tasks run at least: more than `limits.tasks` allows, and no orchestration of the workflow can end well.
//!
//! What must stay true: a lower bound. What a condition may leave out, and whatever follows a jump, is not counted.

use provost_model::Program;
use provost_model::program::{Block, Flow, TaskIx, TaskKind};

use super::Subject;
use crate::finding::Code;

/// Deepest nesting that is followed.
const DEPTH_MAX: usize = 64;

pub(super) fn check(subject: Subject<'_>) {
    let (least, limit) = (block(subject.program, &subject.program.root, 0), subject.program.limits.tasks);
    let Some(first) = subject.program.root.first().filter(|_| least > limit) else { return };
    let hint = "raise `metadata.provost.limits.tasks` (up to 1,000,000), or make several workflows of it";
    let message = format!("at least {least} tasks run here, and `limits.tasks` allows {limit}");
    subject.log.error_hint(Code::WrongValue, subject.places.task(*first), message, hint);
}

fn block(program: &Program, list: &Block, depth: usize) -> u64 {
    let mut least = 0_u64;
    for index in list {
        let (tasks, goes_on) = task(program, *index, depth);
        least = least.saturating_add(tasks);
        if !goes_on {
            break;
        }
    }
    least
}

/// How many tasks one is at least, and whether the next one of its list surely follows.
fn task(program: &Program, index: TaskIx, depth: usize) -> (u64, bool) {
    let Some(task) = program.task(index).filter(|_| depth < DEPTH_MAX) else { return (0, false) };
    if task.when.is_some() {
        return (0, task.then == Flow::Continue);
    }
    let inner = match &task.kind {
        TaskKind::Do(list) => block(program, list, depth + 1),
        TaskKind::Fork(fork) if !fork.compete => fork.branches.iter().map(|branch| self::task(program, *branch, depth + 1).0).sum(),
        TaskKind::Switch(_) | TaskKind::Raise(_) | TaskKind::Extended(_) | TaskKind::Aside(_) => return (1, false),
        TaskKind::Fork(_)
        | TaskKind::For(_)
        | TaskKind::Try(_)
        | TaskKind::Set(_)
        | TaskKind::Wait(_)
        | TaskKind::Emit(_)
        | TaskKind::Listen(_)
        | TaskKind::Run(_)
        | TaskKind::Agent(_)
        | TaskKind::Rules(_)
        | TaskKind::Plan(_)
        | TaskKind::Decide(_)
        | TaskKind::Policy(_)
        | TaskKind::Review(_)
        | TaskKind::Act(_)
        | TaskKind::Retrieve(_)
        | TaskKind::Feature(_)
        | TaskKind::Compensate(_) => 0,
    };
    let goes_on = task.then == Flow::Continue && !super::blocks::ends_within(program, index);
    (inner.saturating_add(1), goes_on)
}
