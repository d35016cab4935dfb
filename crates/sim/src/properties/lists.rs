//! Lists say what the journals say: of every orchestration there is one row, and it is the one of its last change of status.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_engine::Orchestration;
use provost_model::{OrchestrationId, TenantId};
use provost_runtime::summary_of;
use provost_store::{Lists as _, Query, Store as _, Summary};

use super::{Kept, Left, unfold};
use crate::machine::SALT;
use crate::world::World;

/// Projects once more, as every running process does from time to time, and holds the rows against the journals.
pub fn check(world: &mut World, left: &Left) -> Vec<String> {
    let (mut listed, mut found) = (BTreeMap::new(), Vec::new());
    for (at, machine) in world.machines.iter_mut().enumerate() {
        // A scene may end before its disk can be read again.
        machine.plan(|planned| planned.unreadable = 0);
        let _died = !machine.project();
        for tenant in &world.tenants {
            let rows = machine.disk.list(&Query::newest(tenant.clone(), usize::MAX)).unwrap_or_default();
            listed.extend(rows.into_iter().map(|row| ((row.tenant.clone(), row.orchestration), row)));
        }
        let behind = machine.disk.lag().map(|lag| lag.behind()).unwrap_or_default();
        if behind > 0 {
            found.push(format!("the lists of machine {at} stay {behind} rows behind"));
        }
    }
    for (key, (_, rows)) in &left.journals {
        let (says, row) = (summary(key, rows), listed.remove(key));
        if row != says {
            found.push(format!(
                "`{}` is listed as {:?}, and its journal says {:?}",
                key.1,
                row.map(|row| row.status),
                says.map(|row| row.status)
            ));
        }
    }
    found.extend(listed.keys().map(|(_, id)| format!("`{id}` is listed and has no journal")));
    found
}

/// The row of the last change of status that a journal tells of.
fn summary((tenant, id): &(TenantId, OrchestrationId), rows: &[Arc<Kept>]) -> Option<Summary> {
    let (mut state, mut last) = (Orchestration::new(tenant.clone(), *id), None::<Summary>);
    for kept in rows {
        let Some(transition) = &kept.transition else { continue };
        unfold(&mut state, transition);
        let now = summary_of(&state, kept.row.recorded_at_us, &SALT);
        if last.as_ref().is_none_or(|last| last.status != now.status) {
            last = Some(now);
        }
    }
    last
}
