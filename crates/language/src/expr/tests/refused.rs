//! Sources that are refused, with the place and the hint.

use super::super::{ExprErrorKind, Module, Source};
use super::{cases, module, text};

#[test]
fn corpus_refusals_hold() {
    let cases = cases(include_str!("../../../../../corpus/expressions/refused.json"));
    let mut wrong = Vec::new();
    for case in &cases {
        let expression = text(case, "expr");
        let (code, column) = (text(case, "code"), case.member("column").and_then(|c| c.as_int()).unwrap());
        match Module::compile(&[Source::new(expression)]) {
            Ok(_) => wrong.push(format!("{expression}: accepted")),
            Err(errors) => {
                let first = &errors[0];
                let hinted = case.member("hint").and_then(|h| h.as_str()).is_none_or(|part| first.hint.contains(part));
                if first.code() != code || i64::from(first.column) != column || !hinted {
                    wrong.push(format!("{expression}: {} {} {first}", first.code(), first.column));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn names_in_text_and_keys_are_only_names() {
    for fine in [
        r#"{env: 1, now: 2, input: .env, "while": .now, debug: "env now $ENV input"}"#,
        r#".env.now.input.debug.repeat"#,
        r#"."halt" // .["input"]"#,
        r#"{"$secrets": 1} | .["$secrets"]"#,
        r#". as $now | $now"#,
        r#"# now env $ENV
           .a"#,
    ] {
        module(fine);
    }
}

#[test]
fn everything_wrong_is_reported_with_its_source() {
    let sources = [Source::new("now + env"), Source::new(".fine"), Source::new(".a |\n  $contxt")];
    let errors = Module::compile(&sources).unwrap_err();
    let places: Vec<(u32, u32, u32, ExprErrorKind)> = errors.iter().map(|e| (e.index, e.line, e.column, e.kind)).collect();
    assert_eq!(places, [(0, 1, 1, ExprErrorKind::Refused), (0, 1, 7, ExprErrorKind::Refused), (2, 2, 3, ExprErrorKind::Variable)]);
    assert_eq!(errors[2].hint, "did you mean `$context`?");
    assert_eq!(errors[2].to_string(), "unknown variable `$contxt` (line 2, column 3); did you mean `$context`?");
}

#[test]
fn hostile_sources_are_refused_without_exhausting_the_stack() {
    // Parentheses alone leave no trace in the tree.
    module(&format!("{}1{}", "(".repeat(4000), ")".repeat(4000)));
    for source in [
        "(".repeat(8000),
        format!("{}1{}", "[".repeat(4000), "]".repeat(4000)),
        format!("{}1", "-".repeat(8000)),
        format!("{}1", "try ".repeat(2000)),
        format!("1{}", "+1".repeat(4000)),
        format!("1{}", "|1".repeat(4000)),
        format!("1{}", ",1".repeat(4000)),
        format!("{}.", ". as $x | ".repeat(800)),
        format!("{}.", "label $x | ".repeat(700)),
        format!("{}1{}", "{a:".repeat(2500), "}".repeat(2500)),
        format!("{}1{}", "if . then ".repeat(500), " end".repeat(500)),
        "1 ".repeat(100_000),
        "\"\\(".repeat(2600),
    ] {
        let errors = Module::compile(&[Source::new(&source)]).unwrap_err();
        assert!(matches!(errors[0].kind, ExprErrorKind::TooLarge | ExprErrorKind::Syntax), "{:?}", errors[0]);
    }
}
