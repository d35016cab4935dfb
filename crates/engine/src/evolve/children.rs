//! Folding what was begun by `run`.

use std::sync::Arc;

use provost_model::record::{ChildFate, Fact};
use provost_model::{Digest, OrchestrationId, Position, Value};

use crate::state::{Child, ChildState, Orchestration};

pub(super) fn fold(state: &mut Orchestration, fact: &Fact) {
    match fact {
        Fact::ChildStarted { at, child, workflow, input, awaits, order, concurrency, .. } => {
            state.touched = true;
            let begun = Child {
                at: at.clone(),
                workflow: workflow.clone(),
                fingerprint: Digest::of_value(input),
                state: if *awaits { ChildState::Running } else { ChildState::Detached },
                sequence: 0,
                output: Value::Null,
                labels: None,
            };
            if order.is_some() || concurrency.is_some() {
                place(state, at, *child);
            }
            state.children.insert_mut(*child, Arc::new(begun));
        }
        Fact::ChildTold { child, sequence, how, labels } => change(state, child, |child| {
            child.sequence = *sequence;
            match how.as_deref() {
                // What is being stopped is over either way: nobody asks for its output.
                Some(ChildFate::Completed(_)) if child.state == ChildState::Stopping => child.state = ChildState::Failed,
                Some(ChildFate::Completed(output)) => {
                    child.state = ChildState::Completed;
                    child.output = output.clone();
                    child.labels.clone_from(labels);
                }
                Some(ChildFate::Parked(_)) if child.state == ChildState::Stopping => {}
                Some(ChildFate::Parked(_)) => child.state = ChildState::Parked,
                Some(ChildFate::Faulted(_) | ChildFate::Cancelled | ChildFate::Replaced(_)) => child.state = ChildState::Failed,
                None => {}
            }
        }),
        Fact::ChildStopped { child, again } => {
            change(state, child, |child| child.state = if *again { ChildState::Interrupted } else { ChildState::Stopping });
        }
        Fact::ChildRedriven { child } => change(state, child, |child| {
            let moves = child.state == ChildState::Interrupted;
            child.state = if moves { ChildState::Wanted } else { ChildState::Running };
        }),
        _ => {}
    }
}

/// Remembers which round of its task a child is that does not live where the others would.
fn place(state: &mut Orchestration, at: &Position, child: OrchestrationId) {
    let mut n = 0;
    while state.begun(at, n).is_some() {
        n += 1;
    }
    let mut rounds = state.placed.get(at).map(|rounds| (**rounds).clone()).unwrap_or_default();
    rounds.push((n, child));
    state.placed.insert_mut(at.clone(), Arc::new(rounds));
}

fn change(state: &mut Orchestration, id: &OrchestrationId, with: impl FnOnce(&mut Child)) {
    if let Some(child) = state.children.get_mut(id) {
        with(Arc::make_mut(child));
    }
}
