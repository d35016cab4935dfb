//! One transition under construction: a working copy of the state, the facts so far, what may leave, what policy must be asked.
//!
//! Facts are folded as they are made, so that what follows sees them. Nothing here touches the original.

use std::sync::Arc;

use provost_language::expr::secret_spans;
use provost_model::limits::{TRANSITION_BYTES_MAX, TRANSITION_TASKS_MAX, VALUE};
use provost_model::program::{Duration, ExprIx, SchemaIx, Task, TaskIx, Template};
use provost_model::record::{Admission, AdmissionRequest, Ambient, Command, Fact, Intent, SecretSpan};
use provost_model::value::{Pointer, canonical_len};
use provost_model::{Label, Labelled, PolicyRequest, Position, Problem, Program, Value, Verdict};

use crate::code::Code;
use crate::descriptors;
use crate::evolve::evolve;
use crate::flow::raw_input_of;
use crate::state::{OpenKind, Orchestration};

/// A transition under construction.
pub(crate) struct Turn<'t> {
    /// The program.
    pub code: &'t dyn Code,
    /// The working copy.
    pub state: Orchestration,
    /// The world.
    pub ambient: &'t Ambient,
    /// What happened so far.
    pub facts: Vec<Fact>,
    /// What may leave after the commit.
    pub intents: Vec<Intent>,
    /// What policy must be asked before this can be decided.
    pub asks: Vec<PolicyRequest>,
    /// What shared state must be asked.
    pub admissions: Vec<AdmissionRequest>,
    /// The command as it is recorded, where something in it must not be.
    pub recorded: Option<Command>,
    /// Blocks to go on with, last first.
    pub ready: Vec<Position>,
    tasks: u32,
    bytes: u64,
}

/// What an expression may read.
#[derive(Clone, Default)]
pub(crate) struct Scope {
    /// Where it stands.
    pub at: Option<Position>,
    /// `$input`.
    pub input: Labelled,
    /// `$output`.
    pub output: Labelled,
    /// `$task`.
    pub task: Option<TaskIx>,
    /// `$task.output` where `$output` is no longer what the task made.
    pub returned: Option<Labelled>,
    /// More variables: the error of a `catch` condition.
    pub more: Vec<(Arc<str>, Labelled)>,
}

impl<'t> Turn<'t> {
    /// A transition over a copy of `state`.
    pub fn new(code: &'t dyn Code, state: &Orchestration, ambient: &'t Ambient) -> Self {
        // What goes on from a full transition mostly fills the next one too.
        let facts_usual = if state.yielded { TRANSITION_TASKS_MAX as usize + 1 } else { 4 };
        let (facts, intents) = (Vec::with_capacity(facts_usual), Vec::with_capacity(2));
        Self {
            code,
            state: state.clone(),
            ambient,
            facts,
            intents,
            asks: Vec::new(),
            admissions: Vec::new(),
            recorded: None,
            ready: Vec::new(),
            tasks: 0,
            bytes: 0,
        }
    }

    /// The program.
    pub fn program(&self) -> &'t Program {
        self.code.program()
    }

    /// The task at `ix`; a foreign index is a damaged program.
    ///
    /// # Errors
    /// A `configuration` problem.
    pub fn task(&self, ix: TaskIx) -> Result<&'t Task, Problem> {
        self.code.program().task(ix).ok_or_else(|| {
            Problem::standard("configuration", 500, "the program names a task that it does not hold").detail("publish the bundle again")
        })
    }

    /// Records a fact and folds it.
    pub fn emit(&mut self, fact: Fact) {
        let before = self.state.journal_bytes;
        evolve(&mut self.state, &fact, self.ambient.now_us);
        self.bytes = self.bytes.saturating_add(self.state.journal_bytes - before);
        self.facts.push(fact);
    }

    /// Lets something leave after the commit.
    pub fn intend(&mut self, intent: Intent) {
        self.intents.push(intent);
    }

    /// Sets a timer.
    pub fn set_timer(&mut self, id: String, at: &Position, due_us: i64) {
        let id: Arc<str> = id.into();
        self.emit(Fact::TimerSet { id: id.clone(), at: at.clone(), due_us });
        self.intend(Intent::Timer { id, due_us });
    }

    /// Counts a task against the limits of the transition; `false` when it is time to commit.
    pub fn spend(&mut self) -> bool {
        self.tasks += 1;
        self.tasks <= TRANSITION_TASKS_MAX && self.bytes <= TRANSITION_BYTES_MAX as u64
    }

    /// Counts further work of a task that was counted as one.
    pub fn spend_more(&mut self, tasks: u32) {
        self.tasks = self.tasks.saturating_add(tasks);
    }

    /// The verdict on `request`, or `None` once it is noted as a question.
    pub fn ask(&mut self, request: PolicyRequest) -> Option<Verdict> {
        let digest = request.digest();
        let known = self.ambient.verdicts.iter().find(|verdict| verdict.request == digest).cloned();
        if known.is_none() && !self.asks.contains(&request) {
            self.asks.push(request);
        }
        known
    }

    /// The answer of shared state to `request`, or `None` once it is noted as a question.
    pub fn admit(&mut self, request: AdmissionRequest) -> Option<Admission> {
        let known = self.ambient.admissions.iter().find(|admission| admission.answers(&request)).cloned();
        if known.is_none() && !self.admissions.contains(&request) {
            self.admissions.push(request);
        }
        known
    }

    /// Evaluates an expression on `input`.
    ///
    /// # Errors
    /// An `expression` problem.
    pub fn evaluate(&self, expression: ExprIx, input: &Labelled, scope: &Scope) -> Result<Labelled, Problem> {
        let value = self.code.evaluate(expression, input, &mut |name| self.variable(name, scope));
        let value = value.map_err(|failed| {
            Problem::standard("expression", 400, "the expression cannot be evaluated").detail(failed.detail).quoting(failed.label)
        })?;
        self.check_size(&value)?;
        Ok(value)
    }

    /// Whether a condition holds. Anything but `false` and `null` does, as in jq.
    ///
    /// # Errors
    /// An `expression` problem.
    pub fn holds(&self, condition: ExprIx, input: &Labelled, scope: &Scope) -> Result<bool, Problem> {
        self.holds_labelled(condition, input, scope).map(|(holds, _)| holds)
    }

    /// Whether a condition holds, and the label of what it read.
    ///
    /// # Errors
    /// An `expression` problem.
    pub fn holds_labelled(&self, condition: ExprIx, input: &Labelled, scope: &Scope) -> Result<(bool, Label), Problem> {
        let Labelled { value, labels } = self.evaluate(condition, input, scope)?;
        Ok((!matches!(value, Value::Null | Value::Bool(false)), labels.all()))
    }

    /// The value of a template on `input`.
    ///
    /// # Errors
    /// An `expression` problem.
    pub fn render(&self, template: &Template, input: &Labelled, scope: &Scope) -> Result<Labelled, Problem> {
        let value = self.compose(template, input, scope)?;
        // What an expression gives is bounded by itself; around it a template adds its own nesting.
        if matches!(template, Template::Array(_) | Template::Object(_)) {
            check_depth(&value)?;
        }
        Ok(value)
    }

    fn compose(&self, template: &Template, input: &Labelled, scope: &Scope) -> Result<Labelled, Problem> {
        match template {
            Template::Literal(value) => Ok(Labelled::authored(value.clone())),
            Template::Expression(expression) => self.evaluate(*expression, input, scope),
            Template::Array(items) => {
                let items: Result<Vec<Labelled>, Problem> = items.iter().map(|item| self.compose(item, input, scope)).collect();
                Ok(Labelled::array(items?))
            }
            Template::Object(members) => {
                let members: Result<Vec<(Arc<str>, Labelled)>, Problem> =
                    members.iter().map(|(key, member)| Ok((key.clone(), self.compose(member, input, scope)?))).collect();
                Ok(Labelled::object(members?))
            }
        }
    }

    /// Where secrets belong in `rendered`, which is what `template` gave. Only expressions that name secrets are looked into: a marker
    /// anywhere else is somebody's text.
    pub fn secrets(&self, template: &Template, rendered: &Value) -> Vec<SecretSpan> {
        let mut found = Vec::new();
        self.secrets_at(template, rendered, &Pointer::root(), &mut found);
        found
    }

    fn secrets_at(&self, template: &Template, rendered: &Value, at: &Pointer, found: &mut Vec<SecretSpan>) {
        match template {
            Template::Expression(expression) if self.code.uses_secrets(*expression) => {
                let inside = |span: SecretSpan| SecretSpan { pointer: format!("{at}{}", span.pointer), ..span };
                found.extend(secret_spans(rendered).into_iter().map(inside));
            }
            Template::Array(items) => {
                for (index, (item, value)) in items.iter().zip(rendered.as_array().unwrap_or_default()).enumerate() {
                    self.secrets_at(item, value, &at.child(&index.to_string()), found);
                }
            }
            Template::Object(members) => {
                for (key, member) in members {
                    self.secrets_at(member, rendered.member(key).unwrap_or(&Value::Null), &at.child(key), found);
                }
            }
            Template::Literal(_) | Template::Expression(_) => {}
        }
    }

    /// The length of a duration, in milliseconds.
    ///
    /// # Errors
    /// An `expression` problem when the template's result is no duration.
    pub fn duration_ms(&self, duration: &Duration, input: &Labelled, scope: &Scope) -> Result<i64, Problem> {
        match duration {
            Duration::Millis(ms) => Ok(*ms),
            Duration::Template(template) => self.render(template, input, scope).and_then(|length| crate::tasks::wait::duration_ms(&length)),
        }
    }

    /// Checks a value against a contract.
    ///
    /// # Errors
    /// A `validation` problem that names `what`.
    pub fn validate(&self, schema: Option<SchemaIx>, value: &Labelled, what: &str) -> Result<(), Problem> {
        self.validate_part(schema, value, value.labels.all(), what)
    }

    /// Checks a value against a contract; what it says of the value may be seen by whom `label` says.
    ///
    /// # Errors
    /// A `validation` problem that names `what`.
    pub fn validate_part(&self, schema: Option<SchemaIx>, value: &Value, label: Label, what: &str) -> Result<(), Problem> {
        let Some(schema) = schema else { return Ok(()) };
        self.code.validate(schema, value).map_err(|detail| breaks_contract(what, &detail).quoting(label))
    }

    /// Checks a value against `limits.valueBytes`.
    ///
    /// # Errors
    /// A `value-too-large` problem.
    pub fn check_size(&self, value: &Value) -> Result<(), Problem> {
        let limit = self.program().limits.value_bytes;
        // Scalars are bounded by the expression's own limit; only what can be large is measured.
        if matches!(value, Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_)) || canonical_len(value) as u64 <= limit {
            return Ok(());
        }
        Err(Problem::ours("value-too-large", 413, format!("a value is larger than {limit} bytes"))
            .detail("make it smaller, or raise `metadata.provost.limits.valueBytes`"))
    }

    /// The value of `$name` in `scope`.
    fn variable(&self, name: &str, scope: &Scope) -> Labelled {
        let root = Position::root();
        let at = scope.at.as_ref().unwrap_or(&root);
        match name {
            // At a fork's own export it is what the branches made of it.
            "context" => scope.more.iter().find(|(more, _)| &**more == name).map_or_else(|| self.state.context(at), |(_, v)| v.clone()),
            "input" => scope.input.clone(),
            "output" => scope.output.clone(),
            "task" => self.task_variable(at, scope),
            "workflow" => self.workflow_variable(scope),
            "runtime" => Labelled::authored(descriptors::runtime()),
            "authorization" => descriptors::authorization(self.program(), scope.task),
            "secrets" => Labelled::default(),
            other => match scope.more.iter().find(|(more, _)| &**more == other) {
                Some((_, value)) => value.clone(),
                None => self.local_variable(at, other),
            },
        }
    }

    fn task_variable(&self, at: &Position, scope: &Scope) -> Labelled {
        if let Some(extended) = crate::tasks::extend::task_variable(self, at, scope) {
            return extended;
        }
        let task = scope.task.and_then(|ix| self.program().task(ix));
        let definition = task.and_then(|task| descriptors::written(self.program(), task));
        let started = self.state.open.get(at).map_or(self.ambient.now_us, |open| open.entered_us);
        Labelled::object([
            ("name", Labelled::authored(task.map_or("", |t| &*t.name))),
            ("reference", Labelled::authored(at.as_str())),
            ("definition", Labelled::authored(definition.unwrap_or_default())),
            ("input", raw_input_of(self, at)),
            ("output", scope.returned.clone().unwrap_or_else(|| scope.output.clone())),
            ("startedAt", Labelled::authored(instant(started))),
        ])
    }

    fn workflow_variable(&self, scope: &Scope) -> Labelled {
        let program = self.program();
        // At the workflow's own `input.from` nothing is open yet: what it sees is what came, now.
        let root = self.state.open.get(&Position::root());
        let (raw, started_us) = root.map_or((&scope.input, self.ambient.now_us), |root| (&root.raw, self.state.started_at_us));
        Labelled::object([
            ("id", Labelled::authored(self.state.id.to_string())),
            ("definition", Labelled::authored(program.definition.clone().unwrap_or_default())),
            ("input", raw.clone()),
            ("startedAt", Labelled::authored(instant(started_us))),
        ])
    }

    /// Loop and error variables: the nearest enclosing block that names one.
    fn local_variable(&self, at: &Position, name: &str) -> Labelled {
        let mut place = Some(at.clone());
        while let Some(here) = place {
            if let Some(open) = self.state.open.get(&here)
                && let Some(value) = self.bound(&here, open, name)
            {
                return value;
            }
            place = here.parent();
        }
        Labelled::default()
    }

    fn bound(&self, here: &Position, open: &crate::state::Open, name: &str) -> Option<Labelled> {
        use provost_model::program::TaskKind;
        let task = self.program().task(open.task)?;
        match (&open.kind, &task.kind) {
            (OpenKind::Iteration { index }, TaskKind::For(each)) => {
                if *each.at == *name {
                    return i64::try_from(*index).ok().map(Labelled::authored);
                }
                let around = self.state.open.get(&here.parent()?)?;
                let OpenKind::For { items, .. } = &around.kind else { return None };
                (*each.each == *name).then(|| items.item(*index as usize))
            }
            (OpenKind::Iteration { index }, TaskKind::Listen(listen)) => {
                let each = listen.each.as_ref()?;
                if *each.at == *name {
                    return i64::try_from(*index).ok().map(Labelled::authored);
                }
                let listener = self.state.listeners.get(&here.parent()?)?;
                (*each.item == *name).then(|| listener.items.get(index).cloned().unwrap_or_default())
            }
            (OpenKind::Catch { problem }, TaskKind::Try(handled)) => {
                (*handled.catch.variable == *name).then(|| crate::origin::problem(self, problem))
            }
            (_, _) => None,
        }
    }
}

/// Checks how deep a value nests: one that is deeper could be written to the record and never read back.
///
/// # Errors
/// A `value-too-deep` problem.
pub(crate) fn check_depth(value: &Value) -> Result<(), Problem> {
    let limit = VALUE.depth_max;
    if !value.is_deeper_than(limit) {
        return Ok(());
    }
    Err(Problem::ours("value-too-deep", 413, format!("a value nests deeper than {limit} levels"))
        .detail("look for a loop that wraps what it was given, or flatten the value"))
}

/// What is said of a value that breaks its contract.
pub(crate) fn breaks_contract(what: &str, detail: &str) -> Problem {
    Problem::standard("validation", 400, format!("{what} does not obey its contract")).detail(detail)
}

/// `startedAt` as the specification writes an instant: ISO 8601 text and epoch numbers.
pub(crate) fn instant(at_us: i64) -> Value {
    let epoch = Value::object([("seconds", Value::Int(at_us / 1_000_000)), ("milliseconds", Value::Int(at_us / 1000))]);
    Value::object([("iso8601", Value::from(crate::time::iso8601(at_us))), ("epoch", epoch)])
}
