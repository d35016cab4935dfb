//! What is particular about an action that the workflow writes out itself (`call: http`, `call: openapi`): where it leads, what policy is
//! told of it, and that a read is made again in each round of a retry.
//!
//! What must stay true: policy is asked about every host that is reached, with the text that the worker is given; nothing is asked about
//! an endpoint that could be read in two ways.

use provost_model::program::{ActionSpec, EffectClass, Endpoint, HTTP_CALL, protocol};
use provost_model::verdict::Entity;
use provost_model::{PolicyRequest, Position, Problem, Value};

use super::policy;
use crate::ledger;
use crate::turn::Turn;

/// What the arguments must be before anybody is asked.
pub(super) fn check(spec: &ActionSpec, arguments: &Value) -> Result<(), Problem> {
    if spec.call.is_none() {
        return Ok(());
    }
    let endpoint = arguments.member("endpoint").and_then(Value::as_str);
    if endpoint.and_then(Endpoint::parse).is_none() {
        let detail = "write scheme, host and path, e.g. `https://api.example.com/pets`; no credentials, spaces or fragment";
        return Err(Problem::standard("validation", 400, "the endpoint is no absolute http or https address").detail(detail));
    }
    if protocol::origins(arguments).iter().any(String::is_empty) {
        let detail = "write `authority` as an absolute http or https address";
        return Err(Problem::standard("validation", 400, "the authority of the call is no absolute http or https address").detail(detail));
    }
    Ok(())
}

/// Under which purpose its key is minted: reads are made again in each round of a retry, everything else answers from the journal.
pub(super) fn purpose(turn: &Turn<'_>, spec: &ActionSpec, at: &Position) -> String {
    if is_read(spec) { format!("read/{}", turn.state.round(at)) } else { ledger::ACT.to_owned() }
}

/// A read that the workflow writes out: it may be made as often as anybody likes.
pub(super) fn is_read(spec: &ActionSpec) -> bool {
    spec.call.is_some() && spec.class == EffectClass::E0
}

/// What policy is told of the call beside what it is told of every action.
pub(super) fn context(spec: &ActionSpec, arguments: &Value) -> Vec<(&'static str, Value)> {
    let Some(call) = &spec.call else { return vec![("arguments", arguments.clone())] };
    let mut context = vec![("arguments", exact(arguments)), ("method", Value::Str(call.method.clone()))];
    context.extend(call.operation.iter().map(|operation| ("operation", Value::Str(operation.clone()))));
    context
}

/// Where the call leads, for policy: a destination's name, or the origin of the endpoint.
pub(super) fn destination(spec: &ActionSpec, arguments: &Value) -> Value {
    match (&spec.http, &spec.call) {
        (Some(http), _) => Value::from(&*http.destination),
        (None, Some(_)) => Value::from(protocol::origins(arguments).into_iter().next().unwrap_or_default()),
        (None, None) => Value::from(""),
    }
}

/// The questions about the authorities that the call gets its token from: requests of their own, without an effect.
pub(super) fn authorities(turn: &Turn<'_>, spec: &ActionSpec, arguments: &Value) -> Vec<PolicyRequest> {
    if spec.call.is_none() {
        return Vec::new();
    }
    let authorities = protocol::origins(arguments).into_iter().skip(1);
    let request = |origin: String| {
        let context = Value::object([
            ("destination", Value::from(origin)),
            ("effectClass", Value::from("E0")),
            ("method", Value::from("POST")),
            ("purpose", Value::from("token")),
        ]);
        PolicyRequest { principal: policy::workflow(turn), action: HTTP_CALL.into(), resource: Entity::new("Action", HTTP_CALL), context }
    };
    authorities.map(request).collect()
}

/// Floats never enter a policy, and a body of somebody else's interface may hold some: they are shown as text.
fn exact(value: &Value) -> Value {
    match value {
        Value::Float(_) => Value::from(value.to_string()),
        Value::Array(items) => Value::array(items.iter().filter(|item| !item.is_null()).map(exact)),
        Value::Object(map) => Value::object(map.iter().map(|(key, member)| (key.clone(), exact(member)))),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Str(_) => value.clone(),
    }
}
