//! `call: plan`: the allow-list, compiled at publish. Each entry becomes a task of the program whose input is what a plan will give it.

use std::sync::Arc;

use provost_model::program::plan::PLAN_ALLOWED_MAX;
use provost_model::program::reads::TOP_K;
use provost_model::program::{
    ActTask, AgentTask, Allowed, FailureMode, Keeping, PlanTask, PlannedCall, RetrieveTask, RulesTask, Task, TaskIx, TaskKind, Template,
};

use super::Build;
use super::task::plain_task;
use crate::checks;
use crate::fields::{self, Fields, fields};
use crate::finding::{Code, Place};
use crate::plan;
use crate::tables::Origin;
use crate::yaml::Node;

/// The keys that say what an entry allows.
const CALLED: [(&str, PlannedCall); 4] =
    [("action", PlannedCall::Act), ("agent", PlannedCall::Agent), ("table", PlannedCall::Rules), ("source", PlannedCall::Retrieve)];

impl Build<'_> {
    pub(super) fn plan_call(&mut self, with: &Node, pointer: &str) -> Option<TaskKind> {
        let with = fields(with, "`with` of plan", &["agent", "goal", "allow", "review"], self.log)?;
        let agent = with.need_text("agent", self.log).and_then(|name| self.agent(&name, with.value_at("agent")));
        let goal = with.need("goal", self.log).map(|node| self.template(node));
        let review = with.find("review").map(|node| {
            let known = ["queue", "title", "options", "fourEyes", "form", "expiresMs"];
            let review = fields(node, "`review`", &known, self.log)?;
            self.library.review(&review, self.log, &mut self.tables)
        });
        let (mut allow, mut tasks) = (Vec::new(), Vec::new());
        let listed = with.need("allow", self.log).and_then(|node| Some((node, fields::list(node, "allow", self.log)?)));
        if let Some((node, entries)) = listed {
            if entries.is_empty() || entries.len() > PLAN_ALLOWED_MAX {
                let message = format!("`allow` holds 1 to {PLAN_ALLOWED_MAX} entries");
                self.log.error_hint(Code::WrongValue, node.at, message, "write e.g. `allow: [ orders.find, { agent: researcher } ]`");
            }
            for (index, entry) in entries.iter().take(PLAN_ALLOWED_MAX).enumerate() {
                let place = format!("{pointer}/with/allow/{index}");
                let Some((allowed, task)) = self.allowed(entry, &place) else { continue };
                if allow.iter().any(|known: &Allowed| (known.call, &known.name) == (allowed.call, &allowed.name)) {
                    self.log.error_hint(Code::WrongValue, entry.at, format!("`{}` is allowed twice", allowed.name), "name it once");
                    continue;
                }
                allow.push(allowed);
                tasks.push(task);
            }
            let set = self.planned("set", &format!("{pointer}/with/allow/set"), node.at, |_, given| Some(TaskKind::Set(given)));
            allow.push(Allowed { call: PlannedCall::Set, name: "".into(), fixed: Vec::new() });
            tasks.extend(set);
        }
        let review = match review {
            Some(review) => Some(review?),
            None => None,
        };
        let task = PlanTask { agent: agent?, goal: goal?, allow, tasks, review };
        self.check_default(&task, with.value_at("agent"));
        Some(TaskKind::Plan(Box::new(task)))
    }

    /// A plan that the agent's file gives must be one here, or it would only be found out when it is needed.
    fn check_default(&self, task: &PlanTask, at: Place) {
        if let Some(FailureMode::Default(answer)) = self.agents.get(&task.agent).map(|spec| &spec.failure)
            && let Err(wrong) = plan::read(answer, task)
        {
            let message = format!("`failure.default` of `{}` is no plan that can be carried out here: {}", task.agent, wrong.join("; "));
            self.log.error_hint(Code::Agent, at, message, "write a plan there whose calls are in `allow`, or `failure: abstain`");
        }
    }

    /// One entry: the name of an action, or a mapping that says what it names.
    fn allowed(&mut self, entry: &Node, pointer: &str) -> Option<(Allowed, TaskIx)> {
        if let Some(name) = entry.as_text() {
            return self.allowed_action(name, None, entry.at, pointer);
        }
        let known = ["action", "agent", "table", "source", "arguments", "key"];
        let written = fields(entry, "an entry of `allow`", &known, self.log)?;
        let mut named = CALLED.iter().filter(|(key, _)| written.find(key).is_some());
        let (Some((key, call)), None) = (named.next(), named.next()) else {
            let hint = "write `action:`, `agent:`, `table:` or `source:` with one name";
            self.log.error_hint(Code::MissingKey, entry.at, "an entry of `allow` names one thing", hint);
            return None;
        };
        for only in ["arguments", "key"].into_iter().filter(|only| *call != PlannedCall::Act && written.find(only).is_some()) {
            let hint = "only an action has it here; a plan gives everything else";
            self.log.error_hint(Code::UnknownKey, written.key_at(only), format!("`{only}` is not known beside `{key}`"), hint);
        }
        let (name, at) = (written.need_text(key, self.log)?, written.value_at(key));
        let plain = |call: PlannedCall, name: Arc<str>| Allowed { call, name, fixed: Vec::new() };
        match call {
            PlannedCall::Act => self.allowed_action(&name, Some(&written), at, pointer),
            PlannedCall::Agent => {
                let agent = self.agent(&name, at)?;
                let kind = |input| TaskKind::Agent(Box::new(AgentTask { agent: agent.clone(), input, wall_ms: 0, store: Keeping::Record }));
                let task = self.planned(&agent, pointer, at, |_, given| Some(kind(given)))?;
                Some((plain(*call, agent), task))
            }
            PlannedCall::Rules => {
                let table = self.rules_table(&name, at)?;
                let kind = |input| TaskKind::Rules(Box::new(RulesTask { table: table.clone(), input }));
                let task = self.planned(&table, pointer, at, |_, given| Some(kind(given)))?;
                Some((plain(*call, table), task))
            }
            PlannedCall::Retrieve => {
                let source = self.source(&name, at)?;
                let kind = |query| TaskKind::Retrieve(Box::new(RetrieveTask { source: source.clone(), query, top_k: TOP_K }));
                let task = self.planned(&source, pointer, at, |_, given| Some(kind(given)))?;
                Some((plain(*call, source), task))
            }
            PlannedCall::Set => None,
        }
    }

    fn allowed_action(&mut self, name: &str, written: Option<&Fields<'_>>, at: Place, pointer: &str) -> Option<(Allowed, TaskIx)> {
        let action = self.action(name, at)?;
        let fixed = written.and_then(|written| written.find("arguments")).map(|node| self.fixed(node)).unwrap_or_default();
        let key = written.and_then(|written| written.find("key")).map(|node| (node, written.map_or(at, |written| written.value_at("key"))));
        if let (None, Some(spec)) = (&key, self.actions.get(&action)) {
            checks::keys::no_key(&action, spec, at, self.log);
        }
        let task = self.planned(&action, pointer, at, |build, arguments| {
            let key = key.map(|(node, at)| {
                let key = build.template(node);
                if !matches!(key, Template::Literal(_)) {
                    build.keys.push(at);
                }
                key
            });
            let (in_doubt, store) = (build.in_doubt, Keeping::Record);
            Some(TaskKind::Act(Box::new(ActTask {
                action: action.clone(),
                arguments,
                key,
                because: None,
                compensate: None,
                retry: None,
                in_doubt,
                store,
            })))
        })?;
        Some((Allowed { call: PlannedCall::Act, name: action, fixed }, task))
    }

    /// Arguments that no plan may give.
    fn fixed(&mut self, node: &Node) -> Vec<(Arc<str>, Template)> {
        if node.as_map().is_none() {
            fields::wrong_type(node, "arguments", "a mapping", self.log);
        }
        node.as_map().unwrap_or_default().iter().map(|entry| (entry.key.clone(), self.template(&entry.value))).collect()
    }

    /// The task of an entry. What it is given is its input.
    fn planned(
        &mut self,
        name: &str,
        pointer: &str,
        at: Place,
        kind: impl FnOnce(&mut Self, Template) -> Option<TaskKind>,
    ) -> Option<TaskIx> {
        let index = self.added(None);
        self.places.tasks.insert(index, at);
        let outer = self.tables.owner.replace(index);
        let variables = std::mem::take(&mut self.scope);
        let given = Template::Expression(self.tables.expression(".", &[], Origin::place(self.log.file(), at)));
        let kind = kind(self, given);
        (self.tables.owner, self.scope) = (outer, variables);
        let task: Option<Task> = kind.map(|kind| plain_task(name, pointer, kind));
        self.filled(index, task)
    }
}
