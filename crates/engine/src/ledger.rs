//! The ledger of effects: keys, fingerprints, attempts, unknown outcomes.
//!
//! | state | outcome done | failed | unknown E0-E2 | unknown E3 | unknown E4 | look-up: absent |
//! |---|---|---|---|---|---|---|
//! | intended, sent | done | retry, else failed | retry, else in doubt (E0: failed) | asked | in doubt | - |
//! | asked | done | asked again, else in doubt | asked again | asked again | - | failed once settled |
//! | in doubt | (resolve) done | (resolve) sent once more | - | - | - | - |
//!
//! Before an attempt leaves, its business key is claimed ([`claim`]) and shared state is asked ([`leave`]).
//! What must stay true: one key per position; an effect of class E4 is never sent again by itself; nothing after an effect in doubt runs.

mod claim;
mod end;
mod leave;
mod outcome;
mod resolve;

pub(crate) use claim::claimed;
pub(crate) use end::{after_the_end, leave_in_doubt};
pub(crate) use leave::leave;
pub(crate) use outcome::{ask_once_more, attempted, scheduled_due, undone, undone_at, usable};
pub(crate) use resolve::resolved;

use std::sync::Arc;

use provost_model::id::EffectId;
use provost_model::program::{ActionSpec, EffectClass};
use provost_model::record::{EffectState, Fact, Intent};
use provost_model::value::lookup;
use provost_model::{Digest, Position, Problem, Value};

use crate::rejected::Rejected;
use crate::turn::Turn;

/// The purpose of an action's key: retry rounds are not in it.
pub(crate) const ACT: &str = "act";

/// An effect key: H(tenant, key root, position, purpose).
pub(crate) fn key(turn: &Turn<'_>, at: &Position, purpose: &str) -> Arc<str> {
    let root = turn.state.id.to_string();
    let digest = Digest::of_parts(&[turn.state.tenant.as_str().as_bytes(), root.as_bytes(), at.as_str().as_bytes(), purpose.as_bytes()]);
    let hex = digest.hex();
    format!("efk1_{}", hex.get(..40).unwrap_or(&hex)).into()
}

/// The digest of the arguments declared as meaningful; of all where none are declared.
pub(crate) fn fingerprint(spec: &ActionSpec, arguments: &Value) -> Digest {
    if spec.meaningful.is_empty() {
        return Digest::of_value(arguments);
    }
    let chosen = spec.meaningful.iter().map(|pointer| (pointer.clone(), lookup(arguments, pointer).cloned().unwrap_or_default()));
    Digest::of_value(&Value::object(chosen))
}

/// Same key, other arguments.
pub(crate) fn conflict(name: &str) -> Problem {
    Problem::ours("conflict", 409, format!("`{name}` was decided on before at this place with other arguments"))
        .detail("look at both with `provost explain`; cancel the orchestration, or make the arguments the same and redrive it")
}

/// Schedules `attempt` of an effect for `due_us`.
pub(crate) fn again(turn: &mut Turn<'_>, effect: &EffectId, attempt: u32, due_us: i64) {
    turn.emit(Fact::AttemptScheduled { effect: *effect, attempt, due_us, behind: None });
    if due_us <= turn.ambient.now_us {
        return leave(turn, effect);
    }
    wake_at(turn, effect, due_us);
}

fn wake_at(turn: &mut Turn<'_>, effect: &EffectId, due_us: i64) {
    let Some(at) = turn.state.effects.get(effect).map(|e| e.at.clone()) else { return };
    turn.set_timer(format!("effect:{effect}"), &at, due_us);
}

/// Schedules the next look-up of an effect.
fn look_up(turn: &mut Turn<'_>, effect: &EffectId, due_us: i64) {
    let Some(attempt) = turn.state.effects.get(effect).map(|e| e.lookups + 1) else { return };
    turn.emit(Fact::LookUpScheduled { effect: *effect, attempt, due_us });
    if due_us <= turn.ambient.now_us {
        turn.intend(Intent::LookUp { effect: *effect, attempt });
        return;
    }
    wake_at(turn, effect, due_us);
}

/// Whether an effect inside `at` may still act on the world.
pub(crate) fn is_out_within(turn: &Turn<'_>, at: &Position) -> bool {
    turn.state.effects.live_within(at).any(|(_, effect)| effect.is_out() && effect.class != EffectClass::E0)
}

/// Its place is given up: a run is abandoned, anything else is taken back where no worker has it yet.
pub(crate) fn give_up(turn: &mut Turn<'_>, id: &EffectId) {
    let Some(effect) = turn.state.effects.get(id).cloned() else { return };
    // Between attempts that were certainly not done, or before `sent` of an E4 (which is refused from here on), nothing is out.
    let certain = match effect.state {
        EffectState::Waiting | EffectState::Claiming => !effect.unknown,
        EffectState::Intended => effect.class == EffectClass::E4 && !effect.unknown,
        EffectState::Sent
        | EffectState::Asked
        | EffectState::InDoubt
        | EffectState::Done
        | EffectState::Failed
        | EffectState::Conflict
        | EffectState::Abandoned => false,
    };
    if effect.class == EffectClass::E0 || certain {
        turn.emit(Fact::Settled { effect: *id, state: EffectState::Abandoned });
    }
    if matches!(effect.state, EffectState::Intended | EffectState::Sent) {
        turn.intend(Intent::Withdraw { effect: *id });
    }
}

/// A worker is about to send an effect of class E4: from here on its outcome may be unknown.
///
/// # Errors
/// [`Rejected::StaleAttempt`] when the effect does not wait for this attempt.
pub(crate) fn sending(turn: &mut Turn<'_>, id: &EffectId, attempt: u32) -> Result<(), Rejected> {
    let stale = Rejected::StaleAttempt { effect: *id, attempt };
    let effect = turn.state.effects.get(id).ok_or_else(|| stale.clone())?;
    if effect.state != EffectState::Intended || effect.attempt != attempt {
        return Err(stale);
    }
    if !provost_model::planted::planted("sent-not-recorded") {
        turn.emit(Fact::Sent { effect: *id, attempt });
    }
    Ok(())
}
