//! What an attempt's outcome means.

use std::sync::Arc;

use provost_model::id::EffectId;
use provost_model::planted::planted;
use provost_model::program::{ActionSpec, EffectClass, InDoubt, Keeping, RetrySpec, Task, TaskKind};
use provost_model::record::{Attempted, Command, EffectKind, EffectState, Fact, Intent, Outcome, Stored};
use provost_model::value::canonical_len;
use provost_model::{Labelled, Labels, Position, Problem, Value};

use super::leave::{leave, put_off};
use super::{again, look_up};
use crate::flow::{Finished, complete, expire, expired_around, park, raise, retried_outside, used_up};
use crate::origin;
use crate::reconcile;
use crate::rejected::Rejected;
use crate::state::{Effect, Phase};
use crate::tasks::{self, retry};
use crate::turn::{Turn, breaks_contract};

/// Most look-ups of one unknown outcome before a person must settle it.
const LOOKUPS_MAX: u32 = 10;

/// Records an outcome and goes on with the task that waits for it.
///
/// # Errors
/// [`Rejected::StaleAttempt`] for a zombie's report.
pub(crate) fn attempted(turn: &mut Turn<'_>, outcome: &Outcome) -> Result<(), Rejected> {
    let id = outcome.effect;
    let stale = Rejected::StaleAttempt { effect: id, attempt: outcome.attempt };
    let effect = turn.state.effects.get(&id).cloned().ok_or_else(|| stale.clone())?;
    let expected = if effect.state == EffectState::Asked { effect.lookups } else { effect.attempt };
    let waits = matches!(effect.state, EffectState::Intended | EffectState::Sent | EffectState::Asked);
    if !waits || expected != outcome.attempt {
        return Err(stale);
    }
    let screened;
    let outcome = if effect.kind == EffectKind::Retrieval {
        let Some(readable) = tasks::retrieve::screened(turn, &effect, outcome) else { return Ok(()) };
        screened = readable;
        turn.recorded = Some(Command::Outcome(screened.clone()));
        &screened
    } else {
        outcome
    };
    let labels = match (&outcome.result, &outcome.stored) {
        (Attempted::Done { value, .. }, None) => origin::result(turn, &effect, value),
        // A contract's word is about the content, and the reference is none of it.
        (Attempted::Done { value, .. }, Some(_)) => origin::reference(turn, value),
        (Attempted::Failed { .. } | Attempted::Unknown { .. } | Attempted::Unreadable { .. } | Attempted::Absent, _) => {
            Labels::whole(origin::failure(turn, &effect))
        }
    };
    let quotes = labels.all();
    turn.emit(Fact::Attempted { effect: id, attempt: outcome.attempt, result: Some(Box::new(outcome.result.clone())), labels });
    match &outcome.result {
        Attempted::Done { value, dropped_bytes, .. } => {
            let usable = usable(turn, &effect, value, *dropped_bytes, outcome.stored.as_ref());
            done(turn, &id, usable);
        }
        Attempted::Failed { problem, retry, retry_after_ms } if effect.state != EffectState::Asked => {
            failed(turn, &id, &effect, &problem.clone().quoting(quotes), *retry, *retry_after_ms);
        }
        Attempted::Failed { .. } => ask_again(turn, &id, &effect),
        Attempted::Unknown { problem } => unknown(turn, &id, &effect, &problem.clone().quoting(quotes)),
        Attempted::Unreadable { problem, .. } => done(turn, &id, Err(problem.clone().quoting(quotes))),
        Attempted::Absent => absent(turn, &id, &effect),
    }
    Ok(())
}

/// A timer of an effect fired: its next attempt or look-up may leave.
pub(crate) fn scheduled_due(turn: &mut Turn<'_>, id: &EffectId) {
    let Some(effect) = turn.state.effects.get(id).cloned() else { return };
    match effect.state {
        EffectState::Waiting if matches!(turn.state.phase, Phase::Cancelling { .. }) && effect.unknown => ask_or_doubt(turn, id, &effect),
        EffectState::Waiting if matches!(turn.state.phase, Phase::Cancelling { .. }) => {
            settle(turn, id, EffectState::Failed);
        }
        EffectState::Waiting => due(turn, id, &effect),
        EffectState::Claiming => turn.intend(Intent::Claim { effect: *id }),
        EffectState::Asked => turn.intend(Intent::LookUp { effect: *id, attempt: effect.lookups }),
        EffectState::Intended
        | EffectState::Sent
        | EffectState::Done
        | EffectState::Failed
        | EffectState::InDoubt
        | EffectState::Conflict
        | EffectState::Abandoned => {}
    }
}

/// Its time came: it leaves, unless what delayed it once delays it no more.
fn due(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect) {
    let behind = effect.behind.clone();
    turn.emit(Fact::AttemptScheduled { effect: *id, attempt: effect.attempt, due_us: turn.ambient.now_us, behind });
    leave(turn, id);
}

/// Shared state delays the attempt. What may have been done before must still be asked about within its key's horizon.
pub(super) fn delayed(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect, due_us: i64, behind: Arc<str>) {
    if effect.unknown && due_us >= key_horizon_us(turn, effect) {
        return ask_or_doubt(turn, id, effect);
    }
    put_off(turn, id, effect.attempt, due_us, behind);
}

pub(super) fn settle(turn: &mut Turn<'_>, id: &EffectId, state: EffectState) {
    turn.emit(Fact::Settled { effect: *id, state });
}

/// It was done. What was done stays done, even if its result breaks the contract.
pub(super) fn done(turn: &mut Turn<'_>, id: &EffectId, usable: Result<(), Problem>) {
    let Some(effect) = turn.state.effects.get(id).cloned() else { return };
    match effect.kind {
        EffectKind::Agent => run_done(turn, id, &effect, usable),
        EffectKind::Retrieval | EffectKind::Feature => read_done(turn, id, &effect, usable),
        EffectKind::Action => action_done(turn, id, &effect, usable),
        EffectKind::Undo => {
            settle(turn, id, EffectState::Done);
            unwound(turn, &effect.at);
        }
    }
}

/// Whether a result can be handed on: it is not larger than allowed, and obeys its contract. Of one in a blob the edge said so.
pub(crate) fn usable(
    turn: &Turn<'_>,
    effect: &Effect,
    value: &Value,
    dropped_bytes: Option<u64>,
    stored: Option<&Stored>,
) -> Result<(), Problem> {
    oversize(turn, effect, value, dropped_bytes)?;
    let (contract, what) = match effect.kind {
        EffectKind::Agent => (turn.program().agents.get(&effect.name).and_then(|spec| spec.output), "the agent's answer"),
        EffectKind::Action => (turn.program().actions.get(&effect.name).and_then(|spec| spec.result), "the action's result"),
        EffectKind::Undo | EffectKind::Retrieval => return Ok(()),
        EffectKind::Feature => return tasks::feature::check(turn, effect, value),
    };
    match stored {
        None => turn.validate_part(contract, value, origin::failure(turn, effect), what),
        Some(Stored { broken: None }) => Ok(()),
        Some(Stored { broken: Some(detail) }) => Err(breaks_contract(what, detail).quoting(origin::failure(turn, effect))),
    }
}

fn oversize(turn: &Turn<'_>, effect: &Effect, value: &Value, dropped_bytes: Option<u64>) -> Result<(), Problem> {
    let limits = &turn.program().limits;
    let (limit, name) = match (dropped_bytes, keeping(turn, effect)) {
        (Some(_), Keeping::Blob) => (limits.blob_bytes, "blobBytes"),
        (Some(_) | None, Keeping::Record | Keeping::Blob) => (limits.value_bytes, "valueBytes"),
    };
    let bytes = dropped_bytes.unwrap_or_else(|| canonical_len(value) as u64);
    if bytes <= limit {
        return Ok(());
    }
    Err(Problem::ours("value-too-large", 413, format!("the result has {bytes} bytes, more than {limit}"))
        .detail(format!("what was done stays done; ask for less, or raise `metadata.provost.limits.{name}`")))
}

/// Where the task of an effect wants its result; in the record once the task is gone.
fn keeping(turn: &Turn<'_>, effect: &Effect) -> Keeping {
    let task = turn.state.open.get(&effect.at).and_then(|open| turn.task(open.task).ok());
    task.map(Task::keeping).unwrap_or_default()
}

fn run_done(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect, usable: Result<(), Problem>) {
    match usable {
        Ok(()) => match tasks::plan::proposed(turn, effect) {
            None => finish(turn, id, effect),
            Some(Ok(proposed)) => {
                settle(turn, id, EffectState::Done);
                tasks::plan::propose(turn, &effect.at, Some(*id), proposed);
            }
            Some(Err(problem)) => failed(turn, id, effect, &problem, true, None),
        },
        Err(problem) => failed(turn, id, effect, &problem, true, None),
    }
}

fn read_done(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect, usable: Result<(), Problem>) {
    if let Err(problem) = usable {
        return failed(turn, id, effect, &problem, true, None);
    }
    let Some(open) = turn.state.open.get(&effect.at).cloned() else { return };
    let output = match effect.kind {
        EffectKind::Retrieval => tasks::retrieve::answer(turn, id, effect),
        EffectKind::Feature => tasks::feature::answer(turn, effect),
        EffectKind::Agent | EffectKind::Action | EffectKind::Undo => effect.result.clone(),
    };
    let then = turn.task(open.task).map(|task| task.then.clone()).unwrap_or_default();
    complete(turn, &effect.at, open.task, Finished { input: open.input.clone(), output, then, effect: None });
}

fn action_done(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect, usable: Result<(), Problem>) {
    settle(turn, id, EffectState::Done);
    let Some(spec) = turn.program().actions.get(&effect.name) else { return };
    if let Some(by) = effect.undo.clone().or_else(|| spec.undo.clone()) {
        turn.emit(Fact::Undoable { effect: *id, by });
    }
    match usable {
        Ok(()) => finish(turn, id, effect),
        Err(problem) => raise_at(turn, &effect.at, problem),
    }
}

/// The task behind a finished effect completes with its result.
pub(super) fn finish(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect) {
    let Some(open) = turn.state.open.get(&effect.at).cloned() else { return };
    let then = turn.task(open.task).map(|task| task.then.clone()).unwrap_or_default();
    let finished = Finished { input: open.input.clone(), output: effect.result.clone(), then, effect: Some(*id) };
    complete(turn, &effect.at, open.task, finished);
}

fn raise_at(turn: &mut Turn<'_>, at: &Position, problem: Problem) {
    let Some(open) = turn.state.open.get(at).cloned() else { return };
    raise(turn, at, open.task, problem);
}

/// Certainly not done: another attempt where the retry allows it, else the task's error.
fn failed(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect, problem: &Problem, retry: bool, after_ms: Option<i64>) {
    if problem.is_ours("conflict") {
        settle(turn, id, EffectState::Conflict);
        return park(turn, effect.at.clone(), super::conflict(&effect.name));
    }
    let given_up = !turn.state.open.contains_key(&effect.at) || is_expired(turn, &effect.at);
    let stopping = given_up || matches!(turn.state.phase, Phase::Cancelling { .. });
    // One retry layer: an enclosing `catch.retry` that takes this error keeps the action's own out of it.
    let own = effect.kind == EffectKind::Action || effect.kind.is_read();
    let outside = !planted("retried-in-both") && own && retried_outside(turn, &effect.at, problem);
    if retry
        && !stopping
        && !outside
        && let Some((attempt, due_us)) = next_attempt(turn, id, effect, after_ms)
    {
        return again(turn, id, attempt, due_us);
    }
    if effect.unknown {
        // This attempt was not done; an earlier one may have been.
        return ask_or_doubt(turn, id, effect);
    }
    settle(turn, id, EffectState::Failed);
    give_way(turn, id, effect, problem.clone());
}

/// Whether the time of `at` or of a place around it is up.
pub(super) fn is_expired(turn: &Turn<'_>, at: &Position) -> bool {
    let expired = |place: &Position| turn.state.open.get(place).is_some_and(|open| open.expired);
    std::iter::successors(Some(at.clone()), Position::parent).any(|place| expired(&place))
}

fn next_attempt(turn: &Turn<'_>, id: &EffectId, effect: &Effect, after_ms: Option<i64>) -> Option<(u32, i64)> {
    let spec = retry_of(turn, effect)?;
    // What undoes is tried on, whatever ran before.
    if effect.kind != EffectKind::Undo && used_up(turn).is_some() {
        return None;
    }
    let (attempt, due_us) = retry::next(spec, effect.attempt, effect.first_us, turn.ambient, &id.to_string())?;
    let asked_us = turn.ambient.now_us.saturating_add(after_ms.unwrap_or(0).saturating_mul(1000));
    let due_us = due_us.max(asked_us);
    let in_time = retry::is_within(spec, effect.first_us, due_us) && (effect.deadline_us == 0 || due_us < effect.deadline_us);
    in_time.then_some((attempt, due_us))
}

fn retry_of<'p>(turn: &Turn<'p>, effect: &Effect) -> Option<&'p RetrySpec> {
    let program = turn.program();
    match effect.kind {
        EffectKind::Agent => program.agents.get(&effect.name).map(|spec| &spec.retry),
        EffectKind::Undo => program.actions.get(&effect.name).map(|spec| &spec.retry),
        EffectKind::Retrieval | EffectKind::Feature => tasks::reads::retry_of(turn, effect),
        EffectKind::Action => {
            let open = turn.state.open.get(&effect.at)?;
            match &program.task(open.task)?.kind {
                TaskKind::Act(task) if task.retry.is_some() => task.retry.as_ref(),
                _ => program.actions.get(&effect.name).map(|spec| &spec.retry),
            }
        }
    }
}

/// A settled failure becomes the task's error, or what the agent's file says.
pub(super) fn give_way(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect, problem: Problem) {
    if let Some(expired) = expired_around(turn, &effect.at) {
        return expire(turn, &expired);
    }
    match effect.kind {
        EffectKind::Agent => {
            if let Some(problem) = tasks::answered_instead(turn, &effect.at, id, problem) {
                raise_at(turn, &effect.at, problem);
            }
        }
        EffectKind::Action | EffectKind::Retrieval | EffectKind::Feature => raise_at(turn, &effect.at, problem),
        EffectKind::Undo => {
            let failed = Problem::ours("undo-failed", 500, format!("the undo `{}` failed", effect.name))
                .detail(format!("{}; settle it by hand, then redrive or cancel", problem.title))
                .quoting(problem.label);
            if provost_model::planted::planted("failed-undo-passed-over") {
                undone(turn, &effect.at);
            } else if turn.state.open.contains_key(&effect.at) && !effect.at.is_root() {
                raise_at(turn, &effect.at, failed);
            } else {
                park(turn, effect.at.clone(), failed);
            }
        }
    }
}

/// Sent, but nobody knows.
fn unknown(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect, problem: &Problem) {
    if effect.state == EffectState::Asked {
        return ask_again(turn, id, effect);
    }
    match effect.class {
        EffectClass::E0 => failed(turn, id, effect, problem, true, None),
        EffectClass::E1 | EffectClass::E2 => {
            let horizon_us = key_horizon_us(turn, effect);
            match next_attempt(turn, id, effect, None).filter(|(_, due_us)| *due_us < horizon_us) {
                Some((attempt, due_us)) => again(turn, id, attempt, due_us),
                None => ask_or_doubt(turn, id, effect),
            }
        }
        EffectClass::E3 if provost_model::planted::planted("asked-not") => failed(turn, id, effect, problem, true, None),
        EffectClass::E3 => ask_or_doubt(turn, id, effect),
        EffectClass::E4 if provost_model::planted::planted("e4-sent-again") => again(turn, id, effect.attempt + 1, turn.ambient.now_us),
        EffectClass::E4 => doubt(turn, id, effect),
    }
}

/// Until when the target honours the key, in microseconds UTC; for ever for effects idempotent by nature.
fn key_horizon_us(turn: &Turn<'_>, effect: &Effect) -> i64 {
    match turn.program().actions.get(&effect.name) {
        Some(spec) if effect.class == EffectClass::E1 => effect.first_us.saturating_add(spec.key_horizon_ms.saturating_mul(1000)),
        Some(_) | None => i64::MAX,
    }
}

/// Asks the target where it can be asked, else it is in doubt.
fn ask_or_doubt(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect) {
    let lookup = turn.program().actions.get(&effect.name).is_some_and(ActionSpec::can_be_asked);
    if lookup { look_up(turn, id, turn.ambient.now_us) } else { doubt(turn, id, effect) }
}

/// Asks the target about an effect in doubt once more.
pub(crate) fn ask_once_more(turn: &mut Turn<'_>, id: &EffectId) {
    look_up(turn, id, turn.ambient.now_us);
}

/// The look-up itself failed: once more with backoff, until a person must settle it.
fn ask_again(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect) {
    if effect.lookups >= LOOKUPS_MAX {
        return doubt(turn, id, effect);
    }
    let spec = RetrySpec::default();
    let wait_ms = retry::delay_ms(&spec, effect.lookups, turn.ambient.seed, &id.to_string());
    look_up(turn, id, turn.ambient.now_us.saturating_add(wait_ms.saturating_mul(1000)));
}

/// A look-up says it was not done: final only if it was asked once the target had settled. When the answer came says nothing about that:
/// it may have been on its way for as long as a lease.
fn absent(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect) {
    let settle_ms = turn.program().actions.get(&effect.name).map_or(0, |spec| spec.settle_ms);
    let settled_us = effect.last_us.saturating_add(settle_ms.saturating_mul(1000));
    if settled_us > effect.due_us && !provost_model::planted::planted("absent-at-once") {
        return look_up(turn, id, settled_us.max(turn.ambient.now_us));
    }
    let problem = Problem::standard("communication", 504, format!("`{}` was sent and was not done", effect.name))
        .detail("the target was asked and does not know it");
    let absent = Effect { unknown: false, ..effect.clone() };
    failed(turn, id, &absent, &problem, true, None);
}

/// Nobody knows, and nobody can be asked: it waits for a person, unless the author wants the error.
fn doubt(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect) {
    settle(turn, id, EffectState::InDoubt);
    reconcile::watch(turn, id);
    let Some(open) = turn.state.open.get(&effect.at).cloned() else { return };
    if let Ok(TaskKind::Act(task)) = turn.task(open.task).map(|task| &task.kind)
        && task.in_doubt == InDoubt::Raise
    {
        let problem = Problem::ours("in-doubt", 504, format!("whether `{}` was done is not known", effect.name))
            .detail(format!("settle it with `provost resolve {id} --done` or `--not-done`, with evidence"));
        raise(turn, &effect.at, open.task, problem);
    }
}

/// An undo is through: the next one, or the end of the task that undoes. Where that lost its place nothing more is undone.
fn unwound(turn: &mut Turn<'_>, at: &Position) {
    if !turn.state.open.contains_key(at) {
        return;
    }
    if !tasks::unwind_next(turn, at) {
        undone(turn, at);
    }
}

/// Nothing is left to undo: the task says what was.
pub(crate) fn undone(turn: &mut Turn<'_>, at: &Position) {
    let Some(open) = turn.state.open.get(at).cloned().filter(|_| !at.is_root()) else { return };
    let then = turn.task(open.task).map(|task| task.then.clone()).unwrap_or_default();
    let output = undone_at(turn, at);
    complete(turn, at, open.task, Finished { input: open.input.clone(), output, then, effect: None });
}

/// What the task at `at` has undone, also in an earlier round of a `try`: in the order in which that was begun.
pub(crate) fn undone_at(turn: &Turn<'_>, at: &Position) -> Labelled {
    let undone = turn.state.effects.values().filter(|e| e.at == *at && e.kind == EffectKind::Undo && e.state == EffectState::Done);
    let mut undone: Vec<_> = undone.collect();
    undone.sort_by_key(|effect| effect.first_us);
    let undone = undone.into_iter().map(|e| provost_model::Value::Str(e.name.clone())).collect::<Vec<_>>();
    Labelled::authored(provost_model::Value::object([("undone", provost_model::Value::array(undone))]))
}
