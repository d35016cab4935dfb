//! `call: review`, and the reviews that policy or an agent's failure asks for: a person's answer that the orchestration waits for.

use std::sync::Arc;

use provost_model::id::ReviewId;
use provost_model::program::{ReviewSpec, ReviewTask, SchemaIx, TaskKind};
use provost_model::record::{Fact, Intent, ReviewAnswer, Shape};
use provost_model::{Digest, Labelled, Position, Problem, Value};

use super::ended;
use crate::flow::{Entering, Entry, Finished, complete};
use crate::origin;
use crate::rejected::Rejected;
use crate::state::{Review, ReviewAnswered};
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &ReviewTask) -> Result<Entry, Problem> {
    let scope = entering.scope();
    let show = turn.render(&task.show, &entering.input, &scope)?;
    let released = match &task.approves {
        Some((action, arguments)) => {
            let arguments = turn.render(arguments, &entering.input, &scope)?;
            Some((action.clone(), call_digest(turn, action, &arguments)))
        }
        None => None,
    };
    if let Some(answered) = answered_before(turn, entering.at, &show, released.as_ref().map(|(_, call)| call)) {
        return ended(entering, answered);
    }
    entering.open(turn, Shape::Plain)?;
    open(turn, entering.at, &task.review, show, released);
    Ok(Entry::Open)
}

/// In another round of a `try`, the answer to the same question at the same place comes from the journal.
fn answered_before(turn: &Turn<'_>, at: &Position, show: &Value, call: Option<&Digest>) -> Option<Labelled> {
    let asked = turn.state.reviews.values().find(|r| r.at == *at && *r.show == *show && r.call.as_ref() == call && r.answer.is_some())?;
    asked.answer.as_ref().map(|answer| as_value(turn, answer, asked.spec.form))
}

/// Asks a person at `at`; `released` names the action and the digest of the one call an approval lets through.
pub(crate) fn open(turn: &mut Turn<'_>, at: &Position, spec: &ReviewSpec, show: Labelled, released: Option<(Arc<str>, Digest)>) {
    let before = turn.state.reviews.values().filter(|review| review.at == *at).count();
    let review = turn.state.id.review(at.as_str(), &before.to_string());
    let (action, call) = released.map_or((None, None), |(action, call)| (Some(action), Some(call)));
    let (show, labels) = (show.value, show.labels.sensitive());
    turn.emit(Fact::ReviewOpened { review, at: at.clone(), spec: spec.clone(), show, labels, call, action });
    turn.intend(Intent::Ask { review });
}

/// The digest of a call: action, meaningful arguments and pin. An approval is bound to it.
pub(crate) fn call_digest(turn: &Turn<'_>, action: &str, arguments: &Value) -> Digest {
    let fingerprint =
        turn.program().actions.get(action).map_or_else(|| Digest::of_value(arguments), |spec| crate::ledger::fingerprint(spec, arguments));
    Digest::of_parts(&[action.as_bytes(), fingerprint.as_bytes(), turn.program().pin.as_bytes()])
}

/// Checks an answer before anything is recorded.
///
/// # Errors
/// [`Rejected`] when there is no such question, it is closed, the option is unknown, or four eyes are needed.
pub(crate) fn check(turn: &Turn<'_>, answer: &ReviewAnswer) -> Result<Arc<Review>, Rejected> {
    let review = turn.state.reviews.get(&answer.review).cloned().ok_or(Rejected::UnknownReview(answer.review))?;
    if review.answer.is_some() || review.closed {
        return Err(Rejected::ReviewClosed(answer.review));
    }
    if !review.spec.options.contains(&answer.option) {
        let options = review.spec.options.join(", ");
        return Err(Rejected::UnknownOption { option: answer.option.to_string(), options });
    }
    let cause = turn.state.start.as_ref().map(|start| &start.by);
    if review.spec.four_eyes && !cause.is_some_and(|cause| answer.by.differs_for_four_eyes(cause)) {
        return Err(Rejected::FourEyes(answer.by.name.to_string()));
    }
    if let Some(form) = review.spec.form {
        turn.code.validate(form, &answer.form).map_err(Rejected::Form)?;
    }
    Ok(review)
}

/// Records an answer and goes on with the task that waits for it.
pub(crate) fn answered(turn: &mut Turn<'_>, review: &Review, answer: &ReviewAnswer) {
    let approved = review.spec.options.first() == Some(&answer.option);
    let (option, by, form) = (answer.option.clone(), answer.by.clone(), answer.form.clone());
    let labels = origin::form(turn, &answer.form, review.spec.form).labels.sensitive();
    turn.emit(Fact::ReviewAnswered { review: answer.review, option, approved, by, form, labels, reason: answer.reason.clone() });
    let Some(open) = turn.state.open.get(&review.at).cloned() else { return };
    let Ok(task) = turn.task(open.task) else { return };
    match &task.kind {
        TaskKind::Act(_) => super::reviewed(turn, &review.at, answer, approved),
        TaskKind::Plan(_) if review.call.is_some() => super::plan::reviewed(turn, &review.at, answer, approved),
        TaskKind::Agent(_) | TaskKind::Plan(_) => {
            let chosen = || Labelled::authored(Value::Str(answer.option.clone()));
            let output = if answer.form.is_null() { chosen() } else { origin::form(turn, &answer.form, review.spec.form) };
            complete(turn, &review.at, open.task, Finished { input: open.input.clone(), output, then: task.then.clone(), effect: None });
        }
        TaskKind::Review(_) => {
            let answered = turn.state.reviews.get(&answer.review).and_then(|review| review.answer.as_ref());
            let output = answered.map(|answered| as_value(turn, answered, review.spec.form)).unwrap_or_default();
            complete(turn, &review.at, open.task, Finished { input: open.input.clone(), output, then: task.then.clone(), effect: None });
        }
        TaskKind::Do(_)
        | TaskKind::Retrieve(_)
        | TaskKind::Feature(_)
        | TaskKind::For(_)
        | TaskKind::Fork(_)
        | TaskKind::Set(_)
        | TaskKind::Switch(_)
        | TaskKind::Try(_)
        | TaskKind::Raise(_)
        | TaskKind::Wait(_)
        | TaskKind::Emit(_)
        | TaskKind::Listen(_)
        | TaskKind::Rules(_)
        | TaskKind::Decide(_)
        | TaskKind::Policy(_)
        | TaskKind::Compensate(_)
        | TaskKind::Run(_)
        | TaskKind::Extended(_)
        | TaskKind::Aside(_) => {}
    }
}

fn as_value(turn: &Turn<'_>, answer: &ReviewAnswered, form: Option<SchemaIx>) -> Labelled {
    Labelled::object([
        ("choice", Labelled::authored(Value::Str(answer.option.clone()))),
        ("approved", Labelled::authored(Value::Bool(answer.approved))),
        ("by", Labelled::authored(Value::Str(answer.by.name.clone()))),
        ("roles", Labelled::authored(Value::array(answer.by.roles.iter().cloned().map(Value::Str)))),
        ("at", Labelled::authored(crate::time::iso8601(answer.at_us))),
        ("reason", origin::reason(turn, answer)),
        ("form", origin::form(turn, &answer.form, form)),
    ])
}

/// An approval of `call` that is neither spent nor expired, with who gave it.
pub(crate) fn approval(turn: &Turn<'_>, call: &Digest) -> Option<(ReviewId, Value)> {
    let now_us = turn.ambient.now_us;
    turn.state.reviews.iter().find_map(|(id, review)| {
        let answer = review.answer.as_ref().filter(|answer| answer.approved)?;
        let expires_us = answer.at_us.saturating_add(review.spec.expires_ms.saturating_mul(1000));
        let good = review.call.as_ref() == Some(call) && !review.spent && (review.spec.expires_ms == 0 || now_us < expires_us);
        let approval = Value::object([
            ("by", Value::Str(answer.by.name.clone())),
            ("role", answer.by.roles.first().cloned().map_or(Value::from(""), Value::Str)),
            ("at", Value::Int(answer.at_us)),
        ]);
        good.then_some((*id, approval))
    })
}
