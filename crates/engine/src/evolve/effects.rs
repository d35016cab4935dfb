//! Folding the ledger of effects.

use std::sync::Arc;

use provost_model::id::EffectId;
use provost_model::program::EffectClass;
use provost_model::record::{Attempted, EffectKind, EffectState, Fact};

use provost_model::{Labelled, Labels, Problem};

use crate::reconcile;
use crate::state::{Effect, Orchestration};

/// Changes an effect. The timer of a look leaves with the doubt.
fn change(state: &mut Orchestration, id: &EffectId, with: impl FnOnce(&mut Effect)) {
    let doubtful = |state: &Orchestration| state.effects.get(id).is_some_and(|effect| effect.state == EffectState::InDoubt);
    let before = doubtful(state);
    state.effects.change(id, with);
    if before && !doubtful(state) {
        state.timers.remove_mut(reconcile::timer_of(id).as_str());
    }
}

/// The reconciliation schedule looked.
pub(super) fn reconciled(state: &mut Orchestration, effect: Option<&EffectId>, look: u32) {
    match effect {
        Some(effect) => change(state, effect, |e| e.looks = look),
        None => state.looks = look,
    }
}

pub(super) fn fold(state: &mut Orchestration, fact: &Fact, now_us: i64) {
    match fact {
        Fact::Intended { effect, .. } => intended(state, effect, fact, now_us),
        Fact::Sent { effect, .. } => change(state, effect, |e| e.state = EffectState::Sent),
        Fact::Attempted { effect, result: Some(result), labels, .. } => change(state, effect, |e| attempted(e, result, labels, now_us)),
        Fact::AttemptScheduled { effect, attempt, due_us, behind } => {
            // What only waits for its turn is the same attempt.
            state.tasks_run += u64::from(state.effects.get(effect).is_some_and(|e| *attempt > e.attempt));
            change(state, effect, |e| {
                // Asked about or resolved and sent again: it was certainly not done before.
                e.unknown = e.unknown && !matches!(e.state, EffectState::Asked | EffectState::InDoubt);
                e.attempt = *attempt;
                e.due_us = *due_us;
                e.last_us = now_us;
                e.behind.clone_from(behind);
                e.state = if *due_us > now_us { EffectState::Waiting } else { EffectState::Intended };
            });
        }
        Fact::KeyClaimed { effect } => change(state, effect, |e| {
            e.claimed = true;
            e.state = EffectState::Intended;
        }),
        Fact::KeyHeld { effect, due_us, .. } => change(state, effect, |e| e.due_us = *due_us),
        Fact::KeyAnswered { effect, result, labels, reference, .. } => change(state, effect, |e| {
            e.result = Labelled::new(result.clone(), labels.clone());
            e.reference.clone_from(reference);
            e.problem = None;
        }),
        Fact::LookUpScheduled { effect, attempt, due_us } => change(state, effect, |e| {
            e.lookups = *attempt;
            e.due_us = *due_us;
            e.state = EffectState::Asked;
        }),
        Fact::Settled { effect, state: settled } => {
            change(state, effect, |e| {
                // What was certainly not done lets go of its key.
                e.claimed = e.claimed && !matches!(settled, EffectState::Failed | EffectState::Abandoned);
                e.state = *settled;
            });
            undone(state, effect, *settled);
        }
        Fact::Undoable { effect, by } => Arc::make_mut(&mut state.undoable).push((*effect, by.clone())),
        // A resolution is followed by what it settles or schedules; the fold has nothing to copy.
        _ => {}
    }
}

fn intended(state: &mut Orchestration, id: &EffectId, fact: &Fact, now_us: i64) {
    let Fact::Intended { at, kind, name, class, key, business_key, fingerprint, arguments, labels, key_label, .. } = fact else { return };
    let Fact::Intended { secrets, example, deadline_us, undoes, undo, .. } = fact else { return };
    state.touched = true;
    let arguments = arguments.clone().or_else(|| state.open.get(at).map(|open| open.input.value.clone())).unwrap_or_default();
    let effect = Effect {
        at: at.clone(),
        kind: *kind,
        name: name.clone(),
        class: *class,
        key: key.clone(),
        business_key: business_key.clone(),
        fingerprint: *fingerprint,
        arguments,
        labels: labels.clone(),
        key_label: *key_label,
        secrets: secrets.clone(),
        example: *example,
        deadline_us: *deadline_us,
        undoes: *undoes,
        undo: undo.clone(),
        attempt: 1,
        lookups: 0,
        looks: 0,
        first_us: now_us,
        last_us: now_us,
        due_us: 0,
        state: EffectState::Intended,
        unknown: false,
        claimed: false,
        behind: None,
        result: Labelled::default(),
        reference: None,
        problem: None,
    };
    state.effects.insert(*id, effect);
}

fn attempted(effect: &mut Effect, result: &Attempted, labels: &Labels, now_us: i64) {
    if matches!(result, Attempted::Unknown { .. }) && effect.state != EffectState::Asked && effect.class != EffectClass::E0 {
        // It may have left up to now: the target's time to settle counts from here.
        effect.unknown = true;
        effect.last_us = now_us;
    }
    let quoted = |problem: &Problem| Some(Box::new(problem.clone().quoting(labels.all())));
    match result {
        Attempted::Done { value, reference, .. } => {
            effect.result = Labelled::new(value.clone(), labels.clone());
            effect.reference = reference.clone();
            effect.problem = None;
        }
        Attempted::Failed { problem, .. } | Attempted::Unknown { problem } => effect.problem = quoted(problem),
        Attempted::Unreadable { problem, reference } => {
            effect.result = Labelled::default();
            effect.reference = reference.clone();
            effect.problem = quoted(problem);
        }
        Attempted::Absent => {}
    }
}

/// The task at `at` undoes these: an undo that failed before answers from now on where it is waited for.
pub(super) fn unwinding(state: &mut Orchestration, at: &provost_model::Position, effects: &[EffectId]) {
    state.unwinding.insert_mut(at.clone(), Arc::new(effects.to_vec()));
    let failed = |effect: &Effect| matches!(effect.state, EffectState::Failed | EffectState::Abandoned);
    let taken_up = |effect: &Effect| effect.undoes.is_some_and(|undoes| effects.contains(&undoes)) && failed(effect);
    let before: Vec<EffectId> = state.effects.iter().filter(|(_, effect)| taken_up(effect)).map(|(id, _)| *id).collect();
    for id in before {
        change(state, &id, |effect| effect.at = at.clone());
    }
}

/// A finished undo takes what it undid off the list.
fn undone(state: &mut Orchestration, id: &EffectId, settled: EffectState) {
    let Some(effect) = state.effects.get(id).cloned() else { return };
    if effect.kind != EffectKind::Undo || settled != EffectState::Done {
        return;
    }
    Arc::make_mut(&mut state.undoable).retain(|(undoable, _)| Some(*undoable) != effect.undoes);
    // A cancellation takes over what a task began to undo: it is undone for both.
    let queues: Vec<_> = state.unwinding.iter().map(|(at, queue)| (at.clone(), queue.clone())).collect();
    for (at, queue) in queues.into_iter().filter(|(_, queue)| queue.iter().any(|e| Some(*e) == effect.undoes)) {
        let left = queue.iter().filter(|e| Some(**e) != effect.undoes).copied().collect();
        state.unwinding.insert_mut(at, Arc::new(left));
    }
}
