//! When schedules are looked at. In memory: how far a schedule came stands in the inbox, and looking too often does nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_language::last_time;
use provost_model::program::Times;
use provost_model::{Digest, Slot, TenantId};

use crate::inbox;
use crate::partition::Delivery;
use crate::registry::{Registry, World};

/// The schedules of the active workflows that live in one partition.
#[derive(Default)]
pub struct Ticks {
    world: Option<Arc<World>>,
    known: BTreeMap<(TenantId, Arc<str>), Known>,
    /// When it was last called for nothing or for something, in microseconds UTC.
    asked_us: i64,
}

/// How often what goes by the end of a run is looked at in any case, in microseconds: what it waits for says so itself.
const LOOK_AGAIN_US: i64 = 60_000_000;
/// How often the times are looked at, in microseconds: a rare pattern is not searched for without end.
const LOOK_US: i64 = 100_000;

struct Known {
    pin: Digest,
    at: Times,
    /// The time that was last looked at; `None`: never.
    looked_us: Option<i64>,
    /// When what goes by the end of a run is looked at next.
    next_us: Option<i64>,
}

impl Known {
    /// Whether it is to be looked at now; then it was.
    fn is_due(&mut self, now_us: i64) -> bool {
        let (due, looked_us) = match self.at {
            Times::AfterMs(_) => {
                let again = self.looked_us.is_some_and(|looked_us| now_us.saturating_sub(looked_us) >= LOOK_AGAIN_US);
                (again || self.next_us.is_some_and(|next_us| next_us <= now_us), now_us)
            }
            Times::EveryMs(_) | Times::Cron(_) | Times::CronIn { .. } | Times::DaysIn { .. } => {
                let last_us = last_time(&self.at, now_us);
                (last_us.is_some() && self.looked_us < last_us, last_us.unwrap_or(now_us))
            }
        };
        let due = due || self.looked_us.is_none();
        if due {
            (self.looked_us, self.next_us) = (Some(looked_us), None);
        }
        due
    }
}

impl Ticks {
    /// The run of a workflow is due at `due_us`: it is looked at then.
    pub fn look_at(&mut self, tenant: &TenantId, workflow: &Arc<str>, due_us: i64) {
        if let Some(known) = self.known.get_mut(&(tenant.clone(), workflow.clone())) {
            known.next_us = Some(due_us);
        }
    }

    /// The schedules to look at: those that are new, and those of which a time came.
    pub fn due(&mut self, registry: &Registry, owns: impl Fn(Slot) -> bool, now_us: i64) -> Vec<Delivery> {
        let world = registry.world();
        if self.world.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &world)) {
            self.read(&world, owns);
            self.world = Some(world);
        } else if (0..LOOK_US).contains(&now_us.saturating_sub(self.asked_us)) {
            return Vec::new();
        }
        self.asked_us = now_us;
        let mut due = Vec::new();
        for ((tenant, workflow), known) in &mut self.known {
            if known.is_due(now_us) {
                due.push(Delivery::Tick { tenant: tenant.clone(), workflow: workflow.clone() });
            }
        }
        due
    }

    fn read(&mut self, world: &World, owns: impl Fn(Slot) -> bool) {
        let mut known = BTreeMap::new();
        for (tenant, shown) in &world.tenants {
            for (workflow, pin) in &shown.active {
                let program = shown.bundles.get(pin).and_then(|bundle| bundle.workflows.get(workflow)).map(|code| &code.program);
                let Some(schedule) = program.and_then(|program| program.schedule.as_ref()) else { continue };
                if !owns(inbox::schedule_slot(tenant, workflow)) {
                    continue;
                }
                let key = (tenant.clone(), workflow.clone());
                let before = self.known.get(&key).filter(|before| before.pin == *pin);
                let (looked_us, next_us) = before.map_or((None, None), |before| (before.looked_us, before.next_us));
                known.insert(key, Known { pin: *pin, at: schedule.at.clone(), looked_us, next_us });
            }
        }
        self.known = known;
    }
}
