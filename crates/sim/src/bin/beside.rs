//! `beside`: generated workflows through the engine and the reference, on all cores. `cargo xtask sim --reference` starts it.

use std::collections::BTreeMap;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use provost_sim::bugs;
use provost_sim::reference::generate::Case;
use provost_sim::reference::shrink::{Verdict, check, smallest};
use provost_sim::reference::{Ending, Told};

/// Two implementations must agree.
#[derive(Debug, Parser)]
struct Options {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many cases; with `--bugs` the most that are tried for each.
    #[arg(long, default_value_t = 20_000)]
    cases: u64,
    /// Plant each bug that this comparison must find, one after the other.
    #[arg(long)]
    bugs: bool,
    /// How many threads.
    #[arg(long)]
    threads: Option<usize>,
}

/// Of 1000 cases: how many may be refused or tied before the generator is worth nothing.
const IDLE_PERMILLE_MAX: u64 = 400;

#[derive(Default)]
struct Sum {
    equal: u64,
    tied: u64,
    refused: u64,
    first_refusal: Option<(u64, String)>,
    differs: Option<(u64, String)>,
    /// How often each ending, and each kind of task, was met.
    met: BTreeMap<&'static str, u64>,
}

impl Sum {
    fn met(&mut self, told: &Told) {
        let ending = match told.ending {
            Ending::Completed(_) => "completed",
            Ending::Faulted(_) => "faulted",
            Ending::Parked(_) => "parked",
            Ending::Waits => "waits",
        };
        *self.met.entry(ending).or_default() += 1;
        for (kind, times) in &told.kinds {
            *self.met.entry(kind).or_default() += times;
        }
    }
}

/// A panic is a difference.
fn survive(case: &Case) -> Verdict {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(case)));
    caught.unwrap_or_else(|_| Verdict::Differs("one of them panicked".to_owned()))
}

fn all(options: &Options) -> Sum {
    let threads = options.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get)).max(1);
    let (next, stop, sum) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= options.cases || stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let seed = options.seed.wrapping_add(n);
                    let verdict = survive(&Case::draw(seed));
                    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    match verdict {
                        Verdict::Equal(told) => {
                            sum.equal += 1;
                            sum.met(&told);
                        }
                        Verdict::Tied => sum.tied += 1,
                        Verdict::Refused(why) => {
                            sum.refused += 1;
                            sum.first_refusal.get_or_insert((seed, why));
                        }
                        Verdict::Differs(what) => {
                            stop.store(true, Ordering::Relaxed);
                            if sum.differs.as_ref().is_none_or(|(first, _)| seed < *first) {
                                sum.differs = Some((seed, what));
                            }
                        }
                    }
                }
            });
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn compare(options: &Options) -> std::io::Result<ExitCode> {
    let (mut out, begun) = (stdout(), Instant::now());
    let sum = all(options);
    let seconds = begun.elapsed().as_secs_f64();
    let ran = sum.equal + sum.tied + sum.refused + u64::from(sum.differs.is_some());
    let idle = ran > 100 && (sum.tied + sum.refused) * 1000 > ran * IDLE_PERMILLE_MAX;
    match &sum.differs {
        Some((seed, what)) => show(&mut out, *seed, what)?,
        None if idle => writeln!(out, "too few cases were compared; the first refusal: {:?}", sum.first_refusal)?,
        None => {
            writeln!(out, "{ran} cases in {seconds:.1} s: {} equal, {} tied, {} refused", sum.equal, sum.tied, sum.refused)?;
        }
    }
    let held = !idle && sum.differs.is_none();
    let seed = sum.differs.map(|(seed, _)| seed);
    let (equal, tied, refused, met) = (sum.equal, sum.tied, sum.refused, sum.met);
    let summary = serde_json::json!({
        "held": held, "cases": ran, "equal": equal, "tied": tied, "refused": refused, "met": met, "seconds": seconds, "differs": seed,
    });
    writeln!(out, "{summary}")?;
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A disagreement: how to repeat it, and the smallest document found that shows it.
fn show(out: &mut impl Write, seed: u64, what: &str) -> std::io::Result<()> {
    let (case, what) = smallest(&Case::draw(seed), what.to_owned());
    writeln!(out, "{what}; repeat with: cargo xtask sim --reference --seed {seed} --cases 1")?;
    writeln!(out, "{:#}", case.document)?;
    writeln!(out, "input {}, crashes {:?}", case.input, case.crashes)
}

/// The cases it takes to find each planted bug; a case counts only if it is equal without the bug.
fn find_bugs(options: &Options) -> std::io::Result<ExitCode> {
    let mut out = stdout();
    if !bugs::IN_THIS_BUILD {
        writeln!(std::io::stderr(), "error: this build holds no planted bugs; start it as `cargo xtask sim --reference --bugs`")?;
        return Ok(ExitCode::from(2));
    }
    let mut missed = Vec::new();
    for (name, what) in bugs::BESIDE {
        match first_to_find(options, name) {
            Some(n) => writeln!(out, "{name}: found after {n} cases ({what})")?,
            None => {
                missed.push(name);
                writeln!(out, "{name}: not found in {} cases ({what})", options.cases)?;
            }
        }
    }
    writeln!(out, "{}", serde_json::json!({ "held": missed.is_empty(), "planted": bugs::BESIDE.len(), "missed": missed }))?;
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn first_to_find(options: &Options, name: &'static str) -> Option<u64> {
    let found = (0..options.cases).find(|n| {
        let case = Case::draw(options.seed.wrapping_add(*n));
        bugs::plant(name);
        let with = survive(&case);
        bugs::plant("");
        matches!(with, Verdict::Differs(_)) && matches!(survive(&case), Verdict::Equal(_))
    });
    found.map(|n| n + 1)
}

fn main() -> ExitCode {
    let options = Options::parse();
    let told = if options.bugs { find_bugs(&options) } else { compare(&options) };
    told.unwrap_or(ExitCode::from(2))
}
