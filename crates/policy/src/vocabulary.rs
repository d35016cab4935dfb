//! The names that policy speaks: actions, principals, roles, resources and the members of a context.
//!
//! What must stay true: a name here means the same for ever, since tenants write policies with it (additive only). It decides nothing.

/// What follows an action's name in the second question: "may it happen after a person's approval?"
pub const WITH_REVIEW: &str = ".with-review";

/// Accept an event from outside.
pub const EVENT_INGEST: &str = "event.ingest";
/// Start an orchestration.
pub const ORCHESTRATION_START: &str = "orchestration.start";
/// Read an orchestration, its journal, state, explanation, reviews and effects.
pub const ORCHESTRATION_READ: &str = "orchestration.read";
/// Cancel an orchestration.
pub const ORCHESTRATION_CANCEL: &str = "orchestration.cancel";
/// Start a run of an agent.
pub const AGENT_START: &str = "agent.start";
/// Carry out the plan that an agent proposed; each of its tasks is asked about by itself too.
pub const PLAN_EXECUTE: &str = "plan.execute";
/// Ask a model.
pub const MODEL_CALL: &str = "model.call";
/// Call a tool.
pub const TOOL_CALL: &str = "tool.call";
/// A call that a workflow writes out itself (`call: http`, `call: openapi`).
pub const HTTP_CALL: &str = provost_model::program::HTTP_CALL;
/// Retrieve passages from a source.
pub const RETRIEVAL_QUERY: &str = "retrieval.query";
/// Read a passage of a source: asked once for each origin and its labels, before anybody reads the passage.
pub const RETRIEVAL_READ: &str = "retrieval.read";
/// Read a feature.
pub const FEATURE_READ: &str = "feature.read";
/// Decide a review.
pub const REVIEW_DECIDE: &str = "review.decide";
/// Say what became of an effect in doubt.
pub const EFFECT_RESOLVE: &str = "effect.resolve";
/// Try parked work again.
pub const EFFECT_REDRIVE: &str = "effect.redrive";
/// Replay, verify, fork; `context.mode` says which.
pub const REPLAY_RUN: &str = "replay.run";
/// Publish and apply a bundle.
pub const BUNDLE_PUBLISH: &str = "bundle.publish";
/// Change the Guard.
pub const GUARD_SET: &str = "guard.set";
/// Read bundles.
pub const BUNDLE_READ: &str = "bundle.read";
/// See what is personal: what authors and contracts label so is left out of every answer to whoever may not, or did not ask.
pub const VALUE_REVEAL: &str = "value.reveal";
/// Claim work and report outcomes.
pub const WORKER_EXCHANGE: &str = "worker.exchange";
/// Read the content of a blob.
pub const BLOB_READ: &str = "blob.read";

/// Actions of the platform itself: the tenant's layer grants them, the bundle's layer can only narrow them. Every other action needs
/// both layers.
pub const PLATFORM: [&str; 14] = [
    EVENT_INGEST,
    ORCHESTRATION_START,
    ORCHESTRATION_READ,
    ORCHESTRATION_CANCEL,
    REVIEW_DECIDE,
    EFFECT_RESOLVE,
    EFFECT_REDRIVE,
    REPLAY_RUN,
    BUNDLE_PUBLISH,
    GUARD_SET,
    BUNDLE_READ,
    WORKER_EXCHANGE,
    BLOB_READ,
    VALUE_REVEAL,
];

/// Whether the tenant's layer grants this action (see [`PLATFORM`]).
pub fn is_platform(action: &str) -> bool {
    PLATFORM.contains(&action)
}

/// A person or a named token.
pub const USER: &str = "User";
/// A workflow, acting for itself; also a resource.
pub const WORKFLOW: &str = "Workflow";
/// The reconciliation schedule of a workflow, by the workflow's name.
pub const SCHEDULE: &str = "Schedule";
/// A worker.
pub const WORKER: &str = "Worker";
/// A role; a parent of users and workers.
pub const ROLE: &str = "Role";
/// An authored action as a resource.
pub const ACTION: &str = "Action";
/// An agent as a resource.
pub const AGENT: &str = "Agent";
/// A model as a resource.
pub const MODEL: &str = "Model";
/// A tool as a resource.
pub const TOOL: &str = "Tool";

/// A source of passages as a resource.
pub const SOURCE: &str = "Source";
/// A passage as a resource, by where it comes from.
pub const PASSAGE: &str = "Passage";
/// A feature as a resource.
pub const FEATURE: &str = "Feature";

/// The role of whoever is known by the loopback connection of a laptop only. No token can carry it.
pub const ROLE_LOCAL: &str = "local";
/// The role of Provost itself (timers, schedules). No token can carry it.
pub const ROLE_SYSTEM: &str = "system";

/// The host an effect goes to, in lower case.
pub const DESTINATION_HOST: &str = "destinationHost";
/// The model asked for.
pub const MODEL_NAME: &str = "model";
/// The digest of a tool's description.
pub const TOOL_HASH: &str = "toolHash";
/// Whether a review asks for four eyes.
pub const FOUR_EYES: &str = "fourEyes";
/// Whether the decider is another person than the one who asked, both known by a token of their own.
pub const SECOND_PERSON: &str = "secondPerson";

/// The entity types that Provost itself names.
pub(crate) const KINDS: [&str; 19] = [
    USER,
    WORKFLOW,
    SCHEDULE,
    WORKER,
    ROLE,
    ACTION,
    AGENT,
    MODEL,
    TOOL,
    SOURCE,
    PASSAGE,
    FEATURE,
    "Tenant",
    "Orchestration",
    "Queue",
    "Bundle",
    "Review",
    "Effect",
    "Blob",
];
