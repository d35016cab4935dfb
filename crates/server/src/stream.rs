//! `GET /v1/orchestrations/{id}/stream`: an orchestration followed to its end, as server-sent events.
//!
//! | event | its payload |
//! |---|---|
//! | `rows` | the rows that were not sent yet, as `GET …/journal` shows them; the last of an orchestration that ended ends the stream |
//! | `refused` | the last event too, with a problem document: the caller may not read on, or the server cannot |
//!
//! Its lifecycle events are followed the same way, by `GET …/events?follow`.
//!
//! What must stay true: the journal is read only when it has grown; the credential and policy are asked again every [`CHECK_EVERY`],
//! because a stream may last for days and a right may not; a stream never ends without saying why, unless the server itself goes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query as Parameters, State};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use provost_model::marks::Sight;
use provost_model::record::Row;
use provost_model::value::canonical;
use provost_model::{OrchestrationId, Value};
use provost_runtime::Follower;
use provost_runtime::engine::lifecycle::LifecycleEvent;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::App;
use crate::auth::{Caller, Credential, Revealing};
use crate::lifecycle::{Telling, Wanted};
use crate::orchestrations::{may_read, orchestration_of, row_json, rows};
use crate::path::Named;
use crate::refusal::Refusal;

/// How long a caller that may no longer read can go on, at most.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// The pause between two looks at the journal of something busy.
const PAUSE: Duration = Duration::from_millis(50);

/// `GET /v1/orchestrations/{id}/stream`.
pub async fn stream(
    State(app): State<App>,
    credential: Credential,
    Named(id): Named,
    Parameters(Revealing { reveal }): Parameters<Revealing>,
) -> Result<Response, Refusal> {
    let caller = credential.caller(&app)?;
    let sight = caller.sight(&app, &reveal, orchestration_of(id))?;
    let _exists = rows(&app, &caller, id, 0).await?;
    Ok(followed(app, credential, caller, id, Shows::Rows { sent: 0, sight }))
}

/// The lifecycle events of an orchestration, as they come.
///
/// # Errors
/// The refusal.
pub async fn lifecycle(app: App, credential: Credential, id: OrchestrationId, wanted: Wanted) -> Result<Response, Refusal> {
    let caller = credential.caller(&app)?;
    let _exists = rows(&app, &caller, id, 0).await?;
    let telling = Telling::begin(&app, &caller, id, wanted).await?;
    Ok(followed(app, credential, caller, id, Shows::Lifecycle(Box::new(telling))))
}

fn followed(app: App, credential: Credential, caller: Caller, id: OrchestrationId, shows: Shows) -> Response {
    let now = Instant::now();
    let follower = app.node.plane.follow(id);
    let (check_at, unsent) = (now + CHECK_EVERY, VecDeque::new());
    let following = Following { app, credential, caller, id, follower, shows, unsent, check_at, look_at: now, over: false };
    let events = futures::stream::unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((Ok::<_, Infallible>(event), following))
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

/// What of an orchestration is followed.
enum Shows {
    /// Its rows.
    Rows {
        /// The sequence up to which they were sent.
        sent: u64,
        /// How far whoever follows sees.
        sight: Sight,
    },
    /// Its lifecycle events.
    Lifecycle(Box<Telling>),
}

/// One who follows.
struct Following {
    app: App,
    credential: Credential,
    caller: Caller,
    id: OrchestrationId,
    follower: Follower,
    shows: Shows,
    /// Events that wait for their turn.
    unsent: VecDeque<Sent>,
    check_at: Instant,
    look_at: Instant,
    over: bool,
}

impl Following {
    /// The next event; `None` behind the last.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some(sent) = self.unsent.pop_front() {
                return Some(sent);
            }
            if self.over {
                return None;
            }
            if let Err(refusal) = self.more().await {
                self.over = true;
                let problem = serde_json::to_string(refusal.body()).unwrap_or_default();
                return Some(Sent::default().event("refused").data(problem));
            }
        }
    }

    /// Looks until there are rows that were not seen yet, and takes what they say.
    async fn more(&mut self) -> Result<(), Refusal> {
        let rows = self.grown().await?;
        match &mut self.shows {
            Shows::Rows { sent, sight } => {
                *sent = rows.last().map_or(*sent, |row| row.head().sequence);
                let view = self.app.node.plane.view(&self.caller.tenant, self.id, *sent).await;
                self.over = view.is_ok_and(|view| view.state.is_ended());
                let json = serde_json::json!(rows.iter().map(|row| row_json(row, *sight)).collect::<Vec<_>>());
                self.unsent.push_back(Sent::default().id(sent.to_string()).event("rows").data(json.to_string()));
            }
            Shows::Lifecycle(telling) => {
                let events = telling.next(&rows)?;
                self.over = telling.is_over();
                self.unsent.extend(told(&events));
            }
        }
        Ok(())
    }

    fn sight(&self) -> Sight {
        match &self.shows {
            Shows::Rows { sight, .. } => *sight,
            Shows::Lifecycle(telling) => telling.sight(),
        }
    }

    /// Rows that were not seen yet, once there are some.
    async fn grown(&mut self) -> Result<Vec<Row>, Refusal> {
        let seen = match &self.shows {
            Shows::Rows { sent, .. } => *sent,
            Shows::Lifecycle(telling) => telling.sequence(),
        };
        loop {
            if self.check_at <= Instant::now() {
                self.caller = self.credential.caller(&self.app)?;
                may_read(&self.app, &self.caller, self.id)?;
                if self.sight() == Sight::Revealed {
                    self.caller.may(&self.app, "value.reveal", orchestration_of(self.id), Value::empty())?;
                }
                self.check_at = Instant::now() + CHECK_EVERY;
            }
            if timeout_at(self.check_at, self.follower.grown()).await.is_err() {
                continue;
            }
            sleep_until(self.look_at).await;
            self.look_at = Instant::now() + PAUSE;
            let rows = self.app.node.plane.journal(&self.caller.tenant, self.id, seen).await?;
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
    }
}

/// Lifecycle events, each as one sent. Only the last of a fact says where to go on behind it.
fn told(events: &[LifecycleEvent]) -> Vec<Sent> {
    let following = events.iter().skip(1).map(|event| Some(event.sequence)).chain([None]);
    let sent = events.iter().zip(following).map(|(event, next)| {
        let sent = Sent::default().event("lifecycle").data(canonical(&event.to_value()));
        if next == Some(event.sequence) { sent } else { sent.id(event.sequence.to_string()) }
    });
    sent.collect()
}
