//! Bad input: a clear error that says what to do, and nothing lost.

use reqwest::Method;
use serde_json::json;

use crate::served::{Caller, Served, run};

fn event(data: &str) -> String {
    format!(r#"{{ "specversion": "1.0", "id": "x", "source": "/t", "type": "test.double.v1", "data": {data} }}"#)
}

/// In each mode an attribute that is none is named, and nothing is kept.
async fn attributes_are_those_of_the_standard(acme: &Caller) {
    for (name, value) in [
        ("specversion", json!("0.3")),
        ("specversion", json!(1.0)),
        ("id", json!("a\u{7}b")),
        ("source", json!("two words")),
        ("type", json!(7)),
        ("subject", json!("")),
        ("subject", json!({ "a": 1 })),
        ("time", json!("yesterday")),
        ("dataschema", json!("schema.json")),
        ("datacontenttype", json!("json")),
        ("more", json!([1])),
        ("more", json!(1.5)),
    ] {
        let mut event = json!({ "specversion": "1.0", "id": "x", "source": "/t", "type": "t", "data": 1 });
        event[name] = value;
        let says = format!("`{name}`");
        let one = [("content-type", "application/cloudevents+json")];
        let answer = acme.send(Method::POST, "/v1/events", &one, event.to_string().into_bytes()).await;
        answer.refused(422, "event-attribute");
        assert!(answer.text.contains(&says), "{}", answer.text);
        let kind = [("content-type", "application/cloudevents-batch+json")];
        let batch = acme.send(Method::POST, "/v1/events", &kind, json!([event]).to_string().into_bytes()).await;
        assert_eq!((batch.status, batch.text_at("/0/problem/code")), (200, "event-attribute".to_owned()), "{name}");
        assert!(batch.text.contains(&says), "{}", batch.text);
    }
    for (header, value) in [("ce-time", "yesterday"), ("ce-subject", ""), ("ce-source", "a%20b"), ("ce-data", "1"), ("ce-specversion", "1")]
    {
        let all = [("ce-specversion", "1.0"), ("ce-id", "x"), ("ce-source", "/t"), ("ce-type", "t"), ("content-type", "application/json")];
        let mut headers: Vec<(&str, &str)> = all.into_iter().filter(|(name, _)| *name != header).collect();
        headers.push((header, value));
        let answer = acme.send(Method::POST, "/v1/events", &headers, b"1".to_vec()).await;
        answer.refused(422, "event-attribute");
        assert!(answer.text.contains(&format!("`{}`", header.trim_start_matches("ce-"))), "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_read_are_refused_with_their_place() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    let cases: [(String, u16, &str, &str); 13] = [
        ("{".to_owned(), 400, "malformed", "line 1"),
        (String::new(), 400, "malformed", ""),
        ("[1]".to_owned(), 422, "malformed", "JSON Event Format"),
        (event(&deep), 422, "body-too-deep", "/data"),
        (event(r#"{ "a": 1, "a": 2 }"#), 422, "duplicate-key", "a"),
        (event("1e400"), 422, "number", "/data"),
        (event("123456789012345678901234567890"), 422, "number", "/data"),
        (event("NaN"), 400, "malformed", ""),
        (event("-"), 400, "malformed", ""),
        (event("\"\\ud800\""), 400, "malformed", ""),
        (r#"{ "id": "x", "source": "/t", "type": "t" }"#.to_owned(), 422, "event-attribute", "CloudEvents"),
        (r#"{ "specversion": "1.0", "id": "", "source": "/t", "type": "t" }"#.to_owned(), 422, "event-attribute", ""),
        (r#"{ "specversion": "1.0", "id": "x", "source": "/t", "type": "t", "Bad-Name": 1 }"#.to_owned(), 422, "event-attribute", ""),
    ];
    for (body, status, code, says) in cases {
        let answer = acme.emit_bytes(body.clone()).await;
        answer.refused(status, code);
        assert!(answer.text.contains(says), "{} should say `{says}`: {}", body.chars().take(80).collect::<String>(), answer.text);
    }
    acme.emit_bytes(b"{\"specversion\": \"1.0\", \"id\": \"\xff\"}".to_vec()).await.refused(400, "malformed");
    acme.emit_bytes(vec![b' '; 5 << 20]).await.refused(413, "body-too-large");
    attributes_are_those_of_the_standard(&acme).await;
    acme.send(Method::POST, "/v1/events", &[("content-type", "text/plain")], b"hello".to_vec()).await.refused(415, "content-type");
    acme.send(Method::POST, "/v1/events", &[], Vec::new()).await.refused(415, "content-type");
    let twice = [("ce-specversion", "1.0"), ("ce-id", "one"), ("ce-id", "two"), ("ce-source", "/t"), ("ce-type", "test.double.v1")];
    acme.send(Method::POST, "/v1/events", &twice, b"{\"n\":1}".to_vec()).await.refused(422, "event-attribute");
    let twice = [("idempotency-key", "one"), ("idempotency-key", "two")];
    acme.start("double", json!({ "n": 1 }), &twice).await.refused(400, "idempotency-key");
    assert_eq!(acme.get("/v1/events").await.json["items"], json!([]), "nothing of that was kept");
    acme.emit("good", "test.double.v1", json!({ "n": 9_007_199_254_740_993_i64 })).await.ok();
    let fine = acme.until("/v1/orchestrations?status=completed", |list| list["items"].as_array().is_some_and(|all| all.len() == 1)).await;
    let id = fine["items"][0]["id"].as_str().unwrap().to_owned();
    let output = acme.get(&format!("/v1/orchestrations/{id}")).await;
    assert!(output.text.contains("18014398509481986"), "integers are exact: {}", output.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_kept_as_rejected_with_its_reason() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let unknown = acme.emit("u", "test.unknown.v1", json!({})).await;
    assert_eq!((unknown.status, unknown.text_at("/problem/code")), (422, "event-unknown".to_owned()));
    let broken = acme.emit("b", "test.double.v1", json!({ "n": "four" })).await;
    assert_eq!((broken.status, broken.text_at("/problem/code")), (422, "event-contract".to_owned()));
    assert!(broken.text.contains("/n"), "the place is named: {}", broken.text);
    acme.emit("c", "test.double.v1", json!({ "n": 1 })).await.ok();
    let large = acme.emit("l", "test.double.v1", json!({ "n": 1, "text": "a".repeat(300 << 10) })).await;
    assert_eq!((large.status, large.text_at("/problem/code")), (422, "event-too-large".to_owned()));
    let conflict = acme.emit("c", "test.double.v1", json!({ "n": 2 })).await;
    assert_eq!((conflict.status, conflict.text_at("/problem/code")), (409, "event-conflict".to_owned()));
    assert_eq!(conflict.json["problem"]["status"], 409, "the document and the answer agree: {}", conflict.text);
    let batch = json!([
        { "specversion": "1.0", "id": "g", "source": "/test", "type": "test.double.v1", "data": { "n": 3 } },
        { "specversion": "1.0", "id": "c", "source": "/test", "type": "test.double.v1", "data": { "n": 1 } },
        { "specversion": "1.0", "id": "h", "source": "/test", "type": "test.double.v1", "data": {} },
        7
    ]);
    let kind = [("content-type", "application/cloudevents-batch+json")];
    let answer = acme.send(Method::POST, "/v1/events", &kind, batch.to_string().into_bytes()).await;
    let statuses: Vec<&str> = answer.json.as_array().unwrap().iter().filter_map(|item| item["status"].as_str()).collect();
    assert_eq!(statuses, ["accepted", "duplicate", "rejected", "rejected"], "{}", answer.text);

    let kept = acme.get("/v1/events?status=rejected").await;
    let codes: Vec<&str> = kept.json["items"].as_array().unwrap().iter().filter_map(|item| item["code"].as_str()).collect();
    assert_eq!(codes, ["event-unknown", "event-contract", "event-too-large", "event-conflict", "event-contract"], "{}", kept.text);
    let page = acme.get("/v1/events?limit=1").await;
    let rest = acme.get(&format!("/v1/events?after={}", page.text_at("/next"))).await;
    assert_eq!(page.json["items"].as_array().unwrap().len() + rest.json["items"].as_array().unwrap().len(), 7);
    acme.get("/v1/events?after=x").await.refused(422, "cursor");
    acme.get("/v1/events?status=odd").await.refused(422, "status");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_never_ends_is_stopped_and_its_neighbours_go_on() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let spinning = acme.start("spin", json!({}), &[]).await.text_at("/id");
    let beside = acme.start("double", json!({ "n": 2 }), &[("prefer", "wait=10")]).await;
    assert_eq!(beside.json["status"], "completed");
    let ended = acme.until(&format!("/v1/orchestrations/{spinning}?wait_ms=2000"), |shown| shown["status"] == "faulted").await;
    assert!(ended["problem"].to_string().contains("5000"), "the limit is named: {ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_over_its_limit_faults_and_is_not_lost() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let id = acme.start("work", json!({}), &[]).await.text_at("/id");
    let asked = json!({ "worker": "w", "queues": ["scales"], "capacity": 1, "wait_ms": 2000 });
    let lease = acme.post("/v1/workers/exchange", &asked).await.json["work"][0]["lease"].clone();
    let large = "x".repeat(300 << 10);
    let report = json!({ "worker": "w", "queues": [], "capacity": 0, "wait_ms": 0,
        "reports": [{ "lease": lease, "result": { "done": { "value": { "text": large } } }, "took_ms": 1 }] });
    let answer = acme.post("/v1/workers/exchange", &report).await;
    answer.ok();
    let ended = acme.until(&format!("/v1/orchestrations/{id}?wait_ms=2000"), |shown| shown["status"] != "running").await;
    assert!(ended["problem"].to_string().contains("value-too-large"), "{ended}");
    assert_eq!(ended["effects"][0]["state"], "done", "what was done stays done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_not_there_and_one_with_errors() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let large = json!({ "n": 1, "text": "a".repeat(300 << 10) });
    let faulted = acme.start("double", large, &[("prefer", "wait=10")]).await;
    assert!(faulted.text.contains("value-too-large"), "{}", faulted.text);
    acme.start("nothing", json!({}), &[]).await.refused(404, "unknown-workflow");
    let broken = json!({ "files": { "workflows/x.yaml": "document: {}\ndo: 7\n" }, "reason": "test" });
    let refused = acme.post("/v1/bundles", &broken).await;
    refused.refused(422, "bundle-invalid");
    assert!(refused.text.contains("workflows/x.yaml:"), "findings have places: {}", refused.text);
    acme.post("/v1/bundles", &json!({ "files": {}, "reason": "test" })).await.refused(422, "bundle-invalid");
    acme.post("/v1/bundles", &json!({ "files": 7 })).await.refused(422, "body");
    acme.start("double", json!({ "n": 1 }), &[("prefer", "wait=10")]).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_errors_denies_and_says_so() {
    let served = Served::start().await;
    let acme = served.with(&served.token("acme", "admin", "admin").await);
    let files = json!({
        "workflows/w.yaml": "document: { dsl: '1.0.3', namespace: test, name: w, version: '1.0.0' }\ndo:\n  - act: { call: act, with: { action: weigh, arguments: { n: 1 } } }\n",
        "actions/weigh.yaml": "version: 1.0.0\nclass: E1\nqueue: scales\n",
        "policies/odd.cedar": "permit(principal, action, resource) when { context.arguments.missing == 1 };\n"
    });
    let published = acme.post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await;
    published.ok();
    let faulted = acme.start("w", json!({}), &[("prefer", "wait=10")]).await;
    assert_eq!(faulted.json["status"], "faulted", "{}", faulted.text);
    assert!(faulted.json["problem"].to_string().contains("policy-denied"), "{}", faulted.text);
    let journal = acme.get(&format!("/v1/orchestrations/{}/journal", faulted.text_at("/id"))).await;
    assert!(journal.text.contains("\"errors\""), "the verdict keeps the error: {}", journal.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_has_one_server() {
    let served = Served::start().await;
    let (code, _, said) = run(&["serve", "--listen", "127.0.0.1:0"], &served.data());
    assert_eq!(code, 2);
    assert!(said.contains("STORE_LOCKED"), "{said}");
    served.local().get("/healthz").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_folder_is_named_and_a_newer_one_is_left_alone() {
    let mut served = Served::start().await;
    let acme = served.tenant("acme").await;
    for n in 0..200 {
        acme.start("double", json!({ "n": n }), &[]).await.ok();
    }
    served.kill();
    // Opened and closed in order, so that the file holds everything and its log nothing.
    assert_eq!(run(&["list", "orchestrations"], &served.data()).0, 0);
    let file = (0..4).map(|n| served.data().join(format!("partition-00{n}.db"))).max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let whole = std::fs::read(&file).unwrap();
    // The file's own version number stands there (SQLite's `user_version`).
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    std::fs::write(&file, &newer).unwrap();
    let (code, _, said) = run(&["serve", "--listen", "127.0.0.1:0"], &served.data());
    assert!(code == 2 && said.contains("STORE_NEWER"), "{code} {said}");

    std::fs::write(&file, &whole).unwrap();
    served.up().await;
    assert!(served.stop().success(), "what the log held is in the file now");
    let mut cut = std::fs::read(&file).unwrap();
    cut.truncate(cut.len() / 2);
    std::fs::write(&file, &cut).unwrap();
    let (code, out, said) = run(&["verify", "--all"], &served.data());
    assert!(code != 0 && (said.contains("STORE_DAMAGED") || out.contains("DIFFERS")), "{code} {out} {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_would_start_too_many_workflows_is_kept_and_starts_none() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let listening = |n: u32| {
        let start = "schedule: { on: { one: { with: { type: test.crowd.v1 } } } }";
        format!(
            "document: {{ dsl: '1.0.3', namespace: crowd, name: w{n}, version: '1.0.0' }}\n{start}\ndo:\n  - one: {{ set: {{ n: {n} }} }}\n"
        )
    };
    for (count, status) in [(64, 202), (65, 422)] {
        let files: serde_json::Map<String, serde_json::Value> =
            (0..count).map(|n| (format!("workflows/w{n}.yaml"), listening(n).into())).collect();
        acme.post("/v1/bundles", &json!({ "files": files, "reason": "a crowd" })).await.ok();
        let answer = acme.emit(&format!("e-{count}"), "test.crowd.v1", json!({})).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if status == 422 {
            assert_eq!(answer.text_at("/problem/code"), "event-starts");
        }
    }
    acme.until("/v1/orchestrations?status=completed&limit=500", |list| list["items"].as_array().is_some_and(|all| all.len() == 64)).await;
}
