//! `corpus/language/<case>/`: a workflow document or a bundle folder, and in `expected.txt` what is said about it, word for word.
//! `UPDATE_GOLDEN=1` writes the expected texts anew; then the difference is read.
#![expect(clippy::unwrap_used, reason = "a missing file is a failed test")]
#![expect(clippy::disallowed_methods, reason = "the test reads the folders that the crate must not")]

mod support;

use std::collections::BTreeSet;

use provost_language::{Code, Severity, Sources, compile, render};

const EXPECTED: &str = "expected.txt";

#[test]
fn every_case_says_what_is_expected() {
    let corpus = support::root().join("corpus/language");
    let mut cases: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let mut wrong = String::new();
    let mut codes = BTreeSet::new();
    for case in &cases {
        let all = support::folder(case);
        let files = all.iter().filter(|(path, _)| &***path != EXPECTED).map(|(path, bytes)| (path.clone(), bytes.to_vec()));
        let sources: Sources = files.collect();
        let checked = compile(&sources);
        let errors = checked.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        assert_eq!(checked.bundle.is_none(), errors > 0, "{}", case.display());
        assert!(!checked.findings.is_empty(), "{} has no finding", case.display());
        codes.extend(checked.findings.iter().map(|finding| finding.code));
        let said = render(&checked.findings, &sources);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(case.join(EXPECTED), &said).unwrap();
        } else if all.text(EXPECTED) != Some(&said) {
            wrong.push_str(&format!("{}:\n{said}\n", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong}run with UPDATE_GOLDEN=1 and read the difference");
    // These need bytes that no text file holds (`hostile.rs` has them), what is published already (the API's tests), or somebody who knows
    // Cedar.
    let elsewhere = [Code::NotUtf8, Code::TooLarge, Code::VersionReused, Code::Policy];
    let missing: Vec<_> = Code::ALL.iter().filter(|code| !codes.contains(code) && !elsewhere.contains(code)).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

#[test]
fn every_code_has_its_page() {
    let pages = support::root().join("docs/errors");
    for code in Code::ALL {
        let page = std::fs::read_to_string(pages.join(format!("{code}.md")));
        assert!(page.is_ok_and(|text| text.starts_with(&format!("# {code}: "))), "docs/errors/{code}.md is missing");
    }
}

#[test]
fn findings_as_json_read_again() {
    let sources = Sources::lone("w.yaml", &b"do: []\n"[..]);
    let findings = compile(&sources).findings;
    let json = serde_json::to_string(&findings).unwrap();
    assert!(json.contains("\"code\":\"PV1011\"") && json.contains("\"severity\":\"error\""), "{json}");
    let read: Vec<provost_language::Finding> = serde_json::from_str(&json).unwrap();
    assert_eq!(read, findings);
}
