//! `metadata.provost.reconcile`: the schedule that looks again at what waits for a person.
//!
//! | what | when its time comes |
//! |---|---|
//! | an effect in doubt whose target can be asked | policy is asked (`effect.resolve`), then the target is |
//! | an effect in doubt that nobody can be asked about | that is recorded once; it stays in doubt |
//! | parked work, but a conflict | policy is asked (`effect.redrive`), then it is tried again under the same keys |
//!
//! What must stay true: every look is a fact with its number, and there are at most as many as the workflow says; nothing is sent but a
//! question, unless an answer proves that nothing was done; a timer of the schedule belongs to what it looks at and not to a place.

use provost_model::id::EffectId;
use provost_model::planted::planted;
use provost_model::program::{EffectClass, Reconcile};
use provost_model::record::{EffectState, Fact, Look};
use provost_model::verdict::Entity;
use provost_model::{Answer, PolicyRequest, Position, Problem, Value};

use crate::decide::redrive;
use crate::ledger;
use crate::state::Effect;
use crate::tasks::{policy, retry};
use crate::turn::Turn;

/// What the ids of its timers begin with.
pub(crate) const PREFIX: &str = "reconcile:";
/// The timer of parked work.
pub(crate) const PARKED: &str = "reconcile:parked";

/// The timer of an effect in doubt.
pub(crate) fn timer_of(effect: &EffectId) -> String {
    format!("{PREFIX}{effect}")
}

/// The effect is in doubt: when it is looked at.
pub(crate) fn watch(turn: &mut Turn<'_>, id: &EffectId) {
    let Some(spec) = turn.program().reconcile.filter(|spec| spec.in_doubt) else { return };
    if turn.state.effects.get(id).is_some_and(|effect| effect.looks < spec.looks_max) {
        set(turn, spec, timer_of(id));
    }
}

/// It is parked: when it is tried again. A conflict is nothing that time mends.
pub(crate) fn watch_parked(turn: &mut Turn<'_>, problem: &Problem) {
    let Some(spec) = turn.program().reconcile.filter(|spec| spec.parked) else { return };
    if !problem.is_ours("conflict") && (turn.state.looks < spec.looks_max || planted("reconciled-without-end")) {
        set(turn, spec, PARKED.to_owned());
    }
}

/// Not all at once: what an outage left behind is spread over a tenth of the time.
fn set(turn: &mut Turn<'_>, spec: Reconcile, timer: String) {
    let wait_ms = spec.every_ms.saturating_add(retry::spread_ms(spec.every_ms / 10, turn.ambient.seed, &timer));
    let due_us = turn.ambient.now_us.saturating_add(wait_ms.saturating_mul(1000));
    turn.set_timer(timer, &Position::root(), due_us);
}

/// The time of a look came; `what` is an effect, or the parked work.
pub(crate) fn due(turn: &mut Turn<'_>, what: &str) {
    match what.parse::<EffectId>() {
        Ok(effect) => look(turn, &effect),
        Err(_) => try_again(turn),
    }
}

fn look(turn: &mut Turn<'_>, id: &EffectId) {
    let Some(effect) = turn.state.effects.get(id).cloned().filter(|effect| effect.state == EffectState::InDoubt) else { return };
    let look = effect.looks + 1;
    if !can_be_asked(turn, &effect) {
        if planted("reconciled-by-guess") {
            return ledger::again(turn, id, effect.attempt + 1, turn.ambient.now_us);
        }
        return told(turn, Some(*id), look, Look::Unanswerable);
    }
    let context = [("action", Value::Str(effect.name.clone())), ("look", Value::from(i64::from(look)))];
    match asked(turn, &effect.at, "effect.resolve", Entity::new("Effect", &id.to_string()), Value::object(context)) {
        None => {}
        Some(Answer::Allow) => {
            told(turn, Some(*id), look, Look::Asked);
            ledger::ask_once_more(turn, id);
        }
        Some(Answer::Review | Answer::Deny) => {
            told(turn, Some(*id), look, Look::Denied);
            watch(turn, id);
        }
    }
}

/// Whether somebody can say what became of the effect. Of class E4 nobody ever can.
fn can_be_asked(turn: &Turn<'_>, effect: &Effect) -> bool {
    effect.class != EffectClass::E4 && turn.program().actions.get(&effect.name).is_some_and(|spec| spec.can_be_asked())
}

fn try_again(turn: &mut Turn<'_>) {
    let Some(parked) = turn.state.parked.clone() else { return };
    let look = turn.state.looks + 1;
    let resource = Entity::new("Orchestration", &turn.state.id.to_string());
    match asked(turn, &parked.at, "effect.redrive", resource, Value::object([("look", Value::from(i64::from(look)))])) {
        None => {}
        Some(Answer::Allow) => {
            told(turn, None, look, Look::Redriven);
            redrive(turn, &parked);
        }
        Some(Answer::Review | Answer::Deny) => {
            told(turn, None, look, Look::Denied);
            watch_parked(turn, &parked.problem);
        }
    }
}

/// What policy lets the schedule do, which asks as itself; `None` while policy must be asked.
fn asked(turn: &mut Turn<'_>, at: &Position, action: &str, resource: Entity, context: Value) -> Option<Answer> {
    let principal = Entity::new("Schedule", &turn.program().name);
    let verdict = policy::judged(turn, at, PolicyRequest { principal, action: action.into(), resource, context })?;
    Some(verdict.answer)
}

fn told(turn: &mut Turn<'_>, effect: Option<EffectId>, look: u32, outcome: Look) {
    turn.emit(Fact::Reconciled { effect, look, outcome });
}
