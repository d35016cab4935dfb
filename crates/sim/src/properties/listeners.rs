//! No event is lost for a listener that existed, none is taken twice, and each is taken in the order in which it was heard.
//!
//! All of it is seen in one feed: what a partition heard, and what its orchestrations did.

use std::collections::{BTreeMap, BTreeSet};

use provost_model::record::{Fact, Stream};
use provost_model::{EventId, OrchestrationId, Position, TenantId, Value};
use provost_runtime::{InboxFact, inbox};

use super::{Kept, Left};

/// The listener that takes three words of its own.
const WORDS: &str = "hear/both/words";

/// What one partition's feed says.
#[derive(Default)]
struct Seen {
    /// Words that were heard: whose and which, and when everybody who listened at that time had been offered it.
    words: BTreeMap<EventId, Word>,
    /// Orchestrations that listen for words: what they are called, and when they began.
    began: BTreeMap<(TenantId, OrchestrationId), (String, usize)>,
    /// What each listener took, in order.
    taken: BTreeMap<(TenantId, OrchestrationId, Position), Vec<EventId>>,
    /// When each listener of words began and ended to listen.
    listened: BTreeMap<(TenantId, OrchestrationId), (usize, usize)>,
}

struct Word {
    tenant: TenantId,
    to: String,
    heard: usize,
    offered: Option<usize>,
}

/// Names lost and doubled events.
pub fn check(left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for feed in &left.feeds {
        let mut seen = Seen::default();
        for (place, kept) in feed.iter().enumerate() {
            note(&mut seen, place, kept);
        }
        judge(&seen, &mut found);
    }
    found
}

fn note(seen: &mut Seen, place: usize, kept: &Kept) {
    match &kept.row.stream {
        Stream::Inbox(_) => {
            let facts = kept.row.json().ok().and_then(|json| inbox::decode(&json).ok());
            facts.unwrap_or_default().into_iter().for_each(|fact| note_inbox(seen, place, &kept.row.tenant, fact));
        }
        Stream::Orchestration(id) => {
            let facts = kept.transition.iter().flat_map(|transition| &transition.facts);
            facts.for_each(|fact| note_fact(seen, place, (&kept.row.tenant, *id), fact));
        }
        Stream::Control => {}
    }
}

fn note_inbox(seen: &mut Seen, place: usize, tenant: &TenantId, fact: InboxFact) {
    match fact {
        InboxFact::Heard { id, event, spread, .. } if *event.kind == *"sim.word" => {
            let to = event.data.member("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            seen.words.insert(id, Word { tenant: tenant.clone(), to, heard: place, offered: (!spread).then_some(place) });
        }
        InboxFact::Spread { event } => {
            if let Some(word) = seen.words.get_mut(&event) {
                word.offered.get_or_insert(place);
            }
        }
        _ => {}
    }
}

fn note_fact(seen: &mut Seen, place: usize, (tenant, id): (&TenantId, OrchestrationId), fact: &Fact) {
    let key = (tenant.clone(), id);
    let ends = |at: &Position, seen: &mut Seen| {
        if Position::from_text(WORDS).is_within(at)
            && let Some((_, end)) = seen.listened.get_mut(&key)
        {
            *end = (*end).min(place);
        }
    };
    match fact {
        Fact::Started { start: Some(start), .. } if *start.workflow == *"listen" => {
            let name = start.input.as_array().and_then(|list| list.first()?.member("id")?.as_str().map(str::to_owned));
            seen.began.insert(key, (name.unwrap_or_default(), place));
        }
        Fact::ListeningBegan { at, .. } if at.as_str() == WORDS => drop(seen.listened.insert(key, (place, usize::MAX))),
        Fact::EventTaken { at, event, last, .. } => {
            seen.taken.entry((tenant.clone(), id, at.clone())).or_default().push(*event);
            if *last {
                ends(at, seen);
            }
        }
        Fact::Caught { at, .. } | Fact::Raised { at, .. } | Fact::Abandoned { at } => ends(at, seen),
        Fact::CancelRequested { .. } | Fact::Ended { .. } => ends(&Position::root(), seen),
        _ => {}
    }
}

fn judge(seen: &Seen, found: &mut Vec<String>) {
    for ((_, id, at), events) in &seen.taken {
        let different: BTreeSet<&EventId> = events.iter().collect();
        if different.len() < events.len() {
            found.push(format!("`{id}` took an event twice at `{at}`"));
        }
        let heard: Vec<usize> = events.iter().filter_map(|event| seen.words.get(event)).map(|word| word.heard).collect();
        if at.as_str() == WORDS && !heard.is_sorted() {
            found.push(format!("`{id}` took events out of their order at `{at}`"));
        }
    }
    for ((tenant, id), (begin, end)) in &seen.listened {
        let Some((name, began)) = seen.began.get(&(tenant.clone(), *id)) else { continue };
        let taken = seen.taken.get(&(tenant.clone(), *id, Position::from_text(WORDS)));
        for (event, word) in seen.words.iter().filter(|(_, word)| word.tenant == *tenant && word.to == *name) {
            // What was heard before is offered in the commit in which listening begins.
            let due = if word.heard < *begin { Some(*begin) } else { word.offered };
            let lost = word.heard > *began && due.is_some_and(|due| due < *end) && !taken.is_some_and(|taken| taken.contains(event));
            if lost {
                found.push(format!("`{id}` listened for `{event}` and never took it"));
            }
        }
    }
}
