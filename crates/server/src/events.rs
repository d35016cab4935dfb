//! `POST /v1/events`: CloudEvents 1.0.2 over HTTP in binary, structured and batched mode.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use provost_api::cloudevents::{self, Sent, Unreadable};
use provost_api::problem::ProblemBody;
use provost_api::resources::{EventAnswer, EventBatch, EventUnread};
use provost_model::verdict::Entity;
use provost_model::{Event, Value};
use provost_runtime::Accepted;
use provost_runtime::inbox::Unread;

use crate::App;
use crate::arrival::Arrival;
use crate::auth::Caller;
use crate::refusal::Refusal;

/// Takes one event, or a batch with one result per item.
pub async fn ingest(
    State(app): State<App>,
    Extension(arrival): Extension<Arrival>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let named: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    match cloudevents::read(kind, &named, &body, crate::BODY_BYTES_MAX)? {
        Sent::One(event) => single(&app, &caller, arrival, *event).await,
        Sent::Batch(items) => batch(&app, &caller, arrival, items).await,
    }
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

async fn batch(app: &App, caller: &Caller, arrival: Arrival, items: Vec<Result<Event, Unreadable>>) -> Result<Response, Refusal> {
    let taken = items.into_iter().map(|item| async move {
        let taken = match item {
            Ok(event) => take(app, caller, arrival, event).await.map(answer),
            Err(unreadable) => Err(unreadable.into()),
        };
        taken.unwrap_or_else(|refusal: Refusal| rejected(refusal.body().clone()))
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
