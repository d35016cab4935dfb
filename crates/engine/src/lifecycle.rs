//! Lifecycle events of the specification as CloudEvents, derived from a journal when it is read and stored nowhere.
//!
//! | journal | events |
//! |---|---|
//! | it began, ended | `workflow.started`, one of `workflow.completed`, `.faulted`, `.cancelled` |
//! | it was parked, redriven | `workflow.suspended` and `.resumed`, and the same of each open task |
//! | a `listen` began, took its last event | `workflow.correlation-started`, `.correlation-completed` |
//! | a task began, ended | `task.created`, `.started`, and one of `task.completed`, `.faulted`, `.cancelled` |
//! | a `try` began again | `task.retried` |
//! | a phase is another one than before | `workflow.status-changed`, `task.status-changed` |
//!
//! What must stay true: the same rows give the same events under the same ids, whoever reads them and however often; each task that
//! started ends once, the last at the latest with the workflow; nothing is evaluated. What is no task of the author (the lists that an
//! extension puts around one) has no events, and neither has a task that its `if` skipped.

mod happened;
mod said;

use std::sync::Arc;

use provost_model::marks::Sight;
use provost_model::program::TaskIx;
use provost_model::record::{Row, RowError, Start, Transition};
use provost_model::{Event, OrchestrationId, Position, Problem, Program, TenantId, Value};

use crate::redact;
use crate::state::Orchestration;
use crate::tasks::emit::as_value;

/// What every type begins with.
pub const TYPE_PREFIX: &str = "io.serverlessworkflow.";

/// One event of an orchestration's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleEvent {
    /// The sequence of the fact that it tells of.
    pub sequence: u64,
    /// The event.
    pub event: Event,
}

impl LifecycleEvent {
    /// The event as CloudEvents JSON.
    pub fn to_value(&self) -> Value {
        as_value(&self.event)
    }

    /// Whether its type, without [`TYPE_PREFIX`], begins with `wanted`.
    pub fn is_of(&self, wanted: &str) -> bool {
        self.event.kind.strip_prefix(TYPE_PREFIX).is_some_and(|kind| kind.starts_with(wanted))
    }
}

/// Phases of a workflow and a task, in the words of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Pending,
    Running,
    Waiting,
    Suspended,
    Cancelled,
    Faulted,
    Completed,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Suspended => "suspended",
            Self::Cancelled => "cancelled",
            Self::Faulted => "faulted",
            Self::Completed => "completed",
        }
    }
}

/// A journal that is read row by row.
pub struct Lifecycle {
    state: Orchestration,
    /// The workflow's qualified name, once it is known.
    name: Arc<str>,
    /// Its phase, as last told.
    status: Option<Status>,
    /// The error that is on its way outwards, and where it was raised last.
    raised: Option<(Position, Problem)>,
    /// Whether the task that the fact ends was open before it.
    began: Option<bool>,
    /// When the row that is being read was recorded, in microseconds UTC.
    now_us: i64,
    /// How far whoever reads sees.
    sight: Sight,
    told: Vec<LifecycleEvent>,
}

/// An open task that is about to be closed.
struct Closing {
    at: Position,
    task: TaskIx,
}

impl Lifecycle {
    /// Before the first row of an orchestration, for somebody who sees so far.
    pub fn new(tenant: TenantId, id: OrchestrationId, sight: Sight) -> Self {
        let (state, name, told) = (Orchestration::new(tenant, id), Arc::default(), Vec::new());
        Self { state, name, status: None, raised: None, began: None, now_us: 0, sight, told }
    }

    /// The sequence up to which it was read.
    pub fn sequence(&self) -> u64 {
        self.state.sequence
    }

    /// What began it, once its first row was read.
    pub fn start(&self) -> Option<Arc<Start>> {
        self.state.start.clone()
    }

    /// Whether the orchestration has ended.
    pub fn is_over(&self) -> bool {
        self.state.is_ended()
    }

    /// The events of the next transition.
    pub fn read(&mut self, program: &Program, transition: &Transition) -> Vec<LifecycleEvent> {
        self.now_us = transition.ambient.now_us;
        for fact in &transition.facts {
            self.happened(program, fact);
        }
        self.stands(program);
        std::mem::take(&mut self.told)
    }

    /// The events of the next row.
    ///
    /// # Errors
    /// The row cannot be read.
    pub fn read_row(&mut self, program: &Program, row: &Row) -> Result<Vec<LifecycleEvent>, RowError> {
        Ok(self.read(program, &redact::seen(row, self.sight)?))
    }
}

/// Every event of a journal, from its first row on.
///
/// # Errors
/// What a row says that cannot be read.
pub fn lifecycle(program: &Program, tenant: TenantId, id: OrchestrationId, rows: &[Row]) -> Result<Vec<LifecycleEvent>, String> {
    let mut life = Lifecycle::new(tenant, id, Sight::Usual);
    let mut events = Vec::new();
    for row in rows {
        events.extend(life.read_row(program, row).map_err(|e| format!("at sequence {}: {e}", row.first_sequence))?);
    }
    Ok(events)
}
