//! Concurrency keys on a real server that is killed while they are held: never more than allowed, nobody lost, 409 for who is refused.

use serde_json::{Value as Json, json};

use crate::site::{Site, until};

/// Orchestrations of each key.
const EACH: usize = 3;
/// Keys; they live in all four partitions.
const KEYS: usize = 6;

/// A bundle of one workflow for each policy, and of one that runs it.
fn bundle() -> Site {
    let workflow = |name: &str, policy: &str, wait: &str| {
        format!(
            "document: {{ dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0', metadata: {{ provost: {{\n  \
             concurrency: {{ key: .customer, policy: {policy} }} }} }} }}\n\
             schedule: {{ on: {{ one: {{ with: {{ type: test.{name} }} }} }} }}\n\
             input: {{ from: '${{ if type == \"array\" then .[0] else . end }}' }}\n\
             do: [ {{ rest: {{ wait: {wait} }} }} ]\n"
        )
    };
    let parent = |child: &str| {
        format!(
            "document: {{ dsl: '1.0.3', namespace: test, name: runs-{child}, version: '1.0.0' }}\n\
             do: [ {{ below: {{ run: {{ workflow: {{ namespace: test, name: {child}, version: '1.0.0' }} }} }} }} ]\n"
        )
    };
    let keyed = [("line", "queue", "PT0.4S"), ("latest", "replace", "PT60S"), ("single", "refuse", "PT60S")];
    let documents = keyed
        .iter()
        .flat_map(|(name, policy, wait)| [((*name).to_owned(), workflow(name, policy, wait)), (format!("runs-{name}"), parent(name))]);
    let documents: Vec<(String, String)> = documents.collect();
    Site::with(&documents.iter().map(|(name, document)| (name.as_str(), document.as_str())).collect::<Vec<_>>())
}

fn start(site: &Site, workflow: &str, key: usize, n: usize) -> String {
    let input = json!({ "customer": format!("c-{key}") }).to_string();
    let said = site.json(&["start", workflow, "--key", &format!("{workflow}-{key}-{n}"), "--input", &input]);
    said["id"].as_str().unwrap().to_owned()
}

fn status(site: &Site, id: &str) -> String {
    site.json(&["get", id])["status"].as_str().unwrap().to_owned()
}

/// The child of a parent, once it has one.
fn child(site: &Site, parent: &str) -> String {
    let mut found = None;
    until("a child is begun", || {
        let journal = site.json(&["journal", parent]);
        let facts = journal["rows"].as_array().unwrap().iter().flat_map(|row| row["payload"]["facts"].as_array().unwrap().clone());
        found = facts.into_iter().find_map(|fact| Some(fact.get("child_started")?["child"].as_str()?.to_owned()));
        found.is_some()
    });
    found.unwrap()
}

/// The times of a fact of this kind in a journal.
fn times(site: &Site, id: &str, kind: &str) -> Vec<String> {
    let journal = site.json(&["journal", id]);
    let holds = |row: &&Json| row["payload"]["facts"].as_array().unwrap().iter().any(|fact| fact.get(kind).is_some());
    let rows = journal["rows"].as_array().unwrap().iter().filter(holds);
    rows.map(|row| row["recorded_at"].as_str().unwrap().to_owned()).collect()
}

/// As many of `workflow` for each key as there are, with their keys.
fn started(site: &Site, workflow: &str) -> Vec<(usize, String)> {
    (0..EACH).flat_map(|n| (0..KEYS).map(move |key| (key, start(site, workflow, key, n)))).collect()
}

/// Killed, killed again, and everything but the journals derived anew.
fn dies_and_comes_back(site: &mut Site) {
    site.kill();
    site.serve();
    site.kill();
    assert!(site.run(&["rebuild"]).status.success());
    site.serve();
}

/// When an orchestration began to work, and when it ended.
fn span(site: &Site, id: &str) -> (String, String) {
    (times(site, id, "timer_set")[0].clone(), times(site, id, "ended")[0].clone())
}

/// Each began when the one before it had ended.
fn one_behind_the_other(spans: &[(String, String)]) {
    assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{spans:?}");
}

#[test]
fn who_waits_begins_in_order_whatever_dies() {
    let mut site = bundle();
    site.serve_bundle();
    let started = started(&site, "line");
    let last = &started.last().unwrap().1;
    let shown = site.json(&["get", last]);
    if shown["status"] == "waiting" && shown["waits_for"].is_object() {
        let explained = String::from_utf8(site.run(&["explain", last]).stdout).unwrap();
        // How many are still ahead depends on how far the others came.
        assert!(explained.contains("waits for key `c-5`, position ") && explained.contains(", held by orc_"), "{explained}");
    }
    dies_and_comes_back(&mut site);
    for (_, id) in &started {
        until("each ends", || status(&site, id) == "completed");
    }
    // Of one key, each began when the one before it had ended.
    for key in 0..KEYS {
        let of_key = started.iter().filter(|(of, _)| *of == key);
        one_behind_the_other(&of_key.map(|(_, id)| span(&site, id)).collect::<Vec<_>>());
    }
    site.kill();
    site.verify();
}

#[test]
fn the_newest_replaces_and_a_held_key_refuses() {
    let mut site = bundle();
    site.serve_bundle();

    let (old, new) = (start(&site, "latest", 1, 1), start(&site, "latest", 1, 2));
    until("the old one is stopped", || status(&site, &old) == "cancelled");
    until("the new one holds the key", || site.json(&["get", &new])["waits_for"].is_null());
    site.kill();
    site.serve();
    assert_eq!(status(&site, &new), "waiting");
    let newest = start(&site, "latest", 1, 3);
    until("a restart has not forgotten who holds it", || status(&site, &new) == "cancelled");
    assert_eq!(status(&site, &newest), "waiting");

    let holder = start(&site, "single", 1, 1);
    let input = r#"{ "customer": "c-1" }"#;
    let refused = |site: &Site| {
        let output = site.run(&["start", "single", "--key", "single-other", "--input", input]);
        assert!(!output.status.success());
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    let said = refused(&site);
    assert!(said.contains("concurrency-held") && said.contains(&holder), "{said}");
    site.kill();
    site.serve();
    let said = refused(&site);
    assert!(said.contains("concurrency-held") && said.contains(&holder), "{said}");

    // An event is taken, and what it would have started says why it did not begin.
    let event = json!({ "specversion": "1.0", "id": "e", "source": "/tests", "type": "test.single", "data": { "customer": "c-1" } });
    let output = site.run(&["emit", &event.to_string()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let turned_away = || {
        let listed = site.json(&["list", "orchestrations", "--state", "faulted"]);
        listed.to_string().split('"').find(|word| word.starts_with("orc_")).map(str::to_owned)
    };
    until("it is turned away", || turned_away().is_some());
    let shown = site.json(&["get", &turned_away().unwrap()]);
    assert!(shown["problem"]["type"].as_str().unwrap().ends_with("/concurrency-held"), "{shown}");

    assert!(site.run(&["cancel", &holder, "--reason", "test"]).status.success());
    until("the key is free", || site.run(&["start", "single", "--key", "single-other", "--input", input]).status.success());
    site.kill();
    site.verify();
}

#[test]
fn children_have_their_places_whatever_dies() {
    let mut site = bundle();
    site.serve_bundle();
    let started = started(&site, "runs-line");
    dies_and_comes_back(&mut site);
    for (_, id) in &started {
        until("each parent ends", || status(&site, id) == "completed");
    }
    for key in 0..KEYS {
        let of_key = started.iter().filter(|(of, _)| *of == key);
        let mut spans: Vec<_> = of_key.map(|(_, id)| span(&site, &child(&site, id))).collect();
        // Who waits began in the order in which their starts came to the key, whoever their parents are.
        spans.sort();
        one_behind_the_other(&spans);
    }
    site.kill();
    site.verify();
}

#[test]
fn a_parent_is_told_that_its_child_was_replaced_or_refused() {
    let mut site = bundle();
    site.serve_bundle();
    let word = |site: &Site, id: &str| site.json(&["get", id])["problem"]["type"].as_str().unwrap_or_default().to_owned();

    let old = start(&site, "runs-latest", 1, 1);
    let first = child(&site, &old);
    until("the first child holds the key", || !times(&site, &first, "timer_set").is_empty());
    site.kill();
    site.serve();
    let new = start(&site, "latest", 1, 2);
    until("the child is replaced", || status(&site, &first) == "cancelled");
    until("its parent is told", || word(&site, &old).ends_with("/child-replaced"));
    let explained = String::from_utf8(site.run(&["explain", &old]).stdout).unwrap();
    assert!(explained.contains(&new), "{explained}");

    // A parent that is cancelled takes its child out of the line: it waits for the one that replaced nobody.
    let waiting = start(&site, "runs-latest", 1, 3);
    let second = child(&site, &waiting);
    until("the newest stops the one before it", || status(&site, &new) == "cancelled");
    assert!(site.run(&["cancel", &waiting, "--reason", "test"]).status.success());
    until("its parent is cancelled", || status(&site, &waiting) == "cancelled");
    assert_eq!(status(&site, &second), "cancelled");

    let holder = start(&site, "single", 1, 1);
    let refused = start(&site, "runs-single", 1, 2);
    until("its parent is told", || word(&site, &refused).ends_with("/concurrency-held"));
    assert!(site.run(&["cancel", &holder, "--reason", "test"]).status.success());
    until("the key is free", || status(&site, &holder) == "cancelled");
    assert!(site.run(&["redrive", &refused, "--reason", "test"]).status.success());
    until("the next child holds the key", || word(&site, &refused).is_empty());
    site.kill();
    site.verify();
}

/// Two workflows of one key each; both rest, then each needs the other's key.
fn rivals() -> Site {
    let workflow = |name: &str, key: &str, other: &str| {
        format!(
            "document: {{ dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0', metadata: {{ provost: {{ {key} }} }} }}\n\
             do:\n  - rest: {{ wait: PT1S }}\n  - needs:\n      \
             try: [ {{ other: {{ if: '${{ .alone != true }}', run: {{ workflow: {{ namespace: test, name: {other}, version: '1.0.0', \
             input: {{ customer: '${{ .customer }}', alone: true }} }} }} }} }} ]\n      \
             catch: {{ errors: {{ with: {{ type: 'https://provost.dev/errors/run-waits-for-itself' }} }}, do: [ {{ without: {{ set: {{ without: true }} }} }} ] }}\n"
        )
    };
    let first = workflow("first", "concurrency: { key: .customer }", "second");
    let second = workflow("second", "order: .customer", "first");
    Site::with(&[("first", first.as_str()), ("second", second.as_str())])
}

#[test]
fn of_those_that_wait_for_each_other_one_goes_on_without_whatever_dies() {
    let mut site = rivals();
    site.serve_bundle();
    let pairs: Vec<[String; 2]> = (0..KEYS).map(|key| [start(&site, "first", key, 0), start(&site, "second", key, 0)]).collect();
    dies_and_comes_back(&mut site);
    let mut without = 0;
    for pair in &pairs {
        for id in pair {
            until("both end", || status(&site, id) == "completed");
        }
        let went: Vec<Json> = pair.iter().map(|id| site.json(&["get", id])["output"]["without"].clone()).collect();
        assert!(went.iter().filter(|without| **without == json!(true)).count() <= 1, "one has what it needs: {went:?}");
        without += went.iter().filter(|without| **without == json!(true)).count();
        for id in pair.iter().filter(|id| site.json(&["get", id])["output"]["without"] == json!(true)) {
            let told = child(&site, id);
            let explained = String::from_utf8(site.run(&["explain", &told]).stdout).unwrap();
            assert!(explained.contains("in a ring") && explained.contains("status 508"), "{explained}");
        }
    }
    assert!(without > 0, "of {KEYS} pairs, none waited for each other");
    site.kill();
    site.verify();
}
