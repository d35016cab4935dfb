//! Expressions that try to run for ever, to fill memory or to exhaust the stack: each ends by a counted limit.

#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "asks whether evaluating ends soon, and on a small stack")]

use std::time::{Duration, Instant};

use provost_model::Value;

use super::super::{EvalErrorKind, Fuel, Variables};
use super::{cases, module, text, value};

/// Far over what any case takes in a debug build; a case that is not counted runs for minutes or for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is wrong with how `case` ended, if anything.
fn judge(case: &Value) -> Option<String> {
    let expression = text(case, "expr");
    let null = Value::Null;
    let input = case.member("input").unwrap_or(&null);
    let module = module(expression);
    let begun = Instant::now();
    let limits = Fuel::default();
    let (got, burned) = module.evaluate_counted(0, input, &Variables::new(), limits);
    let took = begun.elapsed();
    assert!(burned.units <= limits.units_max && burned.bytes <= limits.bytes_max, "{expression}: {burned:?}");
    assert!(took < PATIENCE, "{expression} took {took:?}");
    let stopped = match &got {
        Err(error) if error.kind == EvalErrorKind::Fuel => "fuel",
        Err(error) if error.kind == EvalErrorKind::Bytes => "bytes",
        Err(error) if error.kind == EvalErrorKind::Depth => "depth",
        Ok(_) | Err(_) => "not counted",
    };
    let told = case.member("stops").and_then(Value::as_str).unwrap_or(stopped);
    let wrong = stopped == "not counted" || stopped != told;
    wrong.then(|| format!("{expression}: {stopped} {burned:?} {got:?}").chars().take(400).collect())
}

#[test]
fn corpus_of_hostile_expressions_is_stopped() {
    let cases = cases(include_str!("../../../../../corpus/expressions/hostile.json"));
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    let share = cases.len().div_ceil(4);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = cases.chunks(share).map(|some| scope.spawn(|| some.iter().filter_map(judge).collect::<Vec<_>>())).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn hostile_expressions_burn_the_same_each_time() {
    let limits = Fuel { units_max: 20_000, bytes_max: 1 << 20 };
    for case in cases(include_str!("../../../../../corpus/expressions/hostile.json")) {
        let module = module(text(&case, "expr"));
        let input = case.member("input").cloned().unwrap_or_default();
        let once = module.evaluate_counted(0, &input, &Variables::new(), limits);
        assert!(once.0.is_err(), "{case}");
        assert_eq!(once, module.evaluate_counted(0, &input, &Variables::new(), limits), "{case}");
    }
}

#[test]
fn the_story_of_the_doubling_string_ends_early() {
    let input = Value::array((0..28).map(Value::Int));
    let module = module("reduce .[] as $i (\"a\"; . + .)");
    let (got, burned) = module.evaluate_counted(0, &input, &Variables::new(), Fuel::default());
    assert_eq!(got.unwrap_err().kind, EvalErrorKind::Bytes);
    assert!(burned.bytes <= 16 << 20, "{burned:?}");
}

#[test]
fn deep_documents_are_walked_on_a_small_stack() {
    let deep = value(&format!("{}1{}", "[".repeat(64), "]".repeat(64)));
    let run = move || {
        for expression in [
            "walk(.)",
            "[..] | length",
            "[paths] | length",
            "tojson",
            ". == .",
            "flatten",
            "del(..|numbers)",
            "map_values(.)",
            "contains(.)",
            ". as $v | $v | inside($v)",
        ] {
            let got = module(expression).evaluate(0, &deep, &Variables::new(), Fuel::default());
            assert!(got.is_ok(), "{expression}: {got:?}");
        }
    };
    std::thread::Builder::new().stack_size(256 << 10).spawn(run).unwrap().join().unwrap();
}
