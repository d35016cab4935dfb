//! `metadata.provost.reconcile`: looking again, by itself and a bounded number of times, at what waits for a person.

use serde::{Deserialize, Serialize};

/// When effects in doubt are asked about again, and parked work is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reconcile {
    /// Time between two looks, in milliseconds.
    pub every_ms: i64,
    /// Whether targets are asked again about effects in doubt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_doubt: bool,
    /// Whether parked work is tried again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parked: bool,
    /// Most looks at one effect, and most at the parked work of one orchestration.
    pub looks_max: u32,
}
