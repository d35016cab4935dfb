//! A store that fails on purpose, as a plan says: for the simulator and for tests of everything above the port.
//!
//! What must stay true: without a fault every call goes straight through; after [`Fault::Crash`] every call fails until the store is
//! opened anew.

use provost_model::record::{Head, Row, Stream};
use provost_model::{Digest, OrchestrationId, TenantId};

use crate::batch::{Batch, Derived, OpenWork, Query, Seen, Snapshot, Summary, Tombstone};
use crate::error::StoreError;
use crate::port::Store;
use crate::upkeep::{Depth, Forgotten, Lag, Lists, SeenCursor, Sizes, Upkeep};

/// Where an injected fault says it happened.
const PLACE: &str = "injected";

/// A call that is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op<'o> {
    /// [`Store::commit`].
    Commit(&'o Batch),
    /// Any reading call, by name.
    Read(&'static str),
    /// Any other writing call, by name.
    Write(&'static str),
}

/// What happens to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It fails and changes nothing.
    FailBefore,
    /// It takes place, and its caller hears that it failed.
    FailAfter,
    /// The disk is full; nothing is kept.
    DiskFull,
    /// The process dies before it.
    CrashBefore,
    /// The process dies after it, before anybody hears of it.
    Crash,
}

/// A store under a plan of faults.
#[derive(Debug)]
pub struct FaultyStore<S, P> {
    inner: S,
    plan: P,
    dead: bool,
}

impl<S: Upkeep, P: FnMut(&Op<'_>) -> Fault + Send> FaultyStore<S, P> {
    /// Puts a plan in front of a store.
    pub fn new(inner: S, plan: P) -> Self {
        Self { inner, plan, dead: false }
    }

    /// Whether a crash has happened.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// The store behind, for opening it anew.
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// The store behind, past all faults.
    pub fn inner(&mut self) -> &mut S {
        &mut self.inner
    }

    fn call<T>(&mut self, op: &Op<'_>, work: impl FnOnce(&mut S) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.dead {
            return Err(failed("the process has crashed"));
        }
        match (self.plan)(op) {
            Fault::None => work(&mut self.inner),
            Fault::FailBefore => Err(failed("the write failed")),
            Fault::DiskFull => Err(StoreError::Full { path: PLACE.to_owned() }),
            Fault::FailAfter => work(&mut self.inner).and(Err(failed("the sync failed"))),
            Fault::CrashBefore => {
                self.dead = true;
                Err(failed("the process has crashed"))
            }
            Fault::Crash => {
                self.dead = true;
                work(&mut self.inner).and(Err(failed("the process has crashed")))
            }
        }
    }
}

fn failed(what: &str) -> StoreError {
    StoreError::Io { path: PLACE.to_owned(), what: what.to_owned() }
}

impl<S: Upkeep, P: FnMut(&Op<'_>) -> Fault + Send> Store for FaultyStore<S, P> {
    fn commit(&mut self, batch: &Batch) -> Result<u64, StoreError> {
        self.call(&Op::Commit(batch), |store| store.commit(batch))
    }

    fn head(&mut self, tenant: &TenantId, stream: &Stream) -> Result<Option<Head>, StoreError> {
        self.call(&Op::Read("head"), |store| store.head(tenant, stream))
    }

    fn rows(&mut self, tenant: &TenantId, stream: &Stream, after_sequence: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.call(&Op::Read("rows"), |store| store.rows(tenant, stream, after_sequence, limit))
    }

    fn feed(&mut self, after_position: u64, limit: usize) -> Result<Vec<(u64, Row)>, StoreError> {
        self.call(&Op::Read("feed"), |store| store.feed(after_position, limit))
    }

    fn open_work(&mut self, after: Option<(TenantId, OrchestrationId)>, limit: usize) -> Result<Vec<OpenWork>, StoreError> {
        self.call(&Op::Read("open_work"), |store| store.open_work(after, limit))
    }

    fn seen(&mut self, tenant: &TenantId, key: &Digest) -> Result<Option<Seen>, StoreError> {
        self.call(&Op::Read("seen"), |store| store.seen(tenant, key))
    }

    fn snapshot(&mut self, tenant: &TenantId, stream: &Stream) -> Result<Option<Snapshot>, StoreError> {
        self.call(&Op::Read("snapshot"), |store| store.snapshot(tenant, stream))
    }

    fn list(&mut self, query: &Query) -> Result<Vec<Summary>, StoreError> {
        self.call(&Op::Read("list"), |store| store.list(query))
    }
}

impl<S: Upkeep, P: FnMut(&Op<'_>) -> Fault + Send> Lists for FaultyStore<S, P> {
    fn flush_lists(&mut self) -> Result<u64, StoreError> {
        self.call(&Op::Write("flush_lists"), S::flush_lists)
    }

    fn lag(&mut self) -> Result<Lag, StoreError> {
        self.call(&Op::Read("lag"), S::lag)
    }

    fn unprojected(&mut self, after_position: u64, limit: usize) -> Result<Vec<(u64, Row)>, StoreError> {
        self.call(&Op::Read("unprojected"), |store| store.unprojected(after_position, limit))
    }

    fn wipe_derived(&mut self) -> Result<(), StoreError> {
        self.call(&Op::Write("wipe_derived"), S::wipe_derived)
    }

    fn derive(&mut self, derived: &[Derived], through: u64) -> Result<(), StoreError> {
        self.call(&Op::Write("derive"), |store| store.derive(derived, through))
    }
}

impl<S: Upkeep, P: FnMut(&Op<'_>) -> Fault + Send> Upkeep for FaultyStore<S, P> {
    fn claim(&mut self) -> Result<u64, StoreError> {
        self.call(&Op::Write("claim"), S::claim)
    }

    fn write_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.call(&Op::Write("write_snapshot"), |store| store.write_snapshot(snapshot))
    }

    fn drop_snapshot(&mut self, tenant: &TenantId, stream: &Stream) -> Result<(), StoreError> {
        self.call(&Op::Write("drop_snapshot"), |store| store.drop_snapshot(tenant, stream))
    }

    fn journals(&mut self, tenant: &TenantId, before: Option<&Stream>, limit: usize) -> Result<Vec<Stream>, StoreError> {
        self.call(&Op::Read("journals"), |store| store.journals(tenant, before, limit))
    }

    fn retire(&mut self, tombstone: &Tombstone) -> Result<u64, StoreError> {
        self.call(&Op::Write("retire"), |store| store.retire(tombstone))
    }

    fn tombstone(&mut self, tenant: &TenantId, orchestration: &OrchestrationId) -> Result<Option<Tombstone>, StoreError> {
        self.call(&Op::Read("tombstone"), |store| store.tombstone(tenant, orchestration))
    }

    fn forget_seen(&mut self, now_us: i64, after: Option<SeenCursor>, limit: usize) -> Result<Forgotten, StoreError> {
        self.call(&Op::Write("forget_seen"), |store| store.forget_seen(now_us, after, limit))
    }

    fn forget_keys(&mut self, tenant: &TenantId, now_us: i64) -> Result<u64, StoreError> {
        self.call(&Op::Write("forget_keys"), |store| store.forget_keys(tenant, now_us))
    }

    fn sizes(&mut self) -> Result<Sizes, StoreError> {
        self.call(&Op::Read("sizes"), S::sizes)
    }

    fn scan(&mut self, depth: Depth) -> Result<Vec<String>, StoreError> {
        self.call(&Op::Read("scan"), |store| store.scan(depth))
    }
}
