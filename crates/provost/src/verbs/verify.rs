//! `provost verify`.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value by name gives null where it is absent; it cannot panic")]

use std::process::ExitCode;

use crate::client::{Client, Target};
use crate::say::{Failure, data, note};
use crate::verbs::look::meant;
use crate::verbs::{Output, pretty};

/// Decide again from the record and compare byte for byte. Exit 1 when anything differs.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// An id, an event's id, a subject, or `last`.
    id: Option<String>,
    /// Every orchestration.
    #[arg(long)]
    all: bool,
    /// A chain head kept outside: any change of what stood under it is found. What came after it may come.
    #[arg(long, conflicts_with = "all")]
    head: Option<String>,
}

impl Verify {
    /// Verifies and prints.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let client = target.connect().await?;
        let ids = match (&self.id, self.all) {
            (Some(id), false) => vec![meant(&client, target, id).await?],
            (None, true) => every(&client).await?,
            (_, _) => return Err(Failure::new("usage", "verify what?").detail("give an id, or `--all`")),
        };
        let (mut equal, mut retired, mut rows, mut facts, mut other) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
        for id in &ids {
            let found = client.post(&format!("/v1/orchestrations/{id}/verification"), &serde_json::json!({}), &[]).await?;
            let head = found["head"].as_str().unwrap_or_default();
            let kept = match self.head.as_deref() {
                Some(kept) if kept != head && found["retired"].is_null() => stands(&client, id, kept).await?,
                Some(kept) => kept == head,
                None => true,
            };
            if found["equal"] == true && kept {
                equal += 1;
            }
            other += found["other_engine"].as_u64().unwrap_or(0);
            rows += found["rows"].as_u64().unwrap_or(0);
            facts += found["facts"].as_u64().unwrap_or(0);
            if output != Output::Table {
                data(&pretty(&found));
            } else if found["equal"] != true {
                data(&format!("{id}  DIFFERS  {}", found["difference"].as_str().unwrap_or_default()));
            } else if !kept {
                data(&format!("{id}  DIFFERS  no row of it has the head kept outside; its head is {head}"));
            } else if let Some(kept) = found["retired"].as_object() {
                retired += 1;
                data(&format!("{id}  retired  {} at {}  head {head}", text(kept.get("outcome")), text(kept.get("ended_at"))));
            } else if !self.all {
                data(&format!(
                    "{id}  equal  {} rows, {} facts{}  head {head}",
                    found["rows"],
                    found["facts"],
                    earlier(&found["other_engine"])
                ));
            }
        }
        if self.all && output == Output::Table {
            let left = if retired > 0 { format!("; {retired} retired meanwhile, their tombstones are kept") } else { String::new() };
            data(&format!(
                "{equal} of {} orchestrations equal: {rows} rows, {facts} facts decided again{}{left}",
                ids.len(),
                earlier(&other.into())
            ));
        }
        client.close().await;
        Ok(if equal == ids.len() as u64 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Whether `kept` is the head of a row before the last. The verification has followed the chain through it.
async fn stands(client: &Client, id: &str, kept: &str) -> Result<bool, Failure> {
    let journal = client.get(&format!("/v1/orchestrations/{id}/journal")).await?;
    let at = journal["rows"].as_array().into_iter().flatten().find(|row| row["chain"] == kept);
    if let Some(row) = at {
        let sequence = row["sequence"].as_u64().unwrap_or(0) + row["facts"].as_u64().unwrap_or(1) - 1;
        note(&format!("the head kept outside is that of sequence {sequence}; the journal went on after it"));
    }
    Ok(at.is_some())
}

/// What was folded without being decided again.
fn earlier(rows: &serde_json::Value) -> String {
    if rows.as_u64() > Some(0) { format!(", {rows} rows of an earlier engine not decided again") } else { String::new() }
}

fn text(member: Option<&serde_json::Value>) -> &str {
    member.and_then(serde_json::Value::as_str).unwrap_or_default()
}

/// Every orchestration's id, page by page.
async fn every(client: &Client) -> Result<Vec<String>, Failure> {
    let (mut ids, mut before) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/orchestrations?limit=500{before}")).await?;
        ids.extend(page["items"].as_array().into_iter().flatten().filter_map(|item| item["id"].as_str().map(str::to_owned)));
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return Ok(ids),
        }
    }
}
