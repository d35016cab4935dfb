//! The lines of ordering keys that live in this partition, with its concurrency keys: memory of what open work says.
//!
//! What must stay true: after any failure the lines are read back from open work and from what is in memory; nobody is in front twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_engine::Orchestration;
use provost_engine::shared::{Concurrency, Line};
use provost_model::record::{Admission, AdmissionRequest, Cause, Command, Start};
use provost_model::{OrchestrationId, TenantId};
use provost_store::Upkeep;

use super::{Delivery, Partition, Release, keys};
use crate::gate::Refused;

/// By tenant, workflow and value.
type ByKey<T> = BTreeMap<(TenantId, Arc<str>, Arc<str>), T>;

/// Whoever has a place somewhere.
#[derive(Default)]
pub(super) struct Lines {
    /// Ordering keys.
    pub orders: ByKey<Line>,
    /// Concurrency keys.
    pub keys: ByKey<Concurrency>,
}

/// Open work read at once.
const OPEN_ROWS: usize = 1024;

impl<S: Upkeep> Partition<S> {
    /// The place of `who`, which is about to begin, in the line of its key.
    pub(super) fn line_up(
        &mut self,
        tenant: &TenantId,
        who: OrchestrationId,
        start: &Start,
        request: &AdmissionRequest,
    ) -> Result<Admission, Refused> {
        let Some(order) = &start.order else { return Err(Refused::Internal("a start without an order asks for its turn".to_owned())) };
        let key = (tenant.clone(), start.workflow.clone(), order.clone());
        if start.parent.is_some() && provost_model::planted::planted("child-beside-its-line") {
            return Ok(Line::default().ask(&request.what, who));
        }
        Ok(self.lines()?.orders.entry(key).or_default().ask(&request.what, who))
    }

    /// An orchestration is over: whoever is in front now may begin.
    pub(super) fn step_out(&mut self, state: &Orchestration) -> Result<Option<Release>, Refused> {
        let Some(key) = key_of(state) else { return Ok(None) };
        let lines = &mut self.lines()?.orders;
        let Some(line) = lines.get_mut(&key) else { return Ok(None) };
        let next = line.leave(state.id);
        if line.is_empty() {
            lines.remove(&key);
        }
        Ok(next.map(|next| turn_of(&state.tenant, next)))
    }

    /// The turn of `id` came: it has its place, although it was perhaps read back as one that waits while its turn was on its way.
    pub(super) fn came(&mut self, tenant: &TenantId, id: OrchestrationId) -> Result<(), Refused> {
        let Some(start) = self.loaded.get(&(tenant.clone(), id)).and_then(|loaded| loaded.state.start.clone()) else { return Ok(()) };
        let of = |value: &Arc<str>| (tenant.clone(), start.workflow.clone(), value.clone());
        let lines = self.lines()?;
        if let Some(order) = &start.order {
            lines.orders.entry(of(order)).or_default().came(id);
        }
        if let Some(key) = &start.concurrency {
            lines.keys.entry(of(key)).or_default().came(id);
        }
        Ok(())
    }

    /// After a restart: whether `state`, which waits, is the one to begin.
    pub(super) fn call_up(&mut self, state: &Orchestration) -> Result<Option<Release>, Refused> {
        let Some(key) = key_of(state).filter(|_| state.queued.is_some()) else { return Ok(None) };
        let next = self.lines()?.orders.get_mut(&key).and_then(Line::advance);
        Ok(next.map(|next| turn_of(&state.tenant, next)))
    }

    pub(super) fn lines(&mut self) -> Result<&mut Lines, Refused> {
        if self.lines.is_none() {
            self.lines = Some(self.read_lines()?);
        }
        self.lines.as_mut().ok_or_else(|| Refused::Internal("the lines are not there".to_owned()))
    }

    fn read_lines(&mut self) -> Result<Lines, Refused> {
        let mut lines = Lines::default();
        if provost_model::planted::planted("line-not-read-back") {
            return Ok(lines);
        }
        // Memory knows more than the disk while a batch is under way.
        for loaded in self.loaded.values() {
            restore(&mut lines, &loaded.state);
        }
        let mut after = None;
        loop {
            let rows = self.store.open_work(after.clone(), OPEN_ROWS)?;
            let Some(last) = rows.last() else { return Ok(lines) };
            after = Some((last.tenant.clone(), last.orchestration));
            for row in &rows {
                let ordered = serde_json::from_slice::<provost_engine::OpenWork>(&row.work).is_ok_and(|work| work.ordered);
                if ordered && !self.loaded.contains_key(&(row.tenant.clone(), row.orchestration)) {
                    let view = self.view(&row.tenant, row.orchestration, u64::MAX)?;
                    restore(&mut lines, &view.state);
                }
            }
        }
    }
}

fn restore(lines: &mut Lines, state: &Orchestration) {
    if state.is_ended() || state.sequence == 0 {
        return;
    }
    if let Some(key) = key_of(state) {
        lines.orders.entry(key).or_default().restore(state.id, state.queued);
    }
    keys::restore(lines, state);
}

fn key_of(state: &Orchestration) -> Option<(TenantId, Arc<str>, Arc<str>)> {
    let start = state.start.as_ref()?;
    Some((state.tenant.clone(), start.workflow.clone(), start.order.clone()?))
}

pub(super) fn turn_of(tenant: &TenantId, orchestration: OrchestrationId) -> Release {
    let command = Box::new(Command::Admitted);
    Release::Again(Box::new(Delivery::Command { tenant: tenant.clone(), orchestration, command, cause: Cause::default() }))
}
