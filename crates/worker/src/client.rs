//! An external worker: claims batches over HTTP, reports with the next claim.

use std::time::Duration;

use provost_api::exchange::{CAPACITY_MAX, Exchange, Exchanged, Report, Work};
use provost_model::record::Attempted;

/// How an external worker is set up.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The server's base URL.
    pub server: String,
    /// The worker's name.
    pub worker: String,
    /// The queues it serves.
    pub queues: Vec<String>,
    /// Most work of one claim.
    pub capacity: u32,
    /// How long it waits for work, in milliseconds.
    pub wait_ms: u64,
    /// Its bearer token.
    pub token: Option<String>,
}

/// Why a worker stopped.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[source] reqwest::Error),
}

/// Pause after a failed exchange, in milliseconds.
const PAUSE_MS: u64 = 100;

/// Serves one connection until `stop` says so; `answer` carries out one attempt, and must not take longer than the lease.
///
/// # Errors
/// [`WorkerError`] when it cannot begin. A failed exchange is tried again: reports are kept until they were taken.
pub async fn serve(config: &WorkerConfig, answer: impl Fn(&Work) -> Attempted, stop: impl Fn() -> bool) -> Result<(), WorkerError> {
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build().map_err(WorkerError::Client)?;
    let url = format!("{}/v1/workers/exchange", config.server.trim_end_matches('/'));
    let mut reports: Vec<Report> = Vec::new();
    while !stop() || !reports.is_empty() {
        let exchange = Exchange {
            worker: config.worker.clone(),
            queues: config.queues.clone(),
            capacity: if stop() { 0 } else { config.capacity.min(CAPACITY_MAX) },
            wait_ms: config.wait_ms,
            reports: reports.clone(),
        };
        match exchanged(&client, &url, config, &exchange).await {
            Some(answered) => {
                reports = answered.work.iter().map(|work| Report { lease: work.lease.clone(), result: answer(work), took_ms: 0 }).collect();
            }
            None if stop() => return Ok(()),
            None => tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await,
        }
    }
    Ok(())
}

async fn exchanged(client: &reqwest::Client, url: &str, config: &WorkerConfig, exchange: &Exchange) -> Option<Exchanged> {
    let within = Duration::from_millis(config.wait_ms + 10_000);
    let mut request = client.post(url).timeout(within).json(exchange);
    if let Some(token) = &config.token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.ok()?;
    if !answer.status().is_success() {
        tracing::warn!(status = answer.status().as_u16(), "the exchange was refused");
        return None;
    }
    answer.json().await.ok()
}
