//! Lists: projected behind the commits, with a watermark that says how far.

use provost_model::TenantId;
use rusqlite::{CachedStatement, Transaction};

use super::commit::{PUT_OPEN, PUT_SEEN, put_open, put_seen};
use super::{Sqlite, cells};
use crate::batch::{Derived, Needs, Query, Summary};
use crate::error::StoreError;

/// An older summary than the one stored changes nothing.
const PUT_SUMMARY: &str = "INSERT INTO summaries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
    ON CONFLICT (tenant, orchestration) DO UPDATE SET workflow = excluded.workflow, version = excluded.version,
        status = excluded.status, subject = excluded.subject, event = excluded.event, started_us = excluded.started_us,
        updated_us = excluded.updated_us, ended_us = excluded.ended_us
    WHERE excluded.updated_us >= updated_us";

impl Sqlite {
    pub(super) fn flush(&mut self) -> Result<u64, StoreError> {
        let lag = crate::Lists::lag(self)?;
        let watermark = if lag.watermark >= lag.lost_through { lag.last } else { lag.watermark };
        if self.waiting.is_empty() && watermark == lag.watermark {
            return Ok(watermark);
        }
        let waiting = std::mem::take(&mut self.waiting);
        let flushed = self.lazily(|store| {
            store.write(|transaction| {
                let mut statement = transaction.prepare_cached(PUT_SUMMARY)?;
                waiting.values().try_for_each(|summary| put_summary(&mut statement, summary))?;
                set_watermark(transaction, watermark)
            })
        });
        match flushed {
            Ok(()) => self.watermark = watermark,
            Err(_) => self.waiting = waiting,
        }
        flushed.map(|()| watermark)
    }

    /// Without a sync of its own: the next commit's sync covers it, and losing it only lengthens the lag.
    fn lazily<T>(&mut self, write: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.ready()?;
        self.connection.pragma_update(None, "synchronous", "NORMAL").map_err(|e| self.place.fault(e))?;
        let written = write(self);
        self.connection.pragma_update(None, "synchronous", "FULL").map_err(|e| self.place.fault(e))?;
        written
    }

    pub(super) fn wipe(&mut self) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute_batch(
                "DELETE FROM open_work; DELETE FROM seen; DELETE FROM snapshots; DELETE FROM summaries;
                 UPDATE meta SET watermark = 0 WHERE id = 1;",
            )
        })?;
        self.waiting.clear();
        (self.watermark, self.lost_through) = (0, self.last);
        Ok(())
    }

    pub(super) fn put_derived(&mut self, derived: &[Derived], through: u64) -> Result<(), StoreError> {
        let through = through.min(self.last);
        let written = self.write(|transaction| {
            let mut open = transaction.prepare_cached(PUT_OPEN)?;
            let mut seen = transaction.prepare_cached(PUT_SEEN)?;
            let mut summaries = transaction.prepare_cached(PUT_SUMMARY)?;
            for one in derived {
                match one {
                    Derived::Open(work) => put_open(&mut open, work)?,
                    Derived::Seen(tenant, answer) => put_seen(&mut seen, tenant, answer)?,
                    Derived::Summary(summary) => put_summary(&mut summaries, summary)?,
                }
            }
            transaction.execute("UPDATE meta SET watermark = max(watermark, ?1) WHERE id = 1", [cells::int(through)]).map(|_one| ())
        });
        if written.is_ok() {
            self.watermark = self.watermark.max(through);
        }
        written
    }
}

fn set_watermark(transaction: &Transaction<'_>, watermark: u64) -> rusqlite::Result<()> {
    transaction.prepare_cached("UPDATE meta SET watermark = ?1 WHERE id = 1")?.execute([cells::int(watermark)]).map(|_one| ())
}

fn put_summary(statement: &mut CachedStatement<'_>, summary: &Summary) -> rusqlite::Result<()> {
    statement
        .execute((
            summary.tenant.as_str(),
            cells::id(&summary.orchestration),
            &*summary.workflow,
            &*summary.version,
            summary.status.stored(),
            summary.subject,
            summary.event.map(|event| event.bits().to_bytes()),
            summary.started_us,
            summary.updated_us,
            summary.ended_us,
        ))
        .map(|_one| ())
}

macro_rules! select {
    ($from:literal, $narrow:literal) => {
        concat!(
            "SELECT s.tenant, s.orchestration, workflow, version, status, subject, event, started_us, updated_us, ended_us FROM ",
            $from,
            " WHERE s.tenant = ?1 AND s.orchestration < ?2 AND ",
            $narrow,
            " AND (?3 IS NULL OR workflow = ?3) AND (?4 IS NULL OR status = ?4)",
            " AND (?5 IS NULL OR subject = ?5) AND (?6 IS NULL OR event = ?6)",
            " AND (?7 = 0 OR (SELECT needs & ?7 FROM open_work o WHERE o.tenant = s.tenant AND o.orchestration = s.orchestration) <> 0)",
            " ORDER BY s.orchestration DESC LIMIT ?8"
        )
    };
}

const BY_EVENT: &str = select!("summaries s INDEXED BY summaries_by_event", "event = ?6");
const BY_SUBJECT: &str = select!("summaries s INDEXED BY summaries_by_subject", "subject = ?5");
const BY_NEEDS: &str = select!(
    "open_work w INDEXED BY open_work_needs CROSS JOIN summaries s ON s.tenant = w.tenant AND s.orchestration = w.orchestration",
    "w.tenant = ?1 AND w.orchestration < ?2 AND w.needs <> 0"
);
const BY_WORKFLOW: &str = select!("summaries s INDEXED BY summaries_by_workflow", "workflow = ?3");
const BY_STATUS: &str = select!("summaries s INDEXED BY summaries_by_status", "status = ?4");
const NEWEST: &str = select!("summaries s", "1");

/// The statement whose index narrows most.
fn statement(query: &Query) -> &'static str {
    match query {
        Query { event: Some(_), .. } => BY_EVENT,
        Query { subject: Some(_), .. } => BY_SUBJECT,
        Query { needs, .. } if *needs != Needs::NONE => BY_NEEDS,
        Query { workflow: Some(_), .. } => BY_WORKFLOW,
        Query { status: Some(_), .. } => BY_STATUS,
        Query { .. } => NEWEST,
    }
}

pub(super) fn list(connection: &rusqlite::Connection, query: &Query) -> rusqlite::Result<Vec<Summary>> {
    /// Behind every id: 17 bytes.
    const BEHIND_ALL: [u8; 17] = [u8::MAX; 17];
    let mut statement = connection.prepare_cached(statement(query))?;
    let before = query.before.map_or(BEHIND_ALL.to_vec(), |id| cells::id(&id).to_vec());
    let tenant: &TenantId = &query.tenant;
    let found = statement.query_map(
        (
            tenant.as_str(),
            before,
            query.workflow.as_deref(),
            query.status.map(crate::Status::stored),
            query.subject,
            query.event.map(|event| event.bits().to_bytes()),
            query.needs.0,
            cells::limit(query.limit),
        ),
        cells::summary,
    )?;
    found.collect()
}
