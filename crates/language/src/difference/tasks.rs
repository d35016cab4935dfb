//! Tasks, by the path of their names.

use std::collections::BTreeMap;

use provost_model::program::{
    ActTask, Block, DecideTask, Duration, ErrorFilter, FeatureTask, Flow, Keeping, ListenTask, PlanTask, PolicyTask, RetrieveTask,
    RetrySpec, ReviewSpec, ReviewTask, Strategy, Task, TaskKind, TryTask, Until,
};
use serde::Serialize;

use super::{Changes, Members, Sheet, Subject};

pub(super) fn compare(changes: &mut Changes, old: Sheet<'_>, new: Sheet<'_>) {
    let (was, is) = (old.tasks(), new.tasks());
    for path in was.keys().chain(is.keys().filter(|path| !was.contains_key(*path))) {
        match (was.get(path), is.get(path)) {
            (Some(before), Some(after)) => changes.members(Subject::Task, path, before, after),
            (before, after) => {
                let kind = |task: Option<&Members>| task.and_then(|members| members.get("kind").cloned());
                changes.whole(Subject::Task, path, kind(before), kind(after));
            }
        }
    }
    orders(changes, old, new);
}

/// The order of the tasks that both sides have: what was added or is gone was told.
fn orders(changes: &mut Changes, old: Sheet<'_>, new: Sheet<'_>) {
    let (was, is) = (old.orders(), new.orders());
    for (path, before) in &was {
        let Some(after) = is.get(path) else { continue };
        let common =
            |names: &[String], other: &[String]| names.iter().filter(|name| other.contains(name)).cloned().collect::<Vec<_>>().join(", ");
        changes.push(Subject::Task, path, "order", (Some(common(before, after)), Some(common(after, before))));
    }
}

/// The path of a list inside the task at `path`.
fn within(path: &str, name: &str) -> String {
    if name.is_empty() { path.to_owned() } else { format!("{path}/{name}") }
}

fn json<T: Serialize>(one: &T) -> String {
    serde_json::to_string(one).unwrap_or_default()
}

impl Sheet<'_> {
    /// Every task with what it says.
    fn tasks(&self) -> BTreeMap<String, Members> {
        let mut all = BTreeMap::new();
        self.block(&self.program.root, &self.program.name, &mut all);
        all
    }

    fn block(&self, block: &Block, path: &str, all: &mut BTreeMap<String, Members>) {
        for index in block {
            let Some(task) = self.program.task(*index) else { continue };
            let path = format!("{path}/{}", task.name);
            let (members, lists) = self.task(task);
            all.insert(path.clone(), members);
            for (name, list) in lists {
                self.block(list, &within(&path, name), all);
            }
        }
    }

    /// The names of each list in order, by the path of the list.
    fn orders(&self) -> BTreeMap<String, Vec<String>> {
        let mut all = BTreeMap::new();
        let mut open = vec![(self.program.name.to_string(), &self.program.root)];
        while let Some((path, block)) = open.pop() {
            for task in block.iter().filter_map(|index| self.program.task(*index)) {
                let place = format!("{path}/{}", task.name);
                open.extend(self.task(task).1.into_iter().map(|(name, list)| (within(&place, name), list)));
            }
            all.insert(path, block.iter().map(|index| self.task_name(*index)).collect());
        }
        all
    }

    fn flow(&self, flow: &Flow) -> String {
        match flow {
            Flow::Continue => "continue".to_owned(),
            Flow::Exit => "exit".to_owned(),
            Flow::End => "end".to_owned(),
            Flow::Task(index) => self.task_name(*index),
        }
    }

    pub(super) fn duration(&self, duration: &Duration) -> String {
        match duration {
            Duration::Millis(ms) => format!("{ms} ms"),
            Duration::Template(template) => self.template(template),
        }
    }

    fn task<'t>(&self, task: &'t Task) -> (Members, Vec<(&'static str, &'t Block)>) {
        let mut members = Members::new();
        let mut add = |name: &str, text: Option<String>| drop(text.map(|text| members.insert(name.to_owned(), text)));
        add("if", task.when.map(|when| self.expression(when)));
        add("input.schema", self.schema(task.input.schema).map(ToString::to_string));
        add("input.from", task.input.from.as_ref().map(|from| self.template(from)));
        add("output.as", task.output.to.as_ref().map(|to| self.template(to)));
        add("output.schema", self.schema(task.output.schema).map(ToString::to_string));
        add("export.as", task.export.to.as_ref().map(|to| self.template(to)));
        add("export.schema", self.schema(task.export.schema).map(ToString::to_string));
        add("timeout", task.timeout.as_ref().map(|timeout| self.duration(timeout)));
        add("then", Some(self.flow(&task.then)));
        let (kind, lists) = self.kind(&task.kind, &mut add);
        add("kind", Some(kind.to_owned()));
        (members, lists)
    }

    fn kind<'t>(&self, kind: &'t TaskKind, add: &mut dyn FnMut(&str, Option<String>)) -> (&'static str, Vec<(&'static str, &'t Block)>) {
        match kind {
            TaskKind::Do(block) => ("do", vec![("", block)]),
            TaskKind::For(each) => {
                add("for", Some(format!("${}, ${} in {}", each.each, each.at, self.template(&each.items))));
                add("while", each.condition.map(|condition| self.expression(condition)));
                ("for", vec![("", &each.body)])
            }
            TaskKind::Fork(fork) => {
                add("compete", Some(fork.compete.to_string()));
                ("fork", vec![("", &fork.branches)])
            }
            TaskKind::Switch(switch) => {
                for case in &switch.cases {
                    let when = case.when.map_or_else(|| "always".to_owned(), |when| self.expression(when));
                    add(&format!("case {}", case.name), Some(format!("{when} -> {}", self.flow(&case.then))));
                }
                add("cases", Some(switch.cases.iter().map(|case| &*case.name).collect::<Vec<_>>().join(", ")));
                ("switch", Vec::new())
            }
            TaskKind::Try(attempt) => ("try", self.attempt(attempt, add)),
            TaskKind::Set(value) => {
                add("set", Some(self.template(value)));
                ("set", Vec::new())
            }
            TaskKind::Raise(raise) => {
                add("error", Some(self.template(&raise.error)));
                ("raise", Vec::new())
            }
            TaskKind::Wait(duration) => {
                add("wait", Some(self.duration(duration)));
                ("wait", Vec::new())
            }
            TaskKind::Emit(emit) => {
                add("event", Some(self.template(&emit.event)));
                add("contract", self.schema(emit.contract).map(ToString::to_string));
                ("emit", Vec::new())
            }
            other => self.called(other, add),
        }
    }

    /// Calls of the catalogue, and what others begin or surround.
    fn called<'t>(&self, kind: &'t TaskKind, add: &mut dyn FnMut(&str, Option<String>)) -> (&'static str, Vec<(&'static str, &'t Block)>) {
        match kind {
            TaskKind::Agent(call) => {
                add("agent", Some(call.agent.to_string()));
                add("input", Some(self.template(&call.input)));
                add("budget.wallMs", Some(call.wall_ms.to_string()));
                self.kept(call.store, add);
                ("call agent", Vec::new())
            }
            TaskKind::Rules(call) => {
                add("table", Some(call.table.to_string()));
                add("input", Some(self.template(&call.input)));
                ("call rules", Vec::new())
            }
            TaskKind::Decide(call) => self.decide(call, add),
            TaskKind::Policy(call) => {
                self.policy(call, add);
                ("call policy", Vec::new())
            }
            TaskKind::Review(call) => {
                self.review(call, add);
                ("call review", Vec::new())
            }
            TaskKind::Act(call) => {
                self.act(call, add);
                ("call act", Vec::new())
            }
            TaskKind::Retrieve(call) => {
                self.retrieve(call, add);
                ("call retrieve", Vec::new())
            }
            TaskKind::Feature(call) => {
                self.feature(call, add);
                ("call feature", Vec::new())
            }
            TaskKind::Plan(plan) => ("call plan", self.plan(plan, add)),
            TaskKind::Listen(listen) => ("listen", self.listen(listen, add)),
            TaskKind::Run(run) => {
                add("workflow", Some(format!("{} {}", run.workflow, run.version)));
                add("input", run.input.as_ref().map(|template| self.template(template)));
                add("await", Some(run.awaits.to_string()));
                add("return", run.silent.then(|| "none".to_owned()));
                ("run", Vec::new())
            }
            TaskKind::Extended(extended) => {
                add("definition", extended.definition.as_ref().map(ToString::to_string));
                ("extended", vec![("", &extended.body)])
            }
            TaskKind::Aside(aside) => {
                add("when", aside.when.map(|when| self.expression(when)));
                (if aside.before { "before" } else { "after" }, vec![("", &aside.body)])
            }
            TaskKind::Compensate(task) => {
                add("scope", task.scope.as_ref().map(ToString::to_string));
                add("reason", task.reason.as_ref().map(|template| self.template(template)));
                ("call compensate", Vec::new())
            }
            TaskKind::Do(_)
            | TaskKind::For(_)
            | TaskKind::Fork(_)
            | TaskKind::Set(_)
            | TaskKind::Switch(_)
            | TaskKind::Try(_)
            | TaskKind::Raise(_)
            | TaskKind::Wait(_)
            | TaskKind::Emit(_) => ("task", Vec::new()),
        }
    }

    fn retrieve(&self, call: &RetrieveTask, add: &mut dyn FnMut(&str, Option<String>)) {
        add("source", Some(call.source.to_string()));
        add("query", Some(self.template(&call.query)));
        add("topK", Some(call.top_k.to_string()));
    }

    /// The entries of its allow-list are compared as its tasks.
    fn plan<'t>(&self, plan: &'t PlanTask, add: &mut dyn FnMut(&str, Option<String>)) -> Vec<(&'static str, &'t Block)> {
        add("agent", Some(plan.agent.to_string()));
        add("goal", Some(self.template(&plan.goal)));
        add("review", plan.review.as_ref().map(|review| json(&ReviewSpec { form: None, ..review.clone() })));
        add("review.form", plan.review.as_ref().and_then(|review| self.schema(review.form)).map(ToString::to_string));
        for one in &plan.allow {
            let fixed: Vec<String> = one.fixed.iter().map(|(key, value)| format!("{key} = {}", self.template(value))).collect();
            add(&format!("allow {} {}", one.call.word(), one.name), (!fixed.is_empty()).then(|| fixed.join(", ")));
        }
        vec![("allow", &plan.tasks)]
    }

    fn feature(&self, call: &FeatureTask, add: &mut dyn FnMut(&str, Option<String>)) {
        add("names", Some(call.names.join(", ")));
        add("entity", Some(self.template(&call.entity)));
        add("asOf", call.as_of.as_ref().map(|template| self.template(template)));
    }

    fn listen<'t>(&self, listen: &'t ListenTask, add: &mut dyn FnMut(&str, Option<String>)) -> Vec<(&'static str, &'t Block)> {
        add("to", Some(self.events(&listen.to)));
        add(
            "until",
            listen.until.as_ref().map(|until| match until {
                Until::Never => "never".to_owned(),
                Until::Condition(condition) => self.expression(*condition),
                Until::Events(events) => self.events(events),
            }),
        );
        add("read", Some(json(&listen.read)));
        let Some(each) = &listen.each else { return Vec::new() };
        add("foreach.output", each.output.to.as_ref().map(|to| self.template(to)));
        add("foreach.export", each.export.to.as_ref().map(|to| self.template(to)));
        vec![("", &each.body)]
    }

    fn events(&self, of: &Strategy) -> String {
        let filters: Vec<String> = of
            .filters
            .iter()
            .map(|filter| {
                let attributes = filter.attributes.iter().map(|(name, value)| format!("{name} = {}", self.template(value)));
                let patterns = filter.patterns.iter().map(|(name, pattern)| format!("{name}: {}", self.expression(*pattern)));
                let data = filter.data.map(|data| format!("data: {}", self.expression(data)));
                let linked = filter.correlate.iter().map(|one| {
                    let expect = one.expect.as_ref().map(|expect| format!(" = {}", self.template(expect)));
                    format!("{} from {}{}", one.name, self.expression(one.from), expect.unwrap_or_default())
                });
                attributes.chain(patterns).chain(data).chain(linked).collect::<Vec<_>>().join(", ")
            })
            .collect();
        format!("{} of [{}]", json(&of.consume), filters.join("; "))
    }

    fn review(&self, call: &ReviewTask, add: &mut dyn FnMut(&str, Option<String>)) {
        let mut spec = call.review.clone();
        spec.form = None;
        add("review", Some(json(&spec)));
        add("form", self.schema(call.review.form).map(ToString::to_string));
        add("show", Some(self.template(&call.show)));
        let approves = call.approves.as_ref();
        add("approves", approves.map(|(action, arguments)| format!("{action} {}", self.template(arguments))));
    }

    fn act(&self, call: &ActTask, add: &mut dyn FnMut(&str, Option<String>)) {
        add("action", Some(call.action.to_string()));
        add("arguments", Some(self.template(&call.arguments)));
        add("key", call.key.as_ref().map(|template| self.template(template)));
        add("because", call.because.as_ref().map(|template| self.template(template)));
        add("compensate", call.compensate.as_ref().map(ToString::to_string));
        add("inDoubt", Some(json(&call.in_doubt)));
        add("retry", call.retry.as_ref().map(|retry| self.retry(retry)));
        self.kept(call.store, add);
    }

    fn policy(&self, call: &PolicyTask, add: &mut dyn FnMut(&str, Option<String>)) {
        add("action", Some(self.template(&call.action)));
        add("principal", call.principal.as_ref().map(|template| self.template(template)));
        add("resource", call.resource.as_ref().map(|template| self.template(template)));
        add("context", call.context.as_ref().map(|template| self.template(template)));
    }

    fn kept(&self, store: Keeping, add: &mut dyn FnMut(&str, Option<String>)) {
        add("store", (store == Keeping::Blob).then(|| "blob".to_owned()));
    }

    fn retry(&self, retry: &RetrySpec) -> String {
        let plain = RetrySpec { when: None, except_when: None, ..retry.clone() };
        let when = retry.when.map(|when| format!(" when {}", self.expression(when))).unwrap_or_default();
        let except = retry.except_when.map(|when| format!(" except when {}", self.expression(when))).unwrap_or_default();
        format!("{}{when}{except}", json(&plain))
    }

    fn attempt<'t>(&self, attempt: &'t TryTask, add: &mut dyn FnMut(&str, Option<String>)) -> Vec<(&'static str, &'t Block)> {
        let catch = &attempt.catch;
        add("catch.errors", (catch.errors != ErrorFilter::default()).then(|| json(&catch.errors)));
        add("catch.as", Some(catch.variable.to_string()));
        add("catch.when", catch.when.map(|when| self.expression(when)));
        add("catch.exceptWhen", catch.except_when.map(|when| self.expression(when)));
        add("catch.retry", catch.retry.as_ref().map(|retry| self.retry(retry)));
        add("catch.retry.delay", catch.delay.as_ref().map(|delay| self.template(delay)));
        add("catch.then", Some(self.flow(&catch.then)));
        [("", &attempt.body)].into_iter().chain(catch.body.as_ref().map(|body| ("catch", body))).collect()
    }

    fn decide<'t>(&self, call: &DecideTask, add: &mut dyn FnMut(&str, Option<String>)) -> (&'static str, Vec<(&'static str, &'t Block)>) {
        add("opinions", Some(self.template(&call.opinions)));
        add("rule", Some(json(&call.rule)));
        for (name, weight) in &call.weights {
            add(&format!("weight {name}"), Some(weight.to_string()));
        }
        for veto in &call.veto {
            add(&format!("veto {}", veto.by), Some(format!("{} from {} %", veto.choice, veto.confidence_pct)));
        }
        add("quorum", Some(call.quorum.to_string()));
        add("tie", call.tie.as_ref().map(ToString::to_string));
        add("judge", call.judge.as_ref().map(ToString::to_string));
        ("call decide", Vec::new())
    }
}
