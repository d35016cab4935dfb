//! The reconciliation schedule over a real server and kills: every look comes once, no more than the limit, and the record proves it.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::served::{Caller, Served};

/// Parks, and is tried again every second, three times.
const PARKS: &str = "document: { dsl: '1.0.3', namespace: test, name: parks, version: '1.0.0', metadata: { provost: { reconcile: { every: PT1S, limit: 3 } } } }
do:
  - w: { wait: { milliseconds: 10 } }
  - r: { raise: { error: { type: 'https://shop.example/errors/closed', status: 503, title: closed for today } } }
";

async fn looks(caller: &Caller, id: &str) -> Vec<Json> {
    let journal = caller.get(&format!("/v1/orchestrations/{id}/journal")).await.json;
    let rows = journal["rows"].as_array().unwrap().clone();
    let facts = rows.iter().flat_map(|row| row["payload"]["facts"].as_array().unwrap().clone());
    facts.filter_map(|fact| fact.get("reconciled").cloned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_look_comes_once_over_kills_and_the_limit_ends_them() {
    let mut served = Served::start().await;
    let files = json!({ "workflows/parks.yaml": PARKS, "policies/all.cedar": "permit(principal, action, resource);\n" });
    served.local().post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await.ok();
    let id = served.local().start("parks", json!({}), &[]).await.ok().text_at("/id");
    let began = Instant::now();
    while looks(&served.local(), &id).await.len() < 3 {
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", looks(&served.local(), &id).await);
        tokio::time::sleep(Duration::from_millis(700)).await;
        served.kill();
        served.up().await;
    }
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let local = served.local();
    let expected: Vec<Json> = (1..=3).map(|look| json!({ "look": look, "outcome": "redriven" })).collect();
    assert_eq!(looks(&local, &id).await, expected);
    let explained = local.get(&format!("/v1/orchestrations/{id}/explanation")).await.text;
    for said in
        ["look 3 of 3: the schedule tries it again", "no more, after 3 of 3 looks", "type https://shop.example/errors/closed, status 503"]
    {
        assert!(explained.contains(said), "{said}: {explained}");
    }
    let verified = local.post(&format!("/v1/orchestrations/{id}/verification"), &json!({})).await;
    assert_eq!(verified.json["equal"], json!(true), "{}", verified.text);
}
