//! Why the data plane refuses something, in the words of the edge.

use provost_control::ControlRefused;
use provost_engine::Rejected;
use provost_model::{Digest, OrchestrationId, Problem};
use provost_store::{StoreError, Tombstone};

/// A refusal; nothing was recorded for what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The engine says no.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The store says no, or cannot.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Policy says no.
    #[error("policy denies `{action}` for `{who}`: {why}")]
    Denied {
        /// What was asked.
        action: String,
        /// By whom.
        who: String,
        /// The rules that decided, or that none allows it.
        why: String,
    },
    /// There is no such orchestration in this tenant.
    #[error("there is no orchestration `{0}`; `provost list orchestrations` shows those there are")]
    UnknownOrchestration(OrchestrationId),
    /// It is past its retention: only its tombstone is kept.
    #[error(
        "orchestration `{}` is past its retention: it was {} at {}, its journal is gone and its tombstone is kept",
        .0.orchestration, .0.outcome.as_str(), provost_engine::iso8601(.0.ended_us)
    )]
    Retired(Box<Tombstone>),
    /// There is no such workflow in this tenant.
    #[error("there is no active workflow `{0}`; apply a bundle that holds it")]
    UnknownWorkflow(String),
    /// Its bundle is not loaded here.
    #[error("bundle `{0}` is not loaded here; its blob is missing from the data folder")]
    UnknownBundle(Digest),
    /// There is no such blob in this tenant.
    #[error("there is no blob `{0}` in this tenant; it leaves a day after the last orchestration that names it")]
    UnknownBlob(Digest),
    /// The control plane says no.
    #[error(transparent)]
    Control(#[from] ControlRefused),
    /// The workflow's ordering key has no usable value.
    #[error("the ordering key has no usable value: {0}")]
    OrderKey(String),
    /// Another key of the workflow has no usable value.
    #[error("a key of the workflow has no usable value: {0}")]
    WorkflowKey(String),
    /// The workflow's concurrency key leaves no place.
    #[error("{}: {}", .0.title, .0.detail)]
    NoPlace(Box<Problem>),
    /// What an event starts has not begun: its batch is being gathered.
    #[error("the batch `{batch}` is being gathered: it has {events} events and starts at {} at the latest", provost_engine::iso8601(*.due_us))]
    Gathering {
        /// Which batch.
        batch: OrchestrationId,
        /// How many events it has.
        events: usize,
        /// When it starts at the latest, in microseconds UTC.
        due_us: i64,
    },
    /// A bundle does not load.
    #[error("the bundle does not load: {0}")]
    Bundle(String),
    /// The same `Idempotency-Key` with another request.
    #[error("this `Idempotency-Key` was used for another request; use a new key")]
    KeyReused,
    /// The queue is full.
    #[error("the server has more work than it can take; try again in {retry_after_ms} ms")]
    Overloaded {
        /// When to try again, in milliseconds.
        retry_after_ms: u64,
    },
    /// The server is stopping.
    #[error("the server is stopping; try again in a moment")]
    Stopping,
    /// Something that should not happen.
    #[error("internal error: {0}; report it with the request's id")]
    Internal(String),
}

impl Refused {
    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Rejected(rejected) => rejected.code(),
            Self::Store(error) => error.code(),
            Self::Denied { .. } => "policy-denied",
            Self::UnknownOrchestration(_) => "unknown-orchestration",
            Self::Retired(_) => "retired",
            Self::UnknownWorkflow(_) => "unknown-workflow",
            Self::UnknownBundle(_) => "unknown-bundle",
            Self::UnknownBlob(_) => "unknown-blob",
            Self::Control(refused) => refused.code(),
            Self::OrderKey(_) => "order-key",
            Self::WorkflowKey(_) => "workflow-key",
            Self::NoPlace(problem) => problem.code(),
            Self::Gathering { .. } => "gathering",
            Self::Bundle(_) => "bundle-invalid",
            Self::KeyReused => "key-reused",
            Self::Overloaded { .. } => "overloaded",
            Self::Stopping => "stopping",
            Self::Internal(_) => "internal",
        }
    }

    /// The HTTP status that fits.
    pub fn status(&self) -> u16 {
        match self {
            Self::Rejected(_) => 409,
            Self::Retired(_) | Self::Store(StoreError::Retired(_)) => 410,
            Self::Store(error) if error.retry() => 503,
            Self::Store(_) | Self::Internal(_) => 500,
            Self::Denied { .. } => 403,
            Self::Gathering { .. } | Self::UnknownOrchestration(_) | Self::UnknownWorkflow(_) | Self::UnknownBlob(_) => 404,
            Self::UnknownBundle(_) => 409,
            Self::Control(refused) => refused.status(),
            Self::NoPlace(problem) => problem.status,
            Self::OrderKey(_) | Self::WorkflowKey(_) | Self::Bundle(_) | Self::KeyReused => 422,
            Self::Overloaded { .. } => 429,
            Self::Stopping => 503,
        }
    }
}
