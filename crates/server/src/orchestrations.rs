//! Orchestrations: start, look, explain, verify, cancel, redrive.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query as Parameters, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use provost_api::resources::{Orchestration, ReasonBody, Retired, StartBody, Verification};
use provost_model::marks::Sight;
use provost_model::record::{Cancel, Cause, Command, Head, Redrive, Row, RowError, chain};
use provost_model::verdict::Entity;
use provost_model::{OrchestrationId, Value};
use provost_runtime::engine::explain::{Explanation, Now, explain};
use provost_runtime::engine::redact::redacted;
use provost_runtime::engine::{asked, verify};
use provost_runtime::{Compiled, History, Refused, StartRequest, View};
use provost_store::{Query, Status, StoreError, Tombstone};
use provost_telemetry::TraceContext;
use serde::Deserialize;

use crate::App;
use crate::arrival::Arrival;
use crate::auth::{Caller, Reveal, Revealing};
use crate::path::{Named, id};
use crate::refusal::Refusal;
use crate::shown;

/// Longest wait a caller may ask for, in milliseconds.
const WAIT_MS_MAX: u64 = 60_000;
/// Most entries of one page.
const PAGE_MAX: usize = 500;

/// Reads a JSON body strictly.
pub fn body<T: serde::de::DeserializeOwned>(bytes: &Bytes) -> Result<T, Refusal> {
    let value = provost_model::value::parse(bytes).map_err(|e| {
        Refusal::new(
            if matches!(e.kind, provost_model::value::ParseErrorKind::TooLarge) { 413 } else { 400 },
            "malformed",
            "the body cannot be taken",
            e.to_string(),
        )
    })?;
    let misfit = |detail: String| Refusal::new(422, "body", "the body does not fit this route", detail);
    if value.as_object().is_none() {
        return Err(misfit(format!("it is of the kind `{}`, send an object; `GET /openapi.json` says which members", value.kind())));
    }
    serde_json::from_str(&provost_model::value::canonical(&value)).map_err(|e| misfit(in_words(&e.to_string())))
}

/// What a reader of JSON says, without its types' names and without a place in a text that nobody sent.
fn in_words(said: &str) -> String {
    let what = said.split(" at line ").next().unwrap_or_default();
    let words = what.split(' ').collect::<Vec<_>>();
    let named = |at: usize| at > 0 && matches!(words.get(at - 1), Some(&("struct" | "enum" | "variant")));
    let kept = words.iter().enumerate().filter(|(at, _)| !named(*at));
    kept.map(|(_, word)| if *word == "struct" { "an object" } else { word }).collect::<Vec<_>>().join(" ")
}

/// How many entries a page has: as many as asked for up to `max`, and `usual` where nothing was asked for.
///
/// # Errors
/// A page of nothing.
pub fn page_of(asked: Option<usize>, usual: usize, max: usize) -> Result<usize, Refusal> {
    match asked {
        Some(0) => {
            Err(Refusal::new(400, "limit", "`limit` is 0, and a page has an entry at least", format!("say 1 to {max}, or leave it out")))
        }
        Some(limit) => Ok(limit.min(max)),
        None => Ok(usual),
    }
}

/// `POST /v1/workflows/{name}/orchestrations`, with `Prefer: wait=N` and `Idempotency-Key`.
pub async fn start(
    State(app): State<App>,
    Extension(arrival): Extension<Arrival>,
    caller: Caller,
    Path(name): Path<String>,
    Parameters(Revealing { reveal }): Parameters<Revealing>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Refusal> {
    let sight = caller.sight(&app, &reveal, Entity::new("Workflow", &name))?;
    let asked: StartBody = if bytes.is_empty() { StartBody::default() } else { body(&bytes)? };
    caller.may(&app, "orchestration.start", Entity::new("Workflow", &name), Value::empty())?;
    let mut keys = headers.get_all("idempotency-key").into_iter().map(HeaderValue::to_str);
    let key = match (keys.next(), keys.next()) {
        (None, _) => None,
        (Some(Ok(key)), None) if (1..=255).contains(&key.len()) => Some(key.trim_matches('"').to_owned()),
        (Some(_), _) => {
            return Err(Refusal::new(
                400,
                "idempotency-key",
                "the `Idempotency-Key` is not usable",
                "send one, of 1 to 255 visible characters",
            ));
        }
    };
    let subject = asked.subject.map(Into::into);
    // W3C Trace Context: a header that does not parse is as if it were not there.
    let traceparent = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(TraceContext::parse);
    let traceparent = traceparent.map(|context| context.to_string().into());
    let request = StartRequest { workflow: name, input: asked.input, subject, key, traceparent, by: caller.who.clone() };
    let wait = prefer_wait(&headers);
    if wait.is_zero() {
        let (id, duplicate) = app.node.plane.start_orchestration(&caller.tenant, request, arrival.0).await?;
        let status = if duplicate { StatusCode::OK } else { StatusCode::ACCEPTED };
        return Ok((status, Json(serde_json::json!({ "id": id, "duplicate": duplicate }))).into_response());
    }
    let (id, duplicate, view) = app.node.plane.start_and_wait(&caller.tenant, request, arrival.0, wait).await?;
    match view {
        Some(view) => Ok((StatusCode::OK, Json(shown::orchestration(&view, sight))).into_response()),
        None => Ok((StatusCode::ACCEPTED, Json(serde_json::json!({ "id": id, "duplicate": duplicate }))).into_response()),
    }
}

/// RFC 7240: `Prefer: wait=10`.
fn prefer_wait(headers: &HeaderMap) -> Duration {
    let text = headers.get("prefer").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let seconds = text.split([',', ';']).find_map(|part| part.trim().strip_prefix("wait=")?.trim().parse::<u64>().ok());
    Duration::from_millis(seconds.unwrap_or(0).saturating_mul(1000).min(WAIT_MS_MAX))
}

/// The orchestration as policy knows it.
pub fn orchestration_of(id: OrchestrationId) -> Entity {
    Entity::new("Orchestration", &id.to_string())
}

/// Asks policy whether the caller may read an orchestration.
///
/// # Errors
/// The refusal.
pub fn may_read(app: &App, caller: &Caller, id: OrchestrationId) -> Result<(), Refusal> {
    caller.may(app, "orchestration.read", Entity::new("Orchestration", &id.to_string()), Value::empty())
}

/// What `GET /v1/orchestrations/{id}` may be asked with.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShowParameters {
    wait_ms: Option<u64>,
    at: Option<u64>,
    #[serde(default)]
    reveal: Reveal,
}

/// `GET /v1/orchestrations/{id}?wait_ms=&at=`.
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named,
    Parameters(asked): Parameters<ShowParameters>,
) -> Result<Json<Orchestration>, Refusal> {
    may_read(&app, &caller, id)?;
    let sight = caller.sight(&app, &asked.reveal, orchestration_of(id))?;
    let view = match asked.at {
        Some(sequence) => stood(&app, &caller, id, sequence).await?,
        None => {
            let wait = Duration::from_millis(asked.wait_ms.unwrap_or(0).min(WAIT_MS_MAX));
            app.node.plane.wait_end(&caller.tenant, id, wait).await?
        }
    };
    Ok(Json(shown::orchestration(&view, sight)))
}

/// The orchestration as it stood at `sequence`, which its journal must have come to.
async fn stood(app: &App, caller: &Caller, id: OrchestrationId, sequence: u64) -> Result<View, Refusal> {
    let last = app.node.plane.view(&caller.tenant, id, u64::MAX).await?.head.sequence;
    if !(1..=last).contains(&sequence) {
        let title = format!("the journal of `{id}` has no sequence {sequence}");
        return Err(Refusal::new(422, "sequence", title, format!("say one from 1 to {last}")));
    }
    Ok(app.node.plane.view(&caller.tenant, id, sequence).await?)
}

/// What `GET /v1/orchestrations` may be asked with.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListParameters {
    workflow: Option<String>,
    status: Option<String>,
    subject: Option<String>,
    event: Option<String>,
    before: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    reveal: Reveal,
}

/// `GET /v1/orchestrations`: newest first, paged by `before`.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(asked): Parameters<ListParameters>,
) -> Result<Json<serde_json::Value>, Refusal> {
    caller.may_in_tenant(&app, "orchestration.read")?;
    // Nothing in the list is personal; who asks to see more is answered as everywhere.
    let _sight = caller.sight_in_tenant(&app, &asked.reveal)?;
    let limit = page_of(asked.limit, 50, PAGE_MAX)?;
    // One more than is shown says whether there are more.
    let mut query = Query::newest(caller.tenant.clone(), limit + 1);
    query.workflow = asked.workflow.map(Into::into);
    query.before = asked.before.as_deref().map(id).transpose()?;
    query.status = match &asked.status {
        None => None,
        Some(word) => Some(Status::ALL.into_iter().find(|status| status.as_str() == word).ok_or_else(|| {
            Refusal::new(400, "status", format!("`{word}` is no status"), "use running, waiting, parked, completed, faulted or cancelled")
        })?),
    };
    query.event = asked.event.as_deref().map(id).transpose()?;
    query.subject = asked.subject.as_deref().map(|subject| provost_runtime::subject_mark(app.node.plane.salt(), &caller.tenant, subject));
    let found = app.node.plane.list(&query).await?;
    let items: Vec<serde_json::Value> = found
        .iter()
        .take(limit)
        .map(|s| {
            serde_json::json!({
                "id": s.orchestration, "workflow": &*s.workflow, "version": &*s.version, "status": s.status.as_str(), "event": s.event,
                "started_at": provost_runtime::engine::iso8601(s.started_us), "updated_at": provost_runtime::engine::iso8601(s.updated_us),
            })
        })
        .collect();
    let next = found.get(limit - 1).filter(|_| found.len() > limit).map(|last| last.orchestration);
    Ok(Json(serde_json::json!({ "items": items, "next": next })))
}

/// The rows of a journal behind `after`.
///
/// # Errors
/// Also where there is no such orchestration.
pub async fn rows(app: &App, caller: &Caller, id: OrchestrationId, after: u64) -> Result<Vec<Row>, Refusal> {
    may_read(app, caller, id)?;
    let rows = app.node.plane.journal(&caller.tenant, id, after).await?;
    if rows.is_empty() {
        // Unknown, past its retention, or only nothing new.
        app.node.plane.view(&caller.tenant, id, u64::MAX).await?;
    }
    Ok(rows)
}

/// The JSON of a row as far as `sight` sees it, and whether that is not all.
fn seen(row: &Row, sight: Sight) -> Result<(Vec<u8>, bool), RowError> {
    let whole = row.transition()?;
    let seen = redacted(whole.clone(), sight);
    if seen == whole { Ok((row.json()?.into_owned(), false)) } else { Ok((seen.encode()?, true)) }
}

/// A row, as callers see it.
pub fn row_json(row: &Row, sight: Sight) -> serde_json::Value {
    let seen = seen(row, sight).map_err(|e| e.to_string());
    let left_out = seen.as_ref().is_ok_and(|(_, left_out)| *left_out);
    let read = seen.map(|(json, _)| json);
    let payload = read.and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).map_err(|e| e.to_string()));
    let (payload, damage) = payload.map_or_else(|damage| (None, Some(damage)), |payload| (Some(payload), None));
    let mut shown = serde_json::json!({
        "sequence": row.first_sequence, "facts": row.fact_count, "recorded_at": provost_runtime::engine::iso8601(row.recorded_at_us),
        "format": row.format, "engine": row.engine, "epoch": row.epoch, "cause": row.cause, "chain": row.chain, "payload": payload,
    });
    if let (Some(shown), true) = (shown.as_object_mut(), left_out) {
        shown.insert("redacted".to_owned(), true.into());
    }
    if let (Some(shown), Some(damage)) = (shown.as_object_mut(), damage) {
        shown.insert("damage".to_owned(), damage.into());
    }
    shown
}

/// What the journal may be asked with.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalParameters {
    after: Option<u64>,
    #[serde(default)]
    reveal: Reveal,
}

/// `GET /v1/orchestrations/{id}/journal?after=N`.
pub async fn journal(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named,
    Parameters(asked): Parameters<JournalParameters>,
) -> Result<Json<serde_json::Value>, Refusal> {
    let sight = caller.sight(&app, &asked.reveal, orchestration_of(id))?;
    let rows = rows(&app, &caller, id, asked.after.unwrap_or(0)).await?;
    Ok(Json(serde_json::json!({ "rows": rows.iter().map(|row| row_json(row, sight)).collect::<Vec<_>>() })))
}

/// `GET /v1/orchestrations/{id}/explanation`.
pub async fn explanation(
    State(app): State<App>,
    caller: Caller,
    Named(id): Named,
    Parameters(Revealing { reveal }): Parameters<Revealing>,
) -> Result<Json<Explanation>, Refusal> {
    let sight = caller.sight(&app, &reveal, orchestration_of(id))?;
    let rows = rows(&app, &caller, id, 0).await?;
    let code = code_of(&app, &caller, id).await?;
    let view = app.node.plane.view(&caller.tenant, id, u64::MAX).await?;
    let now = Now { at_us: provost_runtime::now_us(), behind: view.state.behind.as_deref(), sight };
    let explained = explain(&code.program, caller.tenant.clone(), id, &rows, now);
    explained.map(Json).map_err(|e| Refusal::new(500, "explanation", "the journal cannot be explained", e))
}

/// The program of an orchestration.
///
/// # Errors
/// Where there is none.
pub async fn code_of(app: &App, caller: &Caller, id: OrchestrationId) -> Result<std::sync::Arc<Compiled>, Refusal> {
    let view = app.node.plane.view(&caller.tenant, id, u64::MAX).await?;
    let start = view.state.start.ok_or(provost_runtime::Refused::UnknownOrchestration(id))?;
    let code = app.node.plane.registry().program(&caller.tenant, &start.pin, &start.workflow);
    code.ok_or_else(|| provost_runtime::Refused::UnknownBundle(start.pin).into())
}

/// `POST /v1/orchestrations/{id}/verification`.
pub async fn verification(State(app): State<App>, caller: Caller, Named(id): Named) -> Result<Json<Verification>, Refusal> {
    caller.may(&app, "replay.run", Entity::new("Orchestration", &id.to_string()), Value::object([("mode", Value::from("verify"))]))?;
    match app.node.plane.view(&caller.tenant, id, u64::MAX).await {
        Err(Refused::Retired(tombstone)) => return Ok(Json(retired(&tombstone))),
        Err(Refused::Store(error @ StoreError::DamagedRow { .. })) => {
            let rows = app.node.plane.journal(&caller.tenant, id, 0).await?;
            return Ok(Json(unfoldable(id, &rows, &error)));
        }
        Err(refused) => return Err(refused.into()),
        Ok(_) => {}
    }
    let rows = rows(&app, &caller, id, 0).await?;
    let code = code_of(&app, &caller, id).await?;
    let mut found = verified(&code, &caller, id, &rows);
    if found.equal && found.other_engine == 0 {
        let history = History::read(&app.node.plane, &caller.tenant).await?;
        found.difference = misjudged(&code, &history, &caller, id, &rows);
        found.equal = found.difference.is_none();
    }
    Ok(Json(found))
}

/// There is nothing to decide again; the head kept outside can still be held against the tombstone's.
fn retired(tombstone: &Tombstone) -> Verification {
    Verification {
        orchestration: tombstone.orchestration,
        equal: true,
        rows: 0,
        facts: 0,
        other_engine: 0,
        head: tombstone.head.chain,
        difference: None,
        retired: Some(Retired {
            outcome: tombstone.outcome.as_str().to_owned(),
            ended_at: provost_runtime::engine::iso8601(tombstone.ended_us),
            sequence: tombstone.head.sequence,
            pin: tombstone.pin,
            effect_keys: tombstone.effect_keys.len() as u64,
        }),
    }
}

/// A row cannot be read, so nothing behind it can be decided again.
fn unfoldable(id: OrchestrationId, rows: &[Row], error: &StoreError) -> Verification {
    Verification {
        orchestration: id,
        equal: false,
        rows: 0,
        facts: 0,
        other_engine: 0,
        head: rows.last().map_or(Head::EMPTY.chain, |row| row.chain),
        difference: Some(damage(rows).unwrap_or_else(|| error.to_string())),
        retired: None,
    }
}

fn verified(code: &Compiled, caller: &Caller, id: OrchestrationId, rows: &[Row]) -> Verification {
    let found = verify(code, caller.tenant.clone(), id, rows);
    let difference = damage(rows).or_else(|| found.difference.map(|d| format!("at sequence {}: {}", d.sequence, d.what)));
    let head = rows.last().map_or(Head::EMPTY.chain, |row| row.chain);
    Verification {
        orchestration: id,
        equal: difference.is_none(),
        rows: found.rows_equal,
        facts: found.facts_equal,
        other_engine: found.rows_other_engine,
        head,
        difference,
        retired: None,
    }
}

/// The first verdict that policy, asked again as it then was, does not give.
fn misjudged(code: &Compiled, history: &History, caller: &Caller, id: OrchestrationId, rows: &[Row]) -> Option<String> {
    let transitions: Result<Vec<_>, _> = rows.iter().map(Row::transition).collect();
    let questions = transitions.map_err(|e| e.to_string()).and_then(|all| asked(code, caller.tenant.clone(), id, &all));
    match questions {
        Err(what) => Some(what),
        Ok(all) => all.iter().find_map(|(request, verdict)| {
            let what = history.differs(&code.program.pin, request, verdict)?;
            Some(format!("the verdict on `{}` of `{}`: {what}", request.action, request.resource.id))
        }),
    }
}

/// The first row whose chain does not follow from the rows before it.
fn damage(rows: &[Row]) -> Option<String> {
    let mut before = Head::EMPTY.chain;
    rows.iter().find_map(|row| {
        let follows = chain(&before, row) == row.chain;
        before = row.chain;
        (!follows).then(|| format!("at sequence {}: the chain is broken; the row or one before it was changed", row.first_sequence))
    })
}

async fn told(app: &App, caller: &Caller, id: OrchestrationId, command: Command) -> Result<Json<Orchestration>, Refusal> {
    let cause = Cause { who: Some(caller.who.name.clone()), ..Cause::default() };
    app.node.plane.command(&caller.tenant, id, command, cause).await?;
    let view = app.node.plane.view(&caller.tenant, id, u64::MAX).await?;
    Ok(Json(shown::orchestration(&view, Sight::Usual)))
}

/// `POST /v1/orchestrations/{id}/cancellation`.
pub async fn cancel(State(app): State<App>, caller: Caller, Named(id): Named, bytes: Bytes) -> Result<Json<Orchestration>, Refusal> {
    let ReasonBody { reason } = body(&bytes)?;
    caller.may(&app, "orchestration.cancel", Entity::new("Orchestration", &id.to_string()), Value::empty())?;
    told(&app, &caller, id, Command::Cancel(Cancel { by: caller.who.clone(), reason, replaced_by: None })).await
}

/// `POST /v1/orchestrations/{id}/redrive`.
pub async fn redrive(State(app): State<App>, caller: Caller, Named(id): Named, bytes: Bytes) -> Result<Json<Orchestration>, Refusal> {
    let ReasonBody { reason } = body(&bytes)?;
    caller.may(&app, "effect.redrive", Entity::new("Orchestration", &id.to_string()), Value::empty())?;
    told(&app, &caller, id, Command::Redrive(Redrive { by: caller.who.clone(), reason })).await
}
