//! `provost start --wait` that is killed while it waits: `last` names what it had started.

use std::process::Stdio;

use crate::site::{Site, until};

const HELLO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bundles/hello-agent");

#[test]
fn last_names_what_was_started_before_the_wait_was_killed() {
    let site = Site::new();
    let mut waiting = site.command(&["start", HELLO, "--input", r#"{"message":"I was charged twice"}"#, "--wait"]);
    let mut waiting = waiting.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let last = site.data().join("last");
    until("something is started", || !std::fs::read_to_string(&last).unwrap_or_default().is_empty());
    assert!(waiting.try_wait().unwrap().is_none(), "it still waits: the workflow pauses for 20 s");
    waiting.kill().unwrap();
    waiting.wait().unwrap();

    let shown = site.json(&["get", "last"]);
    assert_eq!(shown["id"].as_str(), Some(std::fs::read_to_string(&last).unwrap().as_str()));
    assert_ne!(shown["status"], "completed");
}

#[test]
fn a_lone_document_is_published_and_started() {
    let site = Site::with(&[(
        "lone",
        "document: { dsl: '1.0.3', namespace: test, name: lone, version: '1.0.0' }\ndo: [ { add: { set: { sum: '${ .n + 1 }' } } } ]\n",
    )]);
    let document = site.folder.path().join("bundle/workflows/lone.yaml").display().to_string();
    let ended = site.json(&["start", &document, "--input", r#"{"n":1}"#, "--wait"]);
    assert_eq!(ended["output"]["sum"], 2, "{ended}");
    let unknown = site.run(&["start", "lone.yaml"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no active workflow `lone.yaml`"));
}
