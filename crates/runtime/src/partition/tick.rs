//! Schedules: the times of an active workflow that have come, and what starts for them.
//!
//! What must stay true: how far a schedule came and what it started are one commit, so that a time starts once whatever crashes; an
//! orchestration's id is given by tenant, workflow, pin and time; a schedule begins when its pin is first seen active and ends with it.

use std::sync::Arc;

use provost_engine::{iso8601, keyed};
use provost_language::last_time;
use provost_model::limits::{MISSED_AFTER_MS, MISSED_MAX};
use provost_model::program::{Missed, Schedule, Times};
use provost_model::record::Start;
use provost_model::{Digest, OrchestrationId, TenantId, Value, Who};
use provost_store::Upkeep;

use super::Partition;
use super::accept::BEGUN_BY_OURS_MAX;
use super::stage::Stage;
use crate::gate::Refused;
use crate::inbox::{self, InboxFact, Settled};
use crate::registry::Launch;

impl<S: Upkeep> Partition<S> {
    /// Starts what is due by the schedule of `workflow`.
    pub(super) fn tick(&mut self, stage: &mut Stage, tenant: &TenantId, workflow: &Arc<str>) -> Result<(), Refused> {
        let slot = inbox::schedule_slot(tenant, workflow);
        let Some(launch) = self.registry.launch(tenant, workflow).filter(|_| self.owns(slot)) else { return Ok(()) };
        let Some(schedule) = launch.code.program.schedule.clone() else { return Ok(()) };
        let settled = self.settled(stage, tenant, workflow, launch.pin)?;
        if let Times::AfterMs(ms) = schedule.at {
            return self.tick_after(stage, tenant, &launch, (ms, settled));
        }
        let (at_us, due) = match settled {
            // It begins now.
            None => (self.now_us, Vec::new()),
            Some(Settled { at_us: settled_us, .. }) => {
                let due = due(&schedule, settled_us, self.now_us);
                let Some(latest_us) = last_time(&schedule.at, self.now_us).filter(|latest_us| *latest_us > settled_us) else {
                    return Ok(());
                };
                (latest_us, due)
            }
        };
        let starts: Vec<(OrchestrationId, Start)> = due.into_iter().filter_map(|at_us| start_of(tenant, &launch, at_us)).collect();
        let started = starts.iter().map(|(id, _)| *id).collect();
        self.ticked(stage, tenant, InboxFact::Ticked { workflow: workflow.clone(), pin: launch.pin, at_us, started, next_us: None })?;
        for (id, start) in starts {
            if stage.begun_by_ours < BEGUN_BY_OURS_MAX && self.owns(id.slot()) {
                stage.begun_by_ours += 1;
                self.begin(stage, tenant, &launch, id, start, None)?;
            } else {
                self.hand_on(stage, tenant, &launch, id, start, (slot, None))?;
            }
        }
        Ok(())
    }

    /// How far the schedule of a workflow came under `pin`.
    pub(super) fn settled(&mut self, stage: &Stage, tenant: &TenantId, workflow: &str, pin: Digest) -> Result<Option<Settled>, Refused> {
        let seen = self.remembered(stage, tenant, &inbox::schedule_key(tenant, workflow))?.filter(|seen| seen.fingerprint == pin);
        seen.map(|seen| Settled::read(&seen.answer)).transpose().map_err(|e| Refused::Internal(e.to_string()))
    }
}

/// The times behind `settled_us` up to `now_us` that start something, oldest first.
fn due(schedule: &Schedule, settled_us: i64, now_us: i64) -> Vec<i64> {
    let most = if schedule.missed == Missed::All { MISSED_MAX } else { 1 };
    let late_us = MISSED_AFTER_MS.saturating_mul(1000);
    let mut found = Vec::new();
    let mut before_us = now_us;
    while let Some(at_us) = last_time(&schedule.at, before_us).filter(|at_us| *at_us > settled_us && found.len() < most) {
        if schedule.missed != Missed::None || now_us.saturating_sub(at_us) <= late_us {
            found.push(at_us);
        }
        if schedule.missed == Missed::None {
            break;
        }
        before_us = at_us - 1;
    }
    found.reverse();
    found
}

/// The start at a time of the schedule; `None` where its ordering key has no value, which `check` cannot see.
pub(super) fn start_of(tenant: &TenantId, launch: &Launch, at_us: i64) -> Option<(OrchestrationId, Start)> {
    let program = &launch.code.program;
    let start = Start {
        workflow: program.name.clone(),
        version: program.version.clone(),
        pin: launch.pin,
        binding: launch.binding,
        input: Value::object([("scheduledAt", Value::from(iso8601(at_us)))]),
        labels: provost_model::Labels::new(),
        event: None,
        events: Vec::new(),
        subject: None,
        hops: 0,
        origin: None,
        traceparent: None,
        order: None,
        concurrency: None,
        batch: None,
        parent: None,
        by: Who::system(),
    };
    let start = keyed(&*launch.code, start).ok()?;
    let own = || inbox::schedule_slot(tenant, &start.workflow);
    let slot = provost_engine::home_slot(tenant, &start).unwrap_or_else(own);
    let unique: [&[u8]; 5] = [b"tick", tenant.as_str().as_bytes(), start.workflow.as_bytes(), launch.pin.as_bytes(), &at_us.to_be_bytes()];
    Some((OrchestrationId::mint(at_us, slot, &unique), start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_US: i64 = 60_000_000;

    fn check(missed: Missed, settled_us: i64, now_us: i64, expected: &[i64]) {
        let schedule = Schedule { at: Times::EveryMs(60_000), missed };
        assert_eq!(due(&schedule, settled_us, now_us), expected, "{missed:?}");
    }

    #[test]
    fn what_is_due_in_time_starts_once() {
        for missed in [Missed::Last, Missed::None, Missed::All] {
            check(missed, MINUTE_US, 2 * MINUTE_US - 1, &[]);
            check(missed, MINUTE_US, 2 * MINUTE_US, &[2 * MINUTE_US]);
            check(missed, 2 * MINUTE_US, 2 * MINUTE_US, &[]);
        }
    }

    #[test]
    fn what_was_missed_starts_as_the_author_says() {
        let now_us = 5 * MINUTE_US + MINUTE_US / 2;
        check(Missed::Last, MINUTE_US, now_us, &[5 * MINUTE_US]);
        check(Missed::None, MINUTE_US, now_us, &[]);
        check(Missed::All, MINUTE_US, now_us, &[2 * MINUTE_US, 3 * MINUTE_US, 4 * MINUTE_US, 5 * MINUTE_US]);
        let schedule = Schedule { at: Times::EveryMs(60_000), missed: Missed::All };
        assert_eq!(due(&schedule, 0, 1000 * MINUTE_US).len(), MISSED_MAX);
    }
}
