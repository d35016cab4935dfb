//! The document itself: what it is called, how it starts, its settings, and its `do`.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::Digest;
use provost_model::limits::{BLOB_BYTES_MAX, Limits};
use provost_model::program::{
    ActionSpec, Batch, CancelSpec, Concurrency, ExprIx, Expression, Input, Keeping, Missed, Output, Program, Reconcile, Task, TaskIx,
    TaskKind,
};

use super::Build;
use crate::checks::{self, Places};
use crate::compiled;
use crate::fields::{self, Fields, fields, open_fields};
use crate::finding::{Code, Finding, Log, Place};
use crate::library::Library;
use crate::tables::{Origin, Tables};
use crate::version;
use crate::yaml::{Node, shown};

const KNOWN: [&str; 8] = ["document", "input", "use", "do", "timeout", "output", "schedule", "evaluate"];

/// Most that `limits.tasks` may say.
const TASKS_MAX: i64 = 1_000_000;
/// Most that `limits.valueBytes` may say: a value stands whole in memory and in a row.
const VALUE_BYTES_MAX: i64 = 16 << 20;
/// Most that `limits.expressionFuel` may say: its partition does nothing else while an expression runs.
const FUEL_MAX: i64 = 10_000_000;
/// Most that `limits.expressionBytes` may say: they are in memory.
const EXPRESSION_BYTES_MAX: i64 = 256 << 20;
/// Most that `limits.orchestrations` may say.
const ORCHESTRATIONS_MAX: i64 = 1_000_000;
/// Most that `limits.journalBytes` may say: a journal is read whole where it is folded again.
const JOURNAL_BYTES_MAX: i64 = 1 << 30;
/// Most that `limits.branches` may say.
const BRANCHES_MAX: i64 = 100_000;

/// What a workflow calls itself.
pub(crate) struct Heading {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) version: Arc<str>,
}

/// A compiled workflow with what later stages need to point into its sources.
pub(crate) struct Built {
    pub(crate) program: Program,
    pub(crate) origins: Vec<Origin>,
    /// Expressions that name secrets and whose result stays.
    pub(crate) kept: Vec<(ExprIx, Origin)>,
    /// The names in `use.secrets`.
    pub(crate) secrets: Vec<(Arc<str>, Place)>,
    /// Where things stand.
    pub(crate) places: Places,
}

/// What was read of a document that does not compile.
pub(crate) struct Unbuilt {
    tables: Tables,
    /// The names in `use.secrets`; none where they could not all be read.
    secrets: Option<Vec<Arc<str>>>,
}

impl Unbuilt {
    /// What may still be said of its expressions.
    pub(crate) fn certain(&self) -> Vec<Finding> {
        let Tables { expressions, expression_origins: origins, kept, .. } = &self.tables;
        compiled::certain(&compiled::Expressions { expressions, origins, kept, secrets: self.secrets.as_deref() })
    }
}

/// Compiles one document.
///
/// # Errors
/// After an error, which is in `log`, what was read of it until then.
pub(crate) fn compile<'a>(root: &'a Node, library: &'a Library, pin: Digest, log: &'a Log) -> Result<Built, Unbuilt> {
    let mut build = Build::new(log, library);
    let built = built(&mut build, root, pin);
    built.ok_or_else(|| {
        let secrets = build.uses_read.then(|| build.secrets.into_iter().map(|(name, _)| name).collect());
        Unbuilt { tables: build.tables, secrets }
    })
}

fn built<'a>(build: &mut Build<'a>, root: &'a Node, pin: Digest) -> Option<Built> {
    let log = build.log;
    let top = fields(root, "a workflow document", &KNOWN, log)?;
    let heading = top.need("document", log).and_then(|node| heading(node, log));
    let settings = top.find("document").and_then(|node| node.member("metadata"));
    if let Some(node) = top.find("evaluate") {
        evaluate(build, node);
    }
    let settings = settings.map(|node| build.document_settings(node)).unwrap_or_default();
    if let Some(node) = top.find("use") {
        build.uses(node);
    }
    let starts = top.find("schedule").map(|node| build.schedule(node, &settings)).unwrap_or_default();
    if let Some((_, at)) = settings.batch {
        let on_events = starts.on.is_some() || starts.set.as_ref().is_some_and(|set| !set.all);
        build.batch_of_events(at, on_events);
    }
    if let (Some((_, at)), None) = (&settings.zone, top.find("schedule")) {
        log.error_hint(Code::WrongValue, *at, "`zone` is of no use without times", "leave it out, or write `schedule.cron`");
    }
    if let (Some(at), None) = (settings.missed_at, top.find("schedule")) {
        build.missed_nothing(at);
    }
    let input = top.find("input").map_or_else(Input::default, |node| build.input(node));
    let output = top.find("output").map_or_else(Output::default, |node| build.output(node, "`output`"));
    let timeout = top.find("timeout").and_then(|node| build.timeout(node));
    let root_block = top.need("do", log).map(|node| build.block(node, "do", "/do"))?;
    build.check_scopes();
    build.warn_unused();
    checks::keys::untrusted(&build.keys, &build.tables.schemas, log);
    let (tasks, heading) = (build.take_tasks()?, heading?);
    size_answers(&mut build.actions, &tasks, &settings.limits);
    // A document is as large as all else that is compiled of it: it is kept only where somebody can read it.
    let tables = std::mem::take(&mut build.tables);
    let definition = tables.expressions.iter().any(reads_definition).then(|| root.to_value());
    let program = Program {
        namespace: heading.namespace,
        name: heading.name,
        version: heading.version,
        pin,
        limits: settings.limits,
        starts_on: starts.on,
        starts_on_set: starts.set,
        start_read: starts.read,
        schedule: starts.schedule,
        input,
        output,
        timeout,
        cancel: settings.cancel,
        order: settings.order,
        concurrency: settings.concurrency,
        batch: settings.batch.as_ref().map(|(batch, _)| *batch),
        root: root_block,
        tasks,
        expressions: tables.expressions,
        schemas: tables.schemas,
        agents: std::mem::take(&mut build.agents),
        actions: std::mem::take(&mut build.actions),
        rules: std::mem::take(&mut build.rules),
        definition,
        sources: std::mem::take(&mut build.sources),
        features: std::mem::take(&mut build.features),
        reconcile: settings.reconcile,
        marks: std::mem::take(&mut build.marked),
    };
    let places = Places { expressions: tables.uses, ..std::mem::take(&mut build.places) };
    checks::program(&program, &places, log);
    let secrets = std::mem::take(&mut build.secrets);
    Some(Built { program, origins: tables.expression_origins, kept: tables.kept, secrets, places })
}

/// Whether an expression may read what was written: by its name, or because it takes `$workflow` or `$task` whole.
fn reads_definition(expression: &Expression) -> bool {
    let whole = |variable: &str| expression.source.split(variable).skip(1).any(|rest| !rest.trim_start().starts_with('.'));
    let about = expression.source.contains("$workflow") || expression.source.contains("$task");
    about && (expression.source.contains("definition") || whole("$workflow") || whole("$task"))
}

/// The largest answer of a call that the workflow writes out follows from where the answer is kept.
fn size_answers(actions: &mut BTreeMap<Arc<str>, ActionSpec>, tasks: &[Task], limits: &Limits) {
    for task in tasks {
        let TaskKind::Act(act) = &task.kind else { continue };
        let Some(call) = actions.get_mut(&act.action).and_then(|spec| spec.call.as_mut()) else { continue };
        call.response_bytes_max = match act.store {
            Keeping::Record => limits.value_bytes,
            Keeping::Blob => limits.blob_bytes,
        };
    }
}

/// Reads `document`.
pub(crate) fn heading(node: &Node, log: &Log) -> Option<Heading> {
    let known = ["dsl", "namespace", "name", "version", "title", "summary", "tags", "metadata"];
    let document = fields(node, "`document`", &known, log)?;
    for key in ["title", "summary"] {
        document.text(key, log);
    }
    for key in ["tags", "metadata"] {
        document.find(key).map(|node| open_fields(node, key, log));
    }
    dsl(&document, log);
    let namespace = label(&document, "namespace", log);
    let name = label(&document, "name", log);
    let version = document.need_text("version", log)?;
    if version::major(&version).is_none() {
        let hint = "write three numbers in quotes, e.g. '1.0.0'";
        let code = if &*version == "latest" { Code::Refused } else { Code::WrongValue };
        log.error_hint(code, document.value_at("version"), format!("`{}` is not a version", shown(&version)), hint);
    }
    Some(Heading { namespace: namespace?, name: name?, version })
}

fn dsl(document: &Fields<'_>, log: &Log) {
    let Some(dsl) = document.need_text("dsl", log) else { return };
    let at = document.value_at("dsl");
    match version::major(&dsl) {
        None => log.error_hint(Code::WrongValue, at, format!("`{}` is not a version", shown(&dsl)), "write dsl: '1.0.3'"),
        Some(_) if !dsl.starts_with("1.0.") => {
            log.error_hint(Code::Dsl, at, format!("version `{}` of the language is not read", shown(&dsl)), "write dsl: '1.0.3'");
        }
        Some(_) => {}
    }
}

/// RFC 1123 labels, as the specification asks for names and namespaces.
fn label(document: &Fields<'_>, key: &str, log: &Log) -> Option<Arc<str>> {
    let text = document.need_text(key, log)?;
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    let inner = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if text.len() > 63 || !inner || !edge(text.bytes().next()) || !edge(text.bytes().last()) {
        let hint = "1 to 63 letters, digits and inner `-`";
        log.error_hint(Code::WrongValue, document.value_at(key), format!("`{}` cannot be a {key}", shown(&text)), hint);
        return None;
    }
    Some(text)
}

fn evaluate(build: &Build<'_>, node: &Node) {
    let Some(evaluate) = fields(node, "`evaluate`", &["language", "mode"], build.log) else { return };
    if let Some(language) = evaluate.text("language", build.log).filter(|language| &**language != "jq") {
        build.refuse(evaluate.key_at("language"), &format!("expressions in `{}`", shown(&language)), "expressions are jq");
    }
    if evaluate.word("mode", &["strict", "loose"], build.log).is_some_and(|mode| &*mode == "loose") {
        let hint = "a text that merely looks like an expression would run; write `${ }` where one is meant";
        build.refuse(evaluate.key_at("mode"), "the loose mode of expressions", hint);
    }
}

/// `document.metadata.provost`.
#[derive(Default)]
pub(super) struct Settings {
    limits: Limits,
    cancel: CancelSpec,
    pub(super) order: Option<ExprIx>,
    concurrency: Option<Concurrency>,
    batch: Option<(Batch, Place)>,
    reconcile: Option<Reconcile>,
    pub(super) missed: Missed,
    /// Where that is written.
    pub(super) missed_at: Option<Place>,
    /// The time zone that `schedule` goes by, as written.
    pub(super) zone: Option<(Arc<str>, Place)>,
}

impl Build<'_> {
    fn document_settings(&mut self, metadata: &Node) -> Settings {
        let known =
            ["profile", "limits", "cancel", "order", "inDoubt", "missed", "zone", "concurrency", "batch", "reconcile", "labels", "redact"];
        let mut settings = Settings::default();
        let Some(provost) = metadata.member("provost").and_then(|node| fields(node, "`metadata.provost`", &known, self.log)) else {
            return settings;
        };
        if let Some(profile) = provost.find("profile").map(Node::to_value).filter(|profile| profile.to_string().trim_matches('"') != "1") {
            let message = format!("profile {profile} is not known");
            self.log.error_hint(Code::WrongValue, provost.key_at("profile"), message, "write profile: '1'");
        }
        if let Some(limits) = provost.find("limits") {
            settings.limits = read_limits(limits, self.log);
            self.places.limits_tasks = limits.member("tasks").is_some();
        }
        if let Some(cancel) = provost.find("cancel") {
            settings.cancel = self.cancel(cancel);
        }
        settings.order = provost.find("order").and_then(|node| self.condition(node, "order"));
        if let Some(in_doubt) = provost.find("inDoubt").and_then(|node| self.in_doubt(node)) {
            self.in_doubt = in_doubt;
        }
        settings.missed = match provost.word("missed", &["last", "none", "all"], self.log).as_deref() {
            Some("none") => Missed::None,
            Some("all") => Missed::All,
            Some(_) | None => Missed::Last,
        };
        settings.missed_at = provost.find("missed").map(|_| provost.key_at("missed"));
        settings.zone = provost.text("zone", self.log).map(|zone| (zone, provost.value_at("zone")));
        settings.concurrency = provost.find("concurrency").and_then(|node| self.concurrency(node, &provost));
        let batch = provost.find("batch").and_then(|node| self.batch(node));
        settings.batch = batch.map(|batch| (batch, provost.key_at("batch")));
        settings.reconcile = provost.find("reconcile").and_then(|node| self.reconcile(node));
        let marks = self.marks(&provost);
        if !marks.is_empty() {
            self.marked.insert(TaskIx::ROOT, marks);
        }
        settings
    }

    fn cancel(&mut self, node: &Node) -> CancelSpec {
        let mut cancel = CancelSpec::default();
        let Some(spec) = fields(node, "`cancel`", &["grace", "compensate"], self.log) else { return cancel };
        if let Some(ms) = spec.find("grace").and_then(|node| super::fixed_ms(node, "grace", self.log)) {
            cancel.grace_ms = ms;
        }
        if let Some(scopes) = spec.find("compensate") {
            cancel.compensate = fields::texts(scopes, "compensate", self.log);
            self.scopes.extend(cancel.compensate.iter().map(|name| (name.clone(), scopes.at)));
        }
        cancel
    }

    /// Scopes are names of tasks; they may stand before the task is read.
    fn check_scopes(&self) {
        if self.scopes.is_empty() {
            return;
        }
        let known: Vec<&str> = self.names_of_tasks().collect();
        for (name, at) in &self.scopes {
            if !known.contains(&&**name) {
                let message = format!("scope `{}` is no task of this workflow", shown(name));
                self.log.unknown(Code::UnknownReference, *at, message, name, &known);
            }
        }
    }
}

fn read_limits(node: &Node, log: &Log) -> Limits {
    let known = [
        "tasks",
        "orchestrations",
        "journalBytes",
        "valueBytes",
        "blobBytes",
        "expressionFuel",
        "expressionBytes",
        "branches",
        "unmatchedMs",
        "modelTokens",
        "modelCostMicros",
    ];
    let mut limits = Limits::default();
    let Some(written) = fields(node, "`limits`", &known, log) else { return limits };
    let read = |key: &str, max: i64, to: &mut u64| {
        if let Some(number) = written.int(key, 1, max, log) {
            *to = number.unsigned_abs();
        }
    };
    read("tasks", TASKS_MAX, &mut limits.tasks);
    read("orchestrations", ORCHESTRATIONS_MAX, &mut limits.orchestrations);
    read("journalBytes", JOURNAL_BYTES_MAX, &mut limits.journal_bytes);
    read("valueBytes", VALUE_BYTES_MAX, &mut limits.value_bytes);
    read("expressionFuel", FUEL_MAX, &mut limits.expression_fuel);
    read("expressionBytes", EXPRESSION_BYTES_MAX, &mut limits.expression_bytes);
    read("branches", BRANCHES_MAX, &mut limits.branches);
    read("modelTokens", 1 << 40, &mut limits.model_tokens);
    read("modelCostMicros", 1 << 40, &mut limits.model_cost_micros);
    if let Some(bytes) = written.int("blobBytes", 1, BLOB_BYTES_MAX, log) {
        limits.blob_bytes = bytes.unsigned_abs();
    }
    if let Some(ms) = written.int("unmatchedMs", 0, 1 << 40, log) {
        limits.unmatched_ms = ms;
    }
    limits
}
