//! `run: workflow`: another workflow of the bundle as a child, and what is told of it.
//!
//! What must stay true: one place begins one child, whose id its position gives. Run again with the same input, a completed child answers
//! from the journal and one that is parked is tried again under its own keys; only one that ended without an output is begun anew. A child
//! that loses its place to an error that is tried again is interrupted, so that it parks and the next attempt finds it. A child that loses its place is stopped; one that nobody waits for goes on. A child whose workflow names a key lives where
//! that key does, and has its place there like whatever an event starts.

use std::sync::Arc;

use provost_model::limits::{CHILDREN_MAX, RUN_CYCLE_MAX, RUN_DEPTH_MAX, RUN_TASKS};
use provost_model::program::{RunTask, TaskIx, TaskKind};
use provost_model::record::{ChildFate, ChildNews, Fact, Held, Intent, Shape, Start};
use provost_model::{Digest, Labelled, Labels, OrchestrationId, Position, Problem, Value};

use super::ended;
use crate::flow::{Entering, Entry, Finished, complete, park, raise};
use crate::order::{self, Keys, KeysOf, home};
use crate::origin;
use crate::rejected::Rejected;
use crate::state::{Child, ChildState, Phase};
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &RunTask) -> Result<Entry, Problem> {
    let input = match &task.input {
        Some(input) => turn.render(input, &entering.input, &entering.scope())?,
        None => entering.input.clone(),
    };
    let (latest, next) = begun_at(turn, entering.at);
    let fingerprint = Digest::of_value(&input);
    match latest {
        None => start(turn, entering, task, next, input),
        Some((_, child)) if matches!(child.state, ChildState::Failed | ChildState::Stopping) => start(turn, entering, task, next, input),
        Some((_, child)) if child.fingerprint != fingerprint && !provost_model::planted::planted("child-input-not-compared") => {
            entering.open(turn, Shape::Plain)?;
            park(turn, entering.at.clone(), conflict(&child));
            Ok(Entry::Open)
        }
        Some((id, child)) => again(turn, entering, task, (id, &child)),
    }
}

/// The latest child of a place, and which the next one is.
fn begun_at(turn: &Turn<'_>, at: &Position) -> (Option<(OrchestrationId, Arc<Child>)>, u32) {
    let mut latest = None;
    let mut n = 0;
    while let Some((id, child)) = turn.state.begun(at, n).and_then(|id| Some((id, turn.state.children.get(&id)?))) {
        latest = Some((id, child.clone()));
        n += 1;
    }
    (latest, n)
}

fn start(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &RunTask, n: u32, input: Labelled) -> Result<Entry, Problem> {
    bounded(turn, task)?;
    turn.check_size(&input)?;
    let Keys { order, concurrency } = keys_of(turn, task, &input)?;
    let at = entering.at.as_str();
    let child = match home(&turn.state.tenant, &task.workflow, order.as_deref(), concurrency.as_deref()) {
        Some(slot) => turn.state.id.begun_in(slot, at, n),
        None => turn.state.id.begun(at, n),
    };
    if task.awaits {
        entering.open(turn, Shape::Plain)?;
    }
    turn.spend_more(RUN_TASKS - 1);
    let (at, workflow, version) = (entering.at.clone(), task.workflow.clone(), task.version.clone());
    let labels = origin::followed(turn, &input);
    turn.emit(Fact::ChildStarted { at, child, workflow, version, input: input.value, awaits: task.awaits, order, concurrency, labels });
    turn.intend(Intent::StartChild { child });
    if task.awaits { Ok(Entry::Open) } else { ended(entering, entering.input.clone()) }
}

/// The values of the keys of the workflow that is run, read from its input as those of any start of it are.
fn keys_of(turn: &Turn<'_>, task: &RunTask, input: &Labelled) -> Result<Keys, Problem> {
    let Some(keys) = &task.keys else { return Ok(Keys::default()) };
    let concurrency = keys.concurrency.map(|concurrency| concurrency.key);
    let spec = KeysOf { from: keys.from.as_ref(), order: keys.order, concurrency, marks: keys.marks.clone() };
    let found = order::values(turn.code, &spec, &input.value).map_err(|unusable| unusable.problem)?;
    let limit = keys.concurrency.map_or(1, |concurrency| concurrency.spec.limit);
    if task.awaits
        && let Some(key) = found.order.as_ref().or(found.concurrency.as_ref())
    {
        not_held_above(turn, &task.workflow, key, limit)?;
    }
    Ok(found)
}

/// Whoever waits for a child keeps its own key meanwhile: where all places of a key are kept so, the child would wait for ever.
fn not_held_above(turn: &Turn<'_>, workflow: &str, key: &str, limit: u32) -> Result<(), Problem> {
    let Some(start) = &turn.state.start else { return Ok(()) };
    let above = held_by(start, true);
    let held = above.iter().filter(|held| *held.workflow == *workflow && *held.key == *key).count();
    if held < limit.max(1) as usize {
        return Ok(());
    }
    Err(Problem::ours(
        "run-waits-for-itself",
        508,
        format!("`{workflow}` would wait for its key `{key}`, which those hold that wait for it"),
    )
    .detail("give the child another value of the key, a higher `limit`, or do not wait for it: `await: false`"))
}

/// The keys held by `start` and by those above that wait for it, as a child of it is told that is waited for, or not.
pub fn held_by(start: &Start, awaits: bool) -> Vec<Held> {
    if !awaits {
        return Vec::new();
    }
    let mut held = start.parent.as_ref().map_or_else(Vec::new, |parent| parent.held.clone());
    let own = start.order.as_ref().or(start.concurrency.as_ref());
    held.extend(own.map(|key| Held { workflow: start.workflow.clone(), key: key.clone() }));
    held
}

/// It waits for its turn in a ring: whoever holds its key waits for what its parent holds, so that nobody of them goes on.
///
/// # Errors
/// [`Rejected::Idle`] where it does not wait for its turn any more.
pub(crate) fn entangled(turn: &mut Turn<'_>, ring: &[OrchestrationId]) -> Result<(), Rejected> {
    let start = turn.state.start.clone().filter(|_| turn.state.queued.is_some() && turn.state.phase == Phase::Running);
    let key = start.as_ref().and_then(|start| start.order.clone().or_else(|| start.concurrency.clone()));
    let (Some(start), Some(key)) = (start, key) else { return Err(Rejected::Idle) };
    let named: Vec<String> = ring.iter().take(RING_NAMED).map(|id| format!("`{id}`")).collect();
    let more = if ring.len() > RING_NAMED { " and so on" } else { "" };
    let title = format!("`{}` waits for its key `{key}` in a ring: those that hold it wait for what its parent holds", start.workflow);
    let detail = format!(
        "each waits for the next and the last for the first: {}{more}; let all of them take their keys in one order, or give a `run` a timeout",
        named.join(", ")
    );
    raise(turn, &Position::root(), TaskIx::ROOT, Problem::ours("run-waits-for-itself", 508, title).detail(detail));
    Ok(())
}

/// Orchestrations of a ring that are named.
const RING_NAMED: usize = 8;

/// A child of an earlier round, with the same input.
fn again(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &RunTask, (id, child): (OrchestrationId, &Child)) -> Result<Entry, Problem> {
    match child.state {
        ChildState::Completed => ended(entering, given(turn, task, &child.output, child.labels.as_ref())),
        ChildState::Detached => ended(entering, entering.input.clone()),
        ChildState::Parked => {
            entering.open(turn, Shape::Plain)?;
            turn.emit(Fact::ChildRedriven { child: id });
            turn.intend(Intent::RedriveChild { child: id });
            Ok(Entry::Open)
        }
        ChildState::Interrupted => {
            entering.open(turn, Shape::Plain)?;
            turn.emit(Fact::ChildRedriven { child: id });
            Ok(Entry::Open)
        }
        ChildState::Running | ChildState::Wanted | ChildState::Stopping | ChildState::Failed => {
            entering.open(turn, Shape::Plain)?;
            Ok(Entry::Open)
        }
    }
}

/// Children, and children of children, have bounds.
fn bounded(turn: &Turn<'_>, task: &RunTask) -> Result<(), Problem> {
    let above = turn.state.start.as_ref().and_then(|start| start.parent.as_ref()).map_or(&[][..], |parent| &parent.line);
    if above.len() + 1 >= RUN_DEPTH_MAX {
        return Err(Problem::ours("run-too-deep", 508, format!("workflows run each other more than {RUN_DEPTH_MAX} deep"))
            .detail("end the recursion by a condition, or flatten the workflows"));
    }
    let own = usize::from(*turn.program().name == *task.workflow);
    if above.iter().filter(|name| **name == task.workflow).count() + own >= RUN_CYCLE_MAX {
        return Err(Problem::ours("run-cycle", 508, format!("`{}` runs itself more than {RUN_CYCLE_MAX} times in a line", task.workflow))
            .detail("end the recursion by a condition, or use `for` over a list"));
    }
    let under_way = turn.state.children.values().filter(|child| is_under_way(child.state)).count();
    if under_way >= CHILDREN_MAX {
        return Err(Problem::ours("too-many-children", 429, format!("{CHILDREN_MAX} workflows of this one are under way"))
            .detail("run fewer at a time: split the list, or do not wait for them"));
    }
    Ok(())
}

fn is_under_way(state: ChildState) -> bool {
    match state {
        ChildState::Running | ChildState::Stopping | ChildState::Interrupted | ChildState::Wanted => true,
        ChildState::Detached | ChildState::Parked | ChildState::Completed | ChildState::Failed => false,
    }
}

fn conflict(child: &Child) -> Problem {
    Problem::ours("conflict", 409, format!("`{}` was run here already with another input", child.workflow))
        .detail("what a workflow is given must not depend on what a retry runs again; cancel this one, or put the `run` behind the `try`")
}

/// Something is known of a child.
///
/// # Errors
/// [`Rejected`] when it is no child of this one, or no news.
pub(crate) fn told(turn: &mut Turn<'_>, news: &ChildNews) -> Result<(), Rejected> {
    let child = turn.state.children.get(&news.child).cloned().ok_or(Rejected::UnknownChild(news.child))?;
    if news.sequence <= child.sequence {
        return Err(Rejected::StaleNews(news.child));
    }
    let (how, labels) = (Some(Box::new(news.how.clone())), news.labels.clone());
    turn.emit(Fact::ChildTold { child: news.child, sequence: news.sequence, how, labels });
    let waits = matches!(child.state, ChildState::Running | ChildState::Wanted);
    let Some(open) = turn.state.open.get(&child.at).cloned().filter(|_| waits) else { return Ok(()) };
    if child.state == ChildState::Wanted && matches!(news.how, ChildFate::Parked(_)) {
        turn.emit(Fact::ChildRedriven { child: news.child });
        turn.intend(Intent::RedriveChild { child: news.child });
        return Ok(());
    }
    let Ok(task) = turn.task(open.task) else { return Ok(()) };
    let TaskKind::Run(run) = &task.kind else { return Ok(()) };
    match &news.how {
        ChildFate::Completed(value) => {
            let output = given(turn, run, value, news.labels.as_ref());
            complete(turn, &child.at, open.task, Finished { input: open.input.clone(), output, then: task.then.clone(), effect: None });
        }
        ChildFate::Faulted(problem) | ChildFate::Parked(problem) => {
            let problem = passed_on(news.child, &child, problem);
            raise(turn, &child.at, open.task, problem);
        }
        ChildFate::Cancelled => {
            let problem = Problem::ours("child-cancelled", 409, format!("`{}` was cancelled", child.workflow))
                .detail(format!("`provost explain {}` says by whom", news.child));
            raise(turn, &child.at, open.task, Problem { extra: extra(news.child, &child, []), ..problem });
        }
        ChildFate::Replaced(by) => {
            let problem = Problem::ours("child-replaced", 409, format!("`{}` was replaced by another one of its key", child.workflow))
                .detail(format!("`{by}` took its place; run it again only if the newest is not what counts"));
            let by = [("replacedBy", Value::from(by.to_string()))];
            raise(turn, &child.at, open.task, Problem { extra: extra(news.child, &child, by), ..problem });
        }
    }
    Ok(())
}

/// What the task gives of its child's output.
fn given(turn: &Turn<'_>, task: &RunTask, value: &Value, labels: Option<&Labels>) -> Labelled {
    if task.silent { Labelled::default() } else { output(turn, value, labels) }
}

/// A child's error as its parent's: the same kind, with where it came from.
fn passed_on(id: OrchestrationId, child: &Child, problem: &Problem) -> Problem {
    Problem { instance: None, extra: extra(id, child, [("cause", problem.to_value())]), ..problem.clone() }
}

/// Which child it is about.
fn extra<const N: usize>(id: OrchestrationId, child: &Child, more: [(&str, Value); N]) -> Value {
    let which = [("orchestration", Value::from(id.to_string())), ("workflow", Value::Str(child.workflow.clone()))];
    Value::object(which.into_iter().chain(more))
}

/// What a child returns may repeat anything, unless it followed what it was made of.
fn output(turn: &Turn<'_>, value: &Value, labels: Option<&Labels>) -> Labelled {
    Labelled::new(value.clone(), labels.cloned().unwrap_or_else(|| origin::reference(turn, value)))
}

/// Children within `at` that are under way lose their place: they are stopped.
pub(crate) fn stop_within(turn: &mut Turn<'_>, at: &Position) {
    stop(turn, at, false, |state| matches!(state, ChildState::Running | ChildState::Wanted | ChildState::Interrupted));
}

/// Children within `at` that are under way are interrupted: their place may ask for them again.
pub(crate) fn interrupt_within(turn: &mut Turn<'_>, at: &Position) {
    stop(turn, at, true, |state| matches!(state, ChildState::Running | ChildState::Wanted));
}

/// Children within `at` are stopped, those too that could not go on.
pub(crate) fn leave_within(turn: &mut Turn<'_>, at: &Position) {
    let lost = |state| matches!(state, ChildState::Running | ChildState::Wanted | ChildState::Interrupted | ChildState::Parked);
    stop(turn, at, false, lost);
}

fn stop(turn: &mut Turn<'_>, at: &Position, again: bool, which: impl Fn(ChildState) -> bool) {
    let lost: Vec<OrchestrationId> =
        turn.state.children.iter().filter(|(_, child)| which(child.state) && child.at.is_within(at)).map(|(id, _)| *id).collect();
    for child in lost {
        turn.emit(Fact::ChildStopped { child, again });
        turn.intend(Intent::StopChild { child, again });
    }
}
