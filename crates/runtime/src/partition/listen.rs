//! Orchestrations of this partition that listen, and how they are offered events: memory of what open work says.
//!
//! What must stay true: after any failure the index is read back from open work and from what is in memory; an orchestration that cannot
//! be offered an event keeps no other one from it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use provost_engine::{Listening, Orchestration, listening};
use provost_model::record::{Arrived, Cause, Command};
use provost_model::{OrchestrationId, TenantId};
use provost_store::Upkeep;

use super::stage::Stage;
use super::{Delivery, Partition, Release};
use crate::gate::Refused;

/// Most orchestrations that are offered an event in one commit.
const OFFERED_MAX: usize = 32;
/// Most events that were heard before and that one orchestration takes in one commit.
const TAKEN_MAX: u32 = 16;
/// Open work read at once.
const OPEN_ROWS: usize = 1024;

/// By tenant.
pub(super) type Listeners = BTreeMap<TenantId, ByKind>;

/// Who listens for what.
#[derive(Default)]
pub(super) struct ByKind {
    kinds: BTreeMap<Arc<str>, BTreeSet<OrchestrationId>>,
    every: BTreeSet<OrchestrationId>,
}

impl ByKind {
    fn add(&mut self, id: OrchestrationId, listening: &Listening) {
        for kind in &listening.kinds {
            self.kinds.entry(kind.clone()).or_default().insert(id);
        }
        if listening.every {
            self.every.insert(id);
        }
    }

    fn remove(&mut self, id: OrchestrationId, listening: &Listening) {
        for kind in &listening.kinds {
            if let Some(ids) = self.kinds.get_mut(kind) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.kinds.remove(kind);
                }
            }
        }
        self.every.remove(&id);
    }

    /// Up to `limit` of those behind `after` that listen for `kind`, in order.
    fn behind(&self, kind: &str, after: Option<OrchestrationId>, limit: usize) -> Vec<OrchestrationId> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let of_kind = self.kinds.get(kind).into_iter().flat_map(|ids| ids.range((from, Bound::Unbounded)).take(limit));
        let all: BTreeSet<OrchestrationId> = of_kind.chain(self.every.range((from, Bound::Unbounded)).take(limit)).copied().collect();
        all.into_iter().take(limit).collect()
    }
}

impl<S: Upkeep> Partition<S> {
    /// Whether any orchestration of this partition listens for `kind`.
    pub(super) fn has_listeners(&mut self, tenant: &TenantId, kind: &str) -> Result<bool, Refused> {
        Ok(!self.listening_for(tenant, kind, None, 1)?.is_empty())
    }

    fn listening_for(
        &mut self,
        tenant: &TenantId,
        kind: &str,
        after: Option<OrchestrationId>,
        limit: usize,
    ) -> Result<Vec<OrchestrationId>, Refused> {
        if self.listeners.is_none() {
            self.listeners = Some(self.read_listeners()?);
        }
        let of_tenant = self.listeners.as_ref().and_then(|listeners| listeners.get(tenant));
        Ok(of_tenant.map(|by_kind| by_kind.behind(kind, after, limit)).unwrap_or_default())
    }

    fn read_listeners(&mut self) -> Result<Listeners, Refused> {
        let mut listeners = Listeners::new();
        // Memory knows more than the disk while a batch is under way.
        for ((tenant, id), loaded) in &self.loaded {
            if let Some(listening) = listening(&loaded.state) {
                listeners.entry(tenant.clone()).or_default().add(*id, &listening);
            }
        }
        let mut after = None;
        loop {
            let rows = self.store.open_work(after.clone(), OPEN_ROWS)?;
            let Some(last) = rows.last() else { return Ok(listeners) };
            after = Some((last.tenant.clone(), last.orchestration));
            for row in rows {
                let key = (row.tenant, row.orchestration);
                let work = serde_json::from_slice::<provost_engine::OpenWork>(&row.work).unwrap_or_default();
                if let Some(listening) = work.listening.filter(|_| !self.loaded.contains_key(&key)) {
                    listeners.entry(key.0).or_default().add(key.1, &listening);
                }
            }
        }
    }

    /// A transition may have begun or ended listening.
    pub(super) fn note_listening(&mut self, before: &Orchestration, after: &Orchestration) {
        let Some(listeners) = self.listeners.as_mut() else { return };
        if before.listeners.is_empty() && after.listeners.is_empty() {
            return;
        }
        let of_tenant = listeners.entry(after.tenant.clone()).or_default();
        if let Some(listening) = listening(before) {
            of_tenant.remove(after.id, &listening);
        }
        if let Some(listening) = listening(after) {
            of_tenant.add(after.id, &listening);
        }
    }

    /// Offers an event that was heard to the next listeners behind `after`.
    pub(super) fn spread(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        sequence: u64,
        after: Option<OrchestrationId>,
    ) -> Result<(), Refused> {
        let Some(arrived) = self.heard_at(tenant, sequence)? else { return Ok(()) };
        let next = self.listening_for(tenant, &arrived.event.kind, after, OFFERED_MAX)?;
        for orchestration in &next {
            self.offer_event(stage, tenant, *orchestration, &arrived, false)?;
        }
        match next.last().filter(|_| next.len() == OFFERED_MAX) {
            None => self.spread_out(stage, tenant, arrived.id),
            Some(last) => {
                let rest = Delivery::Spread { tenant: tenant.clone(), sequence, after: Some(*last) };
                stage.releases.push(Release::Again(Box::new(rest)));
                Ok(())
            }
        }
    }

    /// Offers an event to one orchestration. Returns whether it took it.
    fn offer_event(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        orchestration: OrchestrationId,
        arrived: &Arc<Arrived>,
        more: bool,
    ) -> Result<bool, Refused> {
        let command = Command::Arrived(Box::new(Arrived { more, ..(**arrived).clone() }));
        let traceparent = arrived.event.traceparent.clone();
        let cause = Cause { event: Some(arrived.id), who: Some(arrived.by.name.clone()), traceparent, ..Cause::default() };
        let (mark, rows) = (stage.mark(), stage.entries.len());
        match self.command(stage, tenant, orchestration, &command, cause) {
            Ok(_) => Ok(stage.entries.len() > rows),
            Err(Refused::Rejected(_)) => Ok(false),
            Err(Refused::Store(error)) => Err(Refused::Store(error)),
            Err(refused) => {
                self.rewind(stage, mark);
                tracing::error!(code = refused.code(), orchestration_id = %orchestration, "it could not be offered an event: {refused}");
                Ok(false)
            }
        }
    }

    /// Offers what was heard before to every orchestration that began to listen within the delivery at hand.
    pub(super) fn look_back(&mut self, stage: &mut Stage) -> Result<(), Refused> {
        let mut taken: BTreeMap<(TenantId, OrchestrationId), u32> = BTreeMap::new();
        while let Some(key) = stage.listening.pop().filter(|_| !provost_model::planted::planted("heard-before-not-offered")) {
            let so_far = taken.entry(key.clone()).or_default();
            if *so_far < TAKEN_MAX {
                *so_far = self.look_back_of(stage, &key.0, key.1, *so_far)?;
            }
        }
        Ok(())
    }

    /// Offers one orchestration what was heard since it began, oldest first, until it took so much that the rest waits for another commit.
    fn look_back_of(&mut self, stage: &mut Stage, tenant: &TenantId, id: OrchestrationId, so_far: u32) -> Result<u32, Refused> {
        let mut taken = so_far;
        let loaded = self.load(tenant, id)?;
        let Some(wanted) = listening(&loaded.state) else { return Ok(taken) };
        let (before, started_us, limits) = (loaded.state.taken.clone(), loaded.state.started_at_us, loaded.code.program.limits.clone());
        let since_us = started_us.max(self.now_us.saturating_sub(limits.unmatched_ms.saturating_mul(1000)));
        let heard = self.heard_since(tenant, since_us, |entry| {
            (wanted.every || wanted.kinds.contains(&entry.kind)) && !before.contains_key(&entry.id)
        })?;
        for entry in heard {
            let Some(arrived) = self.heard_at(tenant, entry.sequence)? else { continue };
            let more = taken + 1 >= TAKEN_MAX;
            if !self.offer_event(stage, tenant, id, &arrived, more)? {
                continue;
            }
            taken += 1;
            if taken >= TAKEN_MAX {
                stage.releases.push(looking(tenant, id));
                return Ok(taken);
            }
            // Whatever listens now may fit what was passed over, and an older event comes first.
            let begun = stage.listening.contains(&(tenant.clone(), id));
            if begun || listening(&self.load(tenant, id)?.state).is_none() {
                return Ok(taken);
            }
        }
        Ok(taken)
    }
}

/// Looks again for what an orchestration may take.
pub(super) fn looking(tenant: &TenantId, orchestration: OrchestrationId) -> Release {
    Release::Again(Box::new(Delivery::Look { tenant: tenant.clone(), orchestration }))
}
