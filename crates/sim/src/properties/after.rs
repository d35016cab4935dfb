//! `schedule.after`: a run that ended says when the next one is due, so long after its end, before anything else happens to its schedule;
//! one that was stopped is the last.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::program::Times;
use provost_model::record::{Ending, Fact, Stream};
use provost_model::{Digest, OrchestrationId, TenantId};
use provost_runtime::{InboxFact, inbox};

use super::Left;
use crate::world::World;

type Key = (TenantId, Arc<str>, Digest);

/// The schedules of one feed.
#[derive(Default)]
struct Followed {
    /// The run under way, by schedule.
    runs: BTreeMap<Key, OrchestrationId>,
    /// What an end must say next: when the next one is due, or that there is none.
    wanted: BTreeMap<Key, Option<i64>>,
}

/// Holds what schedules say against the ends of their runs.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for feed in &left.feeds {
        let mut followed = Followed::default();
        for kept in feed {
            let row = &kept.row;
            match &row.stream {
                Stream::Inbox(_) => {
                    let facts = row.json().ok().and_then(|json| inbox::decode(&json).ok());
                    facts.unwrap_or_default().into_iter().for_each(|fact| followed.says(&row.tenant, fact, &mut found));
                }
                Stream::Orchestration(id) => {
                    let facts = kept.transition.iter().flat_map(|transition| &transition.facts);
                    facts.for_each(|fact| followed.ends(world, (&row.tenant, *id), fact, row.recorded_at_us));
                }
                Stream::Control => {}
            }
        }
        let silent = followed.wanted.keys();
        found.extend(silent.map(|(_, workflow, _)| format!("a run of `{workflow}` ended, and its schedule says nothing of the next")));
    }
    found
}

impl Followed {
    fn ends(&mut self, world: &World, (tenant, id): (&TenantId, OrchestrationId), fact: &Fact, at_us: i64) {
        let Fact::Ended { ending, .. } = fact else { return };
        let Some(key) = self.runs.iter().find(|((of, ..), run)| of == tenant && **run == id).map(|(key, _)| key.clone()) else { return };
        let program = world.corpus_registry.program(tenant, &key.2, &key.1);
        let Some(Times::AfterMs(ms)) = program.and_then(|code| code.program.schedule.as_ref().map(|schedule| schedule.at.clone())) else {
            return;
        };
        let next_us = (*ending != Ending::Cancelled).then_some(at_us + ms * 1000);
        self.runs.remove(&key);
        self.wanted.insert(key, next_us);
    }

    fn says(&mut self, tenant: &TenantId, fact: InboxFact, found: &mut Vec<String>) {
        let InboxFact::Ticked { workflow, pin, started, next_us, .. } = fact else { return };
        let key = (tenant.clone(), workflow, pin);
        if let Some(wanted) = self.wanted.remove(&key)
            && (wanted != next_us || !started.is_empty())
        {
            found.push(format!("a run of `{}` ended: the next is due at {wanted:?}, and the schedule says {next_us:?}", key.1));
        }
        if let Some(run) = started.last() {
            self.runs.insert(key, *run);
        }
    }
}
