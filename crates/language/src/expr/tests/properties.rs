//! What holds for all expressions and inputs.

use proptest::prelude::*;
use provost_model::Value;
use provost_model::value::{canonical, normalise_f64, parse};

use super::super::{EvalErrorKind, Fuel, Module, Source, Variables};

pub(super) fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        // Sixty-fourths: short in decimal, so that this asks about fuel and not about reading numbers.
        (-1_000_000_i32..1_000_000).prop_map(|n| normalise_f64(f64::from(n) / 64.0).unwrap()),
        "[a-z0-9é ]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::array),
            prop::collection::vec(("[abk]", inner), 0..4).prop_map(Value::object),
        ]
    })
}

/// Expressions of the profile, most of them accepted, over all values.
pub(super) fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        ".",
        ".a",
        ".b?",
        ".[0]?",
        ".[]?",
        "..",
        "1",
        "\"k\"",
        "null",
        "length?",
        "keys?",
        "tojson",
        "type",
        "-1",
        "0.5",
        "{}",
        "[]",
        "sort?",
        "add?",
        "to_entries?",
        "unique?",
        "reverse?",
        "tonumber?",
        "[paths]",
        "flatten?",
        "ascii_downcase?",
        "explode?",
        "floor?",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|(a, b)| format!("({a}) | ({b})")),
            two.clone().prop_map(|(a, b)| format!("[({a}), ({b})]")),
            (two.clone(), prop::sample::select(vec!["+", "-", "*", "/", "%", "==", "<", "and", "or", "//"]))
                .prop_map(|((a, b), op)| format!("(try (({a}) {op} ({b})) catch .)")),
            two.clone().prop_map(|(a, b)| format!("{{a: ({a}), b: ({b})}}")),
            two.clone().prop_map(|(a, b)| format!("if {a} then {b} else . end")),
            two.clone().prop_map(|(a, b)| format!("(try ((.a) |= ({a})) catch ({b}))")),
            two.clone().prop_map(|(a, b)| format!("reduce ({a}) as $x (0; try (. + ({b})) catch 1)")),
            two.prop_map(|(a, b)| format!("[limit(3; ({a}), ({b}))]")),
            inner.clone().prop_map(|a| format!("[.[]? | {a}]")),
            inner.clone().prop_map(|a| format!("(try walk({a}) catch 0)")),
            inner.clone().prop_map(|a| format!("(try sort_by({a}) catch 0)")),
            inner.prop_map(|a| format!("\"<\\({a})>\"")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn evaluating_twice_gives_the_same_for_the_same_fuel(expression in expressions(), input in values()) {
        let module = Module::compile(&[Source::new(&expression)]).unwrap();
        let limits = Fuel { units_max: 20_000, bytes_max: 1 << 20 };
        let once = module.evaluate_counted(0, &input, &Variables::new(), limits);
        // Read anew: shares no allocation with the first, which must make no difference.
        let copy = parse(canonical(&input).as_bytes()).unwrap();
        let twice = module.evaluate_counted(0, &copy, &Variables::new(), limits);
        prop_assert_eq!(&once, &twice);
        prop_assert!(once.1.units <= limits.units_max && once.1.bytes <= limits.bytes_max);
        // Less fuel never gives another value.
        let half = Fuel { units_max: once.1.units / 2, ..limits };
        if let (Ok(full), Ok(starved)) = (&once.0, &module.evaluate(0, &input, &Variables::new(), half)) {
            prop_assert_eq!(full, starved);
        }
    }

    #[test]
    fn sorting_agrees_with_comparing(items in prop::collection::vec(values(), 0..8)) {
        let module = Module::compile(&["sort | [.[:-1], .[1:]] | transpose | all(.[0] <= .[1])".into()]).unwrap();
        let got = module.evaluate(0, &Value::array(items), &Variables::new(), Fuel::default()).unwrap();
        prop_assert_eq!(got, Value::Bool(true));
    }

    #[test]
    fn integers_are_exact_or_fail(a in any::<i64>(), b in any::<i64>()) {
        let module = Module::compile(&[".[0] + .[1]".into(), ".[0] - .[1]".into(), ".[0] * .[1]".into()]).unwrap();
        let input = Value::array([Value::Int(a), Value::Int(b)]);
        for (index, expected) in (0..).zip([a.checked_add(b), a.checked_sub(b), a.checked_mul(b)]) {
            match (module.evaluate(index, &input, &Variables::new(), Fuel::default()), expected) {
                (Ok(got), Some(expected)) => prop_assert_eq!(got, Value::Int(expected)),
                (Err(error), None) => prop_assert_eq!(error.kind, EvalErrorKind::Overflow),
                (got, expected) => prop_assert!(false, "{:?} instead of {:?}", got, expected),
            }
        }
    }
}
