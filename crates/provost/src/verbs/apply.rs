//! `provost apply`.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value by name gives null where it is absent; it cannot panic")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use provost_runtime::language::Sources;

use crate::client::{Client, Target};
use crate::compose;
use crate::say::{Failure, data, note};
use crate::verbs::{Output, pretty};

/// Publish a bundle folder and activate its workflows; bind its destinations.
#[derive(Debug, clap::Args)]
pub struct Apply {
    /// The bundle folder.
    folder: PathBuf,
    /// Where a destination is: NAME=URL. Beside `bindings/local.yaml`.
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
            data(&pretty(&answer));
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
pub async fn apply(client: &Client, folder: &Path, bind: &[String], reason: &str) -> Result<serde_json::Value, Failure> {
    let sources = compose::sources(folder)?;
    let destinations = compose::destinations(Some(folder), bind)?;
    let files = files(&sources)?;
    let answer = client.post("/v1/bundles", &serde_json::json!({ "files": files, "reason": reason }), &[]).await?;
    if !destinations.is_empty() {
        client.put("/v1/binding", &serde_json::json!({ "destinations": destinations, "reason": reason })).await?;
    }
    Ok(answer)
}

/// Files as the server takes them.
///
/// # Errors
/// [`Failure`] for one that is not UTF-8.
pub(super) fn files(sources: &Sources) -> Result<serde_json::Map<String, serde_json::Value>, Failure> {
    let mut files = serde_json::Map::new();
    for (path, bytes) in sources.iter() {
        let text = std::str::from_utf8(bytes).map_err(|_| {
            Failure::new("not-utf8", format!("`{path}` is no UTF-8 text, and a bundle is made of text"))
                .detail("save it as UTF-8, or move it out of the folder; names that begin with `.` are left out")
        })?;
        files.insert(path.to_string(), text.into());
    }
    Ok(files)
}
