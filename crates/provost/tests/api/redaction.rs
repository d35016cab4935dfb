//! What authors and contracts label so is left out of everything that is shown, through every construct, until somebody who may asks to see
//! it; what is secret is shown to nobody. Workflows, workers and targets get all of it.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::served::{Caller, Served, run};
use crate::target::target;

/// Personal, and secret.
const MAIL: &str = "canary.person.7d1e@example.org";
const PIN: &str = "canary-pin-90417-xyz";
/// What is shown in their places.
const INSTEAD: &str = "[redacted: personal]";

/// Hands what is labelled through every kind of task.
const ALL: &str = r#"document:
  dsl: '1.0.3'
  namespace: test
  name: all
  version: '1.0.0'
  metadata: { provost: { redact: [ /mail ], labels: { /pin: secret }, concurrency: { key: '${ .mail }' } } }
input: { schema: { document: { x-provost: { trusted: [ /mail ] }, type: object } } }
do:
  - keep: { set: { about: '${ .mail }', both: '${ [ .pin, .mail ] }', n: '${ .n }' }, export: { as: '${ { mail: .about, both: .both } }' } }
  - each: { for: { each: one, in: '${ [ $context.mail, .n ] }' }, do: [ { y: { set: { one: '${ $one }' } } } ] }
  - wide: { fork: { branches: [ { l: { set: { mail: '${ $context.mail }' } } }, { r: { set: { n: 1 } } } ] } }
  - choose: { switch: [ { it: { when: '${ $context.mail != "" }', then: say } } ] }
  - say: { call: agent, with: { agent: sayer, input: { mail: '${ $context.mail }' } }, metadata: { provost: { labels: { /choice: public } } } }
  - table: { call: rules, with: { table: sizes, input: { mail: '${ $context.mail }' } } }
  - vote: { call: decide, with: { rule: majority, opinions: { a: { choice: pay, confidencePct: 90, reason: '${ $context.mail }' } } } }
  - may: { call: policy, with: { action: look, resource: '${ "Passage::" + $context.mail }', context: { who: '${ $context.mail }' } } }
  - post: { call: act, with: { action: post, key: '${ $workflow.input.mail }', arguments: { to: '${ $context.mail }', pin: '${ $context.both[0] }' } } }
  - wrong: { try: [ { odd: { set: { n: '${ $context.mail | tonumber }' } } } ], catch: { do: [ { note: { set: { said: '${ $error }' } } } ] } }
  - throw:
      try: [ { t: { raise: { error: { type: 'https://shop.example/odd', status: 400, title: '${ "no " + $context.mail }', detail: '${ $context.mail }' } } } } ]
      catch: { errors: { with: { status: 400 } }, retry: { delay: PT0.01S, backoff: { constant: {} }, limit: { attempt: { count: 2 } } }, do: [ { seen: { set: { e: '${ $error.detail }' } } } ] }
  - tell: { emit: { event: { with: { type: test.told.v1, subject: '${ $context.mail }', data: { mail: '${ $context.mail }' } } } } }
  - inner: { run: { workflow: { namespace: test, name: inner, version: '1.0.0', input: { mail: '${ $context.mail }' } } } }
  - hear:
      listen: { to: { one: { with: { type: test.heard.v1 }, correlate: { who: { from: '${ .data.mail }', expect: '${ $context.mail }' } } } } }
  - ask: { call: review, with: { queue: board, title: 'Is it so?', options: [ yes, no ], show: { mail: '${ $context.mail }', n: 3 } } }
  - back: { set: { mail: '${ $context.mail }', n: 3 } }
"#;

/// Parks with an error that quotes what is personal.
const PARKS: &str = "document: { dsl: '1.0.3', namespace: test, name: parks, version: '1.0.0', metadata: { provost: { redact: [ /mail ], reconcile: { every: PT1H } } } }
do: [ { w: { wait: { milliseconds: 10 } } }, { a: { raise: { error: { type: 'https://shop.example/errors/closed', status: 503, title: '${ .mail }' } } } } ]
";

async fn publish(served: &Served, bank: &str) {
    let http =
        "version: 1.0.0\nclass: E1\nqueue: builtin\nhttp: { method: POST, destination: bank, path: /post, keyHeader: Idempotency-Key }\n";
    let files = json!({
        "workflows/all.yaml": ALL,
        "workflows/parks.yaml": PARKS,
        "workflows/deaf.yaml": "document: { dsl: '1.0.3', namespace: test, name: deaf, version: '1.0.0' }\ndo: [ { l: { listen: { to: { any: [ { with: { type: test.heard.v1 } } ], until: '${ false }' } } } } ]\n",
        "workflows/inner.yaml": "document: { dsl: '1.0.3', namespace: test, name: inner, version: '1.0.0' }\ndo: [ { a: { set: { back: '${ .mail }' } } } ]\n",
        "workflows/told.yaml": "document: { dsl: '1.0.3', namespace: test, name: told, version: '1.0.0' }\nschedule: { on: { one: { with: { type: test.told.v1 } } } }\ndo: [ { a: { set: { heard: '${ .[0].mail }' } } } ]\n",
        "workflows/came.yaml": "document: { dsl: '1.0.3', namespace: test, name: came, version: '1.0.0' }\nschedule: { on: { one: { with: { type: test.came.v1 } } } }\ndo: [ { a: { set: { heard: '${ .[0].mail }' } } } ]\n",
        "contracts/came.json": json!({ "x-provost": { "type": "test.came.v1", "labels": { "/mail": "personal" } }, "type": "object", "properties": { "mail": { "maxLength": 40 } } }).to_string(),
        "contracts/heard.json": json!({ "x-provost": { "type": "test.heard.v1", "labels": { "/mail": "personal" } }, "type": "object" }).to_string(),
        "agents/sayer.md": "---\nversion: 1.0.0\nmodel: scripted\nexamples:\n  - answer: { choice: pay, why: because of canary.person.7d1e@example.org }\n---\nSay.\n",
        "rules/sizes.yaml": "version: 1.0.0\nhit: first\nrows: [ { when: '${ .mail | contains(\"@\") }', then: { size: large } } ]\n",
        "actions/post.yaml": http,
        "policies/all.cedar": "permit(principal, action, resource);\n",
    });
    served.local().put("/v1/binding", &json!({ "destinations": { "bank": bank }, "reason": "test" })).await.ok();
    served.local().post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await.ok();
}

/// Every way to look at it.
fn places(id: &str) -> Vec<String> {
    let of = |more: &str| format!("/v1/orchestrations/{id}{more}");
    let mut all: Vec<String> = ["", "/journal", "/explanation", "/events", "?at=3"].map(of).to_vec();
    all.extend(["/v1/orchestrations", "/v1/reviews", "/v1/effects?state=conflict", "/v1/dead-letters", "/v1/events"].map(str::to_owned));
    all
}

async fn looked(caller: &Caller, id: &str, query: &str) -> String {
    let mut all = String::new();
    for place in places(id) {
        let path = match (query, place.contains('?')) {
            ("", _) => place,
            (query, true) => format!("{place}&{query}"),
            (query, false) => format!("{place}?{query}"),
        };
        let answer = caller.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(!query.is_empty() || !answer.text.contains("canary"), "{path}: {}", answer.text);
        assert!(!answer.text.contains(PIN), "{path}: {}", answer.text);
        all.push_str(&answer.text);
    }
    all
}

/// Followed to its end; nothing in it is personal.
async fn followed(caller: &Caller, id: &str) {
    for path in [format!("/v1/orchestrations/{id}/stream"), format!("/v1/orchestrations/{id}/events?follow")] {
        let text = caller.open(&path).await.text().await.unwrap();
        assert!(text.len() > 500 && !text.contains("canary"), "{path}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_labelled_is_shown_nowhere_until_somebody_who_may_asks() {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let keeps = heard.clone();
    let bank = target(move |body| {
        keeps.lock().unwrap().push(body.clone());
        json!({ "id": "re-1", "heard": body }).to_string()
    });
    let mut served = Served::start().await;
    publish(&served, &bank).await;
    let local = served.local();
    let id = local.start("all", json!({ "mail": MAIL, "pin": PIN, "n": 2 }), &[]).await.ok().text_at("/id");
    local.until(&format!("/v1/orchestrations/{id}/journal"), |json| json.to_string().contains("listening_began")).await;
    assert!(heard.lock().unwrap().iter().any(|body| body.contains(MAIL) && body.contains(PIN)), "a target gets all of it");
    let deaf = local.start("deaf", json!({}), &[]).await.ok().text_at("/id");
    local.until(&format!("/v1/orchestrations/{deaf}/journal"), |json| json.to_string().contains("listening_began")).await;
    local.emit("e-1", "test.heard.v1", json!({ "mail": MAIL })).await.ok();
    local.emit("e-2", "test.came.v1", json!({ "mail": MAIL })).await.ok();
    local.emit("e-3", "test.came.v1", json!({ "mail": format!("{MAIL}, and much more than there is room for") })).await;
    let parked = local.start("parks", json!({ "mail": MAIL }), &[]).await.ok().text_at("/id");
    local.until("/v1/reviews", |json| json["items"].as_array().is_some_and(|all| all.len() == 1)).await;
    local.until("/v1/dead-letters", |json| json["items"].as_array().is_some_and(|all| all.len() == 1)).await;
    looked(&local, &id, "").await;
    looked(&local, &parked, "").await;
    local.until(&format!("/v1/orchestrations/{deaf}/journal"), |json| json.to_string().contains("event_taken")).await;
    for all in [local.get("/v1/orchestrations").await.json["items"].as_array().unwrap()] {
        assert!(all.len() >= 4, "the family and the workflows that heard of it: {all:?}");
        for one in all {
            looked(&local, one["id"].as_str().unwrap(), "").await;
        }
    }
    // Folded again from the disk.
    served.kill();
    served.up().await;
    let local = served.local();
    let review = local.get("/v1/reviews").await.json["items"][0].clone();
    assert_eq!(review["show"], json!({ "mail": INSTEAD, "n": 3 }));
    let answer = json!({ "orchestration": id, "option": "yes", "reason": "seen" });
    local.post(&format!("/v1/reviews/{}", review["id"].as_str().unwrap()), &answer).await.ok();
    let ended = local.until(&format!("/v1/orchestrations/{id}"), |json| json["status"] == "completed").await;
    assert_eq!(ended["output"], json!({ "mail": INSTEAD, "n": 3 }));
    let usual = looked(&local, &id, "").await;
    assert!(usual.contains(INSTEAD) && usual.contains("[redacted: secret]"));
    assert!(usual.contains(r#""choice":"pay""#), "what its author says is public is shown");
    followed(&local, &id).await;
    let verified = local.post(&format!("/v1/orchestrations/{id}/verification"), &json!({})).await;
    assert_eq!(verified.json["equal"], json!(true), "{}", verified.text);
    let revealed = looked(&local, &id, "reveal").await;
    assert!(revealed.contains(MAIL));
    assert_eq!(local.get(&format!("/v1/orchestrations/{id}?reveal=true")).await.json["output"]["mail"], json!(MAIL));
    local.get(&format!("/v1/orchestrations/{id}?reveal=perhaps")).await.refused(422, "reveal");
    asked_by_others(&served, &id).await;
    assert!(!served.log().contains("canary"), "{}", served.log());
    on_the_command_line(&mut served, &id);
}

/// An operator may look and may not ask for more.
async fn asked_by_others(served: &Served, id: &str) {
    let operator = served.with(&served.token("local", "nina", "operator").await);
    let seen = operator.get(&format!("/v1/orchestrations/{id}")).await;
    assert_eq!(seen.ok().json["output"]["mail"], json!(INSTEAD));
    for place in places(id) {
        let path = if place.contains('?') { format!("{place}&reveal") } else { format!("{place}?reveal") };
        operator.get(&path).await.refused(403, "policy-denied");
    }
    operator.get(&format!("/v1/orchestrations/{id}/stream?reveal")).await.refused(403, "policy-denied");
}

fn on_the_command_line(served: &mut Served, id: &str) {
    let data = served.data();
    assert!(served.stop().success());
    for verb in [vec!["get", id], vec!["journal", id], vec!["explain", id], vec!["list", "events", "--of", id]] {
        let (code, out, err) = run(&verb, &data);
        assert_eq!(code, 0, "{verb:?}: {err}");
        assert!(!format!("{out}{err}").contains("canary"), "{verb:?}: {out}");
        let (code, out, err) = run(&[verb.as_slice(), &["--reveal"]].concat(), &data);
        assert_eq!(code, 0, "{verb:?}: {err}");
        assert!(!out.contains(PIN), "{verb:?}: {out}");
        // The table of events has no values.
        assert_eq!(out.contains("canary"), verb.first() != Some(&"list"), "{verb:?}: {out}");
    }
}
