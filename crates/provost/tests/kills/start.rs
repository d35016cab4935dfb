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

#[test]
fn what_one_start_causes_is_counted_over_a_kill() {
    let below = "document: { dsl: '1.0.3', namespace: test, name: below, version: '1.0.0', metadata: { provost: { limits: { orchestrations: 3 } } } }\n\
                 do: [ { rest: { wait: { minutes: 5 } } } ]\n";
    let run =
        |name: &str| format!("  - {name}: {{ run: {{ await: false, workflow: {{ namespace: test, name: below, version: '1.0.0' }} }} }}\n");
    let above = format!(
        "document: {{ dsl: '1.0.3', namespace: test, name: above, version: '1.0.0' }}\ndo:\n{}{}{}  - wait: {{ wait: {{ seconds: 3 }} }}\n{}",
        run("a"),
        run("b"),
        run("c"),
        run("d")
    );
    let mut site = Site::with(&[("below", below), ("above", above.as_str())]);
    site.serve_bundle();
    let above = site.json(&["start", "above", "--input", "{}"])["id"].as_str().unwrap().to_owned();
    let below = |site: &Site| {
        let journal = site.json(&["journal", &above]);
        let facts = journal["rows"].as_array().unwrap().iter().flat_map(|row| row["payload"]["facts"].as_array().unwrap().clone());
        facts.filter_map(|fact| Some(fact.get("child_started")?["child"].as_str()?.to_owned())).collect::<Vec<_>>()
    };
    until("three wait", || {
        let waiting = |id: &String| site.json(&["get", id])["status"] == "waiting";
        let begun = below(&site);
        begun.len() == 3 && begun.iter().all(waiting)
    });
    site.kill();
    site.serve();
    until("the fourth is begun", || below(&site).len() == 4);
    let fourth = below(&site).remove(3);
    until("the fourth is one too many", || site.json(&["get", &fourth])["status"] == "faulted");
    assert!(site.json(&["get", &fourth])["problem"]["type"].as_str().unwrap().ends_with("too-many-orchestrations"));
    site.kill();
    site.verify();
}
