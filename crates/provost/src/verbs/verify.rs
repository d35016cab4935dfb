//! `provost verify`.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value by name gives null where it is absent; it cannot panic")]

use std::process::ExitCode;

use serde_json::Value as Json;

use crate::client::{Client, Target};
use crate::say::{Failure, data, note};
use crate::verbs::look::meant;
use crate::verbs::{Output, document};

/// Decide again from the record and compare byte for byte. Exit 1 when anything differs.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// An id, an event's id, a subject, or `last`.
    id: Option<String>,
    /// Every journal, and that everything which the inbox journals say was started is there.
    #[arg(long)]
    all: bool,
    /// A chain head kept outside: any change of what stood under it is found. What came after it may come.
    #[arg(long, conflicts_with = "all")]
    head: Option<String>,
}

impl Verify {
    /// Verifies and prints.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let client = target.ask().await?;
        let mut sum = Sum { output, ..Sum::default() };
        match (&self.id, self.all) {
            (Some(id), false) => {
                let id = meant(&client, target, id).await?;
                sum.orchestration(&client, &id, Asked::One(self.head.as_deref())).await?;
            }
            (None, true) => every(&client, &mut sum).await?,
            (_, _) => return Err(Failure::new("usage", "verify what?").detail("give an id, or `--all`")),
        }
        if self.all && output == Output::Table {
            sum.say();
        }
        client.close().await;
        Ok(if sum.equal == sum.orchestrations && sum.findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What is asked about an orchestration.
#[derive(Clone, Copy)]
enum Asked<'a> {
    /// It alone, under a head kept outside or none.
    One(Option<&'a str>),
    /// As one of all.
    Each,
}

/// What was found so far.
#[derive(Default)]
struct Sum {
    output: Output,
    orchestrations: u64,
    equal: u64,
    retired: u64,
    rows: u64,
    facts: u64,
    other: u64,
    inboxes: u64,
    started: u64,
    on_their_way: u64,
    /// What is wrong beside orchestrations that differ.
    findings: u64,
}

impl Sum {
    /// Decides an orchestration again.
    async fn orchestration(&mut self, client: &Client, id: &str, asked: Asked<'_>) -> Result<(), Failure> {
        let found = client.post(&format!("/v1/orchestrations/{id}/verification"), &serde_json::json!({}), &[]).await?;
        let head = found["head"].as_str().unwrap_or_default();
        let kept = match asked {
            Asked::One(Some(kept)) if kept != head && found["retired"].is_null() => stands(client, id, kept).await?,
            Asked::One(Some(kept)) => kept == head,
            Asked::One(None) | Asked::Each => true,
        };
        self.orchestrations += 1;
        self.equal += u64::from(found["equal"] == true && kept);
        self.other += count(&found["other_engine"]);
        self.rows += count(&found["rows"]);
        self.facts += count(&found["facts"]);
        if self.output != Output::Table {
            data(&document(self.output, &found));
        } else if found["equal"] != true {
            data(&format!("{id}  DIFFERS  {}", text(&found["difference"])));
        } else if !kept {
            data(&format!("{id}  DIFFERS  no row of it has the head kept outside; its head is {head}"));
        } else if found["retired"].is_object() {
            let kept = &found["retired"];
            self.retired += 1;
            data(&format!("{id}  retired  {} at {}  head {head}", text(&kept["outcome"]), text(&kept["ended_at"])));
        } else if matches!(asked, Asked::One(_)) {
            let (rows, facts, earlier) = (&found["rows"], &found["facts"], earlier(count(&found["other_engine"])));
            data(&format!("{id}  equal  {rows} rows, {facts} facts{earlier}  head {head}"));
        }
        Ok(())
    }

    /// Looks at an inbox or control journal, and for everything that it says was started.
    async fn journal(&mut self, client: &Client, item: &Json) -> Result<(), Failure> {
        let name = text(&item["name"]);
        let found = client.post(&format!("/v1/journals/{name}/verification"), &serde_json::json!({}), &[]).await?;
        self.inboxes += u64::from(item["kind"] == "inbox");
        self.started += count(&found["started"]);
        self.on_their_way += count(&found["on_their_way"]);
        self.findings += u64::from(found["equal"] != true);
        if self.output != Output::Table {
            data(&document(self.output, &found));
            return Ok(());
        }
        if let Some(difference) = found["difference"].as_str() {
            data(&format!("{name}  DIFFERS  {difference}"));
        }
        let named = found["missing"].as_array().map_or(&[][..], Vec::as_slice);
        for missing in named {
            let event = missing["event"].as_str().map(|event| format!(" of event {event}")).unwrap_or_default();
            let (id, at) = (text(&missing["orchestration"]), count(&missing["sequence"]));
            data(&format!(
                "{id}  MISSING  {name} says at sequence {at}{event} that it was started; neither journal nor tombstone is there"
            ));
        }
        let more = count(&found["missing_count"]).saturating_sub(named.len() as u64);
        if more > 0 {
            data(&format!("{name}  MISSING  {more} more of what it says was started"));
        }
        Ok(())
    }

    /// A list row whose journal is not there.
    fn only_listed(&mut self, item: &Json) {
        self.findings += 1;
        match self.output {
            Output::Table => data(&format!("{}  MISSING  a list row names it; its journal is not there", text(&item["name"]))),
            Output::Json | Output::Jsonl => data(&document(self.output, item)),
        }
    }

    fn say(&self) {
        let left =
            if self.retired > 0 { format!("; {} retired meanwhile, their tombstones are kept", self.retired) } else { String::new() };
        let Self { equal, orchestrations, rows, facts, inboxes, started, on_their_way, .. } = self;
        let other = earlier(self.other);
        data(&format!("{equal} of {orchestrations} orchestrations equal: {rows} rows, {facts} facts decided again{other}{left}"));
        let way = if *on_their_way > 0 { format!(", {on_their_way} of them on their way") } else { String::new() };
        data(&format!("{inboxes} inbox journals name {started} started{way}"));
    }
}

/// Every journal, page by page; nothing but a page is kept.
async fn every(client: &Client, sum: &mut Sum) -> Result<(), Failure> {
    let mut after = String::new();
    loop {
        let page = client.get(&format!("/v1/journals?limit=500{after}")).await?;
        for item in page["items"].as_array().into_iter().flatten() {
            match (text(&item["kind"]), item["rows"] == true) {
                ("orchestration", true) => sum.orchestration(client, text(&item["name"]), Asked::Each).await?,
                ("orchestration", false) => sum.only_listed(item),
                (_, _) => sum.journal(client, item).await?,
            }
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(()),
        }
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
fn earlier(rows: u64) -> String {
    if rows > 0 { format!(", {rows} rows of an earlier engine not decided again") } else { String::new() }
}

fn text(member: &Json) -> &str {
    member.as_str().unwrap_or_default()
}

fn count(member: &Json) -> u64 {
    member.as_u64().unwrap_or(0)
}
