//! What an orchestration waits for: the open work that a restart must find again. A function of state alone.

use std::sync::Arc;

use provost_model::OrchestrationId;
use provost_model::id::{EffectId, ReviewId};
use provost_model::program::EffectClass;
use provost_model::record::EffectState;
use serde::{Deserialize, Serialize};

use crate::state::Orchestration;

/// The open work of one orchestration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpenWork {
    /// Effects that may leave, or whose outcome is awaited.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Pending>,
    /// Timers: id and due time in microseconds UTC.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<(Arc<str>, i64)>,
    /// Questions to people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reviews: Vec<ReviewId>,
    /// Effects in doubt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_doubt: Vec<EffectId>,
    /// Whether it is parked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub parked: bool,
    /// Whether there are too many effects to list here: a restart folds the journal and looks again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub many: bool,
    /// Whether it has a place in the line of an ordering key, or under a concurrency key.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ordered: bool,
    /// Which events it listens for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listening: Option<Listening>,
    /// Whether it has ended, and only what it left in doubt is still to be settled.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
    /// Whether it must be told to go on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
    /// The one that caused it, where one did: what each causes is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<OrchestrationId>,
}

/// Which events an orchestration listens for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listening {
    /// Their types, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Arc<str>>,
    /// Whether it takes every type.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub every: bool,
    /// Whether events that came before are still to be looked at.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub back: bool,
}

/// Which events `state` listens for; `None` where it listens for none.
pub fn listening(state: &Orchestration) -> Option<Listening> {
    let open = || state.listeners.values().filter(|listener| !listener.over);
    open().next()?;
    let mut kinds: Vec<Arc<str>> = open().filter_map(|listener| listener.kinds.as_deref()).flatten().cloned().collect();
    kinds.sort();
    kinds.dedup();
    Some(Listening { kinds, every: open().any(|listener| listener.kinds.is_none()), back: state.looks_back })
}

/// An effect that a restart must offer, ask about, or declare lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Which.
    pub effect: EffectId,
    /// Which attempt, or which look-up.
    pub attempt: u32,
    /// Where it stands: intended (offer it), sent (its outcome is lost), asked (ask again), claiming (ask for its key again).
    pub state: EffectState,
    /// Its class.
    pub class: EffectClass,
}

/// Most effects listed beside a journal: every transition writes the list again.
const LISTED_MAX: usize = 32;

/// What `state` waits for, short enough to be written with every transition.
pub fn open_work_listed(state: &Orchestration) -> OpenWork {
    let mut work = waited_for(state, LISTED_MAX);
    if work.effects.len() > LISTED_MAX {
        work.effects.clear();
        work.many = true;
    }
    work
}

/// What `state` waits for.
pub fn open_work(state: &Orchestration) -> OpenWork {
    waited_for(state, usize::MAX)
}

/// What `state` waits for, with at most one effect more than `effects_max`.
fn waited_for(state: &Orchestration, effects_max: usize) -> OpenWork {
    if state.is_ended() {
        let in_doubt: Vec<EffectId> = state.effects.in_doubt().copied().collect();
        return OpenWork { over: !in_doubt.is_empty(), in_doubt, ..OpenWork::default() };
    }
    let ordered = state.start.as_ref().is_some_and(|start| start.order.is_some() || start.concurrency.is_some());
    let caused_by = state.start.as_ref().and_then(|start| start.origin);
    let mut work = OpenWork { parked: state.parked.is_some(), unfinished: state.yielded, ordered, caused_by, ..OpenWork::default() };
    for (id, effect) in state.effects.live() {
        if work.effects.len() > effects_max {
            break;
        }
        match effect.state {
            // Parked, it is asked for again when it is redriven.
            EffectState::Claiming if state.parked.is_some() => {}
            EffectState::Intended | EffectState::Sent | EffectState::Claiming => {
                work.effects.push(Pending { effect: *id, attempt: effect.attempt, state: effect.state, class: effect.class });
            }
            // With a timer set it is asked when the timer fires.
            EffectState::Asked if !state.timers.contains_key(&*format!("effect:{id}")) => {
                work.effects.push(Pending { effect: *id, attempt: effect.lookups, state: effect.state, class: effect.class });
            }
            EffectState::Asked
            | EffectState::InDoubt
            | EffectState::Waiting
            | EffectState::Done
            | EffectState::Failed
            | EffectState::Conflict
            | EffectState::Abandoned => {}
        }
    }
    work.effects.sort_unstable_by_key(|pending| pending.effect);
    work.in_doubt = state.effects.in_doubt().copied().collect();
    work.timers = state.timers.iter().map(|(id, timer)| (id.clone(), timer.due_us)).collect();
    work.listening = listening(state);
    work.reviews = state.reviews.iter().filter(|(_, r)| r.answer.is_none() && !r.closed).map(|(id, _)| *id).collect();
    work
}
