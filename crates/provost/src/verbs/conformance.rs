//! `provost conformance`: feature files on this very build, for `cargo xtask conformance`.
//!
//! What must stay true: what a scenario does not script is carried out by the binary's own hands, over real HTTP to a stub on loopback;
//! one line of JSON for each scenario, in order, and a summary last.

mod stub;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use provost_sim::conformance::{ConformanceError, Report, Scenario, Setting, Status, run, scenarios, sources};
use provost_store::Blobs;
use provost_worker::BuiltIn;

use crate::hands::OwnHands;
use crate::say::{Failure, data, note};
use crate::verbs::Output;

/// How many scenarios run at a time.
const THREADS: usize = 4;
/// The hosts that the upstream kit calls, and the name under which our own kit knows the stub.
const HOSTS: [&str; 3] = ["petstore.swagger.io", "httpbin.org", "stub"];

/// Run the scenarios of feature files on the compiler and engine of this build, in virtual time. Exit 1 when one fails.
#[derive(Debug, clap::Args)]
pub struct Conformance {
    /// A folder with feature files; may be given several times.
    #[arg(long = "dir", required = true)]
    folders: Vec<PathBuf>,
    /// Files that every scenario's bundle has.
    #[arg(long)]
    parts: Option<PathBuf>,
    /// Documents that scenarios name: `a workflow from 'NAME'`.
    #[arg(long)]
    documents: Option<PathBuf>,
    /// Only the scenarios whose `feature/name` holds this text.
    #[arg(long)]
    only: Option<String>,
}

impl From<ConformanceError> for Failure {
    fn from(error: ConformanceError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl Conformance {
    /// Runs them.
    pub fn run(&self, output: Output) -> Result<ExitCode, Failure> {
        let json = output != Output::Table;
        match self.ran(json) {
            Err(failure) if json => {
                data(&serde_json::json!({ "error": failure.code(), "reason": failure.to_string() }).to_string());
                Err(failure)
            }
            ran => ran,
        }
    }

    fn ran(&self, json: bool) -> Result<ExitCode, Failure> {
        let mut found = Vec::new();
        for folder in &self.folders {
            let read = scenarios(folder)?;
            if read.is_empty() {
                return Err(Failure::new("conformance-empty", format!("`{}` holds no scenario", folder.display())));
            }
            found.extend(read);
        }
        let chosen = |feature: &str, name: &str| self.only.as_ref().is_none_or(|only| format!("{feature}/{name}").contains(only));
        found.retain(|one| match one {
            Ok(scenario) => chosen(&scenario.feature, &scenario.name),
            Err(broken) => chosen(&broken.feature, &broken.scenario),
        });
        let setting = self.setting()?;
        let reports = all(&setting, &found);
        let count = |status| reports.iter().filter(|report| report.status == status).count();
        let (pass, fail, skip) = (count(Status::Pass), count(Status::Fail), count(Status::Skip));
        for report in &reports {
            Self::say(report, json);
        }
        if json {
            let total = reports.len();
            data(&serde_json::json!({ "scenarios": total, "pass": pass, "fail": fail, "skip": skip }).to_string());
        } else {
            data(&format!("{} scenarios: {pass} pass, {fail} fail, {skip} skip", reports.len()));
        }
        Ok(if fail == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn setting(&self) -> Result<Setting, Failure> {
        let stub = stub::start().map_err(|e| Failure::new("conformance-stub", format!("the stub cannot listen on loopback: {e}")))?;
        let destinations: BTreeMap<String, String> = HOSTS.iter().map(|host| ((*host).to_owned(), format!("http://{stub}"))).collect();
        let worker = BuiltIn::new().map_err(|e| Failure::new("http-client", e.to_string()))?;
        // No scenario keeps contents: a folder that is not there holds none.
        let blobs = Blobs::of_folder(&std::env::temp_dir().join("provost-conformance-keeps-nothing"));
        let spans = provost_telemetry::Spans::off();
        let hands = Arc::new(OwnHands::new(worker, tokio::runtime::Handle::current(), spans, blobs));
        let parts = self.parts.as_deref().map(sources).transpose()?.unwrap_or_default();
        let documents = self.documents.as_deref().map(sources).transpose()?.unwrap_or_default();
        Ok(Setting { hands, destinations, echo: Some(format!("http://{stub}/anything")), parts, documents })
    }

    fn say(report: &Report, json: bool) {
        let Report { feature, scenario, status, reason } = report;
        if json {
            let line = serde_json::json!({ "feature": feature, "scenario": scenario, "status": status.as_str(), "reason": reason });
            data(&line.to_string());
        } else if *status != Status::Pass {
            note(&format!("{:5} {feature}: {scenario}\n      {reason}", status.as_str()));
        }
    }
}

/// Every scenario, several at a time; reports in order.
fn all(setting: &Setting, scenarios: &[Result<Scenario, Report>]) -> Vec<Report> {
    let one = |scenario: &Result<Scenario, Report>| match scenario {
        Ok(scenario) => run(setting, scenario),
        Err(broken) => broken.clone(),
    };
    let mut reports: Vec<(usize, Report)> = std::thread::scope(|scope| {
        let share = |share: usize| {
            let mine = scenarios.iter().enumerate().skip(share).step_by(THREADS);
            move || mine.map(|(at, scenario)| (at, one(scenario))).collect::<Vec<_>>()
        };
        let running: Vec<_> = (0..THREADS).map(|at| scope.spawn(share(at))).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    reports.sort_by_key(|(at, _)| *at);
    reports.into_iter().map(|(_, report)| report).collect()
}
