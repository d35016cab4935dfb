//! `run: workflow`: another workflow of the bundle as a child, and what is told of it.
//!
//! What must stay true: one place begins one child, whose id its position gives. Run again with the same input, a completed child answers
//! from the journal and one that is parked is tried again under its own keys; only one that ended without an output, or was stopped, is
//! begun anew. A child that loses its place is stopped; one that nobody waits for goes on.

use std::sync::Arc;

use provost_model::limits::{CHILDREN_MAX, RUN_CYCLE_MAX, RUN_DEPTH_MAX, RUN_TASKS};
use provost_model::program::{RunTask, TaskKind};
use provost_model::record::{ChildFate, ChildNews, Fact, Intent, Shape};
use provost_model::{Digest, Labelled, Labels, OrchestrationId, Position, Problem, Value};

use super::ended;
use crate::flow::{Entering, Entry, Finished, complete, park, raise};
use crate::origin;
use crate::rejected::Rejected;
use crate::state::{Child, ChildState};
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

/// The latest child of a place, and the id of the next.
fn begun_at(turn: &Turn<'_>, at: &Position) -> (Option<(OrchestrationId, Arc<Child>)>, OrchestrationId) {
    let mut latest = None;
    let mut n = 0;
    loop {
        let id = turn.state.id.begun(at.as_str(), n);
        match turn.state.children.get(&id) {
            Some(child) => latest = Some((id, child.clone())),
            None => return (latest, id),
        }
        n += 1;
    }
}

fn start(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &RunTask, child: OrchestrationId, input: Labelled) -> Result<Entry, Problem> {
    bounded(turn, task)?;
    turn.check_size(&input)?;
    if task.awaits {
        entering.open(turn, Shape::Plain)?;
    }
    turn.spend_more(RUN_TASKS - 1);
    let (at, workflow, version) = (entering.at.clone(), task.workflow.clone(), task.version.clone());
    let labels = origin::followed(turn, &input);
    turn.emit(Fact::ChildStarted { at, child, workflow, version, input: input.value, awaits: task.awaits, labels });
    turn.intend(Intent::StartChild { child });
    if task.awaits { Ok(Entry::Open) } else { ended(entering, entering.input.clone()) }
}

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
        ChildState::Running | ChildState::Stopping | ChildState::Failed => {
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
    let under_way = turn.state.children.values().filter(|child| matches!(child.state, ChildState::Running | ChildState::Stopping)).count();
    if under_way >= CHILDREN_MAX {
        return Err(Problem::ours("too-many-children", 429, format!("{CHILDREN_MAX} workflows of this one are under way"))
            .detail("run fewer at a time: split the list, or do not wait for them"));
    }
    Ok(())
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
    let Some(open) = turn.state.open.get(&child.at).cloned().filter(|_| child.state == ChildState::Running) else { return Ok(()) };
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
            raise(turn, &child.at, open.task, problem);
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
    let extra = Value::object([
        ("orchestration", Value::from(id.to_string())),
        ("workflow", Value::Str(child.workflow.clone())),
        ("cause", problem.to_value()),
    ]);
    Problem { instance: None, extra, ..problem.clone() }
}

/// What a child returns may repeat anything, unless it followed what it was made of.
fn output(turn: &Turn<'_>, value: &Value, labels: Option<&Labels>) -> Labelled {
    Labelled::new(value.clone(), labels.cloned().unwrap_or_else(|| origin::reference(turn, value)))
}

/// Children within `at` that are under way lose their place: they are stopped.
pub(crate) fn stop_within(turn: &mut Turn<'_>, at: &Position) {
    stop(turn, at, |state| state == ChildState::Running);
}

/// The same, and those that could not go on are not waited for any more.
pub(crate) fn leave_within(turn: &mut Turn<'_>, at: &Position) {
    stop(turn, at, |state| matches!(state, ChildState::Running | ChildState::Parked));
}

fn stop(turn: &mut Turn<'_>, at: &Position, which: impl Fn(ChildState) -> bool) {
    let lost: Vec<OrchestrationId> =
        turn.state.children.iter().filter(|(_, child)| which(child.state) && child.at.is_within(at)).map(|(id, _)| *id).collect();
    for child in lost {
        turn.emit(Fact::ChildStopped { child });
        turn.intend(Intent::StopChild { child });
    }
}
