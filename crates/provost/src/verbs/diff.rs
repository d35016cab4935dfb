//! `provost diff`.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value by name gives null where it is absent; it cannot panic")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use provost_runtime::StoredBundle;
use provost_runtime::language::difference::{Side, difference};
use provost_runtime::language::{Severity, render};
use serde_json::{Value as Json, json};

use crate::client::{Client, Target};
use crate::reading;
use crate::say::{Failure, data, note};
use crate::verbs::apply::files;
use crate::verbs::{Output, document};

/// What a bundle changes in meaning, and what it would have decided otherwise about work under way. Nothing is published.
///
/// With a server or a data folder, each orchestration under way is decided again under the new bundle: identically so far, or the first
/// fact that differs. It keeps its version either way.
#[derive(Debug, clap::Args)]
pub struct Diff {
    /// What it was: a bundle folder, a pin (`sha256:…`), or `active`.
    before: String,
    /// What it is to be: a bundle folder.
    after: PathBuf,
}

impl Diff {
    /// Compares and prints.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let published = self.before == "active" || self.before.starts_with("sha256:");
        let asked = published || target.server.is_some() || target.data.join("format.json").is_file();
        let mut found = match published {
            true => json!({ "changes": [] }),
            false => json!({ "changes": folders(Path::new(&self.before), &self.after)? }),
        };
        if asked {
            let client = target.ask().await?;
            let answer = self.ask(&client).await;
            client.close().await;
            let (changes, running) = answer?;
            if published {
                found["changes"] = changes;
            }
            found["running"] = running;
        }
        if output != Output::Table {
            data(&document(output, &found));
        } else {
            said(&found, asked);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What the server says: changes against what is published, and work under way, page by page.
    async fn ask(&self, client: &Client) -> Result<(Json, Json), Failure> {
        let mut body = json!({ "files": files(&reading::sources(&self.after)?)? });
        if self.before.starts_with("sha256:") {
            body["against"] = json!(self.before);
        }
        let (mut changes, mut running) = (Json::Null, Vec::new());
        loop {
            let mut page = client.post("/v1/bundles/comparison", &body, &[]).await?;
            if changes.is_null() {
                changes = page["changes"].take();
            }
            running.extend(page["running"].as_array().cloned().unwrap_or_default());
            if page["next"].is_null() {
                return Ok((changes, running.into()));
            }
            body["after"] = page["next"].take();
        }
    }
}

/// What changes from one folder to the other.
fn folders(before: &Path, after: &Path) -> Result<Json, Failure> {
    let (before, after) = (compiled(before)?, compiled(after)?);
    let side = |bundle: &'_ StoredBundle| -> (Vec<_>, Vec<_>) { (bundle.programs.clone(), bundle.policies.clone()) };
    let ((old, old_policies), (new, new_policies)) = (side(&before), side(&after));
    let changes = difference(Side { programs: &old, policies: &old_policies }, Side { programs: &new, policies: &new_policies });
    serde_json::to_value(changes).map_err(|e| Failure::new("malformed", e.to_string()))
}

fn compiled(folder: &Path) -> Result<StoredBundle, Failure> {
    let sources = reading::sources(folder)?;
    let checked = provost_runtime::check(&sources);
    let Some(bundle) = checked.bundle else {
        let errors: Vec<_> = checked.findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
        let what = format!("`{}` has errors", folder.display());
        return Err(Failure::new("bundle-invalid", what).detail(render(&errors, &sources)));
    };
    Ok(provost_runtime::control_plane::stored(&bundle))
}

fn said(found: &Json, asked: bool) {
    let changes = found["changes"].as_array().map_or(&[][..], Vec::as_slice);
    for change in changes {
        let word = match (change["before"].is_null(), change["after"].is_null()) {
            (true, _) => "added",
            (false, true) => "removed",
            (false, false) => "changed",
        };
        let (subject, name, part) = (text(&change["subject"]), text(&change["name"]), text(&change["part"]));
        let place = if part.is_empty() { name.to_owned() } else { format!("{name}  {part}") };
        data(&format!("{word:<8} {subject:<9} {place}{}", values(change)));
    }
    if changes.is_empty() {
        data("nothing changes in meaning");
    }
    if !asked {
        note("work under way was not looked at: give `--server`, or `--data` with a data folder");
        return;
    }
    let running = found["running"].as_array().map_or(&[][..], Vec::as_slice);
    for one in running {
        let (id, workflow, status) = (text(&one["orchestration"]), text(&one["workflow"]), text(&one["status"]));
        let what = match text(&one["verdict"]) {
            "identical" => format!("decided identically so far: {} facts", one["facts"]),
            "differs" => format!("differs at sequence {}: {}", one["sequence"], text(&one["difference"])),
            _ => "has no such workflow there".to_owned(),
        };
        data(&format!("{id}  {workflow}  {status}  {what}"));
    }
    let identical = running.iter().filter(|one| one["verdict"] == "identical").count();
    data(&format!("{identical} of {} under way decided identically so far; each keeps the version it was started with", running.len()));
}

fn values(change: &Json) -> String {
    match (change["before"].as_str(), change["after"].as_str()) {
        (Some(before), Some(after)) => format!(": {before} -> {after}"),
        (Some(one), None) | (None, Some(one)) => format!(": {one}"),
        (None, None) => String::new(),
    }
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_default()
}
