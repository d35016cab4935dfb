//! The people of the demonstration: one approves reviews, one looks into the CRM and settles what kills left in doubt.
//!
//! What must stay true: three reviews and the silent case stay for the user; a doubt is settled by what the CRM's ledger says, and only
//! once the CRM has settled.

use crate::demo::At as _;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::stage::{Stage, ledger};
use super::story::text;
use super::{KEPT_CUSTOMERS, SILENT_CASE, outside};
use crate::say::Failure;

/// Longest wait for everything to settle.
const SETTLE_MAX: Duration = Duration::from_secs(90);
/// How long the CRM needs at most for a call that reached it.
const CRM_SETTLES: Duration = Duration::from_millis(1500);

/// What is left for the user.
#[derive(Debug, Default)]
pub struct Left {
    /// Reviews: their id, customer and amount.
    pub reviews: Vec<Json>,
    /// Effects in doubt.
    pub in_doubt: Vec<Json>,
    /// How many doubts were settled by looking into the CRM's ledger.
    pub settled: usize,
}

fn is_kept(review: &Json) -> bool {
    KEPT_CUSTOMERS.iter().any(|customer| review.at("/show/customer") == *customer)
}

/// Approves every open review but those kept for the user.
///
/// # Errors
/// [`Failure`] when the server refuses.
pub async fn approve(stage: &Stage) -> Result<Vec<Json>, Failure> {
    let open = stage.client.get("/v1/reviews").await?;
    let mut kept = Vec::new();
    for review in open.at("/items").as_array().into_iter().flatten() {
        if is_kept(review) {
            kept.push(review.clone());
            continue;
        }
        let body = json!({ "orchestration": review.at("/orchestration"), "option": "approve", "reason": "looked at the order" });
        stage.client.post(&format!("/v1/reviews/{}", text(review.at("/id"))), &body, &[]).await?;
    }
    Ok(kept)
}

/// Until nothing moves any more.
///
/// # Errors
/// [`Failure`] when something never settles.
pub async fn settle(stage: &Stage) -> Result<Left, Failure> {
    let began = Instant::now();
    let mut settled = 0;
    loop {
        let reviews = approve(stage).await?;
        let in_doubt = if began.elapsed() > CRM_SETTLES { doubts(stage, &mut settled).await? } else { Vec::new() };
        let open = open_ids(stage).await?;
        let explained = |id: &String| reviews.iter().chain(&in_doubt).any(|left| left.at("/orchestration") == id.as_str());
        if open.iter().all(explained) && reviews.len() == KEPT_CUSTOMERS.len() && in_doubt.len() == 1 {
            return Ok(Left { reviews, in_doubt, settled });
        }
        if began.elapsed() > SETTLE_MAX {
            let stuck = open.into_iter().filter(|id| !explained(id)).collect::<Vec<_>>().join(", ");
            return Err(Failure::new("demo", format!("not everything settled within {} s", SETTLE_MAX.as_secs())).detail(format!(
                "{} reviews, {} in doubt, still open: {stuck}",
                reviews.len(),
                in_doubt.len()
            )));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Every orchestration, page by page.
///
/// # Errors
/// [`Failure`] when the server does not answer.
pub async fn every(stage: &Stage) -> Result<Vec<Json>, Failure> {
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let page = stage.client.get(&format!("/v1/orchestrations?limit=500{before}")).await?;
        all.extend(page.at("/items").as_array().cloned().unwrap_or_default());
        match page.at("/next").as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return Ok(all),
        }
    }
}

async fn open_ids(stage: &Stage) -> Result<Vec<String>, Failure> {
    let ended = |status: &Json| ["completed", "faulted", "cancelled"].iter().any(|word| status == word);
    Ok(every(stage).await?.iter().filter(|item| !ended(item.at("/status"))).map(|item| text(item.at("/id"))).collect())
}

/// Settles doubts by what the CRM's ledger says; the silent case stays.
async fn doubts(stage: &Stage, settled: &mut usize) -> Result<Vec<Json>, Failure> {
    let open = stage.client.get("/v1/effects?state=in-doubt").await?;
    let mut left = Vec::new();
    for effect in open.at("/items").as_array().into_iter().flatten() {
        let orchestration = text(effect.at("/orchestration"));
        let case = text(stage.client.get(&format!("/v1/orchestrations/{orchestration}")).await?.at("/subject"));
        if case == SILENT_CASE {
            left.push(effect.clone());
            continue;
        }
        let closed = outside::lines(&ledger(stage.folder(), "crm")).map_err(|e| Failure::new("demo", e.to_string()))?;
        let done = closed.iter().any(|line| line.at("/case") == case.as_str());
        let evidence = format!("the CRM's ledger, case {case}: {}", if done { "closed" } else { "not there" });
        let body = json!({ "orchestration": orchestration, "done": done, "evidence": evidence, "reason": "looked into the CRM" });
        stage.client.post(&format!("/v1/effects/{}/resolution", text(effect.at("/id"))), &body, &[]).await?;
        *settled += 1;
    }
    Ok(left)
}
