//! The conformance kits on this very binary: our own, and the upstream one where it is lent beside the repository.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking; what is skipped must be said")]
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value by name gives null where it is absent")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

/// How many scenarios our own kit has at least: one that was not found is no success.
const OWN_MIN: usize = 888;
/// How many of them run here at least; the others wait for what cannot be executed yet.
const OWN_PASS_MIN: usize = 882;
/// How many scenarios over the upstream documents there are at least.
const UPSTREAM_DOCUMENTS_MIN: usize = 145;
/// How many scenarios the upstream kit has.
const UPSTREAM: usize = 21;
/// How many of them call somebody.
const NETWORKED: usize = 9;

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
    let names: std::collections::BTreeSet<String> = {
        let name = |report: &Json| format!("{}/{}", report["feature"].as_str().unwrap(), report["scenario"].as_str().unwrap());
        ran.0.iter().map(name).collect()
    };
    assert_eq!(names.len(), all, "two scenarios have one name");
    every_ruling_has_scenarios(&names);
}

/// Each ruling names at least two scenarios of the kit; where the rulings themselves are lent, none of them is left out.
fn every_ruling_has_scenarios(names: &std::collections::BTreeSet<String>) {
    let listed: Vec<Json> = serde_json::from_str(&std::fs::read_to_string(root().join("corpus/ctk/rulings.json")).unwrap()).unwrap();
    for ruling in &listed {
        let scenarios = ruling["scenarios"].as_array().unwrap();
        let unknown: Vec<_> = scenarios.iter().filter(|name| !names.contains(name.as_str().unwrap())).collect();
        assert!(scenarios.len() >= 2 && unknown.is_empty(), "{}: {unknown:?}", ruling["ruling"]);
    }
    let Ok(language) = std::fs::read_to_string(root().join("../shared/LANGUAGE.md")) else {
        eprintln!("skipped: the rulings are not here");
        return;
    };
    let (_, table) = language.split_once("| point | ruling |").unwrap();
    let points = table.lines().skip(2).map_while(|row| row.strip_prefix('|')?.split('|').next()).map(str::trim);
    let left_out: Vec<&str> = points.filter(|point| !listed.iter().any(|ruling| ruling["ruling"] == *point)).collect();
    assert!(left_out.is_empty(), "{left_out:?}");
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

/// Nine scenarios hold because somebody answered them: where nobody does, none of them passes, and all others do.
#[test]
fn networked_scenarios_hold_by_what_the_stub_answers() {
    let lent = root().join("../shared/conformance/open-workflow/ctk/features");
    if !lent.is_dir() {
        eprintln!("skipped: the upstream kit is not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(&lent).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let elsewhere = text.replace("petstore.swagger.io/v2/pet", "nobody.example/pet").replace("httpbin.org", "nobody.example");
        std::fs::write(folder.path().join(path.file_name().unwrap()), elsewhere.replace("v2/swagger.json", "v2/absent.json")).unwrap();
    }
    let (reports, ..) = kit(folder.path(), &[]);
    assert_eq!((reports.len(), of(&reports, "pass").len()), (UPSTREAM, UPSTREAM - NETWORKED), "{reports:#?}");
}

#[test]
fn every_upstream_example_runs_or_is_refused_at_publish() {
    let documents = root().join("../shared/conformance/open-workflow/examples");
    if !documents.is_dir() {
        eprintln!("skipped: the upstream examples are not here");
        return;
    }
    let named = std::fs::read_to_string(root().join("corpus/upstream/examples.feature")).unwrap();
    for entry in std::fs::read_dir(&documents).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let told = named.contains(&format!("a workflow from '{name}'"));
        assert!(told || !name.ends_with(".yaml"), "`{name}` is in no scenario");
    }
    let ran = kit(&root().join("corpus/upstream"), &["--documents", &documents.display().to_string()]);
    holds(&ran);
    assert_eq!(of(&ran.0, "pass").len(), ran.0.len(), "{:#?}", of(&ran.0, "skip"));
    assert!(ran.0.len() >= UPSTREAM_DOCUMENTS_MIN, "{}", ran.0.len());
}

/// What a folder with these files gives.
fn files(files: &[(&str, &[u8])]) -> (Vec<Json>, Json, bool) {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    std::os::unix::fs::symlink(folder.path(), folder.path().join("round")).unwrap();
    kit(folder.path(), &[])
}

const GOOD: &str = "Feature: F\n  Rule: R\n    Background:\n      Given A workflow doing:\n        ```\n        do: [ { a: { set: { n: '<n>' } } } ]\n        ```\n    \
                    @some\n    Scenario Outline: <n>\n      * the workflow is executed\n      But The workflow should complete with output\n      \"\"\"json\n      \
                    { \"n\": \"<n>\" }\n      \"\"\"\n      Scenarios:\n        | n |\n        | x\\|y |\n";

#[test]
fn a_file_that_is_no_feature_is_told_and_the_others_run() {
    let broken: [(&str, &[u8]); 8] = [
        ("a.feature", b"Scenario: S\n  Given x\n"),
        ("b/c/d.feature", b"Feature: F\n  Scenario: S\n    Given x\n    words\n"),
        ("b/e.feature", b"Feature: F\n  Scenario: S\n    Given x\n    \"\"\"\n"),
        ("b/latin.feature", b"Feature: \xe9\n"),
        ("b/empty.feature", b""),
        ("b/only-words.feature", b"Feature: F\n  Some words, and no scenario.\n"),
        ("b/notes.txt", b"Scenario: none\n"),
        ("z.FEATURE", GOOD.as_bytes()),
    ];
    let (reports, summary, well) = files(&broken);
    let told: Vec<_> = reports.iter().map(|r| (r["feature"].as_str().unwrap(), r["status"].as_str().unwrap())).collect();
    let broken = ["a", "b/c/d", "b/e", "b/empty", "b/latin", "b/only-words"].map(|feature| (feature, "fail"));
    assert_eq!(told, [&broken[..], &[("z", "pass")]].concat(), "{reports:#?}");
    let reasons: Vec<&str> = reports.iter().map(|report| report["reason"].as_str().unwrap()).collect();
    for (reason, why) in reasons.iter().zip([
        "line 1: a file is one feature",
        "line 4: this line is neither",
        "line 4: the quoted",
        "holds no scenario",
        "cannot be read",
        "holds no scenario",
    ]) {
        assert!(reason.contains(why), "{reason}");
    }
    assert_eq!((reports[6]["scenario"].as_str(), &summary["fail"], well), (Some("x|y"), &Json::from(6), false));
}

#[test]
fn what_is_not_understood_is_skipped_with_its_words() {
    let skipped = [
        (
            "    Given a database\n    When the workflow is executed\n    Then the workflow should complete\n",
            "line 3: the step `a database` is not known",
        ),
        (
            "    Given a workflow with definition:\n    When the workflow is executed\n",
            "line 3: `a workflow with definition:` needs quoted text",
        ),
        ("    When the workflow is executed\n      | x |\n", "is given a table"),
        ("    Given a workflow from 'nowhere.yaml'\n    When the workflow is executed\n", "the document `nowhere.yaml` is not here"),
        ("    Given\n", "line 3: the step `` is not known"),
        ("", "a scenario without steps"),
        (
            "    Given a workflow doing:\n    \"\"\"\n    do: [ { a: { call: http, with: { method: get, endpoint: 'https://nobody.example/x' } } } ]\n    \"\"\"\n    \
             When the workflow is executed\n    Then the workflow should complete\n",
            "line 8: it calls `nobody.example`, which nothing stands for here",
        ),
    ];
    for (steps, reason) in skipped {
        let (reports, summary, well) = files(&[("f.feature", format!("Feature: F\n  Scenario: S\n{steps}").as_bytes())]);
        assert_eq!((reports[0]["status"].as_str(), well, &summary["skip"]), (Some("skip"), true, &Json::from(1)), "{reports:#?}");
        assert!(reports[0]["reason"].as_str().unwrap().contains(reason), "{}", reports[0]);
    }
    let (reports, _, well) = files(&[("f.feature", b"Feature: F\n  Scenario: S\n    Given a workflow with definition:\n    \"\"\"\n    [\n    \"\"\"\n    When the workflow is executed\n")]);
    assert_eq!((reports[0]["status"].as_str(), well), (Some("fail"), false), "a document that is no YAML is no success: {reports:#?}");
}

#[test]
fn a_folder_without_scenarios_is_an_error_in_json() {
    let folder = tempfile::tempdir().unwrap();
    for place in [folder.path().to_owned(), folder.path().join("absent")] {
        let output = Command::new(env!("CARGO_BIN_EXE_provost")).args(["conformance", "--json", "--dir"]).arg(&place).output().unwrap();
        let said: Json = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(matches!(said["error"].as_str(), Some("conformance-empty" | "conformance-read")), "{said}");
    }
}

#[test]
fn folders_that_are_named_and_not_there_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("f.feature"), GOOD).unwrap();
    for option in ["--parts", "--documents"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
        command.args(["conformance", "--json", "--dir"]).arg(folder.path()).arg(option).arg(folder.path().join("absent"));
        let output = command.output().unwrap();
        let said: Json = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), said["error"].as_str()), (Some(2), Some("conformance-read")), "{said}");
        assert!(said["reason"].as_str().unwrap().contains("absent"), "{said}");
    }
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
fn what_does_not_hold_fails_with_its_line() {
    let right = lone("    Then the workflow should complete with output:\n    \"\"\"yaml\n    n: 2\n    \"\"\"\n");
    assert_eq!((right.0["status"].as_str(), right.1), (Some("pass"), true), "{right:?}");
    let wrong = [
        ("    Then the workflow should complete with output:\n    \"\"\"yaml\n    n: 3\n    \"\"\"\n", "line 12: the output is"),
        ("    Then the workflow should fault\n", "line 12: it is completed"),
        ("    Then a should run last\n    And b should run first\n", "line 13: what ran is"),
        ("    Then the workflow should take 1 second\n", "line 12: it took 0"),
    ];
    for (step, reason) in wrong {
        let (report, well) = lone(step);
        assert_eq!((report["status"].as_str(), well), (Some("fail"), false), "{report}");
        assert!(report["reason"].as_str().unwrap().starts_with(reason), "{report}");
    }
}
