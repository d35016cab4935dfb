//! Reads by key: fixed statements, one function each.

use provost_model::record::{Head, Row, Stream};
use provost_model::{Digest, OrchestrationId, TenantId};
use rusqlite::{Connection, OptionalExtension};

use super::cells;
use crate::batch::{OpenWork, Seen, Snapshot, Tombstone};

type Sql<T> = rusqlite::Result<T>;

/// Behind every journal's stored name, whose first byte is its kind.
const BEHIND_ALL: [u8; 1] = [u8::MAX];
/// Most rows reserved for at once.
const RESERVED_ROWS: usize = 1024;

pub(super) fn epoch(connection: &Connection) -> Sql<u64> {
    connection.prepare_cached("SELECT epoch FROM meta WHERE id = 1")?.query_row([], |row| cells::unsigned(row, 0))
}

/// The last position given and the watermark of the lists.
pub(super) fn positions(connection: &Connection) -> Sql<(u64, u64)> {
    connection
        .prepare_cached("SELECT max(last_position, coalesce((SELECT max(position) FROM journal), 0)), watermark FROM meta WHERE id = 1")?
        .query_row([], |row| Ok((cells::unsigned(row, 0)?, cells::unsigned(row, 1)?)))
}

pub(super) fn head(connection: &Connection, tenant: &TenantId, stream: &Stream) -> Sql<Option<Head>> {
    connection
        .prepare_cached(
            "SELECT first_sequence, fact_count, chain FROM journal INDEXED BY journal_by_sequence
             WHERE tenant = ?1 AND stream = ?2 ORDER BY first_sequence DESC LIMIT 1",
        )?
        .query_row((tenant.as_str(), stream.stored()), cells::journal_head)
        .optional()
}

pub(super) fn rows(connection: &Connection, tenant: &TenantId, stream: &Stream, after: u64, limit: usize) -> Sql<Vec<Row>> {
    let mut statement = connection.prepare_cached(
        "SELECT position, tenant, stream, first_sequence, fact_count, format, engine, recorded_at_us, epoch, cause, chain, payload
         FROM journal INDEXED BY journal_by_sequence
         WHERE tenant = ?1 AND stream = ?2 AND first_sequence > ?3 ORDER BY first_sequence LIMIT ?4",
    )?;
    let found = statement.query_map((tenant.as_str(), stream.stored(), cells::int(after), cells::limit(limit)), cells::journal_row)?;
    found.map(|row| row.map(|(_, row)| row)).collect()
}

/// One descent into the index for each journal: `DISTINCT` would read an entry for each row.
pub(super) fn journals(connection: &Connection, tenant: &TenantId, before: Option<&Stream>, limit: usize) -> Sql<Vec<Stream>> {
    let mut statement = connection.prepare_cached(
        "SELECT tenant, stream FROM journal INDEXED BY journal_by_sequence
         WHERE tenant = ?1 AND stream < ?2 ORDER BY stream DESC, first_sequence DESC LIMIT 1",
    )?;
    let mut found: Vec<Stream> = Vec::new();
    while found.len() < limit {
        let bound = found.last().or(before).map_or_else(|| BEHIND_ALL.to_vec(), Stream::stored);
        match statement.query_row((tenant.as_str(), bound), |row| cells::stream(row, 1)).optional()? {
            Some(stream) => found.push(stream),
            None => break,
        }
    }
    Ok(found)
}

pub(super) fn feed(connection: &Connection, after: u64, through: u64, limit: usize) -> Sql<Vec<(u64, Row)>> {
    let mut statement = connection.prepare_cached(
        "SELECT position, tenant, stream, first_sequence, fact_count, format, engine, recorded_at_us, epoch, cause, chain, payload
         FROM journal WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT ?3",
    )?;
    let found = statement.query_map((cells::int(after), cells::int(through), cells::limit(limit)), cells::journal_row)?;
    let mut rows = Vec::with_capacity(limit.min(RESERVED_ROWS));
    for row in found {
        rows.push(row?);
    }
    Ok(rows)
}

pub(super) fn open_work(connection: &Connection, after: Option<&(TenantId, OrchestrationId)>, limit: usize) -> Sql<Vec<OpenWork>> {
    let mut statement = connection.prepare_cached(
        "SELECT tenant, orchestration, sequence, chain, pin, due_us, needs, work FROM open_work
         WHERE (tenant, orchestration) > (?1, ?2) ORDER BY tenant, orchestration LIMIT ?3",
    )?;
    let (tenant, id) = match after {
        Some((tenant, orchestration)) => (tenant.as_str(), cells::id(orchestration).to_vec()),
        None => ("", Vec::new()),
    };
    let found = statement.query_map((tenant, id, cells::limit(limit)), cells::open_work)?;
    found.collect()
}

/// Whether an orchestration has open work.
pub(super) fn is_open(connection: &Connection, tenant: &TenantId, orchestration: &OrchestrationId) -> Sql<bool> {
    connection
        .prepare_cached("SELECT 1 FROM open_work WHERE tenant = ?1 AND orchestration = ?2")?
        .exists((tenant.as_str(), cells::id(orchestration)))
}

pub(super) fn seen(connection: &Connection, tenant: &TenantId, key: &Digest) -> Sql<Option<Seen>> {
    connection
        .prepare_cached("SELECT key, fingerprint, until_us, answer FROM seen WHERE tenant = ?1 AND key = ?2")?
        .query_row((tenant.as_str(), key.stored()), cells::seen)
        .optional()
}

pub(super) fn snapshot(connection: &Connection, tenant: &TenantId, stream: &Stream) -> Sql<Option<Snapshot>> {
    connection
        .prepare_cached("SELECT sequence, chain, fold, state FROM snapshots WHERE tenant = ?1 AND stream = ?2")?
        .query_row((tenant.as_str(), stream.stored()), |row| cells::snapshot(row, tenant, stream))
        .optional()
}

pub(super) fn tombstone(connection: &Connection, tenant: &TenantId, orchestration: &OrchestrationId) -> Sql<Option<Tombstone>> {
    connection
        .prepare_cached(
            "SELECT tenant, orchestration, sequence, chain, pin, outcome, ended_us, effect_keys, keys_until_us
             FROM tombstones WHERE tenant = ?1 AND orchestration = ?2",
        )?
        .query_row((tenant.as_str(), cells::id(orchestration)), cells::tombstone)
        .optional()
}
