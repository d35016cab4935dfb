//! Calls that a workflow writes out, from the document to a server on loopback: only what is bound is reached, policy and the Guard know
//! the host, an effect goes out under its key, and a secret is kept nowhere.

use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::served::{Caller, Served};

const WORKFLOW: &str = r#"document: { dsl: '1.0.3', namespace: test, name: sell, version: '1.0.0' }
use:
  secrets: [ shop-login ]
  functions:
    getPet:
      call: http
      with: { method: get, endpoint: 'https://pets.example/v2/pets/{id}', output: response }
do:
  - find:
      call: getPet
      with: { id: '${ .pet }' }
      output: { as: '${ .content + { seen: .statusCode, uri: .request.uri } }' }
  - sell:
      call: openapi
      with:
        document: { endpoint: shop }
        operationId: sellPet
        parameters: { petId: '${ .id }', body: { name: '${ .name }' } }
        authentication: { basic: { use: shop-login } }
      metadata: { provost: { effect: { class: E1, keyHeader: Idempotency-Key } } }
      output: { as: '${ . + { uri: $input.uri } }' }
"#;

const SHOP: &str = r#"openapi: 3.1.0
info: { title: Shop, version: 1.0.0 }
servers: [ { url: 'https://shop.example/api' } ]
paths:
  /pets/{petId}/sale:
    put:
      operationId: sellPet
      parameters: [ { name: petId, in: path, required: true } ]
      requestBody: { required: true, content: { application/json: {} } }
      responses: { '200': { description: sold, content: { application/json: {} } } }
"#;

const ELSEWHERE: &str = "document: { dsl: '1.0.3', namespace: test, name: elsewhere, version: '1.0.0' }\n\
    do: [ { go: { call: http, with: { method: get, endpoint: '${ .to }' } } } ]\n";

const CAUGHT: &str = r#"document: { dsl: '1.0.3', namespace: test, name: caught, version: '1.0.0' }
do:
  - ask:
      try: [ { go: { call: http, with: { method: get, endpoint: 'https://pets.example/missing' } } } ]
      catch:
        errors: { with: { type: https://serverlessworkflow.io/spec/1.0.0/errors/communication, status: 404 } }
        do: [ { say: { set: { status: '${ $error.status }', title: '${ $error.title }' } } } ]
"#;

const POLICY: &str = r#"@id("calls-to-this-machine")
permit (principal is Workflow, action == Action::"http.call", resource) when { context.destinationHost == "127.0.0.1" };
"#;

/// A shop: pet 7 can be looked up, and sold to whoever knows the password. It fails the first time.
async fn shop() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream, &keep).await;
        }
    });
    (url, seen)
}

async fn serve(mut stream: TcpStream, keep: &Mutex<Vec<String>>) {
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    let request = loop {
        let n = stream.read(&mut piece).await.unwrap();
        request.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
        if n == 0 || body.len() >= length.unwrap_or(0) {
            break text;
        }
    };
    let sales = keep.lock().unwrap().iter().filter(|seen: &&String| seen.starts_with("PUT")).count();
    keep.lock().unwrap().push(request.clone());
    let (status, body) = match request.split(' ').nth(1).unwrap() {
        "/v2/pets/7" => ("200 OK", json!({ "id": 7, "name": "Rex" })),
        "/api/pets/7/sale" if sales == 0 => ("500 Oops", json!({})),
        "/api/pets/7/sale" => ("200 OK", json!({ "sold": true, "heard": request })),
        _ => ("404 Not Found", json!({})),
    };
    let body = body.to_string();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}

async fn publish(caller: &Caller, bound: &Json) {
    let files = json!({
        "workflows/sell.yaml": WORKFLOW,
        "workflows/elsewhere.yaml": ELSEWHERE,
        "workflows/caught.yaml": CAUGHT,
        "apis/shop.yaml": SHOP,
        "policies/calls.cedar": POLICY,
    });
    let answer = caller.post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = caller.put("/v1/binding", &json!({ "destinations": bound, "reason": "test" })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

fn header<'r>(request: &'r str, name: &str) -> Option<&'r str> {
    request.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_reach_what_is_bound_under_their_keys_and_leave_no_secret() {
    let served = Served::start().await;
    std::fs::create_dir(served.secrets()).unwrap();
    std::fs::write(served.secrets().join("shop-login"), r#"{"username":"maria","password":"canary-pass"}"#).unwrap();
    let admin = served.with(&served.token("acme", "admin", "admin").await);
    let (url, seen) = shop().await;
    publish(&admin, &json!({ "pets.example": url, "shop.example": url })).await;

    let done = admin.start("sell", json!({ "pet": 7 }), &[("prefer", "wait=20")]).await;
    assert_eq!(done.json["status"], "completed", "{}", done.text);
    assert_eq!((&done.json["output"]["sold"], &done.json["output"]["uri"]), (&json!(true), &json!(format!("{url}/v2/pets/7"))));
    let requests = seen.lock().unwrap().clone();
    let lines: Vec<&str> = requests.iter().filter_map(|request| request.lines().next()).collect();
    // What failed without a word on whether it was done went out again, under the same key.
    assert_eq!(lines, ["GET /v2/pets/7 HTTP/1.1", "PUT /api/pets/7/sale HTTP/1.1", "PUT /api/pets/7/sale HTTP/1.1"]);
    let keys: Vec<_> = requests[1..].iter().map(|request| header(request, "idempotency-key")).collect();
    assert!(keys[0].is_some_and(|key| key.starts_with("efk1_")) && keys[0] == keys[1], "{keys:?}");
    assert_eq!(header(&requests[2], "authorization"), Some("Basic bWFyaWE6Y2FuYXJ5LXBhc3M="));
    assert!(requests[2].ends_with(r#"{"name":"Rex"}"#), "{}", requests[2]);
    let id = done.text_at("/id");
    for path in ["", "/journal", "/explanation"] {
        let said = admin.get(&format!("/v1/orchestrations/{id}{path}")).await;
        assert_eq!(said.status, 200, "{}", said.text);
        for secret in ["canary-pass", "bWFyaWE6Y2FuYXJ5LXBhc3M="] {
            assert!(!said.text.contains(secret), "{path}: {}", said.text);
        }
    }
    let explained = admin.get(&format!("/v1/orchestrations/{id}/explanation")).await.text;
    assert!(explained.contains("http.call") && explained.contains("https://shop.example"), "{explained}");
    let verified = admin.post(&format!("/v1/orchestrations/{id}/verification"), &json!({})).await;
    assert_eq!(verified.json["equal"].as_bool(), Some(true), "{}", verified.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_bound_not_allowed_or_stopped_is_not_reached() {
    let served = Served::start().await;
    let admin = served.with(&served.token("acme", "admin", "admin").await);
    let (url, seen) = shop().await;
    let (other, unseen) = shop().await;
    publish(&admin, &json!({ "pets.example": url, "named": "http://localhost:1" })).await;

    let elsewhere = |to: String| {
        let admin = &admin;
        async move { admin.start("elsewhere", json!({ "to": to }), &[("prefer", "wait=10")]).await }
    };
    let there = elsewhere(format!("{url}/v2/pets/7")).await;
    assert_eq!(there.json["output"]["name"], "Rex", "{}", there.text);
    // Not bound: policy sees no host, and this one says yes to one host only. Bound to another host than policy allows: the same.
    for to in [format!("{other}/v2/pets/7"), "http://localhost:1/x".to_owned()] {
        let denied = elsewhere(to).await;
        assert_eq!(denied.json["status"], "faulted", "{}", denied.text);
        assert!(denied.text.contains("policy-denied"), "{}", denied.text);
    }
    let caught = admin.start("caught", json!({}), &[("prefer", "wait=10")]).await;
    assert_eq!(caught.json["output"], json!({ "status": 404, "title": format!("`{url}` answered 404") }), "{}", caught.text);

    let guard = json!({ "guard": { "destinations": ["127.0.0.1"] }, "reason": "test" });
    let set = admin.put("/v1/guard", &guard).await;
    assert_eq!(set.status, 200, "{}", set.text);
    let before = seen.lock().unwrap().len();
    let stopped = elsewhere(format!("{url}/v2/pets/7")).await;
    assert!(stopped.text.contains("guard:destination:127.0.0.1") || stopped.text.contains("policy-denied"), "{}", stopped.text);
    assert_eq!((seen.lock().unwrap().len(), unseen.lock().unwrap().len()), (before, 0));
}
