//! `metadata.provost.concurrency`: how many orchestrations of a workflow run at once for each value of a key.

use serde::{Deserialize, Serialize};

use super::ExprIx;

/// A concurrency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    /// The key, evaluated on the input.
    pub key: ExprIx,
    /// What holds for each of its values.
    #[serde(flatten)]
    pub spec: KeySpec,
}

/// What a workflow says about each value of its concurrency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySpec {
    /// Most orchestrations that hold one value; at least 1.
    pub limit: u32,
    /// What becomes of one that finds no place.
    #[serde(default)]
    pub policy: WhenHeld,
    /// Most that wait for one value.
    pub waiting_max: u32,
}

/// What becomes of a start that finds its key held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenHeld {
    /// It waits, behind those that wait already.
    #[default]
    Queue,
    /// The oldest are cancelled to make room, and it begins when they have ended.
    Replace,
    /// It is refused.
    Refuse,
}
