//! `provost rebuild`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use provost_runtime::rebuild::{Error, Progress, Report, folder};

use crate::client::Target;
use crate::say::{Failure, data, note};
use crate::verbs::Output;

/// How often it is said how far it is.
const SAID_EVERY: Duration = Duration::from_millis(500);

/// Derive every table of a data folder again from its journals: open work, remembered answers, lists. The server must be stopped. Every
/// chain is looked at first; exit 1 with the row's name, and nothing changed, where one is damaged. Can be run again after it was broken off.
///
/// With `--json` the last line is a summary.
#[derive(Debug, clap::Args)]
pub struct Rebuild {}

impl Rebuild {
    /// Rebuilds and says what came back.
    pub fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let json = output != Output::Table;
        let (begun, mut said) = (Instant::now(), None);
        let mut progress = |progress: Progress| {
            let new_part = match progress {
                Progress::Checking(_) => true,
                Progress::Reading(..) => false,
                Progress::Deriving(_, so_far, _) => so_far.journals <= 1,
            };
            if new_part || said.is_none_or(|at: Instant| at.elapsed() >= SAID_EVERY) {
                said = Some(Instant::now());
                note(&line(&progress));
            }
        };
        match folder(&target.data, provost_runtime::now_us(), &mut progress) {
            Ok(report) => {
                if json {
                    data(&summary(&report, begun.elapsed()).to_string());
                } else {
                    data(&said_of(&report));
                }
                Ok(ExitCode::SUCCESS)
            }
            Err(error @ Error::Damaged { .. }) => {
                note(&format!("provost: {error} [{}]\n  {}", error.code(), error.hint()));
                if let (true, Error::Damaged { damages }) = (json, &error) {
                    data(&serde_json::json!({ "rebuilt": false, "code": error.code(), "damages": damages }).to_string());
                }
                Ok(ExitCode::FAILURE)
            }
            Err(error @ Error::Refused(_)) => Err(Failure::new(error.code(), error.to_string()).detail(error.hint())),
        }
    }
}

fn line(progress: &Progress) -> String {
    match progress {
        Progress::Checking(index) => format!("partition {index}: looking at every chain"),
        Progress::Reading(index, so_far, journals) => {
            format!("partition {index}: read {} of {journals} journals, {} rows; nothing is changed yet", so_far.journals, so_far.rows)
        }
        Progress::Deriving(index, so_far, journals) => {
            format!("partition {index}: derived {} of {journals} journals, {} rows", so_far.journals, so_far.rows)
        }
    }
}

fn summary(report: &Report, took: Duration) -> serde_json::Value {
    let mut json = serde_json::to_value(report).unwrap_or_default();
    if let Some(members) = json.as_object_mut() {
        members.insert("rebuilt".to_owned(), true.into());
        members.insert("took_ms".to_owned(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX).into());
    }
    json
}

fn said_of(report: &Report) -> String {
    let total = &report.total;
    let mut lines = vec![format!(
        "rebuilt from {} rows in {} journals: {} unfinished orchestrations, {} remembered answers, {} list rows, {} tenants",
        total.rows, total.journals, total.open_work, total.seen, total.summaries, report.tenants
    )];
    lines.extend(report.tables_made.iter().map(|table| format!("made anew: {table}")));
    lines.join("\n")
}
