//! `provost check`.

use std::path::PathBuf;
use std::process::ExitCode;

use provost_runtime::language::{Finding, Severity, compile, render};

use crate::compose;
use crate::say::{Failure, data, note};
use crate::verbs::Output;

/// Check a bundle folder or a lone workflow document. Exit 1 with errors.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// The folder or document.
    path: PathBuf,
    /// Findings as JSON on the last line.
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Checks and prints.
    pub fn run(&self, output: Output) -> Result<ExitCode, Failure> {
        let sources = compose::sources(&self.path)?;
        let checked = compile(&sources);
        let mut findings: Vec<serde_json::Value> = checked.findings.iter().filter_map(|f| serde_json::to_value(f).ok()).collect();
        let mut errors = checked.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        if let Some(bundle) = &checked.bundle
            && let Err(refused) = provost_runtime::control_plane::load(provost_runtime::control_plane::stored(bundle))
        {
            errors += 1;
            findings.push(serde_json::json!({ "code": refused.code(), "severity": "error", "message": refused.to_string() }));
            note(&refused.to_string());
        }
        if self.json || output != Output::Table {
            let digest = checked.bundle.as_ref().map(|bundle| bundle.digest.to_string());
            data(&serde_json::json!({ "findings": findings, "errors": errors, "digest": digest }).to_string());
        } else {
            note(&render_all(&checked.findings, &sources));
            if let Some(bundle) = checked.bundle.as_ref().filter(|_| errors == 0) {
                let names: Vec<String> = bundle.workflows.iter().map(|program| format!("{} {}", program.name, program.version)).collect();
                data(&format!("ok  {}  {}", bundle.digest, names.join(", ")));
            }
        }
        Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn render_all(findings: &[Finding], sources: &provost_runtime::language::Sources) -> String {
    render(findings, sources)
}
