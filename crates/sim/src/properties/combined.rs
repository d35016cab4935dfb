//! Starts by several events: each event that was heard has one place, waits there until it is used or given up, is used once and before
//! whatever came later, and what a full set started has begun with it.

use std::collections::{BTreeMap, BTreeSet};

use provost_model::limits::COMBINED_MAX;
use provost_model::record::Stream;
use provost_model::{Digest, EventId, TenantId};
use provost_runtime::{InboxFact, inbox};

use super::Left;

/// The type that `corpus/sim/combine` combines.
const KIND: &str = "sim.combine";

/// Where every event went.
#[derive(Default)]
struct Places {
    heard: BTreeMap<(TenantId, EventId), u32>,
    combined: BTreeMap<(TenantId, EventId), u32>,
    used: BTreeMap<(TenantId, EventId), u32>,
    /// What waits, as the last fact of each set says: each event with the filter that it met.
    waiting: BTreeMap<(TenantId, Digest), Vec<Met>>,
}

type Met = (EventId, u32);

/// Holds what sets say against what was heard and against the journals.
pub fn check(left: &Left, ended: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut places = Places::default();
    for row in left.feeds.iter().flatten().map(|kept| &kept.row).filter(|row| matches!(row.stream, Stream::Inbox(_))) {
        let facts = row.json().ok().and_then(|json| inbox::decode(&json).ok());
        for fact in facts.unwrap_or_default() {
            follow(left, ended, &row.tenant, fact, &mut places, &mut found);
        }
    }
    let Places { heard, combined, used, waiting } = places;
    found.extend(combined.iter().filter(|(_, n)| **n > 1).map(|((_, event), n)| format!("event `{event}` was combined {n} times")));
    found.extend(used.iter().filter(|(_, n)| **n > 1).map(|((_, event), n)| format!("event `{event}` started {n} sets")));
    let nowhere = heard.keys().filter(|key| ended && !combined.contains_key(*key));
    found.extend(nowhere.map(|(_, event)| format!("event `{event}` was heard and has no place in a set")));
    for ((tenant, _), events) in waiting {
        let again = events.iter().filter(|(event, _)| used.contains_key(&(tenant.clone(), *event)));
        found.extend(again.map(|(event, _)| format!("event `{event}` waits and was used")));
        if events.len() > 2 * COMBINED_MAX {
            found.push(format!("{} events wait in one set", events.len()));
        }
    }
    found
}

fn follow(left: &Left, ended: bool, tenant: &TenantId, fact: InboxFact, places: &mut Places, found: &mut Vec<String>) {
    match fact {
        InboxFact::Heard { id, event, .. } if *event.kind == *KIND => {
            *places.heard.entry((tenant.clone(), id)).or_default() += 1;
        }
        InboxFact::Combined { event, group, filter, waiting, dropped, used, started, .. } => {
            *places.combined.entry((tenant.clone(), event)).or_default() += 1;
            let waiting: Vec<Met> = waiting.iter().map(|one| (one.event, one.filter)).collect();
            let mut known = places.waiting.insert((tenant.clone(), group), waiting.clone()).unwrap_or_default();
            known.push((event, filter));
            let dropped: Vec<EventId> = dropped.iter().map(|one| one.event).collect();
            found.extend(unsettled(&known, &waiting, &used, &dropped));
            known.retain(|(event, _)| !dropped.contains(event));
            let first = |filter: u32| known.iter().find(|(_, met)| *met == filter).map(|(event, _)| *event);
            if (0..).zip(&used).any(|(filter, event)| first(filter) != Some(*event)) {
                found.push(format!("the set of event `{event}` took {used:?}, which did not come first"));
            }
            let distinct: BTreeSet<&EventId> = used.iter().collect();
            if distinct.len() != used.len() || started.is_some() == used.is_empty() {
                found.push(format!("the set of event `{event}` used {} events and started {started:?}", used.len()));
            }
            let state = started.and_then(|id| left.states.get(&(tenant.clone(), id)));
            let with = state.and_then(|state| state.start.as_ref()).map(|start| start.events.clone());
            if started.is_some() && ended && with.as_ref() != Some(&used) {
                found.push(format!("the set of event `{event}` started {started:?}, which did not begin with its events"));
            }
            for event in used {
                *places.used.entry((tenant.clone(), event)).or_default() += 1;
            }
        }
        _ => {}
    }
}

/// What waited or came, and is nowhere now, or came out of nothing.
fn unsettled(known: &[Met], waiting: &[Met], used: &[EventId], dropped: &[EventId]) -> Option<String> {
    let known: BTreeSet<EventId> = known.iter().map(|(event, _)| *event).collect();
    let now: BTreeSet<EventId> = waiting.iter().map(|(event, _)| event).chain(used).chain(dropped).copied().collect();
    (known != now).then(|| format!("a set knew {known:?} and says only {now:?}"))
}
