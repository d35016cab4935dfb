//! An event of a workflow that gathers its events is in exactly one batch, in the order of the commits of the batch's home; a batch is
//! closed once, starts with exactly the events that were gathered into it, and is no larger than its workflow allows.

use std::collections::BTreeMap;

use provost_model::record::{Closed, Fact, Start, Stream};
use provost_model::{EventId, OrchestrationId, TenantId, Value};
use provost_runtime::{InboxFact, inbox};

use super::Left;
use crate::world::World;

type Key = (TenantId, OrchestrationId);

/// What the inboxes say.
#[derive(Default)]
struct Said {
    /// Events that were answered with a batch: what the answer calls them.
    promised: BTreeMap<Key, EventId>,
    /// How often each was gathered.
    gathered: BTreeMap<Key, usize>,
    /// The events of each batch with their data, in order.
    batches: BTreeMap<Key, Vec<(EventId, Value)>>,
    /// Why each was closed, and of how many.
    closed: BTreeMap<Key, Vec<(Closed, u32)>>,
}

/// Holds what the inboxes say of batches against what started.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    let said = read(left);
    let mut found = Vec::new();
    for key in said.promised.keys().chain(said.gathered.keys()) {
        let times = said.gathered.get(key).copied().unwrap_or_default();
        if times != 1 && (times > 1 || world.ended_in_time) {
            found.push(format!("event `{}` was gathered {times} times", key.1));
        }
    }
    for (key, events) in &said.batches {
        let closed = said.closed.get(key).map(Vec::as_slice).unwrap_or_default();
        match (closed, started(left, key)) {
            ([(why, count)], Some(start)) => found.extend(differs(world, key, events, (*why, *count), &start)),
            ([], None) if !world.ended_in_time => {}
            (closed, start) => found.push(format!("batch `{}` was closed {} times, started: {}", key.1, closed.len(), start.is_some())),
        }
    }
    found
}

fn read(left: &Left) -> Said {
    let mut said = Said::default();
    for row in left.feeds.iter().flatten().map(|kept| &kept.row).filter(|row| matches!(row.stream, Stream::Inbox(_))) {
        let facts = row.json().ok().and_then(|json| inbox::decode(&json).ok());
        let key = |id: OrchestrationId| (row.tenant.clone(), id);
        for fact in facts.unwrap_or_default() {
            match fact {
                InboxFact::Accepted { id, batches, .. } => said.promised.extend(batches.iter().map(|batch| (key(batch.id), id))),
                InboxFact::Gathered { batch, event, start, .. } => {
                    *said.gathered.entry(key(event)).or_default() += 1;
                    let data = start.input.as_array().and_then(<[Value]>::first).cloned();
                    let event = start.event.zip(data);
                    said.batches.entry(key(batch)).or_default().extend(event);
                }
                InboxFact::BatchClosed { batch, why, events } => said.closed.entry(key(batch)).or_default().push((why, events)),
                _ => {}
            }
        }
    }
    said
}

fn started(left: &Left, key: &Key) -> Option<Start> {
    let facts = left.journals.get(key)?.1.iter().filter_map(|kept| kept.transition.as_ref()).flat_map(|transition| &transition.facts);
    facts.into_iter().find_map(|fact| match fact {
        Fact::Started { start: Some(start), .. } => Some((**start).clone()),
        _ => None,
    })
}

/// What of a batch is not as it was gathered.
fn differs(world: &World, key: &Key, events: &[(EventId, Value)], (why, count): (Closed, u32), start: &Start) -> Option<String> {
    let ids: Vec<EventId> = events.iter().map(|(id, _)| *id).collect();
    let data = Value::array(events.iter().map(|(_, data)| data.clone()));
    let batch = start.batch.as_ref()?;
    let spec = world.corpus_registry.program(&key.0, &start.pin, &start.workflow)?.program.batch?;
    let sized = ids.len() <= spec.size as usize && (why != Closed::Size || ids.len() == spec.size as usize);
    let same = batch.events == ids && batch.closed == Some(why) && start.input == data && count as usize == ids.len() && sized;
    (!same).then(|| format!("batch `{}` gathered {ids:?}, closed by {why:?}, and started with {:?}", key.1, batch.events))
}
