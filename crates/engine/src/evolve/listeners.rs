//! Folding what happened to listeners.

use std::sync::Arc;

use provost_model::program::TaskIx;
use provost_model::record::Fact;
use provost_model::value::canonical_len;
use provost_model::{Labelled, Position};

use super::tasks;
use crate::state::{Listener, Orchestration};

/// Folds a fact about a listener; every other fact changes nothing.
pub(super) fn fold(state: &mut Orchestration, fact: &Fact) {
    match fact {
        Fact::ListeningBegan { at, kinds, wanted } => {
            let listener = Listener { kinds: kinds.clone().map(Arc::new), wanted: Arc::new(wanted.clone()), ..Listener::default() };
            state.listeners.insert_mut(at.clone(), Arc::new(listener));
        }
        Fact::EventTaken { .. } => taken(state, fact),
        Fact::EventHandled { at, index, output, labels, exported, last } => {
            tasks::close(state, &at.iteration(*index));
            if let Some(exported) = exported {
                let line = state.line_of(at);
                let context = tasks::apply(&state.context(at), exported);
                state.lines.insert_mut(line, context);
            }
            change(state, at, |listener| {
                listener.next = index + 1;
                listener.over |= *last;
                match output {
                    Some(output) => listener.outputs.insert_mut(*index, Labelled::new(output.clone(), labels.clone())),
                    None => {
                        listener.items.remove_mut(index);
                    }
                }
            });
        }
        _ => {}
    }
}

fn taken(state: &mut Orchestration, fact: &Fact) {
    let Fact::EventTaken { at, event, filter, until, item, labels, correlated, hops, last, more, .. } = fact else { return };
    state.touched = true;
    state.tasks_run += 1;
    state.hops = state.hops.max(*hops);
    state.looks_back = *more;
    state.taken.insert_mut(*event, at.clone());
    change(state, at, |listener| {
        meet(&mut listener.met, *filter);
        meet(&mut listener.until_met, *until);
        listener.over = *last;
        if let Some(item) = item {
            listener.bytes += canonical_len(item) as u64;
            listener.items.insert_mut(listener.count, Labelled::new(item.clone(), labels.clone()));
        }
        listener.count += u64::from(filter.is_some());
        for (name, value) in correlated {
            listener.correlated.insert_mut(name.clone(), value.clone());
        }
    });
}

fn meet(met: &mut Vec<u32>, filter: Option<u32>) {
    if let Some(filter) = filter.filter(|filter| !met.contains(filter)) {
        met.push(filter);
    }
}

fn change(state: &mut Orchestration, at: &Position, with: impl FnOnce(&mut Listener)) {
    if let Some(listener) = state.listeners.get_mut(at) {
        with(Arc::make_mut(listener));
    }
}

/// The iteration of the listener at `at` for its `index`-th event began.
pub(super) fn iterated(state: &mut Orchestration, at: &Position, task: TaskIx, index: u64, now_us: i64) {
    let item = state.listeners.get(at).and_then(|listener| listener.items.get(&index)).cloned().unwrap_or_default();
    tasks::open_iteration(state, at, task, index, item, now_us);
}

/// Everything inside `at` stops listening.
pub(super) fn close_within(state: &mut Orchestration, at: &Position) {
    if state.listeners.is_empty() {
        return;
    }
    let closed: Vec<Position> = state.listeners.keys().filter(|place| place.is_within(at)).cloned().collect();
    for place in &closed {
        state.listeners.remove_mut(place);
    }
}

/// The place at `at` begins again: what it took before may be taken by it again.
pub(super) fn give_back(state: &mut Orchestration, at: &Position) {
    if provost_model::planted::planted("taken-for-good") {
        return;
    }
    let given: Vec<_> = state.taken.iter().filter(|(_, by)| by.is_within(at)).map(|(event, _)| *event).collect();
    for event in &given {
        state.taken.remove_mut(event);
    }
}
