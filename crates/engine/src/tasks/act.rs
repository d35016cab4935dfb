//! `call: act`: one external effect. Asks policy itself; under review it waits for the approval of exactly this call.

use std::sync::Arc;

use provost_model::id::ReviewId;
use provost_model::planted::planted;
use provost_model::program::{ActTask, ActionSpec, TaskKind};
use provost_model::record::{EffectKind, EffectState, Fact, ReviewAnswer, SecretSpan, Shape};
use provost_model::verdict::Entity;
use provost_model::{Answer, Digest, Label, Labelled, Labels, PolicyRequest, Position, Problem, Value, Verdict};

use super::{ended, policy, protocol, review};
use crate::flow::{Entering, Entry, park, raise};
use crate::ledger;
use crate::turn::{Scope, Turn};

/// An action about to be decided on.
struct Call<'p> {
    at: Position,
    action: Arc<str>,
    spec: &'p ActionSpec,
    arguments: Value,
    labels: Labels,
    input: Labelled,
    business_key: Option<Arc<str>>,
    key_label: Label,
    because: Value,
    fingerprint: Digest,
    purpose: String,
    secrets: Vec<SecretSpan>,
    undo: Option<Arc<str>>,
}

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &ActTask) -> Result<Entry, Problem> {
    let call = call(turn, entering.at, task, &entering.input, &entering.scope())?;
    if let Some(entry) = remembered(turn, entering, &call)? {
        return Ok(entry);
    }
    let Some((verdict, approval)) = judge(turn, &call) else { return Ok(Entry::Asking) };
    match (verdict.answer, approval) {
        (Answer::Deny, _) if !planted("denied-and-sent") => Err(policy::denied(&verdict, &call.spec.name)),
        (Answer::Allow | Answer::Deny, approval) => {
            entering.open(turn, Shape::Plain)?;
            intend(turn, call, approval);
            Ok(Entry::Open)
        }
        (Answer::Review, Some(approval)) => {
            entering.open(turn, Shape::Plain)?;
            intend(turn, call, Some(approval));
            Ok(Entry::Open)
        }
        (Answer::Review, None) => {
            let Some(spec) = &call.spec.review else { return Err(unreviewed(&verdict, &call)) };
            entering.open(turn, Shape::Plain)?;
            let released = (call.action.clone(), review::call_digest(turn, &call.action, &call.arguments));
            review::open(turn, entering.at, spec, Labelled::new(call.arguments.clone(), call.labels.clone()), Some(released));
            Ok(Entry::Open)
        }
    }
}

/// Policy wants a review that nobody described.
fn unreviewed(verdict: &Verdict, call: &Call<'_>) -> Problem {
    let detail = match call.spec.call {
        None => format!("policy wants a review, but the action `{}` describes none; add `review` to its file", call.action),
        Some(_) => "policy wants a review, and a call has none; write it as an action of the bundle with a `review`".to_owned(),
    };
    policy::denied(verdict, &call.spec.name).detail(detail)
}

fn call<'p>(turn: &Turn<'p>, at: &Position, task: &ActTask, input: &Labelled, scope: &Scope) -> Result<Call<'p>, Problem> {
    let spec = turn.program().actions.get(&task.action).ok_or_else(|| {
        Problem::standard("configuration", 500, format!("the bundle holds no action `{}`", task.action)).detail("publish the bundle again")
    })?;
    let arguments = turn.render(&task.arguments, input, scope)?;
    turn.validate(spec.arguments, &arguments, "the action's arguments")?;
    protected(turn, spec, &arguments)?;
    let Labelled { value: arguments, labels } = arguments;
    protocol::check(spec, &arguments).map_err(|problem| problem.quoting(labels.all()))?;
    let secrets = turn.secrets(&task.arguments, &arguments);
    let (business_key, key_label) = match &task.key {
        Some(key) => {
            let key = turn.render(key, input, scope)?;
            (Some(business_key(spec, &key)?), key.labels.all().sensitive())
        }
        None => (None, Label::NONE),
    };
    let because = task.because.as_ref().map_or(Ok(Labelled::default()), |because| turn.render(because, input, scope))?.value;
    // A read may be repeated freely: nothing ever compares its arguments.
    let fingerprint = if protocol::is_read(spec) { Digest::from_bytes([0; 32]) } else { ledger::fingerprint(spec, &arguments) };
    let purpose = protocol::purpose(turn, spec, at);
    Ok(Call {
        at: at.clone(),
        action: task.action.clone(),
        spec,
        arguments,
        labels: labels.sensitive(),
        input: input.clone(),
        business_key,
        key_label,
        because,
        fingerprint,
        purpose,
        secrets,
        undo: task.compensate.clone(),
    })
}

/// A key that somebody outside can choose would let them pass for a payment that was made, or be paid twice.
fn business_key(spec: &ActionSpec, key: &Labelled) -> Result<Arc<str>, Problem> {
    if !key.labels.all().is_trusted() {
        let title = format!("the business key of `{}` is built from values that are not trusted", spec.name);
        let detail = "label the fields it is read from in their contract, e.g. `\"x-provost\": { \"trusted\": [\"/requestId\"] }`, \
                      or build the key from other values";
        return Err(Problem::ours("untrusted-key", 422, title).detail(detail));
    }
    key_text(key)
}

/// Arguments that the action's contract labels `trusted` must be.
fn protected(turn: &Turn<'_>, spec: &ActionSpec, arguments: &Labelled) -> Result<(), Problem> {
    let places = turn.program().trusted_places(spec.arguments);
    let Some(place) = places.into_iter().find(|place| !arguments.labels.within(place).all().is_trusted()) else { return Ok(()) };
    let title = format!("the argument `{place}` of `{}` must be trusted and is not", spec.name);
    let detail = "take it from what an author wrote, or from a field that its contract labels in `x-provost.trusted`";
    Err(Problem::ours("untrusted-argument", 422, title).detail(detail))
}

const KEY_CHARS_MAX: usize = 255;

fn key_text(value: &Value) -> Result<Arc<str>, Problem> {
    match value {
        Value::Str(text) if !text.is_empty() && text.chars().count() <= KEY_CHARS_MAX && !text.contains(char::is_control) => {
            Ok(text.clone())
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::Array(_) | Value::Object(_) => {
            Err(Problem::standard("validation", 400, "the business key is no usable text")
                .detail(format!("write 1 to {KEY_CHARS_MAX} characters without control characters")))
        }
    }
}

/// What the ledger says about this place: a finished action answers from the journal, other arguments are a conflict.
fn remembered(turn: &mut Turn<'_>, entering: &Entering<'_>, call: &Call<'_>) -> Result<Option<Entry>, Problem> {
    let id = turn.state.id.effect(call.at.as_str(), &call.purpose);
    let Some(effect) = turn.state.effects.get(&id).cloned() else { return Ok(None) };
    if (effect.fingerprint != call.fingerprint && !planted("arguments-not-compared")) || effect.business_key != call.business_key {
        entering.open(turn, Shape::Plain)?;
        park(turn, call.at.clone(), ledger::conflict(&call.spec.name));
        return Ok(Some(Entry::Open));
    }
    match effect.state {
        EffectState::Done if planted("finished-action-again") => Ok(None),
        EffectState::Done => {
            // What was done stays done, and a result that cannot be read or breaks the contract is no better the second time. Of one in
            // a blob only the edge can say so.
            if let Some(unreadable) = &effect.problem {
                return Err((**unreadable).clone());
            }
            if entering.task.keeping().is_record() {
                ledger::usable(turn, &effect, &effect.result, None, None)?;
            }
            ended(entering, effect.result.clone()).map(Some)
        }
        EffectState::Failed | EffectState::Abandoned => Ok(None),
        // Its key could not be had; redriven, it is asked for again.
        EffectState::Conflict | EffectState::Claiming => {
            entering.open(turn, Shape::Plain)?;
            ledger::leave(turn, &id);
            Ok(Some(Entry::Open))
        }
        EffectState::Intended | EffectState::Sent | EffectState::Waiting | EffectState::Asked | EffectState::InDoubt => {
            entering.open(turn, Shape::Plain)?;
            Ok(Some(Entry::Open))
        }
    }
}

/// Asks policy, with the approval of this call where there is one. `None` while policy must be asked.
fn judge(turn: &mut Turn<'_>, call: &Call<'_>) -> Option<(Verdict, Option<ReviewId>)> {
    for request in protocol::authorities(turn, call.spec, &call.arguments) {
        let verdict = policy::judged(turn, &call.at, request)?;
        if verdict.answer != Answer::Allow {
            return Some((verdict, None));
        }
    }
    let digest = review::call_digest(turn, &call.action, &call.arguments);
    let approval = review::approval(turn, &digest);
    let request = request(turn, call, approval.as_ref().map(|(_, approval)| approval));
    let verdict = policy::judged(turn, &call.at, request)?;
    Some((verdict, approval.map(|(id, _)| id)))
}

fn request(turn: &Turn<'_>, call: &Call<'_>, approval: Option<&Value>) -> PolicyRequest {
    let mut context = protocol::context(call.spec, &call.arguments);
    context.push(("effectClass", Value::from(format!("{:?}", call.spec.class))));
    context.push(("destination", protocol::destination(call.spec, &call.arguments)));
    if !call.because.is_null() {
        context.push(("decision", call.because.clone()));
    }
    if let Some(approval) = approval {
        context.push(("approval", approval.clone()));
    }
    let resource = Entity::new("Action", &call.spec.name);
    PolicyRequest { principal: policy::workflow(turn), action: call.spec.name.clone(), resource, context: Value::object(context) }
}

/// Decides on the effect: it may leave once this is on disk. The task is open.
fn intend(turn: &mut Turn<'_>, call: Call<'_>, approval: Option<ReviewId>) {
    let effect = turn.state.id.effect(call.at.as_str(), &call.purpose);
    if let Some(review) = approval.filter(|_| !planted("approval-never-spent")) {
        turn.emit(Fact::ApprovalSpent { review, effect });
    }
    if let Some(before) = turn.state.effects.get(&effect).cloned() {
        // Certainly not done before: the same key, another attempt.
        return ledger::again(turn, &effect, before.attempt + 1, turn.ambient.now_us);
    }
    let key = call.business_key.clone().unwrap_or_else(|| ledger::key(turn, &call.at, &call.purpose));
    turn.emit(Fact::Intended {
        effect,
        at: call.at.clone(),
        kind: EffectKind::Action,
        name: call.action,
        class: call.spec.class,
        key,
        business_key: call.business_key,
        fingerprint: call.fingerprint,
        arguments: (call.arguments != call.input.value).then_some(call.arguments),
        labels: call.labels,
        key_label: call.key_label,
        secrets: call.secrets,
        example: None,
        deadline_us: 0,
        undoes: None,
        undo: call.undo,
    });
    ledger::leave(turn, &effect);
}

/// A person answered the review of the call at `at`.
pub(crate) fn reviewed(turn: &mut Turn<'_>, at: &Position, answer: &ReviewAnswer, approved: bool) {
    let Some(open) = turn.state.open.get(at).cloned() else { return };
    if !approved {
        let title = format!("{} answered `{}`", answer.by.name, answer.option);
        let problem = Problem::ours("rejected", 403, title).detail(answer.reason.clone());
        return raise(turn, at, open.task, problem);
    }
    if let Err(problem) = approved_call(turn, at, &open) {
        raise(turn, at, open.task, problem);
    }
}

/// Asks policy again, now with the approval, and sends.
fn approved_call(turn: &mut Turn<'_>, at: &Position, open: &crate::state::Open) -> Result<(), Problem> {
    let TaskKind::Act(task) = &turn.task(open.task)?.kind else { return Ok(()) };
    let scope = Scope { at: Some(at.clone()), input: open.input.clone(), task: Some(open.task), ..Scope::default() };
    let call = call(turn, at, task, &open.input, &scope)?;
    let Some((verdict, approval)) = judge(turn, &call) else { return Ok(()) };
    match (verdict.answer, approval) {
        (Answer::Deny, _) => Err(policy::denied(&verdict, &call.spec.name)),
        (Answer::Review, None) => Err(Problem::ours("approval-void", 409, "the approval does not fit the call any more")
            .detail("the arguments changed or the approval expired; review it again")),
        (Answer::Allow | Answer::Review, approval) => {
            intend(turn, call, approval);
            Ok(())
        }
    }
}

/// Undoes the next effect of the scope that the task at `at` unwinds; `false` when nothing is left.
pub(crate) fn unwind_next(turn: &mut Turn<'_>, at: &Position) -> bool {
    let Some(next) = turn.state.unwinding.get(at).and_then(|queue| queue.first().copied()) else { return false };
    let Some(done) = turn.state.effects.get(&next).cloned() else { return false };
    let Some((_, by)) = turn.state.undoable.iter().find(|(effect, _)| *effect == next).cloned() else { return false };
    let Some(spec) = turn.program().actions.get(&by) else { return false };
    let purpose = format!("undo/{next}");
    let effect = turn.state.id.effect(done.at.as_str(), &purpose);
    if let Some(before) = turn.state.effects.get(&effect).cloned() {
        ledger::again(turn, &effect, before.attempt + 1, turn.ambient.now_us);
        return true;
    }
    let reference = done.reference.clone().map_or(Value::Null, Value::Str);
    let undone = Labelled::object([
        ("arguments", Labelled::new(done.arguments.clone(), done.labels.clone())),
        ("result", done.result.clone()),
        ("reference", Labelled::authored(reference)),
        ("key", Labelled::new(Value::Str(done.key.clone()), Labels::whole(done.key_label))),
    ]);
    let (arguments, labels) = (undone.value, undone.labels.sensitive());
    turn.emit(Fact::Intended {
        effect,
        at: at.clone(),
        kind: EffectKind::Undo,
        name: by,
        class: spec.class,
        key: ledger::key(turn, &done.at, &purpose),
        business_key: None,
        fingerprint: ledger::fingerprint(spec, &arguments),
        arguments: Some(arguments),
        labels,
        key_label: Label::NONE,
        secrets: done.secrets.iter().map(|span| SecretSpan { pointer: format!("/arguments{}", span.pointer), ..span.clone() }).collect(),
        example: None,
        deadline_us: 0,
        undoes: Some(next),
        undo: None,
    });
    ledger::leave(turn, &effect);
    true
}
