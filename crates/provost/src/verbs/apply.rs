//! `provost apply`.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value by name gives null where it is absent; it cannot panic")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use provost_runtime::language::Sources;

use crate::client::{Client, Target};
use crate::compose;
use crate::reading;
use crate::say::{Failure, data, note};
use crate::verbs::{Output, document};

/// How often a binding is tried again that somebody else changes at the same time.
const BIND_TRIES_MAX: u32 = 10;

/// Publish a bundle folder and activate its workflows; bind its destinations, and leave others as they are bound.
#[derive(Debug, clap::Args)]
pub struct Apply {
    /// The bundle folder.
    folder: PathBuf,
    /// Where a destination is: NAME=URL. Beside `bindings/local.yaml`; `provost list bindings` shows all.
    #[arg(long)]
    bind: Vec<String>,
    /// Why, for the record.
    #[arg(long)]
    reason: String,
}

impl Apply {
    /// Publishes and prints the pin.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let client = target.connect().await?;
        let answer = apply(&client, &self.folder, &self.bind, &self.reason).await?;
        if output == Output::Table {
            warn(&answer);
            let workflows: Vec<String> =
                answer["workflows"].as_array().into_iter().flatten().map(|pair| format!("{} {}", text(&pair[0]), text(&pair[1]))).collect();
            data(&format!("applied  {}  {}", text(&answer["digest"]), workflows.join(", ")));
        } else {
            data(&document(output, &answer));
        }
        client.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

fn text(json: &serde_json::Value) -> &str {
    json.as_str().unwrap_or_default()
}

/// Says what is to be looked at in a bundle that was published.
pub(super) fn warn(answer: &serde_json::Value) {
    answer["warnings"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str).for_each(note);
}

/// Publishes a folder through `client`.
///
/// # Errors
/// [`Failure`] with every finding.
pub async fn apply(client: &Client, folder: &Path, bound: &[String], reason: &str) -> Result<serde_json::Value, Failure> {
    let sources = reading::sources(folder)?;
    let destinations = compose::destinations(&sources, bound)?;
    let files = files(&sources)?;
    let answer = client.post("/v1/bundles", &serde_json::json!({ "files": files, "reason": reason }), &[]).await?;
    bind(client, &destinations, reason).await?;
    Ok(answer)
}

/// Adds destinations to those that are bound, and says which are new or moved. What is not named stays where it is.
///
/// # Errors
/// [`Failure`] with the server's refusal.
pub async fn bind(client: &Client, destinations: &BTreeMap<String, String>, reason: &str) -> Result<(), Failure> {
    let mut tries = 0;
    while !destinations.is_empty() {
        let held = client.get("/v1/binding").await?;
        let mut all: BTreeMap<String, String> = serde_json::from_value(held["destinations"].clone()).unwrap_or_default();
        let said: Vec<String> = destinations.iter().filter_map(|(name, url)| moved(name, url, all.get(name))).collect();
        if said.is_empty() {
            break;
        }
        all.extend(destinations.clone());
        let body = serde_json::json!({ "destinations": all, "if_revision": held["revision"], "reason": reason });
        tries += 1;
        match client.put("/v1/binding", &body).await {
            // Somebody else bound something in between; theirs stays too.
            Err(failure) if failure.code() == "CONTROL_REVISION_MOVED" && tries < BIND_TRIES_MAX => {}
            Err(failure) => return Err(failure),
            Ok(_) => {
                said.iter().for_each(|line| note(line));
                break;
            }
        }
    }
    Ok(())
}

/// What is said of a destination that is bound, unless it is there already.
fn moved(name: &str, url: &str, before: Option<&String>) -> Option<String> {
    match before {
        Some(before) if before == url => None,
        Some(before) => Some(format!("bound  {name}  {url}  instead of {before}")),
        None => Some(format!("bound  {name}  {url}")),
    }
}

/// Files as the server takes them. Those that were not read go by their path alone, so that the server refuses them as well.
///
/// # Errors
/// [`Failure`] for one that is not UTF-8.
pub(super) fn files(sources: &Sources) -> Result<serde_json::Map<String, serde_json::Value>, Failure> {
    let mut files: serde_json::Map<String, serde_json::Value> = sources.unread().map(|path| (path.to_string(), "".into())).collect();
    for (path, bytes) in sources.iter() {
        let text = std::str::from_utf8(bytes).map_err(|_| {
            Failure::new("not-utf8", format!("`{path}` is no UTF-8 text, and a bundle is made of text"))
                .detail("save it as UTF-8, or move it out of the folder; names that begin with `.` are left out")
        })?;
        files.insert(path.to_string(), text.into());
    }
    Ok(files)
}
