//! The commit: one transaction for a whole batch.
//!
//! Order of checks: the batch alone, the epoch, then each entry's head; the unique index is the last guard.

use provost_model::TenantId;
use provost_model::record::{Head, Stream};
use rusqlite::{CachedStatement, Transaction};

use super::fault::Place;
use super::heads::Heads;
use super::{Sqlite, begin, cells, fence, reads};
use crate::batch::{Batch, Entry, OpenChange, OpenWork, Seen};
use crate::error::StoreError;

impl Sqlite {
    pub(super) fn commit_batch(&mut self, batch: &Batch) -> Result<u64, StoreError> {
        batch.check()?;
        self.ready()?;
        if batch.epoch != self.claimed {
            return Err(StoreError::Stale { ours: batch.epoch, current: self.read(reads::epoch)? });
        }
        let (place, heads, last) = (&self.place, &mut self.heads, self.last);
        let written = begin(&mut self.connection, place).and_then(|transaction| {
            fence(&transaction, place, batch.epoch)?;
            write_all(&transaction, place, heads, batch, last)?;
            transaction.commit().map_err(|e| place.fault(e))
        });
        self.settle(written)?;
        self.last += batch.entries.len() as u64;
        self.wait_for_flush(batch);
        Ok(self.last)
    }

    fn wait_for_flush(&mut self, batch: &Batch) {
        for entry in &batch.entries {
            if let Some(summary) = &entry.summary {
                self.waiting.insert((summary.tenant.clone(), summary.orchestration), summary.clone());
            }
            if entry.open == OpenChange::Close {
                self.heads.drop(&entry.row.tenant, &entry.row.stream);
            }
        }
    }
}

fn write_all(tx: &Transaction<'_>, place: &Place, heads: &mut Heads, batch: &Batch, last: u64) -> Result<(), StoreError> {
    let mut tables = Tables::prepare(tx).map_err(|e| place.fault(e))?;
    for (position, entry) in (last + 1..).zip(&batch.entries) {
        expect_head(tx, place, heads, entry)?;
        let head = entry.row.head();
        tables.put(position, entry).map_err(|e| place.fault(e))?;
        heads.keep(&entry.row.tenant, &entry.row.stream, head);
    }
    Ok(())
}

fn expect_head(tx: &Transaction<'_>, place: &Place, heads: &Heads, entry: &Entry) -> Result<(), StoreError> {
    let (tenant, stream) = (&entry.row.tenant, &entry.row.stream);
    let found = match heads.find(tenant, stream) {
        Some(head) => head,
        None => stored_head(tx, place, tenant, stream)?,
    };
    if found == entry.expected {
        return Ok(());
    }
    Err(StoreError::Conflict {
        tenant: tenant.clone(),
        stream: Box::new(stream.clone()),
        expected: Box::new(entry.expected),
        found: Box::new(found),
    })
}

fn stored_head(tx: &Transaction<'_>, place: &Place, tenant: &TenantId, stream: &Stream) -> Result<Head, StoreError> {
    if let Some(head) = reads::head(tx, tenant, stream).map_err(|e| place.fault(e))? {
        return Ok(head);
    }
    match stream {
        Stream::Orchestration(id) if reads::tombstone(tx, tenant, id).map_err(|e| place.fault(e))?.is_some() => {
            Err(StoreError::Retired(*id))
        }
        Stream::Orchestration(_) | Stream::Inbox(_) | Stream::Control => Ok(Head::EMPTY),
    }
}

/// The tables a commit touches, as prepared statements.
struct Tables<'t> {
    journal: CachedStatement<'t>,
    open: CachedStatement<'t>,
    close: CachedStatement<'t>,
    seen: CachedStatement<'t>,
}

impl<'t> Tables<'t> {
    fn prepare(tx: &'t Transaction<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            journal: tx.prepare_cached("INSERT INTO journal VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")?,
            open: tx.prepare_cached(PUT_OPEN)?,
            close: tx.prepare_cached("DELETE FROM open_work WHERE tenant = ?1 AND orchestration = ?2")?,
            seen: tx.prepare_cached(PUT_SEEN)?,
        })
    }

    fn put(&mut self, position: u64, entry: &Entry) -> rusqlite::Result<()> {
        self.put_row(position, entry)?;
        match (&entry.open, &entry.row.stream) {
            (OpenChange::Set(work) | OpenChange::Forward(work), _) => put_open(&mut self.open, work)?,
            (OpenChange::Delivered(id), _) => {
                self.close.execute((entry.row.tenant.as_str(), cells::id(id)))?;
            }
            (OpenChange::Close, Stream::Orchestration(id)) => {
                self.close.execute((entry.row.tenant.as_str(), cells::id(id)))?;
            }
            (OpenChange::Keep, _) | (OpenChange::Close, Stream::Inbox(_) | Stream::Control) => {}
        }
        match &entry.seen {
            Some(seen) => put_seen(&mut self.seen, &entry.row.tenant, seen),
            None => Ok(()),
        }
    }

    fn put_row(&mut self, position: u64, entry: &Entry) -> rusqlite::Result<()> {
        let row = &entry.row;
        let cause = serde_json::to_string(&row.cause).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
        self.journal
            .execute((
                cells::int(position),
                row.tenant.as_str(),
                row.stream.stored(),
                cells::int(row.first_sequence),
                row.fact_count,
                row.format,
                row.engine,
                row.recorded_at_us,
                cells::int(row.epoch),
                cause,
                row.chain.stored(),
                &row.payload,
            ))
            .map(|_one| ())
    }
}

/// Puts one row of open work.
pub(super) const PUT_OPEN: &str = "INSERT OR REPLACE INTO open_work VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
/// Puts one answer to a key.
pub(super) const PUT_SEEN: &str = "INSERT OR REPLACE INTO seen VALUES (?1, ?2, ?3, ?4, ?5)";

pub(super) fn put_open(statement: &mut CachedStatement<'_>, work: &OpenWork) -> rusqlite::Result<()> {
    statement
        .execute((
            work.tenant.as_str(),
            cells::id(&work.orchestration),
            cells::int(work.head.sequence),
            work.head.chain.stored(),
            work.pin.stored(),
            work.due_us,
            work.needs.0,
            &work.work,
        ))
        .map(|_one| ())
}

pub(super) fn put_seen(statement: &mut CachedStatement<'_>, tenant: &TenantId, seen: &Seen) -> rusqlite::Result<()> {
    statement.execute((tenant.as_str(), seen.key.stored(), seen.fingerprint.stored(), seen.until_us, &seen.answer)).map(|_one| ())
}
