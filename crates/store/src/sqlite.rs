//! SQLite: one file per partition, write-ahead log, every commit synced, checkpoints on a second connection.
//!
//! What must stay true: the epoch is checked inside each writing transaction; a failed write drops everything kept in memory and reads
//! the file again before the next. What is absent: SQL built from text.

mod cells;
mod checkpoint;
mod commit;
mod fault;
mod heads;
mod lists;
mod reads;
mod schema;
mod upkeep;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use provost_model::record::{Head, Row, Stream};
use provost_model::{Digest, OrchestrationId, TenantId};
use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use schema::Partition;

use crate::batch::{Batch, Derived, OpenWork, Query, Seen, Snapshot, Summary, Tombstone};
use crate::error::StoreError;
use crate::port::Store;
use crate::upkeep::{Depth, Forgotten, Lag, Lists, SeenCursor, Sizes, Upkeep};
use checkpoint::Checkpointer;
use fault::Place;
use heads::Heads;

/// Memory for pages of one partition, in KiB.
const CACHE_KIB: u32 = 16 << 10;

/// One partition in one file.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    checkpointer: Checkpointer,
    path: PathBuf,
    place: Place,
    heads: Heads,
    /// The epoch this value claimed; 0 before.
    claimed: u64,
    /// The last position given.
    last: u64,
    /// Up to here the lists are written.
    watermark: u64,
    /// Up to here a crash lost list rows.
    lost_through: u64,
    /// List rows that wait for the next flush.
    waiting: BTreeMap<(TenantId, OrchestrationId), Summary>,
    /// A write failed: read the file again before the next call.
    broken: bool,
    /// Whether the last writer closed the file in order.
    clean: bool,
}

impl Sqlite {
    /// Opens or creates a partition's file. Nothing can be written before [`Upkeep::claim`].
    ///
    /// # Errors
    /// `Damaged`, `Newer`, `Full` or `Io`.
    pub fn open(path: &Path, partition: Partition) -> Result<Self, StoreError> {
        let connection = schema::open(path, partition, CACHE_KIB)?;
        let place = Place::new(path);
        let clean = connection.query_row("SELECT clean FROM meta WHERE id = 1", [], |row| row.get(0)).map_err(|e| place.fault(e))?;
        let checkpointer = Checkpointer::start(path)?;
        let mut store = Self {
            connection,
            checkpointer,
            path: path.to_owned(),
            place,
            heads: Heads::default(),
            claimed: 0,
            last: 0,
            watermark: 0,
            lost_through: 0,
            waiting: BTreeMap::new(),
            broken: false,
            clean,
        };
        store.read_again()?;
        Ok(store)
    }

    /// Whether the last writer closed the file in order.
    pub fn was_clean(&self) -> bool {
        self.clean
    }

    /// Whether no writer ever claimed the file, so that it holds nothing.
    ///
    /// # Errors
    /// `Damaged` or `Io`.
    pub fn is_unused(path: &Path) -> Result<bool, StoreError> {
        schema::is_unused(path)
    }

    /// Refuses a file of a newer format without touching it.
    ///
    /// # Errors
    /// `Newer`.
    pub fn refuse_newer(path: &Path) -> Result<(), StoreError> {
        schema::refuse_newer(path)
    }

    /// Makes the tables that a partition's file lacks, empty; returns their names. A journal is never made anew.
    ///
    /// # Errors
    /// `Damaged`, `Lost` where the journal is missing, `Newer`, `Full` or `Io`.
    pub fn restore_tables(path: &Path, partition: Partition) -> Result<Vec<String>, StoreError> {
        schema::restore(path, partition)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Forgets what memory says and reads it from the file.
    fn read_again(&mut self) -> Result<(), StoreError> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK").map_err(|e| self.place.fault(e))?;
        }
        let (last, watermark) = reads::positions(&self.connection).map_err(|e| self.place.fault(e))?;
        self.heads.clear();
        if last != self.last {
            // Rows stand there whose list rows this value does not have. What waits is derived with them: it could be older.
            self.lost_through = last;
            self.waiting.clear();
        }
        (self.last, self.watermark) = (last, watermark);
        self.broken = false;
        Ok(())
    }

    fn ready(&mut self) -> Result<(), StoreError> {
        if self.broken { self.read_again() } else { Ok(()) }
    }

    /// Reads, after reading the file again where a write failed before.
    fn read<T>(&mut self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.ready()?;
        query(&self.connection).map_err(|e| self.place.fault(e))
    }

    /// Runs one writing transaction under this value's epoch.
    fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.ready()?;
        let (place, claimed) = (&self.place, self.claimed);
        let written = begin(&mut self.connection, place).and_then(|transaction| {
            fence(&transaction, place, claimed)?;
            let done = work(&transaction).map_err(|e| place.fault(e))?;
            transaction.commit().map_err(|e| place.fault(e))?;
            Ok(done)
        });
        self.settle(written)
    }

    /// After a write: memory is trusted only if it went well.
    fn settle<T>(&mut self, written: Result<T, StoreError>) -> Result<T, StoreError> {
        match &written {
            Ok(_) => {
                self.checkpointer.grown();
                if self.checkpointer.overgrown() && checkpoint::frames(&self.connection, "PRAGMA wal_checkpoint(RESTART)").is_ok() {
                    self.checkpointer.restarted();
                }
            }
            Err(error) => {
                self.heads.clear();
                self.broken = is_fault(error) || !self.connection.is_autocommit();
            }
        }
        written
    }
}

/// Whether the file or the system failed, rather than a check.
fn is_fault(error: &StoreError) -> bool {
    match error {
        StoreError::Full { .. }
        | StoreError::Io { .. }
        | StoreError::Damaged { .. }
        | StoreError::Lost { .. }
        | StoreError::DamagedRow { .. }
        | StoreError::Locked { .. }
        | StoreError::Rebuilding { .. }
        | StoreError::Absent { .. }
        | StoreError::Newer { .. } => true,
        StoreError::Stale { .. }
        | StoreError::Conflict { .. }
        | StoreError::TooLarge { .. }
        | StoreError::Malformed { .. }
        | StoreError::Unfinished(_)
        | StoreError::Retired(_) => false,
    }
}

fn begin<'c>(connection: &'c mut Connection, place: &Place) -> Result<Transaction<'c>, StoreError> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| place.fault(e))
}

/// Refuses a writer whose epoch is not the partition's.
fn fence(transaction: &Transaction<'_>, place: &Place, ours: u64) -> Result<(), StoreError> {
    let current = reads::epoch(transaction).map_err(|e| place.fault(e))?;
    if current == ours && ours != 0 { Ok(()) } else { Err(StoreError::Stale { ours, current }) }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        if self.claimed != 0 && !self.broken {
            let _lists_may_lag = self.flush_lists();
            let _only_a_hint = self.write(|transaction| transaction.execute("UPDATE meta SET clean = 1 WHERE id = 1", []));
        }
    }
}

impl Store for Sqlite {
    fn commit(&mut self, batch: &Batch) -> Result<u64, StoreError> {
        self.commit_batch(batch)
    }

    fn head(&mut self, tenant: &TenantId, stream: &Stream) -> Result<Option<Head>, StoreError> {
        self.read(|connection| reads::head(connection, tenant, stream))
    }

    fn rows(&mut self, tenant: &TenantId, stream: &Stream, after_sequence: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.read(|connection| reads::rows(connection, tenant, stream, after_sequence, limit))
    }

    fn feed(&mut self, after_position: u64, limit: usize) -> Result<Vec<(u64, Row)>, StoreError> {
        self.read(|connection| reads::feed(connection, after_position, u64::MAX, limit))
    }

    fn open_work(&mut self, after: Option<(TenantId, OrchestrationId)>, limit: usize) -> Result<Vec<OpenWork>, StoreError> {
        self.read(|connection| reads::open_work(connection, after.as_ref(), limit))
    }

    fn seen(&mut self, tenant: &TenantId, key: &Digest) -> Result<Option<Seen>, StoreError> {
        self.read(|connection| reads::seen(connection, tenant, key))
    }

    fn snapshot(&mut self, tenant: &TenantId, stream: &Stream) -> Result<Option<Snapshot>, StoreError> {
        self.read(|connection| reads::snapshot(connection, tenant, stream))
    }

    fn list(&mut self, query: &Query) -> Result<Vec<Summary>, StoreError> {
        self.read(|connection| lists::list(connection, query))
    }
}

impl Lists for Sqlite {
    fn flush_lists(&mut self) -> Result<u64, StoreError> {
        self.flush()
    }

    fn lag(&mut self) -> Result<Lag, StoreError> {
        self.ready()?;
        Ok(Lag { watermark: self.watermark, last: self.last, lost_through: self.lost_through })
    }

    fn unprojected(&mut self, after_position: u64, limit: usize) -> Result<Vec<(u64, Row)>, StoreError> {
        let lag = self.lag()?;
        self.read(|connection| reads::feed(connection, after_position.max(lag.watermark), lag.lost_through, limit))
    }

    fn wipe_derived(&mut self) -> Result<(), StoreError> {
        self.wipe()
    }

    fn derive(&mut self, derived: &[Derived], through: u64) -> Result<(), StoreError> {
        self.put_derived(derived, through)
    }
}

impl Upkeep for Sqlite {
    fn claim(&mut self) -> Result<u64, StoreError> {
        self.claim_epoch()
    }

    fn write_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.put_snapshot(snapshot)
    }

    fn drop_snapshot(&mut self, tenant: &TenantId, stream: &Stream) -> Result<(), StoreError> {
        self.write(|transaction| upkeep::drop_snapshot(transaction, tenant, stream))
    }

    fn journals(&mut self, tenant: &TenantId, before: Option<&Stream>, limit: usize) -> Result<Vec<Stream>, StoreError> {
        self.read(|connection| reads::journals(connection, tenant, before, limit))
    }

    fn retire(&mut self, tombstone: &Tombstone) -> Result<u64, StoreError> {
        self.bury(tombstone)
    }

    fn tombstone(&mut self, tenant: &TenantId, orchestration: &OrchestrationId) -> Result<Option<Tombstone>, StoreError> {
        self.read(|connection| reads::tombstone(connection, tenant, orchestration))
    }

    fn forget_seen(&mut self, now_us: i64, after: Option<SeenCursor>, limit: usize) -> Result<Forgotten, StoreError> {
        self.write(|transaction| upkeep::forget_seen(transaction, now_us, after.as_ref(), limit))
    }

    fn forget_keys(&mut self, tenant: &TenantId, now_us: i64) -> Result<u64, StoreError> {
        self.write(|transaction| upkeep::forget_keys(transaction, tenant, now_us))
    }

    fn sizes(&mut self) -> Result<Sizes, StoreError> {
        self.measure()
    }

    fn scan(&mut self, depth: Depth) -> Result<Vec<String>, StoreError> {
        self.read(|connection| upkeep::scan(connection, depth))
    }
}
