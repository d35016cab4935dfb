//! A child that is told that it waits in a ring does: each of the ring waits for the next, as its child or under its key; of one ring one is told.

use std::collections::BTreeSet;

use provost_model::record::Command;
use provost_model::{OrchestrationId, TenantId};

use provost_engine::Orchestration;

use super::Left;

/// Names rings that are none, and those that more than one child was told of.
pub fn check(left: &Left) -> Vec<String> {
    let (mut found, mut known) = (Vec::new(), BTreeSet::new());
    for ((tenant, id), (_, rows)) in &left.journals {
        for transition in rows.iter().filter_map(|kept| kept.transition.as_ref()) {
            let Command::Entangled { ring } = &transition.command else { continue };
            found.extend(untrue(left, tenant, *id, ring));
            let members: BTreeSet<OrchestrationId> = ring.iter().copied().collect();
            if !known.insert((tenant.clone(), members)) {
                found.push(format!("`{id}` was told of a ring that another one was told of"));
            }
        }
    }
    found
}

/// What is wrong with the ring that `id` was told of.
fn untrue(left: &Left, tenant: &TenantId, id: OrchestrationId, ring: &[OrchestrationId]) -> Option<String> {
    if ring.first() != Some(&id) {
        return Some(format!("`{id}` was told of a ring of others"));
    }
    let state = |id: &OrchestrationId| left.states.get(&(tenant.clone(), *id));
    let follows = ring.iter().zip(ring.iter().cycle().skip(1));
    let broken = follows.clone().find(|(waits, next)| !state(waits).zip(state(next)).is_some_and(|(waits, next)| waits_for(waits, next)));
    broken.map(|(waits, next)| format!("`{id}` was told that `{waits}` waits for `{next}`, which it did not"))
}

/// Whether one may have waited for the other: it is its child, or they have one key.
fn waits_for(waits: &Orchestration, next: &Orchestration) -> bool {
    let (Some(first), Some(second)) = (&waits.start, &next.start) else { return false };
    let child = second.parent.as_ref().is_some_and(|parent| parent.awaits && parent.orchestration == waits.id);
    let keyed = first.order.is_some() || first.concurrency.is_some();
    let key = keyed && first.workflow == second.workflow && first.order == second.order && first.concurrency == second.concurrency;
    child || key
}
