//! `call: plan`: what an agent may propose, compiled.
//!
//! What must stay true: every call that a plan may hold is a task of the program, compiled at publish with its class, contracts, key and
//! retry; a plan chooses among them and gives their arguments, and adds nothing to the program.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::catalogue::ReviewSpec;
use super::{Block, Template};

/// Most tasks of one plan.
pub const PLAN_TASKS_MAX: usize = 64;
/// Most entries of one allow-list.
pub const PLAN_ALLOWED_MAX: usize = 64;
/// Most expressions in one plan.
pub const PLAN_EXPRESSIONS_MAX: usize = 128;
/// Largest plan, in bytes of canonical JSON.
pub const PLAN_BYTES_MAX: usize = 64 << 10;

/// `call: plan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanTask {
    /// `name@major` of the agent that proposes.
    pub agent: Arc<str>,
    /// What the plan is to reach.
    pub goal: Template,
    /// What a plan may call; `set` is always among it.
    pub allow: Vec<Allowed>,
    /// The task of each entry of `allow`, in the same order. Its input is what the plan gives, together with what its author fixed.
    pub tasks: Block,
    /// The review that policy may ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewSpec>,
}

/// One call that a plan may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Allowed {
    /// Which kind of call.
    pub call: PlannedCall,
    /// `name@major` of what it calls; empty for `set`.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub name: Arc<str>,
    /// Arguments that the author gives and no plan may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<(Arc<str>, Template)>,
}

/// The kinds of tasks that a plan may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlannedCall {
    /// `set`.
    Set,
    /// `call: act`.
    Act,
    /// `call: agent`.
    Agent,
    /// `call: rules`.
    Rules,
    /// `call: retrieve`.
    Retrieve,
}

impl PlannedCall {
    /// As it is written in a plan.
    pub fn word(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Act => "act",
            Self::Agent => "agent",
            Self::Rules => "rules",
            Self::Retrieve => "retrieve",
        }
    }

    /// The keys of `with`: what is called, and what it is given.
    pub fn keys(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Set => None,
            Self::Act => Some(("action", "arguments")),
            Self::Agent => Some(("agent", "input")),
            Self::Rules => Some(("table", "input")),
            Self::Retrieve => Some(("source", "query")),
        }
    }
}
