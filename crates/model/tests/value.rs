//! Values at the edge and in canonical form: what is read back, what is refused and where, and an independent RFC 8785 as oracle.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use provost_model::value::{ParseErrorKind, canonical, canonical_len, normalise_f64, parse, parse_with, rough_len, utf16_order};
use provost_model::{Digest, Value};

/// Any value; `integers` bounds them.
fn value(integers: std::ops::Range<i64>) -> impl Strategy<Value = Value> {
    let text = prop_oneof![any::<String>(), "[\\x00-\\x7f]{0,8}", "[\\u{e000}-\\u{ffff}\\u{10000}-\\u{10ffff}a]{0,4}"];
    let float = prop_oneof![any::<f64>(), -1e25..1e25, -1e-5..1e-5, (-1e22..1e22).prop_map(f64::trunc)];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        integers.prop_map(Value::Int),
        float.prop_filter_map("finite", |n| normalise_f64(n).ok()),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::array),
            prop::collection::vec((text.clone(), inner), 0..6).prop_map(Value::object),
        ]
    })
}

/// Whether a float without a fraction stands anywhere inside: ours has its exponent there, RFC 8785 has not.
fn has_integral_float(value: &Value) -> bool {
    match value {
        Value::Float(n) => n.value().fract() == 0.0,
        Value::Array(items) => items.iter().any(has_integral_float),
        Value::Object(map) => map.iter().any(|(_, member)| has_integral_float(member)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Str(_) => false,
    }
}

proptest! {
    #[test]
    fn canonical_text_is_read_back(value in value(i64::MIN..i64::MAX)) {
        let text = canonical(&value);
        prop_assert_eq!(parse(text.as_bytes()).unwrap(), value.clone(), "{}", text);
        prop_assert_eq!(canonical_len(&value), text.len(), "{}", text);
        let rough = rough_len(&value);
        prop_assert!(text.len() <= 6 * rough && rough <= 8 * text.len(), "{} for {}", rough, text);
    }

    #[test]
    fn serde_text_is_read_back(value in value(i64::MIN..i64::MAX)) {
        let text = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value.clone());
        prop_assert_eq!(parse(text.as_bytes()).unwrap(), value, "{}", text);
    }

    #[test]
    fn the_canonical_form_is_rfc_8785(value in value(-(1 << 53)..1 << 53)) {
        prop_assume!(!has_integral_float(&value));
        let oracle = serde_json_canonicalizer::to_string(&value).unwrap();
        prop_assert_eq!(canonical(&value), oracle);
    }

    #[test]
    fn the_order_of_members_does_not_matter(mut members in prop::collection::btree_map(any::<String>(), any::<i64>(), 0..8)) {
        let forward = Value::object(members.iter().map(|(k, v)| (k.as_str(), Value::Int(*v))));
        let backward = Value::object(members.iter().rev().map(|(k, v)| (k.as_str(), Value::Int(*v))));
        prop_assert_eq!(Digest::of_value(&forward), Digest::of_value(&backward));
        if let Some((key, n)) = members.pop_first() {
            let changed = members.iter().map(|(k, v)| (k.as_str(), Value::Int(*v))).chain([(key.as_str(), Value::Int(n ^ 1))]);
            prop_assert_ne!(Digest::of_value(&forward), Digest::of_value(&Value::object(changed)));
        }
    }

    #[test]
    fn keys_are_ordered_by_utf16(a in any::<String>(), b in any::<String>()) {
        let expected = a.encode_utf16().collect::<Vec<_>>().cmp(&b.encode_utf16().collect::<Vec<_>>());
        prop_assert_eq!(utf16_order(&a, &b), expected);
    }

    #[test]
    fn whatever_comes_in_ends(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(value) = parse(&bytes) {
            prop_assert_eq!(parse(canonical(&value).as_bytes()).unwrap(), value);
        }
    }
}

fn check(text: &str, expected: &str) {
    assert_eq!(canonical(&parse(text.as_bytes()).unwrap()), expected, "{text}");
}

fn refused(text: impl AsRef<[u8]>, kind: ParseErrorKind, pointer: &str) {
    let error = parse(text.as_ref()).unwrap_err();
    assert_eq!((error.kind, error.pointer.as_str()), (kind, pointer), "{error}");
}

#[test]
fn numbers_are_exact_or_floats() {
    check("9007199254740993", "9007199254740993");
    check("-9223372036854775808", "-9223372036854775808");
    check("9223372036854775807", "9223372036854775807");
    for zero in ["-0", "0", "0.0", "-0.0", "0e10", "-0e-10"] {
        check(zero, "0");
    }
    check("1.0", "1");
    check("1e2", "100");
    check("9007199254740992.0", "9007199254740992");
    check("1.5e300", "1.5e+300");
    check("1e17", "1e+17");
    // Two shortest decimals are as close: the even one (ECMAScript, Number::toString).
    check("-1098034872031089.25", "-1098034872031089.2");
    check("5e-324", "5e-324");
    check("1e19", "1e+19");
    check("0.000001", "0.000001");
    check("0.0000001", "1e-7");
    check("5e-324", "5e-324");
    assert_ne!(parse(b"1e17").unwrap(), parse(b"100000000000000000").unwrap(), "a rounded float is no exact integer");
}

#[test]
fn numbers_that_cannot_be_held_are_refused_with_their_place() {
    refused(r#"{"a":[0,18446744073709551615]}"#, ParseErrorKind::Number, "/a/1");
    refused(r#"{"a":9223372036854775808}"#, ParseErrorKind::Number, "/a");
    refused(r#"{"a":{"b":18446744073709551617}}"#, ParseErrorKind::Number, "/a/b");
    refused(r#"["99999999999999999999",-99999999999999999999]"#, ParseErrorKind::Number, "/1");
    refused("1e400", ParseErrorKind::Number, "");
    refused(r#"{"x":-1e400}"#, ParseErrorKind::Number, "/x");
    for wrong in ["NaN", "Infinity", "01", "1.", ".5", "+1", "0x10", "1e"] {
        refused(wrong, ParseErrorKind::Malformed, "");
    }
}

#[test]
fn depth_and_size_have_limits() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(parse(nested(64).as_bytes()).is_ok());
    refused(nested(65), ParseErrorKind::TooDeep, &"/0".repeat(64));
    let objects = |levels: usize| format!("{}1{}", r#"{"k":"#.repeat(levels), "}".repeat(levels));
    assert!(parse(objects(64).as_bytes()).is_ok());
    refused(objects(65), ParseErrorKind::TooDeep, &"/k".repeat(64));
    refused(nested(100_000), ParseErrorKind::TooDeep, &"/0".repeat(64));
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    assert!(parse(text(1 << 20).as_bytes()).is_ok());
    refused(text((1 << 20) + 1), ParseErrorKind::TooLarge, "");
    let small = provost_model::limits::ValueLimits { bytes_max: 2, depth_max: 0 };
    assert_eq!(parse_with(b"[]", small).unwrap_err().kind, ParseErrorKind::TooDeep);
}

#[test]
fn what_is_no_json_text_is_refused() {
    refused(r#"{"a":{"b":1,"b":2}}"#, ParseErrorKind::DuplicateKey, "/a/b");
    refused(r#"{"a~/":{"b":1,"b":1}}"#, ParseErrorKind::DuplicateKey, "/a~0~1/b");
    refused(b"{\"a\":\"\xff\"}", ParseErrorKind::Malformed, "");
    refused(b"\xc3\x28", ParseErrorKind::Malformed, "");
    for lone in [r#"["\ud800"]"#, r#"["\udc00"]"#, r#"["\ud800x"]"#, r#"["\ud800\ud800"]"#] {
        refused(lone, ParseErrorKind::Malformed, "/0");
    }
    check(r#""\ud83d\ude00""#, "\"\u{1f600}\"");
    for wrong in ["", " ", "{", "[1,]", "{\"a\":1,}", "nul", "[1] 2", "'a'", "\"\t\"", "\u{feff}1"] {
        assert_eq!(parse(wrong.as_bytes()).unwrap_err().kind, ParseErrorKind::Malformed, "{wrong}");
    }
}
