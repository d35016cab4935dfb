//! Rows: transitions as stored, and the chain that finds damage.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::{Ambient, Command, Fact, Intent};
use crate::digest::Digest;
use crate::id::{EffectId, EventId, OrchestrationId, ReviewId, Slot};
use crate::who::TenantId;

/// The record's format.
pub const FORMAT: u16 = 1;
/// The engine's behaviour number: raised whenever the same input could give other facts.
pub const ENGINE: u16 = 1;

/// What most payloads have room in, in bytes of JSON.
const PAYLOAD_BYTES_USUAL: usize = 2048;

/// One transition: what was wished, what was known, what happened, what may leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The wish.
    pub command: Command,
    /// The world at that time.
    pub ambient: Ambient,
    /// What happened.
    pub facts: Vec<Fact>,
    /// What may leave after the commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intents: Vec<Intent>,
}

impl Transition {
    /// The payload's JSON: what the command already says is left out of the facts.
    ///
    /// # Errors
    /// [`RowError::Payload`] when it cannot be written, which the types rule out.
    pub fn encode(&self) -> Result<Vec<u8>, RowError> {
        #[derive(Serialize)]
        struct Payload<'t> {
            command: &'t Command,
            ambient: &'t Ambient,
            facts: Shorter<'t>,
            #[serde(skip_serializing_if = "<[Intent]>::is_empty")]
            intents: &'t [Intent],
        }
        let facts = Shorter { facts: &self.facts, command: &self.command };
        let payload = Payload { command: &self.command, ambient: &self.ambient, facts, intents: &self.intents };
        let mut json = Vec::with_capacity(PAYLOAD_BYTES_USUAL);
        serde_json::to_writer(&mut json, &payload).map_err(|e| RowError::Payload(e.to_string()))?;
        Ok(json)
    }

    /// Reads a payload's JSON and puts back what the facts left out.
    ///
    /// # Errors
    /// [`RowError::Payload`] when the bytes are no transition.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut transition: Self = serde_json::from_slice(bytes).map_err(|e| RowError::Payload(e.to_string()))?;
        for fact in &mut transition.facts {
            restore(fact, &transition.command);
        }
        Ok(transition)
    }
}

/// What a transition was decided on. Decided again it gives facts and intents, so that these need not be read to be compared.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Given {
    /// The wish.
    pub command: Command,
    /// The world at that time.
    pub ambient: Ambient,
}

impl Given {
    /// Reads a payload's JSON up to its facts, and skips the rest.
    ///
    /// # Errors
    /// [`RowError::Payload`] when the bytes are no JSON, or hold no command and ambient.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        serde_json::from_slice(bytes).map_err(|e| RowError::Payload(e.to_string()))
    }
}

/// Facts as they are written: without what their command already says.
struct Shorter<'t> {
    facts: &'t [Fact],
    command: &'t Command,
}

impl Serialize for Shorter<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.facts.iter().map(|fact| elide(fact, self.command)))
    }
}

/// A fact without what its command already says.
fn elide<'t>(fact: &'t Fact, command: &Command) -> std::borrow::Cow<'t, Fact> {
    use std::borrow::Cow;
    match (fact, command) {
        (Fact::Started { start: Some(start), labels, input, input_labels }, Command::Start(from)) if **start == *from => {
            let (labels, input_labels) = (labels.clone(), input_labels.clone());
            Cow::Owned(Fact::Started { start: None, labels, input: input.clone(), input_labels })
        }
        (Fact::Attempted { effect, attempt, result: Some(result), labels }, Command::Outcome(from)) if **result == from.result => {
            Cow::Owned(Fact::Attempted { effect: *effect, attempt: *attempt, result: None, labels: labels.clone() })
        }
        (Fact::ReviewAnswered { reason, .. }, Command::Review(from)) if !reason.is_empty() && *reason == from.reason => {
            let mut shorter = fact.clone();
            if let Fact::ReviewAnswered { reason, .. } = &mut shorter {
                reason.clear();
            }
            Cow::Owned(shorter)
        }
        (Fact::ChildTold { child, sequence, how: Some(how), labels }, Command::Child(from)) if **how == from.how => {
            Cow::Owned(Fact::ChildTold { child: *child, sequence: *sequence, how: None, labels: labels.clone() })
        }
        (Fact::EventTaken { item: Some(item), .. }, Command::Arrived(from)) if *item == from.event.data => {
            let mut shorter = fact.clone();
            if let Fact::EventTaken { item, as_sent, .. } = &mut shorter {
                (*item, *as_sent) = (None, true);
            }
            Cow::Owned(shorter)
        }
        (fact, _) => Cow::Borrowed(fact),
    }
}

fn restore(fact: &mut Fact, command: &Command) {
    match (fact, command) {
        (Fact::Started { start: start @ None, .. }, Command::Start(from)) => *start = Some(Box::new(from.clone())),
        (Fact::Attempted { result: result @ None, .. }, Command::Outcome(from)) => *result = Some(Box::new(from.result.clone())),
        (Fact::ReviewAnswered { reason, .. }, Command::Review(from)) if reason.is_empty() => reason.clone_from(&from.reason),
        (Fact::ChildTold { how: how @ None, .. }, Command::Child(from)) => *how = Some(Box::new(from.how.clone())),
        (Fact::EventTaken { item, as_sent: as_sent @ true, .. }, Command::Arrived(from)) => {
            (*item, *as_sent) = (Some(from.event.data.clone()), false);
        }
        (_, _) => {}
    }
}

/// Whose journal a row stands in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// One orchestration.
    Orchestration(OrchestrationId),
    /// Events accepted or rejected, per slot.
    Inbox(Slot),
    /// Publish, alias, quota, principal, Guard: per tenant.
    Control,
}

impl Stream {
    /// As stored: one byte of kind, then the id.
    pub fn stored(&self) -> Vec<u8> {
        match self {
            Self::Orchestration(id) => [&[1_u8][..], &id.bits().to_bytes()].concat(),
            Self::Inbox(slot) => [&[2_u8][..], &slot.0.to_be_bytes()].concat(),
            Self::Control => vec![3],
        }
    }

    /// From its stored form.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (1, id) => Some(Self::Orchestration(OrchestrationId::from_bits(crate::id::Bits::from_bytes(id.try_into().ok()?)))),
            (2, slot) => Some(Self::Inbox(Slot(u16::from_be_bytes(slot.try_into().ok()?)))),
            (3, []) => Some(Self::Control),
            (_, _) => None,
        }
    }
}

/// What is behind a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cause {
    /// The event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// The effect whose outcome it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectId>,
    /// The review that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewId>,
    /// The timer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timer: Option<Arc<str>>,
    /// The person or program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<Arc<str>>,
    /// W3C trace context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<Arc<str>>,
    /// The clock's own reading in microseconds UTC, where the partition's time had to stay ahead of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_us: Option<i64>,
    /// The request's `Idempotency-Key`, so that a second request is known from the journal alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Box<RequestKey>>,
}

/// What a second request with the same `Idempotency-Key` is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestKey {
    /// Digest of tenant, workflow and key.
    pub key: Digest,
    /// Keyed digest of the request.
    pub fingerprint: Digest,
}

/// One row of a journal, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The owner.
    pub tenant: TenantId,
    /// Whose journal.
    pub stream: Stream,
    /// Sequence of its first fact; the first fact of a journal has 1.
    pub first_sequence: u64,
    /// How many facts.
    pub fact_count: u32,
    /// The record's format.
    pub format: u16,
    /// The engine's behaviour number.
    pub engine: u16,
    /// The partition's time, in microseconds UTC.
    pub recorded_at_us: i64,
    /// The epoch of the partition's writer.
    pub epoch: u64,
    /// What is behind it, as canonical JSON.
    pub cause: Cause,
    /// Hash over everything before and this row.
    pub chain: Digest,
    /// The payload cell: codec byte, key id byte, bytes.
    pub payload: Vec<u8>,
}

/// Whose row it is, and who writes it.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// The owner.
    pub tenant: &'p TenantId,
    /// Whose journal.
    pub stream: &'p Stream,
    /// The epoch of the partition's writer.
    pub epoch: u64,
}

/// Where a journal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Sequence of the last fact; 0 for an empty journal.
    pub sequence: u64,
    /// The chain's last value.
    pub chain: Digest,
}

impl Head {
    /// The head of an empty journal.
    pub const EMPTY: Self = Self { sequence: 0, chain: Digest::from_bytes([0; 32]) };
}

/// Why a row cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The payload is no transition.
    #[error("the row's payload cannot be read: {0}")]
    Payload(String),
    /// Written by a newer Provost.
    #[error("the row has format {0}, this binary reads up to {FORMAT}; use a newer binary")]
    Format(u16),
    /// A codec this binary does not know.
    #[error("the row's payload has codec {0}, which this binary does not know; use a newer binary")]
    Codec(u8),
}

impl Row {
    /// Seals a payload of `fact_count` facts behind `head`, at the partition's time `now_us`.
    pub fn seal(place: Place<'_>, head: Head, cause: Cause, now_us: i64, fact_count: u32, json: &[u8]) -> Self {
        let payload = super::cell::pack(json);
        let mut row = Self {
            tenant: place.tenant.clone(),
            stream: place.stream.clone(),
            first_sequence: head.sequence + 1,
            fact_count,
            format: FORMAT,
            engine: ENGINE,
            recorded_at_us: now_us,
            epoch: place.epoch,
            cause,
            chain: head.chain,
            payload,
        };
        row.chain = chain(&head.chain, &row);
        row
    }

    /// Where the journal stands behind this row.
    pub fn head(&self) -> Head {
        Head { sequence: self.first_sequence + u64::from(self.fact_count) - 1, chain: self.chain }
    }

    /// The payload's JSON.
    ///
    /// # Errors
    /// [`RowError`] for a newer format, an unknown codec or bytes that do not unpack.
    pub fn json(&self) -> Result<std::borrow::Cow<'_, [u8]>, RowError> {
        if self.format > FORMAT {
            return Err(RowError::Format(self.format));
        }
        super::cell::unpack(&self.payload)
    }

    /// The transition inside.
    ///
    /// # Errors
    /// [`RowError`] when it cannot be read.
    pub fn transition(&self) -> Result<Transition, RowError> {
        Transition::decode(&self.json()?)
    }
}

/// The chain behind `row`: SHA-256 of the previous chain and every stored byte of the row.
pub fn chain(previous: &Digest, row: &Row) -> Digest {
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    let stream = row.stream.stored();
    let cause = serde_json::to_vec(&row.cause).unwrap_or_default();
    for part in [row.tenant.as_str().as_bytes(), &stream, &cause, &row.payload] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(row.first_sequence.to_be_bytes());
    hash.update(row.fact_count.to_be_bytes());
    hash.update(row.format.to_be_bytes());
    hash.update(row.engine.to_be_bytes());
    hash.update(row.recorded_at_us.to_be_bytes());
    hash.update(row.epoch.to_be_bytes());
    Digest::from_bytes(hash.finalize().into())
}
