//! `GET /v1/events`: the feed of what came in.

use axum::Json;
use axum::extract::{Query as Parameters, State};
use provost_api::resources::{FeedAnswer, FeedItem};
use provost_model::marks::Sight;
use provost_model::{Event, Label};
use provost_runtime::InboxFact;
use provost_runtime::engine::{event_value, iso8601};
use provost_runtime::registry::TenantWorld;
use serde::Deserialize;

use crate::App;
use crate::auth::{Caller, Reveal};
use crate::orchestrations::page_of;
use crate::refusal::Refusal;

/// Most entries of one page.
const PAGE_MAX: usize = 500;

/// What the feed may be asked with.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedParameters {
    after: Option<String>,
    limit: Option<usize>,
    status: Option<String>,
    #[serde(default)]
    reveal: Reveal,
}

/// `GET /v1/events?status=accepted|rejected&after=CURSOR&limit=N`: oldest first.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(asked): Parameters<FeedParameters>,
) -> Result<Json<FeedAnswer>, Refusal> {
    caller.may_in_tenant(&app, "orchestration.read")?;
    let sight = caller.sight_in_tenant(&app, &asked.reveal)?;
    let world = app.node.plane.registry().tenant(&caller.tenant);
    let wanted: fn(&InboxFact) -> bool = match asked.status.as_deref() {
        None => |fact| matches!(fact, InboxFact::Accepted { .. } | InboxFact::Rejected { .. }),
        Some("accepted") => |fact| matches!(fact, InboxFact::Accepted { .. }),
        Some("rejected") => |fact| matches!(fact, InboxFact::Rejected { .. }),
        Some(other) => {
            return Err(Refusal::new(422, "status", format!("`{other}` is no status of an event"), "use `accepted` or `rejected`"));
        }
    };
    let after = cursor(asked.after.as_deref().unwrap_or_default())?;
    let limit = page_of(asked.limit, 100, PAGE_MAX)?;
    let page = app.node.plane.events(&caller.tenant, &after, limit, wanted).await?;
    let items = page.entries.into_iter().filter_map(|entry| item(iso8601(entry.recorded_at_us), seen(&world, entry.fact, sight))).collect();
    let next = page.next.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
    Ok(Json(FeedAnswer { items, next, more: page.more }))
}

fn cursor(text: &str) -> Result<Vec<u64>, Refusal> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let parts: Result<Vec<u64>, _> = text.split('.').map(str::parse).collect();
    parts.map_err(|_| Refusal::new(422, "cursor", format!("`{text}` is no cursor"), "send `next` of the page before as it is"))
}

/// What happened to an event, as far as `sight` sees it: why it was not taken or read may quote what is out of sight.
fn seen(world: &TenantWorld, mut fact: InboxFact, sight: Sight) -> InboxFact {
    if let InboxFact::Accepted { event, .. } | InboxFact::Rejected { event, .. } = &mut fact {
        let shown = world.seen(event, sight);
        let left_out = shown.data != event.data || event_value(&shown) != event_value(event);
        **event = shown;
        if left_out {
            unquoted(&mut fact);
        }
    }
    fact
}

fn unquoted(fact: &mut InboxFact) {
    let instead = Label::PERSONAL.instead();
    match fact {
        InboxFact::Rejected { reason, .. } => *reason = instead.to_owned(),
        InboxFact::Accepted { unread, .. } => unread.iter_mut().for_each(|one| one.reason = instead.to_owned()),
        _ => {}
    }
}

fn item(received_at: String, fact: InboxFact) -> Option<FeedItem> {
    match fact {
        InboxFact::Accepted { id, event, by, started, unread, .. } => Some(FeedItem {
            id,
            status: "accepted".to_owned(),
            received_at,
            by: by.name.to_string(),
            event: shown(&event),
            orchestrations: started,
            unread: unread.into_iter().map(crate::events::unread).collect(),
            code: None,
            reason: None,
        }),
        InboxFact::Rejected { id, event, by, code, reason } => Some(FeedItem {
            id,
            status: "rejected".to_owned(),
            received_at,
            by: by.name.to_string(),
            event: shown(&event),
            orchestrations: Vec::new(),
            unread: Vec::new(),
            code: Some(code.to_string()),
            reason: Some(reason),
        }),
        InboxFact::HandedOn { .. }
        | InboxFact::Ticked { .. }
        | InboxFact::Gathered { .. }
        | InboxFact::BatchClosed { .. }
        | InboxFact::Combined { .. }
        | InboxFact::Said { .. }
        | InboxFact::Delivered { .. }
        | InboxFact::KeyClaimed { .. }
        | InboxFact::Routed { .. }
        | InboxFact::Heard { .. }
        | InboxFact::Spread { .. } => None,
    }
}

fn shown(event: &Event) -> serde_json::Value {
    let mut json = serde_json::json!({
        "specversion": "1.0", "id": event.id, "source": event.source, "type": event.kind, "data": event.data,
    });
    let optional = [("subject", &event.subject), ("time", &event.time), ("dataschema", &event.dataschema)];
    if let Some(map) = json.as_object_mut() {
        map.extend(optional.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.as_deref()?.into()))));
    }
    json
}
