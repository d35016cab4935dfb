//! No effect beyond its class: nothing takes effect twice, what is recorded as done was done, what is recorded as failed was not.

use provost_model::program::EffectClass;
use provost_model::record::{EffectKind, EffectState};

use super::Left;
use crate::world::World;

/// Holds the journals against what the outside counted.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    let mut found: Vec<String> =
        world.outside.acts.iter().filter(|(_, n)| **n > 1).map(|(effect, n)| format!("`{effect}` took effect {n} times")).collect();
    let mut known = std::collections::BTreeSet::new();
    for ((tenant, orchestration), state) in &left.states {
        for (id, effect) in state.effects.iter().filter(|(_, e)| e.kind != EffectKind::Agent) {
            known.insert(*id);
            let acted = world.outside.took_effect(tenant, id, &effect.key);
            let own = world.outside.acts.contains_key(id);
            let class = effect.class;
            match effect.state {
                EffectState::Done if class != EffectClass::E0 && !acted => {
                    found.push(format!("`{id}` ({class:?}) of `{orchestration}` is done in the journal and never took effect"));
                }
                EffectState::Failed | EffectState::Abandoned if own => {
                    found.push(format!("`{id}` ({class:?}) of `{orchestration}` is {:?} in the journal and took effect", effect.state));
                }
                EffectState::Intended
                | EffectState::Sent
                | EffectState::Waiting
                | EffectState::Claiming
                | EffectState::Asked
                | EffectState::Done
                | EffectState::Failed
                | EffectState::InDoubt
                | EffectState::Conflict
                | EffectState::Abandoned => {}
            }
        }
    }
    let unknown = world.outside.acts.keys().filter(|id| !known.contains(id));
    found.extend(unknown.map(|id| format!("`{id}` took effect and stands in no journal")));
    found
}
