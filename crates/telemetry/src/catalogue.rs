//! The one catalogue: every span, metric and log field Provost has, with its name, unit and meaning.
//!
//! What must stay true: names are stable once released (dashboards lean on them); metric names end in their unit, counters in
//! `_total`; no label or field carries a payload or a tenant's own values. It records nothing itself.
//! Sources: OpenTelemetry semantic conventions for generative AI (`gen_ai.*`), Prometheus naming practices.

/// What every line and span of ours starts its target or scope with.
pub const SCOPE: &str = "provost";

/// The stages an event passes; each is one kind of span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// An event or a start arrives and is accepted, rejected or known already.
    Ingest,
    /// One transition of an orchestration, from command to commit.
    Orchestrate,
    /// One run of an agent.
    AgentRun,
    /// One attempt to ask a model.
    ModelCall,
    /// One attempt to call a tool.
    ToolCall,
    /// Opinions become a decision.
    Decide,
    /// Policy answers a question.
    Policy,
    /// A person is asked, until the answer.
    Review,
    /// One attempt to carry out an action.
    Dispatch,
}

impl Stage {
    /// All stages, in the order an event meets them.
    pub const ALL: [Self; 9] = [
        Self::Ingest,
        Self::Orchestrate,
        Self::AgentRun,
        Self::ModelCall,
        Self::ToolCall,
        Self::Decide,
        Self::Policy,
        Self::Review,
        Self::Dispatch,
    ];

    /// The span's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Orchestrate => "orchestrate",
            Self::AgentRun => "agent_run",
            Self::ModelCall => "model_call",
            Self::ToolCall => "tool_call",
            Self::Decide => "decide",
            Self::Policy => "policy",
            Self::Review => "review",
            Self::Dispatch => "dispatch",
        }
    }
}

/// The name of a log field or span attribute. Only this module makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(&'static str);

impl Field {
    /// The name as written.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        /// Every log field and span attribute.
        pub mod field {
            use super::Field;
            $($(#[$doc])* pub const $constant: Field = Field($name);)*
        }

        /// All fields, for checks and for the reference page.
        pub const FIELDS: &[Field] = &[$(field::$constant),*];
    };
}

fields! {
    /// Correlation: the owner.
    TENANT_ID = "tenant_id";
    /// Correlation: the event.
    EVENT_ID = "event_id";
    /// Correlation: the orchestration.
    ORCHESTRATION_ID = "orchestration_id";
    /// Correlation: the run of an agent.
    RUN_ID = "run_id";
    /// A name of ours for an error or a refusal, e.g. `PV-…`.
    CODE = "code";
    /// The pin's digest.
    PIN = "pin";
    /// An authored workflow name.
    WORKFLOW = "workflow";
    /// An authored task position.
    POSITION = "position";
    /// An authored agent, action or tool name with major version.
    TARGET = "target_name";
    /// An effect's id.
    EFFECT_ID = "effect_id";
    /// An effect's class.
    EFFECT_CLASS = "effect_class";
    /// Where an effect stands.
    EFFECT_STATE = "effect_state";
    /// A review's id.
    REVIEW_ID = "review_id";
    /// A decision's id.
    DECISION_ID = "decision_id";
    /// Attempt number, from 1.
    ATTEMPT = "attempt";
    /// A journal sequence.
    SEQUENCE = "sequence";
    /// A partition's number.
    PARTITION = "partition";
    /// A partition writer's epoch.
    EPOCH = "epoch";
    /// A slot's number.
    SLOT = "slot";
    /// A policy answer.
    ANSWER = "answer";
    /// How an orchestration ended.
    ENDING = "ending";
    /// A worker's authored name.
    WORKER = "worker";
    /// An authenticated name.
    WHO = "who";
    /// A policy action's name, e.g. `agent.start`.
    ACTION = "action";
    /// A destination's authored name.
    DESTINATION = "destination";
    /// The revision of the Guard that was asked.
    GUARD_REVISION = "guard_revision";
    /// The revision of the binding in force.
    BINDING_REVISION = "binding_revision";
    /// The kind and size of a payload.
    PAYLOAD = "payload";
    /// A count of things.
    COUNT = "count";
    /// A size in bytes.
    SIZE_BYTES = "size_bytes";
    /// A duration in microseconds.
    DURATION_US = "duration_us";
    /// A moment in microseconds UTC.
    AT_US = "at_us";
    /// An HTTP status.
    STATUS = "status";
    /// A listening or target address: host and port, never a path or query.
    ADDRESS = "address";
    /// A version of this program.
    VERSION = "version";
    /// GenAI: what the call is (`chat`, `execute_tool`, `invoke_agent`).
    GEN_AI_OPERATION = "gen_ai.operation.name";
    /// GenAI: who serves the model.
    GEN_AI_PROVIDER = "gen_ai.provider.name";
    /// GenAI: the model asked for.
    GEN_AI_REQUEST_MODEL = "gen_ai.request.model";
    /// GenAI: the model that answered.
    GEN_AI_RESPONSE_MODEL = "gen_ai.response.model";
    /// GenAI: tokens sent.
    GEN_AI_INPUT_TOKENS = "gen_ai.usage.input_tokens";
    /// GenAI: tokens received.
    GEN_AI_OUTPUT_TOKENS = "gen_ai.usage.output_tokens";
    /// GenAI: the agent's name.
    GEN_AI_AGENT = "gen_ai.agent.name";
    /// GenAI: the tool's name.
    GEN_AI_TOOL = "gen_ai.tool.name";
}

/// Whether a field of this name is in the catalogue.
pub fn is_field(name: &str) -> bool {
    FIELDS.iter().any(|field| field.0 == name)
}

/// Kinds of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts per bucket.
    Histogram,
}

/// What a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Things.
    Count,
    /// A share between 0 and 1.
    Ratio,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Its name at `/metrics`.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What it counts.
    pub unit: Unit,
    /// Its labels; each has a fixed, small set of values.
    pub labels: &'static [&'static str],
    /// Upper bounds of its buckets; empty unless a histogram.
    pub buckets: &'static [f64],
    /// What it means, in one sentence.
    pub help: &'static str,
}

/// Buckets for durations from 50 microseconds to 10 seconds.
const DURATIONS: &[f64] =
    &[0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Buckets for what takes from a millisecond to a week: effects with their retries, and whole orchestrations.
const LONG_DURATIONS: &[f64] = &[
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 3_600.0, 21_600.0, 86_400.0,
    604_800.0,
];
/// Buckets for batch sizes.
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:ident, $unit:ident, [$($label:literal),*], $buckets:expr, $help:literal;)*) => {
        /// Every metric.
        pub mod metric {
            use super::{DURATIONS, LONG_DURATIONS, Kind, Metric, SIZES, Unit};
            const NONE: &[f64] = &[];
            $(
                #[doc = $help]
                pub const $constant: Metric = Metric {
                    name: $name, kind: Kind::$kind, unit: Unit::$unit, labels: &[$($label),*], buckets: $buckets, help: $help,
                };
            )*
        }

        /// All metrics, in the order of the reference page.
        pub const METRICS: &[Metric] = &[$(metric::$constant),*];
    };
}

metrics! {
    TRANSITION_DURATION = "provost_transition_duration_seconds", Histogram, Seconds, [], DURATIONS,
        "Time from taking a command from the queue to its durable commit.";
    COMMIT_DURATION = "provost_commit_duration_seconds", Histogram, Seconds, [], DURATIONS,
        "Time of one durable commit of a batch.";
    INGEST_DURATION = "provost_ingest_duration_seconds", Histogram, Seconds, [], DURATIONS,
        "Time from the arrival of a request to the durable answer to its event or start.";
    EFFECT_DURATION = "provost_effect_duration_seconds", Histogram, Seconds, ["kind"], LONG_DURATIONS,
        "Time from the intent of an effect to its settlement, all attempts included, by kind.";
    ORCHESTRATION_DURATION = "provost_orchestration_duration_seconds", Histogram, Seconds, ["ending"], LONG_DURATIONS,
        "Time from the start of an orchestration to its end, by how it ended.";
    COMMIT_BATCH = "provost_commit_batch_transitions", Histogram, Count, [], SIZES,
        "Transitions in one commit.";
    QUEUE_DEPTH = "provost_queue_depth", Gauge, Count, ["partition"], NONE,
        "Commands waiting for a partition.";
    RETRIES = "provost_retries_total", Counter, Count, ["of"], NONE,
        "Attempts after the first, of an effect or of a list of tasks.";
    PARKED = "provost_parked", Gauge, Count, ["partition"], NONE,
        "Orchestrations that cannot go on by themselves.";
    IN_DOUBT = "provost_in_doubt", Gauge, Count, ["partition"], NONE,
        "Effects that were sent and whose outcome is unknown.";
    OPEN_CIRCUIT_RATIO = "provost_open_circuit_ratio", Gauge, Ratio, [], NONE,
        "Share of breakers that are open.";
    PROJECTION_LAG = "provost_projection_lag_seconds", Gauge, Seconds, ["partition"], NONE,
        "How far the lists stand behind the journals.";
    EVENTS = "provost_events_total", Counter, Count, ["outcome"], NONE,
        "Events that arrived, by what became of them.";
    ORCHESTRATIONS_STARTED = "provost_orchestrations_started_total", Counter, Count, [], NONE,
        "Orchestrations that started.";
    ORCHESTRATIONS_ENDED = "provost_orchestrations_ended_total", Counter, Count, ["ending"], NONE,
        "Orchestrations that ended, by how.";
    EFFECTS = "provost_effects_total", Counter, Count, ["class", "state"], NONE,
        "Changes of state of effects, by class and the state reached.";
    WORKER_EXCHANGES = "provost_worker_exchanges_total", Counter, Count, ["kind"], NONE,
        "Exchanges with workers, by what they were for.";
    ZOMBIE_REPORTS = "provost_zombie_reports_refused_total", Counter, Count, [], NONE,
        "Reports refused because their lease or epoch was over.";
    POLICY_VERDICTS = "provost_policy_verdicts_total", Counter, Count, ["answer"], NONE,
        "Verdicts of policy, by answer.";
    POLICY_WOULD = "provost_policy_would_total", Counter, Count, ["answer", "would"], NONE,
        "Verdicts that policies on trial would have changed, by answer and by what it would have been.";
    ORCHESTRATIONS_OPEN = "provost_orchestrations_open", Gauge, Count, ["partition"], NONE,
        "Orchestrations that are not over.";
    REVIEWS_OPEN = "provost_reviews_open", Gauge, Count, ["partition"], NONE,
        "Questions to people that have no answer.";
    WORK_WAITING = "provost_work_waiting", Gauge, Count, [], NONE,
        "Pieces of work that no worker has taken.";
    WORK_LEASED = "provost_work_leased", Gauge, Count, [], NONE,
        "Pieces of work in the hands of workers.";
    OVERLOADED = "provost_requests_overloaded_total", Counter, Count, [], NONE,
        "Requests turned away with 429 because a partition's queue was full.";
    TIMERS_PENDING = "provost_timers_pending", Gauge, Count, ["partition"], NONE,
        "Timers that wait for their moment.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FIELDS, Kind, METRICS, Stage, Unit};

    #[test]
    fn names_are_unique_and_end_in_their_unit() {
        let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for metric in METRICS {
            assert!(metric.name.starts_with("provost_"), "{}", metric.name);
            assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
            assert_eq!(metric.unit == Unit::Seconds, metric.name.ends_with("_seconds"), "{}", metric.name);
            assert_eq!(metric.unit == Unit::Ratio, metric.name.ends_with("_ratio"), "{}", metric.name);
            assert_eq!(metric.kind == Kind::Histogram, !metric.buckets.is_empty(), "{}", metric.name);
            assert!(metric.buckets.is_sorted(), "{}", metric.name);
        }
        let fields: BTreeSet<_> = FIELDS.iter().collect();
        assert_eq!(fields.len(), FIELDS.len());
        let stages: BTreeSet<&str> = Stage::ALL.iter().map(|stage| stage.name()).collect();
        assert_eq!(stages.len(), Stage::ALL.len());
    }
}
