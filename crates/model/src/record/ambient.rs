//! What the core may know of the world at one transition: recorded once, the same on every replay.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{EffectId, OrchestrationId};
use crate::program::{BreakerSpec, KeySpec, RateSpec};
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

/// A question to shared state: a breaker, a rate limit, an ordering key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionRequest {
    /// What is asked: `breaker:payments`, `rate:payments.refund@1`, `order:customer-7`.
    pub what: Arc<str>,
    /// For which effect; none: for the orchestration itself.
    pub effect: Option<EffectId>,
    /// For which attempt; 0 without an effect.
    pub attempt: u32,
    /// What kind of shared state answers.
    pub of: SharedState,
}

/// Kinds of shared state, with what the bundle says about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedState {
    /// One orchestration after the other.
    Order,
    /// So many orchestrations at once.
    Key(KeySpec),
    /// So many orchestrations that one of them caused.
    Origin {
        /// How many.
        limit: u64,
    },
    /// So many in so much time.
    Rate(RateSpec),
    /// A target that fails is left alone for a while.
    Breaker(BreakerSpec),
}

/// The answer of shared state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// What was asked.
    pub what: Arc<str>,
    /// For which effect; none: for the orchestration itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectId>,
    /// For which attempt; 0 without an effect.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
    /// When it may go, in microseconds UTC; `None`: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delayed_until_us: Option<i64>,
    /// Refused, with the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Arc<str>>,
    /// Its number in a line of those that wait; the line moves by commands of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Whom it waits for, where a concurrency key makes it wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<Box<Behind>>,
}

/// Whom an orchestration waits for that found its concurrency key held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// How many may hold the key, as its own workflow says.
    pub limit: u32,
    /// How many waited before it.
    pub ahead: u32,
    /// Who held the key, oldest first; the first few.
    pub holders: Vec<OrchestrationId>,
    /// Who is cancelled to make room, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<OrchestrationId>,
}

impl Admission {
    /// Whether this answers `request`.
    pub fn answers(&self, request: &AdmissionRequest) -> bool {
        self.what == request.what && self.effect == request.effect && self.attempt == request.attempt
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}
