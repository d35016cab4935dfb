//! Business keys: unique per tenant and action, over all orchestrations, for the action's stated horizon.
//!
//! | answer of the key's home | the effect |
//! |---|---|
//! | granted | leaves under its key |
//! | held | waits and asks again |
//! | done | has the stored result; nothing is sent |
//! | unsettled | is parked: nobody will ever say whether it was done |
//! | conflict | is parked: the key stands for other arguments |
//!
//! What must stay true: nothing leaves under a key that is not its own; an answer that comes twice, or too late, changes nothing.

use provost_model::Problem;
use provost_model::id::EffectId;
use provost_model::record::{ClaimAnswer, Claimed, EffectState, Fact, Intent};

use super::outcome::{finish, settle};
use super::{leave, wake_at};
use crate::flow::park;
use crate::origin;
use crate::rejected::Rejected;
use crate::tasks::retry;
use crate::turn::Turn;

/// How long a held key is left alone before it is asked for again, in milliseconds.
const HELD_MS: i64 = 2_000;

/// Asks the home of the key.
pub(super) fn ask(turn: &mut Turn<'_>, id: &EffectId) {
    settle(turn, id, EffectState::Claiming);
    turn.intend(Intent::Claim { effect: *id });
}

/// The home of a business key answered.
///
/// # Errors
/// [`Rejected::StaleAttempt`] when the effect does not wait for it.
pub(crate) fn claimed(turn: &mut Turn<'_>, claimed: &Claimed) -> Result<(), Rejected> {
    let id = claimed.effect;
    let effect = turn.state.effects.get(&id).cloned().filter(|effect| effect.state == EffectState::Claiming && turn.state.parked.is_none());
    let Some(effect) = effect else { return Err(Rejected::StaleAttempt { effect: id, attempt: 0 }) };
    match &claimed.answer {
        ClaimAnswer::Granted => {
            turn.emit(Fact::KeyClaimed { effect: id });
            leave(turn, &id);
        }
        ClaimAnswer::Held { by } => {
            let wait_ms = HELD_MS + retry::spread_ms(HELD_MS, turn.ambient.seed, &id.to_string());
            let due_us = turn.ambient.now_us.saturating_add(wait_ms.saturating_mul(1000));
            turn.emit(Fact::KeyHeld { effect: id, by: *by, due_us });
            wake_at(turn, &id, due_us);
        }
        ClaimAnswer::Done { by, result, reference } => {
            let labels = origin::result(turn, &effect, result);
            turn.emit(Fact::KeyAnswered { effect: id, by: *by, result: result.clone(), labels, reference: reference.clone() });
            settle(turn, &id, EffectState::Done);
            if let Some(done) = turn.state.effects.get(&id).cloned() {
                finish(turn, &id, &done);
            }
        }
        ClaimAnswer::Unsettled { by } => {
            let key = effect.business_key.as_deref().unwrap_or_default();
            let title = format!("whether `{}` was done under the key `{key}` is not known", effect.name);
            let detail = format!("{by} is over and sent it; look at the target, then cancel this orchestration or redrive it");
            park(turn, effect.at.clone(), Problem::ours("key-in-doubt", 409, title).detail(detail));
        }
        ClaimAnswer::Conflict { by } => {
            settle(turn, &id, EffectState::Conflict);
            let key = effect.business_key.as_deref().unwrap_or_default();
            let title = format!("the key `{key}` of `{}` stands for other arguments", effect.name);
            let detail = format!("compare with `provost explain {by}`; cancel this orchestration, or give the event a key of its own");
            park(turn, effect.at.clone(), Problem::ours("conflict", 409, title).detail(detail));
        }
    }
    Ok(())
}
