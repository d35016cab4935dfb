//! Starts other programs at the root of the repository and says how they ended.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// The root of the repository, from where cargo found this package.
pub fn root() -> Result<PathBuf, Failure> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").ok_or(Failure::Root)?;
    Path::new(&package).parent().map(Path::to_path_buf).ok_or(Failure::Root)
}

/// The cargo that started us, so that a toolchain chosen by the user stays chosen.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// Runs `program` in `root` with its output shown; `true` when it ended well.
pub fn passes(root: &Path, program: &str, arguments: &[&str]) -> Result<bool, Failure> {
    stdout().flush()?;
    let status = Command::new(program).args(arguments).current_dir(root).status();
    status.map(|status| status.success()).map_err(|source| Failure::Start { program: program.to_owned(), source })
}

/// Whether `program` can be started and ends well, its output hidden.
pub fn answers(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
