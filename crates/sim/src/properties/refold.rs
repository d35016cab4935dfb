//! Memory, snapshots and journals say the same.

use provost_engine::Orchestration;
use provost_model::record::Stream;
use provost_runtime::View;
use provost_store::Store as _;
use provost_store::memory::Memory;

use super::{Left, fold};
use crate::world::World;

/// Whether what a partition holds in memory is not what its disk says.
pub fn differs(disk: &mut Memory, view: &View) -> Option<String> {
    let key = (view.state.tenant.clone(), view.state.id);
    let rows = disk.rows(&key.0, &Stream::Orchestration(key.1), 0, usize::MAX).unwrap_or_default();
    (fold(&key, &rows) != view.state).then(|| format!("`{}` in memory is not what its journal says at {}", key.1, view.head.sequence))
}

/// Holds every snapshot against the journal up to it.
pub fn check(world: &mut World, left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for (key, (at, rows)) in &left.journals {
        let Some(machine) = world.machines.get_mut(*at) else { continue };
        let Ok(Some(snapshot)) = machine.disk.snapshot(&key.0, &Stream::Orchestration(key.1)) else { continue };
        let until: Vec<_> = rows.iter().filter(|row| row.head().sequence <= snapshot.head.sequence).cloned().collect();
        let kept = serde_json::from_slice::<Orchestration>(&snapshot.state);
        if kept.ok().as_ref() != Some(&fold(key, &until)) {
            found.push(format!("the snapshot of `{}` is not what its journal says", key.1));
        }
    }
    found
}
