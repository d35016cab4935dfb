//! `call`: the default catalogue (`agent rules decide policy review act compensate retrieve feature plan`), functions of `use.functions`, the
//! protocols, and what is refused. Names of agents, actions and rules become `name@major` here.

use std::sync::Arc;

use provost_model::Value;
use provost_model::program::{
    ActTask, AgentTask, CompensateTask, DecideRule, DecideTask, Keeping, PolicyTask, ReviewTask, RulesTask, TaskIx, TaskKind, Template,
    Veto,
};

use super::protocol::Written;
use super::task::plain_task;
use super::{Build, foreign};
use crate::checks;
use crate::fields::{self, Fields, fields};
use crate::finding::{Code, Place};
use crate::yaml::{Node, shown};

const CATALOGUE: [&str; 10] = ["agent", "rules", "decide", "policy", "review", "act", "compensate", "retrieve", "feature", "plan"];
const PROTOCOLS: [&str; 6] = ["http", "openapi", "grpc", "asyncapi", "mcp", "a2a"];
const RULES: [(&str, DecideRule); 7] = [
    ("majority", DecideRule::Majority),
    ("weighted-majority", DecideRule::WeightedMajority),
    ("unanimous", DecideRule::Unanimous),
    ("quorum", DecideRule::Quorum),
    ("first-valid", DecideRule::FirstValid),
    ("highest-confidence", DecideRule::HighestConfidence),
    ("judge", DecideRule::Judge),
];

/// An opinion by name; null is one that is absent.
fn opinions_schema() -> Value {
    let kind = |kind: &str| Value::object([("type", Value::from(kind))]);
    let pct = Value::object([("type", Value::from("integer")), ("minimum", Value::Int(0)), ("maximum", Value::Int(100))]);
    let opinion = Value::object([
        ("type", Value::array([Value::from("object"), Value::from("null")])),
        ("required", Value::array([Value::from("choice"), Value::from("confidencePct")])),
        ("properties", Value::object([("choice", kind("string")), ("confidencePct", pct)])),
    ]);
    Value::object([("additionalProperties", opinion)])
}

impl<'a> Build<'a> {
    pub(super) fn call_task(&mut self, node: &Node, body: &Fields<'_>, pointer: &str) -> Option<TaskKind> {
        let written = fields::text(node, "call", self.log)?;
        if PROTOCOLS.contains(&&*written) {
            return foreign::protocol_call(self, &written, node, &Written { body, pointer });
        }
        if self.uses.declares("functions", &written) {
            return self.function(&written, node.at, body, pointer);
        }
        if let Some((function, catalog)) = written.rsplit_once('@').filter(|(_, catalog)| self.catalogs.contains_key(*catalog)) {
            return self.cataloged(function, catalog, node.at, body, pointer);
        }
        let name = self.catalogue_name(&written, node.at)?;
        let with = body.need("with", self.log)?;
        match &*name {
            "agent" => self.agent_call(with),
            "rules" => self.rules_call(with),
            "decide" => self.decide_call(with),
            "policy" => self.policy_call(with),
            "review" => self.review_call(with),
            "act" => self.act_call(with, node.at),
            "compensate" => self.compensate_call(with),
            "retrieve" => self.retrieve_call(with),
            "feature" => self.feature_call(with),
            "plan" => self.plan_call(with, pointer),
            _ => None,
        }
    }

    /// A bare name, or `name:version@default`; everything else is a catalogue from elsewhere.
    fn catalogue_name(&self, written: &str, at: Place) -> Option<Arc<str>> {
        let name = match written.split_once(':') {
            Some((_, rest)) if rest.starts_with("//") || !rest.ends_with("@default") => {
                self.refuse(
                    at,
                    "functions from other catalogues",
                    "write it under `use.functions`, or as an agent or action of the bundle",
                );
                return None;
            }
            Some((name, _)) => name,
            None => written,
        };
        if CATALOGUE.contains(&name) {
            return Some(name.into());
        }
        let known: Vec<&str> = CATALOGUE.iter().chain(&PROTOCOLS).copied().chain(self.uses.names("functions")).collect();
        self.log.unknown(Code::UnknownReference, at, format!("`call: {}` is not known", shown(written)), name, &known);
        None
    }

    /// A function of a catalogue in the bundle. It stands on its own: nothing that this document declares is known in it.
    fn cataloged(&mut self, function: &str, catalog: &str, at: Place, body: &Fields<'_>, pointer: &str) -> Option<TaskKind> {
        let folder = self.catalogs.get(catalog).cloned()?;
        let library = self.library;
        let wanted = format!("{function}@{folder}");
        let Some(found) = library.functions.get(&*wanted) else {
            let of_it = library.functions.iter().filter(|(_, function)| function.catalog == folder);
            let known: Vec<&str> = of_it.filter_map(|(key, _)| key.rsplit_once('@').map(|(function, _)| function)).collect();
            let message = format!("catalogue `{}` has no function `{}`", shown(catalog), shown(function));
            self.log.unknown(Code::UnknownReference, at, message, function, &known);
            return None;
        };
        self.called(&wanted.into(), at, body, pointer, |build, name, pointer| {
            let (log, uses) = (std::mem::replace(&mut build.log, &found.log), std::mem::take(&mut build.uses));
            let (secrets, catalogs) = (std::mem::take(&mut build.secrets), std::mem::take(&mut build.catalogs));
            let inner = build.function_body(name, &found.definition, found.definition.at, pointer);
            (build.log, build.uses, build.secrets, build.catalogs) = (log, uses, secrets, catalogs);
            inner
        })
    }

    /// A function of `use.functions`.
    fn function(&mut self, name: &Arc<str>, at: Place, body: &Fields<'_>, pointer: &str) -> Option<TaskKind> {
        let definition = self.uses.find("functions", name, at, self.log)?;
        self.called(name, at, body, pointer, |build, name, pointer| build.function_body(name, definition, at, pointer))
    }

    /// A call of a function: its arguments are set, then its task runs on them.
    fn called(
        &mut self,
        name: &Arc<str>,
        at: Place,
        body: &Fields<'_>,
        pointer: &str,
        read: impl FnOnce(&mut Self, &Arc<str>, &str) -> TaskIx,
    ) -> Option<TaskKind> {
        if self.expanding.contains(name) {
            self.log.error(Code::Refused, at, format!("function `{}` calls itself", shown(name)));
            return None;
        }
        if self.expanding.len() >= 8 {
            self.log.error(Code::TooLarge, at, "functions call each other more than 8 deep");
            return None;
        }
        let arguments = body.find("with").map(|node| self.template(node));
        let arguments = arguments.map(|with| self.added(Some(plain_task("with", &format!("{pointer}/with"), TaskKind::Set(with)))));
        let outer = std::mem::take(&mut self.scope);
        self.expanding.push(name.clone());
        let inner = read(self, name, &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")));
        self.expanding.pop();
        self.scope = outer;
        Some(TaskKind::Do(arguments.into_iter().chain([inner]).collect()))
    }

    fn member(&mut self, fields: &Fields<'_>, key: &str) -> Option<Template> {
        fields.find(key).map(|node| self.template(node))
    }

    fn needed(&mut self, fields: &Fields<'_>, key: &str) -> Option<Template> {
        fields.need(key, self.log).map(|node| self.template(node))
    }

    fn agent_call(&mut self, with: &Node) -> Option<TaskKind> {
        let with = fields(with, "`with` of an agent", &["agent", "input", "budget"], self.log)?;
        let agent = with.need_text("agent", self.log).and_then(|name| self.agent(&name, with.value_at("agent")));
        let input = self.needed(&with, "input");
        if let (Some(input), Some(key), Some(node)) = (&input, &agent, with.find("input")) {
            let contract = self.agents.get(key).and_then(|spec| spec.input);
            self.written_out(node, input, contract, &format!("the input of `{key}`"));
        }
        let mut wall_ms = 0;
        let known = ["wallMs", "modelTokens", "modelCostMicros", "turns"];
        if let Some(budget) = with.find("budget").and_then(|node| fields(node, "`budget`", &known, self.log)) {
            wall_ms = budget.int("wallMs", 1, i64::MAX, self.log).unwrap_or(0);
            for key in known.iter().skip(1).filter(|key| budget.find(key).is_some()) {
                self.not_yet(budget.key_at(key), &format!("`budget.{key}`"), "`wallMs` bounds a run for now");
            }
        }
        Some(TaskKind::Agent(Box::new(AgentTask { agent: agent?, input: input?, wall_ms, store: Keeping::Record })))
    }

    fn rules_call(&mut self, with: &Node) -> Option<TaskKind> {
        let with = fields(with, "`with` of rules", &["table", "input"], self.log)?;
        let table = with.need_text("table", self.log).and_then(|name| self.rules_table(&name, with.value_at("table")));
        let input = self.needed(&with, "input");
        Some(TaskKind::Rules(Box::new(RulesTask { table: table?, input: input? })))
    }

    fn decide_call(&mut self, node: &Node) -> Option<TaskKind> {
        let known = ["opinions", "rule", "weights", "veto", "quorum", "tie", "judge"];
        let with = fields(node, "`with` of decide", &known, self.log)?;
        let opinions = self.needed(&with, "opinions");
        let words: Vec<&str> = RULES.iter().map(|(word, _)| *word).collect();
        with.need("rule", self.log);
        let word = with.word("rule", &words, self.log)?;
        let rule = RULES.iter().find(|(known, _)| **known == *word).map(|(_, rule)| *rule)?;
        let quorum = with.int("quorum", 0, 10_000, self.log).unwrap_or(0);
        let judge = with.text("judge", self.log);
        if rule == DecideRule::Judge && judge.is_none() {
            self.log.error_hint(Code::MissingKey, with.at, "the rule `judge` needs `judge`", "add `judge:` with the name of one opinion");
        }
        if rule == DecideRule::Quorum && quorum == 0 {
            self.log.error_hint(Code::MissingKey, with.at, "the rule `quorum` needs `quorum`", "add `quorum:` with a number of 1 or more");
        }
        let weights = with.find("weights").map(|node| self.weights(node)).unwrap_or_default();
        let veto: Vec<Veto> = with.list("veto", self.log).unwrap_or_default().iter().filter_map(|node| self.veto(node)).collect();
        let opinions = opinions?;
        if let Some(node) = with.find("opinions") {
            self.opinions(node, &opinions);
        }
        self.known_opinions(&opinions, &with, veto.iter().map(|veto| &veto.by).chain(weights.iter().map(|(name, _)| name)).chain(&judge));
        let tie = with.text("tie", self.log);
        let quorum = u32::try_from(quorum).unwrap_or(u32::MAX);
        Some(TaskKind::Decide(Box::new(DecideTask { opinions, rule, weights, veto, quorum, tie, judge })))
    }

    fn weights(&self, node: &Node) -> Vec<(Arc<str>, i64)> {
        let entries = fields::entries(node, "`weights`", self.log);
        let weight = |node| fields::int(node, "weights", 0, 1_000_000, self.log);
        entries.iter().filter_map(|entry| Some((entry.key.clone(), weight(&entry.value)?))).collect()
    }

    fn veto(&self, node: &Node) -> Option<Veto> {
        let veto = fields(node, "a veto", &["by", "choice", "confidencePct"], self.log)?;
        let by = veto.need_text("by", self.log);
        let choice = veto.need_text("choice", self.log);
        let confidence_pct = veto.int("confidencePct", 0, 100, self.log).unwrap_or(0);
        Some(Veto { by: by?, choice: choice?, confidence_pct })
    }

    /// What is written out of the opinions must be opinions, each under its name.
    fn opinions(&self, node: &Node, opinions: &Template) {
        let list = "a fork gives a list; name its places: `output: { as: '${ { price: .[0], stock: .[1] } }' }`";
        match opinions {
            Template::Expression(_) => {}
            Template::Object(_) | Template::Literal(Value::Object(_)) => {
                self.against(node, opinions, &opinions_schema(), "`opinions`");
            }
            Template::Literal(_) | Template::Array(_) => {
                let message = format!("`opinions` must be a mapping of names to opinions, not {}", node.what());
                self.log.error_hint(Code::WrongType, node.at, message, list);
            }
        }
    }

    /// Where the names of the opinions are written out, weights and vetoes must be among them.
    fn known_opinions<'n>(&self, opinions: &Template, with: &Fields<'_>, named: impl Iterator<Item = &'n Arc<str>>) {
        let known: Vec<&str> = match opinions {
            Template::Object(members) => members.iter().map(|(key, _)| &**key).collect(),
            Template::Literal(Value::Object(map)) => map.iter().map(|(key, _)| &**key).collect(),
            Template::Literal(_) | Template::Expression(_) | Template::Array(_) => return,
        };
        for name in named.filter(|name| !known.contains(&&***name)) {
            self.log.unknown(Code::UnknownReference, with.at, format!("there is no opinion `{}`", shown(name)), name, &known);
        }
    }

    fn policy_call(&mut self, with: &Node) -> Option<TaskKind> {
        let with = fields(with, "`with` of policy", &["principal", "action", "resource", "context"], self.log)?;
        let action = self.needed(&with, "action");
        let (principal, resource) = (self.member(&with, "principal"), self.member(&with, "resource"));
        let context = self.member(&with, "context");
        match &action {
            Some(Template::Literal(Value::Str(action))) => self.places.questions.push((action.clone(), with.value_at("action"))),
            Some(Template::Literal(_) | Template::Array(_) | Template::Object(_)) => {
                let hint = "write the name of an action, or an expression";
                self.log.error_hint(Code::WrongType, with.value_at("action"), "`action` must be text", hint);
            }
            Some(Template::Expression(_)) | None => {}
        }
        Some(TaskKind::Policy(Box::new(PolicyTask { principal, action: action?, resource, context })))
    }

    fn review_call(&mut self, with: &Node) -> Option<TaskKind> {
        let known = ["queue", "title", "show", "options", "fourEyes", "form", "expiresMs", "approves"];
        let with = fields(with, "`with` of a review", &known, self.log)?;
        let review = self.library.review(&with, self.log, &mut self.tables);
        let show = self.member(&with, "show").unwrap_or(Template::Literal(Value::Null));
        let approves = with.find("approves").and_then(|node| fields(node, "`approves`", &["action", "arguments"], self.log));
        let approves = match approves {
            Some(approves) => {
                let action = approves.need_text("action", self.log).and_then(|name| self.action(&name, approves.value_at("action")));
                // The call that is approved, so that it can be the same one.
                self.tables.leaves = true;
                let arguments = self.needed(&approves, "arguments");
                self.tables.leaves = false;
                self.written_arguments(action.as_ref(), arguments.as_ref(), &approves);
                Some((action?, arguments?))
            }
            None => None,
        };
        Some(TaskKind::Review(Box::new(ReviewTask { review: review?, show, approves })))
    }

    fn act_call(&mut self, with: &Node, at: Place) -> Option<TaskKind> {
        let known = ["action", "arguments", "key", "because", "compensate", "retry"];
        let with = fields(with, "`with` of an action", &known, self.log)?;
        let action = with.need_text("action", self.log).and_then(|name| self.action(&name, with.value_at("action")));
        self.tables.leaves = true;
        let arguments = self.needed(&with, "arguments");
        self.tables.leaves = false;
        self.written_arguments(action.as_ref(), arguments.as_ref(), &with);
        let key = self.member(&with, "key");
        if let Some(Template::Expression(_) | Template::Array(_) | Template::Object(_)) = &key {
            self.keys.push(with.value_at("key"));
        }
        let because = self.member(&with, "because");
        let undo =
            with.find("compensate").map(|node| fields::text(node, "compensate", self.log).and_then(|name| self.action(&name, node.at)));
        let retry = with.find("retry").map(|node| self.retry(node));
        let action = action?;
        if let (None, Some(spec)) = (&key, self.actions.get(&action)) {
            checks::keys::no_key(&action, spec, at, self.log);
        }
        let compensate = match undo {
            Some(undo) => Some(undo?),
            None => None,
        };
        let retry = match retry {
            Some(retry) => Some(retry?),
            None => None,
        };
        let (in_doubt, store) = (self.in_doubt, Keeping::Record);
        Some(TaskKind::Act(Box::new(ActTask { action, arguments: arguments?, key, because, compensate, retry, in_doubt, store })))
    }

    /// Arguments as far as they are written out, against what the action wants.
    fn written_arguments(&self, action: Option<&Arc<str>>, arguments: Option<&Template>, with: &Fields<'_>) {
        let (Some(action), Some(arguments), Some(node)) = (action, arguments, with.find("arguments")) else { return };
        let contract = self.actions.get(action).and_then(|spec| spec.arguments);
        self.written_out(node, arguments, contract, &format!("the arguments of `{action}`"));
    }

    fn compensate_call(&mut self, with: &Node) -> Option<TaskKind> {
        let with = fields(with, "`with` of compensate", &["scope", "reason"], self.log)?;
        let scope = with.text("scope", self.log);
        self.scopes.extend(scope.iter().map(|name| (name.clone(), with.value_at("scope"))));
        let reason = self.member(&with, "reason");
        Some(TaskKind::Compensate(Box::new(CompensateTask { scope, reason })))
    }

    /// Resolves an agent and takes it into the program.
    pub(super) fn agent(&mut self, name: &str, at: Place) -> Option<Arc<str>> {
        let agent = self.library.agents.resolve(name, "agent", at, self.log)?;
        let key = agent.key.clone();
        if !self.agents.contains_key(&key) {
            let spec = agent.part.compile(&mut self.tables);
            self.agents.insert(key.clone(), spec);
        }
        Some(key)
    }

    pub(super) fn rules_table(&mut self, name: &str, at: Place) -> Option<Arc<str>> {
        let table = self.library.rules.resolve(name, "rules table", at, self.log)?;
        let key = table.key.clone();
        if !self.rules.contains_key(&key) {
            let spec = table.part.compile(&mut self.tables);
            self.rules.insert(key.clone(), spec);
        }
        Some(key)
    }

    /// Resolves an action and takes it, and what undoes it, into the program.
    pub(super) fn action(&mut self, name: &str, at: Place) -> Option<Arc<str>> {
        let action = self.library.actions.resolve(name, "action", at, self.log)?;
        let key = action.key.clone();
        if !self.actions.contains_key(&key) {
            let spec = action.part.compile(self.library, &mut self.tables);
            let undo = spec.undo.clone();
            self.actions.insert(key.clone(), spec);
            if let Some(undo) = undo {
                self.action(&undo, at);
            }
        }
        Some(key)
    }
}
