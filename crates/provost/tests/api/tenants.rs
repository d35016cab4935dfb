//! Two tenants on one server see nothing of each other, whatever they ask for by name.

use provost_control::TokenSecret;
use provost_telemetry::Secret;
use serde_json::{Value as Json, json};

use crate::served::{Caller, Served, run};

/// Work of every kind in one tenant: ids by what they are.
struct Work {
    done: String,
    asks: String,
    review: String,
    doubtful: String,
    effect: String,
}

async fn work(caller: &Caller) -> Work {
    let done = caller.start("double", json!({ "n": 4 }), &[("prefer", "wait=10")]).await;
    let asks = caller.start("ask", json!({ "secret": "of this tenant" }), &[]).await;
    let reviews = caller.until("/v1/reviews", |reviews| reviews["items"].as_array().is_some_and(|all| !all.is_empty())).await;
    let doubtful = caller.start("doubt", json!({}), &[]).await.text_at("/id");
    let claimed = exchange(caller, "stamps", &json!([])).await;
    let report = json!([{ "lease": claimed["work"][0]["lease"], "result": { "unknown": { "problem": problem() } }, "took_ms": 1 }]);
    exchange(caller, "stamps", &report).await;
    let effects = caller.until("/v1/effects", |effects| effects["items"].as_array().is_some_and(|all| !all.is_empty())).await;
    Work {
        done: done.text_at("/id"),
        asks: asks.text_at("/id"),
        review: reviews["items"][0]["id"].as_str().unwrap().to_owned(),
        doubtful,
        effect: effects["items"][0]["id"].as_str().unwrap().to_owned(),
    }
}

fn problem() -> Json {
    json!({ "type": "about:blank", "title": "no answer", "status": 504 })
}

async fn exchange(caller: &Caller, queue: &str, reports: &Json) -> Json {
    let asked = json!({ "worker": "w", "queues": [queue], "capacity": 1, "wait_ms": 2000, "reports": reports });
    let answer = caller.post("/v1/workers/exchange", &asked).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_user_is_nobody_who_came_from_elsewhere() {
    let served = Served::start().await;
    let (local, acme) = (served.local(), served.tenant("acme").await);
    let port = served.url().rsplit(':').next().unwrap().to_owned();
    let elsewhere = [
        ("host", "evil.example"),
        ("host", "127.0.0.1.evil.example"),
        ("host", "localhost.evil.example:7400"),
        ("host", "10.0.0.1"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
    ];
    for header in elsewhere {
        local.start("double", json!({ "n": 1 }), &[header]).await.refused(403, "not-local");
        local.send(reqwest::Method::GET, "/v1/principals", &[header], Vec::new()).await.refused(403, "not-local");
        acme.send(reqwest::Method::GET, "/v1/principals", &[header], Vec::new()).await.ok();
    }
    for host in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}"), "LOCALHOST".to_owned()] {
        let origin = format!("http://{host}");
        local.send(reqwest::Method::GET, "/v1/principals", &[("host", &host), ("origin", &origin)], Vec::new()).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_tenant_is_there_for_the_other() {
    let served = Served::start().await;
    let (acme, globex) = (served.tenant("acme").await, served.tenant("globex").await);
    let of_acme = work(&acme).await;
    acme.emit("e-1", "test.double.v1", json!({ "n": 1 })).await.ok();

    for id in [&of_acme.done, &of_acme.asks, &of_acme.doubtful] {
        for path in ["", "?at=1", "/journal", "/explanation", "/stream"] {
            globex.get(&format!("/v1/orchestrations/{id}{path}")).await.refused(404, "unknown-orchestration");
        }
        for verb in ["cancellation", "redrive"] {
            globex
                .post(&format!("/v1/orchestrations/{id}/{verb}"), &json!({ "reason": "mine" }))
                .await
                .refused(404, "unknown-orchestration");
        }
        globex.post(&format!("/v1/orchestrations/{id}/verification"), &json!({})).await.refused(404, "unknown-orchestration");
    }
    let answer = json!({ "orchestration": of_acme.asks, "option": "approve", "reason": "mine" });
    globex.post(&format!("/v1/reviews/{}", of_acme.review), &answer).await.refused(404, "unknown-orchestration");
    let resolve = json!({ "orchestration": of_acme.doubtful, "done": true, "evidence": "x", "reason": "mine" });
    globex.post(&format!("/v1/effects/{}/resolution", of_acme.effect), &resolve).await.refused(404, "unknown-orchestration");
    for list in ["/v1/reviews", "/v1/effects", "/v1/dead-letters"] {
        assert_eq!(globex.get(list).await.json, json!({ "items": [] }), "{list}");
    }
    assert_eq!(globex.get("/v1/orchestrations").await.json["items"], json!([]));
    assert_eq!(globex.get("/v1/events").await.json["items"], json!([]));
    assert!(exchange(&globex, "stamps", &json!([])).await["work"].as_array().unwrap().is_empty());

    let mine = acme.get(&format!("/v1/orchestrations/{}", of_acme.asks)).await;
    assert_eq!(mine.json["status"], "waiting", "nothing of that changed it");
    assert_eq!(acme.get("/v1/events").await.json["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_event_ids_are_each_tenants_own() {
    let served = Served::start().await;
    let (acme, globex) = (served.tenant("acme").await, served.tenant("globex").await);
    let key = [("idempotency-key", "k-1")];
    let first = acme.start("double", json!({ "n": 1 }), &key).await.text_at("/id");
    let second = globex.start("double", json!({ "n": 2 }), &key).await.text_at("/id");
    assert_ne!(first, second);
    assert_eq!(acme.start("double", json!({ "n": 1 }), &key).await.text_at("/id"), first);
    acme.start("double", json!({ "n": 9 }), &key).await.refused(422, "key-reused");
    for caller in [&acme, &globex] {
        assert_eq!(caller.emit("same", "test.double.v1", json!({ "n": 1 })).await.text_at("/status"), "accepted");
        assert_eq!(caller.emit("same", "test.double.v1", json!({ "n": 1 })).await.text_at("/status"), "duplicate");
    }
    let foreign =
        json!({ "specversion": "1.0", "id": "f", "source": "/s", "type": "test.double.v1", "tenantid": "acme", "data": { "n": 1 } });
    globex.emit_bytes(foreign.to_string()).await.refused(403, "foreign-tenant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_needed_known_and_has_a_role() {
    let served = Served::start().await;
    let _acme = served.tenant("acme").await;
    served.with("pvt_nobody").get("/v1/orchestrations").await.refused(401, "TOKEN_SHAPE");
    let worker = served.with(&served.token("acme", "hand", "worker").await);
    worker.start("double", json!({ "n": 1 }), &[]).await.refused(403, "policy-denied");
    worker.put("/v1/guard", &json!({ "guard": {}, "reason": "no" })).await.refused(403, "policy-denied");
    let reader = served.with(&served.token("acme", "writer", "writer").await);
    reader.post("/v1/principals", &json!({ "name": "x", "roles": ["admin"], "reason": "no" })).await.refused(403, "policy-denied");
    let admin = served.with(&served.token("acme", "other-admin", "admin").await);
    let foreign = json!({ "name": "x", "roles": ["admin"], "tenant": "globex", "reason": "no" });
    admin.post("/v1/principals", &foreign).await.refused(403, "foreign-tenant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typo_in_a_token_is_told_as_a_typo() {
    let served = Served::start().await;
    let _acme = served.tenant("acme").await;
    let token = served.token("acme", "typist", "admin").await;
    for at in [4, 30, token.len() - 1] {
        let mut typed = token.clone().into_bytes();
        typed[at] = if typed[at] == b'a' { b'b' } else { b'a' };
        let typed = String::from_utf8(typed).unwrap();
        served.with(&typed).get("/v1/orchestrations").await.refused(401, "TOKEN_CHECKSUM");
        let (code, _, said) = run(&["list", "orchestrations", "--server", served.url(), "--token", &typed], &served.data());
        assert!(code == 2 && said.contains("the token has a typo") && !said.contains(&typed), "{code} {said}");
    }
    for cut in [&token[1..], &token[..token.len() - 1], "", &token.to_uppercase()] {
        served.with(cut).get("/v1/orchestrations").await.refused(401, "TOKEN_SHAPE");
    }
    let elsewhere = TokenSecret::from_random(&Secret::new([7; 32]));
    served.with(elsewhere.reveal()).get("/v1/orchestrations").await.refused(401, "unauthenticated");
    served.with(&token).get("/v1/orchestrations").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn four_eyes_are_two_authenticated_names() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let id = acme.start("ask", json!({}), &[]).await.text_at("/id");
    let reviews = acme.until("/v1/reviews", |reviews| reviews["items"].as_array().is_some_and(|all| !all.is_empty())).await;
    let path = format!("/v1/reviews/{}", reviews["items"][0]["id"].as_str().unwrap());
    let answer = json!({ "orchestration": id, "option": "yes", "reason": "it is so" });
    acme.post(&path, &answer).await.refused(403, "policy-denied");
    let second = served.with(&served.token("acme", "second", "reviewer").await);
    let done = second.post(&path, &answer).await;
    assert_eq!((done.status, done.json["status"].as_str()), (200, Some("completed")), "{}", done.text);
}

#[test]
fn beyond_loopback_nothing_is_served_without_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, said) = run(&["serve", "--listen", "0.0.0.0:0"], &folder.path().join("data"));
    assert_eq!(code, 2);
    assert!(said.contains("tokens-needed") && said.contains("provost token"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_payload_is_told_or_kept_in_the_open() {
    let mut served = Served::start().await;
    let acme = served.tenant("acme").await;
    let token = served.token("acme", "canary", "admin").await;
    let canary = served.with(&token);
    let payload = "canary-payload-7719";
    canary.start("ask", json!({ "text": payload }), &[("idempotency-key", "canary-key-7719")]).await.ok();
    canary.emit("canary-id-7719", "test.nothing.v1", json!({ "text": payload })).await;
    served.with("pvt_canary-wrong-token-7719").get("/v1/orchestrations").await.refused(401, "TOKEN_SHAPE");
    let metrics = acme.get("/metrics").await.text;
    served.kill();
    for told in [served.log(), metrics] {
        for canary in [payload, "canary-key-7719", "canary-id-7719", "canary-wrong-token-7719", token.as_str()] {
            assert!(!told.contains(canary), "`{canary}` was told: {told}");
        }
    }
    let mut folders = vec![served.data()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let holds = bytes.windows(token.len()).any(|window| window == token.as_bytes());
            assert!(!holds, "{} holds a token", path.display());
        }
    }
}
