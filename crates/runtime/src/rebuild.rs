//! Rebuild: everything but the journals, derived from them again.
//!
//! What must stay true: nothing is deleted before every chain was found sound and every row could be folded; what is written comes from the functions that the
//! commits use, so that it equals what they wrote; a rebuild that is broken off leaves the folder closed to everything but the next one.
//! Not equal to what was there: snapshots (where they stand depends on which transitions shared a commit) and keys whose time is over.

use std::collections::BTreeMap;
use std::path::Path;

use provost_control::ControlTransition;
use provost_engine::Orchestration;
use provost_model::limits::SNAPSHOT_FACTS;
use provost_model::record::{Head, Row, Stream};
use provost_model::{OrchestrationId, TenantId};
use provost_store::{Chains, Damage, Depth, Derived, Folder, OpenChange, Seen, Snapshot, StoreError, Summary, Upkeep, verify_all};
use serde::Serialize;

use crate::gate::Refused;
use crate::inbox::{self, InboxFact};
use crate::node::{TENANTS_FILE, existing_salt, write_small};
use crate::partition::{
    FOLD, ROWS_READ, View, fold_listed, gathering_work, open_change, open_work_of, open_work_of_message, routed_key, routed_work,
    spread_key, spread_work,
};

/// Derived rows written at once.
const WRITTEN: usize = 512;
/// Damaged journals named in one message.
const NAMED_MAX: usize = 20;

/// Why a folder could not be rebuilt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Journals are not as they were written; nothing was changed.
    #[error("{} of the journals cannot be trusted, nothing was changed:\n{}", damages.len(), shown(damages))]
    Damaged {
        /// One line for each, with the row.
        damages: Vec<String>,
    },
    /// The folder, its store or a row refuses.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Error {
    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Damaged { .. } => "CHAIN_DAMAGED",
            Self::Refused(refused) => refused.code(),
        }
    }

    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => "restore the partition's file from a backup and rebuild again; rows of a newer provost need its binary",
            Self::Refused(Refused::Store(StoreError::Damaged { .. })) => "restore that file from a backup and rebuild again",
            Self::Refused(Refused::Store(error)) => error.hint(),
            Self::Refused(_) => "",
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

fn shown(damages: &[String]) -> String {
    let more = damages.len().saturating_sub(NAMED_MAX);
    let mut lines: Vec<String> = damages.iter().take(NAMED_MAX).map(|line| format!("  {line}")).collect();
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    lines.join("\n")
}

/// What was derived from one partition, or from all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// Journals read.
    pub journals: u64,
    /// Rows in them.
    pub rows: u64,
    /// Unfinished orchestrations.
    pub open_work: u64,
    /// Answers remembered.
    pub seen: u64,
    /// List rows.
    pub summaries: u64,
    /// Snapshots of long journals that go on.
    pub snapshots: u64,
}

impl Rebuilt {
    fn add(&mut self, other: &Self) {
        self.journals += other.journals;
        self.rows += other.rows;
        self.open_work += other.open_work;
        self.seen += other.seen;
        self.summaries += other.summaries;
        self.snapshots += other.snapshots;
    }
}

/// How far a rebuild is, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The chains of this partition are looked at; nothing is changed yet.
    Checking(u32),
    /// This partition's rows are folded, to see that they can be; so many of its journals are done, and nothing is changed yet.
    Reading(u32, Rebuilt, u64),
    /// This partition is derived again; so many of its journals are done.
    Deriving(u32, Rebuilt, u64),
}

/// What a rebuild of a folder came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Partitions.
    pub partitions: u32,
    /// Tenants that have a control journal.
    pub tenants: u64,
    /// Tables that had to be made, as `partition-NNN.db: table`.
    pub tables_made: Vec<String>,
    /// What was derived.
    #[serde(flatten)]
    pub total: Rebuilt,
}

/// Derives everything of a data folder again. `now_us` decides which answers are still remembered.
///
/// # Errors
/// [`Error::Damaged`] before anything is changed; [`Error::Refused`] while a server holds the folder, and for whatever the store says.
pub fn folder(path: &Path, now_us: i64, progress: &mut dyn FnMut(Progress)) -> Result<Report, Error> {
    let folder = Folder::open_to_rebuild(path)?;
    let salt = existing_salt(path)?;
    let mut report = Report { partitions: folder.partitions(), ..Report::default() };
    let mut checked = Vec::new();
    let mut damages = Vec::new();
    for index in 0..folder.partitions() {
        progress(Progress::Checking(index));
        let file = format!("partition-{index:03}.db");
        report.tables_made.extend(folder.restore_tables(index)?.into_iter().map(|table| format!("{file}: {table}")));
        let mut store = folder.partition(index)?;
        let (chains, found) =
            check(&mut store, &salt, now_us, &mut |so_far, journals| progress(Progress::Reading(index, *so_far, journals)))?;
        damages.extend(found.iter().map(|line| format!("{file}: {line}")));
        checked.push((index, chains));
    }
    if !damages.is_empty() {
        return Err(Error::Damaged { damages });
    }
    folder.begin_rebuild()?;
    for (index, chains) in checked {
        let mut store = folder.partition(index)?;
        store.claim()?;
        if index == 0 {
            report.tenants = tenants(path, &mut store, &chains)?;
        }
        let journals = chains.heads.len() as u64;
        let done = partition(&mut store, &chains, &salt, now_us, &mut |so_far| progress(Progress::Deriving(index, *so_far, journals)))?;
        report.total.add(&done);
    }
    folder.end_rebuild()?;
    Ok(report)
}

/// Looks at the pages and at every chain of a partition, and folds every row: what was found, one line for each damage.
fn check<S: Upkeep>(
    store: &mut S,
    salt: &[u8; 32],
    now_us: i64,
    progress: &mut dyn FnMut(&Rebuilt, u64),
) -> Result<(Chains, Vec<String>), Error> {
    let chains = verify_all(store)?;
    let mut found = store.scan(Depth::Quick)?;
    found.extend(chains.damages.iter().map(ToString::to_string));
    found.extend(chains.unreadable.iter().map(|(position, what)| format!("the row at position {position} or behind: {what}")));
    if found.is_empty() {
        let journals = chains.heads.len() as u64;
        match rehearse(store, &chains, salt, now_us, &mut |so_far| progress(so_far, journals)) {
            Err(Error::Damaged { damages }) => found.extend(damages),
            other => drop(other?),
        }
    }
    Ok((chains, found))
}

/// A row whose chain is sound and that cannot be folded.
fn unreadable(tenant: &TenantId, stream: &Stream, sequence: u64, what: String) -> Error {
    let damage = Damage { tenant: tenant.clone(), stream: stream.clone(), sequence, what };
    Error::Damaged { damages: vec![damage.to_string()] }
}

/// The list of tenants, in the order in which their control journals began.
fn tenants<S: Upkeep>(path: &Path, first: &mut S, chains: &Chains) -> Result<u64, Error> {
    let mut found = Vec::new();
    for (tenant, stream) in chains.heads.keys().filter(|(_, stream)| *stream == Stream::Control) {
        let began_us = first.rows(tenant, stream, 0, 1)?.first().map(|row| row.recorded_at_us);
        found.push((began_us, tenant));
    }
    found.sort();
    let names: Vec<&TenantId> = found.into_iter().map(|(_, tenant)| tenant).collect();
    let text = serde_json::to_vec(&names).map_err(|e| Refused::Internal(e.to_string()))?;
    write_small(&path.join(TENANTS_FILE), &text)?;
    Ok(names.len() as u64)
}

/// Deletes and derives every table of one partition, whose chains were looked at and whose epoch is claimed. Can be broken off and
/// called again; until it returns `Ok`, the partition must not be served.
///
/// # Errors
/// [`Error::Damaged`] where a journal is not what `chains` says, [`Error::Refused`] for what the store says.
pub fn partition<S: Upkeep>(
    store: &mut S,
    chains: &Chains,
    salt: &[u8; 32],
    now_us: i64,
    progress: &mut dyn FnMut(&Rebuilt),
) -> Result<Rebuilt, Error> {
    store.wipe_derived()?;
    let last = store.lag()?.last;
    let done = Derive { store, salt, now_us, writes: true, done: Rebuilt::default(), pending: Vec::new() }.all(chains, progress)?;
    store.derive(&[], last)?;
    Ok(done)
}

/// Derives everything and writes nothing: what a rebuild could not read is found before it deletes anything.
///
/// # Errors
/// As [`partition`].
pub fn rehearse<S: Upkeep>(
    store: &mut S,
    chains: &Chains,
    salt: &[u8; 32],
    now_us: i64,
    progress: &mut dyn FnMut(&Rebuilt),
) -> Result<Rebuilt, Error> {
    Derive { store, salt, now_us, writes: false, done: Rebuilt::default(), pending: Vec::new() }.all(chains, progress)
}

/// A partition on its way.
struct Derive<'d, S> {
    store: &'d mut S,
    salt: &'d [u8; 32],
    now_us: i64,
    /// Whether anything is written, or only tried.
    writes: bool,
    done: Rebuilt,
    pending: Vec<Derived>,
}

impl<S: Upkeep> Derive<'_, S> {
    fn all(mut self, chains: &Chains, progress: &mut dyn FnMut(&Rebuilt)) -> Result<Rebuilt, Error> {
        for ((tenant, stream), head) in &chains.heads {
            let found = match stream {
                Stream::Orchestration(id) => self.orchestration(tenant, *id)?,
                Stream::Inbox(_) => self.inbox(tenant, stream)?,
                Stream::Control => self.control(tenant)?,
            };
            if found != *head {
                let what = format!("it ends here when read by its name, and at {} in the order of commits", head.sequence);
                return Err(unreadable(tenant, stream, found.sequence, what));
            }
            self.done.journals += 1;
            progress(&self.done);
        }
        self.write(0)?;
        Ok(self.done)
    }

    /// Calls `each` for every row of a journal in order; returns where the journal ends.
    fn each(
        &mut self,
        tenant: &TenantId,
        stream: &Stream,
        mut each: impl FnMut(&mut Self, &Row) -> Result<(), Refused>,
    ) -> Result<Head, Error> {
        let mut head = Head::EMPTY;
        loop {
            let rows = self.store.rows(tenant, stream, head.sequence, ROWS_READ)?;
            for row in &rows {
                each(self, row).map_err(|refused| match refused {
                    Refused::Store(StoreError::DamagedRow { what, .. }) => unreadable(tenant, stream, row.first_sequence, what),
                    Refused::Store(newer @ StoreError::Newer { .. }) => unreadable(tenant, stream, row.first_sequence, newer.to_string()),
                    refused => refused.into(),
                })?;
                head = row.head();
                self.done.rows += 1;
            }
            self.write(WRITTEN)?;
            if rows.len() < ROWS_READ {
                return Ok(head);
            }
        }
    }

    fn orchestration(&mut self, tenant: &TenantId, id: OrchestrationId) -> Result<Head, Error> {
        let mut view = View { state: Orchestration::new(tenant.clone(), id), head: Head::EMPTY };
        let mut listed: Option<Summary> = None;
        let head = self.each(tenant, &Stream::Orchestration(id), |derive, row| {
            listed = fold_listed(&mut view, row, derive.salt)?.or_else(|| listed.take());
            derive.remember_start(row, id)
        })?;
        if let Some(summary) = listed {
            self.done.summaries += 1;
            self.pending.push(Derived::Summary(summary));
        }
        match open_change(&view.state, head) {
            OpenChange::Set(work) => {
                self.done.open_work += 1;
                self.pending.push(Derived::Open(work));
                self.snapshot(&view)?;
            }
            OpenChange::Keep | OpenChange::Close | OpenChange::Forward(_) | OpenChange::Delivered(_) => {}
        }
        Ok(head)
    }

    /// A long journal that goes on gets a snapshot, so that the next start need not fold it again.
    fn snapshot(&mut self, view: &View) -> Result<(), Refused> {
        if !self.writes || view.head.sequence < SNAPSHOT_FACTS {
            return Ok(());
        }
        let state = serde_json::to_vec(&view.state).map_err(|e| Refused::Internal(e.to_string()))?;
        let stream = Stream::Orchestration(view.state.id);
        self.store.write_snapshot(&Snapshot { tenant: view.state.tenant.clone(), stream, head: view.head, fold: FOLD, state })?;
        self.done.snapshots += 1;
        Ok(())
    }

    /// Nothing is derived from a control journal but the list of tenants; what the planes know of it is folded at every start.
    fn control(&mut self, tenant: &TenantId) -> Result<Head, Error> {
        self.each(tenant, &Stream::Control, |_, row| {
            let json = row.json().map_err(|e| StoreError::unreadable(row, &e))?;
            ControlTransition::decode(&json).map(drop).map_err(|e| StoreError::damaged_row(row, e.to_string()).into())
        })
    }

    fn inbox(&mut self, tenant: &TenantId, stream: &Stream) -> Result<Head, Error> {
        let mut handed_on = BTreeMap::new();
        let head = self.each(tenant, stream, |derive, row| {
            let facts = row.json().and_then(|json| inbox::decode(&json)).map_err(|e| StoreError::unreadable(row, &e))?;
            for fact in &facts {
                match (fact, stream) {
                    (InboxFact::HandedOn { orchestration, start }, Stream::Inbox(from)) => {
                        handed_on.insert(*orchestration, open_work_of(tenant, *orchestration, start, (*from, row.head()))?);
                        derive.remember_start(row, *orchestration)?;
                    }
                    (InboxFact::Said { message }, Stream::Inbox(_)) => {
                        handed_on.insert(message.id, open_work_of_message(tenant, message, row.head())?);
                    }
                    (InboxFact::Gathered { batch, start, due_us, .. }, Stream::Inbox(from)) => {
                        if !handed_on.contains_key(batch) {
                            handed_on.insert(*batch, gathering_work(tenant, *batch, start, (*from, row.head(), *due_us))?);
                        }
                    }
                    (InboxFact::BatchClosed { batch, .. }, _) => drop(handed_on.remove(batch)),
                    (InboxFact::Delivered { orchestration }, _) => drop(handed_on.remove(orchestration)),
                    (InboxFact::Accepted { id, routed: true, .. }, _) => {
                        handed_on.insert(routed_key(*id), routed_work(tenant, *id, row.head())?);
                    }
                    (InboxFact::Routed { event }, _) => drop(handed_on.remove(&routed_key(*event))),
                    (InboxFact::Heard { id, spread: true, .. }, Stream::Inbox(slot)) => {
                        handed_on.insert(spread_key(*id, *slot), spread_work(tenant, *id, (*slot, row.head()))?);
                    }
                    (InboxFact::Spread { event }, Stream::Inbox(slot)) => drop(handed_on.remove(&spread_key(*event, *slot))),
                    (_, _) => {}
                }
                let seen = fact.remembered(tenant, row.recorded_at_us).map_err(|e| Refused::Internal(e.to_string()))?;
                seen.into_iter().for_each(|seen| derive.remember(tenant, seen));
            }
            Ok(())
        })?;
        self.done.open_work += handed_on.len() as u64;
        self.pending.extend(handed_on.into_values().map(Derived::Open));
        Ok(head)
    }

    /// What is remembered of the request behind a row that starts, or hands on, an orchestration.
    fn remember_start(&mut self, row: &Row, id: OrchestrationId) -> Result<(), Refused> {
        if let Some(request) = &row.cause.request {
            let seen = inbox::remembered_start(request, id, row.recorded_at_us).map_err(|e| Refused::Internal(e.to_string()))?;
            self.remember(&row.tenant, seen);
        }
        Ok(())
    }

    fn remember(&mut self, tenant: &TenantId, seen: Seen) {
        if seen.until_us > self.now_us {
            self.done.seen += 1;
            self.pending.push(Derived::Seen(tenant.clone(), seen));
        }
    }

    /// Writes what waits, where that is at least `least`. The watermark stays at nothing until everything is there.
    fn write(&mut self, least: usize) -> Result<(), StoreError> {
        if self.pending.len() < least.max(1) {
            return Ok(());
        }
        if self.writes {
            self.store.derive(&self.pending, 0)?;
        }
        self.pending.clear();
        Ok(())
    }
}
