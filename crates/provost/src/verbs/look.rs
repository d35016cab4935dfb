//! `provost list`, `get`, `journal`.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value by name gives null where it is absent; it cannot panic")]

use std::process::ExitCode;

use clap::ValueEnum;
use provost_runtime::engine::explain::one_line;
use serde_json::{Value as Json, json};

use crate::client::{Client, Target};
use crate::say::{Failure, data, note};
use crate::verbs::{Output, document, pretty};

/// Most matches shown where an id is ambiguous.
const MATCHES_SHOWN: usize = 20;

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Noun {
    Orchestrations,
    Reviews,
    Effects,
    DeadLetters,
    Bundles,
    Bindings,
    Principals,
    Events,
}

/// List orchestrations, reviews, effects, dead-letters, events, bundles, bindings or principals.
#[derive(Debug, clap::Args)]
pub struct List {
    /// What.
    #[arg(value_enum)]
    noun: Noun,
    /// Only this state: of orchestrations their status, of effects in-doubt or conflict, of reviews open, of events accepted or rejected,
    /// of those of an orchestration the beginning of their type (`workflow.`, `task.faulted`).
    #[arg(long)]
    state: Option<String>,
    /// Only this subject.
    #[arg(long)]
    subject: Option<String>,
    /// Of events: the life of this orchestration, by its id, an event's id, a subject, or `last`.
    #[arg(long)]
    of: Option<String>,
    /// Most entries.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Show what is personal too; policy is asked whether you may (`value.reveal`).
    #[arg(long)]
    reveal: bool,
}

impl List {
    /// Lists and prints.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        self.fits()?;
        let client = target.ask().await?;
        let (path, columns): (String, &[&str]) = match self.noun {
            Noun::Orchestrations => (self.orchestrations(), &["id", "workflow", "version", "status", "started_at"]),
            Noun::Reviews => (self.of_state("/v1/reviews"), &["id", "orchestration", "queue", "title", "opened_at"]),
            Noun::Effects => (self.of_state("/v1/effects"), &["id", "orchestration", "name", "class", "state", "attempts"]),
            Noun::DeadLetters => ("/v1/dead-letters".to_owned(), &["id", "workflow", "version", "status", "started_at"]),
            Noun::Events if self.of.is_some() => (self.life(&client, target).await?, &["time", "type", "position"]),
            Noun::Events => {
                let status = self.state.as_ref().map(|state| format!("&status={}", encoded(state))).unwrap_or_default();
                (format!("/v1/events?limit={}{status}", self.limit), &["id", "status", "received_at", "by", "code"])
            }
            Noun::Principals => ("/v1/principals".to_owned(), &["name", "roles", "prefix", "revoked"]),
            Noun::Bundles => ("/v1/bundles".to_owned(), &["workflow", "version", "bundle"]),
            Noun::Bindings => ("/v1/binding".to_owned(), &["destination", "address"]),
        };
        let mut answer = client.get(&revealing(path, self.reveal)).await?;
        if self.noun == Noun::Bindings {
            answer = bindings(&answer);
        }
        let mut items = answer.get("items").unwrap_or(&answer).as_array().cloned().unwrap_or_default();
        let more = goes_on(&answer) || items.len() > self.limit as usize;
        items.truncate(self.limit as usize);
        if more {
            note(&format!("there are more than these {}: say `--limit N` for more of them", items.len()));
        }
        match output {
            Output::Json => data(&pretty(&answer)),
            Output::Jsonl => items.iter().for_each(|item| data(&item.to_string())),
            Output::Table => data(&table(&items, columns)),
        }
        client.close().await;
        Ok(ExitCode::SUCCESS)
    }

    /// Refuses what says nothing about this noun; it would be passed over.
    fn fits(&self) -> Result<(), Failure> {
        if self.of.is_some() && self.noun != Noun::Events {
            return Err(Failure::new("of", "only events are of an orchestration").detail("say `provost list events --of ID`"));
        }
        if self.subject.is_some() && self.noun != Noun::Orchestrations {
            return Err(Failure::new("usage", "only orchestrations are listed by their subject").detail("leave `--subject` out"));
        }
        let stateless = matches!(self.noun, Noun::DeadLetters | Noun::Bundles | Noun::Bindings | Noun::Principals);
        if self.state.is_some() && stateless {
            return Err(Failure::new("usage", "these are not listed by a state").detail("leave `--state` out"));
        }
        Ok(())
    }

    /// A list, or those of a state of it.
    fn of_state(&self, path: &str) -> String {
        self.state.as_ref().map_or_else(|| path.to_owned(), |state| format!("{path}?state={}", encoded(state)))
    }

    /// Where the lifecycle events of an orchestration are; `--state` is the beginning of their type.
    async fn life(&self, client: &Client, target: &Target) -> Result<String, Failure> {
        let id = meant(client, target, self.of.as_deref().unwrap_or_default()).await?;
        let kind = self.state.as_ref().map(|kind| format!("&type={}", encoded(kind))).unwrap_or_default();
        Ok(format!("/v1/orchestrations/{id}/events?limit={}{kind}", self.limit))
    }

    fn orchestrations(&self) -> String {
        let mut path = format!("/v1/orchestrations?limit={}", self.limit);
        for (name, value) in [("status", &self.state), ("subject", &self.subject)] {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", encoded(value)));
            }
        }
        path
    }
}

/// Destinations as a list.
fn bindings(answer: &Json) -> Json {
    let bound = answer["destinations"].as_object().into_iter().flatten();
    let items: Vec<Json> = bound.map(|(name, address)| json!({ "destination": name, "address": address })).collect();
    json!({ "items": items, "revision": answer["revision"] })
}

/// Whether the server has more than it answered: it names the next page.
fn goes_on(answer: &Json) -> bool {
    answer["more"].as_bool().unwrap_or_else(|| !answer["next"].is_null())
}

/// `path`, asked with `?reveal` where somebody wants to see all of it.
pub(crate) fn revealing(path: String, reveal: bool) -> String {
    match (reveal, path.contains('?')) {
        (false, _) => path,
        (true, true) => format!("{path}&reveal"),
        (true, false) => format!("{path}?reveal"),
    }
}

/// Percent-encodes a query value.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn cell(json: &Json) -> String {
    match json {
        Json::Null => "–".to_owned(),
        Json::String(text) => one_line(text).into_owned(),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => json.to_string(),
    }
}

fn table(items: &[Json], columns: &[&str]) -> String {
    let rows: Vec<Vec<String>> = items.iter().map(|item| columns.iter().map(|column| cell(&item[*column])).collect()).collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).chain([column.len()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let head: Vec<String> = columns.iter().map(|column| column.to_uppercase()).collect();
    std::iter::once(line(&head)).chain(rows.iter().map(|row| line(row))).collect::<Vec<_>>().join("\n")
}

/// The id a person means: an orchestration's own, an event's, a subject, or `last`, the last one started from this data folder. Several
/// matches are told and never guessed from.
pub(crate) async fn meant(client: &Client, target: &Target, id: &str) -> Result<String, Failure> {
    if id == "last" {
        let last = std::fs::read_to_string(target.data.join("last"));
        return last.map_err(|_| {
            Failure::new("last", "nothing was started from this data folder yet")
                .detail("give an id; `provost list orchestrations` shows them")
        });
    }
    if id.starts_with("orc_") {
        return Ok(encoded(id));
    }
    let by = if id.starts_with("evt_") { "event" } else { "subject" };
    let found = client.get(&format!("/v1/orchestrations?{by}={}&limit={MATCHES_SHOWN}", encoded(id))).await?;
    match found["items"].as_array().map(Vec::as_slice).unwrap_or_default() {
        [one] => Ok(one["id"].as_str().unwrap_or_default().to_owned()),
        [] => Err(Failure::new("no-match", format!("nothing has the {by} `{id}`"))
            .detail("give an orchestration's id, an event's id, a subject or `last`; `provost list orchestrations` shows them")),
        several => {
            let shown = several.iter().map(|one| format!("{}  {}  {}", cell(&one["id"]), cell(&one["workflow"]), cell(&one["status"])));
            Err(Failure::new("several-matches", format!("several orchestrations have the {by} `{id}`; say which"))
                .detail(shown.collect::<Vec<_>>().join("\n")))
        }
    }
}

/// Show an orchestration as it stands, or as it stood at a sequence.
#[derive(Debug, clap::Args)]
pub struct Get {
    /// Its id, an event's id, a subject, or `last`.
    id: String,
    /// As it stood at this sequence.
    #[arg(long)]
    at: Option<u64>,
    /// Show what is personal too; policy is asked whether you may (`value.reveal`).
    #[arg(long)]
    reveal: bool,
}

impl Get {
    /// Prints it as JSON.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let client = target.ask().await?;
        let query = self.at.map(|at| format!("?at={at}")).unwrap_or_default();
        let path = format!("/v1/orchestrations/{}{query}", meant(&client, target, &self.id).await?);
        let answer = client.get(&revealing(path, self.reveal)).await?;
        data(&document(output, &answer));
        client.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// Print the journal of an orchestration: every row with command, ambient, facts and intents.
#[derive(Debug, clap::Args)]
pub struct Journal {
    /// Its id, an event's id, a subject, or `last`.
    id: String,
    /// Show what is personal too; policy is asked whether you may (`value.reveal`).
    #[arg(long)]
    reveal: bool,
}

impl Journal {
    /// Prints the facts, or the rows as JSON.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let client = target.ask().await?;
        let path = format!("/v1/orchestrations/{}/journal", meant(&client, target, &self.id).await?);
        let answer = client.get(&revealing(path, self.reveal)).await?;
        let rows = answer["rows"].as_array().cloned().unwrap_or_default();
        match output {
            Output::Json => data(&pretty(&answer)),
            Output::Jsonl => rows.iter().for_each(|row| data(&row.to_string())),
            Output::Table => rows.iter().for_each(print_row),
        }
        client.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

fn print_row(row: &Json) {
    let first = row["sequence"].as_u64().unwrap_or(0);
    for (sequence, fact) in (first..).zip(row["payload"]["facts"].as_array().into_iter().flatten()) {
        let (kind, body) = match fact {
            Json::Object(map) => map.iter().next().map(|(kind, body)| (kind.clone(), body.to_string())).unwrap_or_default(),
            other => (cell(other), String::new()),
        };
        let body: String = body.chars().take(120).collect();
        data(&format!("{}  {sequence:>4}  {kind:<18} {body}", cell(&row["recorded_at"])));
    }
}
