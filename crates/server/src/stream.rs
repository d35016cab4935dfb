//! `GET /v1/orchestrations/{id}/stream`: an orchestration followed to its end, as server-sent events.
//!
//! | event | its payload |
//! |---|---|
//! | `rows` | the rows that were not sent yet, as `GET …/journal` shows them; the last of an orchestration that ended ends the stream |
//! | `refused` | the last event too, with a problem document: the caller may not read on, or the server cannot |
//!
//! What must stay true: the journal is read only when it has grown; the credential and policy are asked again every [`CHECK_EVERY`],
//! because a stream may last for days and a right may not; a stream never ends without saying why, unless the server itself goes.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use provost_model::OrchestrationId;
use provost_model::record::Row;
use provost_runtime::Follower;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::App;
use crate::auth::{Caller, Credential};
use crate::orchestrations::{id, may_read, row_json, rows};
use crate::refusal::Refusal;

/// How long a caller that may no longer read can go on, at most.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// The pause between two looks at the journal of something busy.
const PAUSE: Duration = Duration::from_millis(50);

/// `GET /v1/orchestrations/{id}/stream`.
pub async fn stream(
    State(app): State<App>,
    credential: Credential,
    Path(text): Path<String>,
) -> Result<Sse<impl futures::Stream<Item = Result<Sent, Infallible>>>, Refusal> {
    let id: OrchestrationId = id(&text)?;
    let caller = credential.caller(&app)?;
    let _exists = rows(&app, &caller, id, 0).await?;
    let now = Instant::now();
    let follower = app.node.plane.follow(id);
    let following = Following { app, credential, caller, id, follower, sent: 0, check_at: now + CHECK_EVERY, look_at: now, over: false };
    let events = futures::stream::unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((Ok(event), following))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// One who follows.
struct Following {
    app: App,
    credential: Credential,
    caller: Caller,
    id: OrchestrationId,
    follower: Follower,
    /// The sequence up to which rows were sent.
    sent: u64,
    check_at: Instant,
    look_at: Instant,
    over: bool,
}

impl Following {
    /// The next event; `None` behind the last.
    async fn next(&mut self) -> Option<Sent> {
        if self.over {
            return None;
        }
        match self.grown().await {
            Ok(rows) => Some(self.shown(&rows).await),
            Err(refusal) => {
                self.over = true;
                let problem = serde_json::to_string(refusal.body()).unwrap_or_default();
                Some(Sent::default().event("refused").data(problem))
            }
        }
    }

    /// Rows that were not sent yet, once there are some.
    async fn grown(&mut self) -> Result<Vec<Row>, Refusal> {
        loop {
            if self.check_at <= Instant::now() {
                self.caller = self.credential.caller(&self.app)?;
                may_read(&self.app, &self.caller, self.id)?;
                self.check_at = Instant::now() + CHECK_EVERY;
            }
            if timeout_at(self.check_at, self.follower.grown()).await.is_err() {
                continue;
            }
            sleep_until(self.look_at).await;
            self.look_at = Instant::now() + PAUSE;
            let rows = self.app.node.plane.journal(&self.caller.tenant, self.id, self.sent).await?;
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
    }

    /// The event of these rows; the last one where the orchestration ended with them.
    async fn shown(&mut self, rows: &[Row]) -> Sent {
        self.sent = rows.last().map_or(self.sent, |row| row.head().sequence);
        let view = self.app.node.plane.view(&self.caller.tenant, self.id, self.sent).await;
        self.over = view.is_ok_and(|view| view.state.is_ended());
        let json = serde_json::json!(rows.iter().map(row_json).collect::<Vec<_>>());
        Sent::default().id(self.sent.to_string()).event("rows").data(json.to_string())
    }
}
