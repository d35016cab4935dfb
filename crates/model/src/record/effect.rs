//! What an effect is, and how it stands.

use serde::{Deserialize, Serialize};

/// Kinds of effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// One run of an agent.
    Agent,
    /// One action.
    Action,
    /// The undo of an action.
    Undo,
    /// A read of passages.
    Retrieval,
    /// A read of features.
    Feature,
}

impl EffectKind {
    /// Whether it may be made again freely, and is forgotten with its task.
    pub fn is_repeatable(self) -> bool {
        match self {
            Self::Agent | Self::Retrieval | Self::Feature => true,
            Self::Action | Self::Undo => false,
        }
    }

    /// Whether it only reads.
    pub fn is_read(self) -> bool {
        match self {
            Self::Retrieval | Self::Feature => true,
            Self::Agent | Self::Action | Self::Undo => false,
        }
    }
}

/// Where an effect stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectState {
    /// On disk, may leave.
    Intended,
    /// Left; the outcome is awaited (E4: may be unknown).
    Sent,
    /// Another attempt is scheduled.
    Waiting,
    /// Its business key is being asked for, or is held by another effect; nothing was sent.
    Claiming,
    /// Being looked up at the target.
    Asked,
    /// Done, once.
    Done,
    /// Certainly not done.
    Failed,
    /// Sent, outcome unknown; a look-up or a person must settle it.
    InDoubt,
    /// Same key, other arguments: parked.
    Conflict,
    /// Given up before it was sent.
    Abandoned,
}

impl EffectState {
    /// Whether nothing more will happen to it by itself.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Done | Self::Failed | Self::Conflict | Self::Abandoned => true,
            Self::Intended | Self::Sent | Self::Waiting | Self::Claiming | Self::Asked | Self::InDoubt => false,
        }
    }
}
