//! `provost start`.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value by name gives null where it is absent; it cannot panic")]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use provost_runtime::language::Sources;

use crate::client::{Client, Target};
use crate::say::{Failure, data, note};
use crate::verbs::apply::{apply, bind, warn};
use crate::verbs::look::{encoded, revealing};
use crate::verbs::{Output, document, json_argument, parse_json, pretty};
use crate::{compose, reading};

/// How long it waits before it asks again, where the server answers before its time.
const ASK_PAUSE: Duration = Duration::from_millis(100);
/// The exit code of a wait that ran out.
const STILL_UNDER_WAY: u8 = 3;

/// Start an orchestration by hand: of an active workflow, or of a bundle folder or a lone document, which is published first.
///
/// With `--wait`, exit code 0 says that it completed, 1 that it ended otherwise or parked, 3 that it was still under way when the time was
/// up; it goes on. Exit code 2: it was not started, or could not be asked.
#[derive(Debug, clap::Args)]
pub struct Start {
    /// The workflow's name; or a path with `/` in it, `.`, or FILE.yaml: a bundle folder or a workflow document.
    what: String,
    /// The input: JSON, @file, or - for standard input.
    #[arg(long, default_value = "null")]
    input: String,
    /// Wait for the end, up to so many seconds; 60 where none are named.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "60")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=86_400))]
    wait: Option<u32>,
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

/// Whether `what` is a path. A bare name is a workflow's, whatever stands in the working directory.
fn is_path(what: &str) -> bool {
    let document = Path::new(what).extension().is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|known| ending == *known));
    matches!(what, "." | "..") || what.contains(['/', std::path::MAIN_SEPARATOR]) || (document && Path::new(what).is_file())
}

impl Start {
    /// Starts and prints the id, or the end.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let input = parse_json(&json_argument(&self.input)?)?;
        let bound = compose::destinations(&Sources::new(), &self.bind)?;
        let mut client = self.reached(target).await?;
        let workflow = if is_path(&self.what) {
            let answer = apply(&client, Path::new(&self.what), &self.bind, "started from its folder").await?;
            warn(&answer);
            self.chosen(&answer)?
        } else {
            bind(&client, &bound, "bound for a start").await?;
            self.what.clone()
        };
        let mut headers: Vec<(&str, &str)> = Vec::new();
        if let Some(key) = &self.key {
            headers.push(("idempotency-key", key));
        }
        let body = serde_json::json!({ "input": input, "subject": self.subject });
        let started = client.post(&format!("/v1/workflows/{}/orchestrations", encoded(&workflow)), &body, &headers).await;
        let mut answer = started.map_err(|failure| self.beside_a_folder(failure))?;
        let id = answer["id"].as_str().unwrap_or_default().to_owned();
        // Before the wait: whoever is killed while waiting asks for `last` next.
        let _remembered = std::fs::write(target.data.join("last"), &id);
        if let Some(seconds) = self.wait {
            answer = self.waited(target, &mut client, &id, Duration::from_secs(seconds.into())).await?;
        }
        let code = self.print(&answer, output);
        client.close().await;
        Ok(code)
    }

    /// A server for what is to be started: only what is published can make a data folder.
    async fn reached(&self, target: &Target) -> Result<Client, Failure> {
        if !is_path(&self.what) {
            if Path::new(&self.what).is_dir() {
                note(&format!("`{0}` is taken for an active workflow; the folder is `./{0}`", self.what));
            }
            return target.change().await.map_err(|failure| self.beside_a_folder(failure));
        }
        match std::fs::metadata(&self.what) {
            Ok(_) => target.connect().await,
            Err(e) => Err(reading::unreadable(Path::new(&self.what), &e)),
        }
    }

    /// Where there is no such workflow, the folder of that name was perhaps meant.
    fn beside_a_folder(&self, failure: Failure) -> Failure {
        let absent = matches!(failure.code(), "unknown-workflow" | "STORE_ABSENT");
        let folder = !is_path(&self.what) && Path::new(&self.what).is_dir();
        if absent && folder { failure.detail(format!("for the folder write `provost start ./{}`", self.what)) } else { failure }
    }

    /// The orchestration when it ended or parked, or as it stands when the time is up. The server may be another verb's, which ends before.
    async fn waited(&self, target: &Target, client: &mut Client, id: &str, wait: Duration) -> Result<serde_json::Value, Failure> {
        let until = Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let path = revealing(format!("/v1/orchestrations/{id}?wait_ms={}", left.as_millis()), self.reveal);
            match client.get(&path).await {
                Ok(answer) if left < ASK_PAUSE || is_settled(&answer) => return Ok(answer),
                Ok(_) => tokio::time::sleep(ASK_PAUSE).await,
                Err(failure) if matches!(failure.code(), "unreachable" | "stopping") && target.server.is_none() && !left.is_zero() => {
                    *client = target.change().await?;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    fn chosen(&self, answer: &serde_json::Value) -> Result<String, Failure> {
        let names: Vec<String> =
            answer["workflows"].as_array().into_iter().flatten().filter_map(|pair| pair[0].as_str().map(str::to_owned)).collect();
        match (&self.workflow, names.as_slice()) {
            (Some(name), _) if names.contains(name) => Ok(name.clone()),
            (None, [only]) => Ok(only.clone()),
            (Some(name), _) => Err(Failure::new("no-workflow", format!("there is no workflow `{name}` in `{}`", self.what))
                .detail(format!("there are {}", names.join(", ")))),
            (None, _) => {
                Err(Failure::new("workflow", format!("the folder holds {}", names.join(", "))).detail("choose one with `--workflow NAME`"))
            }
        }
    }

    fn print(&self, answer: &serde_json::Value, output: Output) -> ExitCode {
        let status = answer["status"].as_str();
        if output != Output::Table {
            data(&document(output, answer));
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
            Some("completed") => ExitCode::SUCCESS,
            _ if self.wait.is_some() => {
                note("  it is still under way; `provost explain last` says what it waits for, and a server goes on with it");
                ExitCode::from(STILL_UNDER_WAY)
            }
            _ => ExitCode::SUCCESS,
        }
    }
}

/// Whether it goes on no further by itself.
fn is_settled(answer: &serde_json::Value) -> bool {
    matches!(answer["status"].as_str(), Some("completed" | "faulted" | "cancelled" | "parked"))
}
