//! Why a task could not be carried out at all; a task that ran and found something wrong is `Outcome::Broken` instead.

use std::io;
use std::path::PathBuf;

/// Why a task could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The root of the repository is unknown.
    #[error("`CARGO_MANIFEST_DIR` is not set; start this as `cargo xtask`")]
    Root,
    /// A file or folder could not be read.
    #[error("cannot read `{path}`: {source}", path = path.display())]
    Read {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Tools that the task needs are not installed.
    #[error("{0}")]
    Missing(String),
    /// A program could not be started.
    #[error("cannot start `{program}`: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It ended before it could say what holds.
    #[error("{0}")]
    Stopped(String),
    /// The answer could not be written.
    #[error("cannot write the answer: {0}")]
    Write(#[from] io::Error),
}
