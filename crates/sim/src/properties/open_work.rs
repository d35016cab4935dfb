//! What a restart would find is what the journals say: every orchestration that has not ended is listed with its work, and
//! every one that left something in doubt with that; no other is.

use std::collections::BTreeMap;

use provost_store::Store as _;

use super::Left;
use crate::world::World;

/// Holds the open work on disk against the folded states.
pub fn check(world: &mut World, left: &Left) -> Vec<String> {
    let mut listed = BTreeMap::new();
    for machine in &mut world.machines {
        for row in machine.disk.open_work(None, usize::MAX).unwrap_or_default() {
            listed.insert((row.tenant.clone(), row.orchestration), row.work);
        }
    }
    let mut found = Vec::new();
    for (key, state) in &left.states {
        let work = provost_engine::open_work(state);
        let expected = (!state.is_ended() || work.over).then(|| serde_json::to_vec(&work).unwrap_or_default());
        if listed.get(key) != expected.as_ref() {
            found.push(format!("the open work of `{}` is not what its journal says", key.1));
        }
    }
    found
}
