//! `fuzz`: mutated bytes for every reader of ours, for so many seconds, on a stable toolchain. `cargo xtask fuzz` starts it.
//!
//! What must stay true: a case is named by target, seed and number, and is the same bytes wherever the corpus is the same; the bytes under
//! way are on disk before they are read, so that even an abort leaves them; the exit code says whether everything held.

use std::io::Write as _;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use provost_sim::fuzz::{TARGETS, Target, bytes_of, seeds};
use serde_json::{Value as Json, json};

/// Far over what any case takes in a debug build.
const CASE_MAX: Duration = Duration::from_secs(20);
/// Most memory of the process, in MiB.
const RESIDENT_MIB_MAX: u64 = 1024;

/// Mutated bytes for every reader of ours.
#[derive(Debug, Parser)]
struct Options {
    /// How long, over all targets together.
    #[arg(long, default_value_t = 45)]
    seconds: u64,
    /// Only this target.
    #[arg(long)]
    target: Option<String>,
    /// The seed of the mutations.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the case of this number.
    #[arg(long)]
    number: Option<u64>,
    /// The repository, whose corpus the cases begin with.
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Where the bytes under way and those that broke something are written.
    #[arg(long, default_value = "target/fuzz")]
    out: PathBuf,
}

/// What became of a target.
struct Ran {
    cases: u64,
    broken: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            let _closed = writeln!(std::io::stderr(), "error: {why}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<bool, String> {
    std::fs::create_dir_all(&options.out).map_err(|error| format!("`{}`: {error}", options.out.display()))?;
    let wanted = |target: &&Target| options.target.as_deref().is_none_or(|only| only == target.name);
    let targets: Vec<&Target> = TARGETS.iter().filter(wanted).collect();
    if targets.is_empty() {
        let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        return Err(format!("there is no such target; known are {}", known.join(", ")));
    }
    let each = Duration::from_secs(options.seconds) / u32::try_from(targets.len()).unwrap_or(1);
    let mut told = serde_json::Map::new();
    let mut broken = Vec::new();
    for target in targets {
        let ran = fuzz(target, options, each)?;
        told.insert(target.name.to_owned(), json!({ "cases": ran.cases, "broken": ran.broken.len() }));
        broken.extend(ran.broken);
    }
    let resident_mib = resident_mib();
    if resident_mib > RESIDENT_MIB_MAX {
        broken.push(format!("{resident_mib} MiB of memory are more than {RESIDENT_MIB_MAX}"));
    }
    let mut out = std::io::stdout().lock();
    for line in &broken {
        writeln!(out, "{line}").map_err(|error| error.to_string())?;
    }
    let held = broken.is_empty();
    let summary: Json = json!({ "seed": options.seed, "targets": told, "residentMib": resident_mib, "held": held });
    writeln!(out, "{summary}").map_err(|error| error.to_string())?;
    Ok(held)
}

/// One target until its time is up, or one case of it.
fn fuzz(target: &Target, options: &Options, each: Duration) -> Result<Ran, String> {
    let seeds = seeds(&options.root, target.name)?;
    let (begun, mut ran) = (Instant::now(), Ran { cases: 0, broken: Vec::new() });
    if let Some(number) = options.number {
        case(target, options, &seeds, number, &mut ran)?;
        return Ok(ran);
    }
    // The seeds run whatever time there is: what was found before must never come back.
    while ran.cases < seeds.len() as u64 || (begun.elapsed() < each && ran.broken.len() < 10) {
        let number = ran.cases;
        case(target, options, &seeds, number, &mut ran)?;
    }
    Ok(ran)
}

fn case(target: &Target, options: &Options, seeds: &[Vec<u8>], number: u64, ran: &mut Ran) -> Result<(), String> {
    let bytes = bytes_of(seeds, options.seed, number);
    write(&options.out.join(format!("{}.under-way", target.name)), &bytes)?;
    let (begun, run) = (Instant::now(), target.run);
    let panicked = catch_unwind(|| run(&bytes)).is_err();
    let took = begun.elapsed();
    ran.cases += 1;
    if !panicked && took < CASE_MAX {
        return Ok(());
    }
    let what = if panicked { "it panicked".to_owned() } else { format!("it took {took:?}") };
    let kept = options.out.join(format!("{}-{}-{number}.case", target.name, options.seed));
    write(&kept, &bytes)?;
    let again = format!("cargo xtask fuzz --target {} --seed {} --number {number}", target.name, options.seed);
    ran.broken.push(format!("{what}: {again}   ({} bytes in {})", bytes.len(), kept.display()));
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    std::fs::write(path, bytes).map_err(|error| format!("`{}`: {error}", path.display()))
}

/// The most memory this process ever had, in MiB; 0 where the system does not say.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    peak.trim().trim_end_matches(" kB").parse::<u64>().map_or(0, |kib| kib >> 10)
}
