//! `schedule.after`: a run so long after the one before ended.
//!
//! What must stay true: when a run is due is recorded in the commit that ends the one before, and a due run begins in the commit that
//! says so, so that one run follows another once whatever crashes; a run that somebody stopped is the last.

use std::sync::Arc;

use provost_engine::{Orchestration, Phase};
use provost_model::TenantId;
use provost_model::planted::planted;
use provost_model::program::Times;
use provost_model::record::{Cause, Ending};
use provost_store::Upkeep;

use super::stage::Stage;
use super::tick::start_of;
use super::{Partition, Release};
use crate::gate::Refused;
use crate::inbox::{self, InboxFact, Settled};
use crate::registry::Launch;

impl<S: Upkeep> Partition<S> {
    /// Begins the run that is due, or says when it will be.
    pub(super) fn tick_after(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        launch: &Launch,
        (ms, settled): (i64, Option<Settled>),
    ) -> Result<(), Refused> {
        let workflow = launch.code.program.name.clone();
        match settled {
            None => {
                let next_us = self.now_us.saturating_add(ms.saturating_mul(1000));
                self.ticked(
                    stage,
                    tenant,
                    InboxFact::Ticked {
                        workflow: workflow.clone(),
                        pin: launch.pin,
                        at_us: self.now_us,
                        started: Vec::new(),
                        next_us: Some(next_us),
                    },
                )?;
                stage.releases.push(due(tenant, &workflow, next_us));
                Ok(())
            }
            Some(Settled { next_us: Some(next_us), .. }) if next_us <= self.now_us => {
                let Some((id, start)) = start_of(tenant, launch, next_us) else { return Ok(()) };
                let started = vec![id];
                self.ticked(stage, tenant, InboxFact::Ticked { workflow, pin: launch.pin, at_us: next_us, started, next_us: None })?;
                self.begin(stage, tenant, launch, id, start, None)
            }
            Some(Settled { next_us: Some(next_us), .. }) => {
                stage.releases.push(due(tenant, &workflow, next_us));
                Ok(())
            }
            // A run is under way, or the last one was stopped.
            Some(Settled { next_us: None, .. }) => Ok(()),
        }
    }

    /// A run ended: the next one is due so long after it, in the same commit.
    pub(super) fn run_ended(&mut self, stage: &mut Stage, state: &Orchestration) -> Result<(), Refused> {
        let (Some(start), tenant) = (&state.start, &state.tenant) else { return Ok(()) };
        if planted("end-of-run-untold") {
            return Ok(());
        }
        let program = self.registry.program(tenant, &start.pin, &start.workflow).map(|code| code.program.clone());
        let Some(Times::AfterMs(ms)) = program.as_ref().and_then(|program| Some(&program.schedule.as_ref()?.at)) else { return Ok(()) };
        if !self.owns(inbox::schedule_slot(tenant, &start.workflow)) {
            return Ok(());
        }
        let Some(settled) = self.settled(stage, tenant, &start.workflow, start.pin)?.filter(|settled| settled.run == Some(state.id)) else {
            // It was started by hand, or by the schedule of before.
            return Ok(());
        };
        let stopped = state.phase == Phase::Ended(Ending::Cancelled) && !planted("stopped-run-followed");
        let ms = if planted("after-at-once") { &0 } else { ms };
        let next_us = (!stopped).then(|| self.now_us.saturating_add(ms.saturating_mul(1000)));
        let (workflow, at_us) = (start.workflow.clone(), self.now_us.max(settled.at_us));
        self.ticked(stage, tenant, InboxFact::Ticked { workflow, pin: start.pin, at_us, started: Vec::new(), next_us })?;
        stage.releases.extend(next_us.map(|next_us| due(tenant, &start.workflow, next_us)));
        Ok(())
    }

    /// Records how far a schedule came.
    pub(super) fn ticked(&mut self, stage: &mut Stage, tenant: &TenantId, fact: InboxFact) -> Result<(), Refused> {
        let InboxFact::Ticked { workflow, .. } = &fact else { return Ok(()) };
        self.append_inbox(stage, tenant, inbox::schedule_slot(tenant, workflow), Cause::default(), &fact)?;
        let remembered = fact.remembered(tenant, self.now_us).map_err(|e| Refused::Internal(e.to_string()))?;
        if let Some(seen) = remembered.filter(|_| !planted("tick-not-remembered")) {
            stage.remember(stage.entries.len() - 1, tenant, seen);
        }
        Ok(())
    }
}

fn due(tenant: &TenantId, workflow: &Arc<str>, due_us: i64) -> Release {
    Release::Tick { tenant: tenant.clone(), workflow: workflow.clone(), due_us }
}
