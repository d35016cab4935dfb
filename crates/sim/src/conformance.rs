//! The conformance runner: scenarios in Gherkin, each on the real compiler, partition and engine, in virtual time.
//!
//! What must stay true: a scenario passes only when every step was understood and held, and when its journals, decided again, come out
//! byte for byte; a document that is refused as "not yet" is skipped with the refusal's own words, any other refusal that the scenario
//! does not expect is a failure. What is absent: sockets and asynchronous code. What must really leave goes through the setting's hands.

mod act;
mod feature;
mod holds;
mod order;
pub(crate) mod run;
pub(crate) mod said;
mod steps;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_language::{Code, Finding, Sources};
use provost_runtime::Hands;

pub use feature::{FeatureError, Scenario, Step, read};
pub use run::BEGIN_US;

/// What all scenarios share.
pub struct Setting {
    /// Who carries out what no scenario scripts.
    pub hands: Arc<dyn Hands>,
    /// Destination -> base URL.
    pub destinations: BTreeMap<String, String>,
    /// Files that every bundle has unless a scenario brings its own of that name.
    pub parts: Sources,
}

/// What became of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Every step held.
    Pass,
    /// A step did not hold, or was not understood.
    Fail,
    /// Its document uses what cannot be executed yet.
    Skip,
}

impl Status {
    /// As written in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

/// One scenario's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file, without ending.
    pub feature: String,
    /// The scenario's name.
    pub scenario: String,
    /// What became of it.
    pub status: Status,
    /// Why it did not pass; empty where it did.
    pub reason: String,
}

/// Why a scenario does not go on.
#[derive(Debug)]
pub enum Failure {
    /// The document was refused.
    Refused(Vec<Finding>),
    /// A command, an event or a start was refused.
    Command {
        /// The refusal's code.
        code: String,
        /// What it says.
        why: String,
    },
    /// A step is not understood.
    Step(String),
    /// Something does not hold, or cannot be.
    Broken(String),
}

/// Why features cannot be run at all.
#[derive(Debug, thiserror::Error)]
pub enum ConformanceError {
    /// A file or folder cannot be read.
    #[error("`{path}` cannot be read: {source}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A feature file is not one.
    #[error(transparent)]
    Feature(#[from] FeatureError),
}

impl ConformanceError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "conformance-read",
            Self::Feature(error) => error.code(),
        }
    }
}

/// The scenarios of every `.feature` file below `folder`, in order of their paths.
///
/// # Errors
/// [`ConformanceError`] for the first file that cannot be read.
pub fn scenarios(folder: &Path) -> Result<Vec<Scenario>, ConformanceError> {
    let mut found = Vec::new();
    for path in files(folder)? {
        if path.extension().is_some_and(|ending| ending == "feature") {
            let text = std::fs::read_to_string(&path).map_err(|source| ConformanceError::Read { path: path.clone(), source })?;
            found.extend(read(&path.file_stem().unwrap_or_default().to_string_lossy(), &text)?);
        }
    }
    Ok(found)
}

/// Every file below `folder`, as sources named from there; none where there is no such folder.
///
/// # Errors
/// [`ConformanceError::Read`].
pub fn sources(folder: &Path) -> Result<Sources, ConformanceError> {
    let mut sources = Sources::new();
    for path in if folder.is_dir() { files(folder)? } else { Vec::new() } {
        let bytes = std::fs::read(&path).map_err(|source| ConformanceError::Read { path: path.clone(), source })?;
        sources.add(&path.strip_prefix(folder).unwrap_or(&path).to_string_lossy(), bytes);
    }
    Ok(sources)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, ConformanceError> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        let failed = |source| ConformanceError::Read { path: folder.clone(), source };
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// Runs one scenario. A panic is a failure of its scenario.
pub fn run(setting: &Setting, scenario: &Scenario) -> Report {
    let ran = catch_unwind(AssertUnwindSafe(|| steps::run(setting, scenario)));
    let ran = ran.unwrap_or_else(|_| Err((0, Failure::Broken("it panicked".to_owned()))));
    let (status, reason) = match ran {
        Ok(()) => (Status::Pass, String::new()),
        Err((line, failure)) => told(line, failure),
    };
    Report { feature: scenario.feature.clone(), scenario: scenario.name.clone(), status, reason }
}

fn told(line: usize, failure: Failure) -> (Status, String) {
    match failure {
        Failure::Refused(findings) => {
            let errors: Vec<&Finding> = findings.iter().filter(|finding| finding.is_error()).collect();
            let later = !errors.is_empty() && errors.iter().all(|finding| finding.code == Code::NotYet);
            let said: Vec<String> = errors.iter().map(|f| format!("{} {}:{}:{} {}", f.code, f.file, f.line, f.column, f.message)).collect();
            (if later { Status::Skip } else { Status::Fail }, said.join("; "))
        }
        Failure::Command { code, why } => (Status::Fail, format!("line {line}: refused with `{code}`: {why}")),
        Failure::Step(why) => (Status::Fail, format!("line {line}: this step is not known: {why}")),
        Failure::Broken(why) => (Status::Fail, format!("line {line}: {why}")),
    }
}
