//! The compiled program: what the engine executes. Content-addressed; made by `language`, never by hand.
//!
//! What must stay true: indexes point inside the program; names are unique in their list; nothing here needs the sources again.

mod batch;
mod catalogue;
mod concurrency;
mod extend;
mod listen;
pub mod plan;
pub mod protocol;
mod rare;
pub mod reads;
mod reconcile;
mod run;
mod schedule;
mod task;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use batch::Batch;
pub use catalogue::{
    ActionSpec, AgentSpec, BreakerSpec, DecideRule, EffectClass, Example, FailureMode, HitPolicy, HttpCall, LookupSpec, Model, RateSpec,
    ReviewSpec, RulesRow, RulesTable, Veto,
};
pub use concurrency::{Concurrency, KeySpec, WhenHeld};
pub use extend::{AsideTask, ExtendedTask};
pub use listen::{Consume, Correlation, EventFilter, ListenEach, ListenTask, Reading, Strategy, Until};
pub use plan::{Allowed, PlanTask, PlannedCall};
pub use protocol::{CallOutput, Endpoint, HTTP_CALL, ProtocolCall};
pub use rare::{Absent, Rare};
pub use reads::{FeatureSpec, FeatureTask, FeatureValue, RetrieveTask, Served, SourceSpec};
pub use reconcile::Reconcile;
pub use run::{ChildKeys, RunTask};
pub use schedule::{Missed, Schedule, StartCorrelation, StartFilter, StartSet, Times};
pub use task::{
    ActTask, AgentTask, Backoff, Block, Case, Catch, CompensateTask, DecideTask, EmitTask, ErrorFilter, Flow, ForTask, ForkTask, InDoubt,
    Keeping, PolicyTask, RaiseTask, RetrySpec, ReviewTask, RulesTask, SwitchTask, Task, TaskKind, TryTask,
};

use crate::digest::Digest;
use crate::limits::Limits;
use crate::marks::{InputMarks, Marks};
use crate::value::Value;

/// Index of an expression in [`Program::expressions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExprIx(pub u32);

/// Index of a schema in [`Program::schemas`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchemaIx(pub u32);

/// Index of a task in [`Program::tasks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskIx(pub u32);

/// A workflow, compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The author's namespace.
    pub namespace: Arc<str>,
    /// The workflow's name.
    pub name: Arc<str>,
    /// The author's version (SemVer 2.0).
    pub version: Arc<str>,
    /// Digest of the bundle it was compiled in; fixes everything it uses.
    pub pin: Digest,
    /// Limits of one orchestration.
    pub limits: Limits,
    /// Which event starts it.
    pub starts_on: Option<StartOn>,
    /// Which of several events start it, or all of which together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_on_set: Option<StartSet>,
    /// What of an event that starts it is its input.
    #[serde(default, skip_serializing_if = "Reading::is_default")]
    pub start_read: Reading,
    /// At which times it starts by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// The workflow's own input: schema and transformation.
    pub input: Input,
    /// The workflow's own output: transformation and schema.
    pub output: Output,
    /// Longest life of an orchestration, in milliseconds.
    pub timeout: Option<Duration>,
    /// Where work is undone and how long is waited when somebody cancels.
    pub cancel: CancelSpec,
    /// What orders orchestrations of this workflow, evaluated on the input.
    pub order: Option<ExprIx>,
    /// How many run at once for each value of a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// How the events that start it are gathered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// The tasks of `do`, in order.
    pub root: Block,
    /// Every task, each block's tasks by index.
    pub tasks: Vec<Task>,
    /// Every expression's text without `${ }`, with the extra variables it may read.
    pub expressions: Vec<Expression>,
    /// Every schema (JSON Schema 2020-12).
    pub schemas: Vec<Value>,
    /// The agents this workflow names, by `name@major`.
    pub agents: BTreeMap<Arc<str>, AgentSpec>,
    /// The actions this workflow names, by `name@major`.
    pub actions: BTreeMap<Arc<str>, ActionSpec>,
    /// The rules tables this workflow names, by `name@major`.
    pub rules: BTreeMap<Arc<str>, RulesTable>,
    /// The document as it was written, where an expression may read `$workflow.definition` or `$task.definition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Value>,
    /// The sources of passages this workflow names, by `name@major`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<Arc<str>, SourceSpec>,
    /// The features this workflow names, by `name@major`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub features: BTreeMap<Arc<str>, FeatureSpec>,
    /// When what waits for a person is looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconcile: Option<Reconcile>,
    /// What authors say about who may see places: of the input under [`TaskIx::ROOT`], of what a task returns under its index.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub marks: BTreeMap<TaskIx, Marks>,
}

impl Program {
    /// Pointers of the places that a contract labels `trusted`, as its author wrote them in `x-provost.trusted`.
    pub fn trusted_places(&self, contract: Option<SchemaIx>) -> Vec<&str> {
        let schema = contract.and_then(|index| self.schemas.get(index.0 as usize));
        let trusted = schema.and_then(|schema| schema.member("x-provost")?.member("trusted")?.as_array());
        trusted.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// What a contract says about who may see places, as its author wrote it in `x-provost.labels`.
    pub fn marks_of(&self, contract: Option<SchemaIx>) -> Marks {
        let schema = contract.and_then(|index| self.schemas.get(index.0 as usize));
        let labels = schema.and_then(|schema| schema.member("x-provost")?.member("labels"));
        labels.map(Marks::from_value).unwrap_or_default()
    }

    /// What is said of the input by the author of the workflow and of its contracts, whichever event it may come from.
    pub fn input_marks(&self) -> InputMarks {
        let each = self.start_filters().next().is_some();
        let own = self.marks.get(&TaskIx::ROOT).cloned().unwrap_or_default();
        let contracts = self.start_filters().map(|on| self.read_marks(on.contract)).chain([self.marks_of(self.input.schema)]);
        let marks = contracts.fold(own, |all, marks| all.and(&marks));
        InputMarks { marks, each }
    }

    /// What a contract of an event's data says of what is read of that event.
    pub fn read_marks(&self, contract: Option<SchemaIx>) -> Marks {
        let marks = self.marks_of(contract);
        match self.start_read {
            Reading::Data => marks,
            Reading::Envelope => marks.placed("/data"),
            // Bytes have no places: all of them are as sensitive as the most sensitive one.
            Reading::Raw => marks.whole(),
        }
    }

    /// Whether anybody says about a place who may see it.
    pub fn marks_anything(&self) -> bool {
        let marked = |schema: &Value| schema.member("x-provost").is_some_and(|own| own.member("labels").is_some());
        !self.marks.is_empty() || self.schemas.iter().any(marked)
    }

    /// Every filter of an event that starts it, or has a part in that.
    pub fn start_filters(&self) -> impl Iterator<Item = &StartOn> {
        let set = self.starts_on_set.iter().flat_map(|set| set.filters.iter().map(|filter| &filter.on));
        self.starts_on.iter().chain(set)
    }

    /// The filter whose event is the item at `index` of the input, where that is known.
    pub fn start_filter_of(&self, index: usize) -> Option<&StartOn> {
        match &self.starts_on_set {
            None => self.starts_on.as_ref().filter(|_| index == 0),
            Some(set) if set.all => set.filters.get(index).map(|filter| &filter.on),
            Some(set) => match set.filters.as_slice() {
                [only] => Some(&only.on).filter(|_| index == 0),
                _ => None,
            },
        }
    }

    /// The task at `index`. Indexes come from the compiler; a foreign one is `None`.
    pub fn task(&self, index: TaskIx) -> Option<&Task> {
        self.tasks.get(index.0 as usize)
    }
}

impl TaskIx {
    /// Stands for the workflow itself, which is no task.
    pub const ROOT: Self = Self(u32::MAX);
}

/// One expression of a program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Expression {
    /// jq source.
    pub source: Arc<str>,
    /// Names of loop and error variables in scope, beside the eight of the specification, without `$`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Arc<str>>,
}

/// A value with expressions in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Template {
    /// As written; never evaluated.
    Literal(Value),
    /// The result of an expression.
    Expression(ExprIx),
    /// A list of templates.
    Array(Vec<Template>),
    /// An object of templates.
    Object(Vec<(Arc<str>, Template)>),
}

/// `input` of a task or workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Input {
    /// Checked against the raw input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaIx>,
    /// Transforms the raw input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Template>,
}

/// `output` or `export` of a task, `output` of a workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Output {
    /// Transforms the raw output.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub to: Option<Template>,
    /// Checked against the transformed output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaIx>,
}

/// A length of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Duration {
    /// Known when compiled, in milliseconds.
    Millis(i64),
    /// Known when run: an ISO 8601 duration, or an object of days to milliseconds.
    Template(Template),
}

/// `schedule.on.one`: the event that starts an orchestration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartOn {
    /// Wanted attributes (`type`, `source`, `subject`, …) by equality, and `data` as an expression that must be true.
    pub attributes: Vec<(Arc<str>, Value)>,
    /// Wanted attributes that are computed when an event comes, on nothing: nobody has started yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub computed: Vec<(Arc<str>, ExprIx)>,
    /// A condition over `data`, where one was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<ExprIx>,
    /// The contract of the event's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<SchemaIx>,
}

/// `metadata.provost.cancel`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelSpec {
    /// How long what is out is waited for, in milliseconds.
    pub grace_ms: i64,
    /// Names of tasks whose finished actions are undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compensate: Vec<Arc<str>>,
}

impl Default for CancelSpec {
    fn default() -> Self {
        Self { grace_ms: 30_000, compensate: Vec::new() }
    }
}
