//! Tasks, as compiled.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::catalogue::{DecideRule, ReviewSpec, Veto};
use super::{
    AsideTask, Duration, ExprIx, ExtendedTask, FeatureTask, Input, ListenTask, Output, PlanTask, Rare, RetrieveTask, RunTask, TaskIx,
    Template,
};
use crate::value::Value;

/// A list of tasks by index, in order.
pub type Block = Vec<TaskIx>;

/// One task. A long list is met task by task and cold, so that it is small: what is rare or large stands behind a pointer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The author's name, unique in its list.
    pub name: Arc<str>,
    /// The upstream reference, e.g. `/do/0/intake`: `instance` in errors.
    pub pointer: Arc<str>,
    /// `if`.
    #[serde(default, rename = "if", skip_serializing_if = "Option::is_none")]
    pub when: Option<ExprIx>,
    /// `input`.
    #[serde(default)]
    pub input: Rare<Input>,
    /// `output`.
    #[serde(default)]
    pub output: Rare<Output>,
    /// `export`.
    #[serde(default)]
    pub export: Rare<Output>,
    /// `timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Box<Duration>>,
    /// `then`.
    pub then: Flow,
    /// What it does.
    pub kind: TaskKind,
}

/// Most bytes of a task in memory, beside its name and what it does: two lines of a cache.
const TASK_BYTES_MAX: usize = 128;
const _: () = assert!(size_of::<Task>() <= TASK_BYTES_MAX);

impl Task {
    /// Where what its worker returns is kept; in the record where it has none.
    pub fn keeping(&self) -> Keeping {
        match &self.kind {
            TaskKind::Agent(task) => task.store,
            TaskKind::Act(task) => task.store,
            TaskKind::Do(_)
            | TaskKind::For(_)
            | TaskKind::Fork(_)
            | TaskKind::Set(_)
            | TaskKind::Switch(_)
            | TaskKind::Try(_)
            | TaskKind::Raise(_)
            | TaskKind::Wait(_)
            | TaskKind::Emit(_)
            | TaskKind::Listen(_)
            | TaskKind::Rules(_)
            | TaskKind::Decide(_)
            | TaskKind::Policy(_)
            | TaskKind::Review(_)
            | TaskKind::Compensate(_)
            | TaskKind::Retrieve(_)
            | TaskKind::Feature(_)
            | TaskKind::Plan(_)
            | TaskKind::Run(_)
            | TaskKind::Extended(_)
            | TaskKind::Aside(_) => Keeping::Record,
        }
    }
}

/// Where control goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flow {
    /// The next task of the list.
    #[default]
    Continue,
    /// Out of the list.
    Exit,
    /// The end of the workflow.
    End,
    /// A task of the same list.
    Task(TaskIx),
}

/// What a task does; one file of the engine each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskKind {
    /// Runs a list.
    Do(Block),
    /// Runs a list once per item.
    For(Box<ForTask>),
    /// Runs branches side by side.
    Fork(ForkTask),
    /// Makes a value.
    Set(Template),
    /// Chooses where to go.
    Switch(SwitchTask),
    /// Runs a list and takes its errors.
    Try(Box<TryTask>),
    /// Raises an error.
    Raise(RaiseTask),
    /// Lets time pass.
    Wait(Duration),
    /// Sends an event.
    Emit(Box<EmitTask>),
    /// Waits for events.
    Listen(Box<ListenTask>),
    /// Runs an agent.
    Agent(Box<AgentTask>),
    /// Looks a table up.
    Rules(Box<RulesTask>),
    /// Aggregates opinions.
    Decide(Box<DecideTask>),
    /// Asks policy.
    Policy(Box<PolicyTask>),
    /// Waits for a person.
    Review(Box<ReviewTask>),
    /// Causes an effect.
    Act(Box<ActTask>),
    /// Undoes effects.
    Compensate(Box<CompensateTask>),
    /// Reads passages.
    Retrieve(Box<RetrieveTask>),
    /// Reads features.
    Feature(Box<FeatureTask>),
    /// Carries out what an agent proposes.
    Plan(Box<PlanTask>),
    /// Runs another workflow.
    Run(Box<RunTask>),
    /// Runs a task between lists of extensions.
    Extended(Box<ExtendedTask>),
    /// Runs a list of an extension.
    Aside(Box<AsideTask>),
}

/// `for`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForTask {
    /// Name of the item's variable, without `$`.
    pub each: Arc<str>,
    /// Name of the index's variable, without `$`.
    pub at: Arc<str>,
    /// What is iterated: an expression, or items as written.
    pub items: Template,
    /// Checked before each iteration.
    #[serde(default, rename = "while", skip_serializing_if = "Option::is_none")]
    pub condition: Option<ExprIx>,
    /// The list run for each item.
    pub body: Block,
}

/// `fork`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkTask {
    /// The branches, one task each.
    pub branches: Block,
    /// Whether the first to complete wins and the others are cancelled.
    pub compete: bool,
}

/// `switch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchTask {
    /// The cases in order; the first whose condition holds, or that has none.
    pub cases: Vec<Case>,
}

/// One case of a `switch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The author's name.
    pub name: Arc<str>,
    /// The condition; none always holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ExprIx>,
    /// Where to go.
    pub then: Flow,
}

/// `try`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TryTask {
    /// What is tried.
    pub body: Block,
    /// What is done about errors.
    pub catch: Catch,
}

/// `catch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catch {
    /// Which errors.
    #[serde(default)]
    pub errors: ErrorFilter,
    /// Name of the error's variable, without `$`.
    pub variable: Arc<str>,
    /// Only when this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ExprIx>,
    /// Not when this holds.
    #[serde(default, rename = "exceptWhen", skip_serializing_if = "Option::is_none")]
    pub except_when: Option<ExprIx>,
    /// How often to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySpec>,
    /// The delay of `retry` where it is computed, over the input of the `try` and with the error; that of `retry` is then not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Template>,
    /// What to do instead; `None` where nothing was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Block>,
    /// `catch.then`.
    #[serde(default)]
    pub then: Flow,
}

/// `errors.with`: equality on the members that are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorFilter {
    /// The error's type URI (aliases resolved).
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Arc<str>>,
    /// The status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The task's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<Arc<str>>,
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Arc<str>>,
    /// The detail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Arc<str>>,
}

/// How and how often to try again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetrySpec {
    /// Before the second attempt, in milliseconds.
    pub delay_ms: i64,
    /// How the delay grows.
    pub backoff: Backoff,
    /// Longest delay, in milliseconds.
    pub delay_ms_max: i64,
    /// Random addition to the delay, drawn from the record's seed: from and to, in milliseconds.
    pub jitter_ms: (i64, i64),
    /// Most attempts, the first included.
    pub attempts_max: u32,
    /// Longest time over all attempts, in milliseconds; 0 means none.
    pub total_ms_max: i64,
    /// Only when this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<ExprIx>,
    /// Not when this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except_when: Option<ExprIx>,
}

impl Default for RetrySpec {
    fn default() -> Self {
        Self {
            delay_ms: 500,
            backoff: Backoff::Exponential,
            delay_ms_max: 30_000,
            jitter_ms: (0, 100),
            attempts_max: 5,
            total_ms_max: 0,
            when: None,
            except_when: None,
        }
    }
}

/// How a delay grows with the number of attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backoff {
    /// Always the same.
    Constant,
    /// delay x attempt.
    Linear,
    /// delay x 2^(attempt - 1).
    Exponential,
}

/// `raise`: each member a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaiseTask {
    /// The error: an object template with `type`, `status`, `title`, `detail`, `instance`.
    pub error: Template,
}

/// `emit`: the event's attributes, each a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmitTask {
    /// An object template of CloudEvents attributes with `data`.
    pub event: Template,
    /// The contract of the event's data, where the bundle has one for its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<super::SchemaIx>,
}

/// `call: agent`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentTask {
    /// `name@major`, resolved.
    pub agent: Arc<str>,
    /// What it is given.
    pub input: Template,
    /// A tighter budget than the agent's own: wall time in milliseconds; 0 means the agent's own.
    #[serde(default, rename = "wallMs")]
    pub wall_ms: i64,
    /// `metadata.provost.store`.
    #[serde(default, skip_serializing_if = "Keeping::is_record")]
    pub store: Keeping,
}

/// `call: rules`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesTask {
    /// `name@major`, resolved.
    pub table: Arc<str>,
    /// What is looked up.
    pub input: Template,
}

/// `call: decide`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecideTask {
    /// Name -> opinion or null.
    pub opinions: Template,
    /// How opinions become one.
    pub rule: DecideRule,
    /// Name -> weight; a missing weight is 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<(Arc<str>, i64)>,
    /// Who may overrule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub veto: Vec<Veto>,
    /// How many opinions must be there.
    #[serde(default)]
    pub quorum: u32,
    /// The choice when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tie: Option<Arc<str>>,
    /// Whose opinion counts under the rule `judge`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<Arc<str>>,
}

/// `call: policy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyTask {
    /// Who; none: the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Template>,
    /// The action's own name.
    pub action: Template,
    /// On what; none: the action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Template>,
    /// What policy may know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Template>,
}

/// `call: review`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewTask {
    /// Queue, title, options, four eyes, form.
    pub review: ReviewSpec,
    /// What the person sees.
    pub show: Template,
    /// The call it releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approves: Option<(Arc<str>, Template)>,
}

/// What happens at a task whose effect is in doubt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InDoubt {
    /// The orchestration waits for a look-up or a person.
    #[default]
    Wait,
    /// The error goes to `catch`.
    Raise,
}

/// Where what a worker returns is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keeping {
    /// In the record, as the task's output.
    #[default]
    Record,
    /// In a blob; the task's output is a reference to it.
    Blob,
}

impl Keeping {
    /// Whether it is kept in the record.
    pub fn is_record(&self) -> bool {
        *self == Self::Record
    }
}

/// `call: act`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActTask {
    /// `name@major`, resolved.
    pub action: Arc<str>,
    /// What is sent.
    pub arguments: Template,
    /// The business key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Template>,
    /// The decision behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Template>,
    /// The action that undoes it, `name@major`, instead of the action's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensate: Option<Arc<str>>,
    /// A retry of the task's own instead of the action's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySpec>,
    /// `metadata.provost.inDoubt`.
    #[serde(default)]
    pub in_doubt: InDoubt,
    /// `metadata.provost.store`.
    #[serde(default, skip_serializing_if = "Keeping::is_record")]
    pub store: Keeping,
}

/// `call: compensate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompensateTask {
    /// Name of the task whose finished actions are undone; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Arc<str>>,
    /// Why, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Template>,
}

/// A template of a value as written.
impl From<Value> for Template {
    fn from(value: Value) -> Self {
        Self::Literal(value)
    }
}
