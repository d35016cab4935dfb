//! Commands: wishes, which may be refused. The one door for everything that happens to an orchestration.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::arrived::Arrived;
use super::child::{ChildNews, Parent};
use crate::digest::Digest;
use crate::id::{EffectId, EventId, OrchestrationId, ReviewId};
use crate::labels::Labels;
use crate::problem::Problem;
use crate::value::{Value, canonical_len};
use crate::who::Who;

/// A wish about one orchestration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Begin.
    Start(Start),
    /// A worker is about to send an effect of class E4: commit before the first byte leaves.
    Sending {
        /// Which effect.
        effect: EffectId,
        /// Which attempt.
        attempt: u32,
    },
    /// An attempt ended, or was lost.
    Outcome(Outcome),
    /// The home of a business key answered.
    Claimed(Claimed),
    /// The turn of an orchestration with an ordering key came.
    Admitted,
    /// It waits for its turn in a ring that opens by itself no more: whoever holds its key waits, through these, for its own parent.
    Entangled {
        /// Those in the ring, from itself on, each waiting for the next.
        ring: Vec<OrchestrationId>,
    },
    /// A timer is due.
    Timer {
        /// Its id, as the intent named it.
        id: Arc<str>,
    },
    /// A person answered.
    Review(ReviewAnswer),
    /// A child ended, or cannot go on.
    Child(ChildNews),
    /// Its parent stopped waiting for it and may try it again: its time is up.
    Interrupt {
        /// The parent.
        parent: OrchestrationId,
    },
    /// An event came that it may listen for.
    Arrived(Box<Arrived>),
    /// Stop.
    Cancel(Cancel),
    /// Try parked work again.
    Redrive(Redrive),
    /// A person settles an effect in doubt.
    Resolve(Resolve),
    /// Go on after a transition that reached its limit.
    Continue,
}

/// Begin an orchestration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// `namespace/name` of the workflow.
    pub workflow: Arc<str>,
    /// Its version.
    pub version: Arc<str>,
    /// Digest of the bundle.
    pub pin: Digest,
    /// Id of the binding in force.
    pub binding: u64,
    /// What it is given: an event's data in a list, or the caller's input.
    pub input: Value,
    /// Labels of the input that its events brought along, as far as they say who may see it.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The event behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// The events that started it together, where there were several, in the order of the filters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventId>,
    /// What the event is about, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Arc<str>>,
    /// How many events of ours caused this start.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hops: u32,
    /// The orchestration that caused this start, through whatever lies between; none where nothing of ours did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<OrchestrationId>,
    /// The W3C trace context it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<Arc<str>>,
    /// The ordering key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Arc<str>>,
    /// The value of the concurrency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Arc<str>>,
    /// The events behind it, where they were gathered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Box<Batched>>,
    /// Whose child it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Box<Parent>>,
    /// Who asked.
    pub by: Who,
}

/// The events that start one orchestration together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batched {
    /// What they were gathered by; empty where the workflow names no key.
    pub key: Arc<str>,
    /// The events, in the order in which they were gathered, as in the input.
    pub events: Vec<EventId>,
    /// Why no more were gathered; `None` while an event is on its way to its batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
}

/// Why a batch was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Closed {
    /// It has as many events as its workflow asks for.
    Size,
    /// Its time was up.
    Wait,
    /// The next event would not have fitted into its input.
    Bytes,
    /// The next event came for another bundle.
    Version,
    /// Too many batches are being gathered.
    Room,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which effect.
    pub effect: EffectId,
    /// Which attempt.
    pub attempt: u32,
    /// What came of it.
    pub result: Attempted,
    /// Who carried it out.
    pub worker: Arc<str>,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub took_ms: i64,
    /// Set where the result's value is a reference, and its content stands in a blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<Stored>,
}

/// What the edge found out about a result before it put it into a blob. Nobody behind the edge sees the content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Where the content breaks its contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<Arc<str>>,
}

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempted {
    /// It was done.
    Done {
        /// The result.
        value: Value,
        /// The target's own reference, e.g. `re_551`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<Arc<str>>,
        /// What it cost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
        /// The size of a result over the limit, which is not kept, in bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dropped_bytes: Option<u64>,
    },
    /// It failed, and was certainly not done.
    Failed {
        /// Why.
        problem: Problem,
        /// Whether another attempt can help.
        retry: bool,
        /// When the target wants to be asked again, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<i64>,
    },
    /// Sent, but nobody knows: timeout, reset, lost lease, crash.
    Unknown {
        /// What is known.
        problem: Problem,
    },
    /// It was done, and what came back cannot be read.
    Unreadable {
        /// What is wrong with it.
        problem: Problem,
        /// The target's own reference.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<Arc<str>>,
    },
    /// A look-up found that it was not done.
    Absent,
}

/// What the home of a business key says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// The effect that asked.
    pub effect: EffectId,
    /// The answer.
    pub answer: ClaimAnswer,
}

/// Whether an effect may use its business key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimAnswer {
    /// It is the effect's own.
    Granted,
    /// Another effect holds it and is not through.
    Held {
        /// The orchestration that holds it.
        by: OrchestrationId,
    },
    /// It was done under this key.
    Done {
        /// The orchestration that did it.
        by: OrchestrationId,
        /// The stored result.
        result: Value,
        /// The target's own reference.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<Arc<str>>,
    },
    /// Another effect holds it in an orchestration that is over, and whether it was done is not known.
    Unsettled {
        /// The orchestration that holds it.
        by: OrchestrationId,
    },
    /// It was used with other meaningful arguments.
    Conflict {
        /// The orchestration that used it.
        by: OrchestrationId,
    },
}

impl Attempted {
    /// The outcome as it can be kept: a result of more than `bytes_max` bytes is dropped, and its size told.
    #[must_use]
    pub fn within(self, bytes_max: u64) -> Self {
        match self {
            Self::Done { value, reference, usage, .. } if canonical_len(&value) as u64 > bytes_max => {
                let dropped_bytes = Some(canonical_len(&value) as u64);
                Self::Done { value: Value::Null, reference, usage, dropped_bytes }
            }
            Self::Done { .. } | Self::Failed { .. } | Self::Unknown { .. } | Self::Unreadable { .. } | Self::Absent => self,
        }
    }
}

/// What a run used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens sent to the model.
    pub tokens_in: u64,
    /// Tokens the model wrote.
    pub tokens_out: u64,
    /// Cost in millionths of the account's currency.
    pub cost_micros: u64,
}

/// A person's answer to a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewAnswer {
    /// Which review.
    pub review: ReviewId,
    /// One of its options.
    pub option: Arc<str>,
    /// Who answered.
    pub by: Who,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What was filled in.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub form: Value,
}

/// Stop an orchestration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// Who asked.
    pub by: Who,
    /// Why.
    pub reason: String,
    /// Who takes its place under its concurrency key, where that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<OrchestrationId>,
}

/// Try parked work again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    /// Who asked.
    pub by: Who,
    /// Why.
    pub reason: String,
}

/// Settle an effect in doubt by evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolve {
    /// Which effect.
    pub effect: EffectId,
    /// Whether it was done.
    pub done: bool,
    /// Its result, when it was done and the result matters.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub result: Value,
    /// Where that can be seen.
    pub evidence: String,
    /// Who says so.
    pub by: Who,
    /// Why.
    pub reason: String,
}
