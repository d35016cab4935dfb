//! The life of an orchestration as CloudEvents over a real server: read, paged, followed and read again after a kill, always the same;
//! who may not read it hears nothing.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value as Json, json};

use crate::served::{Answer, Caller, Served, run};

const BATCH: &str = "application/cloudevents-batch+json";

async fn asked(caller: &Caller, path: &str) -> Answer {
    caller.send(Method::GET, path, &[("accept", BATCH)], Vec::new()).await
}

async fn events(caller: &Caller, id: &str, query: &str) -> Vec<Json> {
    let answer = caller.get(&format!("/v1/orchestrations/{id}/events?{query}")).await;
    answer.ok().json.as_array().unwrap().clone()
}

fn kinds(events: &[Json]) -> Vec<String> {
    let kind =
        |event: &Json| event["type"].as_str().unwrap().trim_start_matches("io.serverlessworkflow.").trim_end_matches(".v1").to_owned();
    events.iter().map(kind).filter(|kind| !kind.ends_with("status-changed")).collect()
}

/// Waits for a second between two tasks.
async fn started(caller: &Caller) -> String {
    let workflow = "document: { dsl: '1.0.3', namespace: test, name: life, version: '1.0.0' }\ndo:\n  - a: { set: { n: 1 } }\n  \
                    - w: { wait: PT2S }\n  - each: { for: { in: '${ [1, 2] }' }, do: [ { b: { set: { n: '${ $item }' } } } ] }\n";
    let files = json!({ "workflows/life.yaml": workflow, "policies/all.cedar": "permit(principal, action, resource);\n" });
    caller.post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await.ok();
    caller.start("life", json!({}), &[]).await.ok().text_at("/id")
}

/// What a follower hears until the end.
async fn heard(mut response: Response) -> Vec<Json> {
    let mut text = String::new();
    while let Some(piece) = tokio::time::timeout(Duration::from_secs(20), response.chunk()).await.unwrap().unwrap() {
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
    let lines = text.lines().filter_map(|line| line.strip_prefix("data:"));
    lines.map(|line| serde_json::from_str(line.trim()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_is_told_the_same_to_everybody_and_after_a_kill() {
    let mut served = Served::start().await;
    let local = served.local();
    let id = started(&local).await;
    let before = events(&local, &id, "").await;
    assert_eq!(kinds(&before), ["workflow.started", "task.created", "task.started", "task.completed", "task.created", "task.started"]);
    let follower = local.open(&format!("/v1/orchestrations/{id}/events?follow")).await;
    assert_eq!(follower.status().as_u16(), 200);
    let followed = heard(follower).await;
    let all = events(&local, &id, "").await;
    assert_eq!(followed, all);
    assert_eq!(all.get(..before.len()).unwrap(), before);

    served.kill();
    served.up().await;
    let local = served.local();
    assert_eq!(events(&local, &id, "").await, all);
    assert_eq!(kinds(&all).iter().filter(|kind| *kind == "task.started").count(), 5, "a, w, each and b twice");
    let ids: std::collections::BTreeSet<_> = all.iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), all.len());
    let last_b = all.iter().rfind(|event| event["data"]["task"] == "/do/2/each/do/0/b").unwrap();
    assert_eq!(last_b["position"], "each[1]/b");
    for event in &all {
        assert_eq!(
            (&event["specversion"], &event["subject"], &event["source"]),
            (&json!("1.0"), &json!(id), &json!("/workflows/test/life"))
        );
        assert!(event["time"].is_string() && event["data"].is_object(), "{event}");
    }
    let journal = local.get(&format!("/v1/orchestrations/{id}/journal")).await;
    assert!(!journal.text.contains("io.serverlessworkflow"), "{}", journal.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_filters_and_a_follower_that_comes_back_leave_nothing_out() {
    let served = Served::start().await;
    let local = served.local();
    let id = started(&local).await;
    local.until(&format!("/v1/orchestrations/{id}"), |shown| shown["status"] == "completed").await;
    let all = events(&local, &id, "").await;
    let (mut paged, mut next) = (Vec::new(), Some(format!("/v1/orchestrations/{id}/events?limit=2")));
    while let Some(path) = next.take() {
        let answer = local.open(&path).await;
        let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        paged.extend(answer.json::<Vec<Json>>().await.unwrap());
        next = link.map(|link| link.split(['<', '>']).nth(1).unwrap().to_owned());
    }
    assert_eq!(paged, all);
    assert_eq!(kinds(&events(&local, &id, "type=workflow.").await), ["workflow.started", "workflow.completed"]);
    let batch = asked(&local, &format!("/v1/orchestrations/{id}/events")).await;
    assert_eq!((batch.kind.as_str(), batch.json.as_array().unwrap().len()), (BATCH, all.len()));

    let sequence = all.get(4).unwrap()["id"].as_str().unwrap().split('/').nth(1).unwrap().to_owned();
    let back =
        local.send(Method::GET, &format!("/v1/orchestrations/{id}/events?follow"), &[("last-event-id", &sequence)], Vec::new()).await;
    let heard: Vec<&str> = back.text.lines().filter_map(|line| line.strip_prefix("data:")).collect();
    assert_eq!(heard.len(), events(&local, &id, &format!("after={sequence}")).await.len());
    assert!(heard.len() < all.len() && !heard.is_empty());

    local.get(&format!("/v1/orchestrations/{id}/events?type=%C3%A4")).await.refused(422, "event-type");
    local.get(&format!("/v1/orchestrations/{id}/events?follow=perhaps")).await.refused(422, "follow");
    let (code, out, err) = run(&["list", "events", "--of", &id, "--state", "task.completed"], &served.data());
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("each[1]/b") && !out.contains("task.started"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_and_who_may_not_read_hear_nothing() {
    let served = Served::start().await;
    let (acme, other) = (served.tenant("acme").await, served.tenant("other").await);
    let id = acme.start("work", json!({ "n": 1 }), &[]).await.ok().text_at("/id");
    for query in ["", "?follow"] {
        let path = format!("/v1/orchestrations/{id}/events{query}");
        other.get(&path).await.refused(404, "unknown-orchestration");
        served.with("pvt_nobody").get(&path).await.refused(401, "TOKEN_SHAPE");
    }
    let readers = "permit (principal in Role::\"admin\", action, resource);\npermit (principal is Workflow, action, resource);\n";
    acme.put("/v1/policies", &json!({ "files": { "own.cedar": readers }, "reason": "admins only" })).await.ok();
    let clerk = served.with(&served.token("acme", "clerk", "writer").await);
    clerk.get(&format!("/v1/orchestrations/{id}/events")).await.refused(403, "policy-denied");
    clerk.get(&format!("/v1/orchestrations/{id}/events?follow")).await.refused(403, "policy-denied");
}
