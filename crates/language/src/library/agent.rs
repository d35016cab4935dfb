//! Agents: one Markdown file each, front matter and the prompt as its body.

use std::sync::Arc;

use provost_model::program::{AgentSpec, Example, FailureMode, Model, RetrySpec, ReviewSpec, SchemaIx};
use provost_model::{Digest, Value};

use super::{Library, Named, millis, named};
use crate::fields::{self, Fields, fields};
use crate::finding::{Code, Log, Place};
use crate::tables::{Origin, Tables};
use crate::workflow::{expression_text, retry_policy};
use crate::yaml::{Node, load, shown};

/// Wall time of a run where nothing is written, in milliseconds.
const WALL_MS: i64 = 120_000;

/// An agent as read; schemas and expressions are still sources.
#[derive(Debug)]
pub(crate) struct Agent {
    spec: AgentSpec,
    input: Option<Value>,
    output: Option<Value>,
    failure_review: Option<(ReviewSpec, Option<Value>)>,
    /// The `when` of each example.
    conditions: Vec<Condition>,
}

/// The queue of the server's own worker.
const BUILTIN: &str = "builtin";

/// The `when` of an example, where it has one.
pub(super) type Condition = Option<(Arc<str>, Origin)>;

/// Reads an agent's file.
pub(crate) fn read(bytes: &[u8], stem: &str, library: &Library, log: &Log) -> Option<(Named, Agent)> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(_) => {
            log.error_hint(Code::NotUtf8, Place::START, "the file is not UTF-8", "save it as UTF-8");
            return None;
        }
    };
    let Some((front, body)) = split(text) else {
        let hint = "begin with a line `---`, then `version:` and `model:`, then a line `---`, then the prompt";
        log.error_hint(Code::Agent, Place::START, "the file has no front matter", hint);
        return None;
    };
    let node = load(front.as_bytes(), 2, log)?;
    let known = [
        "name",
        "version",
        "description",
        "model",
        "queue",
        "input",
        "output",
        "budgets",
        "retry",
        "failure",
        "examples",
        "tools",
        "route",
        "bounds",
    ];
    let front = fields(&node, "an agent's front matter", &known, log)?;
    let named = named(&front, stem, log)?;
    let line = text.get(..text.len() - body.len()).unwrap_or_default().matches('\n').count() + 1;
    let agent = agent(&front, &named, Digest::of(bytes), body, library, log)?;
    super::prompt::check(body, u32::try_from(line).unwrap_or(u32::MAX), agent.input.as_ref(), log);
    Some((named, agent))
}

/// Front matter and body.
fn split(text: &str) -> Option<(&str, &str)> {
    let (first, rest) = text.split_once('\n')?;
    if first.trim_end() != "---" {
        return None;
    }
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Some((rest.get(..at)?, rest.get(at + line.len()..)?));
        }
        at += line.len();
    }
    None
}

fn agent(front: &Fields<'_>, named: &Named, digest: Digest, body: &str, library: &Library, log: &Log) -> Option<Agent> {
    for key in ["tools", "route", "bounds"] {
        if front.find(key).is_some() {
            let hint = "an agent is one attempt of one model for now";
            log.error_hint(Code::NotYet, front.key_at(key), format!("`{key}` of an agent cannot be executed yet"), hint);
        }
    }
    front.text("description", log);
    let model = front.need_text("model", log).map(|name| model(&name, front.value_at("model"), log));
    let schema = |key: &str| front.find(key).and_then(|node| library.schema_or_contract(node, log));
    let retry = front.find("retry").and_then(|node| retry_policy(node, log)).unwrap_or_default();
    let (failure, failure_review) = failure(front, library, log);
    let mut conditions = Vec::new();
    let examples = front.list("examples", log).unwrap_or_default();
    let examples: Vec<Example> = examples.iter().filter_map(|node| example(node, "answer", &mut conditions, log)).collect();
    let scripted = model == Some(Model::Scripted);
    if scripted && examples.is_empty() && front.find("queue").is_none() {
        log.error_hint(Code::Agent, front.at, "`model: scripted` plays examples, and there are none", "add `examples:` with an `answer`");
    }
    let queue = front.text("queue", log).unwrap_or_else(|| BUILTIN.into());
    if let Some(Model::Named(name)) = model.as_ref().filter(|_| &*queue == BUILTIN)
        && name.contains(':')
    {
        let hint = "give the agent a `queue` that a worker of yours serves, or write `model: scripted` and `examples`";
        let message = format!("the model `{}` cannot be asked yet: no provider is built in", shown(name));
        log.error_hint(Code::NotYet, front.value_at("model"), message, hint);
    }
    if body.trim().is_empty() && !scripted {
        log.error_hint(Code::Agent, front.at, "the agent has no prompt", "write it below the front matter");
    }
    let spec = AgentSpec {
        name: named.name.clone(),
        version: named.version.clone(),
        digest,
        model: model?,
        queue,
        prompt: body.trim().into(),
        input: None,
        output: None,
        wall_ms: wall_ms(front, log),
        retry: RetrySpec { when: None, except_when: None, ..retry },
        failure,
        examples,
    };
    Some(Agent { spec, input: schema("input"), output: schema("output"), failure_review, conditions })
}

fn model(name: &Arc<str>, at: Place, log: &Log) -> Model {
    if &**name == "scripted" {
        return Model::Scripted;
    }
    let good = name.split_once(':').is_some_and(|(provider, model)| !provider.is_empty() && !model.is_empty() && model != "latest");
    if !good {
        let hint = "write `scripted`, or `provider:name` as in `openai:gpt-5`";
        log.error_hint(Code::WrongValue, at, format!("`{}` is not a model", shown(name)), hint);
    }
    Model::Named(name.clone())
}

fn wall_ms(front: &Fields<'_>, log: &Log) -> i64 {
    let known = ["wallMs", "modelTokens", "modelCostMicros", "turns"];
    let Some(budgets) = front.find("budgets").and_then(|node| fields(node, "`budgets`", &known, log)) else { return WALL_MS };
    for key in known.iter().skip(1).filter(|key| budgets.find(key).is_some()) {
        let hint = "`wallMs` bounds a run for now";
        log.error_hint(Code::NotYet, budgets.key_at(key), format!("`budgets.{key}` cannot be executed yet"), hint);
    }
    millis(&budgets, "wallMs", 1, log).unwrap_or(WALL_MS)
}

/// `failure: fail | abstain`, `failure: { default: … }` or `failure: { review: … }`.
fn failure(front: &Fields<'_>, library: &Library, log: &Log) -> (FailureMode, Option<(ReviewSpec, Option<Value>)>) {
    let Some(node) = front.find("failure") else { return (FailureMode::Fail, None) };
    if node.as_map().is_none() {
        let word = fields::word(node, "failure", &["fail", "abstain"], log);
        return (if word.as_deref() == Some("abstain") { FailureMode::Abstain } else { FailureMode::Fail }, None);
    }
    let Some(failure) = fields(node, "`failure`", &["default", "review"], log) else { return (FailureMode::Fail, None) };
    match (failure.find("default"), failure.find("review")) {
        (Some(answer), None) => (FailureMode::Default(answer.to_value()), None),
        (None, Some(review)) => {
            let known = ["queue", "title", "options", "fourEyes", "form", "expiresMs"];
            let review = fields(review, "`review`", &known, log).and_then(|fields| library.review_source(&fields, log));
            (FailureMode::Fail, review)
        }
        (Some(_), Some(_)) | (None, None) => {
            log.error(Code::WrongValue, node.at, "`failure` has exactly one of `default` and `review`");
            (FailureMode::Fail, None)
        }
    }
}

/// One example, whose answer stands under `key`.
pub(super) fn example(node: &Node, key: &str, conditions: &mut Vec<Condition>, log: &Log) -> Option<Example> {
    let example = fields(node, "an example", &["contains", "when", key, "fails", "takesMs"], log)?;
    let answer = example.find(key);
    let fails = example.text("fails", log);
    if answer.is_some() == fails.is_some() {
        let message = format!("an example has exactly one of `{key}` and `fails`");
        log.error_hint(Code::MissingKey, example.at, message, format!("add `{key}:`"));
    }
    let contains = example.text("contains", log);
    let condition = example.text("when", log).map(|text| {
        let source: Arc<str> = expression_text(&text).unwrap_or(&text).into();
        let origin = example.find("when").map(|node| Origin::of(log.file(), node, &source));
        let origin = origin.unwrap_or_else(|| Origin::place(log.file(), example.at));
        (source, origin)
    });
    if contains.is_some() && condition.is_some() {
        log.error_hint(Code::WrongValue, example.at, "an example has `contains` or `when`, not both", "put both into `when`");
    }
    conditions.push(condition);
    let takes_ms = example.int("takesMs", 0, 86_400_000, log).unwrap_or(0);
    let answer = answer.map(Node::to_value).unwrap_or_default();
    Some(Example { contains, when: None, answer, fails, takes_ms })
}

impl Agent {
    /// The agent inside a program.
    pub(crate) fn compile(&self, tables: &mut Tables) -> AgentSpec {
        let mut spec = self.spec.clone();
        let mut schema = |source: &Option<Value>| -> Option<SchemaIx> { source.as_ref().map(|schema| tables.schema(schema)) };
        spec.input = schema(&self.input);
        spec.output = schema(&self.output);
        if let Some((review, form)) = &self.failure_review {
            spec.failure = FailureMode::Review(ReviewSpec { form: schema(form), ..review.clone() });
        }
        for (example, condition) in spec.examples.iter_mut().zip(&self.conditions) {
            example.when = condition.as_ref().map(|(source, origin)| tables.expression(source, &[], origin.clone()));
        }
        spec
    }

    /// The version, for the lock.
    pub(crate) fn version(&self) -> &Arc<str> {
        &self.spec.version
    }
}
