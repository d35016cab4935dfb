//! `GET /v1/journals`: the walk over all journals, and a look at those that are no orchestration's.

use axum::Json;
use axum::extract::{Path, Query as Parameters, State};
use provost_api::resources::{JournalItem, JournalVerification, JournalsAnswer, MissingOrchestration};
use provost_model::Value;
use provost_model::record::{Head, Stream};
use provost_model::verdict::Entity;
use provost_runtime::journals::{Journal, Looked, WalkPlace};
use serde::Deserialize;

use crate::App;
use crate::auth::Caller;
use crate::orchestrations::page_of;
use crate::refusal::Refusal;

/// Most entries of one page.
const PAGE_MAX: usize = 500;

/// What the walk may be asked with.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalkParameters {
    after: Option<String>,
    limit: Option<usize>,
}

/// `GET /v1/journals?after=CURSOR&limit=N`.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(asked): Parameters<WalkParameters>,
) -> Result<Json<JournalsAnswer>, Refusal> {
    caller.may_in_tenant(&app, "orchestration.read")?;
    let place = asked.after.as_deref().map(place).transpose()?.unwrap_or_default();
    let page = app.node.plane.walk(&caller.tenant, place, page_of(asked.limit, 100, PAGE_MAX)?).await?;
    let items = page.journals.into_iter().map(|(stream, rows)| item(stream, rows)).collect();
    Ok(Json(JournalsAnswer { items, next: page.next.map(cursor) }))
}

fn item(stream: Stream, rows: bool) -> JournalItem {
    let kind = match stream {
        Stream::Orchestration(_) => "orchestration",
        Stream::Inbox(_) => "inbox",
        Stream::Control => "control",
    };
    JournalItem { kind: kind.to_owned(), name: Journal(stream).to_string(), rows }
}

/// The partition and the last journal, with a dot between.
fn cursor(place: WalkPlace) -> String {
    let before = place.before.map(|stream| format!(".{}", Journal(stream))).unwrap_or_default();
    format!("{}{before}", place.partition)
}

fn place(text: &str) -> Result<WalkPlace, Refusal> {
    let (partition, before) = text.split_once('.').map_or((text, None), |(partition, before)| (partition, Some(before)));
    let before = before.map(str::parse::<Journal>).transpose().ok();
    match (partition.parse(), before) {
        (Ok(partition), Some(before)) => Ok(WalkPlace { partition, before: before.map(|journal| journal.0) }),
        (_, _) => Err(Refusal::new(422, "cursor", format!("`{text}` is no cursor"), "send `next` of the page before as it is")),
    }
}

/// `POST /v1/journals/{name}/verification`.
pub async fn verification(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Json<JournalVerification>, Refusal> {
    let Journal(stream) = name.parse().map_err(|e: provost_runtime::journals::JournalError| {
        Refusal::new(400, "id", e.to_string(), "`GET /v1/journals` lists those there are")
    })?;
    if let Stream::Orchestration(id) = stream {
        let instead = format!("`POST /v1/orchestrations/{id}/verification` decides it again");
        return Err(Refusal::new(422, "body", "this route verifies inbox and control journals", instead));
    }
    let resource = Entity::new("Tenant", caller.tenant.as_str());
    caller.may(&app, "replay.run", resource, Value::object([("mode", Value::from("verify"))]))?;
    let looked = app.node.plane.look_at(&caller.tenant, &stream).await?;
    if looked.rows == 0 && looked.is_sound() {
        let hint = "`GET /v1/journals` lists those there are";
        return Err(Refusal::new(404, "unknown-journal", format!("there is no journal `{name}` in this tenant"), hint));
    }
    Ok(Json(shown(name, looked)))
}

fn shown(journal: String, looked: Looked) -> JournalVerification {
    let missing = looked.missing.iter();
    JournalVerification {
        journal,
        equal: looked.is_sound(),
        rows: looked.rows,
        facts: looked.facts,
        started: looked.started,
        on_their_way: looked.on_their_way,
        head: looked.head.unwrap_or(Head::EMPTY.chain),
        missing: missing
            .map(|one| MissingOrchestration { orchestration: one.orchestration, event: one.event, sequence: one.sequence })
            .collect(),
        missing_count: looked.missing_count,
        difference: looked.difference,
    }
}
