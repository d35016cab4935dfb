//! The surface: waiting, following, pages, state at a sequence, the Guard; everything as the committed document says.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::served::{Served, run};

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_described_and_refuses_in_one_form() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let document: Json = serde_json::from_str(include_str!("../../../../schema/openapi.json")).unwrap();
    assert_eq!(acme.get("/openapi.json").await.json, document);
    acme.get("/v1/nothing").await.refused(404, "unknown-route");
    for (path, described) in document["paths"].as_object().unwrap() {
        let concrete = path.replace("{id}", "odd").replace("{name}", "odd");
        for method in ["get", "post", "put", "delete"] {
            let known = described.get(method).is_some();
            let body = if method == "get" { Vec::new() } else { b"{".to_vec() };
            let sent = acme
                .send(
                    Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
                    &concrete,
                    &[("content-type", "application/json")],
                    body,
                )
                .await;
            if !known {
                sent.refused(405, "method");
            } else if sent.status >= 400 {
                assert_eq!(sent.kind, "application/problem+json", "{method} {path}: {}", sent.text);
            }
            assert_ne!(sent.status, 500, "{method} {path}: {}", sent.text);
        }
    }
    acme.get("/v1/orchestrations?limit=many").await.refused(400, "malformed");
    acme.get("/v1/orchestrations/orc_short").await.refused(400, "id");
    acme.get("/v1/orchestrations?before=odd").await.refused(400, "id");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_waits_as_long_as_it_is_asked_to() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let done = acme.start("double", json!({ "n": 21 }), &[("prefer", "wait=10")]).await;
    assert_eq!((done.status, &done.json["output"]), (200, &json!({ "n": 42 })));
    let waits = acme.start("ask", json!({}), &[("prefer", "wait=1")]).await;
    assert_eq!(waits.status, 202, "{}", waits.text);
    let key = [("idempotency-key", "once"), ("prefer", "wait=10")];
    let first = acme.start("double", json!({ "n": 1 }), &key).await;
    let again = acme.start("double", json!({ "n": 1 }), &key).await;
    assert_eq!((first.text_at("/id"), first.json["output"].clone()), (again.text_at("/id"), again.json["output"].clone()));
    acme.start("double", json!({ "n": 2 }), &key).await.refused(422, "key-reused");
    let many = "k".repeat(300);
    acme.start("double", json!({ "n": 2 }), &[("idempotency-key", many.as_str())]).await.refused(400, "idempotency-key");
    let shown = acme.get(&format!("/v1/orchestrations/{}?wait_ms=1000", first.text_at("/id"))).await;
    assert_eq!(shown.json["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn state_at_a_sequence_journal_explanation_and_verification_agree() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let id = acme.start("double", json!({ "n": 3 }), &[("prefer", "wait=10")]).await.text_at("/id");
    for at in ["0", "9999", "18446744073709551615"] {
        let beyond = acme.get(&format!("/v1/orchestrations/{id}?at={at}")).await;
        beyond.refused(422, "sequence");
        assert!(beyond.text.contains("say one from 1 to"), "{}", beyond.text);
    }
    let begun = acme.get(&format!("/v1/orchestrations/{id}?at=1")).await;
    assert_eq!((begun.json["sequence"].as_u64(), begun.json["status"].as_str()), (Some(1), Some("running")), "{}", begun.text);
    let rows = acme.get(&format!("/v1/orchestrations/{id}/journal")).await.json["rows"].as_array().unwrap().clone();
    let head = rows.last().unwrap();
    let verified = acme.post(&format!("/v1/orchestrations/{id}/verification"), &json!({})).await;
    assert_eq!((verified.json["equal"].as_bool(), &verified.json["head"]), (Some(true), &head["chain"]), "{}", verified.text);
    let explained = acme.get(&format!("/v1/orchestrations/{id}/explanation")).await;
    assert!(explained.text.contains(&id) && explained.text.contains("COMPLETED"), "{}", explained.text);
    let followed = acme.get(&format!("/v1/orchestrations/{id}/stream")).await;
    assert!(followed.kind.starts_with("text/event-stream") && followed.text.contains("event: rows"), "{}", followed.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_everything_once() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let mut started = Vec::new();
    for n in 0..25 {
        started.push(acme.start("double", json!({ "n": n }), &[("prefer", "wait=10")]).await.text_at("/id"));
    }
    acme.until("/v1/orchestrations?limit=500", |list| list["items"].as_array().is_some_and(|all| all.len() == 25)).await;
    let (mut seen, mut before) = (Vec::new(), String::new());
    loop {
        let page = acme.get(&format!("/v1/orchestrations?limit=10{before}")).await;
        let items = page.json["items"].as_array().unwrap().clone();
        let Some(last) = items.last() else { break };
        before = format!("&before={}", last["id"].as_str().unwrap());
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
    }
    seen.sort();
    started.sort();
    assert_eq!(seen, started);
    let next = |page: crate::served::Answer| page.json["next"].clone();
    assert_ne!(next(acme.get("/v1/orchestrations?limit=24").await), Json::Null);
    assert_eq!(next(acme.get("/v1/orchestrations?limit=25").await), Json::Null, "there are no more than these");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_stops_what_policy_allows_and_lets_go_again() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let stop = json!({ "guard": { "actions": ["weigh"] }, "reason": "INC-1" });
    acme.put("/v1/guard", &stop).await.ok();
    let stopped = acme.start("work", json!({}), &[("prefer", "wait=5")]).await;
    assert_eq!(stopped.json["status"], "faulted", "{}", stopped.text);
    assert!(stopped.json["problem"].to_string().contains("policy-denied"), "{}", stopped.text);
    acme.put("/v1/guard", &json!({ "guard": {}, "reason": "INC-1 over" })).await.ok();
    assert_eq!(acme.start("work", json!({}), &[("prefer", "wait=1")]).await.status, 202, "it waits for a worker");
    acme.put("/v1/guard", &json!({ "guard": { "odd": 1 }, "reason": "x" })).await.refused(422, "CONTROL_GUARD");
    acme.put("/v1/guard", &json!({ "guard": {}, "reason": "" })).await.refused(422, "reason");
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_find_an_orchestration_by_its_subject_and_never_guess() {
    let served = Served::start().await;
    let local = served.local();
    local.publish().await;
    let mut ids = Vec::new();
    for subject in ["R-1", "R-2", "R-2"] {
        let body = json!({ "input": { "n": 1 }, "subject": subject });
        let started = local.post("/v1/workflows/double/orchestrations", &body).await;
        ids.push(started.text_at("/id"));
    }
    local.until("/v1/orchestrations?status=completed", |list| list["items"].as_array().is_some_and(|all| all.len() == 3)).await;
    let told = |arguments: &[&str]| run(arguments, &served.data());
    let (code, out, said) = told(&["get", "R-1"]);
    assert!(code == 0 && out.contains(&ids[0]), "{out} {said}");
    let (code, out, said) = told(&["verify", "R-1"]);
    assert!(code == 0 && out.starts_with(&ids[0]) && out.contains("equal"), "{out} {said}");
    let (code, out, said) = told(&["explain", "R-2"]);
    assert!(code != 0 && out.is_empty() && said.contains("several-matches"), "{out} {said}");
    assert!(said.contains(&ids[1]) && said.contains(&ids[2]), "{said}");
    let (code, _, said) = told(&["explain", "R-3"]);
    assert!(code != 0 && said.contains("no-match"), "{said}");
    let (code, out, said) = told(&["list", "orchestrations", "--limit", "2"]);
    assert!(code == 0 && out.lines().count() == 3 && said.contains("there are more than these 2"), "{out} {said}");
    let (code, out, said) = told(&["list", "orchestrations", "--limit", "3"]);
    assert!(code == 0 && out.lines().count() == 4 && said.is_empty(), "{out} {said}");
    let (code, _, said) = told(&["list", "orchestrations", "--limit", "0"]);
    assert!(code != 0 && said.contains("0 is not in"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_one_shape_and_an_unknown_state_is_refused() {
    let served = Served::start().await;
    let local = served.local();
    local.publish().await;
    let id = local.start("ask", json!({}), &[]).await.text_at("/id");
    let reviews = local.until("/v1/reviews?state=open", |all| all["items"].as_array().is_some_and(|all| all.len() == 1)).await;
    assert_eq!(reviews["items"][0]["orchestration"], json!(id));
    for list in ["orchestrations", "reviews", "effects", "dead-letters", "bundles", "principals", "events"] {
        let answer = local.get(&format!("/v1/{list}")).await;
        assert!(answer.json["items"].is_array(), "{list}: {}", answer.text);
        let (code, out, said) = run(&["list", list, "--output", "json"], &served.data());
        assert!(code == 0 && serde_json::from_str::<Json>(&out).unwrap()["items"].is_array(), "{list}: {out} {said}");
    }
    let listed = local.get("/v1/orchestrations").await.json["items"][0].clone();
    let shown = local.get(&format!("/v1/orchestrations/{id}")).await;
    assert_eq!(listed["started_at"], shown.json["started_at"], "{listed}");
    for path in ["effects?state=foo", "effects?state=in_doubt", "reviews?state=foo"] {
        let refused = local.get(&format!("/v1/{path}")).await;
        assert!(refused.refused(400, "state").text.contains("use "), "{}", refused.text);
    }
    for path in ["orchestrations?foo=1", "orchestrations?cursor=xx", "events?foo=1", "journals?foo=1", "effects?foo=1"] {
        let refused = local.get(&format!("/v1/{path}")).await;
        assert!(refused.refused(400, "malformed").text.contains("unknown field"), "{}", refused.text);
    }
    let told = |arguments: &[&str]| run(&[&["list"], arguments].concat(), &served.data());
    for (arguments, code) in [
        (&["effects", "--state", "in_doubt"][..], "[state]"),
        (&["reviews", "--state", "foo"], "[state]"),
        (&["bundles", "--state", "foo"], "[usage]"),
        (&["dead-letters", "--state", "foo"], "[usage]"),
        (&["effects", "--subject", "R-1"], "[usage]"),
    ] {
        let (exit, out, said) = told(arguments);
        assert!(exit == 2 && out.is_empty() && said.contains(code), "{arguments:?}: {out} {said}");
    }
    local.emit("e-1", "test.double.v1", json!({ "n": 1 })).await.ok();
    let (_, out, _) = told(&["events"]);
    assert!(out.contains('–') && !out.contains("null"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_effects_without_a_state_holds_conflicts_too() {
    let served = Served::start().await;
    let local = served.local();
    let keyed = "document: { dsl: '1.0.3', namespace: test, name: keyed, version: '1.0.0' }
do:
  - act: { call: act, with: { action: press, key: 'one/key', arguments: '${ . }' } }
";
    let files = json!({ "workflows/keyed.yaml": keyed, "actions/press.yaml": "version: 1.0.0\nclass: E1\nqueue: press\ntimeoutMs: 60000\n",
        "policies/all.cedar": "permit(principal, action, resource);" });
    local.post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await.ok();
    local.start("keyed", json!({ "n": 1 }), &[]).await.ok();
    let asked = json!({ "worker": "w", "queues": ["press"], "capacity": 1, "wait_ms": 5000 });
    let claimed = local.post("/v1/workers/exchange", &asked).await;
    assert_eq!(claimed.json["work"].as_array().map(Vec::len), Some(1), "{}", claimed.text);
    local.start("keyed", json!({ "n": 2 }), &[]).await.ok();
    let conflicts = local.until("/v1/effects?state=conflict", |all| all["items"].as_array().is_some_and(|all| !all.is_empty())).await;
    assert_eq!(local.get("/v1/effects").await.json, conflicts, "both states are listed where none is named");
    assert_eq!(local.get("/v1/effects?state=in-doubt").await.json, json!({ "items": [] }));
}
