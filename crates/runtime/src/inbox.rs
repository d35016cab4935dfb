//! The inbox journal: events accepted or rejected, per slot, and how a second delivery gets the first answer.

use std::sync::Arc;

use provost_model::limits::DEDUPE_MS;
use provost_model::record::{Closed, RequestKey, RowError, Start};
use provost_model::{Digest, Event, EventId, OrchestrationId, Slot, TenantId, Who};
use provost_store::Seen;
use serde::{Deserialize, Serialize};

use crate::partition::{Holder, Message};

/// What happened to an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxFact {
    /// Taken; it started these orchestrations.
    Accepted {
        /// Its id.
        id: EventId,
        /// The event.
        event: Box<Event>,
        /// Who sent it.
        by: Who,
        /// What it started.
        started: Vec<OrchestrationId>,
        /// The batches it is gathered into.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        batches: Vec<InBatch>,
        /// Whether other partitions are told of it, because orchestrations may listen for it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        routed: bool,
        /// Whom it would start, and who cannot read it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unread: Vec<Unread>,
    },
    /// Every partition has an event that orchestrations may listen for.
    Routed {
        /// Which event.
        event: EventId,
    },
    /// An event that orchestrations of this partition may listen for, now or later.
    Heard {
        /// Its id.
        id: EventId,
        /// The event.
        event: Box<Event>,
        /// Who sent it.
        by: Who,
        /// Whether some listened already, who are offered it next.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        spread: bool,
    },
    /// Everybody who listened when an event was heard was offered it.
    Spread {
        /// Which event.
        event: EventId,
    },
    /// Kept, but not taken.
    Rejected {
        /// Its id.
        id: EventId,
        /// The event.
        event: Box<Event>,
        /// Who sent it.
        by: Who,
        /// The code of the reason.
        code: Arc<str>,
        /// The reason.
        reason: String,
    },
    /// A start was handed on to the partition where its ordering key lives.
    HandedOn {
        /// What will be started.
        orchestration: OrchestrationId,
        /// The command.
        start: Box<Start>,
    },
    /// The schedule of a workflow was looked at, and came this far.
    Ticked {
        /// The workflow.
        workflow: Arc<str>,
        /// The pin whose schedule it is.
        pin: Digest,
        /// The last time that is settled, in microseconds UTC: started, passed over, or when the schedule began.
        at_us: i64,
        /// What was started, oldest first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        started: Vec<OrchestrationId>,
        /// When the next is due, where that follows from the end of a run, in microseconds UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_us: Option<i64>,
    },
    /// An event has a place among those that start a workflow together.
    Combined {
        /// The workflow.
        workflow: Arc<str>,
        /// The pin that waits for it.
        pin: Digest,
        /// Stands for what the events have in common; keyed.
        group: Digest,
        /// Which event.
        event: EventId,
        /// The filter that it met.
        filter: u32,
        /// What waits for others now, oldest first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        waiting: Vec<Waiting>,
        /// What waits no longer, and why.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dropped: Vec<Dropped>,
        /// What started together, in the order of the filters.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        used: Vec<EventId>,
        /// What they started.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        started: Option<OrchestrationId>,
    },
    /// An event is in a batch.
    Gathered {
        /// The batch: the orchestration that it will start.
        batch: OrchestrationId,
        /// What the answer of its ingest calls it.
        event: OrchestrationId,
        /// What it would start alone.
        start: Box<Start>,
        /// When the batch is closed at the latest, in microseconds UTC.
        due_us: i64,
    },
    /// A batch is closed: its orchestration starts in the same commit.
    BatchClosed {
        /// Which.
        batch: OrchestrationId,
        /// Why.
        why: Closed,
        /// How many events it has.
        events: u32,
    },
    /// A command from one orchestration to another is on its way.
    Said {
        /// The command.
        message: Box<Message>,
    },
    /// A handed-on start, or a command on its way, has arrived.
    Delivered {
        /// What was started, or the id of the message.
        orchestration: OrchestrationId,
    },
    /// A business key has a holder.
    KeyClaimed {
        /// The action's name.
        action: Arc<str>,
        /// The key.
        key: Arc<str>,
        /// Digest of the meaningful arguments.
        fingerprint: Digest,
        /// The effect that holds it.
        by: Holder,
        /// Until when, in microseconds UTC.
        until_us: i64,
    },
}

/// An event on its way into a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InBatch {
    /// The workflow whose batch it is.
    pub workflow: Arc<str>,
    /// What it is gathered by; empty where the workflow names no key.
    pub key: Arc<str>,
    /// Leads to the batch: shows what it started, once it did.
    pub id: OrchestrationId,
}

/// A workflow that an event would start, if a key of the workflow could be had from it; others take the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// The workflow.
    pub workflow: Arc<str>,
    /// The code of the reason.
    pub code: Arc<str>,
    /// The reason.
    pub reason: String,
}

/// An event that waits for those it starts a workflow with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Which.
    pub event: EventId,
    /// The sequence of the row that it was heard in.
    pub sequence: u64,
    /// The filter that it met.
    pub filter: u32,
    /// Until when it waits, in microseconds UTC.
    pub until_us: i64,
}

/// An event that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Which.
    pub event: EventId,
    /// The code of the reason.
    pub why: Arc<str>,
}

/// How far a schedule came, as remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The last time that is settled, in microseconds UTC.
    pub at_us: i64,
    /// When the next is due, where that follows from the end of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_us: Option<i64>,
    /// What was started last, unless more is known since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<OrchestrationId>,
}

impl Settled {
    /// What is remembered of a schedule, as written.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let time = |at_us| Self { at_us, next_us: None, run: None };
        serde_json::from_slice(bytes).map(time).or_else(|_| serde_json::from_slice(bytes))
    }
}

/// The answer to an event, remembered for its second delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The event's id.
    pub event: EventId,
    /// What it started.
    pub started: Vec<OrchestrationId>,
    /// The batches it is gathered into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<InBatch>,
    /// Whom it would start, and who cannot read it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    /// Whether this is the answer to an earlier delivery.
    #[serde(default)]
    pub duplicate: bool,
    /// Why it was not taken: code and reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<(Arc<str>, String)>,
}

impl InboxFact {
    /// The answer that an event's first delivery had; `None` for what is no event.
    pub fn answer(&self) -> Option<Accepted> {
        match self {
            Self::Accepted { id, started, batches, unread, .. } => {
                let (started, batches, unread) = (started.clone(), batches.clone(), unread.clone());
                Some(Accepted { event: *id, started, batches, unread, duplicate: false, rejected: None })
            }
            Self::Rejected { id, code, reason, .. } => {
                let rejected = Some((code.clone(), reason.clone()));
                let (batches, unread) = (Vec::new(), Vec::new());
                Some(Accepted { event: *id, started: Vec::new(), batches, unread, duplicate: false, rejected })
            }
            Self::HandedOn { .. }
            | Self::Ticked { .. }
            | Self::BatchClosed { .. }
            | Self::Combined { .. }
            | Self::Gathered { .. }
            | Self::Said { .. }
            | Self::Delivered { .. }
            | Self::KeyClaimed { .. }
            | Self::Routed { .. }
            | Self::Heard { .. }
            | Self::Spread { .. } => None,
        }
    }

    /// What is remembered of it at the time `recorded_us`: the answer to an event, except where the same id had come before with other
    /// content, because the first answer stays; the holder of a business key.
    ///
    /// # Errors
    /// [`RowError::Payload`] when the answer cannot be written, which the types rule out.
    pub fn remembered(&self, tenant: &TenantId, recorded_us: i64) -> Result<Option<Seen>, RowError> {
        let written = |e: serde_json::Error| RowError::Payload(e.to_string());
        match self {
            Self::Rejected { code, .. } if **code == *CONFLICT => Ok(None),
            Self::Accepted { event, .. } | Self::Rejected { event, .. } => {
                let answer = serde_json::to_vec(&self.answer()).map_err(written)?;
                let (key, fingerprint) = (seen_key(tenant, event), event.fingerprint());
                Ok(Some(Seen { key, fingerprint, answer, until_us: remembered_until_us(recorded_us) }))
            }
            Self::KeyClaimed { action, key, fingerprint, by, until_us } => {
                let answer = serde_json::to_vec(by).map_err(written)?;
                Ok(Some(Seen { key: claim_key(tenant, action, key), fingerprint: *fingerprint, answer, until_us: *until_us }))
            }
            Self::Combined { pin, group, waiting, .. } => {
                let answer = serde_json::to_vec(waiting).map_err(written)?;
                // As long as anything that ever waited there, so that nothing older is believed again.
                let until_us = remembered_until_us(recorded_us);
                Ok(Some(Seen { key: combine_key(tenant, group), fingerprint: *pin, answer, until_us }))
            }
            Self::Ticked { workflow, pin, at_us, started, next_us } => {
                let settled = Settled { at_us: *at_us, next_us: *next_us, run: started.last().copied() };
                let answer = serde_json::to_vec(&settled).map_err(written)?;
                Ok(Some(Seen { key: schedule_key(tenant, workflow), fingerprint: *pin, answer, until_us: i64::MAX }))
            }
            Self::Heard { id, event, .. } => {
                let (key, fingerprint) = (heard_key(tenant, *id), event.fingerprint());
                Ok(Some(Seen { key, fingerprint, answer: Vec::new(), until_us: remembered_until_us(recorded_us) }))
            }
            Self::Gathered { batch, event, start, .. } => {
                let answer = serde_json::to_vec(batch).map_err(written)?;
                // For ever: an id that was answered leads to its batch as long as that batch's own id says anything, and tombstones stay.
                Ok(Some(Seen { key: gathered_key(tenant, *event), fingerprint: start.pin, answer, until_us: i64::MAX }))
            }
            Self::BatchClosed { .. }
            | Self::HandedOn { .. }
            | Self::Said { .. }
            | Self::Delivered { .. }
            | Self::Routed { .. }
            | Self::Spread { .. } => Ok(None),
        }
    }
}

/// The code of an event whose id came before with other content.
pub const CONFLICT: &str = "event-conflict";

/// Until when an answer given at `recorded_us` is remembered.
pub fn remembered_until_us(recorded_us: i64) -> i64 {
    recorded_us.saturating_add(DEDUPE_MS.saturating_mul(1000))
}

/// What is remembered of a start under an `Idempotency-Key`.
///
/// # Errors
/// [`RowError::Payload`] when the answer cannot be written, which the types rule out.
pub fn remembered_start(request: &RequestKey, id: OrchestrationId, recorded_us: i64) -> Result<Seen, RowError> {
    let answer = serde_json::to_vec(&id).map_err(|e| RowError::Payload(e.to_string()))?;
    Ok(Seen { key: request.key, fingerprint: request.fingerprint, answer, until_us: remembered_until_us(recorded_us) })
}

#[derive(Serialize, Deserialize)]
struct Payload {
    facts: Vec<InboxFact>,
}

/// The payload's JSON of one inbox row.
///
/// # Errors
/// [`RowError::Payload`] when it cannot be written, which the types rule out.
pub fn encode(fact: &InboxFact) -> Result<Vec<u8>, RowError> {
    serde_json::to_vec(&Payload { facts: vec![fact.clone()] }).map_err(|e| RowError::Payload(e.to_string()))
}

/// The facts of one inbox row.
///
/// # Errors
/// [`RowError::Payload`] when the bytes are none.
pub fn decode(json: &[u8]) -> Result<Vec<InboxFact>, RowError> {
    serde_json::from_slice::<Payload>(json).map(|payload| payload.facts).map_err(|e| RowError::Payload(e.to_string()))
}

/// The slot an event lands in: H(tenant, source, id); one of our own lands where its sender lives, so that both commit at once.
pub fn slot_of(tenant: &TenantId, event: &Event) -> Slot {
    match event.effect.or_else(|| provost_model::EffectId::from_event_key(&event.id)) {
        Some(effect) => effect.slot(),
        None => Slot::of(&[tenant.as_str(), &event.source, &event.id]),
    }
}

/// The key under which an event is remembered.
pub fn seen_key(tenant: &TenantId, event: &Event) -> Digest {
    Digest::of_parts(&[b"event", tenant.as_str().as_bytes(), event.source.as_bytes(), event.id.as_bytes()])
}

/// The key under which it is remembered that an event was heard.
pub fn heard_key(tenant: &TenantId, id: EventId) -> Digest {
    Digest::of_parts(&[b"heard", tenant.as_str().as_bytes(), &id.bits().to_bytes()])
}

/// The key under which it is remembered in which batch an event is.
pub fn gathered_key(tenant: &TenantId, event: OrchestrationId) -> Digest {
    Digest::of_parts(&[b"gathered", tenant.as_str().as_bytes(), &event.bits().to_bytes()])
}

/// The key under which the holder of a business key is remembered.
pub fn claim_key(tenant: &TenantId, action: &str, key: &str) -> Digest {
    Digest::of_parts(&[b"claim", tenant.as_str().as_bytes(), action.as_bytes(), key.as_bytes()])
}

/// The key under which is remembered how far a schedule came.
pub fn schedule_key(tenant: &TenantId, workflow: &str) -> Digest {
    Digest::of_parts(&[b"schedule", tenant.as_str().as_bytes(), workflow.as_bytes()])
}

/// The slot where the schedule of a workflow lives: H(tenant, workflow).
pub fn schedule_slot(tenant: &TenantId, workflow: &str) -> Slot {
    Slot::of(&[tenant.as_str(), "schedule", workflow])
}

/// The key under which is remembered what waits in a set of events.
pub fn combine_key(tenant: &TenantId, group: &Digest) -> Digest {
    Digest::of_parts(&[b"combine", tenant.as_str().as_bytes(), group.as_bytes()])
}

/// The slot where a set of events lives.
pub fn combine_slot(group: &Digest) -> Slot {
    Slot::of(&["combine", &group.to_string()])
}

/// The key under which a start with an `Idempotency-Key` is remembered.
pub fn start_key(tenant: &TenantId, workflow: &str, key: &str) -> Digest {
    Digest::of_parts(&[b"start", tenant.as_str().as_bytes(), workflow.as_bytes(), key.as_bytes()])
}
