//! Two expressions that hurt elsewhere; the corpus of them is run by `tests/hostile_expressions.rs`.

#![expect(clippy::disallowed_types, reason = "asks whether evaluating ends on a small stack")]

use provost_model::Value;

use super::super::{EvalErrorKind, Fuel, Variables};
use super::{module, value};

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
