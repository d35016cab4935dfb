//! The port: what the runtime needs of one partition's store while it runs. Synchronous; one value per partition, one writer.
//!
//! What must stay true: positions only grow and are never given twice; `Ok` from [`Store::commit`] means on disk.

use provost_model::record::{Head, Row, Stream};
use provost_model::{Digest, OrchestrationId, TenantId};

use crate::batch::{Batch, OpenWork, Query, Seen, Snapshot, Summary};
use crate::error::StoreError;

/// One partition.
pub trait Store: Send {
    /// Commits all or nothing and durably: every entry's journal must stand at `expected` and the partition's epoch, claimed by this
    /// value, must be the batch's. Returns the position of the last row; an empty batch checks the epoch and changes nothing.
    ///
    /// # Errors
    /// `Stale`, `Conflict`, `Retired`, `TooLarge`, `Malformed`: nothing was kept. `Full`, `Io`: read the journals again before going on.
    fn commit(&mut self, batch: &Batch) -> Result<u64, StoreError>;

    /// Where a journal stands; `None` when it has no rows, or none any more.
    ///
    /// # Errors
    /// `Io` or `Damaged`.
    fn head(&mut self, tenant: &TenantId, stream: &Stream) -> Result<Option<Head>, StoreError>;

    /// Rows of a journal whose first sequence is greater than `after_sequence`, in order.
    ///
    /// # Errors
    /// `Io` or `Damaged`.
    fn rows(&mut self, tenant: &TenantId, stream: &Stream, after_sequence: u64, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// All rows behind a position, in the order of their commit.
    ///
    /// # Errors
    /// `Io` or `Damaged`.
    fn feed(&mut self, after_position: u64, limit: usize) -> Result<Vec<(u64, Row)>, StoreError>;

    /// Unfinished orchestrations in the order of tenant and id, behind `after`.
    ///
    /// # Errors
    /// `Io` or `Damaged`.
    fn open_work(&mut self, after: Option<(TenantId, OrchestrationId)>, limit: usize) -> Result<Vec<OpenWork>, StoreError>;

    /// What was answered to a key, expired or not.
    ///
    /// # Errors
    /// `Io` or `Damaged`.
    fn seen(&mut self, tenant: &TenantId, key: &Digest) -> Result<Option<Seen>, StoreError>;

    /// The newest snapshot of a journal.
    ///
    /// # Errors
    /// `Io` or `Damaged`.
    fn snapshot(&mut self, tenant: &TenantId, stream: &Stream) -> Result<Option<Snapshot>, StoreError>;

    /// A list, newest first. Projected: it may lag behind the commits, see [`crate::Lists::lag`].
    ///
    /// # Errors
    /// `Io` or `Damaged`.
    fn list(&mut self, query: &Query) -> Result<Vec<Summary>, StoreError>;
}
