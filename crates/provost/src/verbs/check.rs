//! `provost check`.
//!
//! What must stay true: a lone document is judged by its own findings; the bundle around it only says what its names mean.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use provost_runtime::check;
use provost_runtime::language::{Bundle, Checked, Code, Finding, Paint, Severity, Sources, render_for};

use crate::reading;
use crate::say::{self, Failure, data, note};
use crate::verbs::{Output, apply};

/// Check a bundle folder or a lone workflow document. Exit 1 with errors.
///
/// A document that names agents, rules, actions or contracts is read together with the bundle it stands in: the folder that holds its
/// `workflows/`, or its own folder where a `provost.yaml` stands. Its own findings decide; those of other files are counted. With `--json`
/// the findings are the last line.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// The folder or document.
    path: PathBuf,
}

/// What was read and what came of it.
pub(super) struct Read {
    pub(super) sources: Sources,
    pub(super) checked: Checked,
    /// The bundle around a lone document, and how many findings its other files have.
    around: Option<(PathBuf, usize)>,
    /// The lone document's name among the sources, where there is a bundle around it.
    pub(super) document: Option<String>,
}

impl Check {
    /// Checks and prints.
    pub fn run(&self, output: Output) -> Result<ExitCode, Failure> {
        let Read { sources, checked, around, .. } = read(&self.path)?;
        let mut findings: Vec<serde_json::Value> = checked.findings.iter().filter_map(|f| serde_json::to_value(f).ok()).collect();
        let mut errors = checked.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        if let Some(refused) = checked.bundle.as_ref().filter(|_| around.is_none()).and_then(|bundle| unpublishable(bundle, &sources)) {
            errors += 1;
            findings.push(serde_json::json!({ "code": refused.code(), "severity": "error", "message": refused.to_string() }));
            say::tell(&refused);
        }
        if let Some((root, others)) = around.as_ref().filter(|(_, others)| *others > 0) {
            note(&format!("other files of the bundle have {others} findings; `provost check {}` shows them", root.display()));
        }
        if output != Output::Table {
            let digest = checked.bundle.as_ref().map(|bundle| bundle.digest.to_string());
            let bundle = around.map(|(root, _)| root.display().to_string());
            data(&serde_json::json!({ "findings": findings, "errors": errors, "digest": digest, "bundle": bundle }).to_string());
        } else {
            tell(&checked.findings, &sources);
            if let Some(bundle) = checked.bundle.as_ref().filter(|_| errors == 0) {
                let names: Vec<String> = bundle.workflows.iter().map(|program| format!("{} {}", program.name, program.version)).collect();
                data(&format!("ok  {}  {}", bundle.digest, names.join(", ")));
            } else if errors == 0 {
                data("ok  the document alone; the bundle around it has errors");
            }
        }
        Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What would stop a bundle without errors on its way to a server, or there.
fn unpublishable(bundle: &Bundle, sources: &Sources) -> Option<Failure> {
    let loaded = provost_runtime::control_plane::load(provost_runtime::control_plane::stored(bundle));
    loaded.err().map(Failure::from).or_else(|| apply::files(sources).err())
}

/// Findings on standard error, and how many there are.
fn tell(findings: &[Finding], sources: &Sources) {
    if findings.is_empty() {
        return;
    }
    let counted = |severity: Severity, word: &str| {
        let count = findings.iter().filter(|finding| finding.severity == severity).count();
        (count > 0).then(|| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
    };
    let counts: Vec<String> = [counted(Severity::Error, "error"), counted(Severity::Warning, "warning")].into_iter().flatten().collect();
    note(&format!("{}{}", render_for(findings, sources, paint()), counts.join(", ")));
}

/// Colours only where somebody sees them and does not object (<https://no-color.org>).
fn paint() -> Paint {
    let refused =
        std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if std::io::stderr().is_terminal() && !refused { Paint::Colours } else { Paint::Plain }
}

/// Reads `path`; a lone document whose names refer to nothing is read again in the bundle around it.
pub(super) fn read(path: &Path) -> Result<Read, Failure> {
    let sources = reading::sources(path)?;
    let checked = check(&sources);
    let lost = path.is_file() && checked.findings.iter().any(|finding| finding.code == Code::UnknownReference);
    let place = if lost { enclosing(path) } else { None };
    let Some((root, name)) = place else { return Ok(Read { sources, checked, around: None, document: None }) };
    let mut sources = reading::parts(&root)?;
    sources.add(&name, reading::bytes(path)?);
    let mut checked = check(&sources);
    let all = checked.findings.len();
    checked.findings.retain(|finding: &Finding| *finding.file == *name);
    let others = all - checked.findings.len();
    Ok(Read { sources, checked, around: Some((root, others)), document: Some(name) })
}

/// The folder of the bundle in which a document stands, and the document's name inside it.
fn enclosing(document: &Path) -> Option<(PathBuf, String)> {
    let document = document.canonicalize().ok()?;
    let folder = document.parent()?;
    let over = folder.ancestors().find(|over| over.file_name().is_some_and(|name| name == "workflows")).and_then(Path::parent);
    let root = over.or_else(|| Some(folder).filter(|folder| folder.join("provost.yaml").is_file()))?;
    let name = document.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/");
    Some((root.to_owned(), name))
}
