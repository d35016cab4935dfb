//! `POST /v1/bundles/comparison`: a bundle held against what is published and against work under way. It changes nothing.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use provost_api::resources::{BundleChange, ComparisonAnswer, ComparisonBody, RunningUnder};
use provost_model::Value;
use provost_model::verdict::Entity;
use provost_runtime::compare::{Candidate, UnderWay, UnderWayPlace};
use provost_runtime::language::difference::Change;

use crate::App;
use crate::auth::Caller;
use crate::orchestrations::body;
use crate::platform::sound;
use crate::refusal::Refusal;

/// Most orchestrations of one page.
const PAGE_MAX: usize = 100;

/// `POST /v1/bundles/comparison`.
pub async fn compare(State(app): State<App>, caller: Caller, bytes: Bytes) -> Result<Json<ComparisonAnswer>, Refusal> {
    let asked: ComparisonBody = body(&bytes)?;
    caller.may_in_tenant(&app, "bundle.read")?;
    caller.may_in_tenant(&app, "orchestration.read")?;
    let resource = Entity::new("Tenant", caller.tenant.as_str());
    caller.may(&app, "replay.run", resource, Value::object([("mode", Value::from("verify"))]))?;
    let place = asked.after.as_deref().map(place).transpose()?;
    let (bundle, _warnings) = sound(&asked.files)?;
    let mut candidate = Candidate::new(&bundle)?;
    let world = app.node.plane.registry().tenant(&caller.tenant);
    let changes = match place {
        None => candidate.changes(&world, asked.against)?.into_iter().map(change).collect(),
        Some(_) => Vec::new(),
    };
    let (found, next) = candidate.under_way(&app.node.plane, &caller.tenant, (asked.against, place.unwrap_or_default()), PAGE_MAX).await?;
    let running = found.into_iter().map(running).collect();
    Ok(Json(ComparisonAnswer { digest: bundle.digest, changes, running, next: next.map(cursor) }))
}

fn change(change: Change) -> BundleChange {
    let Change { subject, name, part, before, after } = change;
    BundleChange { subject: subject.as_str().to_owned(), name, part, before, after }
}

fn running(one: UnderWay) -> RunningUnder {
    let compared = one.compared.clone().unwrap_or_default();
    let verdict = match (&one.compared, &compared.difference) {
        (None, _) => "absent",
        (Some(_), None) => "identical",
        (Some(_), Some(_)) => "differs",
    };
    RunningUnder {
        orchestration: one.summary.orchestration,
        workflow: one.summary.workflow.to_string(),
        status: one.summary.status.as_str().to_owned(),
        pin: one.pin,
        verdict: verdict.to_owned(),
        rows: compared.rows_equal,
        facts: compared.facts_equal,
        sequence: compared.difference.as_ref().map(|difference| difference.sequence),
        difference: compared.difference.map(|difference| difference.what),
    }
}

/// The place of the status, and the last orchestration with a dot between.
fn cursor(place: UnderWayPlace) -> String {
    let before = place.before.map(|id| format!(".{id}")).unwrap_or_default();
    format!("{}{before}", place.status)
}

fn place(text: &str) -> Result<UnderWayPlace, Refusal> {
    let (status, before) = text.split_once('.').map_or((text, None), |(status, before)| (status, Some(before)));
    match (status.parse(), before.map(str::parse).transpose()) {
        (Ok(status), Ok(before)) => Ok(UnderWayPlace { status, before }),
        (_, _) => Err(Refusal::new(422, "cursor", format!("`{text}` is no cursor"), "send `next` of the page before as it is")),
    }
}
