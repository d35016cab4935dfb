//! Verbs by which a person acts: approve, reject, resolve, redrive, cancel, guard, token, revoke, policies.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value by name gives null where it is absent; it cannot panic")]

use std::process::ExitCode;

use provost_model::ReviewId;
use serde_json::json;

use crate::client::Target;
use crate::say::{Failure, data, note};
use crate::verbs::look::{encoded, meant};
use crate::verbs::{Output, document, json_argument, parse_json};

/// Approve a review: its first option.
#[derive(Debug, clap::Args)]
pub struct Approve {
    /// The review's id.
    review: String,
    /// Why, for the record.
    #[arg(long)]
    reason: String,
    /// What the form asks for: JSON, @file or -.
    #[arg(long, default_value = "null")]
    form: String,
}

/// Reject a review: its second option.
#[derive(Debug, clap::Args)]
pub struct Reject {
    /// The review's id.
    review: String,
    /// Why, for the record.
    #[arg(long)]
    reason: String,
}

/// Settle an effect in doubt by evidence.
#[derive(Debug, clap::Args)]
pub struct Resolve {
    /// The effect's id.
    effect: String,
    /// It was done.
    #[arg(long, conflicts_with = "not_done", required_unless_present = "not_done")]
    done: bool,
    /// It was not done: it is sent once.
    #[arg(long)]
    not_done: bool,
    /// Its result, where that matters: JSON, @file or -.
    #[arg(long, default_value = "null")]
    result: String,
    /// Where that can be seen.
    #[arg(long)]
    evidence: String,
    /// Why, for the record.
    #[arg(long)]
    reason: String,
}

/// Try parked work again, under the same keys.
#[derive(Debug, clap::Args)]
pub struct Redrive {
    /// The orchestration's id, an event's id, a subject, or `last`.
    id: String,
    /// Why, for the record.
    #[arg(long)]
    reason: String,
}

/// Stop an orchestration.
#[derive(Debug, clap::Args)]
pub struct Cancel {
    /// The orchestration's id, an event's id, a subject, or `last`.
    id: String,
    /// Why, for the record.
    #[arg(long)]
    reason: String,
}

/// Set the Guard: what is stopped now, as JSON.
#[derive(Debug, clap::Args)]
pub struct SetGuard {
    /// The Guard: JSON, @file or -; `{}` stops nothing.
    guard: String,
    /// Why, for the record.
    #[arg(long)]
    reason: String,
}

/// The roles that the built-in policies know.
const ROLES: [&str; 5] = ["admin", "operator", "reviewer", "writer", "worker"];

/// Make a named token; it is shown this once.
#[derive(Debug, clap::Args)]
pub struct Token {
    /// Its name.
    #[arg(long)]
    name: String,
    /// Its roles: admin, operator, reviewer, writer, worker.
    #[arg(long = "role", required = true)]
    roles: Vec<String>,
    /// The tenant it belongs to; made where there is none yet. Without it, the caller's own.
    #[arg(long)]
    tenant: Option<String>,
    /// How long it works, in days; without it, until it is revoked.
    #[arg(long)]
    days: Option<u32>,
    /// Why, for the record.
    #[arg(long)]
    reason: String,
}

/// Shut a named token out, at once and for good.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    /// Its name; `provost list principals` shows them.
    name: String,
    /// Why, for the record.
    #[arg(long)]
    reason: String,
}

/// Show the tenant's own policies, or replace them by Cedar files.
#[derive(Debug, clap::Args)]
pub struct Policies {
    /// The files; none: show those that hold.
    files: Vec<std::path::PathBuf>,
    /// Go back to the built-in ones.
    #[arg(long, conflicts_with = "files")]
    built_in: bool,
    /// Why, for the record; needed for a change.
    #[arg(long, required_if_eq("built_in", "true"))]
    reason: Option<String>,
}

/// What was answered: in words for people, else as it came.
fn said_of(answer: &serde_json::Value, output: Output, words: &str) -> ExitCode {
    data(&if output == Output::Table { words.to_owned() } else { document(output, answer) });
    ExitCode::SUCCESS
}

fn done(answer: &serde_json::Value, output: Output) -> ExitCode {
    let words = format!("{}  {}", answer["id"].as_str().unwrap_or_default(), answer["status"].as_str().unwrap_or_default());
    said_of(answer, output, &words)
}

/// An answer to a review.
struct Answer<'a> {
    review: &'a str,
    option: &'a str,
    reason: &'a str,
    form: serde_json::Value,
}

async fn answer(target: &Target, output: Output, given: Answer<'_>) -> Result<ExitCode, Failure> {
    let Answer { review, option, reason, form } = given;
    let client = target.change().await?;
    note(&format!("server {}", client.url()));
    let open = client.get("/v1/reviews").await?;
    let found = open["items"].as_array().into_iter().flatten().find(|item| item["id"] == review);
    let orchestration = found.map(|item| item["orchestration"].clone()).ok_or_else(|| not_open(review))?;
    let body = json!({ "orchestration": orchestration, "option": option, "reason": reason, "form": form });
    let said = client.post(&format!("/v1/reviews/{}", encoded(review)), &body, &[]).await?;
    client.close().await;
    Ok(done(&said, output))
}

/// What is said of a review that is not among the open ones.
fn not_open(review: &str) -> Failure {
    let failure = match review.parse::<ReviewId>() {
        Ok(_) => Failure::new(
            "review-closed",
            format!("review `{review}` is not open: it was answered, is not needed any more, or never was here"),
        ),
        Err(_) => Failure::new("unknown-review", format!("`{review}` is no review")),
    };
    failure.detail("`provost list reviews` shows those that are open")
}

impl Approve {
    /// Answers with the first option.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let form = parse_json(&json_argument(&self.form)?)?;
        answer(target, output, Answer { review: &self.review, option: "approve", reason: &self.reason, form }).await
    }
}

impl Reject {
    /// Answers with the second option.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let form = serde_json::Value::Null;
        answer(target, output, Answer { review: &self.review, option: "reject", reason: &self.reason, form }).await
    }
}

impl Resolve {
    /// Settles it.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let result = parse_json(&json_argument(&self.result)?)?;
        let client = target.change().await?;
        note(&format!("server {}", client.url()));
        let open = client.get("/v1/effects?state=in-doubt").await?;
        let found = open["items"].as_array().into_iter().flatten().find(|item| item["id"] == self.effect.as_str());
        let orchestration = found.map(|item| item["orchestration"].clone()).ok_or_else(|| {
            Failure::new("not-in-doubt", format!("effect `{}` is not in doubt", self.effect))
                .detail("`provost list effects --state in-doubt` shows those that are")
        })?;
        let body = json!({
            "orchestration": orchestration, "done": self.done && !self.not_done, "result": result, "evidence": self.evidence, "reason": self.reason,
        });
        let said = client.post(&format!("/v1/effects/{}/resolution", encoded(&self.effect)), &body, &[]).await?;
        client.close().await;
        Ok(done(&said, output))
    }
}

impl Redrive {
    /// Redrives it.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let client = target.change().await?;
        note(&format!("server {}", client.url()));
        let path = format!("/v1/orchestrations/{}/redrive", meant(&client, target, &self.id).await?);
        let said = client.post(&path, &json!({ "reason": self.reason }), &[]).await?;
        client.close().await;
        Ok(done(&said, output))
    }
}

impl Cancel {
    /// Cancels it.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let client = target.change().await?;
        note(&format!("server {}", client.url()));
        let path = format!("/v1/orchestrations/{}/cancellation", meant(&client, target, &self.id).await?);
        let said = client.post(&path, &json!({ "reason": self.reason }), &[]).await?;
        client.close().await;
        Ok(done(&said, output))
    }
}

impl SetGuard {
    /// Sets it.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let guard = parse_json(&json_argument(&self.guard)?)?;
        let client = target.connect().await?;
        note(&format!("server {}", client.url()));
        let said = client.put("/v1/guard", &json!({ "guard": guard, "reason": self.reason })).await?;
        client.close().await;
        Ok(said_of(&said, output, if said["changed"] == true { "set" } else { "nothing changed" }))
    }
}

impl Token {
    /// Makes it and prints it.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let client = target.connect().await?;
        note(&format!("server {}", client.url()));
        for role in self.roles.iter().filter(|role| !ROLES.contains(&role.as_str())) {
            note(&format!("`{role}` is none of the built-in roles ({}): it may do only what policies of your own say", ROLES.join(", ")));
        }
        let body = json!({ "name": self.name, "roles": self.roles, "reason": self.reason, "tenant": self.tenant, "days": self.days });
        let said = client.post("/v1/principals", &body, &[]).await?;
        client.close().await;
        Ok(said_of(&said, output, said["token"].as_str().unwrap_or_default()))
    }
}

impl Revoke {
    /// Shuts it out.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let client = target.change().await?;
        note(&format!("server {}", client.url()));
        let path = format!("/v1/principals/{}/revocation", encoded(&self.name));
        let said = client.post(&path, &json!({ "reason": self.reason }), &[]).await?;
        client.close().await;
        Ok(said_of(&said, output, if said["changed"] == true { "revoked" } else { "it was revoked already" }))
    }
}

impl Policies {
    /// Prints those that hold, or replaces them.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let shows = self.files.is_empty() && !self.built_in;
        let client = if shows { target.ask().await? } else { target.connect().await? };
        note(&format!("server {}", client.url()));
        if shows {
            let held = client.get("/v1/policies").await?;
            client.close().await;
            data(&document(output, &held));
            return Ok(ExitCode::SUCCESS);
        }
        let reason = self.reason.as_deref().ok_or_else(|| Failure::new("reason", "a change needs `--reason`"))?;
        let mut files = serde_json::Map::new();
        for path in &self.files {
            let unreadable = |e: std::io::Error| Failure::new("unreadable", format!("`{}` cannot be read: {e}", path.display()));
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if files.insert(name.clone(), std::fs::read_to_string(path).map_err(unreadable)?.into()).is_some() {
                return Err(Failure::new("policies", format!("two files are named `{name}`")).detail("rename one of them"));
            }
        }
        let said = client.put("/v1/policies", &json!({ "files": files, "reason": reason })).await?;
        client.close().await;
        Ok(said_of(&said, output, if said["changed"] == true { "set" } else { "nothing changed" }))
    }
}
