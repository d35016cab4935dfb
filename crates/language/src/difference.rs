//! What changed in meaning between two bundles: tasks, contracts, policies, prompts, models, rules cell by cell, actions, limits.
//!
//! What must stay true: it reads compiled programs, so that layout, comments and the order of keys are no change; tasks are named by the
//! path of their names. Whether a change is good is not judged here.

mod parts;
mod policies;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provost_model::program::{Batch, Concurrency, ExprIx, KeySpec, SchemaIx, StartFilter, StartOn, TaskIx, Template, WhenHeld};
use provost_model::{Program, Value};
use serde::{Deserialize, Serialize};

/// Most characters shown of a value.
const SHOWN_CHARS_MAX: usize = 120;

/// What kind of thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A workflow, or what its document says beside tasks.
    Workflow,
    /// A task.
    Task,
    /// A contract.
    Contract,
    /// An agent.
    Agent,
    /// An agent's prompt.
    Prompt,
    /// Who answers for an agent.
    Route,
    /// An action.
    Action,
    /// A rules table or a cell of it.
    Rules,
    /// A source of passages.
    Source,
    /// A feature.
    Feature,
    /// A policy.
    Policy,
}

impl Subject {
    /// The word people read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Task => "task",
            Self::Contract => "contract",
            Self::Agent => "agent",
            Self::Prompt => "prompt",
            Self::Route => "route",
            Self::Action => "action",
            Self::Rules => "rules",
            Self::Source => "source",
            Self::Feature => "feature",
            Self::Policy => "policy",
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// What kind of thing.
    pub subject: Subject,
    /// Its name.
    pub name: String,
    /// Which part of it; empty: the whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub part: String,
    /// As it was; absent where it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// As it is; absent where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// One side of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Side<'b> {
    /// Its workflows.
    pub programs: &'b [Program],
    /// Its policies: file and text.
    pub policies: &'b [(String, String)],
}

/// Every change from `before` to `after`, in order of kind and name.
pub fn difference(before: Side<'_>, after: Side<'_>) -> Vec<Change> {
    let mut changes = Changes { found: BTreeSet::new() };
    let (old, new) = (by_name(before.programs), by_name(after.programs));
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    for name in names {
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => both(&mut changes, old, new),
            (old, new) => {
                let version = |program: Option<&&Program>| program.map(|program| program.version.to_string());
                changes.whole(Subject::Workflow, name, version(old), version(new));
            }
        }
    }
    policies::compare(&mut changes, before.policies, after.policies);
    changes.found.into_iter().collect()
}

fn by_name(programs: &[Program]) -> BTreeMap<&str, &Program> {
    programs.iter().map(|program| (&*program.name, program)).collect()
}

fn both(changes: &mut Changes, old: &Program, new: &Program) {
    let (old, new) = (Sheet { program: old }, Sheet { program: new });
    let (was, is) = (old.document(), new.document());
    changes.members(Subject::Workflow, &old.program.name, &was, &is);
    tasks::compare(changes, old, new);
    parts::compare(changes, old, new);
}

/// The changes found so far; workflows share agents and actions, which are told once.
struct Changes {
    found: BTreeSet<Change>,
}

impl Changes {
    fn push(&mut self, subject: Subject, name: &str, part: &str, (before, after): (Option<String>, Option<String>)) {
        if before != after {
            let cut = |text: Option<String>| text.map(|text| cut(&text));
            self.found.insert(Change { subject, name: name.to_owned(), part: part.to_owned(), before: cut(before), after: cut(after) });
        }
    }

    fn whole(&mut self, subject: Subject, name: &str, before: Option<String>, after: Option<String>) {
        self.push(subject, name, "", (before, after));
    }

    /// Compares two sets of members by name.
    fn members(&mut self, subject: Subject, name: &str, before: &Members, after: &Members) {
        for key in before.keys().chain(after.keys()) {
            self.push(subject, name, key, (before.get(key).cloned(), after.get(key).cloned()));
        }
    }

    /// Compares two values place by place.
    fn values(&mut self, subject: Subject, (name, part): (&str, &str), before: Option<&Value>, after: Option<&Value>) {
        match (before, after) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                let keys: BTreeSet<&Arc<str>> = old.iter().chain(new.iter()).map(|(key, _)| key).collect();
                for key in keys {
                    self.values(subject, (name, &format!("{part}/{key}")), old.lookup(key), new.lookup(key));
                }
            }
            (old, new) => self.push(subject, name, part, (old.map(ToString::to_string), new.map(ToString::to_string))),
        }
    }
}

/// Parts of something by name, as text.
type Members = BTreeMap<String, String>;

fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}

/// A program, read without its indexes.
#[derive(Clone, Copy)]
struct Sheet<'p> {
    program: &'p Program,
}

impl<'p> Sheet<'p> {
    fn expression(&self, index: ExprIx) -> String {
        self.program.expressions.get(index.0 as usize).map(|expression| expression.source.trim().to_owned()).unwrap_or_default()
    }

    fn concurrency(&self, concurrency: Concurrency) -> String {
        let KeySpec { limit, policy, waiting_max } = concurrency.spec;
        let policy = match policy {
            WhenHeld::Queue => format!("queue up to {waiting_max}"),
            WhenHeld::Replace => "replace".to_owned(),
            WhenHeld::Refuse => "refuse".to_owned(),
        };
        format!("{}, limit {limit}, {policy}", self.expression(concurrency.key))
    }

    fn batch(&self, batch: Batch) -> String {
        let by = batch.key.map(|key| format!(" by {}", self.expression(key))).unwrap_or_default();
        format!("{} events or {} ms{by}", batch.size, batch.wait_ms)
    }

    fn schema(&self, index: Option<SchemaIx>) -> Option<&'p Value> {
        self.program.schemas.get(index?.0 as usize)
    }

    fn task_name(&self, index: TaskIx) -> String {
        self.program.task(index).map(|task| task.name.to_string()).unwrap_or_default()
    }

    fn template(&self, template: &Template) -> String {
        match template {
            Template::Literal(value) => value.to_string(),
            Template::Expression(index) => format!("${{ {} }}", self.expression(*index)),
            Template::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.template(item)).collect();
                format!("[ {} ]", items.join(", "))
            }
            Template::Object(members) => {
                let members: Vec<String> = members.iter().map(|(key, member)| format!("{key}: {}", self.template(member))).collect();
                format!("{{ {} }}", members.join(", "))
            }
        }
    }

    /// What the document says beside its tasks.
    fn document(&self) -> Members {
        let program = self.program;
        let mut members = Members::new();
        let mut add = |name: &str, text: Option<String>| drop(text.map(|text| members.insert(name.to_owned(), text)));
        add("version", Some(program.version.to_string()));
        add("limits", serde_json::to_string(&program.limits).ok());
        add("cancel", serde_json::to_string(&program.cancel).ok());
        add("timeout", program.timeout.as_ref().map(|timeout| self.duration(timeout)));
        add("order", program.order.map(|order| self.expression(order)));
        add("concurrency", program.concurrency.map(|concurrency| self.concurrency(concurrency)));
        add("batch", program.batch.map(|batch| self.batch(batch)));
        add("reconcile", program.reconcile.and_then(|reconcile| serde_json::to_string(&reconcile).ok()));
        add("input.from", program.input.from.as_ref().map(|from| self.template(from)));
        add("output.as", program.output.to.as_ref().map(|to| self.template(to)));
        add("schedule.on", program.starts_on.as_ref().map(|on| self.event(on)));
        if let Some(set) = &program.starts_on_set {
            let filters: Vec<String> = set.filters.iter().map(|filter| self.start_filter(filter)).collect();
            add(if set.all { "schedule.on.all" } else { "schedule.on.any" }, Some(filters.join("; ")));
        }
        add("schedule.read", (!program.start_read.is_default()).then(|| format!("{:?}", program.start_read).to_lowercase()));
        if let Some(schedule) = &program.schedule {
            add("schedule", serde_json::to_string(schedule).ok());
        }
        members
    }

    fn event(&self, on: &StartOn) -> String {
        let wanted: Vec<String> = on.attributes.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let computed: String = on.computed.iter().map(|(name, index)| format!(", {name} = {}", self.expression(*index))).collect();
        let data = on.data.map(|data| format!(", data: {}", self.expression(data))).unwrap_or_default();
        wanted.join(", ") + &computed + &data
    }

    fn start_filter(&self, filter: &StartFilter) -> String {
        let mut text = self.event(&filter.on);
        for one in &filter.correlate {
            let expect = one.expect.as_ref().map(|expect| format!(" = {expect}")).unwrap_or_default();
            text += &format!(", {}: {}{expect}", one.name, self.expression(one.from));
        }
        text
    }
}
