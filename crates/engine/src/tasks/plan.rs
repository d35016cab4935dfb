//! `call: plan`: an agent proposes tasks out of an allow-list; what it proposed is checked, shown to policy, recorded, and carried out.
//!
//! What must stay true: nothing of a plan runs before all of it was checked and policy allowed it; what is carried out is what was recorded,
//! and a replay asks nobody. A plan that is none counts as an attempt of the agent that failed, so that its own retry asks again.

use std::collections::BTreeSet;
use std::sync::Arc;

use provost_language::plan::{self, Proposed, is_literal};
use provost_model::id::{EffectId, ReviewId};
use provost_model::planted::planted;
use provost_model::program::{AgentSpec, Allowed, FailureMode, PlanTask, PlannedCall, TaskKind};
use provost_model::record::{EffectKind, EffectState, Fact, PlannedTask, ReviewAnswer, Shape};
use provost_model::verdict::Entity;
use provost_model::{Answer, Digest, Label, Labelled, Labels, PolicyRequest, Position, Problem, Value, Verdict};

use super::{agent, ended, policy, review};
use crate::flow::{Entering, Entry, raise};
use crate::state::Effect;
use crate::turn::Turn;

/// What policy is asked about a plan as a whole.
const ACTION: &str = "plan.execute";

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &PlanTask) -> Result<Entry, Problem> {
    let goal = turn.render(&task.goal, &entering.input, &entering.scope())?;
    let spec = agent::spec(turn, &task.agent)?;
    // What may be called is the author's word and no part of what the agent is asked, so that examples are chosen by the goal alone.
    let matched = Labelled::object([("goal", goal.clone())]);
    let arguments = Labelled::object([("goal", goal), ("allow", Labelled::authored(offered(turn, task)))]);
    turn.check_size(&arguments)?;
    let run = agent::Run { agent: &task.agent, spec, matched, arguments, wall_ms: 0 };
    match agent::leave(turn, entering, run)? {
        agent::Left::Entry(entry) => Ok(entry),
        agent::Left::Unmatched(arguments) => unmatched(turn, entering, spec, arguments),
    }
}

/// What the agent is told it may call: kind, name, the contract of what it gives, and what it must leave out.
fn offered(turn: &Turn<'_>, task: &PlanTask) -> Value {
    let program = turn.program();
    let offer = |one: &Allowed| {
        let contract = match one.call {
            PlannedCall::Act => program.actions.get(&one.name).and_then(|spec| spec.arguments),
            PlannedCall::Agent => program.agents.get(&one.name).and_then(|spec| spec.input),
            PlannedCall::Rules | PlannedCall::Retrieve | PlannedCall::Set => None,
        };
        let contract = contract.and_then(|index| program.schemas.get(index.0 as usize));
        let fixed = Value::array(one.fixed.iter().map(|(key, _)| Value::Str(key.clone())));
        let members = [
            Some(("call", Value::from(one.call.word()))),
            Some(("name", Value::Str(one.name.clone()))),
            contract.map(|contract| ("contract", contract.clone())),
            (!one.fixed.is_empty()).then_some(("fixed", fixed)),
        ];
        Value::object(members.into_iter().flatten())
    };
    Value::array(task.allow.iter().filter(|one| one.call.keys().is_some()).map(offer))
}

/// No example applies: the run fails before it leaves.
fn unmatched(turn: &mut Turn<'_>, entering: &Entering<'_>, spec: &AgentSpec, arguments: Labelled) -> Result<Entry, Problem> {
    match &spec.failure {
        FailureMode::Fail => Err(agent::unmatched(spec)),
        FailureMode::Abstain => ended(entering, Labelled::default()),
        FailureMode::Default(answer) => {
            entering.open(turn, Shape::Plain)?;
            match propose_instead(turn, entering.at, answer) {
                Some(problem) => Err(problem),
                None => Ok(Entry::Open),
            }
        }
        FailureMode::Review(asked) => {
            entering.open(turn, Shape::Plain)?;
            review::open(turn, entering.at, asked, arguments, None);
            Ok(Entry::Open)
        }
    }
}

/// The plan that a run gave, where a plan was asked for.
pub(crate) fn proposed(turn: &Turn<'_>, effect: &Effect) -> Option<Result<Proposed, Problem>> {
    let open = turn.state.open.get(&effect.at)?;
    let TaskKind::Plan(task) = &turn.task(open.task).ok()?.kind else { return None };
    Some(read(turn, &effect.at, task, &effect.result.value))
}

/// Reads a plan, and holds what is known of its arguments to their contracts.
fn read(turn: &Turn<'_>, at: &Position, task: &PlanTask, answer: &Value) -> Result<Proposed, Problem> {
    let invalid = |wrong: Vec<String>| {
        Problem::standard("validation", 422, "the agent's plan is none that can be carried out").detail(wrong.join("; "))
    };
    let proposed = plan::read(answer, task).map_err(invalid)?;
    let Some(open) = turn.state.open.get(at) else { return Ok(proposed) };
    let mut wrong = Vec::new();
    for planned in proposed.tasks.iter().filter(|planned| is_literal(planned)) {
        let Some((allowed, _)) = crate::flow::allowed(turn, open.task, planned) else { continue };
        let contract = match planned.call {
            PlannedCall::Act => turn.program().actions.get(&planned.called).and_then(|spec| spec.arguments),
            PlannedCall::Agent => turn.program().agents.get(&planned.called).and_then(|spec| spec.input),
            PlannedCall::Rules | PlannedCall::Retrieve | PlannedCall::Set => None,
        };
        if let (Some(contract), true) = (contract, allowed.fixed.is_empty())
            && let Err(detail) = turn.code.validate(contract, &planned.given)
        {
            wrong.push(format!("task `{}`: {detail}", planned.name));
        }
    }
    if wrong.is_empty() { Ok(proposed) } else { Err(invalid(wrong)) }
}

/// The agent's file answers in place of a run that failed. `Some` is the problem to raise.
pub(crate) fn propose_instead(turn: &mut Turn<'_>, at: &Position, answer: &Value) -> Option<Problem> {
    let open = turn.state.open.get(at)?;
    let Ok(TaskKind::Plan(task)) = turn.task(open.task).map(|task| &task.kind) else { return None };
    match read(turn, at, task, answer) {
        Ok(proposed) => {
            propose(turn, at, None, proposed);
            None
        }
        Err(problem) => Some(problem),
    }
}

/// Shows a plan to policy and goes on as policy says.
pub(crate) fn propose(turn: &mut Turn<'_>, at: &Position, effect: Option<EffectId>, proposed: Proposed) {
    let Some(open) = turn.state.open.get(at).cloned() else { return };
    let Ok(TaskKind::Plan(task)) = turn.task(open.task).map(|task| &task.kind) else { return };
    let digest = digest(&proposed.tasks);
    let released = released(turn, at, digest);
    let approval = review::approval(turn, &released);
    let request = request(turn, task, &proposed, approval.as_ref().map(|(_, approval)| approval));
    if planted("plan-not-shown") {
        return carry_out(turn, at, effect, digest, proposed, None);
    }
    let Some(verdict) = policy::judged(turn, at, request) else { return };
    match (verdict.answer, approval) {
        (Answer::Deny, _) => raise(turn, at, open.task, policy::denied(&verdict, ACTION)),
        (Answer::Allow, approval) => carry_out(turn, at, effect, digest, proposed, approval.map(|(id, _)| id)),
        (Answer::Review, Some((id, _))) => carry_out(turn, at, effect, digest, proposed, Some(id)),
        (Answer::Review, None) => match &task.review {
            Some(spec) => {
                let labels = Labels::whole(written_label(turn, effect.as_ref()));
                review::open(turn, at, spec, Labelled::new(shown(&proposed), labels), Some((ACTION.into(), released)));
            }
            None => raise(turn, at, open.task, unreviewed(&verdict)),
        },
    }
}

/// Policy wants a review that nobody described.
fn unreviewed(verdict: &Verdict) -> Problem {
    policy::denied(verdict, ACTION).detail("policy wants a review of the plan, and the task describes none; add `review` to its `with`")
}

fn carry_out(turn: &mut Turn<'_>, at: &Position, effect: Option<EffectId>, digest: Digest, proposed: Proposed, approval: Option<ReviewId>) {
    if let Some(review) = approval {
        let effect = effect.unwrap_or_else(|| turn.state.id.effect(at.as_str(), ACTION));
        turn.emit(Fact::ApprovalSpent { review, effect });
    }
    let label = written_label(turn, effect.as_ref());
    let known = turn.state.plans.get(at).cloned().unwrap_or_default();
    // The same plan again is the same plan: what it finished answers from the journal.
    let revision = known.iter().position(|before| *before == digest && !planted("same-plan-anew")).unwrap_or(known.len()) + 1;
    let revision = u32::try_from(revision).unwrap_or(u32::MAX);
    turn.emit(Fact::Planned { at: at.clone(), effect, revision, digest, because: proposed.because, tasks: proposed.tasks, label });
    turn.ready.push(at.clone());
}

/// Who may see what the agent of the run `effect` wrote.
fn written_label(turn: &Turn<'_>, effect: Option<&EffectId>) -> Label {
    let run = effect.and_then(|effect| turn.state.effects.get(effect));
    run.map_or(Label::NONE, |run| run.result.labels.all().sensitive())
}

fn digest(tasks: &[PlannedTask]) -> Digest {
    Digest::of_value(&Value::array(tasks.iter().map(written)))
}

/// What an approval of a plan is bound to.
fn released(turn: &Turn<'_>, at: &Position, digest: Digest) -> Digest {
    Digest::of_parts(&[ACTION.as_bytes(), at.as_str().as_bytes(), digest.as_bytes(), turn.program().pin.as_bytes()])
}

fn written(task: &PlannedTask) -> Value {
    let members = [
        Some(("name", Value::Str(task.name.clone()))),
        Some(("call", Value::from(task.call.word()))),
        (!task.called.is_empty()).then(|| ("of", Value::Str(task.called.clone()))),
        task.when.as_ref().map(|when| ("if", Value::Str(when.clone()))),
        Some(("given", task.given.clone())),
    ];
    Value::object(members.into_iter().flatten())
}

/// What a person sees who is asked about a plan.
fn shown(proposed: &Proposed) -> Value {
    let because = proposed.because.clone().map_or(Value::Null, Value::Str);
    Value::object([("because", because), ("tasks", Value::array(proposed.tasks.iter().map(written)))])
}

fn request(turn: &Turn<'_>, task: &PlanTask, proposed: &Proposed, approval: Option<&Value>) -> PolicyRequest {
    let program = turn.program();
    let spec = program.agents.get(&task.agent);
    let calls: BTreeSet<&str> =
        proposed.tasks.iter().filter_map(|task| task.called.split('@').next()).filter(|name| !name.is_empty()).collect();
    let actions = proposed.tasks.iter().filter(|task| task.call == PlannedCall::Act);
    let money_out = actions.filter_map(|task| program.actions.get(&task.called)).any(|spec| spec.money_out);
    let mut context = vec![
        ("calls", Value::array(calls.into_iter().map(Value::from))),
        ("moneyOut", Value::Bool(money_out)),
        ("tasks", Value::Int(i64::try_from(proposed.tasks.len()).unwrap_or(i64::MAX))),
        ("version", spec.map_or(Value::Null, |spec| Value::Str(spec.version.clone()))),
    ];
    context.extend(approval.map(|approval| ("approval", approval.clone())));
    let name = task.agent.split('@').next().unwrap_or_default();
    PolicyRequest {
        principal: policy::workflow(turn),
        action: ACTION.into(),
        resource: Entity::new("Agent", name),
        context: Value::object(context),
    }
}

/// A person answered the review of the plan at `at`.
pub(super) fn reviewed(turn: &mut Turn<'_>, at: &Position, answer: &ReviewAnswer, approved: bool) {
    let Some(open) = turn.state.open.get(at).cloned() else { return };
    if !approved {
        let title = format!("{} answered `{}`", answer.by.name, answer.option);
        return raise(turn, at, open.task, Problem::ours("rejected", 403, title).detail(answer.reason.clone()));
    }
    let Ok(TaskKind::Plan(task)) = turn.task(open.task).map(|task| &task.kind) else { return };
    let run = turn.state.effects.live_within(at).find(|(_, effect)| effect.at == *at && effect.kind == EffectKind::Agent);
    let (effect, said) = match run {
        Some((id, effect)) if effect.state == EffectState::Done => (Some(*id), effect.result.value.clone()),
        Some(_) | None => (None, default_answer(turn, &task.agent)),
    };
    match read(turn, at, task, &said) {
        Ok(proposed) => propose(turn, at, effect, proposed),
        Err(problem) => raise(turn, at, open.task, problem),
    }
}

fn default_answer(turn: &Turn<'_>, agent: &Arc<str>) -> Value {
    match turn.program().agents.get(agent).map(|spec| &spec.failure) {
        Some(FailureMode::Default(answer)) => answer.clone(),
        Some(FailureMode::Fail | FailureMode::Abstain | FailureMode::Review(_)) | None => Value::Null,
    }
}
