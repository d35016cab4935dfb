//! The conformance kits on this very binary: our own, and the upstream one where it is lent beside the repository.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking; what is skipped must be said")]
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value by name gives null where it is absent")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

/// How many scenarios our own kit has at least: one that was not found is no success.
const OWN_MIN: usize = 364;
/// How many of them run here at least; the others wait for what cannot be executed yet.
const OWN_PASS_MIN: usize = 355;
/// How many scenarios the upstream kit has.
const UPSTREAM: usize = 21;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The reports, the summary, and whether it ended well.
fn kit(folder: &Path, more: &[&str]) -> (Vec<Json>, Json, bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
    command.args(["conformance", "--json", "--parts"]).arg(root().join("corpus/ctk/parts")).arg("--dir").arg(folder).args(more);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap();
    (lines, summary, output.status.success())
}

fn of<'r>(reports: &'r [Json], status: &str) -> Vec<&'r Json> {
    reports.iter().filter(|report| report["status"] == status).collect()
}

/// Nothing failed, what is skipped says what is not executed yet, and the summary counts what was told.
fn holds((reports, summary, well): &(Vec<Json>, Json, bool)) {
    let failed = of(reports, "fail");
    assert!(failed.is_empty() && *well, "{failed:#?}");
    for skipped in of(reports, "skip") {
        assert!(skipped["reason"].as_str().is_some_and(|reason| reason.starts_with("PV1032 ")), "{skipped}");
    }
    assert_eq!(summary["scenarios"].as_u64(), Some(reports.len() as u64));
    assert_eq!(summary["pass"].as_u64(), Some(of(reports, "pass").len() as u64));
}

#[test]
fn our_own_kit_holds() {
    let ran = kit(&root().join("corpus/ctk"), &[]);
    holds(&ran);
    let (all, passed) = (ran.0.len(), of(&ran.0, "pass").len());
    assert!(all >= OWN_MIN && passed >= OWN_PASS_MIN, "{passed} of {all}");
    let names: std::collections::BTreeSet<String> = ran.0.iter().map(|r| format!("{}/{}", r["feature"], r["scenario"])).collect();
    assert_eq!(names.len(), all, "two scenarios have one name");
}

#[test]
fn the_upstream_kit_holds() {
    let folder = root().join("../shared/conformance/open-workflow/ctk/features");
    if !folder.is_dir() {
        eprintln!("skipped: the upstream kit is not here");
        return;
    }
    let ran = kit(&folder, &[]);
    holds(&ran);
    assert_eq!(ran.0.len(), UPSTREAM);
    assert_eq!(of(&ran.0, "pass").len(), UPSTREAM, "{:#?}", ran.0);
}

/// A scenario of one step under a workflow that adds one to `n`.
fn lone(step: &str) -> (Json, bool) {
    let folder = tempfile::tempdir().unwrap();
    let workflow = "do: [ { a: { set: { n: '${ .n + 1 }' } } } ]";
    let text = format!(
        "Feature: F\n  Scenario: S\n    Given a workflow doing:\n    \"\"\"yaml\n    {workflow}\n    \"\"\"\n    And the workflow input is:\n    \
         \"\"\"yaml\n    n: 1\n    \"\"\"\n    When the workflow is executed\n{step}"
    );
    std::fs::write(folder.path().join("f.feature"), text).unwrap();
    let (mut reports, _, well) = kit(folder.path(), &[]);
    (reports.pop().unwrap(), well)
}

#[test]
fn what_does_not_hold_and_what_is_not_understood_fails_with_its_line() {
    let right = lone("    Then the workflow should complete with output:\n    \"\"\"yaml\n    n: 2\n    \"\"\"\n");
    assert_eq!((right.0["status"].as_str(), right.1), (Some("pass"), true), "{right:?}");
    let wrong = [
        ("    Then the workflow should complete with output:\n    \"\"\"yaml\n    n: 3\n    \"\"\"\n", "line 12: the output is"),
        ("    Then the workflow should fault\n", "line 12: it is completed"),
        ("    Then a should run last\n    And b should run first\n", "line 13: what ran is"),
        ("    Then the moon should be full\n", "line 12: this step is not known"),
        ("    Then the workflow should take 1 second\n", "line 12: it took 0"),
    ];
    for (step, reason) in wrong {
        let (report, well) = lone(step);
        assert_eq!((report["status"].as_str(), well), (Some("fail"), false), "{report}");
        assert!(report["reason"].as_str().unwrap().starts_with(reason), "{report}");
    }
}
