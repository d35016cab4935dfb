//! `POST /v1/events`: CloudEvents 1.0.2 over HTTP in binary, structured and batched mode.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use provost_api::problem::ProblemBody;
use provost_api::resources::{EventAnswer, EventBatch, EventUnread};
use provost_model::event::attributes;
use provost_model::limits::{VALUE, ValueLimits};
use provost_model::value::{Map, ParseErrorKind, parse_with};
use provost_model::verdict::Entity;
use provost_model::{Event, Value};
use provost_runtime::Accepted;
use provost_runtime::inbox::Unread;

use crate::App;
use crate::arrival::Arrival;
use crate::auth::Caller;
use crate::refusal::Refusal;

/// Most events of one batch.
const BATCH_MAX: usize = 1000;

/// Takes one event, or a batch with one result per item.
pub async fn ingest(
    State(app): State<App>,
    Extension(arrival): Extension<Arrival>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/cloudevents+json" => single(&app, &caller, arrival, structured(&value(&body, VALUE)?)?).await,
        "application/cloudevents-batch+json" => batch(&app, &caller, arrival, &body).await,
        _ if headers.contains_key("ce-id") || headers.contains_key("ce-specversion") => {
            let event = binary(&headers, &kind, &body)?;
            single(&app, &caller, arrival, event).await
        }
        other => Err(Refusal::new(
            415,
            "content-type",
            format!("`{other}` is no CloudEvent"),
            "send `application/cloudevents+json`, `application/cloudevents-batch+json`, or `ce-` headers",
        )),
    }
}

fn value(body: &[u8], limits: ValueLimits) -> Result<Value, Refusal> {
    parse_with(body, limits).map_err(|error| {
        let (status, code) = match error.kind {
            ParseErrorKind::TooLarge => (413, "body-too-large"),
            ParseErrorKind::TooDeep => (422, "body-too-deep"),
            ParseErrorKind::DuplicateKey => (422, "duplicate-key"),
            ParseErrorKind::Number => (422, "number"),
            ParseErrorKind::Malformed => (400, "malformed"),
        };
        Refusal::new(status, code, "the body cannot be taken", error.to_string())
    })
}

async fn single(app: &App, caller: &Caller, arrival: Arrival, event: Event) -> Result<Response, Refusal> {
    let accepted = take(app, caller, arrival, event).await?;
    let answer = answer(accepted);
    let status = match answer.status.as_str() {
        "rejected" => {
            let said = answer.problem.as_ref().and_then(|problem| StatusCode::from_u16(problem.status).ok());
            said.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY)
        }
        "duplicate" => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    };
    Ok((status, axum::Json(answer)).into_response())
}

async fn batch(app: &App, caller: &Caller, arrival: Arrival, body: &[u8]) -> Result<Response, Refusal> {
    let list = value(body, ValueLimits { bytes_max: crate::BODY_BYTES_MAX, ..VALUE })?;
    let Some(items) = list.as_array() else {
        return Err(Refusal::new(400, "malformed", "a batch is a JSON array of events", "send `[{…}, {…}]`"));
    };
    if items.len() > BATCH_MAX {
        let detail = format!("send at most {BATCH_MAX} events in one batch");
        return Err(Refusal::new(413, "batch-too-large", format!("{} events are too many", items.len()), detail));
    }
    let taken = items.iter().map(|item| async move {
        let taken = match structured(item) {
            Ok(event) => take(app, caller, arrival, event).await.map(answer),
            Err(refusal) => Err(refusal),
        };
        taken.unwrap_or_else(|refusal| rejected(refusal.body().clone()))
    });
    let answers: Vec<EventAnswer> = futures::future::join_all(taken).await;
    Ok((StatusCode::OK, axum::Json(answers)).into_response())
}

async fn take(app: &App, caller: &Caller, arrival: Arrival, event: Event) -> Result<Accepted, Refusal> {
    let context = Value::object([("type", Value::Str(event.kind.clone())), ("source", Value::Str(event.source.clone()))]);
    caller.may(app, "event.ingest", Entity::new("Tenant", caller.tenant.as_str()), context)?;
    if let Some(foreign) = event.extensions.member("tenantid").filter(|named| named.as_str() != Some(caller.tenant.as_str())) {
        let title = format!("the event names tenant {foreign}, the credential belongs to `{}`", caller.tenant);
        return Err(Refusal::new(403, "foreign-tenant", title, "leave `tenantid` out, or use that tenant's credential"));
    }
    Ok(app.node.plane.accept(&caller.tenant, event, caller.who.clone(), arrival.0).await?)
}

fn answer(accepted: Accepted) -> EventAnswer {
    if let Some((code, reason)) = accepted.rejected {
        let status = if &*code == "event-conflict" { 409 } else { 422 };
        return EventAnswer { event: Some(accepted.event), ..rejected(ProblemBody::new(status, &code, reason)) };
    }
    let batches =
        accepted.batches.into_iter().map(|one| EventBatch { workflow: one.workflow.to_string(), key: one.key.to_string(), id: one.id });
    let batches = batches.collect();
    let status = if accepted.duplicate { "duplicate" } else { "accepted" };
    let unread = accepted.unread.into_iter().map(unread).collect();
    EventAnswer { event: Some(accepted.event), status: status.to_owned(), orchestrations: accepted.started, batches, unread, problem: None }
}

/// A workflow that cannot read an event, as shown.
pub(crate) fn unread(one: Unread) -> EventUnread {
    EventUnread { workflow: one.workflow.to_string(), code: one.code.to_string(), reason: one.reason }
}

fn rejected(problem: ProblemBody) -> EventAnswer {
    EventAnswer {
        event: None,
        status: "rejected".to_owned(),
        orchestrations: Vec::new(),
        batches: Vec::new(),
        unread: Vec::new(),
        problem: Some(problem),
    }
}

fn attribute_refusal(name: &str, what: &str) -> Refusal {
    Refusal::new(422, "event-attribute", format!("the event's `{name}` {what}"), "see CloudEvents 1.0.2, Context Attributes")
}

/// An event in structured mode.
fn structured(value: &Value) -> Result<Event, Refusal> {
    let Some(map) = value.as_object() else {
        return Err(Refusal::new(422, "malformed", "an event is a JSON object", "see CloudEvents 1.0.2, JSON Event Format"));
    };
    if map.contains("data_base64") {
        return Err(attribute_refusal("data_base64", "is not taken; send JSON in `data`"));
    }
    if let Some((name, must)) = map.iter().find_map(|(name, value)| Some((name, attributes::flaw(name, value)?))) {
        return Err(attribute_refusal(name, must));
    }
    let mut rest: Map = map.clone();
    let mut text = |name: &str| match rest.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Str(text)) => Ok(Some(text)),
        Some(_) => Err(attribute_refusal(name, "is no text")),
    };
    let version = text("specversion")?;
    let (id, source, kind) = (text("id")?, text("source")?, text("type")?);
    let (subject, time) = (text("subject")?, text("time")?);
    let (dataschema, datacontenttype, traceparent) = (text("dataschema")?, text("datacontenttype")?, text("traceparent")?);
    let data = rest.remove("data").unwrap_or_default();
    let extensions = if rest.is_empty() { Value::Null } else { Value::Object(Arc::new(rest)) };
    let (id, source, kind) = (id.unwrap_or_default(), source.unwrap_or_default(), kind.unwrap_or_default());
    let event =
        Event { id, effect: None, source, kind, subject, time, dataschema, datacontenttype, traceparent, hops: 0, extensions, data };
    checked(event, version.as_deref())
}

/// An event in binary mode: attributes in `ce-` headers, the body is its data.
fn binary(headers: &HeaderMap, kind: &str, body: &[u8]) -> Result<Event, Refusal> {
    let mut attributes = Map::new();
    for (name, value) in headers.iter().filter(|(name, _)| name.as_str().starts_with("ce-")) {
        let name = name.as_str().trim_start_matches("ce-");
        if matches!(name, "data" | "datacontenttype") {
            return Err(attribute_refusal(name, "is no `ce-` header: the body is the data, `Content-Type` says what it is"));
        }
        let text = value.to_str().ok().and_then(decoded).ok_or_else(|| attribute_refusal(name, "is no readable header"))?;
        if attributes.insert(name.into(), Value::from(text)).is_some() {
            return Err(attribute_refusal(name, "stands in two headers; which one counts would be a guess"));
        }
    }
    if let Some(traceparent) = headers.get("traceparent").and_then(|value| value.to_str().ok()) {
        attributes.insert("traceparent".into(), Value::from(traceparent));
    }
    if !body.is_empty() {
        if !(kind.is_empty() || kind.ends_with("json")) {
            return Err(Refusal::new(415, "content-type", format!("data of type `{kind}` is not taken"), "send JSON"));
        }
        attributes.insert("data".into(), value(body, VALUE)?);
    }
    attributes.insert("datacontenttype".into(), Value::from(if kind.is_empty() { "application/json" } else { kind }));
    structured(&Value::Object(Arc::new(attributes)))
}

/// Percent-decoding of header values (CloudEvents HTTP binding, 3.1.3.2).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let pair = std::str::from_utf8(tail.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(pair, 16).ok()?);
        rest = tail.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

fn checked(event: Event, version: Option<&str>) -> Result<Event, Refusal> {
    if version != Some("1.0") {
        return Err(attribute_refusal("specversion", "is missing; send `1.0`"));
    }
    for (name, text) in [("id", &event.id), ("source", &event.source), ("type", &event.kind)] {
        if text.is_empty() {
            return Err(attribute_refusal(name, "is missing; every event needs one"));
        }
    }
    let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let fits = |name: &str| !name.is_empty() && name.bytes().all(named) && name.len() <= attributes::NAME_BYTES_MAX;
    let odd = event.extensions.as_object().into_iter().flat_map(Map::iter).find(|(name, _)| !fits(name)).map(|(name, _)| name.clone());
    match odd {
        Some(name) => Err(attribute_refusal(&name, "is no attribute name; use up to 20 of a-z and 0-9")),
        None => Ok(event),
    }
}
