//! Folding what happened to tasks.

use std::borrow::Borrow;
use std::sync::Arc;

use provost_model::id::EffectId;
use provost_model::planted::planted;
use provost_model::program::{Flow, TaskIx};
use provost_model::record::{Exported, PlannedTask, Shape, Start};
use provost_model::value::Map;
use provost_model::{Digest, Labelled, Labels, Position, Problem, Value};

use crate::reconcile;
use crate::state::{Open, OpenKind, Orchestration, Phase, Timer, Visits};
use rpds::Vector;

/// The timer of the whole.
pub(crate) const OWN_TIME: &str = "timeout:";

fn opened(task: TaskIx, raw: Labelled, input: Option<Labelled>, kind: OpenKind, now_us: i64) -> Open {
    let input = input.unwrap_or_else(|| raw.clone());
    Open {
        task,
        last: input.clone(),
        raw,
        input,
        entered_us: now_us,
        cursor: None,
        then: Flow::Continue,
        visits: Visits::default(),
        expired: false,
        kind,
    }
}

/// Changes the open thing at `at`, where it is open.
pub(super) fn change<P: Borrow<str> + ?Sized>(state: &mut Orchestration, at: &P, with: impl FnOnce(&mut Open)) {
    if let Some(open) = state.open.get_mut(at.borrow()) {
        with(Arc::make_mut(open));
    }
}

pub(super) fn started(state: &mut Orchestration, start: Option<&Start>, labels: &Labels, input: Option<Labelled>, now_us: i64) {
    let Some(start) = start else { return };
    state.phase = Phase::Running;
    state.started_at_us = now_us;
    let root = opened(TaskIx::ROOT, Labelled::new(start.input.clone(), labels.clone()), input, OpenKind::Plain, now_us);
    state.input = root.input.clone();
    state.start = Some(Arc::new(start.clone()));
    state.open.insert_mut(Position::root(), Arc::new(root));
    state.lines.insert_mut(Position::root(), Labelled::authored(Value::empty()));
}

/// The raw input of the task at `at`: what its predecessor or its block hands on.
fn raw_input(state: &Orchestration, at: &Position) -> Labelled {
    let parent = at.around().and_then(|parent| state.open.get(parent));
    parent.map(|open| if matches!(open.kind, OpenKind::Fork { .. }) { open.input.clone() } else { open.last.clone() }).unwrap_or_default()
}

pub(super) fn entered(state: &mut Orchestration, at: &Position, task: TaskIx, input: Option<Labelled>, shape: &Shape, now_us: i64) {
    let raw = raw_input(state, at);
    let kind = match shape {
        Shape::Plain => OpenKind::Plain,
        Shape::For { items, labels } => OpenKind::For { items: Labelled::new(items.clone(), labels.clone()), index: 0 },
        Shape::Fork => OpenKind::Fork { done: Vector::new_sync(), open: 0 },
        Shape::Try => OpenKind::Try { attempt: 1, first_us: now_us, waiting: false, caught: None },
    };
    let begun = state.open.contains_key(at);
    state.open.insert_mut(at.clone(), Arc::new(opened(task, raw, input, kind, now_us)));
    if !begun {
        in_fork(state, at, |open| *open += 1);
    }
}

/// Changes how many branches are open in the fork that the branch at `at` belongs to, if it does.
fn in_fork(state: &mut Orchestration, at: &Position, with: impl FnOnce(&mut usize)) {
    let Some(parent) = at.around() else { return };
    if state.open.get(parent).is_some_and(|around| matches!(around.kind, OpenKind::Fork { .. })) {
        change(state, parent, |around| {
            if let OpenKind::Fork { open, .. } = &mut around.kind {
                with(open);
            }
        });
    }
}

/// Closes the branch or other place at `at` without an output.
pub(super) fn dropped(state: &mut Orchestration, at: &Position) {
    if state.open.contains_key(at) {
        in_fork(state, at, |open| *open = open.saturating_sub(1));
    }
    close(state, at);
}

pub(super) fn iterated(state: &mut Orchestration, at: &Position, index: u64, now_us: i64) {
    let Some(around) = state.open.get(at).cloned() else { return };
    if state.listeners.contains_key(at) {
        return super::listeners::iterated(state, at, around.task, index, now_us);
    }
    let mut carried = around.input.clone();
    if index > 0 {
        let previous = at.iteration(index - 1);
        carried = state.open.get(&previous).map(|open| open.last.clone()).unwrap_or(carried);
        close(state, &previous);
    }
    change(state, at, |open| {
        if let OpenKind::For { index: current, .. } = &mut open.kind {
            *current = index;
        }
    });
    open_iteration(state, at, around.task, index, carried, now_us);
}

/// Opens the `index`-th iteration of the task at `at` over `raw`.
pub(super) fn open_iteration(state: &mut Orchestration, at: &Position, task: TaskIx, index: u64, raw: Labelled, now_us: i64) {
    let block = opened(task, raw, None, OpenKind::Iteration { index }, now_us);
    state.open.insert_mut(at.iteration(index), Arc::new(block));
}

/// The output a `Completed` fact stands for.
pub(crate) fn output_of(state: &Orchestration, at: &Position, output: Option<Labelled>, effect: Option<EffectId>) -> Labelled {
    if let Some(output) = output {
        return output;
    }
    if let Some(effect) = effect.and_then(|id| state.effects.get(&id)) {
        return effect.result.clone();
    }
    state.open.get(at).map_or_else(|| raw_input(state, at), |open| open.raw.clone())
}

pub(super) fn completed(
    state: &mut Orchestration,
    at: &Position,
    task: TaskIx,
    output: Labelled,
    exported: Option<&Exported>,
    then: &Flow,
) {
    // The line of a finished branch is kept for the join.
    let kept = state.lines.get(at).filter(|_| !at.is_root()).cloned();
    let begun = state.open.contains_key(at);
    close(state, at);
    if let Some(context) = kept {
        state.lines.insert_mut(at.clone(), context);
    }
    if let Some(exported) = exported {
        let line = state.line_of(at);
        let context = apply(&state.context(at), exported);
        state.lines.insert_mut(line, context);
    }
    hand_on(state, at, task, output, then.clone(), begun);
}

pub(super) fn skipped(state: &mut Orchestration, at: &Position, task: TaskIx) {
    let raw = if planted("skipped-gives-null") { Labelled::default() } else { raw_input(state, at) };
    hand_on(state, at, task, raw, Flow::Continue, false);
}

/// Hands `output` on to what is around the task, which stood open there if it had `begun`.
fn hand_on(state: &mut Orchestration, at: &Position, task: TaskIx, output: Labelled, then: Flow, begun: bool) {
    state.tasks_run += 1;
    let Some(parent) = at.around() else { return };
    change(state, parent, |open| {
        if let OpenKind::Fork { done, open } = &mut open.kind {
            done.push_back_mut((task, output));
            *open = open.saturating_sub(usize::from(begun));
            return;
        }
        if let OpenKind::Plan { done, .. } = &mut open.kind {
            done.push_back_mut(output.clone());
        }
        open.visits.add(task);
        open.cursor = Some(task);
        open.last = output;
        open.then = then;
    });
}

/// The plan at `at` is known, and carried out from its first task on.
pub(super) fn planned(state: &mut Orchestration, at: &Position, revision: u32, digest: Digest, tasks: &[PlannedTask]) {
    let mut known = state.plans.get(at).cloned().unwrap_or_default();
    if known.len() < revision as usize {
        Arc::make_mut(&mut known).push(digest);
        state.plans.insert_mut(at.clone(), known);
    }
    change(state, at, |open| open.kind = OpenKind::Plan { tasks: Arc::new(tasks.to_vec()), revision, done: Vector::new_sync() });
}

/// `$context` with `exported` applied.
pub(crate) fn apply(context: &Labelled, exported: &Exported) -> Labelled {
    if let Some(whole) = &exported.whole {
        return Labelled::new(whole.clone(), exported.labels.clone());
    }
    let mut map: Map = context.as_object().cloned().unwrap_or_default();
    for key in &exported.dropped {
        map.remove(key);
    }
    if let Some(set) = exported.set.as_object() {
        for (key, value) in set.iter() {
            map.insert(key.clone(), value.clone());
        }
    }
    let gone = exported.dropped.iter().map(|key| &**key);
    let set = exported.set.as_object().into_iter().flat_map(|set| set.iter()).map(|(key, _)| &**key);
    let labels = context.labels.without(gone.chain(set)).join(&exported.labels);
    Labelled::new(Value::Object(Arc::new(map)), labels)
}

/// Closes everything at `at` and inside it: open tasks, lines, timers, questions, runs that may be repeated.
pub(super) fn close(state: &mut Orchestration, at: &Position) {
    if state.is_open_within(at) {
        let open: Vec<Position> = state.open_within(at).map(|(place, _)| place.clone()).collect();
        for place in &open {
            state.open.remove_mut(place);
        }
    }
    if state.lines.size() > 1 {
        let inside = state.lines.range(at.clone()..).map(|(line, _)| line).take_while(|line| line.as_str().starts_with(at.as_str()));
        let lines: Vec<Position> = inside.filter(|line| !line.is_root() && line.is_within(at)).cloned().collect();
        for line in &lines {
            state.lines.remove_mut(line);
        }
    }
    if !state.timers.is_empty() {
        // A look of the schedule belongs to what it looks at, which may outlive its place.
        let closed = |id: &str, timer: &Timer| timer.at.is_within(at) && !id.starts_with(reconcile::PREFIX);
        let timers: Vec<Arc<str>> = state.timers.iter().filter(|(id, timer)| closed(id, timer)).map(|(id, _)| id.clone()).collect();
        for timer in &timers {
            state.timers.remove_mut(timer);
        }
    }
    let runs: Vec<EffectId> = state.effects.live_within(at).filter(|(_, effect)| effect.kind.is_repeatable()).map(|(id, _)| *id).collect();
    for run in &runs {
        state.effects.remove(run);
    }
    super::reviews::close_within(state, at);
    super::listeners::close_within(state, at);
}

/// Closes what an error went through. The workflow itself stays, so that a redrive finds where it was.
pub(super) fn raised(state: &mut Orchestration, at: &Position) {
    if at.is_root() { close_inside(state, at) } else { dropped(state, at) }
}

/// What was parked at `at` begins again, with its time, and the schedule looks at it no more.
pub(super) fn redriven(state: &mut Orchestration, at: &Position) {
    state.parked = None;
    state.timers.remove_mut(reconcile::PARKED);
    raised(state, at);
    super::listeners::give_back(state, at);
    change(state, at, |open| open.expired = false);
}

/// Closes everything inside `at`, but not `at` itself: a task keeps its time, and where it is a branch of a fork, its `$context`.
fn close_inside(state: &mut Orchestration, at: &Position) {
    let Some(kept) = state.open.get(at).cloned() else { return };
    let line = state.lines.get(at).cloned();
    let timeout: Arc<str> = format!("timeout:{at}").into();
    let timer = state.timers.get(&timeout).filter(|_| !at.is_root()).cloned();
    close(state, at);
    state.open.insert_mut(at.clone(), kept);
    if let Some(context) = line {
        state.lines.insert_mut(at.clone(), context);
    }
    if let Some(timer) = timer {
        state.timers.insert_mut(timeout, timer);
    }
}

pub(super) fn caught(state: &mut Orchestration, at: &Position, problem: &Problem, now_us: i64) {
    close_inside(state, at);
    let Some(around) = state.open.get(at).cloned() else { return };
    change(state, at, |open| {
        if let OpenKind::Try { caught, waiting, .. } = &mut open.kind {
            *caught = Some(Box::new(problem.clone()));
            *waiting = false;
        }
    });
    let kind = OpenKind::Catch { problem: Box::new(problem.clone()) };
    let raw = if planted("handlers-see-last") { around.last.clone() } else { around.input.clone() };
    let block = opened(around.task, raw, None, kind, now_us);
    state.open.insert_mut(at.catch(), Arc::new(block));
}

pub(super) fn retry_scheduled(state: &mut Orchestration, at: &Position, next: u32) {
    close_inside(state, at);
    super::listeners::give_back(state, at);
    state.tasks_run += u64::from(!planted("attempts-not-counted"));
    change(state, at, |open| {
        if !planted("retry-goes-on") {
            open.cursor = None;
        }
        open.then = Flow::Continue;
        open.last = open.input.clone();
        open.visits = Visits::default();
        if let OpenKind::Try { attempt, waiting, .. } = &mut open.kind {
            *attempt = next;
            *waiting = true;
        }
    });
}

pub(super) fn retried(state: &mut Orchestration, at: &Position) {
    change(state, at, |open| {
        if let OpenKind::Try { waiting, .. } = &mut open.kind {
            *waiting = false;
        }
    });
}

/// Whoever is interrupted has no time left, whether it had a timer or not.
pub(super) fn interrupted(state: &mut Orchestration) {
    state.timers.remove_mut(OWN_TIME);
    change(state, &Position::root(), |open| open.expired = true);
}

pub(super) fn timer_fired(state: &mut Orchestration, id: &str) {
    let Some(timer) = state.timers.get(id).cloned() else { return };
    state.timers.remove_mut(id);
    if id.starts_with(OWN_TIME) {
        change(state, &timer.at, |open| open.expired = true);
    }
}
