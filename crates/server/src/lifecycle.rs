//! `GET /v1/orchestrations/{id}/events`: the life of an orchestration as CloudEvents, derived from its journal for this answer.
//!
//! | asked with | answer |
//! |---|---|
//! | `after=SEQUENCE`, `limit=N`, `type=PREFIX` | a JSON array, as `application/cloudevents-batch+json` where that is accepted; `Link: …; rel="next"` names the next page |
//! | `follow` | server-sent events to the end: `lifecycle`, an event each; `refused` as `GET …/stream` says it |
//!
//! What must stay true: who may not read the orchestration hears nothing; a page never ends between two events of one fact, so that
//! `after` is a sequence of the journal and nothing else must be kept by whoever reads on.

use axum::extract::{Query as Parameters, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use provost_model::OrchestrationId;
use provost_model::marks::Sight;
use provost_model::record::Row;
use provost_runtime::engine::lifecycle::{Lifecycle, LifecycleEvent, TYPE_PREFIX};
use provost_runtime::{Compiled, Refused};
use provost_store::StoreError;
use serde::Deserialize;

use crate::App;
use crate::auth::{Caller, Credential, Reveal};
use crate::orchestrations::{code_of, orchestration_of, page_of, rows};
use crate::path::{Named, flag};
use crate::refusal::Refusal;
use crate::stream;

/// The media type of a batch.
const BATCH: &str = "application/cloudevents-batch+json";
/// Most events of one page; one fact may bring more.
const PAGE_MAX: usize = 500;

/// What the events may be asked with.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifecycleParameters {
    after: Option<u64>,
    limit: Option<usize>,
    #[serde(rename = "type")]
    kind: Option<String>,
    follow: Option<String>,
    #[serde(default)]
    reveal: Reveal,
}

/// `GET /v1/orchestrations/{id}/events?after=N&limit=N&type=PREFIX&follow`.
pub async fn events(
    State(app): State<App>,
    credential: Credential,
    Named(id): Named,
    Parameters(asked): Parameters<LifecycleParameters>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let caller = credential.caller(&app)?;
    let sight = caller.sight(&app, &asked.reveal, orchestration_of(id))?;
    let mut wanted = Wanted { after: asked.after.unwrap_or(0), kind: kind(asked.kind)?, sight };
    if flag("follow", asked.follow.as_deref())? {
        wanted.after = last_heard(&headers)?.unwrap_or(wanted.after);
        return Ok(stream::lifecycle(app, credential, id, wanted).await?.into_response());
    }
    let rows = rows(&app, &caller, id, 0).await?;
    let mut telling = Telling::begin(&app, &caller, id, wanted.clone()).await?;
    let limit = page_of(asked.limit, PAGE_MAX, PAGE_MAX)?;
    let (page, more) = paged(telling.next(&rows)?, limit);
    let next = page
        .last()
        .filter(|_| more)
        .map(|last| format!("</v1/orchestrations/{id}/events?after={}&limit={limit}&type={}>; rel=\"next\"", last.sequence, wanted.kind));
    let json: Vec<_> = page.iter().map(LifecycleEvent::to_value).collect();
    let mut response = axum::Json(json).into_response();
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains(BATCH) {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(BATCH));
    }
    if let Some(next) = next.and_then(|next| HeaderValue::from_str(&next).ok()) {
        response.headers_mut().insert(header::LINK, next);
    }
    Ok(response)
}

/// What types begin with, behind what all of them begin with.
fn kind(asked: Option<String>) -> Result<String, Refusal> {
    let asked = asked.unwrap_or_default();
    if asked.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b)) {
        return Ok(asked.strip_prefix(TYPE_PREFIX).map_or(asked.clone(), ToOwned::to_owned));
    }
    Err(Refusal::new(422, "event-type", format!("`{asked}` begins no type of event"), "use the like of `workflow.`, `task.faulted`"))
}

/// Where a follower that lost its connection was.
fn last_heard(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(text) = headers.get("last-event-id") else { return Ok(None) };
    let sequence = text.to_str().ok().and_then(|text| text.parse().ok());
    let sequence = sequence.ok_or_else(|| Refusal::new(400, "cursor", "the `Last-Event-ID` is no sequence", "send it as it came"))?;
    Ok(Some(sequence))
}

/// The first page of `limit` events, longer where the last fact brings more, and whether there is another.
fn paged(mut events: Vec<LifecycleEvent>, limit: usize) -> (Vec<LifecycleEvent>, bool) {
    let Some(last) = limit.checked_sub(1).and_then(|last| events.get(last)).map(|event| event.sequence) else { return (events, false) };
    let end = events.iter().position(|event| event.sequence > last).unwrap_or(events.len());
    let more = end < events.len();
    events.truncate(end);
    (events, more)
}

/// Which events somebody wants.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Those of facts behind this sequence.
    pub after: u64,
    /// Those whose type, without what all types begin with, begins so.
    pub kind: String,
    /// How far whoever asks sees.
    pub sight: Sight,
}

/// A journal on its way to whoever asked for its events.
pub struct Telling {
    code: std::sync::Arc<Compiled>,
    life: Lifecycle,
    wanted: Wanted,
}

impl Telling {
    /// Before the first row.
    ///
    /// # Errors
    /// The refusal where there is no such orchestration, or no program to it.
    pub async fn begin(app: &App, caller: &Caller, id: OrchestrationId, wanted: Wanted) -> Result<Self, Refusal> {
        let code = code_of(app, caller, id).await?;
        Ok(Self { code, life: Lifecycle::new(caller.tenant.clone(), id, wanted.sight), wanted })
    }

    /// The sequence up to which the journal was read.
    pub fn sequence(&self) -> u64 {
        self.life.sequence()
    }

    /// How far whoever asks sees.
    pub fn sight(&self) -> Sight {
        self.wanted.sight
    }

    /// Whether the orchestration ended with the rows read so far.
    pub fn is_over(&self) -> bool {
        self.life.is_over()
    }

    /// The wanted events of the next rows.
    ///
    /// # Errors
    /// The refusal where a row cannot be read.
    pub fn next(&mut self, rows: &[Row]) -> Result<Vec<LifecycleEvent>, Refusal> {
        let mut events = Vec::new();
        for row in rows {
            let told = self.life.read_row(&self.code.program, row);
            let told = told.map_err(|e| Refused::Store(StoreError::unreadable(row, &e)))?;
            events.extend(told.into_iter().filter(|event| event.sequence > self.wanted.after && event.is_of(&self.wanted.kind)));
        }
        Ok(events)
    }
}
