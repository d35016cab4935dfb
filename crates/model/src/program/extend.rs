//! Tasks that extensions of `use.extensions` surround.
//!
//! What must stay true: an extended task is given what it would be given without extensions, and hands on what it would hand on, unless a
//! list before it leaves with `exit`. The lists of an extension are compiled once and shared by all tasks that it extends.

use serde::{Deserialize, Serialize};

use super::{Block, ExprIx, TaskIx};
use crate::value::Value;

/// A task with what runs before and after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtendedTask {
    /// The lists before it, the task itself, the lists after it, in order.
    pub body: Block,
    /// The task itself.
    pub task: TaskIx,
    /// The task as written, where an extension reads `$task`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Value>,
}

/// A list beside a task: it hands on what it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsideTask {
    /// The list.
    pub body: Block,
    /// Whether it runs before the task, and may leave it with `exit`.
    pub before: bool,
    /// Only when this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ExprIx>,
}
