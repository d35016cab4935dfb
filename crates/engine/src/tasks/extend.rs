//! Extensions: lists before and after a task.
//!
//! What must stay true: the task between the lists is given what it would be given alone, and what it hands on, output and flow, passes
//! the lists behind it unchanged. Only `exit` in a list before it leaves the task: with that list's output, and where its own `then` says.

use provost_model::program::{AsideTask, ExtendedTask, Flow, TaskIx, TaskKind};
use provost_model::record::Shape;
use provost_model::{Labelled, Position, Problem, Value};

use super::open_block;
use crate::flow::{Entering, Entry, Finished};
use crate::state::Open;
use crate::turn::{Scope, Turn};

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &AsideTask) -> Result<Entry, Problem> {
    if let Some(when) = task.when
        && !turn.holds(when, &entering.input, &entering.scope())?
    {
        return Ok(Entry::Ended(entering.input.clone(), handed_on(turn, entering.at, task)));
    }
    open_block(turn, entering, Shape::Plain)
}

/// The next list or task of an extended task; `None` at its end, or where a list before it left it.
pub(crate) fn next_of(extended: &ExtendedTask, open: &Open) -> Option<TaskIx> {
    let Some(done) = open.cursor else { return extended.body.first().copied() };
    if left_before(extended, open) {
        return None;
    }
    extended.body.iter().skip_while(|ix| **ix != done).nth(1).copied()
}

fn left_before(extended: &ExtendedTask, open: &Open) -> bool {
    let place = |ix: TaskIx| extended.body.iter().position(|one| *one == ix);
    open.cursor.is_some_and(|done| place(done) < place(extended.task)) && open.then != Flow::Continue
}

/// How an extended task ends.
pub(crate) fn extended(turn: &Turn<'_>, extended: &ExtendedTask, open: &Open) -> Finished {
    let then = match turn.task(extended.task) {
        Ok(task) if left_before(extended, open) => task.then.clone(),
        Ok(_) | Err(_) => open.then.clone(),
    };
    Finished { input: open.input.clone(), output: open.last.clone(), then, effect: None }
}

/// How a list of an extension ends.
pub(crate) fn aside(turn: &Turn<'_>, at: &Position, aside: &AsideTask, open: &Open) -> Finished {
    let leaves = aside.before && open.cursor.is_some() && open.then == Flow::Exit;
    let (output, then) = if leaves { (open.last.clone(), Flow::Exit) } else { (open.input.clone(), handed_on(turn, at, aside)) };
    Finished { input: open.input.clone(), output, then, effect: None }
}

/// Where control goes behind a list: a list after the task passes on what the task said.
fn handed_on(turn: &Turn<'_>, at: &Position, aside: &AsideTask) -> Flow {
    let around = at.parent().filter(|_| !aside.before && !provost_model::planted::planted("flow-lost-behind"));
    around.and_then(|around| turn.state.open.get(&around).map(|open| open.then.clone())).unwrap_or_default()
}

/// `$task` in an extension: the task that is extended.
pub(crate) fn task_variable(turn: &Turn<'_>, at: &Position, scope: &Scope) -> Option<Labelled> {
    let (place, before) = aside_around(turn, at, scope)?;
    let around = place.parent()?;
    let open = turn.state.open.get(&around)?;
    let task = turn.program().task(open.task)?;
    let TaskKind::Extended(extended) = &task.kind else { return None };
    let output = match turn.state.open.get(&place) {
        _ if before => Labelled::default(),
        Some(aside) => aside.input.clone(),
        None => scope.input.clone(),
    };
    let definition = extended.definition.clone().unwrap_or_default();
    Some(Labelled::object([
        ("name", Labelled::authored(&*task.name)),
        ("reference", Labelled::authored(around.as_str())),
        ("input", open.raw.clone()),
        ("output", output),
        ("startedAt", Labelled::authored(crate::turn::instant(open.entered_us))),
        ("call", Labelled::authored(definition.member("call").cloned().unwrap_or(Value::Null))),
        ("with", Labelled::authored(definition.member("with").cloned().unwrap_or(Value::Null))),
        ("definition", Labelled::authored(definition)),
    ]))
}

/// The list of an extension that `at` is in, and whether it stands before its task.
fn aside_around(turn: &Turn<'_>, at: &Position, scope: &Scope) -> Option<(Position, bool)> {
    let aside = |ix: TaskIx| match &turn.program().task(ix)?.kind {
        TaskKind::Aside(aside) => Some(aside.before),
        _ => None,
    };
    // Its own condition is asked before it is open.
    if let Some(before) = scope.task.and_then(aside) {
        return Some((at.clone(), before));
    }
    let mut place = Some(at.clone());
    while let Some(here) = place {
        if let Some(before) = turn.state.open.get(&here).and_then(|open| aside(open.task)) {
            return Some((here, before));
        }
        place = here.parent();
    }
    None
}
