//! The oracle: the same port over maps, so plain that it is right by reading. The simulator's store.
//!
//! What must stay true: a clone of the disk outlives its handles; what only a handle knows (list rows that wait) is lost when a new
//! handle opens the same disk. What is absent: threads, files, clocks.

mod tables;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use provost_model::record::{Head, Row, Stream};
use provost_model::{Digest, OrchestrationId, TenantId};

use crate::batch::{Batch, CELL_BYTES_MAX, Derived, OpenWork, Query, Seen, Snapshot, Summary, Tombstone, within};
use crate::error::StoreError;
use crate::port::Store;
use crate::upkeep::{Depth, Forgotten, Lag, Lists, SeenCursor, Sizes, Upkeep};
use tables::Tables;

/// One partition in memory: a handle on a disk that outlives it.
#[derive(Debug, Default)]
pub struct Memory {
    disk: Arc<Mutex<Tables>>,
    claimed: u64,
    lost_through: u64,
    waiting: BTreeMap<(TenantId, OrchestrationId), Summary>,
}

impl Memory {
    /// An empty partition.
    pub fn new() -> Self {
        Self::default()
    }

    /// A new handle on the same disk, as after a restart.
    #[must_use]
    pub fn reopen(&self) -> Self {
        let mut handle = Self { disk: Arc::clone(&self.disk), ..Self::default() };
        let last = handle.disk().last;
        handle.lost_through = last;
        handle
    }

    /// Forgets the list rows that wait, as SQLite does after a commit that failed and is on disk all the same.
    pub fn lose_lists(&mut self) {
        let last = self.disk().last;
        self.lost_through = if provost_model::planted::planted("lists-loss-untold") { self.lost_through } else { last };
        self.waiting.clear();
    }

    fn disk(&self) -> MutexGuard<'_, Tables> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The disk, if this handle's epoch is the partition's.
    fn fenced(&self, ours: u64) -> Result<MutexGuard<'_, Tables>, StoreError> {
        let disk = self.disk();
        let newest = ours == disk.epoch || provost_model::planted::planted("fence-at-most") && ours <= disk.epoch;
        if newest && ours == self.claimed && ours != 0 { Ok(disk) } else { Err(StoreError::Stale { ours, current: disk.epoch }) }
    }
}

impl Store for Memory {
    fn commit(&mut self, batch: &Batch) -> Result<u64, StoreError> {
        batch.check()?;
        let last = self.fenced(batch.epoch)?.commit(batch)?;
        for summary in batch.entries.iter().filter_map(|entry| entry.summary.as_ref()) {
            self.waiting.insert((summary.tenant.clone(), summary.orchestration), summary.clone());
        }
        Ok(last)
    }

    fn head(&mut self, tenant: &TenantId, stream: &Stream) -> Result<Option<Head>, StoreError> {
        Ok(self.disk().head(tenant, stream))
    }

    fn rows(&mut self, tenant: &TenantId, stream: &Stream, after_sequence: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        Ok(self.disk().rows(tenant, stream, after_sequence, limit))
    }

    fn feed(&mut self, after_position: u64, limit: usize) -> Result<Vec<(u64, Row)>, StoreError> {
        Ok(self.disk().feed(after_position, u64::MAX, limit))
    }

    fn open_work(&mut self, after: Option<(TenantId, OrchestrationId)>, limit: usize) -> Result<Vec<OpenWork>, StoreError> {
        let disk = self.disk();
        let behind = disk.open.iter().filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after));
        Ok(behind.take(limit).map(|(_, work)| work.clone()).collect())
    }

    fn seen(&mut self, tenant: &TenantId, key: &Digest) -> Result<Option<Seen>, StoreError> {
        Ok(self.disk().seen.get(&(tenant.clone(), *key)).cloned())
    }

    fn snapshot(&mut self, tenant: &TenantId, stream: &Stream) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.disk().snapshots.get(&(tenant.clone(), stream.clone())).cloned())
    }

    fn list(&mut self, query: &Query) -> Result<Vec<Summary>, StoreError> {
        let disk = self.disk();
        let newest_first = disk.summaries.values().rev();
        Ok(newest_first.filter(|summary| query.takes(summary, disk.needs(summary))).take(query.limit).cloned().collect())
    }
}

impl Lists for Memory {
    fn flush_lists(&mut self) -> Result<u64, StoreError> {
        let mut disk = self.fenced(self.claimed)?;
        for summary in self.waiting.values() {
            disk.put_summary(summary);
        }
        if disk.watermark >= self.lost_through {
            disk.watermark = disk.last;
        }
        let watermark = disk.watermark;
        drop(disk);
        self.waiting.clear();
        Ok(watermark)
    }

    fn lag(&mut self) -> Result<Lag, StoreError> {
        let disk = self.disk();
        Ok(Lag { watermark: disk.watermark, last: disk.last, lost_through: self.lost_through })
    }

    fn unprojected(&mut self, after_position: u64, limit: usize) -> Result<Vec<(u64, Row)>, StoreError> {
        let disk = self.disk();
        Ok(disk.feed(after_position.max(disk.watermark), self.lost_through, limit))
    }

    fn wipe_derived(&mut self) -> Result<(), StoreError> {
        let mut disk = self.fenced(self.claimed)?;
        disk.wipe();
        let last = disk.last;
        drop(disk);
        self.waiting.clear();
        self.lost_through = last;
        Ok(())
    }

    fn derive(&mut self, derived: &[Derived], through: u64) -> Result<(), StoreError> {
        let mut disk = self.fenced(self.claimed)?;
        for one in derived {
            disk.put(one);
        }
        disk.watermark = disk.watermark.max(through.min(disk.last));
        Ok(())
    }
}

impl Upkeep for Memory {
    fn claim(&mut self) -> Result<u64, StoreError> {
        let mut disk = self.disk();
        disk.epoch += 1;
        let (epoch, last) = (disk.epoch, disk.last);
        drop(disk);
        self.claimed = epoch;
        self.lost_through = last;
        self.waiting.clear();
        Ok(epoch)
    }

    fn write_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        within("a snapshot", snapshot.state.len(), CELL_BYTES_MAX, "bytes")?;
        let mut disk = self.fenced(self.claimed)?;
        disk.snapshots.insert((snapshot.tenant.clone(), snapshot.stream.clone()), snapshot.clone());
        Ok(())
    }

    fn drop_snapshot(&mut self, tenant: &TenantId, stream: &Stream) -> Result<(), StoreError> {
        self.fenced(self.claimed)?.snapshots.remove(&(tenant.clone(), stream.clone()));
        Ok(())
    }

    fn journals(&mut self, tenant: &TenantId, before: Option<&Stream>, limit: usize) -> Result<Vec<Stream>, StoreError> {
        Ok(self.disk().journals(tenant, before, limit))
    }

    fn retire(&mut self, tombstone: &Tombstone) -> Result<u64, StoreError> {
        let deleted = self.fenced(self.claimed)?.retire(tombstone)?;
        self.waiting.remove(&(tombstone.tenant.clone(), tombstone.orchestration));
        Ok(deleted)
    }

    fn tombstone(&mut self, tenant: &TenantId, orchestration: &OrchestrationId) -> Result<Option<Tombstone>, StoreError> {
        Ok(self.disk().tombstones.get(&(tenant.clone(), *orchestration)).cloned())
    }

    fn forget_seen(&mut self, now_us: i64, after: Option<SeenCursor>, limit: usize) -> Result<Forgotten, StoreError> {
        Ok(self.fenced(self.claimed)?.forget_seen(now_us, after.as_ref(), limit))
    }

    fn forget_keys(&mut self, tenant: &TenantId, now_us: i64) -> Result<u64, StoreError> {
        Ok(self.fenced(self.claimed)?.forget_keys(tenant, now_us))
    }

    fn sizes(&mut self) -> Result<Sizes, StoreError> {
        let disk = self.disk();
        let file_bytes = disk.journal.values().map(|row| row.payload.len() as u64).sum();
        Ok(Sizes { file_bytes, wal_bytes: 0, free_bytes: 0, last_position: disk.last })
    }

    fn scan(&mut self, _depth: Depth) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}
