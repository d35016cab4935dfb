//! A business key pays once: of all effects of one action under one key, at most one took effect, whichever orchestration it was in.

use std::collections::{BTreeMap, BTreeSet};

use super::Left;
use crate::world::World;

/// Names the keys under which several effects took effect.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    let mut by_key: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for ((tenant, _), state) in &left.states {
        for (id, effect) in state.effects.iter() {
            let Some(key) = effect.business_key.clone().filter(|_| world.outside.acts.contains_key(id)) else { continue };
            by_key.entry((tenant.clone(), effect.name.clone(), key)).or_default().insert(*id);
        }
    }
    let twice = by_key.into_iter().filter(|(_, effects)| effects.len() > 1);
    twice.map(|((tenant, action, key), effects)| format!("key `{key}` of `{action}` of `{tenant}` took effect by {effects:?}")).collect()
}
