//! Events that orchestrations may listen for. Whoever accepts one tells every partition; each keeps it in an inbox journal of its own,
//! offers it to the orchestrations of its slots that listen, and to those that listen later.
//!
//! What must stay true: an event whose type a program of the tenant listens for is open work of the partition that accepted it until all
//! have it; an event that listeners wait for is open work of the partition that heard it until each was offered it; an orchestration that
//! begins to listen is offered what was heard before in the same commit. So a listener that exists misses nothing, whatever dies between.
//! Offering twice does no harm: the core takes an event once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use provost_model::record::{Arrived, Cause, Head, Row, Stream};
use provost_model::{Digest, Event, EventId, OrchestrationId, Slot, TenantId};
use provost_store::{Needs, OpenChange, OpenWork, StoreError, Upkeep};
use serde::{Deserialize, Serialize};

use super::load::ROWS_READ;
use super::stage::Stage;
use super::{Delivery, Partition, Release, partition_of};
use crate::gate::Refused;
use crate::inbox::{self, InboxFact};

/// Answers of partitions that are remembered before those of very old events are given up; a restart asks again.
const ANSWERS_MAX: usize = 65_536;
/// What is very old, in microseconds.
const ANSWER_US_MAX: i64 = 24 * 3_600_000_000;

/// What a partition has heard, by tenant.
pub(super) type Heard = BTreeMap<TenantId, Kept>;

/// Which partitions have an event that this one accepted.
pub(super) type Answers = BTreeMap<(EventId, TenantId), BTreeSet<u32>>;

/// The events that one tenant's orchestrations may still take, oldest first.
#[derive(Default)]
pub(super) struct Kept {
    entries: VecDeque<Entry>,
    /// Those of the batch under way: they are on no disk yet.
    fresh: BTreeMap<u64, Arc<Arrived>>,
    /// The last sequence that is on disk.
    committed: u64,
}

/// Where an event stands.
#[derive(Clone)]
pub(super) struct Entry {
    /// The sequence of its row.
    pub sequence: u64,
    /// Its id.
    pub id: EventId,
    /// Its type.
    pub kind: Arc<str>,
    /// When it was heard, in microseconds UTC.
    pub heard_us: i64,
}

/// Open work of an event: it is on its way to other partitions, or to the listeners of this one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OnItsWay {
    Routed(EventId),
    Spread(EventId),
}

impl<S: Upkeep> Partition<S> {
    /// Whether some program of the tenant may listen for `event`.
    pub(super) fn is_listened_for(&self, tenant: &TenantId, event: &Event) -> bool {
        self.registry.tenant(tenant).listens_for(&event.kind)
    }

    /// Tells every partition about an event that this one accepted; its row is the last that was staged.
    pub(super) fn route(&mut self, stage: &mut Stage, tenant: &TenantId, arrived: &Arrived) -> Result<(), Refused> {
        if self.place.1 > 1
            && let Some(entry) = stage.entries.last_mut()
        {
            entry.open = OpenChange::Forward(routed_work(tenant, arrived.id, entry.row.head())?);
            stage.releases.extend(self.telling(tenant, arrived));
        }
        self.hear(stage, tenant, arrived)
    }

    /// What tells the other partitions.
    fn telling(&self, tenant: &TenantId, arrived: &Arrived) -> Vec<Release> {
        let (own, partitions) = self.place;
        let others = (0..partitions).filter(|index| *index != own);
        let hear = || Delivery::Hear { tenant: tenant.clone(), arrived: Box::new(arrived.clone()) };
        others.map(|index| Release::Forward(first_slot(index, partitions), Box::new(hear()))).collect()
    }

    /// An event that another partition accepted.
    pub(super) fn told_of(&mut self, stage: &mut Stage, tenant: &TenantId, arrived: &Arrived) -> Result<(), Refused> {
        self.hear(stage, tenant, arrived)?;
        let heard = Delivery::Heard { tenant: tenant.clone(), id: arrived.id, by: self.own_slot() };
        stage.releases.push(Release::Forward(arrived.id.slot(), Box::new(heard)));
        Ok(())
    }

    /// Keeps an event, and offers it to who listens; one that is kept already stays as it is.
    fn hear(&mut self, stage: &mut Stage, tenant: &TenantId, arrived: &Arrived) -> Result<(), Refused> {
        let Arrived { id, event, by, .. } = arrived;
        let id = *id;
        if self.remembered(stage, tenant, &inbox::heard_key(tenant, id))?.is_some() {
            return Ok(());
        }
        self.kept(tenant)?;
        let spread = self.has_listeners(tenant, &event.kind)? && !provost_model::planted::planted("heard-not-offered");
        let fact = InboxFact::Heard { id, event: Box::new(event.clone()), by: by.clone(), spread };
        let cause = Cause { event: Some(id), who: Some(by.name.clone()), traceparent: event.traceparent.clone(), ..Cause::default() };
        let slot = self.own_slot();
        self.append_inbox(stage, tenant, slot, cause, &fact)?;
        let Some(entry) = stage.entries.last_mut() else { return Ok(()) };
        let head = entry.row.head();
        if spread {
            entry.open = OpenChange::Forward(spread_work(tenant, id, (slot, head))?);
            stage.releases.push(spreading(tenant, head.sequence));
        }
        if let Some(seen) = fact.remembered(tenant, self.now_us).map_err(|e| Refused::Internal(e.to_string()))? {
            stage.remember(stage.entries.len() - 1, tenant, seen);
        }
        let before_us = self.now_us.saturating_sub(self.registry.tenant(tenant).unmatched_us_max());
        let (kind, heard_us) = (event.kind.clone(), self.now_us);
        let kept = self.heard.entry(tenant.clone()).or_default();
        while kept.entries.front().is_some_and(|first| first.heard_us < before_us) {
            kept.entries.pop_front();
        }
        kept.entries.push_back(Entry { sequence: head.sequence, id, kind, heard_us });
        kept.fresh.insert(head.sequence, Arc::new(arrived.clone()));
        self.combine(stage, tenant, arrived, head.sequence)
    }

    /// Another partition has the event: once all have, it is no open work here any more.
    pub(super) fn heard_by(&mut self, stage: &mut Stage, tenant: &TenantId, id: EventId, by: Slot) -> Result<(), Refused> {
        let partitions = self.place.1;
        let known = self.answers.entry((id, tenant.clone())).or_default();
        known.insert(partition_of(by, partitions));
        if known.len() + 1 < partitions as usize {
            return Ok(());
        }
        self.append_inbox(stage, tenant, id.slot(), Cause::default(), &InboxFact::Routed { event: id })?;
        if let Some(entry) = stage.entries.last_mut() {
            entry.open = OpenChange::Delivered(routed_key(id));
        }
        stage.routed.push((id, tenant.clone()));
        Ok(())
    }

    /// Every listener was offered the event: it is no open work any more.
    pub(super) fn spread_out(&mut self, stage: &mut Stage, tenant: &TenantId, id: EventId) -> Result<(), Refused> {
        let slot = self.own_slot();
        self.append_inbox(stage, tenant, slot, Cause::default(), &InboxFact::Spread { event: id })?;
        if let Some(entry) = stage.entries.last_mut() {
            entry.open = OpenChange::Delivered(spread_key(id, slot));
        }
        Ok(())
    }

    /// What an event on its way means after a restart: it goes on, to listeners not before all open work was read. `None` for all other
    /// open work.
    pub(super) fn tell_again(&mut self, row: &OpenWork) -> Result<Option<Vec<Release>>, Refused> {
        let Ok(way) = serde_json::from_slice(&row.work) else { return Ok(None) };
        let (tenant, sequence) = (&row.tenant, row.head.sequence);
        match way {
            OnItsWay::Spread(_) => {
                self.unspread.insert((tenant.clone(), sequence));
                Ok(Some(Vec::new()))
            }
            OnItsWay::Routed(id) => {
                let rows = self.store.rows(tenant, &Stream::Inbox(id.slot()), sequence.saturating_sub(1), 1)?;
                let accepted = rows.first().map(facts_of).transpose()?.unwrap_or_default().into_iter().find_map(|fact| match fact {
                    InboxFact::Accepted { event, by, .. } => Some(Arrived { id, event: *event, by, more: false }),
                    _ => None,
                });
                Ok(Some(accepted.map(|accepted| self.telling(tenant, &accepted)).unwrap_or_default()))
            }
        }
    }

    /// What leaves once all open work was read after a restart: events are offered in the order in which they were heard, and open work
    /// is in that of its keys.
    pub fn resumed(&mut self) -> Vec<Release> {
        let unspread = std::mem::take(&mut self.unspread);
        unspread.iter().map(|(tenant, sequence)| spreading(tenant, *sequence)).collect()
    }

    /// The event whose row has `sequence`.
    pub(super) fn heard_at(&mut self, tenant: &TenantId, sequence: u64) -> Result<Option<Arc<Arrived>>, Refused> {
        if let Some(fresh) = self.heard.get(tenant).and_then(|kept| kept.fresh.get(&sequence)) {
            return Ok(Some(fresh.clone()));
        }
        let rows = self.store.rows(tenant, &Stream::Inbox(self.own_slot()), sequence.saturating_sub(1), 1)?;
        let facts = rows.first().map(facts_of).transpose()?.unwrap_or_default();
        Ok(facts.into_iter().find_map(|fact| match fact {
            InboxFact::Heard { id, event, by, .. } => Some(Arc::new(Arrived { id, event: *event, by, more: false })),
            _ => None,
        }))
    }

    /// What was heard since `since_us`, oldest first, as far as `wanted` says.
    pub(super) fn heard_since(&mut self, tenant: &TenantId, since_us: i64, wanted: impl Fn(&Entry) -> bool) -> Result<Vec<Entry>, Refused> {
        let kept = self.kept(tenant)?;
        let first = kept.entries.partition_point(|entry| entry.heard_us < since_us);
        Ok(kept.entries.range(first..).filter(|entry| wanted(entry)).cloned().collect())
    }

    /// What a tenant's orchestrations may still take; read back from the journal where memory does not have it.
    fn kept(&mut self, tenant: &TenantId) -> Result<&Kept, Refused> {
        if !self.heard.contains_key(tenant) {
            let kept = self.read_kept(tenant)?;
            self.heard.insert(tenant.clone(), kept);
        }
        self.heard.get(tenant).ok_or_else(|| Refused::Internal("what was heard is not there".to_owned()))
    }

    fn read_kept(&mut self, tenant: &TenantId) -> Result<Kept, Refused> {
        let stream = Stream::Inbox(self.own_slot());
        let committed = self.store.head(tenant, &stream)?.map_or(0, |head| head.sequence);
        let mut kept = Kept { committed, ..Kept::default() };
        let since_us = self.now_us.saturating_sub(self.registry.tenant(tenant).unmatched_us_max());
        // Rows of an inbox hold one fact each, and their time never goes back.
        let (mut after, mut end) = (0, committed);
        while after < end {
            let middle = after + (end - after) / 2;
            let old = self.store.rows(tenant, &stream, middle, 1)?.first().is_some_and(|row| row.recorded_at_us < since_us);
            if old { after = middle + 1 } else { end = middle }
        }
        loop {
            let rows = self.store.rows(tenant, &stream, after, ROWS_READ)?;
            for row in &rows {
                for fact in facts_of(row)? {
                    if let InboxFact::Heard { id, event, .. } = fact {
                        let (sequence, heard_us) = (row.first_sequence, row.recorded_at_us);
                        kept.entries.push_back(Entry { sequence, id, kind: event.kind.clone(), heard_us });
                    }
                }
                after = row.head().sequence;
            }
            if rows.len() < ROWS_READ {
                return Ok(kept);
            }
        }
    }

    /// A batch is on disk.
    pub(super) fn heard_committed(&mut self, routed: &[(EventId, TenantId)]) {
        for kept in self.heard.values_mut() {
            kept.fresh.clear();
            kept.committed = kept.entries.back().map_or(kept.committed, |last| kept.committed.max(last.sequence));
        }
        for known in routed {
            self.answers.remove(known);
        }
        if self.answers.len() > ANSWERS_MAX {
            let before_us = self.now_us.saturating_sub(ANSWER_US_MAX);
            self.answers.retain(|(id, _), _| id.bits().at_us() >= before_us);
        }
    }

    /// A delivery was taken back: so is what it heard.
    pub(super) fn heard_rewound(&mut self, stage: &Stage) {
        let slot = self.own_slot();
        for (tenant, kept) in &mut self.heard {
            let staged = stage.heads.get(&(tenant.clone(), Stream::Inbox(slot))).map_or(0, |head| head.sequence);
            let last = staged.max(kept.committed);
            kept.entries.retain(|entry| entry.sequence <= last);
            kept.fresh.retain(|sequence, _| *sequence <= last);
        }
    }
}

/// The first slot of a partition, for what belongs to no slot of its own.
pub(super) fn first_slot(index: u32, partitions: u32) -> Slot {
    let first = (index * u32::from(provost_model::limits::SLOTS)).div_ceil(partitions.max(1));
    Slot(u16::try_from(first).unwrap_or(0))
}

fn facts_of(row: &Row) -> Result<Vec<InboxFact>, Refused> {
    Ok(row.json().and_then(|json| inbox::decode(&json)).map_err(|e| StoreError::unreadable(row, &e))?)
}

fn spreading(tenant: &TenantId, sequence: u64) -> Release {
    Release::Again(Box::new(Delivery::Spread { tenant: tenant.clone(), sequence, after: None }))
}

/// Whether open work is an event on its way, and no orchestration.
pub(crate) fn is_on_its_way(row: &OpenWork) -> bool {
    serde_json::from_slice::<OnItsWay>(&row.work).is_ok()
}

/// What stands for an event on its way to other partitions among open work.
pub(crate) fn routed_key(id: EventId) -> OrchestrationId {
    OrchestrationId::from_bits(id.bits())
}

/// What stands for an event on its way to the listeners of the partition of `slot`.
pub(crate) fn spread_key(id: EventId, slot: Slot) -> OrchestrationId {
    OrchestrationId::mint(id.bits().at_us(), slot, &[b"heard", &id.bits().to_bytes()])
}

/// The open work that an accepted event is until every partition has it.
pub(crate) fn routed_work(tenant: &TenantId, id: EventId, head: Head) -> Result<OpenWork, Refused> {
    work_of(tenant, routed_key(id), head, &OnItsWay::Routed(id))
}

/// The open work that an event is until every listener of the partition of `slot` was offered it.
pub(crate) fn spread_work(tenant: &TenantId, id: EventId, (slot, head): (Slot, Head)) -> Result<OpenWork, Refused> {
    work_of(tenant, spread_key(id, slot), head, &OnItsWay::Spread(id))
}

fn work_of(tenant: &TenantId, orchestration: OrchestrationId, head: Head, way: &OnItsWay) -> Result<OpenWork, Refused> {
    let work = serde_json::to_vec(way).map_err(|e| Refused::Internal(e.to_string()))?;
    let pin = Digest::of_parts(&[]);
    Ok(OpenWork { tenant: tenant.clone(), orchestration, head, pin, due_us: None, needs: Needs::NONE, work })
}
