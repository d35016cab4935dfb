//! `call: compensate`: undoes the finished actions of a scope, latest first. A failed undo stops and is shown.
//!
//! What is in doubt and can be asked about is looked up once more before anything is undone; what stays unresolved refuses the scope.
//!
//! The undo of an approved action is covered by the rights of the bundle that registered it; the Guard may still stop it when it leaves.

use provost_model::id::EffectId;
use provost_model::planted::planted;
use provost_model::program::{CompensateTask, EffectClass, TaskKind};
use provost_model::record::{EffectState, Fact, Shape};
use provost_model::{Position, Problem};

use super::{ended, unwind_next};
use crate::flow::{Entering, Entry, raise};
use crate::ledger;
use crate::state::{Effect, Phase};
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &CompensateTask) -> Result<Entry, Problem> {
    let scope = task.scope.as_deref();
    let unknown = answerable(turn, scope);
    if unknown.is_empty() {
        if let Some(open) = unsettled(turn, scope).filter(|_| !planted("unresolved-undone")) {
            return Err(unresolved(open));
        }
        let effects = undoable_in(turn, scope);
        if effects.is_empty() {
            return ended(entering, ledger::undone_at(turn, entering.at));
        }
        entering.open(turn, Shape::Plain)?;
        turn.emit(Fact::Unwinding { at: entering.at.clone(), effects });
        unwind_next(turn, entering.at);
        return Ok(Entry::Open);
    }
    entering.open(turn, Shape::Plain)?;
    // Nothing is being undone yet: the empty list says that look-ups come first.
    turn.emit(Fact::Unwinding { at: entering.at.clone(), effects: Vec::new() });
    for effect in unknown {
        ledger::ask_once_more(turn, &effect);
    }
    Ok(Entry::Open)
}

/// Effects of the scope in doubt whose target can be asked.
fn answerable(turn: &Turn<'_>, scope: Option<&str>) -> Vec<EffectId> {
    let asks = |effect: &Effect| turn.program().actions.get(&effect.name).is_some_and(|spec| spec.lookup.is_some());
    let doubted = turn.state.effects.iter().filter(|(_, effect)| effect.state == EffectState::InDoubt && in_scope(&effect.at, scope));
    doubted.filter(|(_, effect)| asks(effect)).map(|(id, _)| *id).collect()
}

/// Tasks that wait for look-ups begin to undo once none is under way; what is still not known refuses them.
pub(crate) fn go_on(turn: &mut Turn<'_>) {
    if turn.state.unwinding.is_empty() || turn.state.phase != Phase::Running {
        return;
    }
    let waiting: Vec<Position> = turn.state.unwinding.iter().filter(|(_, queue)| queue.is_empty()).map(|(at, _)| at.clone()).collect();
    for at in waiting {
        let Some(open) = turn.state.open.get(&at).cloned() else { continue };
        let Ok(TaskKind::Compensate(task)) = turn.task(open.task).map(|task| &task.kind) else { continue };
        let scope = task.scope.as_deref();
        let asked = turn.state.effects.values().any(|effect| effect.state == EffectState::Asked && in_scope(&effect.at, scope));
        if asked || turn.state.parked.is_some() {
            continue;
        }
        if let Some(left) = unsettled(turn, scope) {
            raise(turn, &at, open.task, unresolved(left));
            continue;
        }
        let effects = undoable_in(turn, scope);
        turn.emit(Fact::Unwinding { at: at.clone(), effects });
        if !unwind_next(turn, &at) {
            ledger::undone(turn, &at);
        }
    }
}

fn unresolved(effect: EffectId) -> Problem {
    Problem::ours("scope-unresolved", 409, format!("effect `{effect}` of the scope is not settled"))
        .detail("resolve it first: `provost list effects --state in-doubt`")
}

/// Whether the place lies in the scope: inside a task of that name.
fn in_scope(at: &Position, scope: Option<&str>) -> bool {
    let Some(scope) = scope else { return true };
    let mut place = Some(at.clone());
    while let Some(here) = place {
        if here.name() == scope {
            return true;
        }
        place = here.parent();
    }
    false
}

fn unsettled(turn: &Turn<'_>, scope: Option<&str>) -> Option<EffectId> {
    let unresolved = |effect: &Effect| effect.class != EffectClass::E0 && (effect.is_out() || effect.state == EffectState::Conflict);
    // An undo belongs to the scope of what it undoes: one that is out for a task that lost its place may still act on the world.
    let place = |effect: &Effect| {
        effect.undoes.and_then(|undoes| turn.state.effects.get(&undoes)).map_or(effect.at.clone(), |done| done.at.clone())
    };
    let open = turn.state.effects.iter().find(|(_, effect)| unresolved(effect) && in_scope(&place(effect), scope));
    open.map(|(id, _)| *id)
}

/// The finished actions of a scope that can be undone, latest first.
pub(crate) fn undoable_in(turn: &Turn<'_>, scope: Option<&str>) -> Vec<EffectId> {
    let wanted = |id: &EffectId| turn.state.effects.get(id).is_some_and(|effect| in_scope(&effect.at, scope));
    let mut effects: Vec<EffectId> = turn.state.undoable.iter().rev().map(|(id, _)| *id).filter(|id| wanted(id)).collect();
    if planted("oldest-undone-first") {
        effects.reverse();
    }
    effects
}
