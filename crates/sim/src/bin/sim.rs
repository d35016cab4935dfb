//! `sim`: runs seeds on all cores and says what broke. `cargo xtask sim` starts it.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use provost_sim::{Cells, Corpus, Outcome, run};

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

/// Every tenth seed runs twice: both runs must be one.
fn one(corpus: &Corpus, seed: u64, sum: &Mutex<Sum>) {
    let outcome = run(corpus, seed);
    let again = (seed % 10 == 0).then(|| run(corpus, seed).trace == outcome.trace);
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

fn main() -> ExitCode {
    let options = Options::parse();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let told = match Corpus::load(&root) {
        Ok(corpus) => {
            let begun = Instant::now();
            let sum = all(&corpus, &options);
            tell(&options, sum, begun.elapsed().as_secs_f64().max(0.001))
        }
        Err(error) => writeln!(std::io::stderr(), "error: {error}").map(|()| ExitCode::from(2)),
    };
    told.unwrap_or(ExitCode::from(2))
}
