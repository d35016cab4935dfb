//! Plans that agents propose: read, held to the allow-list and to limits, and evaluated.
//!
//! What must stay true: a plan is a list of tasks in the language, restricted to calls that its author allowed, with `if`, `with` and `set`
//! and nothing else; every name in it is known before the first of them runs. Its expressions read `.`, `$input`, `$context` and `$plan`,
//! never secrets, and stop at the limits of every other expression. All that is wrong is said, so that it can be proposed again.

use std::sync::Arc;

use provost_model::program::plan::{PLAN_BYTES_MAX, PLAN_EXPRESSIONS_MAX, PLAN_TASKS_MAX};
use provost_model::program::{Allowed, PlanTask, PlannedCall};
use provost_model::record::PlannedTask;
use provost_model::value::{Map, canonical_len};
use provost_model::{Labelled, Value};

use crate::expr::{Fuel, Module, Source, Variables};
use crate::nearest::nearest;
use crate::workflow::expression_text;

/// Longest name of a task, in bytes, as in a workflow.
const NAME_BYTES_MAX: usize = 128;
/// Longest reason that is kept, in bytes.
const BECAUSE_BYTES_MAX: usize = 4 << 10;
/// Most mistakes that are told at once.
const WRONG_MAX: usize = 5;
/// The variable that holds what the plan was given and what its tasks gave.
pub const PLAN_VARIABLE: &str = "plan";
/// What the expressions of a plan may read beside `.`.
const READABLE: [&str; 3] = ["context", "input", PLAN_VARIABLE];

/// A plan as it was proposed, found to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The tasks, in order.
    pub tasks: Vec<PlannedTask>,
    /// The agent's own reason.
    pub because: Option<Arc<str>>,
}

/// Reads what an agent answered as a plan that `task` allows.
///
/// # Errors
/// All that is wrong with it, as far as a message holds, with what to do.
pub fn read(answer: &Value, task: &PlanTask) -> Result<Proposed, Vec<String>> {
    let mut reading = Reading { allow: &task.allow, wrong: Vec::new() };
    let proposed = reading.plan(answer);
    match proposed.filter(|_| reading.wrong.is_empty()) {
        Some(proposed) => check_expressions(&proposed.tasks).map(|()| proposed),
        None => {
            reading.wrong.truncate(WRONG_MAX);
            Err(reading.wrong)
        }
    }
}

struct Reading<'r> {
    allow: &'r [Allowed],
    wrong: Vec<String>,
}

impl Reading<'_> {
    fn says<T>(&mut self, wrong: impl Into<String>) -> Option<T> {
        self.wrong.push(wrong.into());
        None
    }

    fn plan(&mut self, answer: &Value) -> Option<Proposed> {
        let Some(plan) = answer.as_object() else { return self.says("a plan is an object with `do`, a list of tasks") };
        self.known(plan, "a plan", &["do", "because"]);
        let Some(list) = plan.lookup("do").and_then(Value::as_array) else { return self.says("a plan needs `do`, a list of tasks") };
        if list.len() > PLAN_TASKS_MAX {
            return self.says(format!("a plan has at most {PLAN_TASKS_MAX} tasks, and this one has {}", list.len()));
        }
        if canonical_len(answer) > PLAN_BYTES_MAX {
            return self.says(format!("a plan has at most {PLAN_BYTES_MAX} bytes"));
        }
        let because = match plan.lookup("because") {
            None | Some(Value::Null) => None,
            Some(Value::Str(because)) if because.len() <= BECAUSE_BYTES_MAX => Some(because.clone()),
            Some(_) => return self.says(format!("`because` is text of at most {BECAUSE_BYTES_MAX} bytes")),
        };
        let mut tasks: Vec<PlannedTask> = Vec::with_capacity(list.len());
        for (index, item) in list.iter().enumerate() {
            let Some(task) = self.item(index, item) else { continue };
            if tasks.iter().any(|known| known.name == task.name) {
                self.wrong.push(format!("two tasks are named `{}`; give each a name of its own", cut(&task.name)));
            }
            tasks.push(task);
        }
        Some(Proposed { tasks, because })
    }

    /// `name: { … }`.
    fn item(&mut self, index: usize, item: &Value) -> Option<PlannedTask> {
        let mut named = item.as_object().into_iter().flat_map(Map::iter);
        let (Some((name, body)), None) = (named.next(), named.next()) else {
            return self.says(format!("task {} is no mapping of one name to what is done", index + 1));
        };
        if name.trim().is_empty() || name.len() > NAME_BYTES_MAX || name.contains(char::is_control) {
            return self.says(format!("the name of task {} must have 1 to {NAME_BYTES_MAX} bytes without control characters", index + 1));
        }
        let what = format!("task `{}`", cut(name));
        let Some(body) = body.as_object() else { return self.says(format!("{what} must be a mapping with `call` and `with`, or `set`")) };
        self.known(body, &what, &["if", "call", "with", "set"]);
        let when = match body.lookup("if") {
            None => None,
            Some(Value::Str(text)) => Some(Arc::from(expression_text(text).unwrap_or_else(|| text.trim()))),
            Some(_) => return self.says(format!("`if` of {what} must be an expression, as text")),
        };
        let (call, called, given) = match (body.lookup("call"), body.lookup("set")) {
            (None, Some(given)) => (PlannedCall::Set, Arc::from(""), given.clone()),
            (Some(call), None) => self.call(&what, call, body.lookup("with"))?,
            (Some(_), Some(_)) | (None, None) => return self.says(format!("{what} has exactly one of `call` and `set`")),
        };
        Some(PlannedTask { name: name.clone(), call, called, when, given })
    }

    /// `call` and `with`: which entry of the allow-list, and what it is given.
    fn call(&mut self, what: &str, call: &Value, with: Option<&Value>) -> Option<(PlannedCall, Arc<str>, Value)> {
        let call = self.allow.iter().map(|one| one.call).find(|known| call.as_str() == Some(known.word()) && known.keys().is_some());
        let Some((call, (called, given))) = call.and_then(|call| Some((call, call.keys()?))) else {
            let mut known: Vec<&str> = self.allow.iter().filter(|one| one.call.keys().is_some()).map(|one| one.call.word()).collect();
            known.dedup();
            return self.says(format!("`call` of {what} is none that is allowed; write {}", known.join(", ")));
        };
        let Some(with) = with.and_then(Value::as_object) else {
            return self.says(format!("{what} needs `with`: `{called}` and `{given}`"));
        };
        self.known(with, &format!("`with` of {what}"), &[called, given]);
        let allowed = match with.lookup(called).and_then(Value::as_str) {
            Some(name) => self.allowed(what, call, name)?,
            None => return self.says(format!("`with` of {what} needs `{called}`, a name")),
        };
        let Some(value) = with.lookup(given) else { return self.says(format!("`with` of {what} needs `{given}`")) };
        if call == PlannedCall::Act && value.as_object().is_none() {
            return self.says(format!("`{given}` of {what} must be a mapping"));
        }
        if let Some((fixed, _)) = allowed.fixed.iter().find(|(key, _)| value.member(key).is_some()) {
            return self.says(format!("`{fixed}` of {what} is given by the workflow; leave it out"));
        }
        Some((call, allowed.name.clone(), value.clone()))
    }

    /// The entry that `name` means: written out, or without its version where that is enough.
    fn allowed(&mut self, what: &str, call: PlannedCall, name: &str) -> Option<Allowed> {
        let of_kind = || self.allow.iter().filter(|one| one.call == call);
        let bare = |one: &&Allowed| one.name.split('@').next() == Some(name);
        let mut found = of_kind().filter(|one| *one.name == *name).chain(of_kind().filter(bare));
        match (found.next(), found.next()) {
            (Some(one), None) => Some(one.clone()),
            (Some(_), Some(_)) => self.says(format!("`{}` of {what} is allowed in two versions; write `name@major`", cut(name))),
            (None, _) => {
                let known: Vec<&str> = of_kind().map(|one| &*one.name).collect();
                let plain: Vec<&str> = known.iter().filter_map(|name| name.split('@').next()).collect();
                let near = nearest(name, &plain).map(|near| format!("; did you mean `{}`?", near.word)).unwrap_or_default();
                let wrong = format!("`{}` of {what} is not allowed; allowed are {}{near}", cut(name), known.join(", "));
                self.says(wrong)
            }
        }
    }

    fn known(&mut self, map: &Map, what: &str, known: &[&str]) {
        if let Some((odd, _)) = map.iter().find(|(key, _)| !known.contains(&&***key)) {
            self.wrong.push(format!("`{}` is not known in {what}; it has {}", cut(odd), known.join(", ")));
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

/// The expressions of one task, in the order in which they are evaluated: `if`, then those in what it is given.
fn sources(task: &PlannedTask) -> Vec<&str> {
    let mut found: Vec<&str> = task.when.as_deref().into_iter().collect();
    inside(&task.given, &mut found);
    found
}

fn inside<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Str(text) => found.extend(expression_text(text)),
        Value::Array(items) => items.iter().for_each(|item| inside(item, found)),
        Value::Object(map) => map.iter().for_each(|(_, member)| inside(member, found)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
    }
}

/// Whether what a task is given is known before it runs.
pub fn is_literal(task: &PlannedTask) -> bool {
    let mut found = Vec::new();
    inside(&task.given, &mut found);
    found.is_empty()
}

fn compile(sources: &[&str]) -> Result<Module, String> {
    let sources: Vec<Source<'_>> = sources.iter().map(|text| Source { text, names: &[PLAN_VARIABLE] }).collect();
    Module::compile(&sources).map_err(|errors| {
        let told = errors.iter().take(WRONG_MAX).map(|error| {
            let source = sources.get(error.index as usize).map(|source| cut(source.text)).unwrap_or_default();
            format!("the expression `{source}`, column {}: {}", error.column, error.detail)
        });
        told.collect::<Vec<_>>().join("; ")
    })
}

/// All of a plan together, before the first of its tasks runs.
fn check_expressions(tasks: &[PlannedTask]) -> Result<(), Vec<String>> {
    let all: Vec<(&PlannedTask, &str)> =
        tasks.iter().flat_map(|task| sources(task).into_iter().map(move |source| (task, source))).collect();
    if all.len() > PLAN_EXPRESSIONS_MAX {
        return Err(vec![format!("a plan has at most {PLAN_EXPRESSIONS_MAX} expressions, and this one has {}", all.len())]);
    }
    let texts: Vec<&str> = all.iter().map(|(_, source)| *source).collect();
    let module = compile(&texts).map_err(|wrong| vec![wrong])?;
    let mut wrong = Vec::new();
    for (index, (task, source)) in (0_u32..).zip(&all) {
        let foreign = module.variables_used(index).iter().find(|name| !READABLE.contains(&name.as_str()));
        if let Some(foreign) = foreign.map(String::as_str).or_else(|| module.uses_secrets(index).first().map(|_| "secrets")) {
            let told = format!(
                "the expression `{}` of task `{}` reads `${foreign}`; a plan reads `.`, `$input`, `$context` and `$plan`",
                cut(source),
                cut(&task.name)
            );
            wrong.push(told);
        }
    }
    wrong.truncate(WRONG_MAX);
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// What one task of a plan comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Its `if` does not hold.
    Skipped,
    /// It is given this, with the labels of what its expressions read.
    With(Labelled),
}

/// Evaluates `task` on `input` within `fuel`; `variable` is asked for each variable it reads, by name without `$`. That an agent wrote it
/// labels nothing here.
///
/// # Errors
/// What went wrong and what to do.
pub fn evaluate(task: &PlannedTask, input: &Labelled, fuel: Fuel, variable: &mut dyn FnMut(&str) -> Labelled) -> Result<Ready, String> {
    let texts = sources(task);
    if texts.is_empty() {
        return Ok(Ready::With(Labelled::authored(task.given.clone())));
    }
    let module = compile(&texts)?;
    let mut results = Results { module: &module, input, fuel, variable, next: 0 };
    if task.when.is_some() && matches!(results.next()?.value, Value::Null | Value::Bool(false)) {
        return Ok(Ready::Skipped);
    }
    results.filled(&task.given).map(Ready::With)
}

struct Results<'r> {
    module: &'r Module,
    input: &'r Labelled,
    fuel: Fuel,
    variable: &'r mut dyn FnMut(&str) -> Labelled,
    next: u32,
}

impl Results<'_> {
    fn next(&mut self) -> Result<Labelled, String> {
        let (index, mut variables) = (self.next, Variables::new());
        self.next += 1;
        for name in self.module.variables_used(index) {
            let Labelled { value, labels } = (self.variable)(name);
            variables.set(name, value);
            variables.label(name, labels);
        }
        let evaluated = self.module.evaluate_labelled(index, (&self.input.value, &self.input.labels), &variables, self.fuel);
        let (value, burned) = (evaluated.result, evaluated.burned);
        let value = value.map_err(|error| format!("{}: {}", error.code(), error.detail))?;
        // All expressions of a task share the fuel of one, so that a plan cannot multiply it.
        self.fuel.units_max = self.fuel.units_max.saturating_sub(burned.units);
        self.fuel.bytes_max = self.fuel.bytes_max.saturating_sub(burned.bytes.max(canonical_len(&value) as u64));
        Ok(Labelled::new(value, evaluated.labels))
    }

    fn filled(&mut self, value: &Value) -> Result<Labelled, String> {
        match value {
            Value::Str(text) if expression_text(text).is_some() => self.next(),
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect::<Result<Vec<_>, _>>().map(Labelled::array),
            Value::Object(map) => {
                let members = map.iter().map(|(key, member)| Ok((key.clone(), self.filled(member)?)));
                members.collect::<Result<Vec<_>, String>>().map(Labelled::object)
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => Ok(Labelled::authored(value.clone())),
        }
    }
}
