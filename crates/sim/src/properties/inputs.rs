//! No acknowledged input is lost, and none is taken twice.

use std::collections::{BTreeMap, BTreeSet};

use provost_model::record::{Fact, Stream};
use provost_runtime::{InboxFact, inbox};

use super::Left;
use crate::world::World;

/// Holds what clients were told against the journals.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    let mut taken: BTreeMap<(String, String, String), u32> = BTreeMap::new();
    for row in left.feeds.iter().flatten().map(|kept| &kept.row).filter(|row| matches!(row.stream, Stream::Inbox(_))) {
        let facts = row.json().ok().and_then(|json| inbox::decode(&json).ok());
        for fact in facts.unwrap_or_default() {
            if let InboxFact::Accepted { event, started, .. } = fact {
                *taken.entry((row.tenant.to_string(), event.source.to_string(), event.id.to_string())).or_default() += 1;
                let missing = started.iter().filter(|id| !left.journals.contains_key(&(row.tenant.clone(), **id)));
                found.extend(missing.map(|id| format!("event `{}` was accepted and `{id}` has no journal", event.id)));
            }
        }
    }
    found.extend(taken.iter().filter(|(_, n)| **n > 1).map(|((_, _, id), n)| format!("event `{id}` was taken {n} times")));
    for input in &world.inputs {
        let key = (input.tenant.to_string(), input.event.source.to_string(), input.event.id.to_string());
        let Some(first) = input.acknowledged.first() else { continue };
        if first.event.is_some() && !first.rejected && !taken.contains_key(&key) {
            found.push(format!("event `{}` was acknowledged and is in no inbox", input.event.id));
        }
        if input.acknowledged.iter().any(|again| again.event != first.event || again.started != first.started) {
            found.push(format!("event `{}` had two different answers", input.event.id));
        }
        let missing = first.started.iter().filter(|id| !left.journals.contains_key(&(input.tenant.clone(), **id)));
        found.extend(missing.map(|id| format!("event `{}` was acknowledged and `{id}` has no journal", input.event.id)));
    }
    found.extend(lost_events(left, &taken));
    found.extend(said_twice(left));
    found.extend(started_twice(world, left));
    found
}

/// Events of ours that were emitted and reached no inbox.
fn lost_events(left: &Left, taken: &BTreeMap<(String, String, String), u32>) -> Vec<String> {
    let mut found = Vec::new();
    for ((tenant, id), (_, rows)) in &left.journals {
        for transition in rows.iter().filter_map(|kept| kept.transition.as_ref()) {
            for fact in &transition.facts {
                if let Fact::Emitted { event, .. } = fact
                    && !taken.contains_key(&(tenant.to_string(), event.source.to_string(), event.id.to_string()))
                {
                    found.push(format!("`{id}` emitted `{}` and no inbox has it", event.id));
                }
            }
        }
    }
    found
}

/// Places that sent more than one event: another round of a `try`, or a redrive, says nothing new.
fn said_twice(left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for ((_, id), (_, rows)) in &left.journals {
        let mut places = BTreeSet::new();
        for fact in rows.iter().filter_map(|row| row.transition.as_ref()).flat_map(|transition| &transition.facts) {
            if let Fact::Emitted { at, .. } = fact
                && !places.insert(at.clone())
            {
                found.push(format!("`{id}` sent two events at `{at}`"));
            }
        }
    }
    found
}

/// Starts by hand under one key that made two orchestrations.
fn started_twice(world: &World, left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for input in world.inputs.iter().filter(|input| input.by_hand.is_some()) {
        let same = left.states.iter().filter(|((tenant, _), state)| {
            let by_hand = |start: &&std::sync::Arc<provost_model::record::Start>| start.event.is_none() && start.parent.is_none();
            let start = state.start.as_ref().filter(by_hand).filter(|_| *tenant == input.tenant);
            start.is_some_and(|start| start.input.as_array().is_some_and(|list| list.first() == Some(&input.event.data)))
        });
        if same.count() > 1 {
            found.push(format!("the start under key `{}` made two orchestrations", input.event.id));
        }
    }
    found
}
