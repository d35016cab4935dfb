//! Build, check, measure and release tasks: `cargo xtask <task>`.
//!
//! What must stay true: one file per task and one line in [`Task`]; the exit code says whether the task held; with `--json` the last
//! line of standard output is a JSON summary. What is absent: our own crates. A task that needs them starts their binary, so that
//! `tidy` runs before anything else compiles.

mod bench;
mod conformance;
mod crash;
mod failure;
mod fuzz;
mod process;
mod sim;
mod test;
mod tidy;
mod tools;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Build, check, measure and release tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

/// What can be asked for; the first line of each is its help.
#[derive(Debug, Subcommand)]
enum Task {
    /// Check the house rules: layers, lengths, names, texts, docs.
    Tidy(tidy::Options),
    /// Simulate worlds full of faults, one seed each.
    Sim(sim::Options),
    /// Feed mutated bytes to everything that reads foreign bytes.
    Fuzz(fuzz::Options),
    /// Run the conformance kits: scenarios in Gherkin on this build, in virtual time.
    Conformance(conformance::Options),
    /// Measure the binary that ships.
    Bench(bench::Options),
    /// Format, lint, tidy and test the whole workspace.
    Test(test::Options),
    /// Kill the release binary under load, again and again, and count what was lost or done twice.
    Crash(crash::Options),
}

/// Whether a task held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    /// Everything asked for is as it should be.
    Held,
    /// Something is not, and was said.
    Broken,
}

fn run(task: &Task) -> Result<Outcome, Failure> {
    match task {
        Task::Tidy(options) => tidy::run(options),
        Task::Sim(options) => sim::run(options),
        Task::Fuzz(options) => fuzz::run(options),
        Task::Conformance(options) => conformance::run(options),
        Task::Bench(options) => bench::run(options),
        Task::Test(options) => test::run(options),
        Task::Crash(options) => crash::run(options),
    }
}

fn main() -> ExitCode {
    match run(&Cli::parse().task) {
        Ok(Outcome::Held) => ExitCode::SUCCESS,
        Ok(Outcome::Broken) => ExitCode::FAILURE,
        Err(failure) => {
            // Nothing is left to do when standard error is closed; the exit code still tells.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::from(2)
        }
    }
}
