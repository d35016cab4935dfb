//! An event on its way to the orchestrations that listen, and what a listener waits for.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::id::EventId;
use crate::labels::Label;
use crate::value::Value;
use crate::who::Who;

/// An event that an orchestration may listen for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// Its id.
    pub id: EventId,
    /// The event.
    pub event: Event,
    /// Who sent it.
    pub by: Who,
    /// Whether more events that came before are still to be looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// What one filter of a listener waits for, as far as it was computed when listening began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// Computed attributes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(Arc<str>, Value)>,
    /// What its correlations must be, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<(Arc<str>, Value)>,
    /// Who may see them.
    #[serde(skip_serializing_if = "Label::is_none")]
    pub label: Label,
}
