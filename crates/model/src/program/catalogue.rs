//! What the catalogue's functions name: agents, actions, rules tables and reviews, resolved and compiled.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::protocol::ProtocolCall;
use super::{RetrySpec, SchemaIx};
use crate::digest::Digest;
use crate::value::Value;

/// An agent: one Markdown file, compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentSpec {
    /// Its name.
    pub name: Arc<str>,
    /// Its version (SemVer 2.0).
    pub version: Arc<str>,
    /// Digest of its file.
    pub digest: Digest,
    /// Who answers.
    pub model: Model,
    /// The worker queue that serves it; `builtin` is the binary itself.
    pub queue: Arc<str>,
    /// The prompt (the file's body).
    pub prompt: Arc<str>,
    /// Contract of the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<SchemaIx>,
    /// Contract of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<SchemaIx>,
    /// Wall time of a run, in milliseconds.
    pub wall_ms: i64,
    /// How the run is tried again (the route's retries).
    pub retry: RetrySpec,
    /// What the run's own failure becomes.
    pub failure: FailureMode,
    /// Documentation, keyless answers and first test in one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
}

/// Who answers for an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// The examples of the agent's file.
    Scripted,
    /// `provider:name`.
    Named(Arc<str>),
}

/// One example of an agent: when it applies, and the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// Applies when a string of the input contains this, ignoring case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<Arc<str>>,
    /// Applies when this holds on the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<super::ExprIx>,
    /// What the agent says.
    #[serde(default)]
    pub answer: Value,
    /// Instead of an answer: the attempt fails with this text (for tests and demonstrations).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fails: Option<Arc<str>>,
    /// How long it takes, in milliseconds.
    #[serde(default)]
    pub takes_ms: i64,
}

/// What an agent's final failure becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureMode {
    /// The task faults.
    #[default]
    Fail,
    /// The answer is null; a quorum counts it absent.
    Abstain,
    /// A person answers instead.
    Review(ReviewSpec),
    /// This answer.
    Default(Value),
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewSpec {
    /// Who is asked.
    pub queue: Arc<str>,
    /// The question.
    pub title: Arc<str>,
    /// The answers; the first approves, the second rejects, others are free.
    pub options: Vec<Arc<str>>,
    /// Whether the answer must come from another person than the one who caused it.
    #[serde(default)]
    pub four_eyes: bool,
    /// Contract of what the person fills in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<SchemaIx>,
    /// How long an approval stays good, in milliseconds; 0 means as long as the orchestration.
    #[serde(default)]
    pub expires_ms: i64,
}

/// Classes of effects. See DESIGN §5, Effect classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EffectClass {
    /// Reads and model calls: may be repeated.
    E0,
    /// Idempotent by key.
    E1,
    /// Idempotent by nature.
    E2,
    /// Can be queried.
    E3,
    /// None of these: at most once.
    E4,
}

/// An action: one YAML file, compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionSpec {
    /// Its name, e.g. `payments.refund`.
    pub name: Arc<str>,
    /// Its version (SemVer 2.0).
    pub version: Arc<str>,
    /// Digest of its file.
    pub digest: Digest,
    /// Its class.
    pub class: EffectClass,
    /// The worker queue that carries it out; `builtin` is the binary itself.
    pub queue: Arc<str>,
    /// The call, for actions the built-in worker carries out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpCall>,
    /// What the workflow itself says of the call, where it writes it out instead of naming an action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<ProtocolCall>,
    /// How an E3 action, or one in doubt, is asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<LookupSpec>,
    /// Contract of the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<SchemaIx>,
    /// Contract of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<SchemaIx>,
    /// JSON pointers of the arguments that make the fingerprint; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meaningful: Vec<Arc<str>>,
    /// Longest attempt, in milliseconds.
    pub timeout_ms: i64,
    /// How it is tried again.
    pub retry: RetrySpec,
    /// How long the target honours a key, in milliseconds.
    pub key_horizon_ms: i64,
    /// When, after the last attempt, a look-up's "not there" is final, in milliseconds.
    pub settle_ms: i64,
    /// The action that undoes it, `name@major`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Arc<str>>,
    /// The review that policy may ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewSpec>,
    /// Whether money leaves by it.
    #[serde(default)]
    pub money_out: bool,
    /// How often it may leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateSpec>,
    /// When its target is left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerSpec>,
}

impl ActionSpec {
    /// What stands behind the action, for its breaker: the destination, or the worker queue.
    pub fn target(&self) -> &Arc<str> {
        self.http.as_ref().map_or(&self.queue, |http| &http.destination)
    }
}

/// How often an action may leave, over all orchestrations of the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateSpec {
    /// So many; at least 1.
    pub permits: u32,
    /// In so much time, in milliseconds; at least 1.
    pub per_ms: i64,
    /// Most of them at once; at least 1.
    pub burst: u32,
}

/// When a target that fails is left alone, over all orchestrations of the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakerSpec {
    /// Failures in a row that open it; at least 1.
    pub failures_max: u32,
    /// How long it stays open before one attempt may try the target again, in milliseconds; at least 1.
    pub open_ms: i64,
}

/// An HTTP call of an action or look-up. Destination and path are fixed by the author; `{/pointer}` in the path is filled from the
/// arguments (percent-encoded), `{key}` with the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpCall {
    /// `GET`, `POST`, ….
    pub method: Arc<str>,
    /// The destination's name; the binding gives its address.
    pub destination: Arc<str>,
    /// The path, with `{/pointer}` and `{key}`.
    pub path: Arc<str>,
    /// Header that carries the key; empty: none.
    #[serde(default)]
    pub key_header: Arc<str>,
    /// Whether the arguments are sent as a JSON body.
    #[serde(default)]
    pub body: bool,
    /// JSON pointers of the arguments where the content of a reference is sent in its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<Arc<str>>,
    /// Redirects followed; 0 by default.
    #[serde(default)]
    pub redirects_max: u32,
    /// Largest response, in bytes.
    pub response_bytes_max: u64,
}

impl ActionSpec {
    /// Whether the target can be asked if an attempt was done.
    pub fn can_be_asked(&self) -> bool {
        self.lookup.is_some() || self.call.as_ref().is_some_and(|call| call.lookup.is_some())
    }
}

/// How an unknown outcome is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LookupSpec {
    /// The question; a 2xx answer says it was done and is the result, 404 says it was not.
    pub http: HttpCall,
}

/// A decision table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RulesTable {
    /// Its name.
    pub name: Arc<str>,
    /// Its version (SemVer 2.0).
    pub version: Arc<str>,
    /// Digest of its file.
    pub digest: Digest,
    /// What several matching rows mean.
    pub hit: HitPolicy,
    /// The rows in order.
    pub rows: Vec<RulesRow>,
    /// The answer when no row matches; none: an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Value>,
}

/// One row of a decision table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesRow {
    /// The row's name or number, for explanations.
    pub id: Arc<str>,
    /// Its conditions, all of which must hold, as one expression on the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<super::ExprIx>,
    /// Its answer.
    pub then: Value,
}

/// What several matching rows mean (DMN 1.5, §8.2.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HitPolicy {
    /// Exactly one row may match.
    Unique,
    /// The first in order.
    First,
    /// All, as a list.
    Collect,
}

/// How opinions become one decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecideRule {
    /// More than half of those present.
    Majority,
    /// The largest sum of weights.
    WeightedMajority,
    /// All of those present.
    Unanimous,
    /// The first choice that reaches the quorum.
    Quorum,
    /// The first opinion that is there, in the order of the names as written.
    FirstValid,
    /// The opinion with the largest confidence.
    HighestConfidence,
    /// One named opinion.
    Judge,
}

/// Who may overrule, with which choice, from which confidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Veto {
    /// Name of the opinion.
    pub by: Arc<str>,
    /// The choice that counts as a veto.
    pub choice: Arc<str>,
    /// From this confidence, in percent.
    #[serde(default)]
    pub confidence_pct: i64,
}
