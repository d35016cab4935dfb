//! `cargo xtask bench`: builds the binary that ships and measures it, beside the machine's own limits.

use clap::Args;

use crate::Outcome;
use crate::failure::Failure;
use crate::process;

/// What to measure.
#[derive(Debug, Args)]
pub struct Options {
    /// JSON lines only; the last line is the summary either way.
    #[arg(long)]
    json: bool,
    /// Only these workloads: limits, w1, w3, w4, w5.
    #[arg(long, value_delimiter = ',')]
    workload: Vec<String>,
    /// Repetitions of each figure.
    #[arg(long, default_value_t = 3)]
    repetitions: u32,
    /// Waiting orchestrations of w4.
    #[arg(long, default_value_t = 10_000)]
    waiting: u32,
    /// Longest measured loop, in seconds.
    #[arg(long, default_value_t = 8)]
    seconds: u32,
}

/// Builds `provost` and the benchmark under the profile `dist`, then runs it.
pub fn run(options: &Options) -> Result<Outcome, Failure> {
    let root = process::root()?;
    let build = ["build", "--quiet", "--profile", "dist", "--package", "provost", "--package", "provost-bench"];
    if !process::passes(&root, &process::cargo(), &build)? {
        return Ok(Outcome::Broken);
    }
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), std::path::PathBuf::from).join("dist");
    let (provost, bench) = (folder.join("provost").display().to_string(), folder.join("provost-bench").display().to_string());
    let (repetitions, waiting, seconds) = (options.repetitions.to_string(), options.waiting.to_string(), options.seconds.to_string());
    let mut arguments = vec!["--provost", &provost, "--bundle", "bundles/bench", "--repetitions", &repetitions, "--waiting", &waiting];
    arguments.extend(["--seconds", &seconds]);
    let workloads = options.workload.join(",");
    if !workloads.is_empty() {
        arguments.extend(["--workload", &workloads]);
    }
    if options.json {
        arguments.push("--json");
    }
    Ok(if process::passes(&root, &bench, &arguments)? { Outcome::Held } else { Outcome::Broken })
}
