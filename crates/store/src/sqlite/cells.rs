//! Cells: from columns to the store's types and back. A cell that cannot be read is an error that names what it is, never a default.

use provost_model::id::Bits;
use provost_model::record::{Head, Row, Stream};
use provost_model::{Digest, EventId, OrchestrationId, TenantId};
use rusqlite::types::{FromSqlError, Type};

use crate::batch::{Needs, OpenWork, Seen, Snapshot, Status, Summary, Tombstone};

type Sql<T> = rusqlite::Result<T>;

/// A number as SQLite keeps it. Sequences, positions and epochs stay below 2^63, which is checked where they enter.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit as SQLite takes it.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn wrong(column: usize, kind: Type, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, what.to_owned().into())
}

fn blob<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> Sql<&'r [u8]> {
    row.get_ref(column)?.as_blob().map_err(|e| typed(column, &e))
}

fn text<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> Sql<&'r str> {
    row.get_ref(column)?.as_str().map_err(|e| typed(column, &e))
}

fn typed(column: usize, error: &FromSqlError) -> rusqlite::Error {
    wrong(column, Type::Null, &error.to_string())
}

/// A number that cannot be negative.
pub(super) fn unsigned(row: &rusqlite::Row<'_>, column: usize) -> Sql<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn tenant(row: &rusqlite::Row<'_>, column: usize) -> Sql<TenantId> {
    TenantId::parse(text(row, column)?).map_err(|e| wrong(column, Type::Text, &e.to_string()))
}

pub(super) fn orchestration(row: &rusqlite::Row<'_>, column: usize) -> Sql<OrchestrationId> {
    bits(blob(row, column)?).map(OrchestrationId::from_bits).ok_or_else(|| wrong(column, Type::Blob, "no orchestration's id"))
}

fn bits(bytes: &[u8]) -> Option<Bits> {
    bytes.try_into().ok().map(Bits::from_bytes)
}

pub(super) fn stream(row: &rusqlite::Row<'_>, column: usize) -> Sql<Stream> {
    Stream::from_stored(blob(row, column)?).ok_or_else(|| wrong(column, Type::Blob, "no journal's name"))
}

pub(super) fn digest(row: &rusqlite::Row<'_>, column: usize) -> Sql<Digest> {
    Digest::from_stored(blob(row, column)?).ok_or_else(|| wrong(column, Type::Blob, "no digest"))
}

fn head(row: &rusqlite::Row<'_>, column: usize) -> Sql<Head> {
    Ok(Head { sequence: unsigned(row, column)?, chain: digest(row, column + 1)? })
}

fn status(row: &rusqlite::Row<'_>, column: usize) -> Sql<Status> {
    Status::from_stored(row.get(column)?).ok_or_else(|| wrong(column, Type::Integer, "no status"))
}

/// Columns `position, tenant, stream, first_sequence, fact_count, format, engine, recorded_at_us, epoch, cause, chain, payload`.
pub(super) fn journal_row(row: &rusqlite::Row<'_>) -> Sql<(u64, Row)> {
    let cause = serde_json::from_str(text(row, 9)?).map_err(|e| wrong(9, Type::Text, &e.to_string()))?;
    let read = Row {
        tenant: tenant(row, 1)?,
        stream: stream(row, 2)?,
        first_sequence: unsigned(row, 3)?,
        fact_count: row.get(4)?,
        format: row.get(5)?,
        engine: row.get(6)?,
        recorded_at_us: row.get(7)?,
        epoch: unsigned(row, 8)?,
        cause,
        chain: digest(row, 10)?,
        payload: blob(row, 11)?.to_vec(),
    };
    match read.first_sequence.checked_add(u64::from(read.fact_count)) {
        Some(end) if read.fact_count > 0 && i64::try_from(end).is_ok() => Ok((unsigned(row, 0)?, read)),
        Some(_) | None => Err(wrong(3, Type::Integer, "no sequence")),
    }
}

/// Columns `first_sequence, fact_count, chain`.
pub(super) fn journal_head(row: &rusqlite::Row<'_>) -> Sql<Head> {
    let behind = unsigned(row, 0)?.checked_add(u64::from(row.get::<_, u32>(1)?));
    let sequence = behind.and_then(|n| n.checked_sub(1)).ok_or_else(|| wrong(0, Type::Integer, "no sequence"))?;
    Ok(Head { sequence, chain: digest(row, 2)? })
}

/// Columns `tenant, orchestration, sequence, chain, pin, due_us, needs, work`.
pub(super) fn open_work(row: &rusqlite::Row<'_>) -> Sql<OpenWork> {
    Ok(OpenWork {
        tenant: tenant(row, 0)?,
        orchestration: orchestration(row, 1)?,
        head: head(row, 2)?,
        pin: digest(row, 4)?,
        due_us: row.get(5)?,
        needs: Needs(row.get(6)?),
        work: blob(row, 7)?.to_vec(),
    })
}

/// Columns `key, fingerprint, until_us, answer`.
pub(super) fn seen(row: &rusqlite::Row<'_>) -> Sql<Seen> {
    Ok(Seen { key: digest(row, 0)?, fingerprint: digest(row, 1)?, until_us: row.get(2)?, answer: blob(row, 3)?.to_vec() })
}

/// Columns `sequence, chain, fold, state` of a journal's snapshot.
pub(super) fn snapshot(row: &rusqlite::Row<'_>, tenant: &TenantId, stream: &Stream) -> Sql<Snapshot> {
    Ok(Snapshot { tenant: tenant.clone(), stream: stream.clone(), head: head(row, 0)?, fold: row.get(2)?, state: blob(row, 3)?.to_vec() })
}

/// Columns `tenant, orchestration, workflow, version, status, subject, event, started_us, updated_us, ended_us`.
pub(super) fn summary(row: &rusqlite::Row<'_>) -> Sql<Summary> {
    let event = match row.get_ref(6)?.as_blob_or_null().map_err(|e| typed(6, &e))? {
        Some(bytes) => Some(bits(bytes).map(EventId::from_bits).ok_or_else(|| wrong(6, Type::Blob, "no event's id"))?),
        None => None,
    };
    Ok(Summary {
        tenant: tenant(row, 0)?,
        orchestration: orchestration(row, 1)?,
        workflow: text(row, 2)?.into(),
        version: text(row, 3)?.into(),
        status: status(row, 4)?,
        subject: row.get(5)?,
        event,
        started_us: row.get(7)?,
        updated_us: row.get(8)?,
        ended_us: row.get(9)?,
    })
}

/// Columns `tenant, orchestration, sequence, chain, pin, outcome, ended_us, effect_keys, keys_until_us`.
pub(super) fn tombstone(row: &rusqlite::Row<'_>) -> Sql<Tombstone> {
    let keys = blob(row, 7)?.chunks(33).map(Digest::from_stored).collect::<Option<Vec<_>>>();
    Ok(Tombstone {
        tenant: tenant(row, 0)?,
        orchestration: orchestration(row, 1)?,
        head: head(row, 2)?,
        pin: digest(row, 4)?,
        outcome: status(row, 5)?,
        ended_us: row.get(6)?,
        effect_keys: keys.ok_or_else(|| wrong(7, Type::Blob, "no effect keys"))?,
        keys_until_us: row.get(8)?,
    })
}

/// An orchestration's id as stored.
pub(super) fn id(orchestration: &OrchestrationId) -> [u8; 16] {
    orchestration.bits().to_bytes()
}
