//! Sources that were written to hurt: each ends quickly, with a finding that says what is wrong, and never with a panic.
#![expect(clippy::unwrap_used, reason = "a missing finding is a failed test")]

mod support;

use proptest::prelude::*;
use provost_language::{Code, Sources, compile};

const HEAD: &str = "document: { dsl: '1.0.3', namespace: t, name: t, version: '1.0.0' }\n";

fn codes(bytes: &[u8]) -> Vec<Code> {
    compile(&Sources::lone("workflow.yaml", bytes)).findings.iter().map(|finding| finding.code).collect()
}

fn refused(text: &str, code: Code) {
    let found = codes(text.as_bytes());
    assert!(found.contains(&code), "{found:?} for {}", text.chars().take(80).collect::<String>());
}

#[test]
fn a_billion_laughs() {
    let mut text = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(", ")));
    }
    refused(&text, Code::TooLarge);
}

#[test]
fn deep_nesting() {
    for text in ["[".repeat(200_000), "{a: ".repeat(100_000), "- ".repeat(100_000), format!("a: {}1{}", "[".repeat(70), "]".repeat(70))] {
        let found = codes(text.as_bytes());
        assert!(found.iter().any(|code| matches!(code, Code::TooLarge | Code::Syntax)), "{found:?}");
    }
    let deep = (0..200).fold(String::new(), |text, level| text + &" ".repeat(level) + "a:\n");
    refused(&deep, Code::TooLarge);
}

#[test]
fn deep_tasks() {
    let tasks = (0..60).fold("{ set: { a: 1 } }".to_owned(), |task, _| format!("{{ do: [ {{ t: {task} }} ] }}"));
    refused(&format!("{HEAD}do: [ {{ t: {tasks} }} ]\n"), Code::TooLarge);
}

#[test]
fn an_anchor_in_itself() {
    let found = codes(b"a: &a [ *a ]\n");
    assert!(!found.is_empty());
}

#[test]
fn large_files_and_keys() {
    refused(&"a".repeat((1 << 20) + 1), Code::TooLarge);
    let found = codes(format!("{HEAD}do: []\n{}: 1\n", "k".repeat(900_000)).as_bytes());
    assert!(!found.is_empty());
    let many = (0..60_000).fold(String::new(), |text, key| text + &format!("k{key}: 1\n"));
    let checked = compile(&Sources::lone("workflow.yaml", many.as_bytes()));
    assert!((1..=220).contains(&checked.findings.len()), "{}", checked.findings.len());
}

#[test]
fn tabs() {
    refused("do:\n\t- a: 1\n", Code::Syntax);
}

#[test]
fn bytes_that_are_no_text() {
    let checked = compile(&Sources::lone("workflow.yaml", &b"document:\n  name: \xff\n"[..]));
    let finding = checked.findings.first().unwrap();
    assert_eq!((finding.code, finding.line, finding.column), (Code::NotUtf8, 2, 9));
    assert!(!codes(b"a\0b: 1\n").is_empty());
    assert!(!codes(b"\xef\xbb\xbf").is_empty());
    assert!(!codes(b"").is_empty());
}

#[test]
fn a_byte_order_mark_and_carriage_returns_are_fine() {
    let text = format!("\u{feff}{HEAD}do:\n  - a:\n      set: {{ b: '${{ . }}' }}\n").replace('\n', "\r\n");
    assert_eq!(codes(text.as_bytes()), []);
    let wrong = text.replace("set", "sett");
    let finding = compile(&Sources::lone("w.yaml", wrong.as_bytes())).findings.remove(0);
    assert_eq!((finding.code, finding.line, finding.column), (Code::TaskShape, 4, 7));
}

#[test]
fn what_yaml_has_and_we_do_not_read() {
    refused("a: !!binary abc\n", Code::Yaml);
    refused("a: 1\n---\nb: 2\n", Code::Yaml);
    refused("? [ a, b ]\n: 1\n", Code::Yaml);
    refused("<<: { a: 1 }\ndo: []\n", Code::UnknownKey);
    refused("a: 99999999999999999999\n", Code::Number);
    refused("a: .nan\n", Code::Number);
}

#[test]
fn on_is_a_word() {
    let text = format!("{HEAD}schedule: {{ on: {{ one: {{ with: {{ type: t.v1 }} }} }} }}\ndo: [ {{ a: {{ set: {{ b: 1 }} }} }} ]\n");
    let bundle = compile(&Sources::lone("w.yaml", text.as_bytes())).bundle.unwrap();
    assert!(bundle.workflows.first().unwrap().starts_on.is_some());
}

#[test]
fn agents_rules_and_contracts_too() {
    let hello = support::folder(&support::root().join("bundles/hello-agent"));
    for (path, bytes, code) in [
        ("agents/x.md", &b"no front matter"[..], Code::Agent),
        ("agents/x.md", &b"---\nversion: 1.0.0\nmodel: [\n---\nhi"[..], Code::Syntax),
        ("agents/x.md", &b"---\nversion: 1.0.0\nmodel: \xff\n---\nhi"[..], Code::NotUtf8),
        ("rules/x.csv", &b"# version: 1.0.0\n.a,= b\n1\n"[..], Code::Rules),
        ("rules/x.csv", &b"# version: 1.0.0\n"[..], Code::Rules),
        ("contracts/x.json", &b"{\"a\":1,\"a\":2}"[..], Code::DuplicateKey),
        ("contracts/x.json", &b"{\"type\":\"nonsense\"}"[..], Code::Schema),
        ("contracts/x.json", &b"{\"$ref\":\"https://elsewhere.example/s.json\"}"[..], Code::Schema),
        ("contracts/x.json", &b"{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}"[..], Code::Schema),
        ("contracts/x.json", &b"{\"pattern\":\"(a{1000}){1000}\"}"[..], Code::Schema),
        ("contracts/x.json", &b"[1]"[..], Code::Schema),
        ("policies/x.cedar", &b"\xff"[..], Code::NotUtf8),
        ("actions/x.yaml", &b"version: latest\n"[..], Code::WrongValue),
    ] {
        let mut sources = hello.clone();
        sources.add(path, bytes);
        let checked = compile(&sources);
        let found: Vec<Code> = checked.findings.iter().map(|finding| finding.code).collect();
        assert!(checked.bundle.is_none() && found.contains(&code), "{path}: {:?}", checked.findings);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any bytes end in a bundle or in findings that point into the file.
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let checked = compile(&Sources::lone("w.yaml", bytes));
        prop_assert!(checked.bundle.is_none() && !checked.findings.is_empty());
    }

    /// A document with one line cut out or doubled never panics, and compiles the same way twice.
    #[test]
    fn broken_documents(line in 0_usize..90, doubled in any::<bool>(), cut in 0_usize..40) {
        let text = include_str!("../../../bundles/refund-triage/workflows/refund-triage.yaml");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if line < lines.len() {
            let old = lines.remove(line);
            if doubled {
                lines.insert(line, old.chars().skip(cut).collect());
                lines.insert(line, old);
            }
        }
        let text = lines.join("\n");
        let (first, second) = (compile(&Sources::lone("w.yaml", text.as_bytes())), compile(&Sources::lone("w.yaml", text.as_bytes())));
        prop_assert_eq!(first.bundle, second.bundle);
        prop_assert_eq!(first.findings, second.findings);
    }
}

#[test]
fn what_is_known_of_data_does_not_grow_without_end() {
    let head = "document: { dsl: '1.0.3', namespace: t, name: t, version: '1.0.0' }\ndo:\n";
    let doubled = |n: usize| {
        format!("  - t{n}: {{ set: '${{ {{ l: ., r: . }} }}', export: {{ as: '${{ {{ a: $context, b: $context, c: . }} }}' }} }}\n")
    };
    let wide = |n: usize| format!("  - t{n}: {{ set: {{ x: {n} }}, export: {{ as: '${{ $context + {{ k{n}: . }} }}' }} }}\n");
    let met = |n: usize| {
        let cases = "[ { a: { when: '${ .l.r.l }', then: continue } }, { b: { then: exit } } ]";
        format!("  - t{n}: {{ if: '${{ .l == 1 }}', set: '${{ [ ., $context, {{ k{n}: . }} ] }}' }}\n  - s{n}: {{ switch: {cases} }}\n")
    };
    for make in [&doubled as &dyn Fn(usize) -> String, &wide, &met] {
        let text = head.to_owned() + &(0..1000).map(make).collect::<String>();
        let checked = compile(&Sources::lone("w.yaml", text.into_bytes()));
        assert!(checked.bundle.is_some(), "{:?}", checked.findings.first());
    }
}
