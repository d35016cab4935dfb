//! Plans of agents, as they are recorded: checked, with every name written out, and not yet evaluated.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::program::PlannedCall;
use crate::value::Value;

/// One task of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTask {
    /// The name the agent gave it, unique in its plan.
    pub name: Arc<str>,
    /// Which kind of call it is.
    pub call: PlannedCall,
    /// `name@major` of what it calls; empty for `set`.
    #[serde(default, rename = "of", skip_serializing_if = "str::is_empty")]
    pub called: Arc<str>,
    /// Only when this expression holds, without `${ }`.
    #[serde(default, rename = "if", skip_serializing_if = "Option::is_none")]
    pub when: Option<Arc<str>>,
    /// What it is given: whole texts `${ … }` in it are expressions.
    pub given: Value,
}
