//! What goes into a commit and what comes out of the tables: plain values without behaviour.
//!
//! What must stay true: no personal data stands here in the clear (subjects and fingerprints are HMACs or digests); everything but
//! rows and tombstones can be derived from rows.

use std::sync::Arc;

use provost_model::record::{FORMAT, Head, Row, Stream, chain};
use provost_model::{Digest, EventId, OrchestrationId, TenantId};

use crate::error::StoreError;

/// Most entries of one batch.
pub const BATCH_ROWS_MAX: usize = 4096;
/// Longest payload cell of one row, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 8 << 20;
/// Longest opaque cell beside the rows (open work, answers, snapshots), in bytes.
pub const CELL_BYTES_MAX: usize = 16 << 20;

/// What one partition commits at once: all entries or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The epoch of the partition's writer.
    pub epoch: u64,
    /// Transitions in the order they get their positions.
    pub entries: Vec<Entry>,
}

/// One transition with what changes beside its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The row.
    pub row: Row,
    /// Where its journal must stand before it; an entry earlier in the same batch counts.
    pub expected: Head,
    /// What happens to the orchestration's open work.
    pub open: OpenChange,
    /// What is remembered against a second delivery.
    pub seen: Option<Seen>,
    /// The list row, projected later by [`crate::Lists::flush_lists`].
    pub summary: Option<Summary>,
}

/// What a transition does to the open work of its orchestration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OpenChange {
    /// Nothing: rows of inbox and control journals, and rows behind the end.
    #[default]
    Keep,
    /// The orchestration is unfinished and waits for this.
    Set(OpenWork),
    /// It has ended.
    Close,
    /// A row of an inbox journal hands a start to another partition: open work of the orchestration it will be, until it is delivered.
    Forward(OpenWork),
    /// A row of an inbox journal: the handed-on start has arrived.
    Delivered(OrchestrationId),
}

/// What an unfinished orchestration needs from a person, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Needs(pub u8);

impl Needs {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// A review is open.
    pub const REVIEW: Self = Self(1);
    /// An effect was sent and its outcome is unknown.
    pub const IN_DOUBT: Self = Self(2);
    /// It is parked as a dead letter.
    pub const PARKED: Self = Self(4);
    /// Its key was used for something else.
    pub const CONFLICT: Self = Self(8);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any bit of `mask` is set.
    pub const fn meets(self, mask: Self) -> bool {
        self.0 & mask.0 != 0
    }
}

/// The one row an unfinished orchestration has beside its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWork {
    /// The owner.
    pub tenant: TenantId,
    /// The orchestration.
    pub orchestration: OrchestrationId,
    /// Where its journal stands.
    pub head: Head,
    /// The bundle it runs.
    pub pin: Digest,
    /// When its next timer fires, in microseconds UTC.
    pub due_us: Option<i64>,
    /// What it needs from a person.
    pub needs: Needs,
    /// Outbox, timers and reviews, in the runtime's own form.
    pub work: Vec<u8>,
}

/// What was answered to a key, so that a second delivery gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The key: a digest of tenant, kind and name.
    pub key: Digest,
    /// What the first delivery said.
    pub fingerprint: Digest,
    /// What was answered, in the runtime's own form.
    pub answer: Vec<u8>,
    /// Until when it is kept, in microseconds UTC.
    pub until_us: i64,
}

/// Where an orchestration stands, as lists show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Work is under way.
    Running,
    /// It waits for a timer, an event or a person.
    Waiting,
    /// It is parked as a dead letter.
    Parked,
    /// It ran to its end.
    Completed,
    /// It ended with an error that nobody took.
    Faulted,
    /// Somebody stopped it.
    Cancelled,
    /// A live fork took its work over.
    Superseded,
}

impl Status {
    /// Every status, in the order of their codes.
    pub const ALL: [Self; 7] =
        [Self::Running, Self::Waiting, Self::Parked, Self::Completed, Self::Faulted, Self::Cancelled, Self::Superseded];

    /// As stored; never reused.
    pub const fn stored(self) -> u8 {
        match self {
            Self::Running => 1,
            Self::Waiting => 2,
            Self::Parked => 3,
            Self::Completed => 4,
            Self::Faulted => 5,
            Self::Cancelled => 6,
            Self::Superseded => 7,
        }
    }

    /// From its stored form.
    pub fn from_stored(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.stored() == code)
    }

    /// The word people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Parked => "parked",
            Self::Completed => "completed",
            Self::Faulted => "faulted",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }
}

/// One row of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The owner.
    pub tenant: TenantId,
    /// The orchestration.
    pub orchestration: OrchestrationId,
    /// The workflow's name.
    pub workflow: Arc<str>,
    /// The workflow's version.
    pub version: Arc<str>,
    /// Where it stands.
    pub status: Status,
    /// HMAC of the subject under the tenant's salt.
    pub subject: Option<[u8; 32]>,
    /// The event that started it.
    pub event: Option<EventId>,
    /// When it started, in microseconds UTC.
    pub started_us: i64,
    /// When it began or its status last changed, in microseconds UTC.
    pub updated_us: i64,
    /// When it ended, in microseconds UTC.
    pub ended_us: Option<i64>,
}

/// What a list shows: newest orchestration first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The owner.
    pub tenant: TenantId,
    /// Only this workflow.
    pub workflow: Option<Arc<str>>,
    /// Only this status.
    pub status: Option<Status>,
    /// Only this subject's HMAC.
    pub subject: Option<[u8; 32]>,
    /// Only what this event started.
    pub event: Option<EventId>,
    /// Only what needs a person for one of these reasons; [`Needs::NONE`] asks for nothing.
    pub needs: Needs,
    /// Only orchestrations with a smaller id: the cursor of the next page.
    pub before: Option<OrchestrationId>,
    /// Most rows.
    pub limit: usize,
}

impl Query {
    /// The newest orchestrations of a tenant.
    pub fn newest(tenant: TenantId, limit: usize) -> Self {
        Self { tenant, workflow: None, status: None, subject: None, event: None, needs: Needs::NONE, before: None, limit }
    }

    /// Whether a summary belongs to the answer; `needs` is what its orchestration needs now.
    pub fn takes(&self, summary: &Summary, needs: Needs) -> bool {
        summary.tenant == self.tenant
            && self.workflow.as_ref().is_none_or(|workflow| *workflow == summary.workflow)
            && self.status.is_none_or(|status| status == summary.status)
            && self.subject.is_none_or(|subject| summary.subject == Some(subject))
            && self.event.is_none_or(|event| summary.event == Some(event))
            && self.before.is_none_or(|before| summary.orchestration < before)
            && (self.needs == Needs::NONE || needs.meets(self.needs))
    }
}

/// A state folded earlier, so that a fold need not start at the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The owner.
    pub tenant: TenantId,
    /// Whose journal.
    pub stream: Stream,
    /// Where the journal stood.
    pub head: Head,
    /// The version of the fold that wrote it; another version drops it.
    pub fold: u16,
    /// The state, in the writer's own form.
    pub state: Vec<u8>,
}

/// What stays of an orchestration after its retention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The owner.
    pub tenant: TenantId,
    /// The orchestration.
    pub orchestration: OrchestrationId,
    /// Where its journal ended.
    pub head: Head,
    /// The bundle it ran.
    pub pin: Digest,
    /// How it ended.
    pub outcome: Status,
    /// When it ended, in microseconds UTC.
    pub ended_us: i64,
    /// Keys of the effects it had outside.
    pub effect_keys: Vec<Digest>,
    /// Until when the keys are kept, in microseconds UTC.
    pub keys_until_us: i64,
}

/// Something that was derived from rows again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Derived {
    /// The open work of an unfinished orchestration.
    Open(OpenWork),
    /// What was seen.
    Seen(TenantId, Seen),
    /// A list row; an older one than the one stored changes nothing.
    Summary(Summary),
}

impl Batch {
    /// Checks everything about a batch that needs no store.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] beyond a limit, [`StoreError::Malformed`] where a row does not fit what is said about it.
    pub fn check(&self) -> Result<(), StoreError> {
        within("a batch", self.entries.len(), BATCH_ROWS_MAX, "rows")?;
        self.entries.iter().try_for_each(|entry| entry.check(self.epoch))
    }
}

impl Entry {
    fn check(&self, epoch: u64) -> Result<(), StoreError> {
        within("a payload", self.row.payload.len(), PAYLOAD_BYTES_MAX, "bytes")?;
        self.check_row(epoch)?;
        self.check_open()?;
        if let Some(seen) = &self.seen {
            within("an answer", seen.answer.len(), CELL_BYTES_MAX, "bytes")?;
        }
        match &self.summary {
            Some(summary) => {
                must(summary.tenant == self.row.tenant, "its summary belongs to another tenant")?;
                must(self.row.stream == Stream::Orchestration(summary.orchestration), "its summary belongs to another journal")
            }
            None => Ok(()),
        }
    }

    fn check_row(&self, epoch: u64) -> Result<(), StoreError> {
        must(self.row.epoch == epoch, "its epoch is not the batch's")?;
        must(self.row.fact_count > 0, "it has no facts")?;
        must(self.row.format == FORMAT, "its format is not this binary's")?;
        must(self.expected.sequence.checked_add(1) == Some(self.row.first_sequence), "it does not follow the expected head")?;
        let last = self.row.first_sequence.checked_add(u64::from(self.row.fact_count));
        must(last.is_some_and(|last| i64::try_from(last).is_ok()), "its sequence is beyond 63 bits")?;
        // Stored once, a wrong chain would look like damage for ever.
        must(chain(&self.expected.chain, &self.row) == self.row.chain, "its chain does not follow from its bytes")
    }

    fn check_open(&self) -> Result<(), StoreError> {
        match (&self.open, &self.row.stream) {
            (OpenChange::Keep, _) | (OpenChange::Close, Stream::Orchestration(_)) => Ok(()),
            (OpenChange::Set(work), Stream::Orchestration(id)) => {
                within("open work", work.work.len(), CELL_BYTES_MAX, "bytes")?;
                must(work.tenant == self.row.tenant && work.orchestration == *id, "its open work belongs to another journal")?;
                must(work.head == self.row.head(), "its open work names another head")
            }
            (OpenChange::Forward(work), Stream::Inbox(_)) => {
                within("open work", work.work.len(), CELL_BYTES_MAX, "bytes")?;
                must(work.tenant == self.row.tenant, "its open work belongs to another tenant")?;
                must(work.head == self.row.head(), "its open work names another head")
            }
            (OpenChange::Delivered(_), Stream::Inbox(_)) => Ok(()),
            (OpenChange::Set(_) | OpenChange::Close, Stream::Inbox(_) | Stream::Control) => {
                must(false, "only an orchestration has open work")
            }
            (OpenChange::Forward(_) | OpenChange::Delivered(_), Stream::Orchestration(_) | Stream::Control) => {
                must(false, "only an inbox hands starts on")
            }
        }
    }
}

pub(crate) fn within(what: &'static str, size: usize, max: usize, unit: &'static str) -> Result<(), StoreError> {
    if size <= max { Ok(()) } else { Err(StoreError::TooLarge { what, size, max, unit }) }
}

fn must(holds: bool, what: &'static str) -> Result<(), StoreError> {
    if holds { Ok(()) } else { Err(StoreError::Malformed { what }) }
}
