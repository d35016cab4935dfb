//! `metadata.provost.batch`: events that start one orchestration together.

use serde::{Deserialize, Serialize};

use super::ExprIx;

/// How starting events are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// So many events close a batch.
    pub size: u32,
    /// Longest time from the first event to the start, in milliseconds.
    pub wait_ms: i64,
    /// What an event is gathered by, evaluated on its data; `None`: by the workflow alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<ExprIx>,
}
