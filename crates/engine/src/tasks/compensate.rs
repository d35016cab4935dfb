//! `call: compensate`: undoes the finished actions of a scope, latest first. A failed undo stops and is shown.
//!
//! The undo of an approved action is covered by the rights of the bundle that registered it; the Guard may still stop it when it leaves.

use provost_model::id::EffectId;
use provost_model::program::{CompensateTask, EffectClass};
use provost_model::record::{EffectState, Fact, Shape};
use provost_model::{Labelled, Position, Problem, Value};

use super::{ended, unwind_next};
use crate::flow::{Entering, Entry};
use crate::state::Effect;
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &CompensateTask) -> Result<Entry, Problem> {
    let scope = task.scope.as_deref();
    if let Some(open) = unsettled(turn, scope) {
        return Err(Problem::ours("scope-unresolved", 409, format!("effect `{open}` of the scope is not settled"))
            .detail("resolve it first: `provost list effects --state in-doubt`"));
    }
    let effects = undoable_in(turn, scope);
    if effects.is_empty() {
        return ended(entering, Labelled::authored(Value::object([("undone", Value::array([]))])));
    }
    entering.open(turn, Shape::Plain)?;
    turn.emit(Fact::Unwinding { at: entering.at.clone(), effects });
    unwind_next(turn, entering.at);
    Ok(Entry::Open)
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
    let open = turn.state.effects.iter().find(|(_, effect)| unresolved(effect) && in_scope(&effect.at, scope));
    open.map(|(id, _)| *id)
}

/// The finished actions of a scope that can be undone, latest first.
pub(crate) fn undoable_in(turn: &Turn<'_>, scope: Option<&str>) -> Vec<EffectId> {
    let wanted = |id: &EffectId| turn.state.effects.get(id).is_some_and(|effect| in_scope(&effect.at, scope));
    turn.state.undoable.iter().rev().map(|(id, _)| *id).filter(|id| wanted(id)).collect()
}
