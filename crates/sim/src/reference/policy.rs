//! Policy: what the rules of the generated bundle say of a call, what an author may ask about it, and approvals.
//!
//! What must stay true: deny never sends; review sends with an approval of exactly this call that nobody spent, and spends it; without one a
//! person is asked, and policy again behind the answer.

use std::sync::Arc;

use provost_model::program::{ActionSpec, PolicyTask};
use provost_model::{Problem, Value};

use super::evaluate::Seen;
use super::flow::Interpreter;

/// The action that the rules are about; they allow every other one.
const GUARDED: &str = "guarded";

/// What policy answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Answer {
    Allow,
    Review,
    Deny,
}

/// A person's yes to one call.
pub(super) struct Approval {
    action: Arc<str>,
    arguments: Value,
    spent: bool,
}

/// `policies/all.cedar` in the words of the reference, with the rules that decide: up to 10 it is allowed, up to 20 after an approval, up to
/// 30 under review all the same, more never.
fn answer(action: &str, context: &Value, approved: bool) -> (Answer, &'static [&'static str]) {
    let n = context.member("arguments").and_then(|arguments| arguments.member("n")).and_then(Value::as_int);
    match n {
        _ if action != GUARDED => (Answer::Allow, &["all"]),
        // A rule that cannot be evaluated denies.
        None => (Answer::Deny, &[]),
        Some(..=10) => (Answer::Allow, &["all"]),
        Some(11..=20) if approved => (Answer::Allow, &["all"]),
        Some(11..=20) => (Answer::Review, &["seen", "all"]),
        Some(21..=30) if approved => (Answer::Review, &["always-seen", "all"]),
        Some(21..=30) => (Answer::Review, &["seen", "always-seen", "all"]),
        Some(31..) => (Answer::Deny, &["seen", "always-seen", "never"]),
    }
}

impl<'c> Interpreter<'c> {
    /// `call: policy`: an answer, and nothing comes of it.
    pub(super) fn policy(&self, task: &PolicyTask, input: &Value, seen: &Seen<'_>) -> Result<Value, Problem> {
        let text = |value: Value| match value {
            Value::Str(text) => Ok(text),
            _ => Err(Problem::standard("expression", 400, "the question names no action")),
        };
        let action = text(self.render(&task.action, input, seen)?)?;
        for named in [&task.principal, &task.resource].into_iter().flatten() {
            text(self.render(named, input, seen)?)?;
        }
        let context = task.context.as_ref().map_or_else(|| Ok(Value::empty()), |context| self.render(context, input, seen))?;
        let (answer, rules) = answer(&action, &context, false);
        let word = match answer {
            Answer::Allow => "allow",
            Answer::Review => "review",
            Answer::Deny => "deny",
        };
        let line = |id: &str| ["all", "seen", "always-seen", "never"].iter().position(|known| *known == id).map_or(0, |at| at + 1);
        let rule = |id: &&str| Value::object([("id", Value::from(*id)), ("at", Value::from(format!("policies/all.cedar:{}", line(id))))]);
        Ok(Value::object([("answer", Value::from(word)), ("rules", Value::array(rules.iter().map(rule)))]))
    }

    /// What policy says of a call, with the approval that it has.
    pub(super) fn judged(&self, spec: &ActionSpec, arguments: &Value) -> (Answer, Option<usize>) {
        let good = |approval: &Approval| !approval.spent && *approval.action == *spec.name && approval.arguments == *arguments;
        let approval = self.people.approvals.iter().position(good);
        let context = Value::object([("arguments", arguments.clone())]);
        (answer(&spec.name, &context, approval.is_some()).0, approval)
    }

    /// Whether a call may leave: its approval is spent. `false`: a person must say yes first.
    pub(super) fn is_released(&mut self, spec: &ActionSpec, arguments: &Value) -> Result<bool, Problem> {
        let (answer, approval) = self.judged(spec, arguments);
        let denied = || Problem::ours("policy-denied", 403, "policy denies it");
        match answer {
            Answer::Deny => return Err(denied()),
            Answer::Review if spec.review.is_none() => return Err(denied()),
            Answer::Review if approval.is_none() => return Ok(false),
            Answer::Review | Answer::Allow => {}
        }
        if let Some(approval) = approval.and_then(|at| self.people.approvals.get_mut(at)) {
            approval.spent = true;
        }
        Ok(true)
    }

    /// A person said yes to a call.
    pub(super) fn approves(&mut self, action: &str, arguments: Value) {
        let action = action.split('@').next().unwrap_or_default().into();
        self.people.approvals.push(Approval { action, arguments, spent: false });
    }
}
