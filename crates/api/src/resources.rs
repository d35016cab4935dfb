//! Resources as the API shows them.

use provost_model::{Digest, EffectId, EventId, OrchestrationId, ReviewId, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventAnswer {
    /// Its id here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub event: Option<EventId>,
    /// `accepted`, `duplicate`, `rejected`.
    pub status: String,
    /// What it started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub orchestrations: Vec<OrchestrationId>,
    /// The batches it is gathered into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<EventBatch>,
    /// Workflows that it would start, and that cannot read it; others took it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<EventUnread>,
    /// Why it was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<crate::problem::ProblemBody>,
}

/// A batch that an event is gathered into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventBatch {
    /// The workflow that starts with the batch.
    pub workflow: String,
    /// What its events are gathered by; empty where the workflow names no key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Leads to the batch: `GET /v1/orchestrations/{id}` says how it stands, and shows what it started once it did.
    #[schema(value_type = String)]
    pub id: OrchestrationId,
}

/// A workflow that an event would start, if its keys could be had from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventUnread {
    /// The workflow.
    pub workflow: String,
    /// The code of the reason: `event-key` or `event-order`.
    pub code: String,
    /// The reason.
    pub reason: String,
}

/// One event of the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedItem {
    /// Its id here.
    #[schema(value_type = String)]
    pub id: EventId,
    /// `accepted`, `rejected`.
    pub status: String,
    /// When (RFC 3339).
    pub received_at: String,
    /// Who sent it.
    pub by: String,
    /// The event, as structured CloudEvents JSON.
    #[schema(value_type = Object)]
    pub event: serde_json::Value,
    /// What it started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub orchestrations: Vec<OrchestrationId>,
    /// Workflows that it would start, and that cannot read it; others took it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<EventUnread>,
    /// The code of a rejected one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A page of the feed of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedAnswer {
    /// Its entries, oldest first.
    pub items: Vec<FeedItem>,
    /// Send it as `after` for the next page.
    pub next: String,
    /// Whether there is more now.
    pub more: bool,
}

/// An orchestration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Orchestration {
    /// Its id.
    #[schema(value_type = String)]
    pub id: OrchestrationId,
    /// The workflow's name.
    pub workflow: String,
    /// The workflow's version.
    pub version: String,
    /// The bundle.
    #[schema(value_type = String)]
    pub pin: Digest,
    /// `running`, `waiting`, `parked`, `completed`, `faulted`, `cancelled`.
    pub status: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The event behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub event: Option<EventId>,
    /// Sequence of its last fact.
    pub sequence: u64,
    /// When it began (RFC 3339).
    pub started_at: String,
    /// The output of a completed one.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Object)]
    pub output: Value,
    /// The error of a faulted or parked one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::problem::ProblemBody>)]
    pub problem: Option<provost_model::Problem>,
    /// Whom it waits for under its concurrency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<WaitsFor>,
    /// Questions to people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviews: Vec<Review>,
    /// Its effects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
}

/// Whom an orchestration waits for that found its concurrency key held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WaitsFor {
    /// The key's value.
    pub key: String,
    /// Its place among those that wait, from 1.
    pub position: u32,
    /// Who holds the key, oldest first; the first few.
    #[schema(value_type = Vec<String>)]
    pub holders: Vec<OrchestrationId>,
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Review {
    /// Its id.
    #[schema(value_type = String)]
    pub id: ReviewId,
    /// The orchestration that waits.
    #[schema(value_type = String)]
    pub orchestration: OrchestrationId,
    /// Who is asked.
    pub queue: String,
    /// The question.
    pub title: String,
    /// The answers; the first approves.
    pub options: Vec<String>,
    /// Whether another person than the one who caused it must answer.
    pub four_eyes: bool,
    /// What the person sees.
    #[schema(value_type = Object)]
    pub show: Value,
    /// The action an approval releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// `open`, `answered` or `closed`.
    pub status: String,
    /// When it was opened (RFC 3339).
    pub opened_at: String,
}

/// An effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Effect {
    /// Its id.
    #[schema(value_type = String)]
    pub id: EffectId,
    /// The orchestration behind it.
    #[schema(value_type = String)]
    pub orchestration: OrchestrationId,
    /// `name@major`.
    pub name: String,
    /// `agent`, `action` or `undo`.
    pub kind: String,
    /// `E0` to `E4`.
    pub class: String,
    /// Where it stands.
    pub state: String,
    /// The task.
    pub position: String,
    /// The key the target sees.
    pub key: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The target's own reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// Questions that are open: `GET /v1/reviews`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReviewsAnswer {
    /// The questions.
    pub items: Vec<Review>,
}

/// Effects that need a person: `GET /v1/effects`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EffectsAnswer {
    /// The effects.
    pub items: Vec<Effect>,
}

/// Parked orchestrations: `GET /v1/dead-letters`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLettersAnswer {
    /// The orchestrations.
    pub items: Vec<Orchestration>,
}

/// A start by hand: `POST /v1/workflows/{name}/orchestrations`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartBody {
    /// The input.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub input: Value,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Why somebody wants something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// An answer to a review: `POST /v1/reviews/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewBody {
    /// The orchestration that waits.
    #[schema(value_type = String)]
    pub orchestration: OrchestrationId,
    /// One of the options; `approve` and `reject` stand for the first and the second.
    pub option: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// What was filled in.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Object)]
    pub form: Value,
}

/// The settling of an effect in doubt: `POST /v1/effects/{id}/resolution`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveBody {
    /// The orchestration behind it.
    #[schema(value_type = String)]
    pub orchestration: OrchestrationId,
    /// Whether it was done.
    pub done: bool,
    /// Its result.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Object)]
    pub result: Value,
    /// Where that can be seen.
    pub evidence: String,
    /// Why.
    pub reason: String,
}

/// A bundle to publish: `POST /v1/bundles`: the files of its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleBody {
    /// Path -> text.
    pub files: std::collections::BTreeMap<String, String>,
    /// Why.
    pub reason: String,
}

/// What publishing came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BundleAnswer {
    /// The pin.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// The workflows that are active now: name and version.
    #[schema(value_type = Vec<Vec<String>>)]
    pub workflows: Vec<(String, String)>,
    /// Warnings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A bundle to hold against another, and against work under way: `POST /v1/bundles/comparison`. Nothing is published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ComparisonBody {
    /// Path -> text.
    pub files: std::collections::BTreeMap<String, String>,
    /// The pin it is compared with; absent: what is active of its workflows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub against: Option<Digest>,
    /// `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComparisonAnswer {
    /// The pin that the bundle would have.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// What changes in meaning; on the first page only.
    pub changes: Vec<BundleChange>,
    /// Work under way, a page of it. It keeps its pin whatever is published.
    pub running: Vec<RunningUnder>,
    /// Send it as `after` for the next page; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One change between two bundles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BundleChange {
    /// `workflow`, `task`, `contract`, `agent`, `prompt`, `route`, `action`, `rules`, `policy`.
    pub subject: String,
    /// Its name; of a task, the path of names.
    pub name: String,
    /// Which part of it; absent: the whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub part: String,
    /// As it was; absent where it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// As it is; absent where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// An orchestration under way, and what another bundle would have decided about its record so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunningUnder {
    /// The orchestration.
    #[schema(value_type = String)]
    pub orchestration: OrchestrationId,
    /// Its workflow.
    pub workflow: String,
    /// `running`, `waiting`, `parked`.
    pub status: String,
    /// Its pin, which stays.
    #[schema(value_type = String)]
    pub pin: Digest,
    /// `identical`, `differs`, or `absent` where the bundle has no such workflow.
    pub verdict: String,
    /// Rows decided identically.
    pub rows: u64,
    /// Facts in them.
    pub facts: u64,
    /// The sequence of the first fact that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// What differs there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
}

/// Destinations of this place, all of them: `PUT /v1/binding`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BindingBody {
    /// Name -> base URL.
    pub destinations: std::collections::BTreeMap<String, String>,
    /// Refuse unless this is the current revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_revision: Option<u64>,
    /// Why.
    pub reason: String,
}

/// Where destinations are: `GET /v1/binding`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BindingAnswer {
    /// Counts up; 0 until it is set.
    pub revision: u64,
    /// Name -> base URL; what is not here is nowhere.
    pub destinations: std::collections::BTreeMap<String, String>,
}

/// The Guard: `PUT /v1/guard`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardBody {
    /// What is stopped.
    #[schema(value_type = Object)]
    pub guard: Value,
    /// Refuse unless this is the current revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_revision: Option<u64>,
    /// Why.
    pub reason: String,
}

/// The tenant's own policies: `PUT /v1/policies`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PoliciesBody {
    /// File name -> Cedar text; none: back to the built-in ones.
    pub files: std::collections::BTreeMap<String, String>,
    /// Refuse unless this is the current revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_revision: Option<u64>,
    /// Why.
    pub reason: String,
}

/// The tenant's own policies: `GET /v1/policies`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoliciesAnswer {
    /// Counts up; 0 until they are set.
    pub revision: u64,
    /// File name -> Cedar text; none: the built-in ones hold.
    pub files: std::collections::BTreeMap<String, String>,
}

/// A named token to be made: `POST /v1/principals`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrincipalBody {
    /// The name that every record of theirs carries.
    pub name: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// How long the token works, in days; without it, until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Another tenant's, made where there is none yet: only the local user of a laptop may say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Why.
    pub reason: String,
}

/// Who may come in: an item of `GET /v1/principals`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PrincipalAnswer {
    /// The name.
    pub name: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// The token's first characters, to recognise it by.
    pub prefix: String,
    /// When the token ends, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// What a verification found: `POST /v1/orchestrations/{id}/verification`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// The orchestration.
    #[schema(value_type = String)]
    pub orchestration: OrchestrationId,
    /// Whether deciding again gave every byte of the record.
    pub equal: bool,
    /// Rows decided again.
    pub rows: u64,
    /// Facts in them.
    pub facts: u64,
    /// Rows of another behaviour number.
    pub other_engine: u64,
    /// The chain's head; keep it outside to find any later change.
    #[schema(value_type = String)]
    pub head: Digest,
    /// The first difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
    /// What stayed of it, where it is past its retention: there are no rows to decide again, and that is no difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Retired>,
}

/// The tombstone of an orchestration past its retention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Retired {
    /// How it ended.
    pub outcome: String,
    /// When it ended, RFC 3339.
    pub ended_at: String,
    /// Sequence of its last fact.
    pub sequence: u64,
    /// The bundle it ran.
    #[schema(value_type = String)]
    pub pin: Digest,
    /// Effect keys still kept.
    pub effect_keys: u64,
}

/// A journal of the walk: `GET /v1/journals`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JournalItem {
    /// `orchestration`, `inbox`, `control`.
    pub kind: String,
    /// An orchestration's id, `inbox-17`, `control`.
    pub name: String,
    /// Whether it has rows; one without is known from its list row only.
    pub rows: bool,
}

/// A page of the walk over journals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JournalsAnswer {
    /// The journals.
    pub items: Vec<JournalItem>,
    /// Send it as `after` for the next page; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What a look at an inbox or control journal found: `POST /v1/journals/{name}/verification`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JournalVerification {
    /// `inbox-17`, `control`.
    pub journal: String,
    /// Whether its rows are as they were written and everything that they name is there.
    pub equal: bool,
    /// Rows.
    pub rows: u64,
    /// Facts in them.
    pub facts: u64,
    /// How often it names an orchestration as started.
    pub started: u64,
    /// Those handed on to another partition that have not arrived.
    pub on_their_way: u64,
    /// The chain's head; keep it outside to find any later change.
    #[schema(value_type = String)]
    pub head: Digest,
    /// The first difference of its rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
    /// Orchestrations that it says were started, and that are not there; at most a hundred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingOrchestration>,
    /// How many are not there.
    pub missing_count: u64,
}

/// An orchestration of which neither journal nor tombstone is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissingOrchestration {
    /// The orchestration.
    #[schema(value_type = String)]
    pub orchestration: OrchestrationId,
    /// The event that started it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub event: Option<EventId>,
    /// The sequence of the inbox row that names it.
    pub sequence: u64,
}
