//! `call: agent`: one run by a worker; the run's own failure becomes what the agent's file says.

use std::sync::Arc;

use provost_model::id::EffectId;
use provost_model::program::{AgentSpec, AgentTask, EffectClass, Example, FailureMode, Model, TaskKind};
use provost_model::record::{EffectKind, Fact, Intent, Shape};
use provost_model::verdict::Entity;
use provost_model::{Answer, Digest, Label, Labelled, PolicyRequest, Position, Problem, Value};

use super::{ended, policy, review};
use crate::flow::{Entering, Entry, Finished, complete};
use crate::ledger;
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &AgentTask) -> Result<Entry, Problem> {
    let arguments = turn.render(&task.input, &entering.input, &entering.scope())?;
    let spec = spec(turn, &task.agent)?;
    let run = Run { agent: &task.agent, spec, matched: arguments.clone(), arguments, wall_ms: task.wall_ms };
    match leave(turn, entering, run)? {
        Left::Entry(entry) => Ok(entry),
        Left::Unmatched(arguments) => fail_unmatched(turn, entering, spec, arguments),
    }
}

/// A run about to leave.
pub(super) struct Run<'r> {
    /// `name@major`.
    pub agent: &'r Arc<str>,
    pub spec: &'r AgentSpec,
    pub arguments: Labelled,
    /// What the examples of a scripted agent are held against.
    pub matched: Labelled,
    /// A tighter wall time than the agent's own; 0 means the agent's own.
    pub wall_ms: i64,
}

/// What letting a run leave came to.
pub(super) enum Left {
    /// It left, or policy must be asked first.
    Entry(Entry),
    /// No example of the scripted agent applies to these arguments.
    Unmatched(Labelled),
}

/// Asks policy, and lets a run leave.
///
/// # Errors
/// A broken contract, or policy's denial.
pub(super) fn leave(turn: &mut Turn<'_>, entering: &Entering<'_>, run: Run<'_>) -> Result<Left, Problem> {
    let Run { agent, spec, arguments, .. } = run;
    turn.validate(spec.input, &arguments, "the agent's input")?;
    let Some(verdict) = policy::judged(turn, entering.at, start_request(turn, spec)) else { return Ok(Left::Entry(Entry::Asking)) };
    if verdict.answer != Answer::Allow {
        return Err(policy::denied(&verdict, "agent.start"));
    }
    let example = match spec.model {
        Model::Scripted => match matching(turn, &spec.examples, &run.matched)? {
            None => return Ok(Left::Unmatched(arguments)),
            found => found,
        },
        Model::Named(_) => None,
    };
    entering.open(turn, Shape::Plain)?;
    let wall_ms = if run.wall_ms > 0 { run.wall_ms.min(spec.wall_ms) } else { spec.wall_ms };
    let purpose = format!("run/{}", turn.state.round(entering.at));
    let effect = turn.state.id.effect(entering.at.as_str(), &purpose);
    // A run may be repeated freely: nothing ever compares its arguments.
    let fingerprint = Digest::from_bytes([0; 32]);
    turn.emit(Fact::Intended {
        effect,
        at: entering.at.clone(),
        kind: EffectKind::Agent,
        name: agent.clone(),
        class: EffectClass::E0,
        key: ledger::key(turn, entering.at, &purpose),
        business_key: None,
        fingerprint,
        labels: arguments.labels.sensitive(),
        key_label: Label::NONE,
        arguments: (*arguments != *entering.input).then_some(arguments.value),
        secrets: Vec::new(),
        example,
        deadline_us: turn.ambient.now_us.saturating_add(wall_ms.saturating_mul(1000)),
        undoes: None,
        undo: None,
    });
    turn.intend(Intent::Attempt { effect, attempt: 1 });
    Ok(Left::Entry(Entry::Open))
}

pub(super) fn spec<'p>(turn: &Turn<'p>, name: &Arc<str>) -> Result<&'p AgentSpec, Problem> {
    turn.program().agents.get(name).ok_or_else(|| {
        Problem::standard("configuration", 500, format!("the bundle holds no agent `{name}`")).detail("publish the bundle again")
    })
}

fn start_request(turn: &Turn<'_>, spec: &AgentSpec) -> PolicyRequest {
    let model = match &spec.model {
        Model::Scripted => "scripted",
        Model::Named(name) => name,
    };
    let context = Value::object([("model", Value::from(model)), ("version", Value::from(&*spec.version))]);
    PolicyRequest { principal: policy::workflow(turn), action: "agent.start".into(), resource: Entity::new("Agent", &spec.name), context }
}

/// The first example that applies to the input.
pub(super) fn matching(turn: &Turn<'_>, examples: &[Example], input: &Labelled) -> Result<Option<u32>, Problem> {
    let scope = crate::turn::Scope { input: input.clone(), ..Default::default() };
    for (index, example) in examples.iter().enumerate() {
        if applies(turn, example, input, &scope)? {
            return Ok(u32::try_from(index).ok());
        }
    }
    Ok(None)
}

fn applies(turn: &Turn<'_>, example: &Example, input: &Labelled, scope: &crate::turn::Scope) -> Result<bool, Problem> {
    let contains = example.contains.as_ref().is_none_or(|wanted| has_text(input, &wanted.to_lowercase()));
    Ok(contains && example.when.map_or(Ok(true), |when| turn.holds(when, input, scope))?)
}

/// Whether a string inside `value` contains `wanted`, which is in lower case.
fn has_text(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Str(text) => text.to_lowercase().contains(wanted),
        Value::Array(items) => items.iter().any(|item| has_text(item, wanted)),
        Value::Object(map) => map.iter().any(|(_, member)| has_text(member, wanted)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
    }
}

/// No example applies: the run fails before it leaves.
fn fail_unmatched(turn: &mut Turn<'_>, entering: &Entering<'_>, spec: &AgentSpec, arguments: Labelled) -> Result<Entry, Problem> {
    match &spec.failure {
        FailureMode::Abstain => ended(entering, Labelled::default()),
        FailureMode::Default(answer) => ended(entering, Labelled::authored(answer.clone())),
        FailureMode::Review(asked) => {
            entering.open(turn, Shape::Plain)?;
            review::open(turn, entering.at, asked, arguments, None);
            Ok(Entry::Open)
        }
        FailureMode::Fail => Err(unmatched(spec)),
    }
}

pub(super) fn unmatched(spec: &AgentSpec) -> Problem {
    Problem::ours("no-example-matches", 422, format!("no example of the scripted agent `{}` applies", spec.name))
        .detail("add an example without a condition, or name a model")
}

/// The run at `at` failed for good: what the agent's file makes of that. `Some` is the problem to raise.
pub(crate) fn answered_instead(turn: &mut Turn<'_>, at: &Position, effect: &EffectId, problem: Problem) -> Option<Problem> {
    let open = turn.state.open.get(at).cloned()?;
    let (agent, plans) = match turn.task(open.task).map(|task| &task.kind) {
        Ok(TaskKind::Agent(task)) => (&task.agent, false),
        Ok(TaskKind::Plan(task)) => (&task.agent, true),
        Ok(_) | Err(_) => return Some(problem),
    };
    let spec = match spec(turn, agent) {
        Ok(spec) => spec,
        Err(missing) => return Some(missing),
    };
    let answer = match &spec.failure {
        FailureMode::Fail => return Some(problem),
        FailureMode::Abstain => Value::Null,
        FailureMode::Default(answer) if plans => return super::plan::propose_instead(turn, at, answer),
        FailureMode::Default(answer) => answer.clone(),
        FailureMode::Review(asked) => {
            let show = turn.state.effects.get(effect).map(|e| Labelled::new(e.arguments.clone(), e.labels.clone())).unwrap_or_default();
            review::open(turn, at, asked, show, None);
            return None;
        }
    };
    let then = turn.task(open.task).map(|task| task.then.clone()).unwrap_or_default();
    complete(turn, at, open.task, Finished { input: open.input.clone(), output: Labelled::authored(answer), then, effect: None });
    None
}
