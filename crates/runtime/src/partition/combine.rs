//! Starts by several events (`schedule.on.all`): an event waits until there is one for each of the others.
//!
//! What must stay true: an event is combined in the commit that hears it, by the one partition where its set lives; it is used once, for
//! the set that came first; what waits is short, and what is given up is named in the record. A set lives in the slot of H(tenant,
//! workflow, what its events have in common); its order is that of this partition's inbox.

use std::sync::Arc;

use provost_engine::{keyed, read_as, read_labels};
use provost_model::limits::{COMBINED_MAX, DEDUPE_MS};
use provost_model::planted::planted;
use provost_model::program::StartSet;
use provost_model::record::{Arrived, Cause, Start};
use provost_model::who::Known;
use provost_model::{Digest, EventId, Labelled, OrchestrationId, TenantId, Value};
use provost_store::Upkeep;

use super::Partition;
use super::accept::BEGUN_BY_OURS_MAX;
use super::stage::Stage;
use crate::gate::Refused;
use crate::inbox::{self, Dropped, InboxFact, Waiting};
use crate::registry::{Launch, agreed};

/// Why an event is given up.
const FULL: &str = "combine-full";
const LATE: &str = "combine-late";
const VERSION: &str = "combine-version";
const ORDER: &str = "combine-order";

/// What an event is for a workflow that starts on several.
struct Fit {
    /// The filters that it fits within its set, in order.
    filters: Vec<u32>,
    /// Stands for what the events of its set have in common.
    group: Digest,
}

impl<S: Upkeep> Partition<S> {
    /// Adds an event that was heard, in the row at `sequence`, to the sets that wait for it here.
    pub(super) fn combine(&mut self, stage: &mut Stage, tenant: &TenantId, arrived: &Arrived, sequence: u64) -> Result<(), Refused> {
        for launch in self.registry.combining(tenant, &arrived.event) {
            let Some(set) = &launch.code.program.starts_on_set else { continue };
            let Some(fit) = self.fit(tenant, &launch, set, arrived) else { continue };
            if self.owns(inbox::combine_slot(&fit.group)) {
                self.combine_for(stage, tenant, &launch, arrived, (sequence, &fit))?;
            }
        }
        Ok(())
    }

    /// The set that the event belongs to: that of the first filter which it fits.
    fn fit(&self, tenant: &TenantId, launch: &Launch, set: &StartSet, arrived: &Arrived) -> Option<Fit> {
        let mut found: Option<Fit> = None;
        for (index, filter) in (0_u32..).zip(&set.filters) {
            let Some(common) = agreed(&launch.code, filter, &arrived.event) else { continue };
            let group = self.group(tenant, launch, &common);
            match &mut found {
                None => found = Some(Fit { filters: vec![index], group }),
                Some(fit) if fit.group == group => fit.filters.push(index),
                Some(_) => {}
            }
        }
        found
    }

    /// Keyed: it stands in columns, and what events have in common may be a person's.
    fn group(&self, tenant: &TenantId, launch: &Launch, common: &Value) -> Digest {
        let common = provost_model::value::canonical(common);
        Digest::of_parts(&[&self.salt, b"combine", tenant.as_str().as_bytes(), launch.code.program.name.as_bytes(), common.as_bytes()])
    }

    fn combine_for(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        launch: &Launch,
        arrived: &Arrived,
        (sequence, fit): (u64, &Fit),
    ) -> Result<(), Refused> {
        let slot = inbox::combine_slot(&fit.group);
        let (mut waiting, mut dropped) = self.waiting(stage, tenant, launch, &fit.group)?;
        let before = |filter: &u32| waiting.iter().filter(|one| one.filter == *filter).count();
        let Some(filter) = fit.filters.iter().copied().min_by_key(before) else { return Ok(()) };
        if before(&filter) < COMBINED_MAX {
            let wait_ms = launch.code.program.limits.unmatched_ms.min(DEDUPE_MS);
            let until_us = self.now_us.saturating_add(wait_ms.saturating_mul(1000));
            waiting.push(Waiting { event: arrived.id, sequence, filter, until_us });
        } else {
            dropped.push(Dropped { event: arrived.id, why: FULL.into() });
        }
        let filters = launch.code.program.starts_on_set.as_ref().map_or(0, |set| set.filters.len());
        let mut start = None;
        let mut used = Vec::new();
        if let Some(taken) = complete(&waiting, filters) {
            waiting.retain(|one| !taken.iter().any(|taken| taken.event == one.event) || planted("used-waits-on"));
            match self.start_together(tenant, launch, &taken, arrived)? {
                Some(begun) => {
                    used = taken.iter().map(|one| one.event).collect();
                    start = Some(begun);
                }
                None => dropped.extend(taken.iter().map(|one| Dropped { event: one.event, why: ORDER.into() })),
            }
        }
        let started = start.as_ref().map(|start| together(tenant, self.now_us, &fit.group, start, &used));
        let fact = InboxFact::Combined {
            workflow: launch.code.program.name.clone(),
            pin: launch.pin,
            group: fit.group,
            event: arrived.id,
            filter,
            waiting,
            dropped,
            used,
            started,
        };
        let cause = Cause { event: Some(arrived.id), who: Some(arrived.by.name.clone()), ..Cause::default() };
        self.append_inbox(stage, tenant, slot, cause, &fact)?;
        let remembered = fact.remembered(tenant, self.now_us).map_err(|e| Refused::Internal(e.to_string()))?;
        if let Some(seen) = remembered.filter(|_| !planted("set-forgotten")) {
            stage.remember(stage.entries.len() - 1, tenant, seen);
        }
        let (Some(id), Some(start)) = (started, start) else { return Ok(()) };
        if stage.begun_by_ours < BEGUN_BY_OURS_MAX && self.owns(id.slot()) {
            stage.begun_by_ours += 1;
            return self.begin(stage, tenant, launch, id, start, None);
        }
        self.hand_on(stage, tenant, launch, id, start, (slot, None))
    }

    /// What waits in a set, and what of it is given up now: its time is over, or another version waited for it.
    fn waiting(
        &mut self,
        stage: &Stage,
        tenant: &TenantId,
        launch: &Launch,
        group: &Digest,
    ) -> Result<(Vec<Waiting>, Vec<Dropped>), Refused> {
        let Some(seen) = self.remembered(stage, tenant, &inbox::combine_key(tenant, group))? else { return Ok(Default::default()) };
        let all: Vec<Waiting> = serde_json::from_slice(&seen.answer).map_err(|e| Refused::Internal(e.to_string()))?;
        let given_up = |one: &Waiting| match () {
            () if seen.fingerprint != launch.pin => Some(VERSION),
            () if one.until_us <= self.now_us => Some(LATE),
            () => None,
        };
        let mut kept = Vec::new();
        let mut dropped = Vec::new();
        for one in all {
            match given_up(&one) {
                Some(why) => dropped.push(Dropped { event: one.event, why: why.into() }),
                None => kept.push(one),
            }
        }
        Ok((kept, dropped))
    }

    /// The start that the events of a full set mean, in the order of their filters; `None` where its key has no value.
    fn start_together(&mut self, tenant: &TenantId, launch: &Launch, taken: &[Waiting], last: &Arrived) -> Result<Option<Start>, Refused> {
        let mut events: Vec<Arc<Arrived>> = Vec::new();
        for one in taken {
            let lost = || Refused::Internal(format!("event `{}` waits for others and is in no row", one.event));
            events.push(self.heard_at(tenant, one.sequence)?.ok_or_else(lost)?);
        }
        let program = &launch.code.program;
        // The least known of the senders is whom the start is ascribed to: what it brings is trusted no more than that.
        let unnamed = events.iter().find(|arrived| !matches!(arrived.by.known, Known::Token | Known::Loopback));
        let read = events.iter().map(|arrived| {
            let (reading, event) = (program.start_read, &arrived.event);
            Labelled::new(read_as(reading, event), read_labels(reading, event))
        });
        let Labelled { value: input, labels } = Labelled::array(read);
        let start = Start {
            workflow: program.name.clone(),
            version: program.version.clone(),
            pin: launch.pin,
            binding: launch.binding,
            input,
            labels,
            event: Some(last.id),
            events: taken.iter().map(|one| one.event).collect(),
            subject: last.event.subject_shown(),
            hops: events.iter().map(|arrived| arrived.event.hops).max().unwrap_or(0),
            origin: events.iter().find_map(|arrived| arrived.event.origin),
            traceparent: last.event.traceparent.clone(),
            order: None,
            concurrency: None,
            batch: None,
            parent: None,
            by: unnamed.map_or_else(|| last.by.clone(), |arrived| arrived.by.clone()),
        };
        Ok(keyed(&*launch.code, start).ok())
    }
}

/// The first event for each filter, in their order; `None` while one is missing.
fn complete(waiting: &[Waiting], filters: usize) -> Option<Vec<Waiting>> {
    let numbers = 0..u32::try_from(filters).unwrap_or(0);
    if planted("newest-combined") {
        return numbers.map(|filter| waiting.iter().rfind(|one| one.filter == filter).cloned()).collect();
    }
    numbers.map(|filter| waiting.iter().find(|one| one.filter == filter).cloned()).collect()
}

/// The orchestration that a set starts: where the set lives, or where its key does.
fn together(tenant: &TenantId, now_us: i64, group: &Digest, start: &Start, used: &[EventId]) -> OrchestrationId {
    let slot = provost_engine::home_slot(tenant, start).unwrap_or_else(|| inbox::combine_slot(group));
    let events: Vec<u8> = used.iter().flat_map(|event| event.bits().to_bytes()).collect();
    OrchestrationId::mint(now_us, slot, &[b"combine", start.workflow.as_bytes(), group.as_bytes(), &events])
}
