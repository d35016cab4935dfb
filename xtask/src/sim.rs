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
    /// Two kinds of work at most in each world.
    #[arg(long)]
    few: bool,
    /// Only the exhaustive pass: every fault at every commit point of every workflow.
    #[arg(long)]
    exhaustive: bool,
    /// Generated workflows through the engine and the reference interpreter; with `--bugs` each bug that this must find.
    #[arg(long)]
    reference: bool,
    /// How many generated workflows.
    #[arg(long, default_value_t = 20_000)]
    cases: u64,
}

/// Runs the simulator.
pub fn run(options: &Options) -> Result<Outcome, Failure> {
    let root = process::root()?;
    let (seed, seeds, cases) = (options.seed.to_string(), options.seeds.to_string(), options.cases.to_string());
    let program = if options.reference { "beside" } else { "sim" };
    let mut arguments = vec!["run", "--release", "--quiet", "-p", "provost-sim", "--bin", program];
    if options.bugs {
        // One more build holds all planted bugs; it must not disturb the build without them.
        arguments.extend(["--target-dir", "target/planted", "--config", "build.rustflags=[\"--cfg\",\"provost_bugs\"]"]);
    }
    arguments.extend(["--", "--seed", &seed]);
    arguments.extend(if options.reference { ["--cases", &cases] } else { ["--seeds", &seeds] });
    arguments.extend(options.bugs.then_some("--bugs"));
    if !options.reference {
        arguments.extend(options.json.then_some("--json"));
        arguments.extend(options.few.then_some("--few"));
        arguments.extend(options.exhaustive.then_some("--exhaustive"));
    }
    let held = process::passes(&root, &process::cargo(), &arguments)?;
    Ok(if held { Outcome::Held } else { Outcome::Broken })
}
