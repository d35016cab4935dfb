//! `sim`: runs seeds on all cores and says what broke. `cargo xtask sim` starts it.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use provost_sim::{Cells, Corpus, Outcome, bugs, run};

/// Deterministic simulation of seeds.
#[derive(Debug, Parser)]
struct Options {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
    /// Only the JSON summary.
    #[arg(long)]
    json: bool,
    /// Plant each known bug in turn; `--seeds` is the most that are tried for each.
    #[arg(long)]
    bugs: bool,
    /// How many threads.
    #[arg(long)]
    threads: Option<usize>,
}

#[derive(Default)]
struct Sum {
    cells: Cells,
    simulated_us: i64,
    orchestrations: u64,
    rows: u64,
    zombies: u64,
    twice: u64,
    broken: Vec<(u64, &'static str, String)>,
}

impl Sum {
    fn add(&mut self, outcome: Outcome) {
        self.cells.add(&outcome.cells);
        self.simulated_us += outcome.simulated_us;
        self.orchestrations += outcome.orchestrations;
        self.rows += outcome.rows;
        self.zombies += outcome.zombies;
        self.broken.extend(outcome.broken.into_iter().map(|(name, what)| (outcome.seed, name, what)));
    }
}

/// A seed that panics is broken, and the others go on.
fn survive(corpus: &Corpus, seed: u64) -> Result<Outcome, &'static str> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(corpus, seed))).map_err(|_| "the world of this seed panicked")
}

/// Every tenth seed runs twice: both runs must be one.
fn one(corpus: &Corpus, seed: u64, sum: &Mutex<Sum>) {
    let outcome = match survive(corpus, seed) {
        Ok(outcome) => outcome,
        Err(what) => {
            let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
            return sum.broken.push((seed, "panics", what.to_owned()));
        }
    };
    let again = (seed.is_multiple_of(10)).then(|| run(corpus, seed).trace == outcome.trace);
    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(same) = again {
        sum.twice += 1;
        if !same {
            sum.broken.push((seed, "same-seed", "two runs of one seed differ".to_owned()));
        }
    }
    sum.add(outcome);
}

fn all(corpus: &Corpus, options: &Options) -> Sum {
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Sum::default()));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..options.threads.unwrap_or(cores).max(1) {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= options.seeds {
                        return;
                    }
                    one(corpus, options.seed.wrapping_add(n), &sum);
                }
            });
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn tell(options: &Options, mut sum: Sum, seconds: f64) -> std::io::Result<ExitCode> {
    let mut out = stdout();
    sum.broken.sort();
    let empty = sum.cells.empty();
    let filled = sum.cells.0.len();
    if !options.json {
        for (seed, name, what) in sum.broken.iter().take(20) {
            writeln!(out, "broken: {name}: {what}; repeat with: cargo xtask sim --seed {seed} --seeds 1")?;
        }
        writeln!(out, "{} seeds in {seconds:.1} s: {:.1} seeds/s", options.seeds, options.seeds as f64 / seconds)?;
        writeln!(out, "simulated: {} h, {} orchestrations, {} rows", sum.simulated_us / 3_600_000_000, sum.orchestrations, sum.rows)?;
        writeln!(out, "zombie reports refused: {}; seeds run twice: {}", sum.zombies, sum.twice)?;
        writeln!(out, "crash cells met: {filled}; empty: {}", if empty.is_empty() { "none".to_owned() } else { empty.join(" ") })?;
    }
    let mut seeds: Vec<u64> = sum.broken.iter().map(|(seed, ..)| *seed).collect();
    seeds.dedup();
    let summary = serde_json::json!({
        "held": sum.broken.is_empty(), "seeds": options.seeds, "seed": options.seed, "seeds_per_s": options.seeds as f64 / seconds,
        "simulated_s": sum.simulated_us / 1_000_000, "orchestrations": sum.orchestrations, "rows": sum.rows, "zombies": sum.zombies,
        "twice": sum.twice, "cells": filled, "cells_empty": empty, "broken_seeds": seeds,
    });
    writeln!(out, "{summary}")?;
    Ok(if sum.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The seeds it takes to find each planted bug; the canary is the property that must fail.
fn find_bugs(corpus: &Corpus, options: &Options) -> std::io::Result<ExitCode> {
    let mut out = stdout();
    if !bugs::IN_THIS_BUILD {
        writeln!(std::io::stderr(), "error: this build holds no planted bugs; start it as `cargo xtask sim --bugs`")?;
        return Ok(ExitCode::from(2));
    }
    let found: Mutex<Vec<(&str, u64, &str)>> = Mutex::default();
    let next = AtomicU64::new(0);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..options.threads.unwrap_or(cores).max(1) {
            scope.spawn(|| {
                while let Some((name, _)) = bugs::BUGS.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX)) {
                    let (tried, by) = seeds_until_found(corpus, options, name);
                    let shown = if by.is_empty() { "not found".to_owned() } else { format!("found by `{by}`") };
                    // Progress only; the table below says it again.
                    let _ = writeln!(std::io::stderr(), "{name}: {shown} after {tried} seeds");
                    found.lock().unwrap_or_else(PoisonError::into_inner).push((name, tried, by));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable();
    for (name, tried, by) in &found {
        let what = bugs::BUGS.iter().find(|(bug, _)| bug == name).map_or("", |(_, what)| what);
        let shown = if by.is_empty() { format!("not found in {tried} seeds") } else { format!("found by `{by}` after {tried} seeds") };
        writeln!(out, "{name}: {shown} ({what})")?;
    }
    let missed: Vec<&str> = found.iter().filter(|(_, _, by)| by.is_empty()).map(|(name, ..)| *name).collect();
    let table: Vec<_> = found.iter().map(|(name, tried, by)| serde_json::json!({ "bug": name, "seeds": tried, "by": by })).collect();
    writeln!(out, "{}", serde_json::json!({ "held": missed.is_empty(), "planted": bugs::BUGS.len(), "missed": missed, "bugs": table }))?;
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn seeds_until_found(corpus: &Corpus, options: &Options, name: &'static str) -> (u64, &'static str) {
    for n in 0..options.seeds {
        bugs::plant(name);
        let outcome = survive(corpus, options.seed.wrapping_add(n));
        bugs::plant("");
        match outcome.map(|outcome| outcome.broken.first().map(|(property, _)| *property)) {
            Ok(None) => {}
            Ok(Some(property)) => return (n + 1, property),
            Err(_) => return (n + 1, "panics"),
        }
    }
    (options.seeds, "")
}

fn main() -> ExitCode {
    let options = Options::parse();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let told = match Corpus::load(&root) {
        Ok(corpus) if options.bugs => find_bugs(&corpus, &options),
        Ok(corpus) => {
            let begun = Instant::now();
            let sum = all(&corpus, &options);
            tell(&options, sum, begun.elapsed().as_secs_f64().max(0.001))
        }
        Err(error) => writeln!(std::io::stderr(), "error: {error}").map(|()| ExitCode::from(2)),
    };
    told.unwrap_or(ExitCode::from(2))
}
