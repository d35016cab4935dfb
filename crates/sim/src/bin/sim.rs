//! `sim`: runs seeds on all cores and says what broke. `cargo xtask sim` starts it.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use provost_sim::cells::{COMMITS, KINDS, MOMENTS};
use provost_sim::strike::BLOWS;
use provost_sim::{Cells, Corpus, Outcome, bugs, exhaustive, run, run_few};

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
    /// Two kinds of work at most in each world: those that `--bugs` takes for every other seed.
    #[arg(long)]
    few: bool,
    /// Only the exhaustive pass: every blow at every commit point of every workflow.
    #[arg(long)]
    exhaustive: bool,
    /// How many threads.
    #[arg(long)]
    threads: Option<usize>,
}

/// Seeds among which at least one is busy enough to break the canary.
const BUSY_SEEDS: u64 = 10;

#[derive(Default)]
struct Sum {
    cells: Cells,
    simulated_us: i64,
    orchestrations: u64,
    rows: u64,
    zombies: u64,
    twice: u64,
    canaries: u64,
    broken: Vec<(u64, &'static str, String)>,
}

impl Sum {
    fn add(&mut self, outcome: Outcome) {
        self.cells.add(&outcome.cells);
        self.simulated_us += outcome.simulated_us;
        self.orchestrations += outcome.orchestrations;
        self.rows += outcome.rows;
        self.zombies += outcome.zombies;
        self.canaries += u64::from(!outcome.canary.is_empty());
        self.broken.extend(outcome.broken.into_iter().map(|(name, what)| (outcome.seed, name, what)));
    }
}

/// A seed that panics is broken, and the others go on.
fn survive(corpus: &Corpus, seed: u64, few: bool) -> Result<Outcome, &'static str> {
    let play = if few { run_few } else { run };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(corpus, seed))).map_err(|_| "the world of this seed panicked")
}

/// Every tenth seed runs twice: both runs must be one.
fn one(corpus: &Corpus, (seed, few): (u64, bool), sum: &Mutex<Sum>) {
    let outcome = match survive(corpus, seed, few) {
        Ok(outcome) => outcome,
        Err(what) => {
            let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
            return sum.broken.push((seed, "panics", what.to_owned()));
        }
    };
    let again = (seed.is_multiple_of(10)).then(|| survive(corpus, seed, few).is_ok_and(|again| again.trace == outcome.trace));
    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(same) = again {
        sum.twice += 1;
        if !same {
            sum.broken.push((seed, "same-seed", "two runs of one seed differ".to_owned()));
        }
    }
    sum.add(outcome);
}

/// What the exhaustive pass came to.
#[derive(Default)]
struct Struck {
    scenes: usize,
    points: u64,
    cells: u64,
    crashes: Cells,
    seconds: f64,
    broken: Vec<(String, &'static str, String)>,
}

fn strike_all(corpus: &Corpus, options: &Options) -> Struck {
    let (scenes, next, begun) = (exhaustive::scenes(), AtomicU64::new(0), Instant::now());
    let sum = Mutex::new(Struck { scenes: scenes.len(), ..Struck::default() });
    std::thread::scope(|scope| {
        for _ in 0..threads(options) {
            scope.spawn(|| {
                while let Some(scene) = scenes.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX)) {
                    let passed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| exhaustive::pass(corpus, scene)));
                    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    match passed {
                        Ok(passed) => {
                            sum.points += passed.points;
                            sum.cells += passed.cells;
                            sum.crashes.add(&passed.crashes);
                            sum.broken.extend(passed.broken);
                        }
                        Err(_) => sum.broken.push((format!("{scene:?}"), "panics", "the world of this scene panicked".to_owned())),
                    }
                }
            });
        }
    });
    let mut struck = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    struck.broken.sort();
    struck.seconds = begun.elapsed().as_secs_f64();
    struck
}

fn tell_struck(options: &Options, struck: &Struck) -> std::io::Result<()> {
    if options.json {
        return Ok(());
    }
    let mut out = stdout();
    for (scene, property, what) in struck.broken.iter().take(20) {
        writeln!(out, "broken: {property}: {what}; {scene}; repeat with: cargo xtask sim --exhaustive")?;
    }
    let held = if struck.broken.is_empty() { "all held".to_owned() } else { format!("{} findings", struck.broken.len()) };
    let (points, faults, scenes) = (struck.points, BLOWS.len(), struck.scenes);
    writeln!(
        out,
        "exhaustive: {points} commit points x {faults} faults in {scenes} scenes, {} cells struck, {held} ({:.1} s)",
        struck.cells, struck.seconds
    )?;
    writeln!(out, "exhaustive: kinds of commit crashed before, inside, after: {}", met(&struck.crashes, commits()))
}

fn only_exhaustive(corpus: &Corpus, options: &Options) -> std::io::Result<ExitCode> {
    let struck = strike_all(corpus, options);
    tell_struck(options, &struck)?;
    writeln!(stdout(), "{}", json_of(&struck))?;
    Ok(if struck.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn json_of(struck: &Struck) -> serde_json::Value {
    let (held, faults) = (struck.broken.is_empty(), BLOWS.len());
    serde_json::json!({ "held": held, "points": struck.points, "faults": faults, "scenes": struck.scenes, "cells": struck.cells,
        "crashes_empty": struck.crashes.empty(commits()) })
}

/// The kinds that are commits.
fn commits() -> &'static [&'static str] {
    KINDS.get(..COMMITS).unwrap_or(&KINDS)
}

/// How many cells of a crash table were met, and which were not.
fn met(cells: &Cells, kinds: &[&'static str]) -> String {
    let empty = cells.empty(kinds);
    let shown = if empty.is_empty() { "none".to_owned() } else { empty.join(" ") };
    format!("{} of {}; empty: {shown}", kinds.len() * MOMENTS.len() - empty.len(), kinds.len() * MOMENTS.len())
}

fn threads(options: &Options) -> usize {
    options.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get)).max(1)
}

fn all(corpus: &Corpus, options: &Options) -> Sum {
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..threads(options) {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= options.seeds {
                        return;
                    }
                    one(corpus, (options.seed.wrapping_add(n), options.few), &sum);
                }
            });
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn tell(options: &Options, mut sum: Sum, struck: &Struck, seconds: f64) -> std::io::Result<ExitCode> {
    let mut out = stdout();
    sum.broken.sort();
    if options.seeds >= BUSY_SEEDS && sum.canaries == 0 {
        sum.broken.push((options.seed, "canary", "no world broke the promise that nobody made: nothing is looked at".to_owned()));
    }
    let empty = sum.cells.empty(&KINDS);
    let filled = sum.cells.0.len();
    if !options.json {
        for (seed, name, what) in sum.broken.iter().take(20) {
            writeln!(out, "broken: {name}: {what}; repeat with: cargo xtask sim --seed {seed} --seeds 1")?;
        }
        writeln!(out, "{} seeds in {seconds:.1} s: {:.1} seeds/s", options.seeds, options.seeds as f64 / seconds)?;
        let faster = sum.simulated_us as f64 / 1e6 / seconds;
        let hours = sum.simulated_us / 3_600_000_000;
        writeln!(out, "simulated: {hours} h ({faster:.0} times as fast), {} orchestrations, {} rows", sum.orchestrations, sum.rows)?;
        writeln!(out, "zombie reports refused: {}; seeds run twice: {}", sum.zombies, sum.twice)?;
        writeln!(out, "canary found broken in {} worlds; writes crashed before, inside, after: {}", sum.canaries, met(&sum.cells, &KINDS))?;
    }
    let mut seeds: Vec<u64> = sum.broken.iter().map(|(seed, ..)| *seed).collect();
    seeds.dedup();
    let summary = serde_json::json!({
        "held": sum.broken.is_empty() && struck.broken.is_empty(), "exhaustive": json_of(struck), "seeds": options.seeds, "seed": options.seed, "seeds_per_s": options.seeds as f64 / seconds,
        "simulated_s": sum.simulated_us / 1_000_000, "orchestrations": sum.orchestrations, "rows": sum.rows, "zombies": sum.zombies,
        "twice": sum.twice, "canaries": sum.canaries, "cells": filled, "cells_empty": empty, "broken_seeds": seeds,
    });
    tell_struck(options, struck)?;
    writeln!(out, "{summary}")?;
    Ok(if sum.broken.is_empty() && struck.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
    std::thread::scope(|scope| {
        for _ in 0..threads(options) {
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

/// A seed counts only if the same world without the bug holds. Every other one has few kinds of work.
fn seeds_until_found(corpus: &Corpus, options: &Options, name: &'static str) -> (u64, &'static str) {
    for n in 0..options.seeds {
        let seed = options.seed.wrapping_add(n);
        let world = (seed, options.few || n % 2 == 1);
        let by = found_by(corpus, world, name);
        if !by.is_empty() && found_by(corpus, world, "").is_empty() {
            return (n + 1, by);
        }
    }
    (options.seeds, "")
}

fn found_by(corpus: &Corpus, (seed, few): (u64, bool), bug: &'static str) -> &'static str {
    bugs::plant(bug);
    let outcome = survive(corpus, seed, few);
    bugs::plant("");
    outcome.map_or("panics", |outcome| outcome.broken.first().map_or("", |(property, _)| *property))
}

fn main() -> ExitCode {
    let options = Options::parse();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let told = match Corpus::load(&root) {
        Ok(corpus) if options.bugs => find_bugs(&corpus, &options),
        Ok(corpus) if options.exhaustive => only_exhaustive(&corpus, &options),
        Ok(corpus) => {
            let begun = Instant::now();
            let sum = all(&corpus, &options);
            let seconds = begun.elapsed().as_secs_f64().max(0.001);
            // One seed is a repetition of one finding.
            let struck = if options.seeds > 1 { strike_all(&corpus, &options) } else { Struck::default() };
            tell(&options, sum, &struck, seconds)
        }
        Err(error) => writeln!(std::io::stderr(), "error: {error}").map(|()| ExitCode::from(2)),
    };
    told.unwrap_or(ExitCode::from(2))
}
