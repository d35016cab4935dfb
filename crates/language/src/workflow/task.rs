//! Task lists and what every task has: `if input output export timeout then metadata`, and which of the twelve kinds it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provost_model::program::{Block, Duration, Flow, HTTP_CALL, InDoubt, Input, Keeping, Output, Rare, SchemaIx, Task, TaskIx, TaskKind};

use super::{Build, foreign};
use crate::fields::{self, Fields, fields, open_fields};
use crate::finding::{Code, Place};
use crate::names::check_seen;
use crate::yaml::{Entry, Node, shown};

/// What `metadata.provost` of a task may hold.
const SETTINGS: [&str; 6] = ["inDoubt", "store", "labels", "redact", "effect", "server"];
/// What stands in `metadata.provost` of the document only.
const WHOLE: [&str; 2] = ["concurrency", "limits"];
const BASE: [&str; 7] = ["if", "input", "output", "export", "timeout", "then", "metadata"];

/// The keyword of each kind and the keys that come with it. `for` stands before `do`, which it contains.
const KINDS: [(&str, &[&str]); 12] = [
    ("call", &["with"]),
    ("for", &["while", "do"]),
    ("do", &[]),
    ("emit", &[]),
    ("fork", &[]),
    ("listen", &["foreach"]),
    ("raise", &[]),
    ("run", &[]),
    ("set", &[]),
    ("switch", &[]),
    ("try", &["catch"]),
    ("wait", &[]),
];

/// The names of one list, for `then`.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    targets: BTreeMap<Arc<str>, TaskIx>,
    /// Branches of a fork have no order: only flow words lead out of them.
    unordered: bool,
}

/// One named item of a list.
struct Item<'n> {
    name: Arc<str>,
    at: Place,
    body: &'n Node,
}

impl<'a> Build<'a> {
    /// A list of tasks under `pointer`.
    pub(super) fn block(&mut self, node: &Node, what: &str, pointer: &str) -> Block {
        self.listed(node, what, pointer, false)
    }

    /// The branches of a fork.
    pub(super) fn branches(&mut self, node: &Node, pointer: &str) -> Block {
        self.listed(node, "branches", pointer, true)
    }

    fn listed(&mut self, node: &Node, what: &str, pointer: &str, unordered: bool) -> Block {
        let Some(list) = fields::list(node, what, self.log) else { return Block::new() };
        let items: Vec<Item<'_>> = list.iter().filter_map(|item| self.item(item, "a task")).collect();
        let mut names = Names { unordered, ..Names::default() };
        let mut block = Block::new();
        for item in &items {
            let index = TaskIx(self.tasks.len() as u32);
            self.tasks.push(None);
            block.push(index);
            if names.targets.insert(item.name.clone(), index).is_some() {
                let hint = "names are the keys of everything that happens; make each one unique in its list";
                self.log.error_hint(Code::DuplicateName, item.at, format!("task `{}` stands twice in this list", shown(&item.name)), hint);
            }
        }
        for (position, (item, index)) in items.iter().zip(&block).enumerate() {
            let pointer = format!("{pointer}/{position}/{}", item.name.replace('~', "~0").replace('/', "~1"));
            let task = self.task(item, *index, &names, &pointer);
            if let Some(slot) = self.tasks.get_mut(index.0 as usize) {
                *slot = task;
            }
        }
        block
    }

    /// An item of a list: a mapping of one name.
    fn item<'n>(&self, node: &'n Node, what: &str) -> Option<Item<'n>> {
        let entries = node.as_map().unwrap_or_default();
        let [entry] = entries else {
            let message = match entries.get(1) {
                Some(second) => format!("`{}` is a second name in one list item", shown(&second.key)),
                None => format!("{what} must be a mapping of one name, not {}", node.what()),
            };
            let at = entries.get(1).map_or(node.at, |second| second.at);
            self.log.error_hint(Code::TaskShape, at, message, "write each as `- name: { … }` of its own");
            return None;
        };
        self.name(entry);
        Some(Item { name: entry.key.clone(), at: entry.at, body: &entry.value })
    }

    fn name(&self, entry: &Entry) {
        let name = &*entry.key;
        if name.trim().is_empty() || name.len() > 128 {
            self.log.error(Code::WrongValue, entry.at, "a name must have 1 to 128 bytes");
        }
        check_seen(name, entry.at, self.log);
    }

    fn task(&mut self, item: &Item<'_>, index: TaskIx, names: &Names, pointer: &str) -> Option<Task> {
        let what = format!("task `{}`", shown(&item.name));
        let body = open_fields(item.body, &what, self.log)?;
        let (keyword, more) = self.keyword(item, &body)?;
        let known: Vec<&str> = BASE.iter().copied().chain([keyword]).chain(more.iter().copied()).collect();
        for entry in item.body.as_map().unwrap_or_default() {
            if !known.contains(&&*entry.key) && !KINDS.iter().any(|(kind, _)| **kind == *entry.key) {
                self.log.unknown(Code::UnknownKey, entry.at, format!("`{}` is not known in {what}", shown(&entry.key)), &entry.key, &known);
            }
        }
        self.places.tasks.insert(index, item.at);
        let outer = self.tables.owner.replace(index);
        let task = self.task_body(item, &body, keyword, names, pointer);
        self.tables.owner = outer;
        if body.find("export").is_some() {
            self.places.exports.insert(index, body.key_at("export"));
        }
        task
    }

    fn task_body(&mut self, item: &Item<'_>, body: &Fields<'_>, keyword: &str, names: &Names, pointer: &str) -> Option<Task> {
        let kind = self.kind(keyword, body, names, pointer);
        let settings = self.settings(body, keyword, kind.as_ref());
        let task = Task {
            name: item.name.clone(),
            pointer: pointer.into(),
            when: body.find("if").and_then(|node| self.condition(node, "if")),
            input: body.find("input").map(|node| self.input(node).into()).unwrap_or_default(),
            output: body.find("output").map(|node| self.output(node, "`output`").into()).unwrap_or_default(),
            export: body.find("export").map(|node| self.output(node, "`export`").into()).unwrap_or_default(),
            timeout: body.find("timeout").and_then(|node| self.timeout(node)).map(Box::new),
            then: body.find("then").map(|node| self.flow(node, names)).unwrap_or_default(),
            kind: with_settings(kind?, settings),
        };
        Some(self.extended(task, keyword, item.at, item.body))
    }

    /// Which of the twelve kinds a task is.
    fn keyword(&self, item: &Item<'_>, body: &Fields<'_>) -> Option<(&'static str, &'static [&'static str])> {
        let mut found = KINDS.iter().filter(|(kind, _)| body.find(kind).is_some());
        let Some((keyword, more)) = found.next() else {
            let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
            let odd = item.body.as_map().unwrap_or_default().iter().find(|e| !BASE.contains(&&*e.key));
            let (at, word) = odd.map_or((item.at, ""), |entry| (entry.at, &*entry.key));
            let message = format!("task `{}` says nothing to do", shown(&item.name));
            self.log.unknown(Code::TaskShape, at, message, word, &kinds);
            return None;
        };
        for (other, _) in found.filter(|(other, _)| !more.contains(other)) {
            let message = format!("task `{}` is both `{keyword}` and `{other}`", shown(&item.name));
            self.log.error_hint(Code::TaskShape, body.key_at(other), message, "make it two tasks");
        }
        Some((keyword, more))
    }

    fn kind(&mut self, keyword: &str, body: &Fields<'_>, names: &Names, pointer: &str) -> Option<TaskKind> {
        let node = body.find(keyword)?;
        let inside = format!("{pointer}/{keyword}");
        match keyword {
            "do" => Some(TaskKind::Do(self.block(node, "do", &inside))),
            "for" => self.for_task(body, pointer),
            "fork" => self.fork_task(node, &inside),
            "set" => self.set_task(node),
            "switch" => self.switch_task(node, names),
            "try" => self.try_task(body, names, pointer),
            "raise" => self.raise_task(node),
            "wait" => self.duration(node, "wait").map(TaskKind::Wait),
            "emit" => self.emit_task(node),
            "call" => self.call_task(node, body, pointer),
            "listen" => self.listen_task(body, pointer),
            "run" => foreign::run(self, node),
            _ => None,
        }
    }

    /// `metadata.provost` of a task.
    fn settings(&mut self, body: &Fields<'_>, keyword: &str, kind: Option<&TaskKind>) -> Settings {
        self.written_settings(body).map(|settings| self.checked_settings(&settings, keyword, kind)).unwrap_or_default()
    }

    fn written_settings<'n>(&self, body: &Fields<'n>) -> Option<Fields<'n>> {
        let metadata = open_fields(body.find("metadata")?, "`metadata`", self.log)?;
        let provost = metadata.find("provost")?;
        let what = "`metadata.provost` of a task";
        for entry in provost.as_map().unwrap_or_default().iter().filter(|entry| !SETTINGS.contains(&&*entry.key)) {
            let (key, message) = (&*entry.key, format!("`{}` is not known in {what}", shown(&entry.key)));
            if WHOLE.contains(&key) {
                let hint = format!("it holds for an orchestration as a whole: write it in `document.metadata.provost.{key}`");
                self.log.error_hint(Code::UnknownKey, entry.at, message, hint);
            } else {
                self.log.unknown(Code::UnknownKey, entry.at, message, key, &SETTINGS);
            }
        }
        open_fields(provost, what, self.log)
    }

    fn checked_settings(&mut self, settings: &Fields<'_>, keyword: &str, kind: Option<&TaskKind>) -> Settings {
        // A protocol call has read it.
        let is_read = |key: &str| matches!(key, "effect" | "server") && kind.is_none_or(is_written_out);
        for key in ["effect", "server"].into_iter().filter(|key| settings.find(key).is_some() && !is_read(key)) {
            let hint = "only `call: http` and `call: openapi` have it; of an action it stands in the action's file";
            self.log.error_hint(Code::UnknownKey, settings.key_at(key), format!("`{key}` is not known in this task"), hint);
        }
        let marks = self.marks(settings);
        if let (Some(owner), false) = (self.tables.owner, marks.is_empty()) {
            self.marked.insert(owner, marks);
        }
        let in_doubt = settings.find("inDoubt").and_then(|node| self.in_doubt(node));
        if in_doubt.is_some() && keyword != "call" {
            let hint = "only `call: act` has an effect that can be in doubt";
            self.log.error_hint(Code::UnknownKey, settings.key_at("inDoubt"), "`inDoubt` is not known in this task", hint);
        }
        let store = settings.find("store").and_then(|node| fields::word(node, "store", &["blob"], self.log));
        if store.is_some() && !matches!(kind, None | Some(TaskKind::Agent(_) | TaskKind::Act(_))) {
            let hint = "only `call: agent` and `call: act` have results of workers; write it at the task that calls one";
            self.log.error_hint(Code::UnknownKey, settings.key_at("store"), "`store` is not known in this task", hint);
        }
        Settings { in_doubt, store: store.map(|_| Keeping::Blob) }
    }

    /// `inDoubt`.
    pub(super) fn in_doubt(&self, node: &Node) -> Option<InDoubt> {
        let word = fields::word(node, "inDoubt", &["wait", "raise"], self.log)?;
        Some(if &*word == "raise" { InDoubt::Raise } else { InDoubt::Wait })
    }

    /// `input`.
    pub(super) fn input(&mut self, node: &Node) -> Input {
        let Some(input) = fields(node, "`input`", &["schema", "from"], self.log) else { return Input::default() };
        let schema = input.find("schema").and_then(|node| self.schema(node));
        Input { schema, from: input.find("from").and_then(|node| self.transform(node, "from")) }
    }

    /// `output` and `export`.
    pub(super) fn output(&mut self, node: &Node, what: &str) -> Output {
        let Some(output) = fields(node, what, &["schema", "as"], self.log) else { return Output::default() };
        let schema = output.find("schema").and_then(|node| self.schema(node));
        Output { to: output.find("as").and_then(|node| self.transform(node, "as")), schema }
    }

    /// `schema`: inline, or a contract of the bundle.
    fn schema(&mut self, node: &Node) -> Option<SchemaIx> {
        let schema = fields(node, "`schema`", &["format", "document", "resource"], self.log)?;
        if let Some(format) = schema.text("format", self.log).filter(|format| !matches!(&**format, "json" | "json:2020-12")) {
            let hint = "write `json`, which is JSON Schema 2020-12";
            self.log.error_hint(Code::Schema, schema.key_at("format"), format!("schema format `{}` is not read", shown(&format)), hint);
        }
        match (schema.find("document"), schema.find("resource")) {
            (Some(document), None) => self.library.schema(document, self.log).map(|schema| self.tables.schema(&schema)),
            (None, Some(resource)) => self.schema_resource(resource),
            (Some(_), Some(_)) | (None, None) => {
                let hint = "write either `document:` or `resource:`";
                self.log.error_hint(Code::MissingKey, schema.at, "a schema has exactly one of `document` and `resource`", hint);
                None
            }
        }
    }

    fn schema_resource(&mut self, node: &Node) -> Option<SchemaIx> {
        let resource = fields(node, "`resource`", &["name", "endpoint"], self.log)?;
        let endpoint = resource.need("endpoint", self.log)?;
        let uri = match endpoint.as_map() {
            Some(_) => fields(endpoint, "`endpoint`", &["uri", "authentication"], self.log)?.need_text("uri", self.log)?,
            None => fields::text(endpoint, "endpoint", self.log)?,
        };
        if uri.contains("://") || uri.contains("${") {
            self.refuse(endpoint.at, "schemas from elsewhere", "put the file into `contracts/` and name it");
            return None;
        }
        self.library.contract(&uri, endpoint.at, self.log).map(|schema| self.tables.schema(&schema))
    }

    /// `timeout`: a definition, or a name of `use.timeouts`.
    pub(super) fn timeout(&mut self, node: &Node) -> Option<Duration> {
        let node = match node.as_text() {
            Some(name) => self.uses.find("timeouts", name, node.at, self.log)?,
            None => node,
        };
        let timeout = fields(node, "`timeout`", &["after"], self.log)?;
        let after = timeout.need("after", self.log)?;
        let duration = self.duration(after, "after")?;
        if duration == Duration::Millis(0) {
            self.log.error(Code::WrongValue, after.at, "a timeout of 0 would always be over");
        }
        Some(duration)
    }

    /// `then`: a flow word, or a task of the same list.
    pub(super) fn flow(&self, node: &Node, names: &Names) -> Flow {
        let Some(target) = fields::text(node, "then", self.log) else { return Flow::Continue };
        if matches!(&*target, "continue" | "exit" | "end") && names.targets.contains_key(&target) {
            let message = format!("`{target}` is a flow word, and a task of that name stands in this list");
            self.log.error_hint(Code::WrongValue, node.at, message, "give the task another name: `then` cannot go to it");
        }
        match &*target {
            "continue" => return Flow::Continue,
            "exit" => return Flow::Exit,
            "end" => return Flow::End,
            _ => {}
        }
        if names.unordered {
            let hint = "branches run side by side; write continue, exit or end";
            self.log.error_hint(Code::UnknownTarget, node.at, format!("a branch cannot go to `{}`", shown(&target)), hint);
            return Flow::Continue;
        }
        if let Some(index) = names.targets.get(&target) {
            return Flow::Task(*index);
        }
        let known: Vec<&str> = names.targets.keys().map(|name| &**name).chain(["continue", "exit", "end"]).collect();
        let message = format!("`then` goes to `{}`, which is no task of this list", shown(&target));
        self.log.unknown(Code::UnknownTarget, node.at, message, &target, &known);
        Flow::Continue
    }

    /// The name of a variable that expressions will see as `$name`.
    pub(super) fn variable(&self, node: &Node, what: &str) -> Option<Arc<str>> {
        const TAKEN: [&str; 8] = ["context", "input", "output", "secrets", "authorization", "task", "workflow", "runtime"];
        let name = fields::text(node, what, self.log)?;
        let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if !first || name.len() > 64 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            let hint = "write letters, digits and `_`, without `$`";
            self.log.error_hint(Code::Variable, node.at, format!("`{}` cannot be a variable", shown(&name)), hint);
            return None;
        }
        if TAKEN.contains(&&*name) || &*name == "ENV" || &*name == "__loc__" {
            self.log.error_hint(Code::Variable, node.at, format!("`${name}` is taken"), "choose another name");
            return None;
        }
        Some(name)
    }

    /// The tasks that the document writes out; others are of the compiler.
    pub(super) fn names_of_tasks(&self) -> impl Iterator<Item = &str> {
        let planned = self.tasks.iter().flatten().filter_map(|task| if let TaskKind::Plan(plan) = &task.kind { Some(plan) } else { None });
        let planned: BTreeSet<TaskIx> = planned.flat_map(|plan| plan.tasks.iter().copied()).collect();
        let is_written = move |index: TaskIx| self.places.tasks.contains_key(&index) && !planned.contains(&index);
        let written = (0_u32..).zip(&self.tasks).filter(move |(index, _)| is_written(TaskIx(*index)));
        written.filter_map(|(_, task)| task.as_ref().map(|task| &*task.name))
    }

    pub(super) fn take_tasks(&mut self) -> Option<Vec<Task>> {
        std::mem::take(&mut self.tasks).into_iter().collect()
    }

    /// One task that the compiler adds by itself.
    pub(super) fn added(&mut self, task: Option<Task>) -> TaskIx {
        let index = TaskIx(self.tasks.len() as u32);
        self.tasks.push(task);
        index
    }

    /// Fills the place of an added task; none where it could not be compiled.
    pub(super) fn filled(&mut self, index: TaskIx, task: Option<Task>) -> Option<TaskIx> {
        let is_there = task.is_some();
        if let Some(slot) = self.tasks.get_mut(index.0 as usize) {
            *slot = task;
        }
        is_there.then_some(index)
    }

    /// Compiles a function's body as the task `name`.
    pub(super) fn function_body(&mut self, name: &Arc<str>, node: &Node, at: Place, pointer: &str) -> TaskIx {
        let index = self.added(None);
        let item = Item { name: name.clone(), at, body: node };
        let names = Names { targets: BTreeMap::new(), unordered: true };
        let task = self.task(&item, index, &names, pointer);
        if let Some(slot) = self.tasks.get_mut(index.0 as usize) {
            *slot = task;
        }
        index
    }
}

/// `metadata.provost` of a task, as far as it is written.
#[derive(Clone, Copy, Default)]
struct Settings {
    in_doubt: Option<InDoubt>,
    store: Option<Keeping>,
}

/// Whether a task is a call that the workflow writes out itself.
fn is_written_out(kind: &TaskKind) -> bool {
    matches!(kind, TaskKind::Act(act) if act.action.split_once('@').is_some_and(|(name, _)| name == HTTP_CALL))
}

fn with_settings(kind: TaskKind, settings: Settings) -> TaskKind {
    match kind {
        TaskKind::Act(mut act) => {
            (act.in_doubt, act.store) = (settings.in_doubt.unwrap_or(act.in_doubt), settings.store.unwrap_or(act.store));
            TaskKind::Act(act)
        }
        TaskKind::Agent(mut run) => {
            run.store = settings.store.unwrap_or(run.store);
            TaskKind::Agent(run)
        }
        kind => kind,
    }
}

/// A task with nothing but what it does.
pub(super) fn plain_task(name: &str, pointer: &str, kind: TaskKind) -> Task {
    Task {
        name: name.into(),
        pointer: pointer.into(),
        when: None,
        input: Rare::default(),
        output: Rare::default(),
        export: Rare::default(),
        timeout: None,
        then: Flow::Continue,
        kind,
    }
}
