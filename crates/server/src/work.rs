//! The worker protocol: reports in, work out.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use provost_api::exchange::{
    CAPACITY_MAX, Exchange, Exchanged, Extend, Extended, QUEUES_MAX, REPORTS_MAX, RefusedReport, WAIT_MS_MAX, Work, WorkKind,
};
use provost_model::Value;
use provost_model::verdict::Entity;
use provost_runtime::dispatch::LEASE_MS;
use provost_runtime::{Claimant, Offer, OfferKind};

use crate::App;
use crate::auth::Caller;
use crate::refusal::Refusal;

/// `POST /v1/workers/exchange`.
pub async fn exchange(State(app): State<App>, caller: Caller, Json(asked): Json<Exchange>) -> Result<Json<Exchanged>, Refusal> {
    if asked.reports.len() > REPORTS_MAX || asked.queues.len() > QUEUES_MAX || asked.worker.is_empty() || asked.worker.len() > 128 {
        let detail = format!("at most {REPORTS_MAX} reports and {QUEUES_MAX} queues, and a worker's name of 1 to 128 bytes");
        return Err(Refusal::new(422, "exchange", "the exchange is out of its limits", detail));
    }
    if asked.queues.is_empty() {
        caller.may(&app, "worker.exchange", Entity::new("Worker", &asked.worker), Value::empty())?;
    }
    for queue in &asked.queues {
        caller.may(&app, "worker.exchange", Entity::new("Queue", queue), Value::empty())?;
    }
    let by = Claimant::new(&caller.tenant, &caller.who, &asked.worker);
    let queues: Arc<[Arc<str>]> = asked.queues.iter().map(|queue| queue.as_str().into()).collect();
    let capacity = asked.capacity.min(CAPACITY_MAX) as usize;
    let enter = || app.node.plane.enter(&by, queues.clone(), capacity);
    // What one report brings goes to whoever reports, and nobody is woken for it; what many bring does not wait for the last of them.
    let early = (asked.reports.len() == 1).then(enter);
    let mut refused = Vec::new();
    for report in asked.reports {
        if !app.node.plane.report(&by, &report.lease, report.result, report.took_ms).await? {
            tracing::warn!(worker = asked.worker.as_str(), lease = report.lease.as_str(), "a zombie's report was refused");
            let detail = "the lease had ended, or another credential or worker holds it".to_owned();
            refused.push(RefusedReport { lease: report.lease, code: "stale-lease".to_owned(), detail });
        }
    }
    let wait = Duration::from_millis(asked.wait_ms.min(WAIT_MS_MAX));
    let claimed = app.node.plane.claim(&by, early.unwrap_or_else(enter), wait).await?;
    let work = claimed.into_iter().map(|(lease, offer)| work(&app, lease, offer)).collect();
    Ok(Json(Exchanged { work, refused }))
}

fn work(app: &App, lease: String, offer: Offer) -> Work {
    let traceparent = Some(provost_runtime::traced::traceparent(&app.node.plane.observer().spans, &offer));
    let kind = match offer.kind {
        OfferKind::Agent => WorkKind::Agent,
        OfferKind::Action => WorkKind::Action,
        OfferKind::Undo => WorkKind::Undo,
        OfferKind::LookUp => WorkKind::LookUp,
        OfferKind::Retrieval => WorkKind::Retrieval,
        OfferKind::Feature => WorkKind::Feature,
    };
    Work {
        lease,
        lease_ms: LEASE_MS,
        kind,
        name: offer.name.to_string(),
        attempt: offer.attempt,
        effect: offer.effect,
        orchestration: offer.orchestration,
        tenant: offer.tenant,
        event: offer.event,
        position: offer.position.to_string(),
        key: offer.key.to_string(),
        deadline_us: offer.deadline_us,
        input: offer.arguments,
        secrets: offer.secrets,
        traceparent,
    }
}

/// `POST /v1/workers/extend`.
pub async fn extend(State(app): State<App>, caller: Caller, Json(asked): Json<Extend>) -> Result<Json<Extended>, Refusal> {
    caller.may(&app, "worker.exchange", Entity::new("Worker", &asked.worker), Value::empty())?;
    let by = Claimant::new(&caller.tenant, &caller.who, &asked.worker);
    let refused = asked.leases.into_iter().filter(|lease| !app.node.plane.extend(&by, lease)).collect();
    Ok(Json(Extended { refused }))
}
