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

/// How often the times are looked at, in microseconds: a rare pattern is not searched for without end.
const LOOK_US: i64 = 100_000;

struct Known {
    pin: Digest,
    at: Times,
    /// The time that was last looked at; `None`: never.
    looked_us: Option<i64>,
}

impl Ticks {
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
            let last_us = last_time(&known.at, now_us);
            if known.looked_us.is_none() || last_us.is_some() && known.looked_us < last_us {
                known.looked_us = Some(last_us.unwrap_or(now_us));
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
                let looked_us = self.known.get(&key).filter(|before| before.pin == *pin).and_then(|before| before.looked_us);
                known.insert(key, Known { pin: *pin, at: schedule.at.clone(), looked_us });
            }
        }
        self.known = known;
    }
}
