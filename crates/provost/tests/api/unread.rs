//! Events that one workflow cannot read: whoever else can takes them, and who cannot is named.

use serde_json::{Value as Json, json};

use crate::served::{Caller, Served, run};

const KEYS: [(&str, &str); 3] = [
    ("gathers", "batch: { size: 2, wait: PT1M, key: .customer }"),
    ("orders", "order: '.[0].customer'"),
    ("shares", "concurrency: { key: '.[0].customer', limit: 1 }"),
];

fn workflow(name: &str, metadata: &str, kind: &str) -> String {
    format!(
        "document: {{ dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0', metadata: {{ provost: {{ {metadata} }} }} }}\n\
         schedule: {{ on: {{ one: {{ with: {{ type: {kind} }} }} }} }}\ndo: [ {{ keep: {{ set: {{ done: true }} }} }} ]\n"
    )
}

async fn publish(caller: &Caller, workflows: &[(&str, String)]) {
    let mut files: serde_json::Map<String, Json> =
        workflows.iter().map(|(name, text)| (format!("workflows/{name}.yaml"), json!(text))).collect();
    files.insert("policies/all.cedar".to_owned(), json!("permit(principal, action, resource);\n"));
    caller.post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await.ok();
}

fn event(id: &str, kind: &str, customer: &Json) -> Json {
    json!({ "specversion": "1.0", "id": id, "source": "/tests", "type": kind, "data": { "customer": customer } })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_another_workflow_can_take_is_taken_and_who_cannot_read_it_is_named() {
    let served = Served::start().await;
    let local = served.local();
    for (name, key) in KEYS {
        publish(&local, &[(name, workflow(name, key, "test.sold"))]).await;
    }
    publish(&local, &[("plain", workflow("plain", "", "test.sold")), ("alone", workflow("alone", KEYS[0].1, "test.alone"))]).await;
    let one = [("content-type", "application/cloudevents+json")];
    let send = async |event: Json| local.send(reqwest::Method::POST, "/v1/events", &one, event.to_string().into_bytes()).await;
    let taken = send(event("1", "test.sold", &json!({ "no": "text" }))).await;
    assert_eq!((taken.status, taken.text_at("/status")), (202, "accepted".to_owned()), "{}", taken.text);
    assert_eq!(taken.json["orchestrations"].as_array().map(Vec::len), Some(1), "{}", taken.text);
    let named = |answer: &Json| {
        let unread = answer["unread"].as_array().cloned().unwrap_or_default();
        unread.iter().map(|one| format!("{} {}", one["workflow"].as_str().unwrap(), one["code"].as_str().unwrap())).collect::<Vec<_>>()
    };
    let wanted = ["gathers event-key", "orders event-order", "shares event-key"];
    assert_eq!(named(&taken.json), wanted, "{}", taken.text);
    assert!(taken.text_at("/unread/0/reason").contains("its key for `gathers`"), "{}", taken.text);
    let again = send(event("1", "test.sold", &json!({ "no": "text" }))).await;
    assert_eq!((again.text_at("/status"), named(&again.json)), ("duplicate".to_owned(), named(&taken.json)));
    let feed = local.get("/v1/events?status=accepted").await;
    assert_eq!(named(&feed.json["items"][0]), wanted, "{}", feed.text);
    let read = send(event("2", "test.sold", &json!("ada"))).await;
    assert_eq!((read.status, named(&read.json).len()), (202, 0), "{}", read.text);
    // Nobody else takes it: nothing is started, and the sender is told.
    let alone = send(event("3", "test.alone", &json!({ "no": "text" }))).await;
    assert_eq!((alone.status, alone.text_at("/problem/code")), (422, "event-key".to_owned()), "{}", alone.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn emit_says_in_words_why_an_event_is_refused() {
    let served = Served::start().await;
    served.local().publish().await;
    let event = |id: &str, kind: &str, n: &str| {
        format!(r#"{{ "specversion": "1.0", "id": "{id}", "source": "/test", "type": "{kind}", "data": {{ "n": {n} }} }}"#)
    };
    let emitted = |text: &str| run(&["emit", text], &served.data());
    assert_eq!(emitted(&event("e-1", "test.double.v1", "1")).0, 0);
    for (sent, code) in [
        (event("e-1", "test.double.v1", "2"), "event-conflict"),
        (event("e-2", "test.nobody.v1", "2"), "event-unknown"),
        (event("e-3", "test.double.v1", "\"two\""), "event-contract"),
    ] {
        let (exit, out, said) = emitted(&sent);
        assert!(exit == 2 && said.contains(&format!("[{code}]")) && !said.contains('{') && out.is_empty(), "{code}: {out} {said}");
    }
    let batch = format!("[{}, {}]", event("e-4", "test.double.v1", "4"), event("e-5", "test.nobody.v1", "4"));
    let (exit, out, said) = emitted(&batch);
    assert!(exit == 1 && out.contains("accepted") && out.contains("event-unknown"), "{out} {said}");
    assert_eq!(emitted(&format!("[{}]", event("e-6", "test.double.v1", "4"))).0, 0);
}
