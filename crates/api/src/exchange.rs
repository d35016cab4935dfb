//! The worker protocol: one exchange reports a batch and claims the next, another extends leases (DESIGN §5).
//!
//! `POST /v1/workers/exchange` takes [`Exchange`] and answers [`Exchanged`]; `POST /v1/workers/extend` takes [`Extend`] and answers
//! [`Extended`]. A lease token holds the server's epoch, so a zombie's report is recognised and refused.

use provost_model::record::{Attempted, SecretSpan};
use provost_model::{EffectId, EventId, OrchestrationId, TenantId, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most pieces of work one exchange claims.
pub const CAPACITY_MAX: u32 = 1024;
/// Most reports of one exchange.
pub const REPORTS_MAX: usize = 1024;
/// Most queues of one exchange.
pub const QUEUES_MAX: usize = 64;
/// Longest wait for work, in milliseconds.
pub const WAIT_MS_MAX: u64 = 30_000;

/// What a worker says and wants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The worker's name.
    pub worker: String,
    /// The queues it serves.
    pub queues: Vec<String>,
    /// How much work it takes, at most [`CAPACITY_MAX`].
    pub capacity: u32,
    /// How long it waits for some, in milliseconds, at most [`WAIT_MS_MAX`].
    #[serde(default)]
    pub wait_ms: u64,
    /// Outcomes of work it held, at most [`REPORTS_MAX`].
    #[serde(default)]
    pub reports: Vec<Report>,
}

/// The outcome of one attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The lease it was held under.
    pub lease: String,
    /// What came of it.
    #[schema(value_type = Object)]
    pub result: Attempted,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub took_ms: i64,
}

/// What the server answers to an exchange.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Exchanged {
    /// Work under lease.
    pub work: Vec<Work>,
    /// Reports that were refused: the lease had ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedReport>,
}

/// A report that came too late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedReport {
    /// Its lease.
    pub lease: String,
    /// `stale-lease`.
    pub code: String,
    /// What happened.
    pub detail: String,
}

/// Kinds of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// A run of an agent.
    Agent,
    /// An action.
    Action,
    /// The undo of an action.
    Undo,
    /// A question whether an action was done.
    LookUp,
    /// A read of passages: a list of `{ source, text }` for `{ query, topK }`.
    Retrieval,
    /// A read of features: values by name for `{ names, entity, asOf }`.
    Feature,
}

/// One attempt to carry out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Work {
    /// The lease to report under.
    pub lease: String,
    /// How long the lease lasts, in milliseconds.
    pub lease_ms: i64,
    /// What kind of work.
    pub kind: WorkKind,
    /// `name@major` of the agent or action.
    pub name: String,
    /// Which attempt.
    pub attempt: u32,
    /// The effect.
    #[schema(value_type = String)]
    pub effect: EffectId,
    /// The orchestration.
    #[schema(value_type = String)]
    pub orchestration: OrchestrationId,
    /// The tenant.
    #[schema(value_type = String)]
    pub tenant: TenantId,
    /// The event behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub event: Option<EventId>,
    /// The task.
    pub position: String,
    /// The key to send to the target.
    pub key: String,
    /// The last moment, in microseconds UTC; 0 means none.
    pub deadline_us: i64,
    /// What is sent, or asked.
    #[schema(value_type = Object)]
    pub input: Value,
    /// Where secrets belong in it: the worker puts them in, at exactly these places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub secrets: Vec<SecretSpan>,
    /// W3C trace context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// A wish to hold work for longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Extend {
    /// The worker's name.
    pub worker: String,
    /// The leases.
    pub leases: Vec<String>,
}

/// The answer to [`Extend`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Extended {
    /// Leases that had ended.
    pub refused: Vec<String>,
}
