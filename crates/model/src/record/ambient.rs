//! What the core may know of the world at one transition: recorded once, the same on every replay.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::verdict::Verdict;

/// Facts about the world at the time of a transition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ambient {
    /// The partition's time, in microseconds UTC; never goes back.
    pub now_us: i64,
    /// Where jitter comes from.
    pub seed: u64,
    /// Verdicts on the questions asked so far, in the order of asking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
    /// Answers of shared state known at once, in the order of asking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub admissions: Vec<Admission>,
}

/// The answer of a breaker, rate limit, quota or concurrency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// What was asked: `breaker:payments`, `rate:acme/payments.refund`.
    pub what: Arc<str>,
    /// When it may go, in microseconds UTC; `None`: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delayed_until_us: Option<i64>,
    /// Refused, with the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Arc<str>>,
}
