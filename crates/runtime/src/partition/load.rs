//! Bringing orchestrations into memory: snapshot, then fold; and what reading needs.

use std::collections::BTreeMap;

use provost_engine::{Orchestration, evolve};
use provost_model::limits::SNAPSHOT_FACTS;
use provost_model::record::{Head, Row, Stream};
use provost_model::{OrchestrationId, TenantId};
use provost_store::{Derived, Snapshot, StoreError, Summary, Upkeep};

use super::{Loaded, Partition, status, summary_of};
use crate::gate::Refused;

/// Rows read at once.
pub(crate) const ROWS_READ: usize = 256;
/// Bytes of a snapshot that one more fact in the journal is worth: what is large is written the more seldom.
const SNAPSHOT_BYTES_A_FACT: u64 = 64;
/// The version of the fold; another version drops a snapshot.
pub(crate) const FOLD: u16 = 4;

/// An orchestration as it stands at a sequence.
#[derive(Clone, Debug)]
pub struct View {
    /// Its state.
    pub state: Orchestration,
    /// Where its journal stood.
    pub head: Head,
}

impl<S: Upkeep> Partition<S> {
    /// Makes sure the orchestration is in memory.
    pub(super) fn load(&mut self, tenant: &TenantId, id: OrchestrationId) -> Result<&mut Loaded, Refused> {
        let key = (tenant.clone(), id);
        if !self.loaded.contains_key(&key) {
            let view = match self.fold(tenant, id, u64::MAX) {
                Err(unknown @ Refused::UnknownOrchestration(_)) => return Err(self.still_gathered(tenant, id)?.unwrap_or(unknown)),
                view => view?,
            };
            let start = view.state.start.clone().ok_or(Refused::UnknownOrchestration(id))?;
            let code = self.registry.program(tenant, &start.pin, &start.workflow).ok_or(Refused::UnknownBundle(start.pin))?;
            let snapshot_from = view.head.sequence.saturating_add(SNAPSHOT_FACTS);
            let loaded = Loaded { state: view.state, head: view.head, code, used: self.tick, snapshot_from };
            self.loaded.insert(key.clone(), Box::new(loaded));
        }
        let tick = self.tick;
        let loaded = self.loaded.get_mut(&key).ok_or(Refused::UnknownOrchestration(id))?;
        loaded.used = tick;
        Ok(loaded)
    }

    /// The orchestration at `sequence` (or its last one before that).
    ///
    /// # Errors
    /// [`Refused::UnknownOrchestration`], or what the store says.
    pub fn view(&mut self, tenant: &TenantId, id: OrchestrationId, sequence: u64) -> Result<View, Refused> {
        if let Some(loaded) = self.loaded.get(&(tenant.clone(), id)).filter(|loaded| sequence >= loaded.head.sequence) {
            return Ok(View { state: loaded.state.clone(), head: loaded.head });
        }
        match self.fold(tenant, id, sequence) {
            Err(Refused::UnknownOrchestration(_)) => self.view_of_batch(tenant, id, sequence),
            view => view,
        }
    }

    /// The orchestration that `id` leads to: itself, or the batch of the event whose answer named it so.
    ///
    /// # Errors
    /// What the store says.
    pub fn meant(&mut self, tenant: &TenantId, id: OrchestrationId) -> Result<OrchestrationId, Refused> {
        Ok(self.batch_of(tenant, id)?.unwrap_or(id))
    }

    /// An event that was gathered is shown as what its batch started.
    fn view_of_batch(&mut self, tenant: &TenantId, id: OrchestrationId, sequence: u64) -> Result<View, Refused> {
        let batch = self.batch_of(tenant, id)?.ok_or(Refused::UnknownOrchestration(id))?;
        match self.still_gathered(tenant, batch)? {
            Some(gathering) => Err(gathering),
            None => self.fold(tenant, batch, sequence),
        }
    }

    fn fold(&mut self, tenant: &TenantId, id: OrchestrationId, sequence: u64) -> Result<View, Refused> {
        let stream = Stream::Orchestration(id);
        let snapshot = self.store.snapshot(tenant, &stream)?.filter(|s| s.fold == FOLD && s.head.sequence <= sequence);
        let from = snapshot.and_then(|s| Some(View { state: serde_json::from_slice(&s.state).ok()?, head: s.head }));
        let mut view = from.unwrap_or_else(|| View { state: Orchestration::new(tenant.clone(), id), head: Head::EMPTY });
        loop {
            let rows = self.store.rows(tenant, &stream, view.head.sequence, ROWS_READ)?;
            for row in &rows {
                if row.head().sequence > sequence {
                    return partial(view, row, sequence);
                }
                fold_row(&mut view, row, u64::MAX)?;
            }
            if rows.len() < ROWS_READ {
                break;
            }
        }
        if view.head.sequence == 0 { Err(self.gone(tenant, id)) } else { Ok(view) }
    }

    /// Why there is no journal.
    fn gone(&mut self, tenant: &TenantId, id: OrchestrationId) -> Refused {
        match self.store.tombstone(tenant, &id) {
            Ok(Some(tombstone)) => Refused::Retired(Box::new(tombstone)),
            Ok(None) => Refused::UnknownOrchestration(id),
            Err(error) => error.into(),
        }
    }

    /// Brings the lists up to the journals: first what was lost, then what waits in memory.
    ///
    /// # Errors
    /// What the store says; what was projected stays, and the rest follows at the next call.
    pub fn project(&mut self) -> Result<(), Refused> {
        self.derive_lists()?;
        self.store.flush_lists()?;
        Ok(())
    }

    /// Derives the list rows that were lost with memory: they are folded again from the journals.
    ///
    /// Not only a start loses them: a commit that failed and yet stands on disk has rows that memory never had.
    fn derive_lists(&mut self) -> Result<(), Refused> {
        let lag = self.store.lag()?;
        if lag.watermark >= lag.lost_through || provost_model::planted::planted("lists-not-derived") {
            return Ok(());
        }
        let mut after = 0;
        loop {
            let rows = self.store.unprojected(after, ROWS_READ)?;
            let Some((through, _)) = rows.last() else { return Ok(()) };
            after = *through;
            let mut views: BTreeMap<_, View> = BTreeMap::new();
            let mut derived = BTreeMap::new();
            for (_, row) in &rows {
                let Some(key) = orchestration_of(row) else { continue };
                let mut view = match views.remove(&key) {
                    Some(view) => view,
                    None => self.before(&key.0, key.1, row)?,
                };
                if let Some(summary) = fold_listed(&mut view, row, &self.salt)? {
                    derived.insert(key.clone(), Derived::Summary(summary));
                }
                views.insert(key, view);
            }
            self.store.derive(&derived.into_values().collect::<Vec<_>>(), after)?;
        }
    }

    /// An orchestration as it stood before `row`.
    fn before(&mut self, tenant: &TenantId, id: OrchestrationId, row: &Row) -> Result<View, Refused> {
        match row.first_sequence {
            0 | 1 => Ok(View { state: Orchestration::new(tenant.clone(), id), head: Head::EMPTY }),
            first => self.fold(tenant, id, first - 1),
        }
    }

    /// Every row of an orchestration's journal behind `after`, in order.
    ///
    /// # Errors
    /// What the store says.
    pub fn journal(&mut self, tenant: &TenantId, stream: &Stream, after: u64) -> Result<Vec<Row>, Refused> {
        let (mut all, mut after) = (Vec::new(), after);
        loop {
            let rows = self.store.rows(tenant, stream, after, ROWS_READ)?;
            let last = rows.len() < ROWS_READ;
            after = rows.last().map_or(after, |row| row.head().sequence);
            all.extend(rows);
            if last {
                return Ok(all);
            }
        }
    }

    /// Writes snapshots of orchestrations that grew, after their commit. A failure costs time at the next fold, nothing else.
    pub(super) fn snapshots(&mut self, grown: &[(TenantId, OrchestrationId)]) {
        for (tenant, id) in grown {
            let Some(loaded) = self.loaded.get_mut(&(tenant.clone(), *id)) else { continue };
            let Ok(state) = serde_json::to_vec(&loaded.state) else { continue };
            let facts = SNAPSHOT_FACTS.max(state.len() as u64 / SNAPSHOT_BYTES_A_FACT);
            let snapshot = Snapshot { tenant: tenant.clone(), stream: Stream::Orchestration(*id), head: loaded.head, fold: FOLD, state };
            loaded.snapshot_from = loaded.head.sequence.saturating_add(facts);
            if let Err(error) = self.store.write_snapshot(&snapshot) {
                tracing::warn!(code = error.code(), "a snapshot could not be written");
            }
        }
    }
}

fn orchestration_of(row: &Row) -> Option<(TenantId, OrchestrationId)> {
    match &row.stream {
        Stream::Orchestration(id) => Some((row.tenant.clone(), *id)),
        Stream::Inbox(_) | Stream::Control => None,
    }
}

/// Folds a row; gives the list row of an orchestration whose status it changed, as its commit did.
pub(crate) fn fold_listed(view: &mut View, row: &Row, salt: &[u8; 32]) -> Result<Option<Summary>, Refused> {
    let before = (view.state.sequence > 0).then(|| status(&view.state));
    fold_row(view, row, u64::MAX)?;
    let changed = before != Some(status(&view.state));
    Ok(changed.then(|| summary_of(&view.state, row.recorded_at_us, salt)))
}

/// Folds a row's facts up to `sequence`.
pub(crate) fn fold_row(view: &mut View, row: &Row, sequence: u64) -> Result<(), Refused> {
    let transition = row.transition().map_err(|e| StoreError::unreadable(row, &e))?;
    for fact in transition.facts.iter() {
        if view.state.sequence >= sequence {
            break;
        }
        evolve(&mut view.state, fact, transition.ambient.now_us);
    }
    view.head = row.head();
    Ok(())
}

/// A state inside a row: its facts up to `sequence`.
fn partial(mut view: View, row: &Row, sequence: u64) -> Result<View, Refused> {
    let chain = view.head.chain;
    fold_row(&mut view, row, sequence)?;
    view.head = Head { sequence: view.state.sequence, chain };
    Ok(view)
}
