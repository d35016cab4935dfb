//! A concurrency key: never more hold it than its workflow allows; who waits begins in order, or was stopped; who replaces stops the one
//! before it. Seen in the order of the commits: all of one key are in one partition.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provost_model::program::KeySpec;
use provost_model::record::{Fact, Row, Start, Stream};
use provost_model::{OrchestrationId, Problem, TenantId};

use super::Left;
use crate::world::World;

type Key = (TenantId, Arc<str>, Arc<str>);

/// The keys of one feed, followed commit by commit.
#[derive(Default)]
struct Followed {
    specs: BTreeMap<Key, KeySpec>,
    keys: BTreeMap<OrchestrationId, Key>,
    holders: BTreeMap<Key, BTreeSet<OrchestrationId>>,
    waiting: BTreeMap<Key, Vec<OrchestrationId>>,
    /// Whom a newer one replaces, until they are told.
    replaced: BTreeMap<OrchestrationId, OrchestrationId>,
    /// Who was told to stop.
    stopped: BTreeSet<OrchestrationId>,
    found: Vec<String>,
}

/// Names whoever held a key beyond its limit, was overtaken, was not stopped, or still waits.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for feed in &left.feeds {
        let mut followed = Followed::default();
        for kept in feed {
            let (Stream::Orchestration(id), Some(transition)) = (&kept.row.stream, &kept.transition) else { continue };
            followed.row(world, &kept.row, *id, &transition.facts);
        }
        found.extend(followed.end());
    }
    found
}

impl Followed {
    fn row(&mut self, world: &World, row: &Row, id: OrchestrationId, facts: &[Fact]) {
        let waits = facts.iter().any(|fact| matches!(fact, Fact::HeldBack { .. }));
        if facts.iter().any(is_refused) {
            // It never held the key.
            return;
        }
        for fact in facts {
            match fact {
                Fact::Started { start: Some(start), .. } => self.started(world, (&row.tenant, id), start, waits),
                Fact::HeldBack { behind, .. } => {
                    let stays = behind.replaces.iter().filter(|replaced| !self.stopped.contains(replaced));
                    self.replaced.extend(stays.map(|replaced| (*replaced, id)));
                }
                Fact::Admitted => self.admitted(id),
                Fact::CancelRequested { .. } => {
                    self.stopped.insert(id);
                    self.replaced.remove(&id);
                }
                Fact::Ended { .. } => self.ended(id),
                _ => {}
            }
        }
    }

    fn started(&mut self, world: &World, (tenant, id): (&TenantId, OrchestrationId), start: &Start, waits: bool) {
        let Some(value) = start.concurrency.clone() else { return };
        let Some(spec) = spec_of(world, tenant, start) else { return self.found.push(format!("`{id}` has a key and no limit")) };
        let key = (tenant.clone(), start.workflow.clone(), value);
        self.specs.insert(key.clone(), spec);
        self.keys.insert(id, key.clone());
        if waits {
            self.waiting.entry(key).or_default().push(id);
        } else {
            self.holds(key, id);
        }
    }

    fn holds(&mut self, key: Key, id: OrchestrationId) {
        let limit = self.specs.get(&key).map_or(0, |spec| spec.limit as usize);
        let holders = self.holders.entry(key).or_default();
        holders.insert(id);
        if holders.len() > limit {
            self.found.push(format!("`{id}` is one of {} that hold a key for {limit}", holders.len()));
        }
    }

    fn admitted(&mut self, id: OrchestrationId) {
        let Some(key) = self.keys.get(&id).cloned() else { return };
        let waiting = self.waiting.entry(key.clone()).or_default();
        if waiting.first() != Some(&id) {
            self.found.push(format!("`{id}` overtook {:?}", waiting.first()));
        }
        waiting.retain(|other| *other != id);
        self.holds(key, id);
    }

    fn ended(&mut self, id: OrchestrationId) {
        if let Some(newer) = self.replaced.remove(&id) {
            self.found.push(format!("`{id}` ended and was never stopped for `{newer}`"));
        }
        let Some(key) = self.keys.get(&id) else { return };
        self.holders.entry(key.clone()).or_default().remove(&id);
        self.waiting.entry(key.clone()).or_default().retain(|other| *other != id);
    }

    fn end(mut self) -> Vec<String> {
        let waits = self.waiting.values().flatten().map(|id| format!("`{id}` still waits for its key"));
        self.found.extend(waits);
        let replaced = self.replaced.iter().map(|(old, new)| format!("`{old}` was never stopped for `{new}`"));
        self.found.extend(replaced);
        self.found
    }
}

/// Whether a start found no place.
fn is_refused(fact: &Fact) -> bool {
    let refused = |problem: &Problem| problem.is_ours("concurrency-held") || problem.is_ours("concurrency-full");
    matches!(fact, Fact::Raised { problem, .. } if refused(problem))
}

/// What the workflow of `start` says about its key.
fn spec_of(world: &World, tenant: &TenantId, start: &Start) -> Option<KeySpec> {
    let code = world.corpus_registry.program(tenant, &start.pin, &start.workflow)?;
    code.program.concurrency.map(|concurrency| concurrency.spec)
}
