//! What a result is labelled, and that no label is lost on the way.

use proptest::prelude::*;
use provost_model::Value;
use provost_model::labels::{Label, Labels};
use provost_model::value::{Pointer, canonical};

use super::super::{Evaluated, Fuel, Variables};
use super::properties::{expressions, values};
use super::{module, value};

const FUEL: Fuel = Fuel { units_max: 20_000, bytes_max: 1 << 20 };

fn labelled(expression: &str, input: &Value, labels: &Labels) -> Evaluated {
    module(expression).evaluate_labelled(0, (input, labels), &Variables::new(), FUEL)
}

fn labels(json: &str) -> Labels {
    Labels::from_value(&value(json)).unwrap()
}

fn check(expression: &str, expected: &str) {
    let input = value(r#"{"order":{"total":150,"note":"hi","lines":[{"n":1},{"n":2}]},"tier":"gold"}"#);
    let given = labels(r#"{"/order/note":"untrusted","/order/lines":"personal","/order/gift":"secret"}"#);
    let got = labelled(expression, &input, &given);
    assert_eq!(canonical(&got.labels.to_value()), expected, "{expression} gave {got:?}");
}

#[test]
fn going_to_a_place_reads_no_neighbour() {
    check(".tier", "{}");
    check(".order.total > 100 and .tier == \"gold\"", "{}");
    check("{t: .order.total, tier}", "{}");
    check(".order.note", r#"{"":["untrusted"]}"#);
    check(".order.gift", r#"{"":["secret"]}"#);
    check("(.order.total | tostring) + .tier", "{}");
}

#[test]
fn a_part_handed_on_keeps_the_labels_of_its_places() {
    check(".order", r#"{"/gift":["secret"],"/lines":["personal"],"/note":["untrusted"]}"#);
    check(
        "if .order.note == \"hi\" then .order else . end",
        r#"{"":["untrusted"],"/gift":["untrusted","secret"],"/lines":["untrusted","personal"]}"#,
    );
    check(".order as {lines: $l} | $l", r#"{"":["personal"]}"#);
}

#[test]
fn whatever_looks_at_a_value_takes_its_label() {
    for expression in [
        "if .order.note then 1 else 2 end",
        "(.order.note // 1) | 1",
        "\"\\(.order.note)!\" | 1",
        "{(.order.note): 1} | 1",
        ".order.note | length | 1",
        ".order.note == \"x\" | 1",
        "[.order.note] | sort | 1",
        "reduce .order.note as $x (0; if $x then 1 else . end)",
        "try error(\"\\(.order.note)\") catch 1",
    ] {
        let input = value(r#"{"order":{"note":"hi"},"tier":"gold"}"#);
        let one = labelled(expression, &input, &labels(r#"{"/order/note":"untrusted"}"#));
        assert_eq!(one.labels, Labels::whole(Label::UNTRUSTED), "{expression}");
    }
}

#[test]
fn what_is_made_of_values_keeps_the_labels_of_its_parts() {
    check("{n: .order.note, t: .order.total}", r#"{"/n":["untrusted"]}"#);
    check("[.order.total, .order.note]", r#"{"/1":["untrusted"]}"#);
    check("[.order.total, .order.note] | .[0]", "{}");
    check("{n: .order.note, t: .order.total} | .t", "{}");
    check("{a: {n: .order.note}} + {b: .order.total}", r#"{"/a/n":["untrusted"]}"#);
    check("{a: .order.note} + {a: .order.total}", "{}");
    check("{a: .order.total} + {a: .order.note}", r#"{"/a":["untrusted"]}"#);
    check("{a: 1, b: 2} | .a = .c", "{}");
    check(". as $all | {a: 1, b: 2} | .a = $all.order.note", r#"{"/a":["untrusted"]}"#);
    check("{gift: 1} + .order | .gift", r#"{"":["secret"]}"#);
}

#[test]
fn a_kind_tells_nothing_of_what_is_inside() {
    check("if type == \"array\" then .[0] else .order.total end", "{}");
    check("if .order then .tier // null else false end", "{}");
    check(".order.note | type", r#"{"":["untrusted"]}"#);
}

/// One expression at least of each group of operators and filters; all of them look at the note.
#[test]
fn no_group_of_operators_loses_a_label() {
    for expression in [
        ". + \"x\"",
        "[.] - [\"hi\"]",
        ". * 2",
        ". / \"i\"",
        "(length) % 2",
        "-(length)",
        ". == \"hi\"",
        ". < \"z\"",
        ". and true",
        "false or .",
        "not",
        ". // 1",
        "if . then 1 else 2 end",
        "select(. == \"hi\") | 1",
        "try error(.) catch 1",
        ".[0:1]",
        "[.[0:1]] | length",
        "[.] | map(. + \"x\") | .[0]",
        "[.] | .[]",
        "[.] | sort | 1",
        "[.] | sort_by(.) | 1",
        "[.] | group_by(.) | length",
        "[.] | unique",
        "[.] | min",
        "[.] | any",
        "[.] | add",
        "[.] | flatten",
        "[[.]] | transpose",
        "[.] | reverse | 1",
        "{a: .} | to_entries",
        "{a: .} | with_entries(.value |= 1)",
        "{a: .} | keys",
        "{a: .} | has(\"a\")",
        "[{key: ., value: 1}] | from_entries",
        "{(.): 1}",
        "{a: .} | .a |= . + \"x\" | .a",
        "[.] | .[0] |= . + \"x\"",
        "[., 2] | .[0:1] = [1]",
        "[.] | del(.[0])",
        "{a: {b: .}} | [paths]",
        "[.] | length",
        "utf8bytelength",
        "ascii_upcase",
        "ltrimstr(\"h\")",
        "split(\"i\")",
        "[.] | join(\"-\")",
        "explode",
        "test(\"h\")",
        "sub(\"h\"; \"b\")",
        "startswith(\"h\")",
        "contains(\"h\")",
        "[.] | index(\"hi\")",
        "tojson",
        "tostring",
        "@base64",
        "@uri",
        "@json \"\\(.)\"",
        "\"\\(.)\"",
        "reduce .. as $x (0; . + 1)",
        "(.x | 1)? // 2",
        "[foreach . as $x (0; $x)] | tojson",
        "[limit(1; .)] | tojson",
        "[range(0; length)]",
        "first(.)",
        "{a: .} | [.. | strings]",
        "{a: .} | walk(.)",
        "[{a: .}] | map(.a) | tojson",
        ". as $x | \"a\" | if $x == . then 1 else 2 end",
        "{a: .} | getpath([\"a\"])",
        "[.] | tojson | fromjson",
    ] {
        let got = labelled(
            &format!(".order.note | {expression}"),
            &value(r#"{"order":{"note":"hi"}}"#),
            &labels(r#"{"/order/note":"untrusted"}"#),
        );
        let said = match &got.result {
            Ok(result) => canonical(result),
            Err(error) => error.detail.to_string(),
        };
        assert!(!got.labels.all().is_trusted(), "{expression} gave {said}");
    }
}

#[test]
fn a_failure_is_labelled_by_what_it_read() {
    let got = labelled(".a + 1", &value(r#"{"a":"x"}"#), &labels(r#"{"/a":"untrusted"}"#));
    assert!(got.result.is_err());
    assert_eq!(got.labels, Labels::whole(Label::UNTRUSTED));
}

#[test]
fn a_variable_brings_its_labels() {
    let mut variables = Variables::new().with("context", value(r#"{"a":1,"b":2}"#));
    variables.label("context", labels(r#"{"/a":"untrusted"}"#));
    let run = |text: &str| module(text).evaluate_labelled(0, (&Value::Null, &Labels::new()), &variables, FUEL).labels;
    assert_eq!(run("$context.a + 1"), Labels::whole(Label::UNTRUSTED));
    assert_eq!(run("$context.b + 1"), Labels::new());
    assert_eq!(run("$context"), labels(r#"{"/a":"untrusted"}"#));
}

#[test]
fn more_labels_than_are_told_apart_are_not_lost() {
    let mut deep = Pointer::root();
    (0..100).for_each(|_| deep = deep.child("a"));
    let given = Labels::of([(deep.as_str().to_owned(), Label::SECRET)]);
    assert_eq!(labelled(".a.b | 1", &value("{}"), &given).labels, Labels::new());
    assert_eq!(labelled("tojson", &value("{}"), &given).labels, Labels::whole(Label::SECRET));
}

/// An object with a labelled member, and the same with another one there.
fn changed() -> impl Strategy<Value = (Value, Value, &'static str)> {
    let member = || prop_oneof![3 => values().prop_map(Some), 1 => Just(None)];
    (values(), values(), member(), member(), prop::bool::ANY).prop_map(|(a, b, old, new, inner)| {
        let with = |at: Option<Value>| {
            let pairs = [("b", Some(b.clone())), ("k", Some(a.clone()))];
            let here = |key, at| Value::object(pairs.clone().into_iter().chain([(key, at)]).filter_map(|(k, v)| Some((k, v?))));
            if inner { here("a", Some(here("k", at))) } else { here("a", at) }
        };
        (with(old), with(new), if inner { "/a/k" } else { "/a" })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn what_changes_a_result_is_among_its_labels(expression in expressions(), (one, other, place) in changed()) {
        let given = Labels::of([(place.to_owned(), Label::UNTRUSTED)]);
        let module = module(&expression);
        let run = |input: &Value| module.evaluate_labelled(0, (input, &given), &Variables::new(), FUEL);
        let (a, b) = (run(&one), run(&other));
        // Which limit was hit, and where, tells too; that is why failures are labelled.
        if a.result.as_ref().ok() != b.result.as_ref().ok() {
            // Where only the labelled place of a part differs, that place alone must carry the label, so look at the places.
            prop_assert!(!a.labels.all().is_trusted() && !b.labels.all().is_trusted(), "{} over {} and {}", expression, one, other);
            if let (Ok(x), Ok(y)) = (&a.result, &b.result) {
                prop_assert!(equal_but(x, y, &Pointer::root(), &a.labels), "{} over {} and {}", expression, one, other);
            }
        }
    }

    #[test]
    fn labels_never_change_a_result(expression in expressions(), input in values(), bits in prop::sample::select(vec!["untrusted", "secret"])) {
        let module = module(&expression);
        let plain = module.evaluate_counted(0, &input, &Variables::new(), FUEL);
        for place in ["", "/a", "/b", "/a/k"] {
            let given = Labels::of([(place.to_owned(), Label::of_word(bits).unwrap())]);
            let got = module.evaluate_labelled(0, (&input, &given), &Variables::new(), FUEL);
            prop_assert_eq!(&(got.result, got.burned), &plain);
        }
        let got = module.evaluate_labelled(0, (&input, &Labels::new()), &Variables::new(), FUEL);
        prop_assert!(got.labels.is_empty());
    }
}

/// Whether two results differ only where `labels` says untrusted.
fn equal_but(x: &Value, y: &Value, at: &Pointer, labels: &Labels) -> bool {
    if x == y || !labels.at(at.as_str()).is_trusted() {
        return true;
    }
    if let (Value::Array(a), Value::Array(b)) = (x, y) {
        let items = a.iter().zip(b.iter()).enumerate();
        return a.len() == b.len() && items.into_iter().all(|(index, (x, y))| equal_but(x, y, &at.child(&index.to_string()), labels));
    }
    let (Value::Object(a), Value::Object(b)) = (x, y) else { return false };
    let keys = a.iter().chain(b.iter()).map(|(key, _)| key);
    keys.into_iter().all(|key| {
        let side = |map: &provost_model::value::Map| map.lookup(key).cloned();
        let inner = at.child(key);
        match (side(a), side(b)) {
            (Some(x), Some(y)) => equal_but(&x, &y, &inner, labels),
            (_, _) => !labels.at(inner.as_str()).is_trusted(),
        }
    })
}
