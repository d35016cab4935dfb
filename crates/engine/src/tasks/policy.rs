//! `call: policy`: an explicit question to policy; the answer is data, nothing is released by it.

use std::sync::Arc;

use provost_model::program::{PolicyTask, Template};
use provost_model::record::Fact;
use provost_model::verdict::Entity;
use provost_model::{Answer, Label, Labelled, PolicyRequest, Problem, Value, Verdict};

use super::ended;
use crate::flow::{Entering, Entry};
use crate::origin;
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &PolicyTask) -> Result<Entry, Problem> {
    let scope = entering.scope();
    let mut asked = Label::NONE;
    let mut text = |turn: &Turn<'_>, template: &Template, what: &str| -> Result<Arc<str>, Problem> {
        let value = turn.render(template, &entering.input, &scope)?;
        asked = asked.join(value.labels.all());
        value.as_str().map(Arc::from).ok_or_else(|| {
            Problem::standard("expression", 400, format!("`{what}` of the policy question is no text")).detail("write it as a name")
        })
    };
    let action = text(turn, &task.action, "action")?;
    let principal = match &task.principal {
        Some(template) => entity(&text(turn, template, "principal")?, "User"),
        None => workflow(turn),
    };
    let resource = match &task.resource {
        Some(template) => entity(&text(turn, template, "resource")?, "Action"),
        None => Entity::new("Action", &action),
    };
    let context = match &task.context {
        Some(template) => turn.render(template, &entering.input, &scope)?,
        None => Labelled::authored(Value::empty()),
    };
    let label = asked.join(context.labels.all());
    let request = PolicyRequest { principal, action, resource, context: context.value };
    let Some(verdict) = judged_on(turn, entering.at, request, asked) else { return Ok(Entry::Asking) };
    ended(entering, origin::decided(as_value(&verdict), label))
}

/// `Kind::name`, or a name of the kind that is usual here.
fn entity(text: &str, usual: &str) -> Entity {
    match text.split_once("::") {
        Some((kind, id)) => Entity::new(kind, id.trim_matches('"')),
        None => Entity::new(usual, text),
    }
}

/// The workflow as a principal.
pub(super) fn workflow(turn: &Turn<'_>) -> Entity {
    Entity::new("Workflow", &turn.program().name)
}

/// The verdict on `request`, recorded for explanations; `None` while policy must be asked.
pub(crate) fn judged(turn: &mut Turn<'_>, at: &provost_model::Position, request: PolicyRequest) -> Option<Verdict> {
    judged_on(turn, at, request, Label::NONE)
}

/// As [`judged`], on something that may be seen by whom `label` says.
fn judged_on(turn: &mut Turn<'_>, at: &provost_model::Position, request: PolicyRequest, label: Label) -> Option<Verdict> {
    let (action, resource) = (request.action.clone(), request.resource.id.clone());
    let verdict = turn.ask(request)?;
    let Verdict { answer, rules, would, .. } = verdict.clone();
    turn.emit(Fact::Judged { at: at.clone(), action, resource, answer, rules, would, label: label.sensitive() });
    Some(verdict)
}

/// The error of a denied action, with the rules that decided.
pub(super) fn denied(verdict: &Verdict, action: &str) -> Problem {
    let rules: Vec<String> = verdict.rules.iter().map(|rule| format!("`{}` ({})", rule.id, rule.at)).collect();
    let why = if rules.is_empty() { "no rule allows it".to_owned() } else { format!("denied by {}", rules.join(", ")) };
    let mut problem = Problem::ours("policy-denied", 403, format!("policy denies `{action}`")).detail(why);
    problem.extra = Value::object([("rules", Value::array(verdict.rules.iter().map(|rule| Value::from(&*rule.id))))]);
    problem
}

fn as_value(verdict: &Verdict) -> Value {
    let answer = match verdict.answer {
        Answer::Allow => "allow",
        Answer::Review => "review",
        Answer::Deny => "deny",
    };
    let rules = verdict.rules.iter().map(|rule| Value::object([("id", Value::from(&*rule.id)), ("at", Value::from(&*rule.at))]));
    Value::object([("answer", Value::from(answer)), ("rules", Value::array(rules))])
}
