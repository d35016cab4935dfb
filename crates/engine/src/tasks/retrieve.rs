//! `call: retrieve`: passages with their sources. Policy says of each origin whether it may be read, before anybody reads it.
//!
//! What must stay true: the text of a withheld passage is in no fact, no output and no recorded command, so that nobody who may read the
//! record reads it there; what is withheld is counted, and the verdicts name the rules. Passages carry the label of what somebody outside
//! wrote. A recorded answer that was screened is screened again to itself, so that a replay decides the same.

use std::sync::Arc;

use provost_model::program::reads::check_passage;
use provost_model::program::{RetrieveTask, SourceSpec};
use provost_model::record::{Attempted, EffectKind, Fact, Outcome};
use provost_model::verdict::Entity;
use provost_model::{Answer, Digest, Labelled, PolicyRequest, Problem, Value};

use super::{agent, policy, reads};
use crate::flow::{Entering, Entry};
use crate::origin;
use crate::state::Effect;
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &RetrieveTask) -> Result<Entry, Problem> {
    let query = turn.render(&task.query, &entering.input, &entering.scope())?;
    if query.as_str().is_none_or(|text| text.trim().is_empty()) {
        return Err(Problem::standard("validation", 400, "the query is no text").detail("give `query` a text that is not empty"));
    }
    let spec = turn.program().sources.get(&task.source).ok_or_else(|| reads::missing("source", &task.source))?;
    let Some(verdict) = policy::judged(turn, entering.at, query_request(turn, spec, task.top_k)) else { return Ok(Entry::Asking) };
    if verdict.answer != Answer::Allow {
        return Err(policy::denied(&verdict, "retrieval.query"));
    }
    let example = match &*spec.served.queue {
        "builtin" => Some(agent::matching(turn, &spec.examples, &query)?.ok_or_else(|| unmatched(spec))?),
        _ => None,
    };
    let arguments = Labelled::object([("query", query), ("topK", Labelled::authored(task.top_k))]);
    let read = reads::Read { kind: EffectKind::Retrieval, name: &task.source, arguments, example, timeout_ms: spec.served.timeout_ms };
    reads::leave(turn, entering, read)
}

fn unmatched(spec: &SourceSpec) -> Problem {
    Problem::ours("no-example-matches", 422, format!("no example of the source `{}` applies", spec.served.name))
        .detail("add an example without a condition; `passages: []` finds nothing")
}

fn query_request(turn: &Turn<'_>, spec: &SourceSpec, top_k: i64) -> PolicyRequest {
    let context = Value::object([
        ("queue", Value::Str(spec.served.queue.clone())),
        ("topK", Value::Int(top_k)),
        ("version", Value::Str(spec.served.version.clone())),
    ]);
    let resource = Entity::new("Source", &spec.served.name);
    PolicyRequest { principal: policy::workflow(turn), action: "retrieval.query".into(), resource, context }
}

/// What came of an attempt, without what must not be read. `None` while policy must be asked.
pub(crate) fn screened(turn: &mut Turn<'_>, effect: &Effect, outcome: &Outcome) -> Option<Outcome> {
    let Attempted::Done { value, reference, usage, dropped_bytes: None } = &outcome.result else { return Some(outcome.clone()) };
    let result = match passages(effect, value) {
        Err(problem) => Attempted::Failed { problem, retry: true, retry_after_ms: None },
        Ok(passages) => {
            let value = Value::array(readable(turn, effect, passages)?);
            Attempted::Done { value, reference: reference.clone(), usage: *usage, dropped_bytes: None }
        }
    };
    Some(Outcome { result, ..outcome.clone() })
}

/// The passages that were asked for, at most as many.
fn passages<'v>(effect: &Effect, value: &'v Value) -> Result<&'v [Value], Problem> {
    let malformed = |detail: String| Problem::standard("validation", 502, "the source answered no list of passages").detail(detail);
    let list = value.as_array().ok_or_else(|| malformed("a worker answers a list of `{ source, text }`".to_owned()))?;
    let top_k = effect.arguments.member("topK").and_then(Value::as_int).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let asked_for = list.get(..top_k.min(list.len())).unwrap_or_default();
    for (at, passage) in asked_for.iter().enumerate().filter(|(_, passage)| !is_withheld(passage)) {
        check_passage(passage).map_err(|wrong| malformed(format!("passage {at}: {wrong}")))?;
    }
    Ok(asked_for)
}

/// Each passage as it may be recorded. All are asked about before the first is shown.
fn readable(turn: &mut Turn<'_>, effect: &Effect, passages: &[Value]) -> Option<Vec<Value>> {
    let mut asked: Vec<(PolicyRequest, bool)> = Vec::new();
    let mut waits = false;
    for passage in passages {
        let request = read_request(turn, effect, passage);
        if asked.iter().any(|(known, _)| *known == request) {
            continue;
        }
        match policy::judged(turn, &effect.at, request.clone()) {
            Some(verdict) => asked.push((request, verdict.answer == Answer::Allow)),
            None => {
                waits = true;
                asked.push((request, false));
            }
        }
    }
    let allowed = |passage: &Value| {
        let request = read_request(turn, effect, passage);
        asked.iter().any(|(known, allowed)| *known == request && *allowed)
    };
    (!waits).then(|| passages.iter().map(|passage| if allowed(passage) { passage.clone() } else { withheld(passage) }).collect())
}

fn read_request(turn: &Turn<'_>, effect: &Effect, passage: &Value) -> PolicyRequest {
    let spec = turn.program().sources.get(&effect.name);
    let text = |text: Option<&Arc<str>>| Value::Str(text.cloned().unwrap_or_default());
    let context = Value::object([
        ("labels", passage.member("labels").cloned().unwrap_or_else(|| Value::array(Vec::<Value>::new()))),
        ("queue", text(spec.map(|spec| &spec.served.queue))),
        ("source", text(spec.map(|spec| &spec.served.name))),
    ]);
    let resource = Entity::new("Passage", passage.member("source").and_then(Value::as_str).unwrap_or_default());
    PolicyRequest { principal: policy::workflow(turn), action: "retrieval.read".into(), resource, context }
}

/// A passage without anything that could be read.
fn withheld(passage: &Value) -> Value {
    let kept = ["labels", "source"].into_iter().filter_map(|key| Some((key, passage.member(key)?.clone())));
    Value::object(kept.chain([("withheld", Value::Bool(true))]).collect::<Vec<_>>())
}

fn is_withheld(passage: &Value) -> bool {
    passage.member("withheld") == Some(&Value::Bool(true)) && passage.member("text").is_none()
}

/// What the task answers: the passages that may be read, and how many may not.
pub(crate) fn answer(turn: &mut Turn<'_>, id: &provost_model::EffectId, effect: &Effect) -> Labelled {
    let all = effect.result.value.as_array().unwrap_or_default();
    let kept: Vec<Value> = all.iter().filter(|passage| !is_withheld(passage)).cloned().collect();
    let withheld = (all.len() - kept.len()) as u64;
    let sources = kept.iter().filter_map(|passage| passage.member("source")?.as_str().map(Arc::from)).collect();
    let count = Value::Int(i64::try_from(withheld).unwrap_or(i64::MAX));
    let value = Value::object([("passages", Value::array(kept)), ("withheld", count)]);
    turn.emit(Fact::Retrieved { effect: *id, sources, withheld, digest: Digest::of_value(&value) });
    let labels = origin::read_back(turn, effect, &value, origin::reference(turn, &value), None);
    Labelled::new(value, labels)
}
