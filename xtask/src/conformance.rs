//! `cargo xtask conformance`: feature files on this build. Builds the binary and starts it; its exit code and lines are ours.

use std::io::{Write, stderr};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::failure::Failure;
use crate::{Outcome, process};

/// Our own kit.
const OWN: &str = "corpus/ctk";
/// The scenarios over the documents that upstream shows.
const UPSTREAM_SHOWN: &str = "corpus/upstream";
/// Those documents, where they are lent beside the repository.
const DOCUMENTS: &str = "../shared/conformance/open-workflow/examples";
/// What every scenario's bundle has.
const PARTS: &str = "corpus/ctk/parts";
/// The upstream kit, where it is lent beside the repository.
const UPSTREAM: &str = "../shared/conformance/open-workflow/ctk/features";

/// Which scenarios.
#[derive(Debug, Args)]
pub struct Options {
    /// A folder with feature files, or one; may be given several times; default: our own kits, and the upstream one where it is.
    #[arg(long = "dir")]
    folders: Vec<PathBuf>,
    /// Only the scenarios whose `feature/name` holds this text.
    #[arg(long)]
    only: Option<String>,
    /// One JSON object per scenario, and a summary as the last line.
    #[arg(long)]
    json: bool,
}

/// Runs the scenarios.
pub fn run(options: &Options) -> Result<Outcome, Failure> {
    let root = process::root()?;
    let folders = if options.folders.is_empty() { defaults(&root)? } else { options.folders.clone() };
    let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    let mut arguments = vec!["run", "--quiet", "-p", "provost", "--bin", "provost", "--", "conformance", "--parts", PARTS];
    arguments.extend(folders.iter().flat_map(|folder| ["--dir", folder]));
    arguments.extend(root.join(DOCUMENTS).is_dir().then_some(["--documents", DOCUMENTS]).into_iter().flatten());
    arguments.extend(options.only.iter().flat_map(|only| ["--only", only]));
    arguments.extend(options.json.then_some("--json"));
    let held = process::passes(&root, &process::cargo(), &arguments)?;
    Ok(if held { Outcome::Held } else { Outcome::Broken })
}

fn defaults(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut folders = vec![PathBuf::from(OWN), PathBuf::from(UPSTREAM_SHOWN)];
    if root.join(UPSTREAM).is_dir() {
        folders.push(PathBuf::from(UPSTREAM));
    } else {
        writeln!(stderr(), "the upstream kit is not here: `{UPSTREAM}`")?;
    }
    Ok(folders)
}
