//! The walk over a tenant's journals, for whoever verifies all of them: which there are, read from the rows and not from the lists, and
//! whether what the inbox journals say was started is still there.
//!
//! What must stay true: a journal without a list row is walked, and a list row without a journal is said; memory is bounded by pages and by
//! what is missing; nothing is passed over because it cannot be read. What is absent: deciding orchestrations again, which the engine does.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use provost_control::ControlTransition;
use provost_model::id::Bits;
use provost_model::limits::SLOTS;
use provost_model::record::{Head, Row, Stream};
use provost_model::{Digest, EventId, OrchestrationId, Slot, TenantId};
use provost_store::verify::follow;
use provost_store::{Query, Store as _, StoreError, Upkeep};

use crate::gate::Refused;
use crate::inbox::{self, InboxFact};
use crate::partition::partition_of;
use crate::plane::Plane;

/// Rows read at once: a row that accepts an event names at most 64 starts.
const ROWS_READ: usize = 64;
/// Orchestrations looked for in one question to a partition.
const LOOKED_MAX: usize = 256;
/// Most orchestrations of one inbox that are followed because they are not where they belong; it bounds memory.
const ABSENT_MAX: usize = 100_000;
/// Most missing orchestrations that are named; the others are counted.
const NAMED_MAX: usize = 100;

/// A journal's name: `control`, `inbox-17`, or an orchestration's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal(pub Stream);

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Stream::Orchestration(id) => id.fmt(f),
            Stream::Inbox(slot) => write!(f, "inbox-{}", slot.0),
            Stream::Control => f.write_str("control"),
        }
    }
}

/// Text that names no journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no journal; write `control`, `inbox-17` or an orchestration's id")]
pub struct JournalError(String);

impl FromStr for Journal {
    type Err = JournalError;

    fn from_str(text: &str) -> Result<Self, JournalError> {
        let inbox = text.strip_prefix("inbox-").and_then(|slot| slot.parse().ok()).filter(|slot| *slot < SLOTS);
        let stream = match (text, inbox) {
            ("control", _) => Some(Stream::Control),
            (_, Some(slot)) => Some(Stream::Inbox(Slot(slot))),
            (id, None) => id.parse().ok().map(Stream::Orchestration),
        };
        stream.map(Self).ok_or_else(|| JournalError(text.to_owned()))
    }
}

/// A place in the walk: a partition, and the journal before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WalkPlace {
    /// The partition.
    pub partition: u32,
    /// The last journal of the page before, none at the partition's beginning.
    pub before: Option<Stream>,
}

/// A page of the walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WalkPage {
    /// Journals, and whether they have rows; one without is known from its list row only.
    pub journals: Vec<(Stream, bool)>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<WalkPlace>,
}

/// An orchestration that an inbox says was started, and of which neither journal nor tombstone is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The orchestration.
    pub orchestration: OrchestrationId,
    /// The event that started it, where one did.
    pub event: Option<EventId>,
    /// The sequence of the row that names it.
    pub sequence: u64,
}

/// What a look at an inbox or control journal found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Rows.
    pub rows: u64,
    /// Facts in them.
    pub facts: u64,
    /// The chain's head, as the last row says it.
    pub head: Option<Digest>,
    /// The first row that is not as it was written, or says nothing that can be read.
    pub difference: Option<String>,
    /// How often it names an orchestration as started.
    pub started: u64,
    /// Those handed on to another partition that have not arrived.
    pub on_their_way: u64,
    /// Missing orchestrations, the oldest first; at most a hundred.
    pub missing: Vec<Missing>,
    /// How many are missing.
    pub missing_count: u64,
}

impl Looked {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.difference.is_none() && self.missing_count == 0
    }

    fn differs(&mut self, sequence: u64, what: impl fmt::Display) {
        self.difference.get_or_insert_with(|| format!("at sequence {sequence}: {what}"));
    }
}

/// An orchestration that a row names.
#[derive(Clone, Copy, Debug)]
struct Named {
    event: Option<EventId>,
    sequence: u64,
    /// It was handed on, and no row says that it arrived.
    on_its_way: bool,
}

/// Some of what a journal names, for one question to a partition.
type Several = Vec<(OrchestrationId, Named)>;

impl Plane {
    /// Up to `limit` journals of a tenant from `place` on.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn walk(&self, tenant: &TenantId, place: WalkPlace, limit: usize) -> Result<WalkPage, Refused> {
        let (index, tenant) = (place.partition, tenant.clone());
        if index >= self.partitions() {
            return Ok(WalkPage::default());
        }
        let journals = self.read_at(index, move |partition| listed(partition.store(), &tenant, place.before, limit)).await??;
        let next = match journals.last() {
            Some((last, _)) if journals.len() == limit => Some(WalkPlace { partition: index, before: Some(last.clone()) }),
            Some(_) | None => Some(WalkPlace { partition: index + 1, before: None }).filter(|next| next.partition < self.partitions()),
        };
        Ok(WalkPage { journals, next })
    }

    /// Follows the chain of an inbox or control journal, reads every row, and looks for everything that it says was started.
    ///
    /// # Errors
    /// [`Refused`] where the plane cannot be asked; what is wrong with the journal stands in the answer.
    pub async fn look_at(&self, tenant: &TenantId, stream: &Stream) -> Result<Looked, Refused> {
        let (mut looked, mut head) = (Looked::default(), Head::EMPTY);
        let mut absent = BTreeMap::new();
        let (mut after, mut limit) = (0, ROWS_READ);
        loop {
            match self.rows_of(tenant, stream, after, limit).await {
                Ok(rows) => {
                    let Some(last) = rows.last() else { break };
                    after = last.head().sequence;
                    let named = read(&rows, &mut head, &mut looked, &mut absent);
                    absent.extend(self.absent_of(tenant, named).await?);
                }
                // Somewhere in this page: find the row.
                Err(Refused::Store(StoreError::Damaged { .. } | StoreError::DamagedRow { .. })) if limit > 1 => limit = 1,
                Err(Refused::Store(error @ (StoreError::Damaged { .. } | StoreError::DamagedRow { .. }))) => {
                    looked.differs(after + 1, error);
                    break;
                }
                Err(refused) => return Err(refused),
            }
            if absent.len() > ABSENT_MAX {
                looked.differs(
                    after,
                    format!("more than {ABSENT_MAX} orchestrations that it names are not there; the others were not looked for"),
                );
                break;
            }
        }
        self.settle(tenant, stream, absent, &mut looked).await?;
        Ok(looked)
    }

    /// What is on its way is open work of this journal's partition and may be absent. Everything else is looked for once more, because it
    /// may have arrived meanwhile.
    async fn settle(
        &self,
        tenant: &TenantId,
        stream: &Stream,
        absent: BTreeMap<OrchestrationId, Named>,
        looked: &mut Looked,
    ) -> Result<(), Refused> {
        let (on_their_way, mut due): (BTreeMap<_, _>, BTreeMap<_, _>) = absent.into_iter().partition(|(_, named)| named.on_its_way);
        let on_their_way: Several = on_their_way.into_iter().collect();
        for some in on_their_way.chunks(LOOKED_MAX) {
            let (tenant, some) = (tenant.clone(), some.to_vec());
            let (open, stuck) = self.read(home(stream), move |partition| open_first(partition.store(), &tenant, some)).await??;
            looked.on_their_way += open.len() as u64;
            due.extend(stuck);
        }
        let missing = self.absent_of(tenant, due).await?;
        looked.missing_count = missing.len() as u64;
        let named = missing.into_iter().take(NAMED_MAX);
        looked.missing = named.map(|(orchestration, Named { event, sequence, .. })| Missing { orchestration, event, sequence }).collect();
        Ok(())
    }

    async fn rows_of(&self, tenant: &TenantId, stream: &Stream, after: u64, limit: usize) -> Result<Vec<Row>, Refused> {
        let (tenant, stream) = (tenant.clone(), stream.clone());
        Ok(self.read(home(&stream), move |partition| partition.store().rows(&tenant, &stream, after, limit)).await??)
    }

    /// Those of `named` that have neither rows nor a tombstone where they live.
    async fn absent_of(
        &self,
        tenant: &TenantId,
        named: BTreeMap<OrchestrationId, Named>,
    ) -> Result<BTreeMap<OrchestrationId, Named>, Refused> {
        let mut homes: BTreeMap<u32, Vec<(OrchestrationId, Named)>> = BTreeMap::new();
        for (id, about) in named {
            homes.entry(partition_of(id.slot(), self.partitions())).or_default().push((id, about));
        }
        let mut absent = BTreeMap::new();
        for (index, all) in homes {
            for some in all.chunks(LOOKED_MAX) {
                let (tenant, some) = (tenant.clone(), some.to_vec());
                absent.extend(self.read_at(index, move |partition| gone(partition.store(), &tenant, some)).await??);
            }
        }
        Ok(absent)
    }
}

/// The journals of one partition behind `before`, those with rows and those that only a list row names.
fn listed<S: Upkeep>(store: &mut S, tenant: &TenantId, before: Option<Stream>, limit: usize) -> Result<Vec<(Stream, bool)>, StoreError> {
    let newest = match before {
        Some(Stream::Orchestration(id)) => Some(id),
        Some(Stream::Inbox(_) | Stream::Control) | None => None,
    };
    let query = Query { before: newest, ..Query::newest(tenant.clone(), limit) };
    let mut all: BTreeMap<Stream, bool> = store.list(&query)?.iter().map(|row| (Stream::Orchestration(row.orchestration), false)).collect();
    all.extend(store.journals(tenant, before.as_ref(), limit)?.into_iter().map(|stream| (stream, true)));
    Ok(all.into_iter().rev().take(limit).collect())
}

/// The slot where a journal lives.
fn home(stream: &Stream) -> Slot {
    match stream {
        Stream::Orchestration(id) => id.slot(),
        Stream::Inbox(slot) => *slot,
        Stream::Control => Slot(0),
    }
}

/// Those of `named` that are open work here, and those that are not.
fn open_first<S: Upkeep>(store: &mut S, tenant: &TenantId, named: Several) -> Result<(Several, Several), StoreError> {
    let (mut open, mut stuck) = (Vec::new(), Vec::new());
    for (id, about) in named {
        let before = u128::from_be_bytes(id.bits().to_bytes()).saturating_sub(1);
        let before = OrchestrationId::from_bits(Bits::from_bytes(before.to_be_bytes()));
        let next = store.open_work(Some((tenant.clone(), before)), 1)?;
        let is_open = next.first().is_some_and(|work| work.orchestration == id && work.tenant == *tenant);
        if is_open { open.push((id, about)) } else { stuck.push((id, about)) }
    }
    Ok((open, stuck))
}

/// Those of `named` that have neither rows nor a tombstone.
fn gone<S: Upkeep>(store: &mut S, tenant: &TenantId, named: Several) -> Result<Several, StoreError> {
    let mut gone = Vec::new();
    for (id, about) in named {
        if store.head(tenant, &Stream::Orchestration(id))?.is_none() && store.tombstone(tenant, &id)?.is_none() {
            gone.push((id, about));
        }
    }
    Ok(gone)
}

/// Reads a page: follows the chain from `head`, says in `absent` what arrived or was handed on of it, and returns what the page names anew.
fn read(
    rows: &[Row],
    head: &mut Head,
    looked: &mut Looked,
    absent: &mut BTreeMap<OrchestrationId, Named>,
) -> BTreeMap<OrchestrationId, Named> {
    let mut named = BTreeMap::new();
    for row in rows {
        if let Err(damage) = follow(*head, row) {
            looked.differs(row.first_sequence, damage.what);
        }
        *head = row.head();
        looked.head = Some(row.chain);
        looked.rows += 1;
        looked.facts += u64::from(row.fact_count);
        match facts_of(row) {
            Ok(facts) => facts.iter().for_each(|fact| follow_starts(fact, row.first_sequence, looked, absent, &mut named)),
            Err(what) => looked.differs(row.first_sequence, what),
        }
    }
    named
}

/// The facts of an inbox row; a control row must be readable and starts nothing.
fn facts_of(row: &Row) -> Result<Vec<InboxFact>, String> {
    let json = row.json().map_err(|e| e.to_string())?;
    match row.stream {
        Stream::Inbox(_) => inbox::decode(&json).map_err(|e| e.to_string()),
        Stream::Control => ControlTransition::decode(&json).map(|_| Vec::new()).map_err(|e| e.to_string()),
        Stream::Orchestration(_) => Ok(Vec::new()),
    }
}

fn follow_starts(
    fact: &InboxFact,
    sequence: u64,
    looked: &mut Looked,
    absent: &mut BTreeMap<OrchestrationId, Named>,
    named: &mut BTreeMap<OrchestrationId, Named>,
) {
    match fact {
        InboxFact::Accepted { id, started, .. } => {
            looked.started += started.len() as u64;
            named.extend(started.iter().map(|one| (*one, Named { event: Some(*id), sequence, on_its_way: false })));
        }
        InboxFact::HandedOn { start, .. } if start.batch.is_some() => {}
        InboxFact::BatchClosed { batch, .. } => {
            looked.started += 1;
            named.insert(*batch, Named { event: None, sequence, on_its_way: false });
        }
        InboxFact::HandedOn { orchestration, start } => match named.get_mut(orchestration).or(absent.get_mut(orchestration)) {
            Some(known) => known.on_its_way = true,
            None => {
                looked.started += u64::from(start.event.is_none());
                named.insert(*orchestration, Named { event: start.event, sequence, on_its_way: true });
            }
        },
        InboxFact::Delivered { orchestration } => {
            if let Some(known) = named.get_mut(orchestration).or(absent.get_mut(orchestration)) {
                known.on_its_way = false;
            }
        }
        InboxFact::Ticked { started, .. } => {
            looked.started += started.len() as u64;
            named.extend(started.iter().map(|one| (*one, Named { event: None, sequence, on_its_way: false })));
        }
        InboxFact::Combined { event, started: Some(started), .. } => {
            looked.started += 1;
            named.insert(*started, Named { event: Some(*event), sequence, on_its_way: false });
        }
        InboxFact::Combined { started: None, .. }
        | InboxFact::Gathered { .. }
        | InboxFact::Rejected { .. }
        | InboxFact::KeyClaimed { .. }
        | InboxFact::Said { .. }
        | InboxFact::Routed { .. }
        | InboxFact::Heard { .. }
        | InboxFact::Spread { .. } => {}
    }
}

#[cfg(test)]
mod tests;
