//! Settling an effect in doubt by evidence.

use provost_model::Problem;
use provost_model::program::EffectClass;
use provost_model::record::{Attempted, EffectState, Fact, Resolve};

use super::again;
use super::outcome::{done, give_way, is_expired, settle, usable};
use crate::origin;
use crate::rejected::Rejected;
use crate::state::Phase;
use crate::turn::Turn;

/// A person says whether it was done. Not done: it is sent once more, unless the orchestration is being cancelled or its time is up.
///
/// # Errors
/// [`Rejected::NotInDoubt`] for every other effect.
pub(crate) fn resolved(turn: &mut Turn<'_>, resolve: &Resolve) -> Result<(), Rejected> {
    let id = resolve.effect;
    let effect = turn.state.effects.get(&id).cloned().filter(|effect| effect.state == EffectState::InDoubt);
    let Some(effect) = effect else { return Err(Rejected::NotInDoubt(id)) };
    turn.emit(Fact::Resolved { effect: id, done: resolve.done });
    if resolve.done {
        let result = Attempted::Done { value: resolve.result.clone(), reference: None, usage: None, dropped_bytes: None };
        let labels = origin::result(turn, &effect, &resolve.result);
        turn.emit(Fact::Attempted { effect: id, attempt: effect.attempt, result: Some(Box::new(result)), labels });
        let usable = usable(turn, &effect, &resolve.result, None, None);
        done(turn, &id, usable);
        return Ok(());
    }
    if provost_model::planted::planted("resolved-and-left") {
        return Ok(());
    }
    if matches!(turn.state.phase, Phase::Cancelling { .. }) || !turn.state.open.contains_key(&effect.at) {
        settle(turn, &id, EffectState::Failed);
        return Ok(());
    }
    if is_expired(turn, &effect.at) {
        // Proven not done after the time is up: no further attempt, the timeout is raised.
        settle(turn, &id, EffectState::Failed);
        give_way(turn, &id, &effect, Problem::standard("timeout", 408, "it was not done in time"));
        return Ok(());
    }
    debug_assert!(effect.class != EffectClass::E0, "a run is never in doubt");
    again(turn, &id, effect.attempt + 1, turn.ambient.now_us);
    Ok(())
}
