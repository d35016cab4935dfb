//! The tables of a partition's file, and opening it.
//!
//! What must stay true: tenant is the first column of every key; journals are clustered by position with one unique index
//! (tenant, stream, first sequence); everything but `meta`, `journal` and `tombstones` is derived.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::{Place, damaged};
use crate::error::StoreError;

/// The format of the tables.
pub(super) const FILE_FORMAT: u32 = 1;
/// Marks the file as ours: `PRVT`.
const APPLICATION_ID: u32 = 0x5052_5654;
/// Bytes of one page.
pub(super) const PAGE_BYTES: u32 = 8192;
/// How long one connection waits for another, in milliseconds.
const BUSY_MS: u64 = 5_000;
/// Prepared statements kept.
const STATEMENTS: usize = 64;

/// Which partition a file is, written at its creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number, from 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
    /// When it was created, in microseconds UTC.
    pub created_at_us: i64,
}

/// What a file holds.
const NAMES: [&str; 7] = ["meta", "journal", "tombstones", "open_work", "seen", "snapshots", "summaries"];

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    partition_index INTEGER NOT NULL,
    partition_count INTEGER NOT NULL,
    record_format INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    watermark INTEGER NOT NULL,
    clean INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS journal (
    position INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    stream BLOB NOT NULL,
    first_sequence INTEGER NOT NULL,
    fact_count INTEGER NOT NULL,
    format INTEGER NOT NULL,
    engine INTEGER NOT NULL,
    recorded_at_us INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    cause TEXT NOT NULL,
    chain BLOB NOT NULL,
    payload BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS journal_by_sequence ON journal (tenant, stream, first_sequence);
CREATE TABLE IF NOT EXISTS tombstones (
    tenant TEXT NOT NULL,
    orchestration BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    chain BLOB NOT NULL,
    pin BLOB NOT NULL,
    outcome INTEGER NOT NULL,
    ended_us INTEGER NOT NULL,
    effect_keys BLOB NOT NULL,
    keys_until_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, orchestration)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tombstones_by_horizon ON tombstones (tenant, keys_until_us) WHERE effect_keys <> x'';
CREATE TABLE IF NOT EXISTS open_work (
    tenant TEXT NOT NULL,
    orchestration BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    chain BLOB NOT NULL,
    pin BLOB NOT NULL,
    due_us INTEGER,
    needs INTEGER NOT NULL,
    work BLOB NOT NULL,
    PRIMARY KEY (tenant, orchestration)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS open_work_needs ON open_work (tenant, orchestration) WHERE needs <> 0;
CREATE TABLE IF NOT EXISTS seen (
    tenant TEXT NOT NULL,
    key BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    until_us INTEGER NOT NULL,
    answer BLOB NOT NULL,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS snapshots (
    tenant TEXT NOT NULL,
    stream BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    chain BLOB NOT NULL,
    fold INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (tenant, stream)
) STRICT;
CREATE TABLE IF NOT EXISTS summaries (
    tenant TEXT NOT NULL,
    orchestration BLOB NOT NULL,
    workflow TEXT NOT NULL,
    version TEXT NOT NULL,
    status INTEGER NOT NULL,
    subject BLOB,
    event BLOB,
    started_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    ended_us INTEGER,
    PRIMARY KEY (tenant, orchestration)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS summaries_by_workflow ON summaries (tenant, workflow, orchestration);
CREATE INDEX IF NOT EXISTS summaries_by_status ON summaries (tenant, status, orchestration);
CREATE INDEX IF NOT EXISTS summaries_by_subject ON summaries (tenant, subject, orchestration) WHERE subject IS NOT NULL;
CREATE INDEX IF NOT EXISTS summaries_by_event ON summaries (tenant, event, orchestration) WHERE event IS NOT NULL;
";

/// Opens or creates a partition's file with its tables.
pub(super) fn open(path: &Path, partition: Partition, cache_kib: u32) -> Result<Connection, StoreError> {
    let place = Place::new(path);
    let connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE)?;
    if is_empty(&connection).map_err(|e| place.fault(e))? {
        create(&connection, &place, partition)?;
    }
    check(&connection, &place, partition)?;
    tune(&connection, cache_kib).map_err(|e| place.fault(e))?;
    Ok(connection)
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

/// Whether a file has no tables yet, or was never claimed.
pub(super) fn is_unused(path: &Path) -> Result<bool, StoreError> {
    let connection = connect(path, OpenFlags::empty())?;
    let unused = || Ok(is_empty(&connection)? || super::reads::epoch(&connection)? == 0);
    unused().map_err(|e| Place::new(path).fault(e))
}

/// Makes the tables that a file lacks; returns their names. What `meta` said of epoch and positions is read from the journal.
pub(super) fn restore(path: &Path, partition: Partition) -> Result<Vec<String>, StoreError> {
    let place = Place::new(path);
    let connection = connect(path, OpenFlags::empty())?;
    check_ours(&connection, &place)?;
    let before = tables(&connection).map_err(|e| place.fault(e))?;
    if !before.iter().any(|table| table == "journal") {
        return Err(StoreError::Lost { path: path.display().to_string(), what: "its journal is not there".to_owned() });
    }
    let made = || -> rusqlite::Result<Vec<String>> {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(TABLES)?;
        transaction.execute(
            "INSERT OR IGNORE INTO meta SELECT 1, ?1, ?2, ?3, ?4, coalesce(max(epoch), 0), coalesce(max(position), 0), 0, 0 FROM journal",
            (partition.index, partition.count, provost_model::record::FORMAT, partition.created_at_us),
        )?;
        let after = tables(&transaction)?;
        transaction.commit()?;
        Ok(after.into_iter().filter(|table| !before.contains(table)).collect())
    };
    let made = made().map_err(|e| place.fault(e))?;
    check(&connection, &place, partition)?;
    Ok(made)
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut found = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    found.query_map([], |row| row.get(0))?.collect()
}

/// One more connection to a partition's file.
pub(super) fn connect(path: &Path, create: OpenFlags) -> Result<Connection, StoreError> {
    let place = Place::new(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| place.fault(e))?;
    connection.busy_timeout(Duration::from_millis(BUSY_MS)).map_err(|e| place.fault(e))?;
    // A plan that looks at what is bound is made anew whenever something else is bound; ours depend on no value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(|e| place.fault(e))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn create(connection: &Connection, place: &Place, partition: Partition) -> Result<(), StoreError> {
    let steps = || -> rusqlite::Result<()> {
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        journal_in_wal(connection)?;
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", FILE_FORMAT)?;
        transaction.execute(
            "INSERT INTO meta VALUES (1, ?1, ?2, ?3, ?4, 0, 0, 0, 1)",
            (partition.index, partition.count, provost_model::record::FORMAT, partition.created_at_us),
        )?;
        transaction.commit()
    };
    steps().map_err(|e| place.fault(e))
}

/// Refuses a file of a newer format without touching it; whatever else is wrong with it is found when it is opened.
pub(super) fn refuse_newer(path: &Path) -> Result<(), StoreError> {
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(connection) = Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags) else { return Ok(()) };
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u32>(0)).ok();
    if number("SELECT application_id FROM pragma_application_id") != Some(APPLICATION_ID) {
        return Ok(());
    }
    let formats = [
        (number("SELECT user_version FROM pragma_user_version"), FILE_FORMAT),
        (number("SELECT record_format FROM meta WHERE id = 1"), u32::from(provost_model::record::FORMAT)),
    ];
    let newer = formats.into_iter().find_map(|(found, known)| found.filter(|found| *found > known).map(|found| (found, known)));
    newer.map_or(Ok(()), |(found, known)| Err(StoreError::Newer { path: path.display().to_string(), found, known }))
}

/// Refuses a file of another program, or of a newer one of ours.
fn check_ours(connection: &Connection, place: &Place) -> Result<(), StoreError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0)).map_err(|e| place.fault(e));
    if pragma("application_id")? != APPLICATION_ID {
        return Err(damaged(place, "it is a database of another program".to_owned()));
    }
    let found = pragma("user_version")?;
    if found > FILE_FORMAT {
        return Err(StoreError::Newer { path: place.to_string(), found, known: FILE_FORMAT });
    }
    Ok(())
}

fn check(connection: &Connection, place: &Place, partition: Partition) -> Result<(), StoreError> {
    check_ours(connection, place)?;
    let found = tables(connection).map_err(|e| place.fault(e))?;
    let lacks: Vec<&str> = NAMES.into_iter().filter(|name| !found.iter().any(|table| table == name)).collect();
    if !lacks.is_empty() {
        return Err(damaged(place, format!("it lacks the tables {}", lacks.join(", "))));
    }
    let (index, count, record): (u32, u32, u32) = connection
        .query_row("SELECT partition_index, partition_count, record_format FROM meta WHERE id = 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .map_err(|e| place.fault(e))?;
    let known = u32::from(provost_model::record::FORMAT);
    if record > known {
        return Err(StoreError::Newer { path: place.to_string(), found: record, known });
    }
    if (index, count) == (partition.index, partition.count) {
        return Ok(());
    }
    let wanted = format!("{} of {}", partition.index, partition.count);
    Err(damaged(place, format!("it is partition {index} of {count}, expected {wanted}")))
}

fn journal_in_wal(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0)).map(|_mode| ())
}

fn tune(connection: &Connection, cache_kib: u32) -> rusqlite::Result<()> {
    journal_in_wal(connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "journal_size_limit", super::cells::int(super::checkpoint::WAL_BYTES_MAX))
}
