//! `cargo xtask sim`: deterministic simulation. Builds the simulator for speed and starts it; its exit code and last line are ours.

use clap::Args;

use crate::failure::Failure;
use crate::{Outcome, process};

/// What to simulate.
#[derive(Debug, Args)]
pub struct Options {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
    /// Only the JSON summary.
    #[arg(long)]
    json: bool,
    /// Plant each known bug in turn and count the seeds until it is found.
    #[arg(long)]
    bugs: bool,
    /// Only the exhaustive pass: every fault at every commit point of every workflow.
    #[arg(long)]
    exhaustive: bool,
}

/// Runs the simulator.
pub fn run(options: &Options) -> Result<Outcome, Failure> {
    let root = process::root()?;
    let (seed, seeds) = (options.seed.to_string(), options.seeds.to_string());
    let mut arguments = vec!["run", "--release", "--quiet", "-p", "provost-sim", "--bin", "sim"];
    if options.bugs {
        // One more build holds all planted bugs; it must not disturb the build without them.
        arguments.extend(["--target-dir", "target/planted", "--config", "build.rustflags=[\"--cfg\",\"provost_bugs\"]"]);
    }
    arguments.extend(["--", "--seed", &seed, "--seeds", &seeds]);
    arguments.extend(options.json.then_some("--json"));
    arguments.extend(options.bugs.then_some("--bugs"));
    arguments.extend(options.exhaustive.then_some("--exhaustive"));
    let held = process::passes(&root, &process::cargo(), &arguments)?;
    Ok(if held { Outcome::Held } else { Outcome::Broken })
}
