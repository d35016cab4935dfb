//! `call: feature`: versioned features of an entity as of a recorded point in time.
//!
//! What must stay true: the point in time is recorded and never lies ahead, so that asking again can give the same; each value obeys its
//! contract; an entity that is not known is an error and no null.

use std::sync::Arc;

use provost_model::program::{FeatureSpec, FeatureTask};
use provost_model::record::EffectKind;
use provost_model::verdict::Entity;
use provost_model::{Answer, Labelled, PolicyRequest, Problem, Value, instant};

use super::{policy, reads};
use crate::flow::{Entering, Entry};
use crate::origin;
use crate::state::Effect;
use crate::time::iso8601;
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &FeatureTask) -> Result<Entry, Problem> {
    let entity = turn.render(&task.entity, &entering.input, &entering.scope())?;
    if entity.as_str().is_none_or(str::is_empty) {
        return Err(Problem::standard("validation", 400, "the entity is no text").detail("give `entity` the name of one entity, as text"));
    }
    let as_of = as_of(turn, entering, task)?;
    let specs: Vec<&FeatureSpec> = specs(turn, task.names.iter().map(|name| &**name))?;
    let first = task.names.first().ok_or_else(|| reads::missing("feature", ""))?;
    for spec in &specs {
        let Some(verdict) = policy::judged(turn, entering.at, request(turn, spec, &entity, &as_of)) else { continue };
        if verdict.answer != Answer::Allow {
            return Err(policy::denied(&verdict, "feature.read"));
        }
    }
    if !turn.asks.is_empty() {
        return Ok(Entry::Asking);
    }
    let names = Value::array(task.names.iter().map(|name| Value::Str(name.clone())));
    let (as_of, names) = (Labelled::authored(as_of), Labelled::authored(names));
    let arguments = Labelled::object([("asOf", as_of), ("entity", entity), ("names", names)]);
    let timeout_ms = specs.iter().map(|spec| spec.served.timeout_ms).min().unwrap_or_default();
    reads::leave(turn, entering, reads::Read { kind: EffectKind::Feature, name: first, arguments, example: None, timeout_ms })
}

fn specs<'p, 'n>(turn: &Turn<'p>, names: impl Iterator<Item = &'n str>) -> Result<Vec<&'p FeatureSpec>, Problem> {
    names.map(|name| turn.program().features.get(name).ok_or_else(|| reads::missing("feature", name))).collect()
}

fn request(turn: &Turn<'_>, spec: &FeatureSpec, entity: &Value, as_of: &Value) -> PolicyRequest {
    let context = Value::object([
        ("asOf", as_of.clone()),
        ("entity", entity.clone()),
        ("queue", Value::Str(spec.served.queue.clone())),
        ("version", Value::Str(spec.served.version.clone())),
    ]);
    let resource = Entity::new("Feature", &spec.served.name);
    PolicyRequest { principal: policy::workflow(turn), action: "feature.read".into(), resource, context }
}

/// The point in time as text: what is written, or when the task began.
fn as_of(turn: &Turn<'_>, entering: &Entering<'_>, task: &FeatureTask) -> Result<Value, Problem> {
    let now_us = turn.ambient.now_us;
    let Some(template) = &task.as_of else { return Ok(Value::from(iso8601(now_us))) };
    let written = turn.render(template, &entering.input, &entering.scope())?.value;
    // `$task.startedAt` and `$workflow.startedAt` are objects that hold the text.
    let text = written.member("iso8601").unwrap_or(&written).as_str();
    let Some(at_us) = text.and_then(instant::parse) else {
        let detail = "write `asOf` as an instant, e.g. '2026-01-31T08:00:00Z', or as `${ $workflow.startedAt }`";
        return Err(Problem::standard("validation", 400, "`asOf` is no instant").detail(detail));
    };
    if at_us > now_us {
        let detail = "what is not yet so can change; leave `asOf` out to ask as of when the task began";
        return Err(Problem::standard("validation", 400, "`asOf` lies ahead of the time of the task").detail(detail));
    }
    Ok(Value::from(iso8601(at_us)))
}

fn names(effect: &Effect) -> Vec<&str> {
    effect.arguments.member("names").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether an answer holds every feature that was asked for, each obeying its contract.
pub(crate) fn check(turn: &Turn<'_>, effect: &Effect, value: &Value) -> Result<(), Problem> {
    for spec in specs(turn, names(effect).into_iter())? {
        let Some(value) = value.member(&spec.served.name) else {
            let entity = effect.arguments.member("entity").and_then(Value::as_str).unwrap_or_default();
            return Err(Problem::ours("feature-missing", 404, format!("feature `{}` has no value for `{entity}`", spec.served.name))
                .detail("what serves its queue answers every feature that is asked for")
                .quoting(origin::failure(turn, effect)));
        };
        turn.validate_part(spec.value, value, origin::failure(turn, effect), &format!("the feature `{}`", spec.served.name))?;
    }
    Ok(())
}

/// What the task answers: by name, the value with the feature's version and the point in time.
pub(crate) fn answer(turn: &Turn<'_>, effect: &Effect) -> Labelled {
    let as_of = effect.arguments.member("asOf").cloned().unwrap_or_default();
    let mut members: Vec<(Arc<str>, Labelled)> = Vec::new();
    for spec in specs(turn, names(effect).into_iter()).unwrap_or_default() {
        let value = effect.result.value.member(&spec.served.name).cloned().unwrap_or_default();
        let one = Labelled::object([
            ("asOf", Labelled::authored(as_of.clone())),
            ("value", origin::served(turn, effect, value, spec.value)),
            ("version", Labelled::authored(Value::Str(spec.served.version.clone()))),
        ]);
        members.push((spec.served.name.clone(), one));
    }
    Labelled::object(members)
}
