//! Memory, snapshots and journals say the same.

use std::collections::BTreeMap;

use provost_engine::Orchestration;
use provost_model::record::Stream;
use provost_model::{OrchestrationId, TenantId};
use provost_runtime::View;
use provost_store::Store as _;
use provost_store::memory::Memory;

use super::{Left, fold, unfold};
use crate::world::World;

/// What journals said when they were last read, and until where: a journal only grows, so only what is new must be folded.
pub type Folded = BTreeMap<(TenantId, OrchestrationId), (Orchestration, u64)>;

/// Whether what a partition holds in memory is not what its disk says.
pub fn differs(disk: &mut Memory, folded: &mut Folded, view: &View) -> Option<String> {
    let (tenant, id) = (&view.state.tenant, view.state.id);
    let (state, until) = folded.entry((tenant.clone(), id)).or_insert_with(|| (Orchestration::new(tenant.clone(), id), 0));
    for row in disk.rows(tenant, &Stream::Orchestration(id), *until, usize::MAX).unwrap_or_default() {
        *until = row.head().sequence;
        if let Ok(transition) = row.transition() {
            unfold(state, &transition);
        }
    }
    (*state != view.state).then(|| format!("`{id}` in memory is not what its journal says at {}", view.head.sequence))
}

/// Holds every snapshot against the journal up to it.
pub fn check(world: &mut World, left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for (key, (at, rows)) in &left.journals {
        let Some(machine) = world.machines.get_mut(*at) else { continue };
        let Ok(Some(snapshot)) = machine.disk.snapshot(&key.0, &Stream::Orchestration(key.1)) else { continue };
        let until = rows.iter().filter(|kept| kept.row.head().sequence <= snapshot.head.sequence);
        let kept = serde_json::from_slice::<Orchestration>(&snapshot.state);
        if kept.ok().as_ref() != Some(&fold(key, until)) {
            found.push(format!("the snapshot of `{}` is not what its journal says", key.1));
        }
    }
    found
}
