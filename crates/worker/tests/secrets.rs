//! Secrets are put into exactly the listed places, and taken out of everything that is reported.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use provost_model::record::{Attempted, SecretSpan};
use provost_model::{Problem, Value, value};
use provost_worker::secrets::{HIDDEN, SECRET_BYTES_MAX, SecretError, Secrets};

fn kept(secrets: &[(&str, &[u8])]) -> (tempfile::TempDir, Secrets) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in secrets {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let kept = Secrets::folder(folder.path().to_owned());
    (folder, kept)
}

fn span(pointer: &str, (start, end): (usize, usize), name: &str) -> SecretSpan {
    SecretSpan { pointer: pointer.to_owned(), start, end, name: name.to_owned() }
}

fn json(text: &str) -> Value {
    value::parse(text.as_bytes()).unwrap()
}

#[test]
fn each_listed_place_is_filled_and_no_other() {
    let (_folder, secrets) = kept(&[("a", b"AAAA\n"), ("b.c", b"bb\r\n")]);
    let mut input = json(r#"{"x/y":["k=<a>;<b>;<a>","<a>"],"z":"<a>"}"#);
    // In any order, several in one text, and a content that looks like another place.
    let spans = [span("/x~1y/0", (2, 5), "a"), span("/x~1y/0", (10, 13), "a"), span("/x~1y/0", (6, 9), "b.c"), span("/z", (0, 3), "b.c")];
    for spans in [spans.to_vec(), spans.iter().rev().cloned().collect()] {
        let mut input = input.clone();
        secrets.fill(&mut input, &spans).unwrap();
        assert_eq!(input, json(r#"{"x/y":["k=AAAA;bb;AAAA","<a>"],"z":"bb"}"#));
    }
    secrets.fill(&mut input, &[]).unwrap();
    assert_eq!(input, json(r#"{"x/y":["k=<a>;<b>;<a>","<a>"],"z":"<a>"}"#));
}

#[test]
fn a_changed_file_counts_from_the_next_request_on() {
    let (folder, secrets) = kept(&[("a", b"old")]);
    for (content, wanted) in [("old", r#""old""#), ("new", r#""new""#)] {
        std::fs::write(folder.path().join("a"), content).unwrap();
        let mut input = Value::from("<>");
        secrets.fill(&mut input, &[span("", (0, 2), "a")]).unwrap();
        assert_eq!(input, json(wanted));
    }
}

#[test]
fn what_cannot_be_filled_is_refused_without_a_content() {
    let long = vec![b'x'; SECRET_BYTES_MAX + 1];
    let (folder, secrets) = kept(&[("a", b"AAAA"), ("empty", b"\n"), ("binary", &[0xff]), ("long", &long), (".hidden", b"x")]);
    std::fs::write(folder.path().parent().unwrap().join("outside-of-the-folder"), "x").unwrap();
    let refused = |pointer: &str, place, name: &str| {
        let mut input = json(r#"{"t":"0é2345","n":1}"#);
        let error = secrets.fill(&mut input, &[span(pointer, place, name)]).unwrap_err();
        assert!(!error.to_string().contains("AAAA"));
        error.code()
    };
    for name in ["none", "../outside-of-the-folder", ".hidden", "", "/etc/hostname"] {
        assert_eq!(refused("/t", (0, 1), name), "secret-unknown", "{name}");
    }
    for name in ["empty", "binary", "long"] {
        assert_eq!(refused("/t", (0, 1), name), "secret-unusable", "{name}");
    }
    for (pointer, place) in [("/t", (0, 99)), ("/t", (2, 3)), ("/t", (4, 3)), ("/n", (0, 1)), ("/m", (0, 1)), ("/t/0", (0, 1))] {
        assert_eq!(refused(pointer, place, "a"), "secret-place", "{pointer} {place:?}");
    }
    let nowhere = Secrets::default().fill(&mut Value::from("x"), &[span("", (0, 1), "a")]).unwrap_err();
    assert_eq!(nowhere, SecretError::Unknown("a".to_owned()));
}

#[test]
fn what_comes_back_holds_no_content() {
    let (_folder, secrets) = kept(&[("a", b"AAAA")]);
    let filled = secrets.fill(&mut Value::from("x"), &[span("", (0, 1), "a")]).unwrap();
    assert!(!format!("{filled:?}{secrets:?}").contains("AAAA"));
    let problem =
        || Problem { extra: json(r#"{"AAAA":["-AAAA-"]}"#), ..Problem::standard("communication", 500, "AAAA").detail("sent AAAA") };
    let outcomes = [
        Attempted::Done { value: json(r#"{"AAAA":["-AAAA-",1]}"#), reference: Some("AAAA".into()), usage: None, dropped_bytes: None },
        Attempted::Failed { problem: problem(), retry: true, retry_after_ms: None },
        Attempted::Unknown { problem: problem() },
    ];
    for outcome in outcomes {
        let said = serde_json::to_string(&filled.hidden(outcome)).unwrap();
        assert!(!said.contains("AAAA") && said.contains(HIDDEN), "{said}");
    }
}

proptest! {
    #[test]
    fn filling_is_what_joining_the_pieces_is(pieces in prop::collection::vec("[a-zé]{0,4}", 1..5), content in "[A-Z]{1,8}") {
        let (_folder, secrets) = kept(&[("s", content.as_bytes())]);
        let (mut text, mut spans) = (String::new(), Vec::new());
        for (at, piece) in pieces.iter().enumerate() {
            if at > 0 {
                spans.push(span("/t", (text.len(), text.len() + 3), "s"));
                text.push_str("<s>");
            }
            text.push_str(piece);
        }
        let mut input = Value::object([("t", Value::from(text))]);
        secrets.fill(&mut input, &spans).unwrap();
        prop_assert_eq!(input, Value::object([("t", Value::from(pieces.join(&content)))]));
    }
}
