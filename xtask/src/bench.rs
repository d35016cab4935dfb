//! `cargo xtask bench`: builds the binary that ships and measures it, beside the machine's own limits.

use std::path::PathBuf;
use std::time::Instant;

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
    /// Only these workloads: limits, append, gate, fold, verify, w1, w3, w4, w5, language.
    #[arg(long, value_delimiter = ',')]
    workload: Vec<String>,
    /// Repetitions of each figure (3; with `--quick` 1).
    #[arg(long)]
    repetitions: Option<u32>,
    /// Waiting orchestrations of w4, one crash for each number (10000,100000; with `--quick` 2000).
    #[arg(long, value_delimiter = ',')]
    waiting: Vec<u32>,
    /// Longest measured loop, in seconds (6; with `--quick` 2).
    #[arg(long)]
    seconds: Option<u32>,
    /// Everything once and short: whether it runs, not how fast.
    #[arg(long)]
    quick: bool,
    /// The cargo profile that is measured.
    #[arg(long, default_value = "dist")]
    profile: String,
    /// Build into an empty folder first, and report how long that took.
    #[arg(long)]
    clean_build: bool,
    /// A peer's command, run before and after ours; its JSON lines come into the same table.
    #[arg(long)]
    beside: Option<String>,
    /// Where the growth of files is drawn, as SVG.
    #[arg(long)]
    plot: Option<String>,
    /// Writes `bench.md` (the tables), `growth.svg` and `language.svg` into this folder, `docs` unless another is named.
    #[arg(long, num_args = 0..=1, default_missing_value = "docs")]
    docs: Option<String>,
    /// Exit 1 also when a measured row is not held; without it, when measuring failed or an effect was lost or doubled.
    #[arg(long)]
    must_hold: bool,
}

/// Builds `provost`, the benchmark and the cost programs under the profile, then runs the benchmark.
pub fn run(options: &Options) -> Result<Outcome, Failure> {
    let root = process::root()?;
    if let Some(docs) = &options.docs {
        // Before anything is measured: minutes of figures are not lost to a folder that is not there.
        std::fs::create_dir_all(root.join(docs))?;
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let target = if options.clean_build { target.join("bench-clean") } else { target };
    if options.clean_build && target.exists() {
        std::fs::remove_dir_all(&target)?;
    }
    let folder = target.display().to_string();
    let with = ["build", "--quiet", "--profile", &options.profile, "--target-dir", &folder];
    let began = Instant::now();
    if !process::passes(&root, &process::cargo(), &[&with[..], &["--package", "provost"]].concat())? {
        return Ok(Outcome::Broken);
    }
    let build_s = began.elapsed().as_secs_f64().to_string();
    let tools = ["--package", "provost-bench", "--bins", "--package", "provost-policy", "--package", "provost-store", "--examples"];
    if !process::passes(&root, &process::cargo(), &[&with[..], &tools[..]].concat())? {
        return Ok(Outcome::Broken);
    }
    let built = target.join(if options.profile == "dev" { "debug" } else { &options.profile });
    let (provost, bench) = (built.join("provost").display().to_string(), built.join("provost-bench").display().to_string());
    let mut arguments = vec!["--provost".to_owned(), provost, "--bundle".to_owned(), "bundles/bench".to_owned()];
    arguments.extend(asked(options));
    if options.clean_build {
        arguments.extend(["--build-s".to_owned(), build_s]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Ok(if process::passes(&root, &bench, &arguments)? { Outcome::Held } else { Outcome::Broken })
}

/// The benchmark's own arguments.
fn asked(options: &Options) -> Vec<String> {
    let (repetitions, seconds, grown, waiting) =
        if options.quick { (1, 2, 500, vec![2_000]) } else { (3, 6, 5_000, vec![10_000, 100_000]) };
    let waiting = if options.waiting.is_empty() { waiting } else { options.waiting.clone() };
    let waiting: Vec<String> = waiting.iter().map(u32::to_string).collect();
    let mut said = vec![
        ("--repetitions", options.repetitions.unwrap_or(repetitions).to_string()),
        ("--seconds", options.seconds.unwrap_or(seconds).to_string()),
        ("--grown", grown.to_string()),
        ("--waiting", waiting.join(",")),
    ];
    if !options.workload.is_empty() {
        said.push(("--workload", options.workload.join(",")));
    }
    said.extend(options.beside.clone().map(|command| ("--beside", command)));
    let drawn = options.docs.as_ref().map(|folder| format!("{folder}/growth.svg"));
    said.extend(options.plot.clone().or(drawn).map(|file| ("--plot", file)));
    said.extend(options.docs.as_ref().map(|folder| ("--table", format!("{folder}/bench.md"))));
    let flags = [(options.json, "--json"), (options.must_hold, "--must-hold")];
    let flags = flags.into_iter().filter(|(asked, _)| *asked).map(|(_, name)| name.to_owned());
    said.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).chain(flags).collect()
}
