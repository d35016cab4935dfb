//! What happens: the bundle is applied, events are sent in batches, and the server is killed in mid-traffic.
//!
//! What must stay true: an event that was not acknowledged is sent again under the same id, until it is.

use crate::demo::At as _;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::people;
use super::stage::Stage;
use super::{BUNDLE, EVENTS};
use crate::say::{Failure, data};

/// Events of one batch.
const BATCH: usize = 10;
/// The batches during which the server is killed, and how many milliseconds after they were sent.
const KILLS: [(usize, u64); 3] = [(5, 3), (10, 6), (15, 12)];
/// Longest a batch is tried.
const TRIED_MAX: Duration = Duration::from_secs(60);

/// What the sender knows.
#[derive(Debug, Default)]
pub struct Sent {
    /// Requests by their number: what was asked for.
    pub asked: BTreeMap<String, Json>,
    /// Deliveries: every copy of every event.
    pub deliveries: usize,
    /// Events that were acknowledged.
    pub acknowledged: BTreeMap<String, Vec<String>>,
    /// Acknowledged as new.
    pub accepted: usize,
    /// Acknowledged as known: the first answer was lost.
    pub duplicates: usize,
    /// Refused, with the reason.
    pub rejected: Vec<String>,
    /// How long the server took to be back after each kill, in milliseconds.
    pub back_ms: Vec<u128>,
}

/// Applies the bundle and binds its destinations to the outside services.
///
/// # Errors
/// [`Failure`] with the server's answer.
pub async fn apply(stage: &Stage) -> Result<(), Failure> {
    let files: serde_json::Map<String, Json> = BUNDLE.iter().map(|(path, text)| ((*path).to_owned(), (*text).into())).collect();
    stage.client.post("/v1/bundles", &json!({ "files": files, "reason": "the demonstration" }), &[]).await?;
    let destinations = json!({ "payments": stage.payments.url, "crm": stage.crm.url });
    stage.client.put("/v1/binding", &json!({ "destinations": destinations, "reason": "the demonstration's services" })).await?;
    Ok(())
}

/// Sends everything, with the kills.
///
/// # Errors
/// [`Failure`] when the server does not come back, or refuses what it should take.
pub async fn play(stage: &mut Stage, pace: Duration) -> Result<Sent, Failure> {
    let mut sent = Sent::default();
    let events: Vec<Json> = EVENTS.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for event in &events {
        sent.asked.insert(text(event.at("/subject")), event.at("/data").clone());
    }
    for (at, batch) in events.chunks(BATCH).enumerate() {
        if let Some((_, after_ms)) = KILLS.iter().find(|(when, _)| *when == at) {
            kill(stage, &mut sent, batch, *after_ms).await?;
        }
        deliver(stage, &mut sent, batch).await?;
        if !KILLS.iter().any(|(when, _)| *when == at + 1) {
            tokio::time::sleep(pace).await;
        }
        if at % 4 == 3 {
            people::approve(stage).await?;
        }
    }
    Ok(sent)
}

/// Sends a batch and kills the server while it is under way.
async fn kill(stage: &mut Stage, sent: &mut Sent, batch: &[Json], after_ms: u64) -> Result<(), Failure> {
    sent.deliveries += batch.len();
    let (client, body) = (stage.client.clone(), body(batch));
    let sending = tokio::spawn(async move { client.post_as("/v1/events", "application/cloudevents-batch+json", body).await });
    tokio::time::sleep(Duration::from_millis(after_ms)).await;
    stage.server.kill();
    let began = Instant::now();
    if let Ok(Ok(answers)) = sending.await {
        note_answers(sent, batch, &answers);
    }
    stage.raise().await?;
    stage.client.get("/healthz").await?;
    let (number, seen) = (sent.back_ms.len() + 1, text(&json!(stage.server.url)));
    probe(stage, sent, number).await?;
    let back_ms = began.elapsed().as_millis();
    sent.back_ms.push(back_ms);
    data(&format!("  kill {number} of {}: SIGKILL with {} events under way; back in {back_ms} ms at {seen}", KILLS.len(), batch.len()));
    Ok(())
}

/// A new orchestration from start to end.
async fn probe(stage: &Stage, sent: &mut Sent, number: usize) -> Result<(), Failure> {
    let id = format!("R-probe-{number}");
    let asked = json!({ "requestId": id, "customer": { "id": format!("c-probe-{number}") }, "amount": 1000 + number, "currency": "EUR",
        "message": "The first one after a kill: charged twice." });
    sent.asked.insert(id.clone(), asked.clone());
    let body = json!({ "input": asked, "subject": id });
    let headers = [("prefer", "wait=30"), ("idempotency-key", id.as_str())];
    let ended = stage.client.post("/v1/workflows/refund-triage/orchestrations", &body, &headers).await?;
    if ended.at("/status") == "completed" || ended.at("/effects").is_array() {
        return Ok(());
    }
    Err(Failure::new("demo", format!("the server came back, but `{id}` did not end within 30 s")))
}

fn body(batch: &[Json]) -> Vec<u8> {
    Json::Array(batch.to_vec()).to_string().into_bytes()
}

/// Sends a batch until every event of it is acknowledged.
async fn deliver(stage: &Stage, sent: &mut Sent, batch: &[Json]) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        sent.deliveries += batch.len();
        match stage.client.post_as("/v1/events", "application/cloudevents-batch+json", body(batch)).await {
            Ok(answers) => {
                note_answers(sent, batch, &answers);
                return Ok(());
            }
            Err(failure) if began.elapsed() > TRIED_MAX => return Err(failure),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn note_answers(sent: &mut Sent, batch: &[Json], answers: &Json) {
    for (event, answer) in batch.iter().zip(answers.as_array().into_iter().flatten()) {
        match answer.at("/status").as_str() {
            Some("accepted") => sent.accepted += 1,
            Some("duplicate") => sent.duplicates += 1,
            Some(_) | None => {
                sent.rejected.push(format!("{}: {}", text(event.at("/id")), answer.at("/problem")));
                continue;
            }
        }
        let started: Vec<String> = answer.at("/orchestrations").as_array().into_iter().flatten().map(text).collect();
        sent.acknowledged.entry(text(event.at("/subject"))).or_default().extend(started);
    }
}

/// Text of a JSON text.
pub fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}
