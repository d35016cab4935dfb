//! `provost start`.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value by name gives null where it is absent; it cannot panic")]

use std::path::Path;
use std::process::ExitCode;

use crate::client::Target;
use crate::say::{Failure, data, note};
use crate::verbs::apply::{apply, warn};
use crate::verbs::look::revealing;
use crate::verbs::{Output, json_argument, parse_json, pretty};

/// How long `--wait` waits, in milliseconds.
const WAIT_MS: u64 = 60_000;

/// Start an orchestration by hand: of an active workflow, or of a bundle folder or a lone document, which is published first.
#[derive(Debug, clap::Args)]
pub struct Start {
    /// The workflow's name, a bundle folder, or a workflow document.
    what: String,
    /// The input: JSON, @file, or - for standard input.
    #[arg(long, default_value = "null")]
    input: String,
    /// Wait for the end, up to 60 s.
    #[arg(long)]
    wait: bool,
    /// Show what is personal too; policy is asked whether you may (`value.reveal`).
    #[arg(long)]
    reveal: bool,
    /// What it is about, for people.
    #[arg(long)]
    subject: Option<String>,
    /// The same key never starts twice.
    #[arg(long)]
    key: Option<String>,
    /// Which workflow of the folder, where it holds several.
    #[arg(long)]
    workflow: Option<String>,
    /// Where a destination is: NAME=URL.
    #[arg(long)]
    bind: Vec<String>,
}

/// Whether `path` is the file of a workflow, and no name of one.
fn is_document(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|known| ending == *known))
}

impl Start {
    /// Starts and prints the id, or the end.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let input = parse_json(&json_argument(&self.input)?)?;
        let client = target.connect().await?;
        let folder = Path::new(&self.what);
        let workflow = if folder.is_dir() || is_document(folder) {
            let answer = apply(&client, folder, &self.bind, "started from its folder").await?;
            warn(&answer);
            self.chosen(&answer)?
        } else {
            self.what.clone()
        };
        let mut headers: Vec<(&str, &str)> = Vec::new();
        if let Some(key) = &self.key {
            headers.push(("idempotency-key", key));
        }
        let body = serde_json::json!({ "input": input, "subject": self.subject });
        let mut answer = client.post(&format!("/v1/workflows/{workflow}/orchestrations"), &body, &headers).await?;
        let id = answer["id"].as_str().unwrap_or_default().to_owned();
        // Before the wait: whoever is killed while waiting asks for `last` next.
        let _remembered = std::fs::write(target.data.join("last"), &id);
        if self.wait {
            answer = client.get(&revealing(format!("/v1/orchestrations/{id}?wait_ms={WAIT_MS}"), self.reveal)).await?;
        }
        let code = self.print(&answer, output);
        client.close().await;
        Ok(code)
    }

    fn chosen(&self, answer: &serde_json::Value) -> Result<String, Failure> {
        let names: Vec<String> =
            answer["workflows"].as_array().into_iter().flatten().filter_map(|pair| pair[0].as_str().map(str::to_owned)).collect();
        match (&self.workflow, names.as_slice()) {
            (Some(name), _) => Ok(name.clone()),
            (None, [only]) => Ok(only.clone()),
            (None, _) => {
                Err(Failure::new("workflow", format!("the folder holds {}", names.join(", "))).detail("choose one with `--workflow NAME`"))
            }
        }
    }

    fn print(&self, answer: &serde_json::Value, output: Output) -> ExitCode {
        let status = answer["status"].as_str();
        if output != Output::Table {
            data(&pretty(answer));
        } else {
            let id = answer["id"].as_str().unwrap_or_default();
            if let Some(status) = status {
                note(&format!("{id}  {status}"));
            }
            if status == Some("completed") {
                data(&pretty(&answer["output"]));
            } else if !answer["problem"].is_null() {
                note(&pretty(&answer["problem"]));
            } else {
                data(id);
            }
        }
        match status {
            Some("faulted" | "cancelled" | "parked") => ExitCode::FAILURE,
            _ => ExitCode::SUCCESS,
        }
    }
}
