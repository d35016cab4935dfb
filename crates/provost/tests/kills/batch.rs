//! Batches on a real server that is killed while they are gathered: every event in one batch, in its order, and the answer leads to it.

use serde_json::{Value as Json, json};

use crate::site::{Site, until};

/// Keys; their batches live in all four partitions.
const KEYS: usize = 6;
/// Events of each key: two full batches and a part of one.
const EACH: usize = 7;

const WORKFLOW: &str = "
document: { dsl: '1.0.3', namespace: test, name: collect, version: '1.0.0', metadata: { provost: {
  batch: { size: 3, wait: PT3S, key: .customer }, order: '.[0].customer' } } }
schedule: { on: { one: { with: { type: test.part } } } }
do: [ { keep: { set: { parts: '${ [.[].part] }', customers: '${ [.[].customer] | unique }' } } } ]
";

/// Sends one event of each key, and gives the ids under which their batches are named.
fn emit(site: &Site, part: usize) -> Option<Vec<String>> {
    let event = |key| {
        let data = json!({ "customer": format!("c-{key}"), "part": part });
        json!({ "specversion": "1.0", "id": format!("{part}-{key}"), "source": "/tests", "type": "test.part", "data": data })
    };
    let output = site.emit((0..KEYS).map(event).collect());
    let answers: Json = serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success())?;
    let ids = answers.as_array()?.iter().map(|answer| Some(answer["batches"][0]["id"].as_str()?.to_owned()));
    ids.collect()
}

#[test]
fn every_event_is_in_one_batch_whatever_dies() {
    let mut site = Site::with(&[("collect", WORKFLOW)]);
    site.serve_bundle();
    let mut named: Vec<Vec<String>> = Vec::new();
    for part in 0..EACH {
        let mut ids = None;
        until("the events are taken", || {
            ids = emit(&site, part);
            ids.is_some()
        });
        named.push(ids.unwrap());
        match part {
            // Acknowledged, and on its way to its batch at most.
            0 | 3 => {
                site.kill();
                site.serve();
            }
            // Everything but the journals is derived again, while batches are open.
            4 => {
                site.kill();
                assert!(site.run(&["rebuild"]).status.success());
                site.serve();
            }
            _ => {}
        }
    }
    assert_eq!(emit(&site, 0).unwrap(), named[0], "an event that comes again has the same answer");
    for key in 0..KEYS {
        let mut taken: Vec<(String, Vec<usize>)> = Vec::new();
        for ids in &named {
            let mut shown = Json::Null;
            until("the batch of each event ends", || {
                let output = site.run(&["get", &ids[key], "--output", "json"]);
                shown = serde_json::from_slice(&output.stdout).unwrap_or_default();
                shown["status"] == "completed"
            });
            assert_eq!(shown["output"]["customers"], json!([format!("c-{key}")]), "{shown}");
            let parts = shown["output"]["parts"].as_array().unwrap().iter().map(|part| part.as_u64().unwrap() as usize).collect();
            let batch = (shown["id"].as_str().unwrap().to_owned(), parts);
            if !taken.contains(&batch) {
                taken.push(batch);
            }
        }
        let mut parts: Vec<usize> = taken.iter().flat_map(|(_, parts)| parts.clone()).collect();
        assert!(taken.iter().all(|(_, parts)| parts.len() <= 3), "{taken:?}");
        parts.sort_unstable();
        assert_eq!(parts, (0..EACH).collect::<Vec<_>>(), "each event is in one batch: {taken:?}");
        let explained = String::from_utf8(site.run(&["explain", &taken[0].0]).stdout).unwrap();
        assert!(explained.contains("gathered, closed by its"), "{explained}");
    }
    site.kill();
    site.verify();
}
