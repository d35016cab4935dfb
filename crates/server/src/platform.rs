//! The platform: health, metrics, reviews, effects, dead letters, bundles.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query as Parameters, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use provost_api::resources::{
    BundleAnswer, BundleBody, DeadLettersAnswer, EffectsAnswer, Orchestration, ResolveBody, ReviewBody, ReviewsAnswer,
};
use provost_model::marks::Sight;
use provost_model::record::{Cause, Command, Resolve, ReviewAnswer};
use provost_model::verdict::Entity;
use provost_model::{EffectId, ReviewId, Value};
use provost_runtime::language::{self, Bundle, Finding, Severity, Sources};
use provost_runtime::{Reused, check, reused};
use provost_store::Needs;
use serde::Deserialize;

use crate::App;
use crate::auth::{Caller, Reveal, Revealing};
use crate::control;
use crate::orchestrations::body;
use crate::path::Id;
use crate::refusal::Refusal;
use crate::shown;

/// States of effects that need a person.
const NEED_A_PERSON: [&str; 2] = ["in-doubt", "conflict"];
/// Most entries of one list.
const LIST_MAX: usize = 500;

/// `GET /healthz`.
pub async fn health(State(app): State<App>) -> Result<Json<serde_json::Value>, Refusal> {
    match app.node.plane.failure() {
        None => Ok(Json(serde_json::json!({ "status": "ok" }))),
        Some(error) => Err(provost_runtime::Refused::Store(error).into()),
    }
}

/// `GET /metrics` (Prometheus text). Needs a credential beyond loopback.
pub async fn metrics(State(app): State<App>, _caller: Caller) -> impl IntoResponse {
    ([(CONTENT_TYPE, provost_telemetry::prometheus::CONTENT_TYPE)], app.node.plane.observer().prometheus.render())
}

/// `GET /openapi.json`.
pub async fn openapi() -> impl IntoResponse {
    Json(provost_api::openapi::document())
}

/// What lists may be asked with.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateParameters {
    state: Option<String>,
    #[serde(default)]
    reveal: Reveal,
}

impl StateParameters {
    /// The state that was asked for, which is one of those that this list shows.
    fn known(&self, what: &str, shown: &[&str]) -> Result<Option<&str>, Refusal> {
        let unknown = |state: &str| {
            Refusal::new(400, "state", format!("`{state}` is no state of {what} that is listed"), format!("use {}", shown.join(" or ")))
        };
        self.state.as_deref().map(|state| if shown.contains(&state) { Ok(state) } else { Err(unknown(state)) }).transpose()
    }
}

async fn needing(app: &App, caller: &Caller, needs: Needs) -> Result<Vec<provost_runtime::View>, Refusal> {
    caller.may_in_tenant(app, "orchestration.read")?;
    let mut views = Vec::new();
    for work in app.node.plane.needing(&caller.tenant, needs, LIST_MAX).await? {
        views.push(app.node.plane.view(&caller.tenant, work.orchestration, u64::MAX).await?);
    }
    Ok(views)
}

/// `GET /v1/reviews?state=open`: those that are open.
pub async fn reviews(
    State(app): State<App>,
    caller: Caller,
    Parameters(asked): Parameters<StateParameters>,
) -> Result<Json<ReviewsAnswer>, Refusal> {
    let sight = caller.sight_in_tenant(&app, &asked.reveal)?;
    asked.known("reviews", &["open"])?;
    let views = needing(&app, &caller, Needs::REVIEW).await?;
    let all = views.iter().flat_map(|view| view.state.reviews.iter().map(|(id, review)| shown::review(&view.state, id, review, sight)));
    Ok(Json(ReviewsAnswer { items: all.filter(|review| review.status == "open").collect() }))
}

/// `GET /v1/effects?state=in-doubt|conflict`: those that need a person.
pub async fn effects(
    State(app): State<App>,
    caller: Caller,
    Parameters(asked): Parameters<StateParameters>,
) -> Result<Json<EffectsAnswer>, Refusal> {
    let sight = caller.sight_in_tenant(&app, &asked.reveal)?;
    let wanted = asked.known("effects", &NEED_A_PERSON)?;
    let views = needing(&app, &caller, Needs::IN_DOUBT.with(Needs::CONFLICT)).await?;
    let all = views.iter().flat_map(|view| view.state.effects.iter().map(|(id, effect)| shown::effect(&view.state, id, effect, sight)));
    let listed = |state: &str| wanted.map_or_else(|| NEED_A_PERSON.contains(&state), |wanted| state == wanted);
    Ok(Json(EffectsAnswer { items: all.filter(|effect| listed(&effect.state)).collect() }))
}

/// `GET /v1/dead-letters`.
pub async fn dead_letters(
    State(app): State<App>,
    caller: Caller,
    Parameters(Revealing { reveal }): Parameters<Revealing>,
) -> Result<Json<DeadLettersAnswer>, Refusal> {
    let sight = caller.sight_in_tenant(&app, &reveal)?;
    let views = needing(&app, &caller, Needs::PARKED.with(Needs::CONFLICT)).await?;
    Ok(Json(DeadLettersAnswer { items: views.iter().map(|view| shown::orchestration(view, sight)).collect() }))
}

/// `POST /v1/reviews/{id}`.
pub async fn answer_review(
    State(app): State<App>,
    caller: Caller,
    Id(review): Id<ReviewId>,
    bytes: Bytes,
) -> Result<Json<Orchestration>, Refusal> {
    let asked: ReviewBody = body(&bytes)?;
    let view = app.node.plane.view(&caller.tenant, asked.orchestration, u64::MAX).await?;
    let open = view
        .state
        .reviews
        .get(&review)
        .ok_or_else(|| provost_runtime::Refused::from(provost_runtime::engine::Rejected::UnknownReview(review)))?;
    let second = view.state.start.as_ref().is_some_and(|start| caller.who.differs_for_four_eyes(&start.by));
    let context = Value::object([
        ("fourEyes", Value::Bool(open.spec.four_eyes)),
        ("secondPerson", Value::Bool(second)),
        ("queue", Value::Str(open.spec.queue.clone())),
    ]);
    caller.may(&app, "review.decide", Entity::new("Queue", &open.spec.queue), context)?;
    let option = match asked.option.as_str() {
        "approve" => open.spec.options.first().cloned(),
        "reject" => open.spec.options.get(1).cloned(),
        _ => None,
    };
    let option = option.unwrap_or_else(|| asked.option.as_str().into());
    let answer = ReviewAnswer { review, option, by: caller.who.clone(), reason: asked.reason, form: asked.form };
    let cause = Cause { review: Some(review), who: Some(caller.who.name.clone()), ..Cause::default() };
    app.node.plane.command(&caller.tenant, asked.orchestration, Command::Review(answer), cause).await?;
    let view = app.node.plane.view(&caller.tenant, asked.orchestration, u64::MAX).await?;
    Ok(Json(shown::orchestration(&view, Sight::Usual)))
}

/// `POST /v1/effects/{id}/resolution`.
pub async fn resolve(
    State(app): State<App>,
    caller: Caller,
    Id(effect): Id<EffectId>,
    bytes: Bytes,
) -> Result<Json<Orchestration>, Refusal> {
    let asked: ResolveBody = body(&bytes)?;
    if asked.evidence.is_empty() || asked.reason.is_empty() {
        return Err(Refusal::new(422, "evidence", "an effect is settled by evidence and a reason", "say where it can be seen, and why"));
    }
    caller.may(&app, "effect.resolve", Entity::new("Effect", &effect.to_string()), Value::empty())?;
    let (by, evidence, reason) = (caller.who.clone(), asked.evidence, asked.reason);
    let resolve = Resolve { effect, done: asked.done, result: asked.result, evidence, by, reason };
    let cause = Cause { effect: Some(effect), who: Some(caller.who.name.clone()), ..Cause::default() };
    app.node.plane.command(&caller.tenant, asked.orchestration, Command::Resolve(resolve), cause).await?;
    let view = app.node.plane.view(&caller.tenant, asked.orchestration, u64::MAX).await?;
    Ok(Json(shown::orchestration(&view, Sight::Usual)))
}

/// `GET /v1/bundles`.
pub async fn bundles(State(app): State<App>, caller: Caller) -> Result<Json<serde_json::Value>, Refusal> {
    caller.may_in_tenant(&app, "bundle.read")?;
    let known = app.node.control.control(&caller.tenant).await;
    let active = known.iter().flat_map(|control| control.active.iter());
    let items: Vec<_> = active
        .map(|(workflow, active)| serde_json::json!({ "workflow": &**workflow, "version": &*active.version, "bundle": active.bundle }))
        .collect();
    Ok(Json(serde_json::json!({ "items": items })))
}

/// `POST /v1/bundles`: checks, compiles, publishes and activates.
pub async fn publish(State(app): State<App>, caller: Caller, bytes: Bytes) -> Result<Json<BundleAnswer>, Refusal> {
    let asked: BundleBody = body(&bytes)?;
    caller.may_in_tenant(&app, "bundle.publish")?;
    let (bundle, findings) = sound(&asked.files)?;
    app.node.ensure_tenant(&caller.tenant, caller.who.clone()).await?;
    let reused = reused(&app.node.plane.registry().tenant(&caller.tenant), &bundle);
    app.node.control.publish(&app.node.plane, &caller.tenant, &bundle, caller.who.clone(), control::reason(&asked.reason)?).await?;
    let workflows = bundle.workflows.iter().map(|program| (program.name.to_string(), program.version.to_string())).collect();
    let warnings = findings.iter().map(line).chain(taken_versions(&bundle, &asked.files, &reused)).collect();
    Ok(Json(BundleAnswer { digest: bundle.digest, workflows, warnings }))
}

/// A line for each workflow whose version has other content already.
fn taken_versions(bundle: &Bundle, files: &BTreeMap<String, String>, reused: &[Reused]) -> Vec<String> {
    if reused.is_empty() {
        return Vec::new();
    }
    let sources = sources(files);
    let found = reused.iter().filter_map(|one| language::reused(bundle, &sources, &one.workflow, (one.pin, one.is_active)));
    found.map(|finding| format!("{}; {}", line(&finding), finding.hint.as_deref().unwrap_or_default())).collect()
}

fn sources(files: &BTreeMap<String, String>) -> Sources {
    files.iter().map(|(path, text)| (path, text.as_bytes().to_vec())).collect()
}

/// The bundle of these files, with its warnings.
///
/// # Errors
/// `bundle-invalid` with every error.
pub fn sound(files: &BTreeMap<String, String>) -> Result<(Bundle, Vec<Finding>), Refusal> {
    let checked = check(&sources(files));
    let Some(bundle) = checked.bundle else {
        let errors: Vec<String> = checked.findings.iter().filter(|f| f.severity == Severity::Error).map(line).collect();
        return Err(Refusal::new(422, "bundle-invalid", "the bundle has errors", errors.join("\n")));
    };
    Ok((bundle, checked.findings))
}

/// A finding on one line.
fn line(finding: &Finding) -> String {
    format!("{}:{}:{}: {} {}", finding.file, finding.line, finding.column, finding.code.as_str(), finding.message)
}
