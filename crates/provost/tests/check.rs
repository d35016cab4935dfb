//! `provost check` on folders and on lone documents inside and outside a bundle.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value by name gives null where it is absent")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

fn bundles() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bundles")
}

/// Exit code, the summary, and what was said.
fn check(path: &Path) -> (i32, Json, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_provost")).args(["check", "--json"]).arg(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let summary = serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap();
    (output.status.code().unwrap(), summary, String::from_utf8(output.stderr).unwrap())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

#[test]
fn a_lone_document_finds_the_bundle_around_it() {
    let document = bundles().join("refund-triage/workflows/refund-triage.yaml");
    let (code, summary, said) = check(&document);
    assert_eq!((code, summary["errors"].as_u64()), (0, Some(0)), "{summary} {said}");
    let around = bundles().join("refund-triage").canonicalize().unwrap();
    assert_eq!(summary["bundle"].as_str(), around.to_str(), "{summary}");
    assert_eq!(summary["digest"], check(&bundles().join("refund-triage")).1["digest"], "the same bundle either way");
}

#[test]
fn a_lone_document_outside_a_bundle_is_judged_alone() {
    let place = tempfile::tempdir().unwrap();
    let document = place.path().join("refund-triage.yaml");
    std::fs::copy(bundles().join("refund-triage/workflows/refund-triage.yaml"), &document).unwrap();
    let (code, summary, _) = check(&document);
    let codes: Vec<&str> = summary["findings"].as_array().unwrap().iter().filter_map(|finding| finding["code"].as_str()).collect();
    assert_eq!((code, summary["bundle"].is_null(), codes.contains(&"PV1023")), (1, true, true), "{summary}");
}

#[test]
fn its_own_findings_decide_and_those_of_other_files_are_counted() {
    let place = tempfile::tempdir().unwrap();
    let bundle = place.path().join("refunds");
    copy(&bundles().join("refund-triage"), &bundle);
    let document = bundle.join("workflows/refund-triage.yaml");
    std::fs::write(bundle.join("workflows/broken.yaml"), "document: {}\ndo: 7\n").unwrap();
    let (code, summary, said) = check(&document);
    assert_eq!((code, &summary["findings"]), (0, &serde_json::json!([])), "{summary}");
    assert!(said.contains("other files of the bundle have") && said.contains("provost check"), "{said}");
    assert_eq!(check(&bundle).0, 1);

    std::fs::remove_file(bundle.join("agents/fraud-analyst.md")).unwrap();
    let (code, summary, _) = check(&document);
    let finding = &summary["findings"][0];
    assert_eq!((code, finding["code"].as_str()), (1, Some("PV1023")), "{summary}");
    assert_eq!(finding["file"], "workflows/refund-triage.yaml");
    assert!(finding["message"].to_string().contains("fraud-analyst"), "{finding}");
}

#[test]
fn a_document_that_needs_nobody_is_read_alone_wherever_it_stands() {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("workflows")).unwrap();
    let document = place.path().join("workflows/alone.yaml");
    let text = "document: { dsl: '1.0.3', namespace: test, name: alone, version: '1.0.0' }\ndo:\n  - one: { set: { n: 1 } }\n";
    std::fs::write(&document, text).unwrap();
    std::fs::write(place.path().join("workflows/twin.yaml"), text).unwrap();
    let (code, summary, said) = check(&document);
    assert_eq!((code, summary["bundle"].is_null(), &summary["findings"]), (0, true, &serde_json::json!([])), "{summary} {said}");
}

#[test]
fn several_findings_at_once_with_what_was_expected_and_a_sure_fix() {
    let place = tempfile::tempdir().unwrap();
    let document = place.path().join("slips.yaml");
    let text = "document: { dsl: '1.0.3', namespace: t, name: slips, versoin: '1.0.0' }\ndo:\n  - a: { set: { x: 1 }, tehn: end }\n  - b: { wait: { secnods: 3 } }\n";
    std::fs::write(&document, text).unwrap();
    let (code, summary, said) = check(&document);
    assert_eq!((code, said.contains('\u{1b}')), (1, false), "{said}");
    let fix = |from: &str| {
        let found = summary["findings"].as_array().unwrap().iter().find(|finding| finding["fix"]["replace"] == from);
        found.map(|finding| (finding["line"].as_u64().unwrap(), finding["fix"]["with"].as_str().unwrap(), finding["expected"].clone()))
    };
    let (line, with, _) = fix("versoin").unwrap();
    assert_eq!((line, with), (1, "version"), "{summary}");
    let (line, with, expected) = fix("tehn").unwrap();
    assert_eq!((line, with), (3, "then"), "{summary}");
    assert!(expected.as_array().unwrap().contains(&Json::from("timeout")), "{expected}");
    assert_eq!(fix("secnods").unwrap().0, 4, "{summary}");
    let output = Command::new(env!("CARGO_BIN_EXE_provost")).arg("check").arg(&document).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    for line in [
        "    3 |   - a: { set: { x: 1 }, tehn: end }\n      |                         ^^^^\n",
        "      = did you mean `then`?\n    3 +   - a: { set: { x: 1 }, then: end }\n",
        "expected one of ",
    ] {
        assert!(said.contains(line), "{line}\nis missing in\n{said}");
    }
    assert!(said.trim_end().ends_with(" errors") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn a_bundle_is_drawn_and_a_lone_document_means_its_own_workflow() {
    let draw = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_provost")).arg("graph").args(arguments).current_dir(bundles()).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, svg, _) = draw(&["refund-triage"]);
    assert!(code == 0 && svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
    let (code, lone, _) = draw(&["bench/workflows/ten-effects.yaml", "--format", "mermaid"]);
    assert!(code == 0 && lone.contains("accTitle: Workflow ten-effects "), "{lone}");
    let (code, _, said) = draw(&["bench"]);
    assert!(code == 2 && said.contains("--workflow") && said.contains("`fan`"), "{said}");
}

#[test]
fn a_policy_that_cannot_be_read_is_counted_and_has_its_place() {
    let place = tempfile::tempdir().unwrap();
    let bundle = place.path().join("refunds");
    copy(&bundles().join("refund-triage"), &bundle);
    std::fs::write(bundle.join("policies/refund.cedar"), "@id(\"a\")\npermit (principal, action resource);\n").unwrap();
    let (code, summary, _) = check(&bundle);
    let finding = &summary["findings"][0];
    assert_eq!((code, summary["errors"].as_u64(), summary["digest"].is_null()), (1, Some(1), true), "{summary}");
    assert_eq!((&finding["code"], &finding["file"]), (&"PV1047".into(), &"policies/refund.cedar".into()), "{summary}");
    assert_eq!((&finding["line"], &finding["column"]), (&2.into(), &27.into()), "{summary}");
    assert!(finding["hint"].as_str().is_some_and(|hint| hint.contains("permit (")), "{finding}");
    let said = Command::new(env!("CARGO_BIN_EXE_provost")).arg("check").arg(&bundle).output().unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("    2 | permit (principal, action resource);\n") && said.ends_with("1 error\n"), "{said}");
}
