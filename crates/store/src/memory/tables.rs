//! The oracle's disk: one map per table.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use provost_model::record::{Head, Row, Stream};
use provost_model::{Digest, OrchestrationId, TenantId};

use crate::batch::{Batch, Derived, Entry, Needs, OpenChange, OpenWork, Seen, Snapshot, Summary, Tombstone};
use crate::error::StoreError;
use crate::upkeep::{Forgotten, SeenCursor};

/// Positions of one journal by first sequence.
type Positions = BTreeMap<u64, u64>;

/// Everything a partition keeps.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    pub(super) epoch: u64,
    pub(super) last: u64,
    pub(super) watermark: u64,
    pub(super) journal: BTreeMap<u64, Row>,
    pub(super) streams: BTreeMap<(TenantId, Stream), Positions>,
    pub(super) tombstones: BTreeMap<(TenantId, OrchestrationId), Tombstone>,
    pub(super) open: BTreeMap<(TenantId, OrchestrationId), OpenWork>,
    pub(super) seen: BTreeMap<(TenantId, Digest), Seen>,
    pub(super) snapshots: BTreeMap<(TenantId, Stream), Snapshot>,
    pub(super) summaries: BTreeMap<(TenantId, OrchestrationId), Summary>,
}

impl Tables {
    /// All or nothing: heads are checked for the whole batch before anything is written.
    pub(super) fn commit(&mut self, batch: &Batch) -> Result<u64, StoreError> {
        let mut heads: BTreeMap<(TenantId, Stream), Head> = BTreeMap::new();
        for entry in &batch.entries {
            let key = (entry.row.tenant.clone(), entry.row.stream.clone());
            let found = match heads.get(&key) {
                Some(head) => *head,
                None => self.head_for_commit(&key.0, &key.1)?,
            };
            if found != entry.expected {
                return Err(conflict(&key.0, &key.1, entry.expected, found));
            }
            heads.insert(key, entry.row.head());
        }
        batch.entries.iter().for_each(|entry| self.write(entry));
        Ok(self.last)
    }

    fn head_for_commit(&self, tenant: &TenantId, stream: &Stream) -> Result<Head, StoreError> {
        match stream {
            Stream::Orchestration(id) if self.tombstones.contains_key(&(tenant.clone(), *id)) => Err(StoreError::Retired(*id)),
            Stream::Orchestration(_) | Stream::Inbox(_) | Stream::Control => Ok(self.head(tenant, stream).unwrap_or(Head::EMPTY)),
        }
    }

    fn write(&mut self, entry: &Entry) {
        let row = &entry.row;
        self.last += 1;
        self.streams.entry((row.tenant.clone(), row.stream.clone())).or_default().insert(row.first_sequence, self.last);
        self.journal.insert(self.last, row.clone());
        match (&entry.open, &row.stream) {
            (OpenChange::Set(work) | OpenChange::Forward(work), _) => {
                self.open.insert((work.tenant.clone(), work.orchestration), work.clone());
            }
            (OpenChange::Delivered(id), _) => {
                self.open.remove(&(row.tenant.clone(), *id));
            }
            (OpenChange::Close, Stream::Orchestration(_)) if provost_model::planted::planted("closed-work-stays") => {}
            (OpenChange::Close, Stream::Orchestration(id)) => {
                self.open.remove(&(row.tenant.clone(), *id));
            }
            (OpenChange::Keep, _) | (OpenChange::Close, Stream::Inbox(_) | Stream::Control) => {}
        }
        if let Some(seen) = entry.seen.as_ref().filter(|_| !provost_model::planted::planted("answer-not-kept")) {
            self.seen.insert((row.tenant.clone(), seen.key), seen.clone());
        }
    }

    pub(super) fn head(&self, tenant: &TenantId, stream: &Stream) -> Option<Head> {
        let (_, position) = self.streams.get(&(tenant.clone(), stream.clone()))?.last_key_value()?;
        self.journal.get(position).map(Row::head)
    }

    pub(super) fn rows(&self, tenant: &TenantId, stream: &Stream, after: u64, limit: usize) -> Vec<Row> {
        let Some(positions) = self.streams.get(&(tenant.clone(), stream.clone())) else { return Vec::new() };
        let behind = positions.range((Excluded(after), Unbounded)).take(limit);
        behind.filter_map(|(_, position)| self.journal.get(position).cloned()).collect()
    }

    pub(super) fn journals(&self, tenant: &TenantId, before: Option<&Stream>, limit: usize) -> Vec<Stream> {
        let named = self.streams.keys().rev().filter(|(owner, stream)| owner == tenant && before.is_none_or(|before| stream < before));
        named.take(limit).map(|(_, stream)| stream.clone()).collect()
    }

    pub(super) fn feed(&self, after: u64, through: u64, limit: usize) -> Vec<(u64, Row)> {
        let behind = self.journal.range((Excluded(after), Unbounded)).take_while(|(position, _)| **position <= through);
        behind.take(limit).map(|(position, row)| (*position, row.clone())).collect()
    }

    pub(super) fn needs(&self, summary: &Summary) -> Needs {
        self.open.get(&(summary.tenant.clone(), summary.orchestration)).map_or(Needs::NONE, |work| work.needs)
    }

    pub(super) fn put_summary(&mut self, summary: &Summary) {
        let key = (summary.tenant.clone(), summary.orchestration);
        if self.summaries.get(&key).is_none_or(|stored| stored.updated_us <= summary.updated_us) {
            self.summaries.insert(key, summary.clone());
        }
    }

    pub(super) fn put(&mut self, derived: &Derived) {
        match derived {
            Derived::Open(work) => {
                self.open.insert((work.tenant.clone(), work.orchestration), work.clone());
            }
            Derived::Seen(tenant, seen) => {
                self.seen.insert((tenant.clone(), seen.key), seen.clone());
            }
            Derived::Summary(summary) => self.put_summary(summary),
        }
    }

    pub(super) fn wipe(&mut self) {
        self.open.clear();
        self.seen.clear();
        self.snapshots.clear();
        self.summaries.clear();
        self.watermark = 0;
    }

    pub(super) fn retire(&mut self, tombstone: &Tombstone) -> Result<u64, StoreError> {
        let key = (tombstone.tenant.clone(), tombstone.orchestration);
        let stream = Stream::Orchestration(tombstone.orchestration);
        if self.tombstones.contains_key(&key) {
            return Ok(0);
        }
        if self.open.contains_key(&key) {
            return Err(StoreError::Unfinished(tombstone.orchestration));
        }
        let found = self.head(&key.0, &stream).unwrap_or(Head::EMPTY);
        if found != tombstone.head || found == Head::EMPTY {
            return Err(conflict(&key.0, &stream, tombstone.head, found));
        }
        let whose = (key.0.clone(), stream);
        let positions = self.streams.remove(&whose).unwrap_or_default();
        for position in positions.values() {
            self.journal.remove(position);
        }
        self.snapshots.remove(&whose);
        self.summaries.remove(&key);
        self.tombstones.insert(key, tombstone.clone());
        Ok(positions.len() as u64)
    }

    pub(super) fn forget_seen(&mut self, now_us: i64, after: Option<&SeenCursor>, limit: usize) -> Forgotten {
        let page: Vec<(SeenCursor, i64)> = self
            .seen
            .iter()
            .filter(|(key, _)| after.is_none_or(|after| *key > after))
            .take(limit)
            .map(|(key, seen)| (key.clone(), seen.until_us))
            .collect();
        let over: Vec<&SeenCursor> = page.iter().filter(|(_, until_us)| *until_us <= now_us).map(|(key, _)| key).collect();
        for key in &over {
            self.seen.remove(key);
        }
        let next = page.last().filter(|_| page.len() == limit).map(|(key, _)| key.clone());
        Forgotten { deleted: over.len() as u64, next }
    }

    pub(super) fn forget_keys(&mut self, tenant: &TenantId, now_us: i64) -> u64 {
        let own = self.tombstones.values_mut().filter(|tombstone| tombstone.tenant == *tenant);
        let over = own.filter(|tombstone| tombstone.keys_until_us <= now_us && !tombstone.effect_keys.is_empty());
        over.map(|tombstone| tombstone.effect_keys.clear()).count() as u64
    }
}

fn conflict(tenant: &TenantId, stream: &Stream, expected: Head, found: Head) -> StoreError {
    StoreError::Conflict { tenant: tenant.clone(), stream: Box::new(stream.clone()), expected: Box::new(expected), found: Box::new(found) }
}
