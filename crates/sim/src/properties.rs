//! What was promised, one file each. They look at disks, the outside and the clients; they know nothing of planted bugs.

pub mod canary;
pub mod effects;
pub mod ends;
pub mod fence;
pub mod inputs;
pub mod keys;
pub mod lists;
pub mod open_work;
pub mod order;
pub mod redecided;
pub mod refold;
pub mod tenants;
pub mod time;

use std::collections::BTreeMap;

use provost_engine::Orchestration;
use provost_model::record::{Row, Stream};
use provost_model::{OrchestrationId, TenantId};
use provost_store::Store as _;

use crate::world::World;

/// Every journal of an orchestration, with the machine it is on.
pub type Journals = BTreeMap<(TenantId, OrchestrationId), (usize, Vec<Row>)>;

/// What a world left behind, read once.
pub struct Left {
    /// All rows of each machine in the order of their commit.
    pub feeds: Vec<Vec<Row>>,
    /// By orchestration.
    pub journals: Journals,
    /// Folded from the journals alone.
    pub states: BTreeMap<(TenantId, OrchestrationId), Orchestration>,
}

/// Checks every property: the name of each broken one with what was found, and what the canary says.
pub fn check(world: &mut World) -> (Vec<(&'static str, String)>, Vec<String>) {
    let left = read(world);
    let mut broken = std::mem::take(&mut world.violations);
    let mut add = |name: &'static str, found: Vec<String>| broken.extend(found.into_iter().map(|what| (name, what)));
    add("inputs", inputs::check(world, &left));
    add("effects", effects::check(world, &left));
    add("redecided", redecided::check(world, &left));
    add("ends", ends::check(world, &left));
    add("open-work", open_work::check(world, &left));
    add("lists", lists::check(world, &left));
    add("refold", refold::check(world, &left));
    add("keys", keys::check(world, &left));
    add("order", order::check(&left));
    add("fence", fence::check(&left));
    add("tenants", tenants::check(&left));
    add("time", time::check(&left));
    (broken, canary::check(&left))
}

fn read(world: &mut World) -> Left {
    let (mut feeds, mut journals) = (Vec::new(), Journals::new());
    for (at, machine) in world.machines.iter_mut().enumerate() {
        let rows: Vec<Row> = machine.disk.feed(0, usize::MAX).unwrap_or_default().into_iter().map(|(_, row)| row).collect();
        for row in &rows {
            if let Stream::Orchestration(id) = &row.stream {
                journals.entry((row.tenant.clone(), *id)).or_insert_with(|| (at, Vec::new())).1.push(row.clone());
            }
        }
        feeds.push(rows);
    }
    let states = journals.iter().map(|(key, (_, rows))| (key.clone(), fold(key, rows))).collect();
    Left { feeds, journals, states }
}

/// The state that rows say, from the first one.
pub fn fold((tenant, id): &(TenantId, OrchestrationId), rows: &[Row]) -> Orchestration {
    let mut state = Orchestration::new(tenant.clone(), *id);
    for transition in rows.iter().filter_map(|row| row.transition().ok()) {
        for fact in &transition.facts {
            provost_engine::evolve(&mut state, fact, transition.ambient.now_us);
        }
    }
    state
}
