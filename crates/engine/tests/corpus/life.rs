//! The lifecycle events of every case: under ids of their own, each start with one end, the same from any row on.

use std::collections::{BTreeMap, BTreeSet};

use provost_engine::lifecycle::{Lifecycle, TYPE_PREFIX, lifecycle};

use crate::Failure;
use crate::world::World;

pub fn check(world: &World) -> Result<(), Failure> {
    let program = &world.code.program;
    let events = lifecycle(program, world.state.tenant.clone(), world.state.id, &world.rows)?;
    let mut life = Lifecycle::new(world.state.tenant.clone(), world.state.id, provost_model::marks::Sight::Usual);
    let mut followed = Vec::new();
    for row in &world.rows {
        followed.extend(life.read_row(program, row).map_err(|e| e.to_string())?);
    }
    if followed != events {
        return Err("followed row by row, the lifecycle events are others".to_owned());
    }
    let (mut ids, mut open) = (BTreeSet::new(), BTreeMap::new());
    for event in &events {
        let (event, place) = (&event.event, event.event.extensions.member("position").map(ToString::to_string));
        if !ids.insert(&event.id) {
            return Err(format!("`{}` is told twice", event.id));
        }
        let kind = event.kind.trim_start_matches(TYPE_PREFIX).trim_end_matches(".v1");
        let begun = open.get(&place).is_some_and(|begun| *begun);
        let fits = match kind.split_once('.').map(|(_, what)| what) {
            Some("started") => !begun && open.insert(place, true) != Some(true),
            Some("completed" | "faulted" | "cancelled") => open.insert(place, false) == Some(true),
            Some("suspended" | "resumed" | "retried") => begun,
            Some("created" | "status-changed" | "correlation-started" | "correlation-completed") => true,
            _ => false,
        };
        if !fits {
            return Err(format!("`{}` does not fit what was told before it", event.id));
        }
    }
    let left = open.iter().filter(|(_, begun)| **begun).map(|(place, _)| format!("{place:?}")).collect::<Vec<_>>();
    if world.state.is_ended() && !left.is_empty() {
        return Err(format!("{left:?} started and never ended"));
    }
    Ok(())
}
