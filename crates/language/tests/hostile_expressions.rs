//! Hostile expressions: each is refused when it is published, or ends as `corpus/expressions/hostile.json` says, within what it may burn.
//!
//! What must stay true: the end is counted, never timed: the same units and bytes each time; and the whole test stays within stated memory.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking; what was counted is said")]
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "it reads the corpus and asks whether counting ends in time")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use provost_language::expr::{Burned, Fuel, Module, Source, Variables};
use provost_model::Value;
use provost_model::value::parse;

/// Fewer: some were not found.
const CASES_MIN: usize = 200;
/// Most memory of this whole process, in MiB, with four expressions at a time.
const RESIDENT_MIB_MAX: u64 = 768;
/// Far over what any case takes in a debug build; a case that is not counted runs for minutes or for ever.
const PATIENCE: Duration = Duration::from_secs(60);
const AT_ONCE: usize = 4;

struct Case {
    kind: String,
    source: String,
    shown: String,
    input: Value,
    ends: String,
}

/// Texts, and `[text, times]` for a text that is repeated.
fn source(written: &Value) -> String {
    if let Some(text) = written.as_str() {
        return text.to_owned();
    }
    let mut source = String::new();
    for part in written.as_array().unwrap() {
        match part.as_array() {
            Some([text, times]) => source.push_str(&text.as_str().unwrap().repeat(usize::try_from(times.as_int().unwrap()).unwrap())),
            _ => source.push_str(part.as_str().unwrap()),
        }
    }
    source
}

fn corpus() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/expressions/hostile.json");
    let file = parse(&std::fs::read(path).unwrap()).unwrap();
    let word = |case: &Value, key: &str| case.member(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let read = file.as_array().unwrap().iter().map(|case| {
        let written = case.member("expr").unwrap();
        let shown = written.to_string().chars().take(90).collect();
        let input = case.member("input").cloned().unwrap_or_default();
        Case { kind: word(case, "kind"), source: source(written), shown, input, ends: word(case, "ends") }
    });
    read.collect()
}

/// How it ends, in a word, and what it burned.
fn end(case: &Case, limits: Fuel) -> (String, Burned) {
    match Module::compile(&[Source::new(&case.source)]) {
        Err(errors) => (errors.first().unwrap().code().to_owned(), Burned::default()),
        Ok(module) => {
            let (got, burned) = module.evaluate_counted(0, &case.input, &Variables::new(), limits);
            assert!(burned.units <= limits.units_max && burned.bytes <= limits.bytes_max, "{}: {burned:?}", case.shown);
            (got.map_or_else(|error| error.code().to_owned(), |_| "value".to_owned()), burned)
        }
    }
}

/// What is wrong with how it ends, if anything.
fn judge(case: &Case) -> Option<String> {
    let begun = Instant::now();
    let (ended, burned) =
        std::panic::catch_unwind(|| end(case, Fuel::default())).unwrap_or_else(|_| ("panic".to_owned(), Burned::default()));
    let took = begun.elapsed();
    if ended == case.ends && took < PATIENCE {
        return None;
    }
    Some(format!("{}\t{}: ends by {ended}, not {}, after {burned:?} in {took:?}", case.kind, case.shown, case.ends))
}

/// The most memory this process ever had, in MiB.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

#[test]
fn every_expression_ends_by_a_count() {
    let cases = corpus();
    assert!(cases.len() >= CASES_MIN, "only {} cases", cases.len());
    let share = cases.len().div_ceil(AT_ONCE);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = cases.chunks(share).map(|some| scope.spawn(|| some.iter().filter_map(judge).collect::<Vec<_>>())).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(resident_mib() < RESIDENT_MIB_MAX, "{} MiB", resident_mib());
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    cases.iter().for_each(|case| *kinds.entry(&case.kind).or_default() += 1);
    let told = kinds.iter().fold(String::new(), |mut told, (kind, many)| {
        let _infallible = write!(told, " {kind} {many}");
        told
    });
    eprintln!("{} expressions:{told}; {} MiB", cases.len(), resident_mib());
}

#[test]
fn every_expression_burns_the_same_each_time() {
    let limits = Fuel { units_max: 20_000, bytes_max: 1 << 20 };
    for case in corpus() {
        let once = end(&case, limits);
        assert_eq!(once, end(&case, limits), "{}", case.shown);
    }
}
