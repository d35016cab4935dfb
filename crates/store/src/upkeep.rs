//! What keeps a partition in order beside its daily work: lists and rebuilding ([`Lists`]), epochs, snapshots, retention and
//! damage ([`Upkeep`]). Every call that writes needs the epoch this value claimed.

use provost_model::record::{Row, Stream};
use provost_model::{Digest, OrchestrationId, TenantId};

use crate::batch::{Derived, Snapshot, Tombstone};
use crate::error::StoreError;
use crate::port::Store;

/// How far the lists lag behind the commits, in positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Every row up to here is in the lists.
    pub watermark: u64,
    /// The last position given.
    pub last: u64,
    /// Up to here somebody must derive list rows again, because a crash lost what was waiting; equals `watermark` or less when nothing is lost.
    pub lost_through: u64,
}

impl Lag {
    /// Positions the lists lack.
    pub const fn behind(&self) -> u64 {
        self.last.saturating_sub(self.watermark)
    }
}

/// The projection of lists, and deriving everything again from the journals.
pub trait Lists: Store {
    /// Writes the list rows that wait in memory and moves the watermark; it stays where it is while rows before a crash are still to be
    /// derived. Returns the watermark. Losing this write costs lag, not facts.
    ///
    /// # Errors
    /// `Stale`, `Full` or `Io`; the rows keep waiting.
    fn flush_lists(&mut self) -> Result<u64, StoreError>;

    /// Where the lists stand.
    ///
    /// # Errors
    /// `Io` or `Damaged`.
    fn lag(&mut self) -> Result<Lag, StoreError>;

    /// Rows behind the watermark whose list rows a crash lost; pass the last position of the page before, 0 at first.
    ///
    /// # Errors
    /// `Io` or `Damaged`.
    fn unprojected(&mut self, after_position: u64, limit: usize) -> Result<Vec<(u64, Row)>, StoreError>;

    /// Deletes every table but journals and tombstones.
    ///
    /// # Errors
    /// `Stale`, `Full` or `Io`; nothing was deleted.
    fn wipe_derived(&mut self) -> Result<(), StoreError>;

    /// Writes what was derived from the rows up to position `through`, and moves the watermark there.
    ///
    /// # Errors
    /// `Stale`, `Full` or `Io`; nothing was written.
    fn derive(&mut self, derived: &[Derived], through: u64) -> Result<(), StoreError>;
}

/// A place in the table of what was seen.
pub type SeenCursor = (TenantId, Digest);

/// What one pass over the seen keys did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many keys were deleted.
    pub deleted: u64,
    /// Where the next pass goes on; `None` at the table's end.
    pub next: Option<SeenCursor>,
}

/// How large a partition is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The main file, in bytes.
    pub file_bytes: u64,
    /// The write-ahead log, in bytes.
    pub wal_bytes: u64,
    /// Inside the main file and free for reuse, in bytes.
    pub free_bytes: u64,
    /// The last position given.
    pub last_position: u64,
}

/// How thoroughly a scan looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Pages and their order.
    Quick,
    /// Pages, order, and every index against its table.
    Full,
}

/// The rest of the upkeep.
pub trait Upkeep: Lists {
    /// Takes the partition over: epoch = previous + 1, durable. Every older writer is refused from here on.
    ///
    /// # Errors
    /// `Full` or `Io`.
    fn claim(&mut self) -> Result<u64, StoreError>;

    /// Replaces the snapshot of a journal.
    ///
    /// # Errors
    /// `Stale`, `TooLarge`, `Full` or `Io`.
    fn write_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError>;

    /// Deletes the snapshot of a journal.
    ///
    /// # Errors
    /// `Stale`, `Full` or `Io`.
    fn drop_snapshot(&mut self, tenant: &TenantId, stream: &Stream) -> Result<(), StoreError>;

    /// The journals of a tenant that have rows, read from the rows themselves: control, inboxes, then orchestrations from the newest, in
    /// the descending order of their stored names from below `before`.
    ///
    /// # Errors
    /// `Io` or `Damaged`.
    fn journals(&mut self, tenant: &TenantId, before: Option<&Stream>, limit: usize) -> Result<Vec<Stream>, StoreError>;

    /// Deletes a whole ended orchestration and leaves its tombstone. Returns the number of rows deleted; 0 when it was retired before.
    ///
    /// # Errors
    /// `Unfinished` while it has open work, `Conflict` when its journal does not stand at the tombstone's head, `Stale`, `Full`, `Io`.
    fn retire(&mut self, tombstone: &Tombstone) -> Result<u64, StoreError>;

    /// What stayed of a retired orchestration.
    ///
    /// # Errors
    /// `Io` or `Damaged`.
    fn tombstone(&mut self, tenant: &TenantId, orchestration: &OrchestrationId) -> Result<Option<Tombstone>, StoreError>;

    /// Looks at up to `limit` seen keys behind `after`, in the order of tenant and key, and deletes those whose time is over.
    ///
    /// # Errors
    /// `Stale`, `Full` or `Io`.
    fn forget_seen(&mut self, now_us: i64, after: Option<SeenCursor>, limit: usize) -> Result<Forgotten, StoreError>;

    /// Drops the effect keys of a tenant's tombstones whose horizon is over; the tombstones stay. Returns how many it touched.
    ///
    /// # Errors
    /// `Stale`, `Full` or `Io`.
    fn forget_keys(&mut self, tenant: &TenantId, now_us: i64) -> Result<u64, StoreError>;

    /// How large the partition is.
    ///
    /// # Errors
    /// `Io` or `Damaged`.
    fn sizes(&mut self) -> Result<Sizes, StoreError>;

    /// Looks for damage below the rows; [`crate::verify_all`] looks at the rows themselves. Returns one line per finding.
    ///
    /// # Errors
    /// `Io`, or `Damaged` when the file cannot be read at all.
    fn scan(&mut self, depth: Depth) -> Result<Vec<String>, StoreError>;
}
