//! `run: workflow`: another workflow of the same bundle.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::marks::InputMarks;

use super::{Concurrency, ExprIx, Template};

/// `run: workflow`. The child is of the same bundle, so that one pin fixes both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTask {
    /// The name of the workflow.
    pub workflow: Arc<str>,
    /// Its version.
    pub version: Arc<str>,
    /// What it is given; absent: the task's input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Template>,
    /// Whether its end is waited for.
    #[serde(rename = "await")]
    pub awaits: bool,
    /// Whether what it gives is left where it is: the task's own output is null.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// What gives the child its place among others; absent: its workflow names no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Box<ChildKeys>>,
}

/// The keys of a workflow that is run, among the expressions of the one that runs it: what a parent begins is decided by its own program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildKeys {
    /// What the keys are read from, made of what the child is given; absent: just that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Template>,
    /// The ordering key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<ExprIx>,
    /// The concurrency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// What is said of its input.
    #[serde(default, skip_serializing_if = "InputMarks::is_empty")]
    pub marks: InputMarks,
}
