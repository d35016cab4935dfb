//! The fold: what a fact does to state. It copies; it never evaluates an expression, a policy or a schema.

mod children;
mod effects;
mod listeners;
mod reviews;
mod tasks;
mod weight;

pub(crate) use tasks::{OWN_TIME, apply, output_of};
use weight::weight;

use std::sync::Arc;

use provost_model::record::{Ending, Fact};
use provost_model::{Labelled, Position};

use crate::state::{Orchestration, Parked, Phase, Timer, Tree};

/// Folds `fact`, recorded at `now_us`, into `state`.
///
/// Total: a fact that does not fit (which `decide` never makes) changes only the sequence; `verify` finds it.
pub fn evolve(state: &mut Orchestration, fact: &Fact, now_us: i64) {
    state.sequence += 1;
    state.journal_bytes = state.journal_bytes.saturating_add(weight(fact));
    state.yielded = matches!(fact, Fact::Yielded);
    match fact {
        Fact::Started { start, labels, input, input_labels } => {
            let input = input.as_ref().map(|input| Labelled::new(input.clone(), input_labels.clone()));
            tasks::started(state, start.as_deref(), labels, input, now_us);
        }
        Fact::Entered { at, task, input, labels, shape } => {
            let input = input.as_ref().map(|input| Labelled::new(input.clone(), labels.clone()));
            tasks::entered(state, at, *task, input, shape, now_us);
        }
        Fact::Iterated { at, index } => tasks::iterated(state, at, *index, now_us),
        Fact::Completed { at, task, output, labels, effect, exported, then } => {
            let output = output.as_ref().map(|output| Labelled::new(output.clone(), labels.clone()));
            let output = tasks::output_of(state, at, output, *effect);
            tasks::completed(state, at, *task, output, exported.as_ref(), then);
        }
        Fact::Skipped { at, task } => tasks::skipped(state, at, *task),
        Fact::Raised { at, .. } => tasks::raised(state, at),
        Fact::Caught { at, problem } => tasks::caught(state, at, problem, now_us),
        Fact::RetryScheduled { at, attempt, .. } => tasks::retry_scheduled(state, at, *attempt),
        Fact::Retried { at } => tasks::retried(state, at),
        Fact::Abandoned { at } => tasks::dropped(state, at),
        Fact::TimerSet { id, at, due_us } => timer_set(state, id, at, *due_us),
        Fact::TimerFired { id } => tasks::timer_fired(state, id),
        Fact::Interrupted => tasks::interrupted(state),
        Fact::Intended { .. }
        | Fact::Sent { .. }
        | Fact::Attempted { .. }
        | Fact::AttemptScheduled { .. }
        | Fact::KeyClaimed { .. }
        | Fact::KeyHeld { .. }
        | Fact::KeyAnswered { .. }
        | Fact::LookUpScheduled { .. }
        | Fact::Settled { .. }
        | Fact::Resolved { .. }
        | Fact::Undoable { .. } => effects::fold(state, fact, now_us),
        Fact::Unwinding { at, effects } => effects::unwinding(state, at, effects),
        Fact::ReviewOpened { .. } | Fact::ReviewAnswered { .. } | Fact::ReviewClosed { .. } | Fact::ApprovalSpent { .. } => {
            reviews::fold(state, fact, now_us);
        }
        Fact::Planned { at, revision, digest, tasks, .. } => tasks::planned(state, at, *revision, *digest, tasks),
        Fact::Judged { .. } | Fact::Decided { .. } | Fact::Retrieved { .. } | Fact::Yielded => {}
        Fact::Queued { .. } | Fact::HeldBack { .. } | Fact::Admitted => held_up(state, fact),
        Fact::Emitted { effect, event, .. } => {
            state.touched = true;
            state.emitted.insert_mut(*effect, Arc::new((**event).clone()));
        }
        Fact::ChildStarted { .. } | Fact::ChildTold { .. } | Fact::ChildStopped { .. } | Fact::ChildRedriven { .. } => {
            children::fold(state, fact);
        }
        Fact::ListeningBegan { .. } | Fact::EventTaken { .. } | Fact::EventHandled { .. } => listeners::fold(state, fact),
        Fact::CancelRequested { grace_us, replaced_by } => {
            (state.phase, state.replaced_by) = (Phase::Cancelling { grace_us: *grace_us }, *replaced_by);
        }
        Fact::Reconciled { effect, look, .. } => effects::reconciled(state, effect.as_ref(), *look),
        Fact::Parked { at, problem } => state.parked = Some(Arc::new(Parked { at: at.clone(), problem: problem.clone() })),
        Fact::Redriven { at } => tasks::redriven(state, at),
        Fact::Ended { ending, output, problem, labels } => {
            state.output_labels = labels.clone();
            state.output = output.clone().unwrap_or_default();
            state.problem = problem.clone().map(Arc::new);
            ended(state, *ending);
        }
    }
}

/// Its place in a line, and behind whom; neither once it was admitted.
fn held_up(state: &mut Orchestration, fact: &Fact) {
    if let Fact::Queued { number, .. } = fact {
        state.queued = Some(*number);
    } else if let Fact::HeldBack { number, behind, .. } = fact {
        state.queued = Some(*number);
        state.behind = Some(Arc::new((**behind).clone()));
    } else {
        (state.queued, state.behind) = (None, None);
    }
}

fn timer_set(state: &mut Orchestration, id: &Arc<str>, at: &Position, due_us: i64) {
    // The workflow's own timeout is no wait.
    state.touched |= !at.is_root();
    state.timers.insert_mut(id.clone(), Timer { at: at.clone(), due_us });
}

fn ended(state: &mut Orchestration, ending: Ending) {
    state.phase = Phase::Ended(ending);
    state.parked = None;
    (state.queued, state.behind) = (None, None);
    state.open = Tree::new_sync();
    state.timers = Tree::new_sync();
    state.unwinding = Tree::new_sync();
    state.plans = Tree::new_sync();
    state.emitted = Tree::new_sync();
    state.listeners = Tree::new_sync();
    state.taken = Tree::new_sync();
    state.looks_back = false;
    let root = Position::root();
    let context = state.context(&root);
    state.lines = Tree::new_sync();
    state.lines.insert_mut(root, context);
}
