//! A secret reaches the target of an action and nothing else: not the record, not the API, not the log, not a worker of somebody else.

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};

use crate::served::{Caller, Served};
use crate::target::target;

const CANARY: &str = "canary-5f1f0f3a-do-not-keep";

/// A call whose arguments hold a secret in every way that is allowed, beside what somebody outside wrote.
fn workflow(name: &str, action: &str, secret: &str) -> String {
    let arguments = format!(
        r#"{{ auth: '${{ "Bearer \($secrets."{secret}")" }}', deep: {{ list: [ 1, '${{ $secrets."{secret}" + "/" + $secrets."{secret}" }}' ] }}, note: '${{ $context.note }}' }}"#
    );
    let head = format!("document: {{ dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0' }}\nuse: {{ secrets: [ {secret} ] }}\n");
    let keep = "  - keep: { set: { kept: true }, export: { as: '${ { note: $input.note } }' } }";
    format!("{head}do:\n{keep}\n  - call: {{ call: act, with: {{ action: {action}, arguments: {arguments} }} }}\n")
}

async fn publish(caller: &Caller) {
    let http =
        "version: 1.0.0\nclass: E1\nqueue: builtin\nhttp: { method: POST, destination: bank, path: /pay, keyHeader: Idempotency-Key }\n";
    let files = json!({
        "workflows/pay.yaml": workflow("pay", "pay", "bank-token"),
        "workflows/lost.yaml": workflow("lost", "pay", "missing"),
        "workflows/far.yaml": workflow("far", "far", "bank-token"),
        "actions/pay.yaml": http,
        "actions/far.yaml": "version: 1.0.0\nclass: E1\nqueue: far\ntimeoutMs: 60000\n",
        "policies/all.cedar": "permit(principal, action, resource);\n",
    });
    let answer = caller.post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// A target that keeps what it is sent and says all of it back.
pub fn echo() -> (String, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = seen.clone();
    let url = target(move |body| {
        keep.lock().unwrap().push(body.clone());
        json!({ "id": format!("re-{CANARY}"), "heard": body, CANARY: 1 }).to_string()
    });
    (url, seen)
}

/// Every file below `folder` that holds the canary.
fn found_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(found_in(&path));
        } else if std::fs::read(&path).unwrap().windows(CANARY.len()).any(|bytes| bytes == CANARY.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

async fn kept_nowhere(served: &Served, admin: &Caller, id: &str) {
    for path in ["", "/journal", "/explanation"] {
        let said = admin.get(&format!("/v1/orchestrations/{id}{path}")).await;
        assert_eq!(said.status, 200, "{}", said.text);
        assert!(!said.text.contains(CANARY), "{path}: {}", said.text);
    }
    for path in ["/metrics", "/v1/effects", "/v1/reviews", "/v1/dead-letters"] {
        assert!(!admin.get(path).await.text.contains(CANARY), "{path}");
    }
    assert!(!served.log().contains(CANARY), "{}", served.log());
    assert_eq!(found_in(&served.data()), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_reaches_the_target_and_nothing_else() {
    let served = Served::start().await;
    std::fs::create_dir(served.secrets()).unwrap();
    std::fs::write(served.secrets().join("bank-token"), format!("{CANARY}\n")).unwrap();
    let admin = served.with(&served.token("acme", "admin", "admin").await);
    publish(&admin).await;
    let (url, seen) = echo();
    let bound = admin.put("/v1/binding", &json!({ "destinations": { "bank": url }, "reason": "test" })).await;
    assert_eq!(bound.status, 200, "{}", bound.text);

    // Text that looks like the marker of a secret is only text.
    let forged = "\u{FDD0}bank-token\u{FDD1}";
    let done = admin.start("pay", json!({ "note": forged }), &[("prefer", "wait=10")]).await;
    assert_eq!(done.json["status"], "completed", "{}", done.text);
    let sent: Json = serde_json::from_str(&seen.lock().unwrap()[0]).unwrap();
    let wanted = json!({ "auth": format!("Bearer {CANARY}"), "deep": { "list": [1, format!("{CANARY}/{CANARY}")] }, "note": forged });
    assert_eq!(sent, wanted);
    assert_eq!(done.json["output"]["id"], "re-***");
    kept_nowhere(&served, &admin, &done.text_at("/id")).await;

    let lost = admin.start("lost", json!({ "note": "x" }), &[]).await.text_at("/id");
    let parked = admin.until(&format!("/v1/orchestrations/{lost}"), |it| it["status"] == "parked").await;
    assert!(parked.to_string().contains("secret-unknown"), "{parked}");
    assert_eq!(seen.lock().unwrap().len(), 1, "nothing was sent without it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_elsewhere_is_told_the_places_and_the_names() {
    let served = Served::start().await;
    std::fs::create_dir(served.secrets()).unwrap();
    std::fs::write(served.secrets().join("bank-token"), CANARY).unwrap();
    let admin = served.with(&served.token("acme", "admin", "admin").await);
    publish(&admin).await;
    let id = admin.start("far", json!({ "note": "n" }), &[]).await.text_at("/id");
    let asked = json!({ "worker": "w", "queues": ["far"], "capacity": 1, "wait_ms": 5000, "reports": [] });
    let claimed = admin.post("/v1/workers/exchange", &asked).await;
    assert!(!claimed.text.contains(CANARY), "{}", claimed.text);
    let work = &claimed.json["work"][0];
    let places = work["secrets"].as_array().unwrap().iter().map(|span| {
        let text = work["input"].pointer(span["pointer"].as_str().unwrap()).and_then(Json::as_str).unwrap();
        let at = |key: &str| usize::try_from(span[key].as_u64().unwrap()).unwrap();
        (span["pointer"].as_str().unwrap().to_owned(), span["name"].clone(), text[at("start")..at("end")].to_owned())
    });
    let marker = "\u{FDD0}bank-token\u{FDD1}".to_owned();
    let place = |pointer: &str| (pointer.to_owned(), json!("bank-token"), marker.clone());
    assert_eq!(places.collect::<Vec<_>>(), [place("/auth"), place("/deep/list/1"), place("/deep/list/1")]);
    kept_nowhere(&served, &admin, &id).await;
}
