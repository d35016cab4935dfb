//! What was promised, one file each. They look at disks, the outside and the clients; they know nothing of planted bugs.

pub mod after;
pub mod batches;
pub mod canary;
pub mod children;
mod combined;
pub mod effects;
pub mod ends;
pub mod fence;
pub mod inputs;
pub mod keys;
pub mod lifecycle;
pub mod listeners;
pub mod lists;
mod looks;
pub mod open_work;
pub mod order;
pub mod places;
mod plans;
pub mod redecided;
pub mod refold;
pub mod rings;
pub mod tenants;
pub mod ticks;
pub mod time;

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_engine::Orchestration;
use provost_model::record::{Row, Stream, Transition};
use provost_model::{OrchestrationId, TenantId};
use provost_store::Store as _;

use crate::world::World;

/// A row as it is on a disk, and what it says where it is an orchestration's.
pub struct Kept {
    /// The row.
    pub row: Row,
    /// What it says; none where it cannot be read.
    pub transition: Option<Transition>,
}

/// Every journal of an orchestration, with the machine it is on.
pub type Journals = BTreeMap<(TenantId, OrchestrationId), (usize, Vec<Arc<Kept>>)>;

/// What a world left behind, read once.
pub struct Left {
    /// All rows of each machine in the order of their commit.
    pub feeds: Vec<Vec<Arc<Kept>>>,
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
    add("lifecycle", lifecycle::check(world, &left));
    add("children", children::check(world, &left));
    add("keys", keys::check(world, &left));
    add("order", order::check(&left));
    add("batches", batches::check(world, &left));
    add("looks", looks::check(world, &left));
    add("places", places::check(world, &left));
    add("rings", rings::check(&left));
    add("plans", plans::check(&left));
    add("listeners", listeners::check(&left));
    add("fence", fence::check(&left));
    add("tenants", tenants::check(&left));
    add("ticks", ticks::check(world, &left));
    add("after", after::check(world, &left));
    add("combined", combined::check(&left, world.ended_in_time));
    add("time", time::check(&left));
    (broken, canary::check(&left))
}

fn read(world: &mut World) -> Left {
    let (mut feeds, mut journals) = (Vec::new(), Journals::new());
    for (at, machine) in world.machines.iter_mut().enumerate() {
        let rows = machine.disk.feed(0, usize::MAX).unwrap_or_default().into_iter();
        let rows: Vec<Arc<Kept>> = rows.map(|(_, row)| Arc::new(kept(row))).collect();
        for kept in &rows {
            if let Stream::Orchestration(id) = kept.row.stream {
                journals.entry((kept.row.tenant.clone(), id)).or_insert_with(|| (at, Vec::new())).1.push(kept.clone());
            }
        }
        feeds.push(rows);
    }
    let states = journals.iter().map(|(key, (_, rows))| (key.clone(), fold(key, rows))).collect();
    Left { feeds, journals, states }
}

fn kept(row: Row) -> Kept {
    let transition = if matches!(row.stream, Stream::Orchestration(_)) { row.transition().ok() } else { None };
    Kept { row, transition }
}

/// The state that rows say, from the first one.
pub fn fold<'k>((tenant, id): &(TenantId, OrchestrationId), rows: impl IntoIterator<Item = &'k Arc<Kept>>) -> Orchestration {
    let mut state = Orchestration::new(tenant.clone(), *id);
    rows.into_iter().filter_map(|kept| kept.transition.as_ref()).for_each(|transition| unfold(&mut state, transition));
    state
}

/// Takes one more transition into a state.
pub fn unfold(state: &mut Orchestration, transition: &Transition) {
    transition.facts.iter().for_each(|fact| provost_engine::evolve(state, fact, transition.ambient.now_us));
}
