//! Expressions and what they give.

use provost_model::Value;

use super::super::{Burned, EvalErrorKind, Fuel, Module, Source, Variables, is_expression, secret_marker, secret_spans, strip};
use super::{cases, evaluate, module, text, value};

#[test]
fn corpus_results_hold() {
    let cases = cases(include_str!("../../../../../corpus/expressions/results.json"));
    assert!(cases.len() >= 120, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let expression = text(case, "expr");
        let null = Value::Null;
        let input = case.member("input").unwrap_or(&null);
        match Module::compile(&[Source::new(expression)]) {
            Err(errors) => wrong.push(format!("{expression}: refused: {errors:?}")),
            Ok(module) => {
                let got = module.evaluate(0, input, &Variables::new(), Fuel::default());
                let expected = case.member("output").map(ToString::to_string);
                let fault = case.member("error").map(ToString::to_string);
                let shown = got.as_ref().map(ToString::to_string).map_err(|e| format!("\"{}\"", e.code()));
                match (&shown, expected, fault) {
                    (Ok(shown), Some(expected), None) if *shown == expected => {}
                    (Err(code), None, Some(expected)) if *code == expected => {}
                    (_, expected, fault) => wrong.push(format!("{expression}: {got:?} instead of {expected:?} {fault:?}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn variables_are_bound_by_name_and_extra_names_only_where_declared() {
    let sources = [
        Source::new("$context.a + $input.b"),
        Source { text: "${ $item.price * $index }", names: &["item", "index"] },
        Source { text: "$problem.title", names: &["problem"] },
    ];
    let module = Module::compile(&sources).unwrap();
    let mut variables = Variables::new().with("context", value(r#"{"a":1}"#)).with("input", value(r#"{"b":2}"#));
    assert_eq!(module.evaluate(0, &Value::Null, &variables, Fuel::default()).unwrap(), Value::Int(3));
    variables.set("item", value(r#"{"price":7}"#));
    variables.set("index", Value::Int(3));
    assert_eq!(module.evaluate(1, &Value::Null, &variables, Fuel::default()).unwrap(), Value::Int(21));
    let missing = module.evaluate(2, &Value::Null, &variables, Fuel::default()).unwrap_err();
    assert_eq!((missing.kind, missing.code()), (EvalErrorKind::Missing, "EXPRESSION_MISSING"));
    assert_eq!(module.evaluate(9, &Value::Null, &variables, Fuel::default()).unwrap_err().kind, EvalErrorKind::Missing);
    assert_eq!(module.variables_used(1), ["item", "index"]);
    assert_eq!(module.context_keys(0).unwrap(), ["a"]);
}

#[test]
fn a_key_of_the_context_is_told_from_all_of_it() {
    let module = Module::compile(&["$context | keys".into(), ".a".into(), "$context[\"x y\"].z, $context.b".into()]).unwrap();
    assert_eq!(module.context_keys(0), None);
    assert_eq!(module.context_keys(1).unwrap(), Vec::<String>::new());
    assert_eq!(module.context_keys(2).unwrap(), ["b", "x y"]);
}

#[test]
fn two_hundred_expressions_are_one_module() {
    let texts: Vec<String> = (0..200).map(|n| format!("def twice($x): $x * 2; twice(.a) + {n}")).collect();
    let sources: Vec<Source<'_>> = texts.iter().map(|text| Source::new(text)).collect();
    let module = Module::compile(&sources).unwrap();
    assert_eq!(module.len(), 200);
    for n in 0..200 {
        let got = module.evaluate(n, &value(r#"{"a":4}"#), &Variables::new(), Fuel::default()).unwrap();
        assert_eq!(got, Value::Int(8 + i64::from(n)));
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "asks whether threads can share a module")]
fn a_module_is_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let module = module(".n + 1");
    shared(&module);
    std::thread::scope(|scope| {
        for n in 0..4 {
            let module = &module;
            scope.spawn(move || {
                let got = module.evaluate(0, &Value::object([("n", Value::Int(n))]), &Variables::new(), Fuel::default());
                assert_eq!(got.unwrap(), Value::Int(n + 1));
            });
        }
    });
}

#[test]
fn only_the_first_output_is_computed() {
    let module = module("1, error(\"never\"), [range(1e12)]");
    let (got, burned) = module.evaluate_counted(0, &Value::Null, &Variables::new(), Fuel::default());
    assert_eq!(got.unwrap(), Value::Int(1));
    assert!(burned.units < 10, "{burned:?}");
}

#[test]
fn fuel_is_counted_and_its_end_is_exact() {
    let module = module("[.[] | . + 1]");
    let input = value("[1,2,3]");
    let (_, burned) = module.evaluate_counted(0, &input, &Variables::new(), Fuel::default());
    assert!(burned.units > 3 && burned.bytes > 0, "{burned:?}");
    let just = Fuel { units_max: burned.units, bytes_max: burned.bytes };
    assert!(module.evaluate(0, &input, &Variables::new(), just).is_ok());
    let less = Fuel { units_max: burned.units - 1, ..just };
    assert_eq!(module.evaluate(0, &input, &Variables::new(), less).unwrap_err().kind, EvalErrorKind::Fuel);
    let fewer = Fuel { bytes_max: burned.bytes - 1, ..just };
    let error = module.evaluate(0, &input, &Variables::new(), fewer).unwrap_err();
    assert_eq!((error.kind, error.code()), (EvalErrorKind::Bytes, "EXPRESSION_BYTES"));
}

#[test]
fn text_is_told_from_expressions() {
    for yes in ["${ .a }", "${.a}", " ${ .a }\n", "${}"] {
        assert!(is_expression(yes), "{yes}");
    }
    for no in ["", ".a", "$", "${", "cost: ${ .a }", "${ .a } EUR", "$context"] {
        assert!(!is_expression(no), "{no}");
    }
    assert_eq!((strip("${ .a }"), strip(".a")), (" .a ", ".a"));
    assert_eq!(evaluate("${ .a }", &value(r#"{"a":1}"#)).unwrap(), Value::Int(1));
}

#[test]
fn secrets_travel_as_markers_with_their_places() {
    let source = r#"{headers: {auth: "Bearer \($secrets.token)", "a/b": ("k=" + $secrets.key)}, n: .n}"#;
    let module = module(source);
    assert_eq!(module.uses_secrets(0), ["token", "key"]);
    let got = module.evaluate(0, &value(r#"{"n":1}"#), &Variables::new(), Fuel::default()).unwrap();
    let auth = got.member("headers").and_then(|h| h.member("auth")).and_then(Value::as_str).unwrap();
    assert_eq!(auth, format!("Bearer {}", secret_marker("token")));
    let spans = secret_spans(&got);
    let places: Vec<(&str, usize, &str)> = spans.iter().map(|s| (s.pointer.as_str(), s.start, s.name.as_str())).collect();
    assert_eq!(places, [("/headers/a~1b", 2, "key"), ("/headers/auth", 7, "token")]);
    assert!(spans.iter().all(|s| s.end > s.start));
}

#[test]
fn no_document_can_forge_a_secret() {
    let forged = Value::from(secret_marker("token"));
    for (source, input) in [
        ("{a: $secrets.key, b: .b}", Value::object([("b", forged.clone())])),
        ("{a: $secrets.key, b: $context.b}", Value::Null),
        ("{a: $secrets.key, b: (.b | fromjson)}", value(r#"{"b":"\"\\ufdd0token\\ufdd1\""}"#)),
        ("{a: $secrets.key, b: ([64976, 120, 64977] | implode)}", Value::Null),
        ("{a: $secrets.key, b: (\"77eQdG9rZW7vt5E=\" | @base64d)}", Value::Null),
    ] {
        let variables = Variables::new().with("context", Value::object([("b", forged.clone())]));
        let error = module(source).evaluate(0, &input, &variables, Fuel::default()).unwrap_err();
        assert_eq!(error.kind, EvalErrorKind::Secret, "{source}: {error:?}");
    }
    // Where no secret is used, the text is only text.
    assert_eq!(evaluate(".", &forged).unwrap(), forged);
}

#[test]
fn errors_name_kinds_and_never_contents() {
    let error = evaluate(".card + 1", &value(r#"{"card":"4111 1111"}"#)).unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (EvalErrorKind::Type, "cannot calculate string + number"));
    let error = evaluate("error({code: 7})", &Value::Null).unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (EvalErrorKind::User, r#"{"code":7}"#));
    let error = evaluate("try (1 + {}) catch error(.)", &Value::Null).unwrap_err();
    assert_eq!(error.kind, EvalErrorKind::Type);
}

#[test]
fn an_evaluation_inside_another_keeps_both_counts() {
    let module = module("[range(100)] | length");
    let outer = super::super::meter::Metered::start(Fuel::default());
    super::super::meter::charge(7);
    let (_, inner) = module.evaluate_counted(0, &Value::Null, &Variables::new(), Fuel::default());
    assert!(inner.units > 100, "{inner:?}");
    assert_eq!(outer.burned(), Burned { units: 7, bytes: 0 });
}
