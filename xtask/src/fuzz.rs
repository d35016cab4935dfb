//! `cargo xtask fuzz`: mutated bytes for every reader of ours. Builds the driver for speed and starts it; its exit code and last line are ours.

use clap::Args;

use crate::failure::Failure;
use crate::{Outcome, process};

/// What to fuzz, and how long.
#[derive(Debug, Args)]
pub struct Options {
    /// How long, over all targets together.
    #[arg(long, default_value_t = 45)]
    seconds: u64,
    /// Only this target.
    #[arg(long)]
    target: Option<String>,
    /// The seed of the mutations.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the case of this number: what a broken case is repeated with.
    #[arg(long)]
    number: Option<u64>,
}

/// Runs the driver.
pub fn run(options: &Options) -> Result<Outcome, Failure> {
    let root = process::root()?;
    let (seconds, seed) = (options.seconds.to_string(), options.seed.to_string());
    let number = options.number.map(|number| number.to_string());
    let mut arguments = vec!["run", "--release", "--quiet", "-p", "provost-sim", "--bin", "fuzz", "--"];
    arguments.extend(["--seconds", &seconds, "--seed", &seed]);
    arguments.extend(options.target.iter().flat_map(|target| ["--target", target]));
    arguments.extend(number.iter().flat_map(|number| ["--number", number]));
    let held = process::passes(&root, &process::cargo(), &arguments)?;
    Ok(if held { Outcome::Held } else { Outcome::Broken })
}
