//! Cancelling: nothing new leaves; what is out is waited for up to the grace; named scopes are undone; the rest is listed and left.

use std::sync::Arc;

use provost_model::Position;
use provost_model::id::EffectId;
use provost_model::program::EffectClass;
use provost_model::record::{Cancel, EffectKind, EffectState, Ending, Fact, Intent};

use crate::flow;
use crate::ledger;
use crate::rejected::Rejected;
use crate::state::{ChildState, Effect, Phase};
use crate::tasks::{compensate, run, unwind_next};
use crate::turn::Turn;

/// Somebody wants it stopped.
///
/// # Errors
/// None today; the phase was checked before.
pub(super) fn begin(turn: &mut Turn<'_>, cancel: &Cancel) -> Result<(), Rejected> {
    let root = Position::root();
    let grace_us = turn.ambient.now_us.saturating_add(turn.program().cancel.grace_ms.saturating_mul(1000));
    turn.emit(Fact::CancelRequested { grace_us, replaced_by: cancel.replaced_by });
    flow::withdraw_within(turn, &root);
    run::leave_within(turn, &root);
    let asked: Vec<_> = turn.state.reviews.iter().filter(|(_, r)| r.answer.is_none() && !r.closed).map(|(id, _)| *id).collect();
    for review in asked {
        turn.emit(Fact::ReviewClosed { review });
    }
    turn.set_timer("grace:".to_owned(), &root, grace_us);
    Ok(())
}

/// Goes on with a cancellation as far as it can: waits, undoes, ends.
pub(super) fn go_on(turn: &mut Turn<'_>) {
    let Phase::Cancelling { grace_us } = turn.state.phase else { return };
    let root = Position::root();
    if turn.state.unwinding.contains_key(&root) {
        return finish_unwinding(turn);
    }
    let stopping = turn.state.children.values().any(|child| child.state == ChildState::Stopping);
    let waiting = stopping || turn.state.effects.live().any(|(_, effect)| is_awaited(effect));
    if waiting && turn.ambient.now_us < grace_us {
        return;
    }
    let effects = scopes(turn);
    if effects.is_empty() {
        return end(turn);
    }
    turn.emit(Fact::Unwinding { at: root.clone(), effects });
    if !unwind_next(turn, &root) {
        end(turn);
    }
}

/// Whether its outcome is worth waiting for: it may act on the world, and it will be known.
fn is_awaited(effect: &Effect) -> bool {
    let asked_by_key = effect.state == EffectState::Waiting && effect.unknown;
    let out = matches!(effect.state, EffectState::Intended | EffectState::Sent | EffectState::Asked);
    effect.class != EffectClass::E0 && (out || asked_by_key)
}

fn finish_unwinding(turn: &mut Turn<'_>) {
    let undoing = turn.state.effects.live().any(|(_, effect)| effect.kind == EffectKind::Undo && effect.is_out());
    let left = turn.state.unwinding.get(&Position::root()).is_some_and(|queue| !queue.is_empty());
    if undoing || left && turn.state.parked.is_some() {
        return;
    }
    // An undo that began before the cancellation answers at its own place: the rest goes on from here.
    if !left || !unwind_next(turn, &Position::root()) {
        end(turn);
    }
}

/// The finished actions of the scopes to undo, latest first.
fn scopes(turn: &Turn<'_>) -> Vec<EffectId> {
    let named: Vec<Arc<str>> = turn.program().cancel.compensate.clone();
    let all = compensate::undoable_in(turn, None);
    let wanted: Vec<EffectId> = named.iter().flat_map(|scope| compensate::undoable_in(turn, Some(scope))).collect();
    all.into_iter().filter(|effect| wanted.contains(effect)).collect()
}

fn end(turn: &mut Turn<'_>) {
    ledger::leave_in_doubt(turn);
    turn.emit(Fact::Ended { ending: Ending::Cancelled, output: None, problem: None, labels: None });
    turn.intend(Intent::Announce);
}
