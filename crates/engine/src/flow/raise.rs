//! How errors move: to the nearest `try` that takes them, else to the end of the orchestration or into the dead letters.

use provost_model::planted::planted;
use provost_model::program::{Catch, Duration, ErrorFilter, RetrySpec, TaskIx, TaskKind};
use provost_model::record::{Ending, Fact, Intent};
use provost_model::{Position, Problem};

use crate::ledger;
use crate::reconcile;
use crate::state::OpenKind;
use crate::tasks::{retry, run};
use crate::turn::{Scope, Turn};

/// Raises `problem` in the task `ix` at `at`.
pub(crate) fn raise(turn: &mut Turn<'_>, at: &Position, ix: TaskIx, problem: Problem) {
    let problem = located(turn, ix, problem);
    if let Some(taker) = taker(turn, at, &problem) {
        give_up_within(turn, &taker);
        if is_retried(turn, &taker, &problem) {
            run::interrupt_within(turn, &taker);
        } else {
            run::stop_within(turn, &taker);
        }
        turn.emit(Fact::Raised { at: at.clone(), task: ix, problem: problem.clone() });
        return take(turn, &taker, problem);
    }
    if turn.state.touched {
        give_up_within(turn, at);
        // A redrive asks for them again.
        run::interrupt_within(turn, at);
        turn.emit(Fact::Raised { at: at.clone(), task: ix, problem: problem.clone() });
        return park(turn, at.clone(), problem);
    }
    turn.emit(Fact::Raised { at: at.clone(), task: ix, problem: problem.clone() });
    turn.ready.clear();
    turn.emit(Fact::Ended { ending: Ending::Faulted, output: None, problem: Some(problem), labels: None });
    turn.intend(Intent::Announce);
}

/// Parks the orchestration at `at`: it goes on only by a redrive or a resolution.
pub(crate) fn park(turn: &mut Turn<'_>, at: Position, problem: Problem) {
    turn.ready.clear();
    if turn.state.parked.is_none() {
        turn.emit(Fact::Parked { at, problem: problem.clone() });
        turn.intend(Intent::Announce);
        reconcile::watch_parked(turn, &problem);
    }
}

/// An error without `instance` gets the reference of its task.
fn located(turn: &Turn<'_>, ix: TaskIx, mut problem: Problem) -> Problem {
    if problem.instance.is_none() {
        problem.instance = turn.program().task(ix).map(|task| task.pointer.to_string());
    }
    problem
}

/// The nearest `try` around `at` whose list is running and whose `catch` takes `problem`.
fn taker(turn: &Turn<'_>, at: &Position, problem: &Problem) -> Option<Position> {
    let mut inside = at.clone();
    while let Some(around) = inside.parent() {
        if takes(turn, &around, &inside, problem) {
            return Some(around);
        }
        inside = around;
    }
    None
}

fn takes(turn: &Turn<'_>, around: &Position, inside: &Position, problem: &Problem) -> bool {
    // An error in the handlers is not taken by their own `try`.
    if *inside == around.catch() && !planted("handlers-caught-again") {
        return false;
    }
    let Some(open) = turn.state.open.get(around) else { return false };
    let OpenKind::Try { waiting: false, caught, .. } = &open.kind else { return false };
    if caught.is_some() && !planted("handlers-caught-again") {
        return false;
    }
    let Ok(TaskKind::Try(task)) = turn.task(open.task).map(|task| &task.kind) else { return false };
    matches(&task.catch.errors, problem) && conditions(turn, around, &task.catch, problem).unwrap_or(false)
}

fn matches(filter: &ErrorFilter, problem: &Problem) -> bool {
    let same = |wanted: &Option<std::sync::Arc<str>>, actual: &str| wanted.as_deref().is_none_or(|wanted| wanted == actual);
    same(&filter.kind, &problem.kind)
        && (filter.status.is_none_or(|status| status == problem.status) || planted("catch-any"))
        && same(&filter.instance, problem.instance.as_deref().unwrap_or_default())
        && same(&filter.title, &problem.title)
        && same(&filter.detail, &problem.detail)
}

/// `when` and `exceptWhen` of a catch; a condition that errors does not hold.
fn conditions(turn: &Turn<'_>, at: &Position, catch: &Catch, problem: &Problem) -> Result<bool, Problem> {
    let (error, scope) = error_scope(turn, at, catch, problem);
    Ok(catch.when.map_or(Ok(true), |when| turn.holds(when, &error, &scope))?
        && !catch.except_when.map_or(Ok(false), |except| turn.holds(except, &error, &scope))?)
}

fn error_scope(turn: &Turn<'_>, at: &Position, catch: &Catch, problem: &Problem) -> (provost_model::Labelled, Scope) {
    let error = crate::origin::problem(turn, problem);
    let open = turn.state.open.get(at);
    let input = open.map(|open| open.input.clone()).unwrap_or_default();
    let scope = Scope {
        at: Some(at.clone()),
        input: input.clone(),
        task: open.map(|open| open.task),
        more: vec![(catch.variable.clone(), error)],
        ..Scope::default()
    };
    (input, scope)
}

/// The `try` at `at` takes `problem`: another attempt if its retry allows, else its handlers.
fn take(turn: &mut Turn<'_>, at: &Position, problem: Problem) {
    let Some(open) = turn.state.open.get(at).cloned() else { return };
    let Ok(TaskKind::Try(task)) = turn.task(open.task).map(|task| &task.kind) else { return };
    if let Some(spec) = &task.catch.retry
        && let Some((attempt, due_us)) = next_attempt(turn, at, &task.catch, spec, &problem)
    {
        if let Some(problem) = super::used_up(turn) {
            // What is used up is used up for its handlers too: only what stands around it may see that.
            return raise(turn, at, open.task, problem);
        }
        turn.emit(Fact::RetryScheduled { at: at.clone(), problem, attempt, due_us });
        if due_us > turn.ambient.now_us && !planted("retry-at-once") {
            if !planted("retry-without-timer") {
                turn.set_timer(format!("retry:{at}"), at, due_us);
            }
        } else {
            turn.emit(Fact::Retried { at: at.clone() });
            turn.ready.push(at.clone());
        }
        return;
    }
    match &task.catch.body {
        Some(_) => {
            run::leave_within(turn, at);
            turn.emit(Fact::Caught { at: at.clone(), problem });
            turn.ready.push(at.catch());
        }
        // Retries used up and nothing else written: the error goes on.
        None if task.catch.retry.is_some() && !planted("used-up-is-caught") => raise(turn, at, open.task, problem),
        None => {
            run::leave_within(turn, at);
            turn.emit(Fact::Caught { at: at.clone(), problem });
            turn.ready.push(at.catch());
        }
    }
}

fn next_attempt(turn: &Turn<'_>, at: &Position, catch: &Catch, spec: &RetrySpec, problem: &Problem) -> Option<(u32, i64)> {
    let open = turn.state.open.get(at)?;
    let OpenKind::Try { attempt, first_us, .. } = &open.kind else { return None };
    let (input, scope) = error_scope(turn, at, catch, problem);
    let wanted = spec.when.map_or(Ok(true), |when| turn.holds(when, &input, &scope)).unwrap_or(false);
    let refused = spec.except_when.map_or(Ok(false), |except| turn.holds(except, &input, &scope)).unwrap_or(true);
    if !wanted || refused {
        return None;
    }
    let Some(delay) = &catch.delay else { return retry::next(spec, *attempt, *first_us, turn.ambient, at.as_str()) };
    // As a condition that cannot be evaluated: it does not ask for another attempt.
    let delay_ms = turn.duration_ms(&Duration::Template(delay.clone()), &input, &scope).ok()?;
    retry::next(&RetrySpec { delay_ms, ..spec.clone() }, *attempt, *first_us, turn.ambient, at.as_str())
}

/// Whether an enclosing `catch.retry` would try `problem` again: then the action's own retry stays out of it.
pub(crate) fn retried_outside(turn: &Turn<'_>, at: &Position, problem: &Problem) -> bool {
    let Some(taker) = taker(turn, at, problem) else { return false };
    let Some(open) = turn.state.open.get(&taker) else { return false };
    match turn.task(open.task).map(|task| &task.kind) {
        Ok(TaskKind::Try(task)) => task.catch.retry.is_some(),
        Ok(_) | Err(_) => false,
    }
}

/// Whether the `try` at `at`, which takes `problem`, runs its list again.
fn is_retried(turn: &Turn<'_>, at: &Position, problem: &Problem) -> bool {
    let task = turn.state.open.get(at).and_then(|open| turn.task(open.task).ok());
    let Some(TaskKind::Try(task)) = task.map(|task| &task.kind) else { return false };
    task.catch.retry.as_ref().is_some_and(|spec| next_attempt(turn, at, &task.catch, spec, problem).is_some())
}

/// What is out inside `at` is taken back where no worker has it yet, and children are stopped.
pub(crate) fn withdraw_within(turn: &mut Turn<'_>, at: &Position) {
    give_up_within(turn, at);
    run::stop_within(turn, at);
}

/// What is out inside `at` is taken back where no worker has it yet.
pub(crate) fn give_up_within(turn: &mut Turn<'_>, at: &Position) {
    let live = turn.state.effects.live_within(at);
    let mut out: Vec<_> = live.filter(|(_, effect)| effect.is_out()).map(|(id, _)| *id).collect();
    out.sort_unstable();
    for effect in out {
        ledger::give_up(turn, &effect);
    }
}
