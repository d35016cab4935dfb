//! Intents: what the core asks the shell to do once the transition is on disk. A closed list.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{EffectId, OrchestrationId, ReviewId};

/// Something that may leave after the commit. Contents stand in the facts of the same or an earlier row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Offer an attempt to workers.
    Attempt {
        /// Which effect.
        effect: EffectId,
        /// Which attempt.
        attempt: u32,
    },
    /// Ask the target whether it was done.
    LookUp {
        /// Which effect.
        effect: EffectId,
        /// Which try of the look-up.
        attempt: u32,
    },
    /// Ask the home of the effect's business key whether it may be used.
    Claim {
        /// Which effect.
        effect: EffectId,
    },
    /// Take back what no worker has claimed yet.
    Withdraw {
        /// Which effect.
        effect: EffectId,
    },
    /// Wake the orchestration.
    Timer {
        /// Its id.
        id: Arc<str>,
        /// When, in microseconds UTC.
        due_us: i64,
    },
    /// Tell reviewers.
    Ask {
        /// Which review.
        review: ReviewId,
    },
    /// Put an event into our own inbox; the event stands in the fact.
    Emit {
        /// The effect, which is the event's id.
        effect: EffectId,
    },
    /// Begin a child; what it is given stands in the fact.
    StartChild {
        /// Which.
        child: OrchestrationId,
    },
    /// Stop a child.
    StopChild {
        /// Which.
        child: OrchestrationId,
        /// Whether it may be tried again: it is parked, not cancelled.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    /// Try a child again.
    RedriveChild {
        /// Which.
        child: OrchestrationId,
    },
    /// Look for events that came before: it listens from now on.
    Listen,
    /// Deliver `Continue` behind the neighbours' work.
    Continue,
    /// Tell who waits that it ended.
    Announce,
}
