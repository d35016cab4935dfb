//! Batches: events of a workflow with `metadata.provost.batch` are gathered until there are as many as it asks for, until the next would
//! not fit, or until the time is up; then one orchestration starts with all of them.
//!
//! A batch lives in the slot of H(tenant, workflow, key), or where the ordering or concurrency key of its events does, so that what it
//! starts begins where it lies: events that differ in that key are gathered apart. An event that was accepted elsewhere is handed on there
//! like a start. What must stay true: an event is in one batch, in the order of the commits of that slot; closing a batch and starting its orchestration are one
//! commit; memory holds only what the inbox says, and is read back from there after any failure.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::limits::BATCHES_OPEN_MAX;
use provost_model::program::Batch;
use provost_model::record::{Batched, Cause, Closed, Command, Head, Start, Stream};
use provost_model::value::canonical_len;
use provost_model::{EventId, Labelled, OrchestrationId, Slot, TenantId};
use provost_store::{Needs, OpenChange, OpenWork, StoreError, Upkeep};
use serde::{Deserialize, Serialize};

use super::load::ROWS_READ;
use super::stage::Stage;
use super::{Partition, Release};
use crate::gate::Refused;
use crate::inbox::{self, InboxFact};
use crate::registry::Launch;

/// The timer that closes a batch.
pub(super) const TIMER: &str = "batch:";
/// Open work read at once.
const OPEN_ROWS: usize = 1024;

/// By tenant, workflow and what its events have in common.
type Key = (TenantId, Arc<str>, Alike);

/// What the events of a batch have in common: the values of its workflow's keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Alike {
    /// What they are gathered by.
    key: Arc<str>,
    /// The ordering key, read from each as if it came alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<Arc<str>>,
    /// The concurrency key, read so too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    concurrency: Option<Arc<str>>,
}

impl Alike {
    fn of(start: &Start) -> Self {
        let key = start.batch.as_ref().map(|batch| batch.key.clone()).unwrap_or_default();
        Self { key, order: start.order.clone(), concurrency: start.concurrency.clone() }
    }
}

/// The batches that are being gathered here.
#[derive(Default)]
pub(super) struct Gathering {
    open: BTreeMap<Key, Gathered>,
    keys: BTreeMap<OrchestrationId, Key>,
}

/// A batch that is being gathered.
#[derive(Clone)]
pub(super) struct Gathered {
    id: OrchestrationId,
    /// What its first event would have started.
    first: Start,
    events: Vec<EventId>,
    inputs: Vec<Labelled>,
    hops: u32,
    /// Bytes of the input so far.
    bytes: u64,
    due_us: i64,
}

/// Takes back what a delivery did to memory.
pub(super) enum Undo {
    Opened(Key),
    Added(Key, u64, u32),
    Closed(Box<(Key, Gathered)>),
}

/// Open work that is a batch.
#[derive(Serialize, Deserialize)]
struct Gathers {
    gathers: OrchestrationId,
    workflow: Arc<str>,
    #[serde(flatten)]
    alike: Alike,
    from: Slot,
    due_us: i64,
}

impl Gathering {
    fn insert(&mut self, key: Key, batch: Gathered) {
        self.keys.insert(batch.id, key.clone());
        self.open.insert(key, batch);
    }

    fn remove(&mut self, key: &Key) -> Option<Gathered> {
        let batch = self.open.remove(key)?;
        self.keys.remove(&batch.id);
        Some(batch)
    }

    /// Adds the event of `start` to the batch of `key`, which it opens as `id` where there is none.
    fn add(&mut self, key: &Key, id: OrchestrationId, start: &Start, due_us: i64) -> Undo {
        let bytes = bytes_of(start);
        if let Some(batch) = self.open.get_mut(key) {
            let undo = Undo::Added(key.clone(), batch.bytes, batch.hops);
            batch.events.extend(start.event);
            batch.inputs.extend(inputs_of(start));
            batch.hops = batch.hops.max(start.hops);
            batch.bytes = batch.bytes.saturating_add(bytes);
            return undo;
        }
        let inputs = inputs_of(start).collect();
        let events = start.event.into_iter().collect();
        self.insert(key.clone(), Gathered { id, first: start.clone(), events, inputs, hops: start.hops, bytes: bytes + 1, due_us });
        Undo::Opened(key.clone())
    }
}

impl Gathered {
    /// Why the event of `start` is not gathered into it.
    fn is_closed_for(&self, start: &Start, limit_bytes: u64) -> Option<Closed> {
        if self.first.pin != start.pin {
            return Some(Closed::Version);
        }
        (self.bytes.saturating_add(bytes_of(start)) > limit_bytes).then_some(Closed::Bytes)
    }

    /// The start of all its events.
    fn start(&self, alike: &Alike, why: Closed) -> Start {
        let batch = Batched { key: alike.key.clone(), events: self.events.clone(), closed: Some(why) };
        let Labelled { value: input, labels } = Labelled::array(self.inputs.iter().cloned());
        Start { input, labels, hops: self.hops, batch: Some(Box::new(batch)), ..self.first.clone() }
    }
}

/// What was read of the events of `start`, with their labels.
fn inputs_of(start: &Start) -> impl Iterator<Item = Labelled> {
    let items = start.input.as_array().unwrap_or_default().iter().enumerate();
    items.map(|(index, item)| Labelled::new(item.clone(), start.labels.within(&format!("/{index}"))))
}

/// Bytes of an event's data in a list, with the comma behind it.
fn bytes_of(start: &Start) -> u64 {
    (canonical_len(&start.input) as u64).saturating_sub(1)
}

impl<S: Upkeep> Partition<S> {
    /// Gathers the event of `start`, which is known as `event` here, into the batch of its key.
    pub(super) fn gather(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        launch: &Launch,
        (event, start): (OrchestrationId, &Start),
    ) -> Result<(), Refused> {
        let (Some(batch), true) = (launch.code.program.batch, start.batch.is_some()) else {
            return Err(Refused::Internal("an event without a batch is gathered".to_owned()));
        };
        let key = (tenant.clone(), start.workflow.clone(), Alike::of(start));
        let limit_bytes = launch.code.program.limits.value_bytes;
        if let Some(why) = self.gathering()?.open.get(&key).and_then(|open| open.is_closed_for(start, limit_bytes)) {
            self.close(stage, &key, why)?;
        }
        self.make_way(stage, &key)?;
        self.put_in(stage, &key, (event, start), &batch)?;
        let full = self.gathering()?.open.get(&key).is_some_and(|open| open.events.len() >= batch.size as usize);
        if full { self.close(stage, &key, Closed::Size) } else { Ok(()) }
    }

    /// Keeps the number of open batches bounded: the one that is due first is closed.
    fn make_way(&mut self, stage: &mut Stage, key: &Key) -> Result<(), Refused> {
        let gathering = self.gathering()?;
        if gathering.open.len() < BATCHES_OPEN_MAX || gathering.open.contains_key(key) {
            return Ok(());
        }
        let first = gathering.open.iter().min_by_key(|(_, open)| open.due_us).map(|(key, _)| key.clone());
        first.map_or(Ok(()), |first| self.close(stage, &first, Closed::Room))
    }

    fn put_in(&mut self, stage: &mut Stage, key: &Key, (event, start): (OrchestrationId, &Start), batch: &Batch) -> Result<(), Refused> {
        let (tenant, slot, now_us) = (&key.0, event.slot(), self.now_us);
        let open = self.gathering()?.open.get(key).map(|open| (open.id, open.due_us));
        let (id, due_us) = open.unwrap_or_else(|| (event, now_us.saturating_add(batch.wait_ms.saturating_mul(1000))));
        let fact = InboxFact::Gathered { batch: id, event, start: Box::new(start.clone()), due_us };
        let cause = Cause { event: start.event, who: Some(start.by.name.clone()), ..Cause::default() };
        self.append_inbox(stage, tenant, slot, cause, &fact)?;
        if let Some(seen) = fact.remembered(tenant, now_us).map_err(|e| Refused::Internal(e.to_string()))? {
            stage.remember(stage.entries.len() - 1, tenant, seen);
        }
        if open.is_none()
            && let Some(entry) = stage.entries.last_mut()
        {
            entry.open = OpenChange::Forward(gathering_work(tenant, id, start, (slot, entry.row.head(), due_us))?);
            stage.releases.push(timer(tenant, id, due_us));
        }
        stage.gathered.push(self.gathering()?.add(key, id, start, due_us));
        Ok(())
    }

    /// Closes a batch: its orchestration starts in the same commit.
    fn close(&mut self, stage: &mut Stage, key: &Key, why: Closed) -> Result<(), Refused> {
        let Some(open) = self.gathering()?.remove(key) else { return Ok(()) };
        stage.gathered.push(Undo::Closed(Box::new((key.clone(), open.clone()))));
        let (tenant, workflow, alike) = key;
        let (id, start) = (open.id, open.start(alike, why));
        let code = self.registry.program(tenant, &start.pin, workflow).ok_or(Refused::UnknownBundle(start.pin))?;
        let events = u32::try_from(open.events.len()).unwrap_or(u32::MAX);
        let fact = InboxFact::BatchClosed { batch: id, why, events };
        self.append_inbox(stage, tenant, id.slot(), Cause::default(), &fact)?;
        if let Some(entry) = stage.entries.last_mut() {
            entry.open = OpenChange::Delivered(id);
        }
        let launch = Launch { code, pin: start.pin, binding: start.binding };
        self.begin(stage, tenant, &launch, id, start, None)
    }

    /// The time of a batch may be up.
    pub(super) fn batch_due(&mut self, stage: &mut Stage, tenant: &TenantId, id: OrchestrationId) -> Result<(), Refused> {
        let now_us = self.now_us;
        let gathering = self.gathering()?;
        let Some(key) = gathering.keys.get(&id).filter(|(of, _, _)| of == tenant).cloned() else { return Ok(()) };
        match gathering.open.get(&key) {
            // A clock went back.
            Some(open) if open.due_us > now_us => stage.releases.push(timer(tenant, id, open.due_us)),
            Some(_) => self.close(stage, &key, Closed::Wait)?,
            None => {}
        }
        Ok(())
    }

    /// The batch that an event is in, by the id under which the answer of its ingest names it.
    pub(super) fn batch_of(&mut self, tenant: &TenantId, event: OrchestrationId) -> Result<Option<OrchestrationId>, Refused> {
        let seen = self.store.seen(tenant, &inbox::gathered_key(tenant, event))?;
        seen.map(|seen| serde_json::from_slice(&seen.answer)).transpose().map_err(|e| Refused::Internal(e.to_string()))
    }

    /// What is said of an event whose batch has not started.
    pub(super) fn still_gathered(&mut self, tenant: &TenantId, batch: OrchestrationId) -> Result<Option<Refused>, Refused> {
        let gathering = self.gathering()?;
        let open = gathering.keys.get(&batch).filter(|(of, _, _)| of == tenant).and_then(|key| gathering.open.get(key));
        Ok(open.map(|open| Refused::Gathering { batch, events: open.events.len(), due_us: open.due_us }))
    }

    /// A delivery is taken back: so is what it did to the batches.
    pub(super) fn gathered_rewound(&mut self, undone: Vec<Undo>) {
        let Some(gathering) = &mut self.gathering else { return };
        for undo in undone.into_iter().rev() {
            match undo {
                Undo::Opened(key) => drop(gathering.remove(&key)),
                Undo::Added(key, bytes, hops) => {
                    if let Some(open) = gathering.open.get_mut(&key) {
                        open.events.pop();
                        open.inputs.pop();
                        (open.bytes, open.hops) = (bytes, hops);
                    }
                }
                Undo::Closed(closed) => {
                    let (key, open) = *closed;
                    gathering.insert(key, open);
                }
            }
        }
    }

    /// What a batch means after a restart: its timer. `None` for all other open work.
    pub(super) fn gather_again(&self, row: &OpenWork) -> Option<Release> {
        let Gathers { gathers, due_us, .. } = serde_json::from_slice(&row.work).ok()?;
        Some(timer(&row.tenant, gathers, due_us))
    }

    fn gathering(&mut self) -> Result<&mut Gathering, Refused> {
        if self.gathering.is_none() {
            self.gathering = Some(self.read_gathering()?);
        }
        self.gathering.as_mut().ok_or_else(|| Refused::Internal("the batches are not there".to_owned()))
    }

    fn read_gathering(&mut self) -> Result<Gathering, Refused> {
        let mut gathering = Gathering::default();
        if provost_model::planted::planted("batch-not-read-back") {
            return Ok(gathering);
        }
        let mut after = None;
        loop {
            let rows = self.store.open_work(after.clone(), OPEN_ROWS)?;
            let Some(last) = rows.last() else { return Ok(gathering) };
            after = Some((last.tenant.clone(), last.orchestration));
            for row in &rows {
                let Ok(gathers) = serde_json::from_slice::<Gathers>(&row.work) else { continue };
                self.read_batch(&mut gathering, row, &gathers)?;
            }
        }
    }

    /// Reads the events of one batch: they stand behind its first one in the inbox of its slot.
    fn read_batch(&mut self, gathering: &mut Gathering, row: &OpenWork, gathers: &Gathers) -> Result<(), Refused> {
        let key = (row.tenant.clone(), gathers.workflow.clone(), gathers.alike.clone());
        let mut after = row.head.sequence.saturating_sub(1);
        loop {
            let rows = self.store.rows(&row.tenant, &Stream::Inbox(gathers.from), after, ROWS_READ)?;
            for row in &rows {
                let facts = row.json().and_then(|json| inbox::decode(&json)).map_err(|e| StoreError::unreadable(row, &e))?;
                for fact in facts {
                    if let InboxFact::Gathered { batch, start, due_us, .. } = fact
                        && batch == gathers.gathers
                    {
                        gathering.add(&key, batch, &start, due_us);
                    }
                }
                after = row.head().sequence;
            }
            if rows.len() < ROWS_READ {
                return Ok(());
            }
        }
    }
}

/// Whether a command is the timer of a batch, which is no orchestration yet.
pub(super) fn is_timer(command: &Command) -> bool {
    matches!(command, Command::Timer { id } if **id == *TIMER)
}

fn timer(tenant: &TenantId, id: OrchestrationId, due_us: i64) -> Release {
    Release::Timer { tenant: tenant.clone(), orchestration: id, id: TIMER.into(), due_us }
}

/// Whether open work is a batch, and no orchestration.
pub(crate) fn is_gathered(row: &OpenWork) -> bool {
    serde_json::from_slice::<Gathers>(&row.work).is_ok()
}

/// The open work that a batch is until it is closed; its first event stands at `head` of the inbox of `from`.
pub(crate) fn gathering_work(
    tenant: &TenantId,
    id: OrchestrationId,
    start: &Start,
    (from, head, due_us): (Slot, Head, i64),
) -> Result<OpenWork, Refused> {
    let gathers = Gathers { gathers: id, workflow: start.workflow.clone(), alike: Alike::of(start), from, due_us };
    let work = serde_json::to_vec(&gathers).map_err(|e| Refused::Internal(e.to_string()))?;
    let (tenant, pin) = (tenant.clone(), start.pin);
    Ok(OpenWork { tenant, orchestration: id, head, pin, due_us: Some(due_us), needs: Needs::NONE, work })
}
