//! Questions to policy and their answers. Who asks: `engine` (through `Step::Ask`) and the API. Who answers: `policy`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::value::Value;

/// The actions that Provost itself asks policy about, beside those that bundles declare.
pub const PROVOST_ACTIONS: [&str; 21] = [
    "agent.start",
    "blob.read",
    "bundle.publish",
    "bundle.read",
    "effect.redrive",
    "effect.resolve",
    "event.ingest",
    "feature.read",
    "guard.set",
    "model.call",
    "orchestration.cancel",
    "orchestration.read",
    "orchestration.start",
    "plan.execute",
    "replay.run",
    "retrieval.query",
    "retrieval.read",
    "review.decide",
    "tool.call",
    "value.reveal",
    "worker.exchange",
];

/// A named thing in policy: `{kind: "Agent", id: "refund-screener"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entity {
    /// The Cedar entity type.
    pub kind: Arc<str>,
    /// The name inside the type.
    pub id: Arc<str>,
}

impl Entity {
    /// The entity `id` of type `kind`.
    pub fn new(kind: &str, id: &str) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }
}

/// One question: may `principal` do `action` on `resource`, given `context`?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRequest {
    /// Who wants it: `Workflow::"refund-triage"`, `User::"maria.k"`.
    pub principal: Entity,
    /// What: `agent.start`, `payments.refund`, `review.decide`.
    pub action: Arc<str>,
    /// On what: `Agent::"refund-screener"`, `Action::"payments.refund"`.
    pub resource: Entity,
    /// What policy may know. Integers, strings, booleans, lists, records; no floats.
    pub context: Value,
}

impl PolicyRequest {
    /// The digest that a verdict names.
    pub fn digest(&self) -> Digest {
        let context = crate::value::canonical(&self.context);
        Digest::of_parts(&[
            self.principal.kind.as_bytes(),
            self.principal.id.as_bytes(),
            self.action.as_bytes(),
            self.resource.kind.as_bytes(),
            self.resource.id.as_bytes(),
            context.as_bytes(),
        ])
    }
}

/// The three words of a verdict, from mild to strict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Go on.
    Allow,
    /// Only after a person's approval.
    Review,
    /// No.
    Deny,
}

/// A rule that decided: where it stands and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its `@id`, or `policy<N>`.
    pub id: Arc<str>,
    /// File and line, e.g. `refund.cedar:14`.
    pub at: Arc<str>,
}

/// An answer with its reasons. Recorded, and used again on replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The digest of the question.
    pub request: Digest,
    /// The answer: the stricter of the layers.
    pub answer: Answer,
    /// The rules that decided; empty when nothing matched (default deny).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Which layer decided.
    pub layer: Layer,
    /// Errors met while evaluating; an error never allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// Digest of the bundle's policies.
    pub bundle: Digest,
    /// Digest of the tenant's policies.
    pub tenant: Digest,
    /// Revision of the Guard that was asked.
    pub guard: u64,
    /// Revision of the binding that named the destination; 0 where none was needed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub binding: u64,
    /// What policies on trial would have changed; absent where they would have changed nothing. Nothing acts on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would: Option<Would>,
}

/// Another answer than the one given: what it would have been, had the policies on trial (`@log_only`) decided too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Would {
    /// The answer: the stricter of the layers.
    pub answer: Answer,
    /// The rules on trial that would have decided, in the layers that would have answered otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Errors met while evaluating rules on trial; in force, an error denies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// The layers of policy; the strictest answer wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The bundle's own policies, pinned.
    Bundle,
    /// The tenant's current policies.
    Tenant,
    /// The deny-only Guard.
    Guard,
}
