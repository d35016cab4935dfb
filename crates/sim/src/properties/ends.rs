//! Everything ends once faults stop: a healed world, with people who answer, has nothing open within a bounded time.

use super::Left;
use crate::world::World;

/// Names what is still open.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    if world.ended_in_time {
        return Vec::new();
    }
    let open = left.states.iter().filter(|(_, state)| !state.is_ended());
    let mut found: Vec<String> = open
        .map(|((_, id), state)| {
            let work = serde_json::to_string(&provost_engine::open_work(state)).unwrap_or_default();
            let workflow = state.start.as_ref().map(|start| start.workflow.to_string()).unwrap_or_default();
            let places: Vec<&str> = state.open.keys().map(provost_model::Position::as_str).collect();
            format!("`{id}` of `{workflow}` never ends: {:?}, open {places:?}, work {work}", state.phase)
        })
        .collect();
    let unheard = world.inputs.iter().filter(|input| input.acknowledged.is_empty());
    found.extend(unheard.map(|input| format!("event `{}` was never acknowledged", input.event.id)));
    if found.is_empty() {
        found.push("the world does not come to rest".to_owned());
    }
    found
}
