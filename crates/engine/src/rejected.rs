//! Why a command was refused. A refused command leaves no row in the orchestration's journal.

use provost_model::id::{EffectId, OrchestrationId, ReviewId};

/// A command that does not fit the orchestration's state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// It began before.
    #[error("the orchestration began before; a second start was ignored")]
    Started,
    /// There is no such orchestration yet.
    #[error("the orchestration has not begun; start it first")]
    NotStarted,
    /// It is over.
    #[error("the orchestration has ended; `provost explain` shows how")]
    Ended,
    /// The report of a zombie: unknown, settled or another attempt.
    #[error("effect `{effect}` does not wait for attempt {attempt}; the report came too late or twice")]
    StaleAttempt {
        /// Which effect.
        effect: EffectId,
        /// Which attempt was reported.
        attempt: u32,
    },
    /// The timer was not set, or its place is gone.
    #[error("timer `{0}` is not set")]
    UnknownTimer(String),
    /// There is no such question.
    #[error("review `{0}` is not open here; `provost list reviews` shows those that are")]
    UnknownReview(ReviewId),
    /// Somebody answered before.
    #[error("review `{0}` is already answered or closed")]
    ReviewClosed(ReviewId),
    /// The answer is none of the options.
    #[error("`{option}` is no option of the review; choose one of {options}")]
    UnknownOption {
        /// What was said.
        option: String,
        /// What may be said.
        options: String,
    },
    /// Four eyes means two different authenticated names.
    #[error("this review needs another person than `{0}`, with a token of their own (four eyes)")]
    FourEyes(String),
    /// The form does not obey its contract.
    #[error("the review's form does not obey its contract: {0}")]
    Form(String),
    /// It did not begin that one.
    #[error("`{0}` is no child of this orchestration")]
    UnknownChild(OrchestrationId),
    /// It is known already.
    #[error("what is said of `{0}` is known already")]
    StaleNews(OrchestrationId),
    /// Nothing is parked.
    #[error("the orchestration is not parked; there is nothing to redrive")]
    NotParked,
    /// Nothing is in doubt.
    #[error("effect `{0}` is not in doubt; `provost list effects --state in-doubt` shows those that are")]
    NotInDoubt(EffectId),
    /// It is being cancelled already.
    #[error("the orchestration is being cancelled already")]
    Cancelling,
    /// Nothing to go on with.
    #[error("the orchestration has nothing to go on with")]
    Idle,
}

impl Rejected {
    /// The stable code of this refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Started => "already-started",
            Self::NotStarted => "not-started",
            Self::Ended => "already-ended",
            Self::StaleAttempt { .. } => "stale-attempt",
            Self::UnknownTimer(_) => "unknown-timer",
            Self::UnknownReview(_) => "unknown-review",
            Self::ReviewClosed(_) => "review-closed",
            Self::UnknownOption { .. } => "unknown-option",
            Self::FourEyes(_) => "four-eyes",
            Self::Form(_) => "form-invalid",
            Self::UnknownChild(_) => "unknown-child",
            Self::StaleNews(_) => "stale-news",
            Self::NotParked => "not-parked",
            Self::NotInDoubt(_) => "not-in-doubt",
            Self::Cancelling => "already-cancelling",
            Self::Idle => "idle",
        }
    }
}
