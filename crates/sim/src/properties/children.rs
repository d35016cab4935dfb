//! What a parent began has begun, and for this parent; nothing else says that it is its child; what was told of a child is what became
//! of it.

use provost_model::record::{ChildFate, Ending, Fact};
use provost_model::{OrchestrationId, TenantId};

use provost_engine::{Orchestration, Phase};

use super::Left;
use crate::world::World;

/// Holds parents against children.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for ((tenant, id), (_, rows)) in &left.journals {
        for fact in rows.iter().filter_map(|row| row.transition.as_ref()).flat_map(|transition| &transition.facts) {
            match fact {
                Fact::ChildStarted { child, input, .. } => {
                    let begun = left.states.get(&(tenant.clone(), *child)).and_then(|state| state.start.clone());
                    let ours = begun.is_some_and(|start| {
                        start.input == *input && start.parent.as_ref().is_some_and(|parent| parent.orchestration == *id)
                    });
                    // A world that did not come to its end may hold starts that are still on their way.
                    if !ours && world.ended_in_time {
                        found.push(format!("`{id}` began `{child}`, which has no such journal"));
                    }
                }
                Fact::ChildTold { child, how: Some(how), .. } => found.extend(untrue(left, tenant, child, how)),
                _ => {}
            }
        }
    }
    found.extend(left.states.iter().filter_map(|((tenant, id), state)| orphaned(left, tenant, id, state)));
    if world.ended_in_time { found } else { Vec::new() }
}

/// What was said of a child, if it is not so.
fn untrue(left: &Left, tenant: &TenantId, child: &OrchestrationId, how: &ChildFate) -> Option<String> {
    let state = left.states.get(&(tenant.clone(), *child))?;
    let so = match (how, state.phase) {
        (ChildFate::Completed(output), Phase::Ended(Ending::Completed)) => *output == state.output,
        (ChildFate::Faulted(problem), Phase::Ended(Ending::Faulted)) => state.problem.as_deref() == Some(problem),
        // Parked once, it may have gone any way since.
        (ChildFate::Cancelled, Phase::Ended(Ending::Cancelled)) | (ChildFate::Parked(_), _) => true,
        (ChildFate::Replaced(by), Phase::Ended(Ending::Cancelled)) => state.replaced_by == Some(*by),
        (ChildFate::Completed(_) | ChildFate::Faulted(_) | ChildFate::Cancelled | ChildFate::Replaced(_), _) => false,
    };
    (!so).then(|| format!("`{child}` is said to be {how:?} and is {:?}", state.phase))
}

/// A child whose parent never began it.
fn orphaned(left: &Left, tenant: &TenantId, id: &OrchestrationId, state: &Orchestration) -> Option<String> {
    let parent = state.start.as_ref()?.parent.as_ref()?;
    let known = left.states.get(&(tenant.clone(), parent.orchestration)).is_some_and(|parent| parent.children.contains_key(id));
    (!known).then(|| format!("`{id}` says that `{}` began it, which knows nothing of it", parent.orchestration))
}
