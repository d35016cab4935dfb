//! No acknowledged input is lost, and none is taken twice.

use std::collections::BTreeMap;

use provost_model::record::Stream;
use provost_runtime::{InboxFact, inbox};

use super::Left;
use crate::world::World;

/// Holds what clients were told against the journals.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    let mut taken: BTreeMap<(String, String, String), u32> = BTreeMap::new();
    for row in left.feeds.iter().flatten().filter(|row| matches!(row.stream, Stream::Inbox(_))) {
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
        if first.rejected.is_none() && !taken.contains_key(&key) {
            found.push(format!("event `{}` was acknowledged and is in no inbox", input.event.id));
        }
        if input.acknowledged.iter().any(|again| again.event != first.event || again.started != first.started) {
            found.push(format!("event `{}` had two different answers", input.event.id));
        }
        let missing = first.started.iter().filter(|id| !left.journals.contains_key(&(input.tenant.clone(), **id)));
        found.extend(missing.map(|id| format!("event `{}` was acknowledged and `{id}` has no journal", input.event.id)));
    }
    found
}
