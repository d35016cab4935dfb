//! Every limit has a name that ends in its unit. Checked where data enters, asserted where it is stored.

use serde::{Deserialize, Serialize};

/// Limits on one value at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueLimits {
    /// Longest JSON text, in bytes.
    pub bytes_max: usize,
    /// Deepest nesting of arrays and objects, in levels.
    pub depth_max: usize,
}

/// Defaults at the edge: 1 MiB, 64 levels.
pub const VALUE: ValueLimits = ValueLimits { bytes_max: 1 << 20, depth_max: 64 };

/// Most tasks one transition runs before it commits and queues behind its neighbours.
pub const TRANSITION_TASKS_MAX: u32 = 256;
/// Most bytes of facts one transition writes before it commits.
pub const TRANSITION_BYTES_MAX: usize = 256 << 10;
/// As how many tasks of a transition an `emit` counts: its event and what that starts are written in the same commit.
pub const EMIT_TASKS: u32 = 8;
/// Most events of one batch of `metadata.provost.batch`.
pub const BATCH_EVENTS_MAX: i64 = 1_000;
/// Longest time in which such a batch is gathered, in milliseconds.
pub const BATCH_WAIT_MS_MAX: i64 = 7 * 24 * 3_600_000;
/// Most batches that a partition gathers at once; beyond that the one that is due first is closed.
pub const BATCHES_OPEN_MAX: usize = 10_000;
/// Most orchestrations that may hold one value of a concurrency key.
pub const CONCURRENCY_LIMIT_MAX: i64 = 1_000;
/// Orchestrations that may wait for one value of a concurrency key, where its workflow does not say.
pub const CONCURRENCY_WAITING: i64 = 1_000;
/// Most that a workflow may allow to wait for one value of a concurrency key.
pub const CONCURRENCY_WAITING_MAX: i64 = 100_000;
/// Shortest time between two looks of `metadata.provost.reconcile`, in milliseconds.
pub const RECONCILE_MS_MIN: i64 = 1_000;
/// Longest such time, in milliseconds.
pub const RECONCILE_MS_MAX: i64 = 30 * 24 * 3_600_000;
/// Looks at one effect in doubt, or at parked work, where a workflow does not say.
pub const RECONCILE_LOOKS: i64 = 12;
/// Most such looks that a workflow may ask for.
pub const RECONCILE_LOOKS_MAX: i64 = 1_000;
/// Most workflows that one event starts. With [`EMIT_TASKS`] it bounds the rows of a commit.
pub const EVENT_STARTS_MAX: usize = 64;
/// Most events that wait, for each filter of a set, for those they start a workflow with.
pub const COMBINED_MAX: usize = 32;
/// Most missed times of a schedule that are made up for.
pub const MISSED_MAX: usize = 100;
/// From when on a time of a schedule counts as missed, in milliseconds.
pub const MISSED_AFTER_MS: i64 = 10_000;
/// As how many tasks of a transition a `run` counts: what it begins may be written in the same commit.
pub const RUN_TASKS: u32 = 4;
/// Most children of one orchestration that run at a time.
pub const CHILDREN_MAX: usize = 256;
/// Most workflows above one another.
pub const RUN_DEPTH_MAX: usize = 16;
/// How often one workflow may stand in such a line.
pub const RUN_CYCLE_MAX: usize = 4;
/// Fewest facts between snapshots.
pub const SNAPSHOT_FACTS: u64 = 256;
/// Slots for ever; partitions own ranges of them.
pub const SLOTS: u16 = 4096;
/// Most hops of events that cause events.
pub const EVENT_HOPS_MAX: u32 = 32;
/// How long an event id is remembered, in milliseconds (30 days).
pub const DEDUPE_MS: i64 = 30 * 24 * 3_600_000;

/// Most that `limits.blobBytes` may say, in bytes: a result is whole in memory while it arrives.
pub const BLOB_BYTES_MAX: i64 = 256 << 20;

/// Limits of one orchestration; authored in `metadata.provost.limits`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Limits {
    /// Most tasks run, and attempts after the first, in the life of an orchestration.
    pub tasks: u64,
    /// Most orchestrations that one start causes, by events of ours and by `run`, before this workflow begins no more for it.
    pub orchestrations: u64,
    /// Most bytes of values that the journal of an orchestration holds.
    pub journal_bytes: u64,
    /// Largest single value, in bytes of canonical JSON.
    pub value_bytes: u64,
    /// Largest result that is kept in a blob, in bytes of canonical JSON.
    pub blob_bytes: u64,
    /// Most units of fuel one expression burns.
    pub expression_fuel: u64,
    /// Most bytes one expression builds.
    pub expression_bytes: u64,
    /// Most branches of one fork, and items of one `for`.
    pub branches: u64,
    /// How long an unmatched event stays visible, in milliseconds.
    pub unmatched_ms: i64,
    /// Most model tokens; 0 means none stated.
    pub model_tokens: u64,
    /// Most model cost in millionths of the account's currency; 0 means none stated.
    pub model_cost_micros: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tasks: 10_000,
            orchestrations: 10_000,
            journal_bytes: 64 << 20,
            value_bytes: 256 << 10,
            blob_bytes: 16 << 20,
            expression_fuel: 1_000_000,
            expression_bytes: 16 << 20,
            branches: 10_000,
            unmatched_ms: 24 * 3_600_000,
            model_tokens: 0,
            model_cost_micros: 0,
        }
    }
}
