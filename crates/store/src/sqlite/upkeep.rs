//! Epochs, snapshots, retention, sizes and damage.

use provost_model::record::{Head, Stream};
use provost_model::{OrchestrationId, TenantId};
use rusqlite::{Connection, Transaction};

use super::fault::Place;
use super::{Sqlite, begin, cells, fence, reads};
use crate::batch::{CELL_BYTES_MAX, Snapshot, Tombstone, within};
use crate::error::StoreError;
use crate::upkeep::{Depth, Forgotten, SeenCursor, Sizes};

/// Most findings of one scan.
const FINDINGS_MAX: u32 = 100;

impl Sqlite {
    pub(super) fn claim_epoch(&mut self) -> Result<u64, StoreError> {
        self.ready()?;
        let place = &self.place;
        let claimed = begin(&mut self.connection, place).and_then(|transaction| {
            let epoch = next_epoch(&transaction).map_err(|e| place.fault(e))?;
            transaction.commit().map_err(|e| place.fault(e))?;
            Ok(epoch)
        });
        self.claimed = self.settle(claimed)?;
        self.waiting.clear();
        self.last = 0;
        self.read_again()?;
        Ok(self.claimed)
    }

    pub(super) fn put_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        within("a snapshot", snapshot.state.len(), CELL_BYTES_MAX, "bytes")?;
        self.write(|transaction| {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO snapshots VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute((
                    snapshot.tenant.as_str(),
                    snapshot.stream.stored(),
                    cells::int(snapshot.head.sequence),
                    snapshot.head.chain.stored(),
                    snapshot.fold,
                    &snapshot.state,
                ))
                .map(|_one| ())
        })
    }

    pub(super) fn bury(&mut self, tombstone: &Tombstone) -> Result<u64, StoreError> {
        self.ready()?;
        let (place, claimed, last) = (&self.place, self.claimed, self.last);
        let buried = begin(&mut self.connection, place).and_then(|transaction| {
            fence(&transaction, place, claimed)?;
            let deleted = bury(&transaction, place, tombstone, last)?;
            transaction.commit().map_err(|e| place.fault(e))?;
            Ok(deleted)
        });
        let deleted = self.settle(buried)?;
        self.waiting.remove(&(tombstone.tenant.clone(), tombstone.orchestration));
        self.heads.drop(&tombstone.tenant, &Stream::Orchestration(tombstone.orchestration));
        Ok(deleted)
    }

    pub(super) fn measure(&mut self) -> Result<Sizes, StoreError> {
        let pragma = |connection: &Connection, name: &str| connection.pragma_query_value(None, name, |row| cells::unsigned(row, 0));
        let (page, pages, free) = self.read(|connection| {
            Ok((pragma(connection, "page_size")?, pragma(connection, "page_count")?, pragma(connection, "freelist_count")?))
        })?;
        let mut wal = self.path.clone().into_os_string();
        wal.push("-wal");
        let wal_bytes = std::fs::metadata(wal).map_or(0, |about| about.len());
        Ok(Sizes { file_bytes: page * pages, wal_bytes, free_bytes: page * free, last_position: self.last })
    }
}

fn next_epoch(transaction: &Transaction<'_>) -> rusqlite::Result<u64> {
    transaction.execute("UPDATE meta SET epoch = epoch + 1, clean = 0 WHERE id = 1", [])?;
    reads::epoch(transaction)
}

pub(super) fn drop_snapshot(transaction: &Transaction<'_>, tenant: &TenantId, stream: &Stream) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM snapshots WHERE tenant = ?1 AND stream = ?2")?
        .execute((tenant.as_str(), stream.stored()))
        .map(|_many| ())
}

fn bury(transaction: &Transaction<'_>, place: &Place, tombstone: &Tombstone, last: u64) -> Result<u64, StoreError> {
    let (tenant, id) = (&tombstone.tenant, &tombstone.orchestration);
    let stream = Stream::Orchestration(*id);
    let fault = |e| place.fault(e);
    if reads::tombstone(transaction, tenant, id).map_err(fault)?.is_some() {
        return Ok(0);
    }
    if reads::is_open(transaction, tenant, id).map_err(fault)? {
        return Err(StoreError::Unfinished(*id));
    }
    let found = reads::head(transaction, tenant, &stream).map_err(fault)?.unwrap_or(Head::EMPTY);
    if found != tombstone.head || found == Head::EMPTY {
        return Err(StoreError::Conflict {
            tenant: tenant.clone(),
            stream: Box::new(stream),
            expected: Box::new(tombstone.head),
            found: Box::new(found),
        });
    }
    replace_by_tombstone(transaction, tombstone, &stream, id, last).map_err(fault)
}

fn replace_by_tombstone(
    transaction: &Transaction<'_>,
    tombstone: &Tombstone,
    stream: &Stream,
    id: &OrchestrationId,
    last: u64,
) -> rusqlite::Result<u64> {
    let tenant = tombstone.tenant.as_str();
    let keys: Vec<u8> = tombstone.effect_keys.iter().flat_map(|key| key.stored()).collect();
    transaction.prepare_cached("INSERT INTO tombstones VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?.execute((
        tenant,
        cells::id(id),
        cells::int(tombstone.head.sequence),
        tombstone.head.chain.stored(),
        tombstone.pin.stored(),
        tombstone.outcome.stored(),
        tombstone.ended_us,
        keys,
        tombstone.keys_until_us,
    ))?;
    transaction.prepare_cached("UPDATE meta SET last_position = ?1 WHERE id = 1")?.execute([cells::int(last)])?;
    drop_snapshot(transaction, &tombstone.tenant, stream)?;
    transaction.prepare_cached("DELETE FROM summaries WHERE tenant = ?1 AND orchestration = ?2")?.execute((tenant, cells::id(id)))?;
    let deleted =
        transaction.prepare_cached("DELETE FROM journal WHERE tenant = ?1 AND stream = ?2")?.execute((tenant, stream.stored()))?;
    Ok(deleted as u64)
}

pub(super) fn forget_seen(
    transaction: &Transaction<'_>,
    now_us: i64,
    after: Option<&SeenCursor>,
    limit: usize,
) -> rusqlite::Result<Forgotten> {
    let (tenant, key) = match after {
        Some((tenant, key)) => (tenant.as_str(), key.stored().to_vec()),
        None => ("", Vec::new()),
    };
    let mut look = transaction
        .prepare_cached("SELECT tenant, key, until_us FROM seen WHERE (tenant, key) > (?1, ?2) ORDER BY tenant, key LIMIT ?3")?;
    let page: Vec<(TenantId, provost_model::Digest, i64)> = look
        .query_map((tenant, key, cells::limit(limit)), |row| Ok((cells::tenant(row, 0)?, cells::digest(row, 1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut forget = transaction.prepare_cached("DELETE FROM seen WHERE tenant = ?1 AND key = ?2")?;
    let mut forgotten = Forgotten::default();
    for (tenant, key, until_us) in &page {
        if *until_us <= now_us {
            forget.execute((tenant.as_str(), key.stored()))?;
            forgotten.deleted += 1;
        }
    }
    forgotten.next = page.last().filter(|_| page.len() == limit).map(|(tenant, key, _)| (tenant.clone(), *key));
    Ok(forgotten)
}

pub(super) fn forget_keys(transaction: &Transaction<'_>, tenant: &TenantId, now_us: i64) -> rusqlite::Result<u64> {
    let touched = transaction
        .prepare_cached(
            "UPDATE tombstones INDEXED BY tombstones_by_horizon SET effect_keys = x''
             WHERE tenant = ?1 AND keys_until_us <= ?2 AND effect_keys <> x''",
        )?
        .execute((tenant.as_str(), now_us))?;
    Ok(touched as u64)
}

pub(super) fn scan(connection: &Connection, depth: Depth) -> rusqlite::Result<Vec<String>> {
    let pragma = match depth {
        Depth::Quick => "quick_check",
        Depth::Full => "integrity_check",
    };
    let mut findings = Vec::new();
    connection.pragma(None, pragma, FINDINGS_MAX, |row| {
        findings.push(row.get::<_, String>(0)?);
        Ok(())
    })?;
    findings.retain(|line| line != "ok");
    Ok(findings)
}
