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

fn provost(arguments: &[&str], place: &Path) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_provost")).args(arguments).current_dir(place).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_data_folder_inside_a_bundle_is_no_part_of_it() {
    let place = tempfile::tempdir().unwrap();
    let bundle = place.path().join("hello");
    copy(&bundles().join("hello-agent"), &bundle);
    let digest = check(&bundle).1["digest"].clone();
    let workflow = bundle.join("workflows/quick.yaml");
    std::fs::create_dir_all(bundle.join("workflows")).unwrap();
    std::fs::write(&workflow, "document: { dsl: '1.0.3', namespace: t, name: quick, version: '1.0.0' }\ndo:\n  - a: { set: { n: 1 } }\n")
        .unwrap();
    // The folder is made, and used again, by the very verb that reads the bundle around it; a contract may bear the name of its layout.
    let start = ["start", ".", "--workflow", "quick", "--wait", "--data", "./kept/here"];
    for _ in 0..2 {
        let (code, out, said) = provost(&start, &bundle);
        assert_eq!((code, out.contains("\"n\": 1")), (0, true), "{out} {said}");
    }
    assert!(bundle.join("kept/here/partition-000.db").is_file() && bundle.join("kept/here/format.json").is_file());
    std::fs::create_dir(bundle.join("contracts")).unwrap();
    std::fs::write(bundle.join("contracts/format.json"), "{ \"type\": \"object\" }").unwrap();
    let (code, summary, said) = check(&bundle);
    assert_eq!(code, 0, "{summary} {said}");
    std::fs::remove_file(&workflow).unwrap();
    assert_ne!(check(&bundle).1["digest"], digest, "the contract is a part");
    std::fs::remove_file(bundle.join("contracts/format.json")).unwrap();
    assert_eq!(check(&bundle).1["digest"], digest, "nothing of the data folder is one");
}

#[test]
fn a_file_that_is_no_text_is_named_and_a_data_folder_is_no_bundle() {
    let place = tempfile::tempdir().unwrap();
    let bundle = place.path().join("hello");
    copy(&bundles().join("hello-agent"), &bundle);
    std::fs::create_dir_all(bundle.join("docs/pictures")).unwrap();
    std::fs::write(bundle.join("docs/pictures/agent.png"), b"\x89PNG\r\n\x1a\n\xff").unwrap();
    let (code, summary, said) = check(&bundle);
    assert_eq!((code, &summary["findings"][0]["code"]), (1, &Json::from("not-utf8")), "{summary} {said}");
    let applied = provost(&["apply", ".", "--reason", "test", "--data", "./kept"], &bundle);
    for (verb, said) in [("check", said), ("apply", applied.2)] {
        assert!(said.contains("`docs/pictures/agent.png`") && said.contains("move it out of the folder"), "{verb}: {said}");
    }
    assert_eq!(applied.0, 2);
    std::fs::remove_dir_all(bundle.join("docs")).unwrap();
    assert_eq!(provost(&["apply", ".", "--reason", "test", "--data", "./kept"], &bundle).0, 0);
    let (code, _, said) = provost(&["apply", ".", "--reason", "test", "--data", "."], &bundle);
    assert!(code == 2 && said.contains("[data-folder]") && said.contains("a folder of its own"), "{said}");
}

#[test]
fn a_folder_that_no_bundle_has_is_an_error_and_lets_nothing_out() {
    let place = tempfile::tempdir().unwrap();
    let bundle = place.path().join("hello");
    copy(&bundles().join("hello-agent"), &bundle);
    std::fs::write(bundle.join("README.md"), "# Hello\n").unwrap();
    std::fs::create_dir_all(bundle.join("scratch/empty")).unwrap();
    let (code, summary, said) = check(&bundle);
    assert_eq!((code, &summary["findings"]), (0, &serde_json::json!([])), "{said}");
    for (path, meant) in [("polices/p.cedar", "policies/"), ("Policies/p.cedar", "policies/"), ("wrkflows/w.yaml", "workflows/")] {
        let file = bundle.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "forbid (principal, action, resource);").unwrap();
        let (code, summary, said) = check(&bundle);
        let finding = &summary["findings"][0];
        assert_eq!((code, finding["code"].as_str()), (1, Some("PV1050")), "{path}: {summary} {said}");
        assert!(finding["hint"].as_str().unwrap().contains(meant), "{finding}");
        let (code, _, said) = provost(&["start", ".", "--wait", "--data", ".kept"], &bundle);
        assert!(code == 2 && said.contains("bundle-invalid") && said.contains("PV1050"), "{path}: {said}");
        std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
    }
    std::fs::write(bundle.join("provost.lock"), "x").unwrap();
    assert_eq!(check(&bundle).1["findings"][0]["code"], "PV1051");
}

#[test]
fn what_is_said_of_a_whole_folder_blames_no_file() {
    let place = tempfile::tempdir().unwrap();
    let (code, _, said) = provost(&["check", "."], place.path());
    assert!(code == 1 && said.starts_with(".: error PV1044: there is no workflow here"), "{said}");
    std::fs::create_dir(place.path().join("contracts")).unwrap();
    std::fs::write(place.path().join("contracts/a.json"), "{}").unwrap();
    std::fs::write(place.path().join("README.md"), "# Nothing yet\n").unwrap();
    let (code, summary, said) = check(place.path());
    assert_eq!((code, &summary["findings"][0]["file"]), (1, &Json::from(".")), "{summary} {said}");
}

#[cfg(unix)]
#[test]
fn no_link_leads_out_of_a_folder_and_no_pipe_holds_a_verb() {
    use std::os::unix::fs::symlink;
    let place = tempfile::tempdir().unwrap();
    let bundle = place.path().join("hello");
    copy(&bundles().join("hello-agent"), &bundle);
    let outside = place.path().join("outside.yaml");
    std::fs::write(&outside, "a word that nobody outside may read\n").unwrap();
    let refused = |path: &str, code: &str| {
        for verb in [&["check", "."][..], &["graph", "."], &["apply", ".", "--reason", "test", "--data", ".kept"]] {
            let output =
                Command::new("timeout").arg("20").arg(env!("CARGO_BIN_EXE_provost")).args(verb).current_dir(&bundle).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{path}, {verb:?}: {said}");
            assert!(said.contains(code) && said.contains(path) && !said.contains("a word that"), "{path}, {verb:?}: {said}");
        }
        std::fs::remove_file(bundle.join(path)).unwrap();
    };
    assert!(Command::new("mkfifo").arg(bundle.join("workflows/pipe.yaml")).status().unwrap().success());
    refused("workflows/pipe.yaml", "[no-file]");
    symlink(&outside, bundle.join("workflows/out.yaml")).unwrap();
    refused("workflows/out.yaml", "[link]");
    symlink("../../../../../..", bundle.join("workflows/up")).unwrap();
    refused("workflows/up", "[link]");
    symlink(".", bundle.join("workflows/ring")).unwrap();
    refused("workflows/ring", "[link]");
    let mut deep = bundle.join("contracts");
    (0..20).for_each(|_| deep.push("d"));
    std::fs::create_dir_all(&deep).unwrap();
    let (code, _, said) = provost(&["check", "."], &bundle);
    assert!(code == 2 && said.contains("[bundle-too-large]"), "{said}");
    std::fs::remove_dir_all(bundle.join("contracts")).unwrap();
    symlink(".", bundle.join("self")).unwrap();
    assert_eq!(check(&bundle).1["findings"][0]["code"], "PV1050");
    std::fs::remove_file(bundle.join("self")).unwrap();
    std::fs::create_dir(bundle.join("contracts")).unwrap();
    std::fs::write(bundle.join("contracts/one.json"), "{ \"type\": \"object\" }").unwrap();
    symlink("one.json", bundle.join("contracts/two.json")).unwrap();
    assert_eq!(check(&bundle).0, 0, "a link to a file of the same folder stands for it");
    let whole = Command::new("timeout").arg("20").arg(env!("CARGO_BIN_EXE_provost")).args(["check", "/"]).output().unwrap();
    assert_ne!(whole.status.code(), Some(124), "the root of the disk is not walked");
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
