//! Going on with a plan: each of its tasks is the task of the program that its author allowed, given what the plan says.
//!
//! What must stay true: nothing that an agent wrote is trusted, whatever its expressions read; what the author fixed keeps its labels. No
//! name that an agent gave is part of a place, and so of no key.

use std::sync::Arc;

use provost_language::expr::Fuel;
use provost_language::plan::{PLAN_VARIABLE, Ready, evaluate};
use provost_model::program::{Allowed, PlanTask, TaskIx, TaskKind};
use provost_model::record::PlannedTask;
use provost_model::value::Map;
use provost_model::{Labelled, Position, Problem};
use rpds::VectorSync;

use super::{Entering, Finished, begin, complete, park, used_up};
use crate::origin;
use crate::state::Open;
use crate::turn::{Scope, Turn, check_depth};

/// A plan that is carried out.
pub(super) struct Under<'u> {
    pub(super) tasks: &'u Arc<Vec<PlannedTask>>,
    pub(super) revision: u32,
    pub(super) done: &'u VectorSync<Labelled>,
}

/// Its next task, or its end.
pub(super) fn go_on(turn: &mut Turn<'_>, at: &Position, open: &Open, under: Under<'_>) {
    if turn.state.has_open_child(at) {
        return;
    }
    let index = under.done.len();
    let Some(planned) = under.tasks.get(index) else {
        let then = turn.task(open.task).map(|task| task.then.clone()).unwrap_or_default();
        return complete(turn, at, open.task, Finished { input: open.input.clone(), output: open.last.clone(), then, effect: None });
    };
    let place = at.planned(under.revision, index);
    let Some((allowed, ix)) = allowed(turn, open.task, planned) else { return park(turn, at.clone(), lost(planned)) };
    let entering = entering(turn, (at, &place), open, &under, (planned, allowed, ix));
    begin(turn, at, &place, ix, entering);
}

/// The entry of the allow-list that a planned task uses, and its task.
pub(crate) fn allowed<'p>(turn: &Turn<'p>, plan: TaskIx, planned: &PlannedTask) -> Option<(&'p Allowed, TaskIx)> {
    let TaskKind::Plan(task) = &turn.task(plan).ok()?.kind else { return None };
    let PlanTask { allow, tasks, .. } = &**task;
    let entries = allow.iter().zip(tasks);
    entries.filter(|(one, _)| one.call == planned.call && one.name == planned.called).map(|(one, ix)| (one, *ix)).next()
}

fn lost(planned: &PlannedTask) -> Problem {
    Problem::standard("configuration", 500, format!("the workflow allows no `{} {}`", planned.call.word(), planned.called))
        .detail("publish the bundle again")
}

/// The task about to begin with what it is given; `None` when it is skipped.
fn entering<'e>(
    turn: &Turn<'e>,
    (at, place): (&Position, &'e Position),
    open: &Open,
    under: &Under<'_>,
    (planned, allowed, ix): (&PlannedTask, &Allowed, TaskIx),
) -> Result<Option<Entering<'e>>, Problem> {
    if let Some(problem) = used_up(turn) {
        return Err(problem);
    }
    let task = turn.task(ix)?;
    let limits = &turn.program().limits;
    let fuel = Fuel { units_max: limits.expression_fuel, bytes_max: limits.expression_bytes };
    let mut variable = |name: &str| match name {
        "context" => turn.state.context(at),
        "input" => open.last.clone(),
        PLAN_VARIABLE => said(open, under),
        _ => Labelled::default(),
    };
    let given = evaluate(planned, &open.last, fuel, &mut variable).map_err(|detail| {
        let title = format!("what the plan gives its task `{}` cannot be evaluated", planned.name);
        Problem::standard("expression", 400, title).detail(detail)
    })?;
    let Ready::With(given) = given else { return Ok(None) };
    let input = together(turn, at, open, allowed, given)?;
    check_depth(&input)?;
    turn.check_size(&input)?;
    Ok(Some(Entering { at: place, ix, task, raw: open.last.clone(), input }))
}

/// `$plan`: what the plan was given, and what its tasks gave, by the names that the agent chose.
fn said(open: &Open, under: &Under<'_>) -> Labelled {
    let outputs = under.tasks.iter().zip(under.done.iter()).map(|(task, output)| (task.name.clone(), output.clone()));
    Labelled::object([("input", open.input.clone()), ("outputs", Labelled::object(outputs.collect::<Vec<_>>()))])
}

/// What the agent gives, which nobody trusts, and what the author fixed.
fn together(turn: &Turn<'_>, at: &Position, open: &Open, allowed: &Allowed, given: Labelled) -> Result<Labelled, Problem> {
    let untrusted = |given: Labelled| {
        let labels = given.labels.join(&origin::reference(turn, &given.value));
        Labelled::new(given.value, labels)
    };
    if allowed.fixed.is_empty() {
        return Ok(untrusted(given));
    }
    let scope = Scope { at: Some(at.clone()), input: open.input.clone(), task: Some(open.task), ..Scope::default() };
    let mut members: Vec<(Arc<str>, Labelled)> =
        given.as_object().into_iter().flat_map(Map::iter).map(|(key, _)| (key.clone(), untrusted(given.part(key)))).collect();
    for (key, fixed) in &allowed.fixed {
        members.push((key.clone(), turn.render(fixed, &open.input, &scope)?));
    }
    Ok(Labelled::object(members))
}
