//! The conformance runner: scenarios in Gherkin, each on the real compiler, partition and engine, in virtual time.
//!
//! What must stay true: a scenario passes only when every step was understood and held, and when its journals, decided again, come out
//! byte for byte; a document that is refused as "not yet" is skipped with the refusal's own words, a step that is not known with that
//! step's words, before anything runs. Any other refusal that the scenario does not expect is a failure, and so is a file that is no
//! feature. What is absent: sockets and asynchronous code. What must really leave goes through the setting's hands.

mod act;
mod feature;
mod holds;
mod life;
mod order;
pub(crate) mod run;
pub(crate) mod said;
mod steps;
mod vocabulary;

use std::collections::{BTreeMap, BTreeSet};
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
    /// The base URL of a server that answers every request with what it was asked.
    pub echo: Option<String>,
    /// Files that every bundle has unless a scenario brings its own of that name.
    pub parts: Sources,
    /// Documents that scenarios name and do not hold: `a workflow from 'NAME'`.
    pub documents: Sources,
}

/// What became of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Every step held.
    Pass,
    /// A step did not hold.
    Fail,
    /// Its document uses what cannot be executed yet, or a step is not understood.
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
    /// A document is named that is not here.
    Absent(String),
    /// It does not hold, and it called a host that nothing stands for here.
    Elsewhere {
        /// The host.
        host: String,
        /// What does not hold.
        why: String,
    },
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
}

impl ConformanceError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "conformance-read",
        }
    }
}

/// Largest feature file, in bytes.
const FEATURE_BYTES_MAX: u64 = 4 << 20;

/// The scenarios of a feature file, or of every one below a folder, in order of their paths. A file that is no feature, or holds no
/// scenario, is a report of its own, without a scenario's name: what else is there still runs.
///
/// # Errors
/// [`ConformanceError`] where the folder cannot be read.
pub fn scenarios(folder: &Path) -> Result<Vec<Result<Scenario, Report>>, ConformanceError> {
    let mut found = Vec::new();
    for path in files(folder)? {
        if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("feature")) {
            continue;
        }
        let below = path.strip_prefix(folder).ok().filter(|below| !below.as_os_str().is_empty());
        let below = below.or_else(|| path.file_name().map(Path::new)).unwrap_or(&path);
        let feature = below.with_extension("").to_string_lossy().replace('\\', "/");
        match text(&path).and_then(|text| read(&feature, &text).map_err(|error| error.to_string())) {
            Ok(scenarios) if scenarios.is_empty() => {
                let reason = "it holds no scenario; write one, or remove the file".to_owned();
                found.push(Err(Report { feature, scenario: String::new(), status: Status::Fail, reason }));
            }
            Ok(scenarios) => found.extend(scenarios.into_iter().map(Ok)),
            Err(reason) => found.push(Err(Report { feature, scenario: String::new(), status: Status::Fail, reason })),
        }
    }
    Ok(found)
}

fn text(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("`{}` cannot be read: {error}", path.display());
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > FEATURE_BYTES_MAX {
        return Err(format!("`{}` has {bytes} bytes; a feature has at most {FEATURE_BYTES_MAX}", path.display()));
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// Every file below `folder`, as sources named from there.
///
/// # Errors
/// [`ConformanceError::Read`], also where there is no such folder.
pub fn sources(folder: &Path) -> Result<Sources, ConformanceError> {
    let mut sources = Sources::new();
    for path in files(folder)? {
        let bytes = std::fs::read(&path).map_err(|source| ConformanceError::Read { path: path.clone(), source })?;
        sources.add(&path.strip_prefix(folder).unwrap_or(&path).to_string_lossy(), bytes);
    }
    Ok(sources)
}

/// Every file below a folder, or the file itself. A link that leads back is not followed again.
fn files(folder: &Path) -> Result<Vec<PathBuf>, ConformanceError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| ConformanceError::Read { path, source }
    };
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let (mut folders, mut files, mut seen) = (vec![folder.to_owned()], Vec::new(), BTreeSet::new());
    while let Some(folder) = folders.pop() {
        if !seen.insert(folder.canonicalize().map_err(failed(&folder))?) {
            continue;
        }
        for entry in std::fs::read_dir(&folder).map_err(failed(&folder))? {
            let path = entry.map_err(failed(&folder))?.path();
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
        Failure::Step(why) if line == 0 => (Status::Skip, why),
        Failure::Step(why) => (Status::Skip, format!("line {line}: {why}")),
        Failure::Absent(name) => (Status::Skip, format!("line {line}: the document `{name}` is not here")),
        Failure::Elsewhere { host, why } => (Status::Skip, format!("line {line}: it calls `{host}`, which nothing stands for here: {why}")),
        Failure::Broken(why) => (Status::Fail, format!("line {line}: {why}")),
    }
}
