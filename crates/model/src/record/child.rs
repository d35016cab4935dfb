//! Sub-workflows: what a child knows of its parent, and what a parent is told of its children.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::OrchestrationId;
use crate::labels::Labels;
use crate::problem::Problem;
use crate::value::Value;

/// Whose child an orchestration is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The parent.
    pub orchestration: OrchestrationId,
    /// Whether the parent waits for the end.
    pub awaits: bool,
    /// The workflows above it, from the first on.
    pub line: Vec<Arc<str>>,
    /// Labels of the input; absent: nobody followed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// The keys of those above that wait for it, from the first on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
}

/// A value of the ordering or concurrency key of a workflow, which has one of them at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The workflow.
    pub workflow: Arc<str>,
    /// The value.
    pub key: Arc<str>,
}

/// What a parent is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildNews {
    /// Which child.
    pub child: OrchestrationId,
    /// Where the child's journal stood: what is older than what is known is no news.
    pub sequence: u64,
    /// What happened to it.
    pub how: ChildFate,
    /// Labels of its output; absent: nobody followed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
}

/// What happened to a child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildFate {
    /// It ran to its end, with this output.
    Completed(Value),
    /// It ended with an error that nobody took.
    Faulted(Problem),
    /// Somebody stopped it.
    Cancelled,
    /// This one took its place under its concurrency key.
    Replaced(OrchestrationId),
    /// It cannot go on by itself.
    Parked(Problem),
}
