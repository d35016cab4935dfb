//! What stands between an attempt that is due and its leaving: the business key, then the rate, then the breaker.
//!
//! What must stay true: everything is decided from recorded answers; a delay of the rate is a place in its line, and is not asked for
//! twice; nothing leaves while a question is open.

use std::sync::Arc;

use provost_model::id::EffectId;
use provost_model::program::ActionSpec;
use provost_model::record::{Admission, AdmissionRequest, EffectKind, Fact, Intent, SharedState};

use super::{claim, outcome, wake_at};
use crate::state::Effect;
use crate::turn::Turn;

/// How long to leave shared state alone that refused, in milliseconds.
const REFUSED_MS: i64 = 60_000;

/// Lets the current attempt of an effect leave, as soon as everything in front of it agrees.
pub(crate) fn leave(turn: &mut Turn<'_>, id: &EffectId) {
    let Some(effect) = turn.state.effects.get(id).cloned() else { return };
    if effect.kind == EffectKind::Action && effect.business_key.is_some() && !effect.claimed {
        return claim::ask(turn, id);
    }
    let Some(delay) = delay(turn, id, &effect) else { return };
    match delay {
        Delay::None => turn.intend(Intent::Attempt { effect: *id, attempt: effect.attempt }),
        Delay::Until { due_us, behind } => outcome::delayed(turn, id, &effect, due_us, behind),
    }
}

enum Delay {
    None,
    Until { due_us: i64, behind: Arc<str> },
}

/// What shared state says; `None` while it must be asked.
fn delay(turn: &mut Turn<'_>, id: &EffectId, effect: &Effect) -> Option<Delay> {
    let Some(spec) = turn.program().actions.get(&effect.name) else { return Some(Delay::None) };
    for request in requests(spec, id, effect) {
        let Admission { what, delayed_until_us, refused, .. } = turn.admit(request)?;
        if let Some(why) = refused {
            // Under another name than the question's own: it has no place in the line, so it asks again.
            let due_us = turn.ambient.now_us.saturating_add(REFUSED_MS.saturating_mul(1000));
            return Some(Delay::Until { due_us, behind: format!("{what}: {why}").into() });
        }
        if let Some(due_us) = delayed_until_us.filter(|due_us| *due_us > turn.ambient.now_us) {
            return Some(Delay::Until { due_us, behind: what });
        }
    }
    Some(Delay::None)
}

fn requests(spec: &ActionSpec, id: &EffectId, effect: &Effect) -> Vec<AdmissionRequest> {
    let request = |what: String, of| AdmissionRequest { what: what.into(), effect: Some(*id), attempt: effect.attempt, of };
    let rate = spec.rate.map(|rate| request(format!("rate:{}", effect.name), SharedState::Rate(rate)));
    // A delay of the rate is its place in the line: it comes once.
    let rate = rate.filter(|rate| effect.behind.as_ref() != Some(&rate.what));
    let breaker = spec.breaker.map(|breaker| request(format!("breaker:{}", spec.target()), SharedState::Breaker(breaker)));
    rate.into_iter().chain(breaker).collect()
}

/// The attempt stays due, later.
pub(super) fn put_off(turn: &mut Turn<'_>, id: &EffectId, attempt: u32, due_us: i64, behind: Arc<str>) {
    turn.emit(Fact::AttemptScheduled { effect: *id, attempt, due_us, behind: Some(behind) });
    wake_at(turn, id, due_us);
}
