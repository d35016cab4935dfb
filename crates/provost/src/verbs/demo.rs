//! `provost demo`.

use crate::demo::At as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::client::Target;
use crate::demo::account::{self, Account};
use crate::demo::people::{self, Left};
use crate::demo::stage::{self, Stage};
use crate::demo::{SILENT_CASE, report, story, stricter};
use crate::say::{Failure, data, note};
use crate::verbs::Output;

/// How many payments lose their answer.
const ANSWERS_LOST: usize = 14;
/// The data folder's default, which the demonstration does not touch.
const USUAL_DATA: &str = ".provost";

/// Watch it: 205 refund requests, three kills in mid-traffic, and outside services that count what was done. About 20 s.
///
/// With `--json` the last line is a summary.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Without pauses between batches.
    #[arg(long)]
    fast: bool,
    /// Only run the two outside services of an earlier demonstration, until Ctrl-C.
    #[arg(long)]
    outside: bool,
}

impl Demo {
    /// Plays, counts and prints. Success only if nothing was lost or doubled and everything verifies.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        if self.outside {
            return outside(&target.data).await;
        }
        let (folder, began) = (folder(target)?, Instant::now());
        data(&format!("Provost's demonstration, kept in {}", folder.display()));
        let mut stage = Stage::set(&folder, ANSWERS_LOST).await?;
        data(&format!(
            "  server {}, payments {}, crm {}: four processes, this one only watches",
            stage.server.url, stage.payments.url, stage.crm.url
        ));
        story::apply(&stage).await?;
        let pace = Duration::from_millis(if self.fast { 20 } else { 700 });
        let sent = story::play(&mut stage, pace).await?;
        data("  everything is sent; waiting until all is settled");
        let left = people::settle(&stage).await?;
        let account = account::take(&stage, &sent, &left).await?;
        let stricter = stricter::ask(&stage).await?;
        report::table(&sent, &left, &account);
        report::what_if(&stricter);
        explained(&stage, &account, &left).await?;
        report::next(&folder, &left);
        tokio::task::block_in_place(|| stage.server.stop());
        let held = account.holds() && sent.rejected.is_empty() && stricter.equal == stricter.asked;
        data(&format!("\n{} after {:.1} s", if held { "Nothing lost, nothing doubled" } else { "BROKEN" }, began.elapsed().as_secs_f64()));
        if output != Output::Table {
            data(&report::summary(&folder, &sent, &left, &account, &stricter, began.elapsed().as_millis()).to_string());
        }
        Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// One explanation: of the request in doubt.
async fn explained(stage: &Stage, account: &Account, left: &Left) -> Result<(), Failure> {
    let denied = account.denied.first().map(|denied| denied.at("/orchestration").clone());
    let Some(id) = left.in_doubt.first().map(|effect| effect.at("/orchestration").clone()).or(denied) else { return Ok(()) };
    let id = id.as_str().unwrap_or_default().to_owned();
    data(&format!("\nONE OF THEM EXPLAINED  {SILENT_CASE}"));
    for verb in ["explain", "journal"] {
        let program = std::env::current_exe().map_err(|e| Failure::new("demo", e.to_string()))?;
        let mut command = tokio::process::Command::new(program);
        let said =
            command.args([verb, &id, "--server", &stage.server.url]).output().await.map_err(|e| Failure::new("demo", e.to_string()))?;
        if said.status.success() {
            data(String::from_utf8_lossy(&said.stdout).trim_end());
            return Ok(());
        }
    }
    let seen: Json = stage.client.get(&format!("/v1/orchestrations/{id}")).await?;
    data(&crate::verbs::pretty(&seen));
    Ok(())
}

/// A folder of its own: the one given, or the next free one beside the usual data folder.
fn folder(target: &Target) -> Result<PathBuf, Failure> {
    let folder = if target.data == Path::new(USUAL_DATA) {
        let free = (1..10_000).map(|number| PathBuf::from(format!("{USUAL_DATA}-demo/{number}"))).find(|path| !path.exists());
        free.ok_or_else(|| {
            Failure::new("demo", "there are 9,999 demonstrations here").detail("remove some, or name a folder with `--data`")
        })?
    } else {
        target.data.clone()
    };
    if folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::new("demo", format!("`{}` is not empty", folder.display())).detail("name a new folder with `--data`"));
    }
    std::fs::create_dir_all(&folder).map_err(|e| Failure::new("unwritable", format!("`{}` cannot be made: {e}", folder.display())))?;
    std::path::absolute(&folder).map_err(|e| Failure::new("demo", e.to_string()))
}

/// The outside services, at their old addresses.
async fn outside(folder: &Path) -> Result<ExitCode, Failure> {
    if !folder.join("outside").is_dir() {
        return Err(Failure::new("demo", format!("`{}` holds no demonstration", folder.display())).detail("name its folder with `--data`"));
    }
    let payments = stage::outside(folder, "payments", &[]).await?;
    let crm = stage::outside(folder, "crm", &[]).await?;
    note(&format!("payments at {}, crm at {}; Ctrl-C ends them", payments.url, crm.url));
    let _interrupted = tokio::signal::ctrl_c().await;
    Ok(ExitCode::SUCCESS)
}
