//! The corpus of hostile workflows: every case ends as it says, by counts, and harms no neighbour; the whole stays within stated memory.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking; what was counted is said")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use provost_sim::hostile::{Case, cases, judge};

/// Fewer cases: some were not found.
const CASES_MIN: usize = 176;
/// Most memory of this whole process, in MiB, with two cases at a time in a debug build.
const RESIDENT_MIB_MAX: u64 = 1536;
/// Far over what any case takes in a debug build; what is not counted runs for ever.
const PATIENCE: Duration = Duration::from_secs(300);
const AT_ONCE: usize = 2;

fn corpus() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/hostile");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let only = std::env::var("CASE").unwrap_or_default();
    let yaml = files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    let read =
        yaml.flat_map(|path| cases(&std::fs::read_to_string(path).unwrap()).unwrap_or_else(|why| panic!("{}: {why}", path.display())));
    read.filter(|case| case.name.contains(&only)).collect()
}

/// The most memory this process ever had, in MiB.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

fn wrong(case: &Case) -> Option<String> {
    let begun = Instant::now();
    let judged = std::panic::catch_unwind(|| judge(case)).unwrap_or_else(|_| Err("it panicked".to_owned()));
    let took = begun.elapsed();
    eprintln!("{} {}: {judged:?} in {} ms, {} MiB", case.kind, case.name, took.as_millis(), resident_mib());
    let late = (took > PATIENCE).then(|| format!("it took {took:?}"));
    judged.err().or(late).map(|why| format!("{}: {why}", case.name))
}

#[test]
fn hostile_workflows_end_as_they_say_and_harm_nobody() {
    let cases = corpus();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    failed.lock().unwrap().extend(wrong(case));
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} wrong:\n{}", failed.len(), cases.len(), failed.join("\n"));
    assert!(resident_mib() < RESIDENT_MIB_MAX, "{} MiB", resident_mib());
    if std::env::var("CASE").is_ok() {
        return;
    }
    assert!(cases.len() >= CASES_MIN, "only {} cases", cases.len());
    let names: BTreeSet<&str> = cases.iter().map(|case| &*case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    cases.iter().for_each(|case| *kinds.entry(&*case.kind).or_default() += 1);
    eprintln!("{} cases: {kinds:?}; {} MiB", cases.len(), resident_mib());
}
