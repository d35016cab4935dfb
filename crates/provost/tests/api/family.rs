//! Sub-workflows over kills: children live in every partition, each begins once and ends once, and a cancellation reaches all of them.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::served::{Caller, Served};

const CHILDREN: usize = 12;

/// A parent of many children, half of them with a child of their own; `wait` says how long each takes.
fn files() -> Json {
    let branch = |n: usize| {
        let name = if n.is_multiple_of(2) { "kid" } else { "elder" };
        let input = format!("input: {{ n: {n}, wait: '${{ .wait }}' }}");
        format!("          - b{n}: {{ run: {{ workflow: {{ namespace: test, name: {name}, version: '1.0.0', {input} }} }} }}\n")
    };
    let branches: String = (0..CHILDREN).map(branch).collect();
    let head = |name: &str| format!("document: {{ dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0' }}\n");
    json!({
        "workflows/family.yaml": format!("{}do:\n  - all:\n      fork:\n        branches:\n{branches}", head("family")),
        "workflows/elder.yaml": format!("{}do:\n  - below: {{ run: {{ workflow: {{ namespace: test, name: kid, version: '1.0.0' }} }} }}\n", head("elder")),
        "workflows/kid.yaml": format!("{}do:\n  - w: {{ wait: '${{ .wait }}' }}\n  - s: {{ set: '${{ .n }}' }}\n", head("kid")),
        "policies/all.cedar": "permit(principal, action, resource);\n",
    })
}

async fn started(caller: &Caller, wait: &str) -> String {
    caller.post("/v1/bundles", &json!({ "files": files(), "reason": "test" })).await.ok();
    caller.start("family", json!({ "wait": wait }), &[]).await.ok().text_at("/id")
}

/// Everything that was ever begun of a workflow is `count` orchestrations, all `status`. Lists follow behind the journals.
async fn are_all(caller: &Caller, workflow: &str, count: usize, status: &str) {
    let began = Instant::now();
    loop {
        let found = all_of(caller, workflow).await;
        if found == vec![status; count] {
            return;
        }
        assert!(found.len() <= count && began.elapsed() < Duration::from_secs(10), "{workflow}: {found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn all_of(caller: &Caller, workflow: &str) -> Vec<String> {
    let listed = caller.get("/v1/orchestrations?limit=100").await;
    let items = listed.json["items"].as_array().unwrap_or_else(|| panic!("{}", listed.text)).clone();
    let of = items.iter().filter(|item| item["workflow"].as_str().is_some_and(|name| name.split('/').next_back() == Some(workflow)));
    of.map(|item| item["status"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_child_begins_and_ends_once_over_kills() {
    let mut served = Served::start().await;
    let id = started(&served.local(), "PT2S").await;
    for pause_ms in [0, 150, 1500] {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        served.kill();
        served.up().await;
    }
    let local = served.local();
    let ended = local.until(&format!("/v1/orchestrations/{id}"), |shown| shown["status"] == "completed").await;
    assert_eq!(ended["output"], json!((0..CHILDREN).collect::<Vec<_>>()));
    for (workflow, count) in [("kid", CHILDREN), ("elder", CHILDREN / 2), ("family", 1)] {
        are_all(&local, workflow, count, "completed").await;
    }
    let verified = local.post(&format!("/v1/orchestrations/{id}/verification"), &json!({})).await;
    verified.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_reaches_every_child_over_a_kill() {
    let mut served = Served::start().await;
    let local = served.local();
    let id = started(&local, "PT1H").await;
    local.post(&format!("/v1/orchestrations/{id}/cancellation"), &json!({ "reason": "not wanted" })).await.ok();
    served.kill();
    served.up().await;
    let local = served.local();
    local.until(&format!("/v1/orchestrations/{id}"), |shown| shown["status"] == "cancelled").await;
    for (workflow, count) in [("kid", CHILDREN), ("elder", CHILDREN / 2)] {
        are_all(&local, workflow, count, "cancelled").await;
    }
}
