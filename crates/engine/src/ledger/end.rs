//! What an orchestration leaves behind when it ends while something is still out.
//!
//! What must stay true: an effect that may have acted is never forgotten with its orchestration: it is in doubt, and a report that was on
//! its way or a person settles it; nothing is sent after the end.

use provost_model::id::EffectId;
use provost_model::program::EffectClass;
use provost_model::record::{Attempted, EffectState, Fact, Outcome};

use super::outcome::settle;
use crate::origin;
use crate::rejected::Rejected;
use crate::state::Effect;
use crate::turn::Turn;

/// It is about to end: of what is out nobody knows whether it was done.
pub(crate) fn leave_in_doubt(turn: &mut Turn<'_>) {
    let mut out: Vec<(EffectId, EffectState)> = turn.state.effects.live().filter_map(|(id, effect)| Some((*id, left(effect)?))).collect();
    out.sort_unstable();
    for (effect, state) in out {
        settle(turn, &effect, state);
    }
}

/// How an effect is left; `None` where nothing has to be said.
fn left(effect: &Effect) -> Option<EffectState> {
    match effect.state {
        _ if effect.class == EffectClass::E0 => None,
        // Its worker asks before the first byte leaves, and is refused from here on.
        EffectState::Intended if effect.class == EffectClass::E4 && !effect.unknown => Some(EffectState::Abandoned),
        EffectState::Waiting | EffectState::Claiming if !effect.unknown => Some(EffectState::Abandoned),
        EffectState::Intended | EffectState::Sent | EffectState::Asked | EffectState::Waiting | EffectState::Claiming => {
            Some(EffectState::InDoubt)
        }
        EffectState::InDoubt | EffectState::Done | EffectState::Failed | EffectState::Conflict | EffectState::Abandoned => None,
    }
}

/// A report that was on its way when the orchestration ended settles what it left in doubt.
///
/// # Errors
/// [`Rejected::StaleAttempt`] where it says nothing that is not known, or was no report of the last attempt.
pub(crate) fn after_the_end(turn: &mut Turn<'_>, outcome: &Outcome) -> Result<(), Rejected> {
    let id = outcome.effect;
    let stale = Rejected::StaleAttempt { effect: id, attempt: outcome.attempt };
    let effect = turn.state.effects.get(&id).cloned().ok_or_else(|| stale.clone())?;
    let settled = match &outcome.result {
        // Done is done, whoever found out.
        Attempted::Done { .. } | Attempted::Unreadable { .. } if outcome.attempt == effect.attempt || outcome.attempt == effect.lookups => {
            EffectState::Done
        }
        // The number of a look-up may be that of an attempt, and an earlier attempt may have been done.
        Attempted::Failed { .. } if outcome.attempt == effect.attempt && effect.lookups == 0 && !effect.unknown => EffectState::Failed,
        Attempted::Done { .. }
        | Attempted::Unreadable { .. }
        | Attempted::Failed { .. }
        | Attempted::Unknown { .. }
        | Attempted::Absent => {
            return Err(stale);
        }
    };
    let labels = match (&outcome.result, &outcome.stored) {
        (Attempted::Done { value, .. }, None) => origin::result(turn, &effect, value),
        (Attempted::Done { value, .. }, Some(_)) => origin::reference(turn, value),
        (Attempted::Unreadable { .. } | Attempted::Failed { .. } | Attempted::Unknown { .. } | Attempted::Absent, _) => {
            provost_model::Labels::whole(origin::failure(turn, &effect))
        }
    };
    turn.emit(Fact::Attempted { effect: id, attempt: outcome.attempt, result: Some(Box::new(outcome.result.clone())), labels });
    settle(turn, &id, settled);
    Ok(())
}
