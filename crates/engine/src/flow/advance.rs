//! Going on with blocks: the next task of a list, the next item, the next branch, the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provost_model::planted::planted;
use provost_model::position::around;
use provost_model::program::{Block, ExtendedTask, Flow, TaskIx, TaskKind};
use provost_model::record::{Ending, Fact, Intent};
use provost_model::{Labelled, Position, Problem};
use rpds::VectorSync;

use super::{Finished, complete, enter, raise};
use crate::ledger;
use crate::origin;
use crate::state::{Open, OpenKind, Phase};
use crate::tasks::{extend, listen, run};
use crate::turn::{Scope, Turn};

/// Goes on with every block that is ready until all wait, or the transition is full.
pub(crate) fn run(turn: &mut Turn<'_>) {
    while let Some(at) = turn.ready.pop() {
        if turn.state.is_ended() || turn.state.parked.is_some() || matches!(turn.state.phase, Phase::Cancelling { .. }) {
            turn.ready.clear();
            return;
        }
        if !turn.spend() {
            turn.ready.clear();
            turn.emit(Fact::Yielded);
            if !planted("yielded-for-ever") {
                turn.intend(Intent::Continue);
            }
            return;
        }
        go_on(turn, &at);
    }
}

/// Every block that has nothing open inside and is not waiting: where a transition goes on after a limit or a redrive. What sleeps must
/// not be among them: each is counted, and more of them than a transition counts would fill one transition after the other for ever.
pub(crate) fn blocks_to_go_on(turn: &Turn<'_>) -> Vec<Position> {
    let goes_on = |at: &Position, open: &Open| is_block(turn, open) && is_idle(turn, at, open) && !is_asleep(turn, at, open);
    let mut blocks: Vec<Position> = turn.state.open.iter().filter(|(at, open)| goes_on(at, open)).map(|(at, _)| at.clone()).collect();
    blocks.reverse();
    blocks
}

fn is_block(turn: &Turn<'_>, open: &Open) -> bool {
    match &open.kind {
        OpenKind::For { .. } | OpenKind::Iteration { .. } | OpenKind::Fork { .. } | OpenKind::Plan { .. } | OpenKind::Catch { .. } => true,
        OpenKind::Try { waiting, .. } => !*waiting,
        OpenKind::Plain => {
            let blocks =
                |kind: &TaskKind| matches!(kind, TaskKind::Do(_) | TaskKind::Listen(_) | TaskKind::Extended(_) | TaskKind::Aside(_));
            open.task == TaskIx::ROOT || turn.task(open.task).is_ok_and(|task| blocks(&task.kind))
        }
    }
}

/// Whether only an event or a branch can wake it: a listener without anything to handle, a fork whose branches have all begun.
fn is_asleep(turn: &Turn<'_>, at: &Position, open: &Open) -> bool {
    let sleeps = match (turn.state.listeners.get(at), &open.kind) {
        (Some(listener), _) => listen::is_asleep(turn, at, listener),
        (None, OpenKind::Fork { done, open: begun }) => match turn.task(open.task).map(|task| &task.kind) {
            Ok(TaskKind::Fork(task)) => {
                let all_begun = done.len() + *begun == task.branches.len();
                all_begun && !is_through(turn, at, open)
            }
            Ok(_) | Err(_) => false,
        },
        (
            None,
            OpenKind::For { .. }
            | OpenKind::Iteration { .. }
            | OpenKind::Catch { .. }
            | OpenKind::Try { .. }
            | OpenKind::Plan { .. }
            | OpenKind::Plain,
        ) => false,
    };
    sleeps && expired_around(turn, at).is_none()
}

fn is_idle(turn: &Turn<'_>, at: &Position, open: &Open) -> bool {
    matches!(open.kind, OpenKind::Fork { .. }) || !turn.state.has_open_child(at)
}

fn go_on(turn: &mut Turn<'_>, at: &Position) {
    let Some(open) = turn.state.open.get(at).cloned() else { return };
    // What is through when its time is up succeeded; only what would go on is stopped.
    if let Some(expired) = expired_around(turn, at).filter(|_| !is_through(turn, at, &open) || planted("late-though-through")) {
        return expire(turn, &expired);
    }
    if let Some(listener) = turn.state.listeners.get(at).cloned() {
        return listen::go_on(turn, at, &open, &listener);
    }
    match &open.kind {
        OpenKind::Fork { done, open: begun } => fork(turn, at, &open, done, *begun),
        OpenKind::For { items, index } => each(turn, at, &open, items, *index),
        OpenKind::Plan { tasks, revision, done } => {
            super::plan::go_on(turn, at, &open, super::plan::Under { tasks, revision: *revision, done })
        }
        OpenKind::Try { waiting: true, .. } => {}
        OpenKind::Plain | OpenKind::Iteration { .. } | OpenKind::Catch { .. } | OpenKind::Try { .. } => list(turn, at, open),
    }
}

/// Whether nothing is left to run in the block at `at`.
pub(crate) fn is_through(turn: &Turn<'_>, at: &Position, open: &Open) -> bool {
    if let Some(listener) = turn.state.listeners.get(at) {
        return listen::is_done(turn, at, listener);
    }
    match &open.kind {
        OpenKind::Fork { done, .. } => match turn.task(open.task).map(|task| &task.kind) {
            Ok(TaskKind::Fork(task)) => done.len() == task.branches.len() || task.compete && !done.is_empty(),
            Ok(_) | Err(_) => false,
        },
        OpenKind::For { items, index } => {
            let running = turn.state.open.get(&at.iteration(*index));
            let carried = running.map_or(&open.input, |block| &block.last);
            let next = if running.is_some() { index + 1 } else { *index };
            !turn.state.has_open_child(&at.iteration(*index)) && !another(turn, at, open, items, next, carried).unwrap_or(true)
        }
        OpenKind::Plan { tasks, done, .. } => !turn.state.has_open_child(at) && done.len() >= tasks.len(),
        OpenKind::Plain | OpenKind::Iteration { .. } | OpenKind::Catch { .. } | OpenKind::Try { .. } => {
            !turn.state.has_open_child(at) && next_of(turn, open).is_none()
        }
    }
}

/// The outermost place around `at` whose time is up and where nothing is out any more.
pub(crate) fn expired_around(turn: &Turn<'_>, at: &Position) -> Option<Position> {
    let mut found = None;
    let mut place = Some(at.as_str());
    while let Some(here) = place {
        if let Some((here, open)) = turn.state.open.get_key_value(here)
            && open.expired
            && !crate::ledger::is_out_within(turn, here)
        {
            found = Some(here.clone());
        }
        place = around(here);
    }
    found
}

/// The time of the place at `at` is up: it raises `timeout`.
pub(crate) fn expire(turn: &mut Turn<'_>, at: &Position) {
    let Some(open) = turn.state.open.get(at).cloned() else { return };
    let problem = Problem::standard("timeout", 408, "the task took longer than its timeout")
        .detail("raise `timeout`, or catch the error and go another way");
    raise(turn, at, open.task, problem);
}

fn block<'p>(turn: &Turn<'p>, open: &Open) -> Option<&'p Block> {
    if open.task == TaskIx::ROOT {
        return Some(&turn.program().root);
    }
    match (&open.kind, &turn.task(open.task).ok()?.kind) {
        (OpenKind::Catch { .. }, TaskKind::Try(task)) => task.catch.body.as_ref(),
        (OpenKind::Try { .. }, TaskKind::Try(task)) => Some(&task.body),
        (OpenKind::Iteration { .. }, TaskKind::For(task)) => Some(&task.body),
        (OpenKind::Iteration { .. }, TaskKind::Listen(task)) => task.each.as_ref().map(|each| &each.body),
        (_, TaskKind::Do(body)) => Some(body),
        (_, TaskKind::Aside(aside)) => Some(&aside.body),
        (_, TaskKind::Extended(extended)) => Some(&extended.body),
        (_, _) => None,
    }
}

/// A list: its next task, or its end.
fn list(turn: &mut Turn<'_>, at: &Position, open: Arc<Open>) {
    if turn.state.has_open_child(at) {
        return;
    }
    if let Some(ix) = next_of(turn, &open) {
        let raw = open.last.clone();
        // What the task hands on is folded into the list: held here as well, all that the list knows would be copied for it.
        drop(open);
        return enter(turn, at, ix, raw);
    }
    match &open.then {
        // What is extended still has its own output to make.
        Flow::End if planted("end-as-exit") => finish(turn, at, &open),
        Flow::End if open.cursor.is_some() && extended_of(turn, &open).is_none() => end(turn, open.last.clone()),
        Flow::Continue | Flow::Exit | Flow::End | Flow::Task(_) => finish(turn, at, &open),
    }
}

/// The next task of a list; `None` at its end, or where control leaves it.
fn next_of(turn: &Turn<'_>, open: &Open) -> Option<TaskIx> {
    static NOTHING: Block = Block::new();
    if let Some(extended) = extended_of(turn, open) {
        return extend::next_of(extended, open);
    }
    let body = block(turn, open).unwrap_or(&NOTHING);
    match (&open.cursor, &open.then) {
        (None, _) => body.first().copied(),
        (Some(_), Flow::Task(ix)) => Some(*ix),
        (Some(_), Flow::Exit | Flow::End) if !planted("exit-as-continue") => None,
        (Some(done), Flow::Continue | Flow::Exit | Flow::End) => behind(body, *done),
    }
}

/// The task behind `done` in a list. Indices ascend as an author writes, and stand side by side where no task holds others, so that the
/// place is found without looking at all before it.
fn behind(body: &Block, done: TaskIx) -> Option<TaskIx> {
    let side_by_side = body.first().and_then(|first| done.0.checked_sub(first.0)).map(|place| place as usize);
    let place = side_by_side.filter(|place| body.get(*place) == Some(&done));
    let place = place.or_else(|| body.binary_search(&done).ok()).or_else(|| body.iter().position(|ix| *ix == done))?;
    body.get(place + 1).copied()
}

fn extended_of<'p>(turn: &Turn<'p>, open: &Open) -> Option<&'p ExtendedTask> {
    match &turn.program().task(open.task)?.kind {
        TaskKind::Extended(extended) => Some(extended),
        _ => None,
    }
}

/// The list at `at` is through: what that means for the task it belongs to.
fn finish(turn: &mut Turn<'_>, at: &Position, open: &Open) {
    let output = open.last.clone();
    if open.task == TaskIx::ROOT {
        return end(turn, output);
    }
    match &open.kind {
        OpenKind::Iteration { .. } => turn.ready.extend(at.parent()),
        OpenKind::Catch { .. } => {
            let Some(around) = at.parent() else { return };
            let then = match turn.task(open.task).map(|task| &task.kind) {
                Ok(TaskKind::Try(task)) if task.catch.then != Flow::Continue => task.catch.then.clone(),
                Ok(_) | Err(_) => own_flow(turn, open.task),
            };
            let input = turn.state.open.get(&around).map(|open| open.input.clone()).unwrap_or_default();
            complete(turn, &around, open.task, Finished { input, output, then, effect: None });
        }
        OpenKind::Plain | OpenKind::Try { .. } | OpenKind::For { .. } | OpenKind::Fork { .. } | OpenKind::Plan { .. } => {
            let finished = match turn.task(open.task).map(|task| &task.kind) {
                Ok(TaskKind::Extended(extended)) => extend::extended(turn, extended, open),
                Ok(TaskKind::Aside(aside)) => extend::aside(turn, at, aside, open),
                Ok(_) | Err(_) => Finished { input: open.input.clone(), output, then: own_flow(turn, open.task), effect: None },
            };
            complete(turn, at, open.task, finished);
        }
    }
}

fn own_flow(turn: &Turn<'_>, ix: TaskIx) -> Flow {
    turn.task(ix).map(|task| task.then.clone()).unwrap_or_default()
}

/// A `for`: its next item, or its end.
fn each(turn: &mut Turn<'_>, at: &Position, open: &Open, items: &Labelled, index: u64) {
    let running = at.iteration(index);
    let carried = turn.state.open.get(&running).map(|block| block.last.clone());
    if turn.state.open.contains_key(&running) && turn.state.has_open_child(&running) {
        return;
    }
    let next = if carried.is_some() { index + 1 } else { index };
    let output = carried.filter(|_| !planted("items-from-the-input")).unwrap_or_else(|| open.input.clone());
    match another(turn, at, open, items, next, &output) {
        Err(problem) => raise(turn, at, open.task, problem),
        Ok(true) => {
            turn.emit(Fact::Iterated { at: at.clone(), index: next });
            turn.ready.push(at.iteration(next));
        }
        Ok(false) => {
            let then = own_flow(turn, open.task);
            complete(turn, at, open.task, Finished { input: open.input.clone(), output, then, effect: None });
        }
    }
}

/// Whether there is an item `next`, and `while` holds for it.
fn another(turn: &Turn<'_>, at: &Position, open: &Open, items: &Labelled, next: u64, carried: &Labelled) -> Result<bool, Problem> {
    let place = usize::try_from(next).ok().filter(|next| items.as_array().is_some_and(|items| *next < items.len()));
    let Some(place) = place else { return Ok(false) };
    let Ok(TaskKind::For(task)) = turn.task(open.task).map(|task| &task.kind) else { return Ok(false) };
    let Some(condition) = task.condition.filter(|_| next == 0 || !planted("while-not-asked")) else { return Ok(true) };
    let index = Labelled::authored(i64::try_from(next).ok());
    let more = vec![(task.each.clone(), items.item(place)), (task.at.clone(), index)];
    let scope = Scope { at: Some(at.clone()), input: open.input.clone(), task: Some(open.task), more, ..Scope::default() };
    turn.holds(condition, carried, &scope)
}

/// A `fork`: branches not yet begun, the winner, or the join.
fn fork(turn: &mut Turn<'_>, at: &Position, open: &Open, done: &VectorSync<(TaskIx, Labelled)>, running: usize) {
    let Ok(TaskKind::Fork(task)) = turn.task(open.task).map(|task| &task.kind) else { return };
    if task.compete
        && let Some((_, output)) = done.first()
    {
        return settle_fork(turn, at, open, output.clone());
    }
    let (waiting, all_begun) = (turn.ready.len(), done.len() + running >= task.branches.len());
    let finished: BTreeSet<TaskIx> = if all_begun { BTreeSet::new() } else { done.iter().map(|(branch, _)| *branch).collect() };
    for ix in task.branches.iter().filter(|_| !all_begun) {
        let Ok(branch) = turn.task(*ix) else { continue };
        let place = at.task(&branch.name, 1);
        if finished.contains(ix) || turn.state.open.contains_key(&place) {
            continue;
        }
        if !turn.spend() {
            // The transition is full: `run` says so when it comes to the fork again.
            return turn.ready.push(at.clone());
        }
        enter(turn, at, *ix, open.input.clone());
        // A branch may have ended the fork: won, or raised an error that was taken further out.
        let Some(OpenKind::Fork { done, .. }) = turn.state.open.get(at).map(|open| &open.kind) else { return };
        if turn.state.parked.is_some() || (task.compete && !done.is_empty()) {
            return;
        }
    }
    let Some(OpenKind::Fork { done, .. }) = turn.state.open.get(at).map(|open| &open.kind) else { return };
    if done.len() < task.branches.len() {
        // What is ready last goes on first: of branches that begin together, the first declared is ahead.
        if !planted("last-branch-first") {
            turn.ready.get_mut(waiting..).unwrap_or_default().reverse();
        }
        return;
    }
    let by_branch: BTreeMap<TaskIx, &Labelled> = done.iter().map(|(branch, output)| (*branch, output)).collect();
    let outputs = task.branches.iter().map(|ix| by_branch.get(ix).map(|output| (*output).clone()).unwrap_or_default());
    let output = if planted("join-as-completed") {
        Labelled::array(done.iter().map(|(_, output)| output.clone()))
    } else {
        Labelled::array(outputs)
    };
    settle_fork(turn, at, open, output);
}

fn settle_fork(turn: &mut Turn<'_>, at: &Position, open: &Open, output: Labelled) {
    let losers: Vec<Position> =
        turn.state.open_within(at).filter(|(place, _)| place.parent().as_ref() == Some(at)).map(|(p, _)| p.clone()).collect();
    for loser in losers {
        super::withdraw_within(turn, &loser);
        run::leave_within(turn, &loser);
        turn.emit(Fact::Abandoned { at: loser });
    }
    let then = own_flow(turn, open.task);
    complete(turn, at, open.task, Finished { input: open.input.clone(), output, then, effect: None });
}

/// The workflow is through.
pub(super) fn end(turn: &mut Turn<'_>, output: Labelled) {
    turn.ready.clear();
    let program = turn.program();
    let scope = Scope { input: turn.state.input.clone(), output: output.clone(), ..Scope::default() };
    let shaped = match &program.output.to {
        Some(to) => turn.render(to, &output, &scope),
        None => Ok(output),
    };
    let checked = shaped.and_then(|output| turn.validate(program.output.schema, &output, "the workflow's output").map(|()| output));
    match checked {
        Ok(output) => {
            super::withdraw_within(turn, &Position::root());
            run::leave_within(turn, &Position::root());
            let labels = origin::followed(turn, &output).filter(|labels| is_awaited(turn) || !labels.is_shown());
            ledger::leave_in_doubt(turn);
            turn.emit(Fact::Ended { ending: Ending::Completed, output: Some(output.value), problem: None, labels });
            turn.intend(Intent::Announce);
        }
        Err(problem) => raise(turn, &Position::root(), TaskIx::ROOT, problem),
    }
}

/// Whether a parent waits for its output.
fn is_awaited(turn: &Turn<'_>) -> bool {
    turn.state.start.as_ref().and_then(|start| start.parent.as_ref()).is_some_and(|parent| parent.awaits)
}
