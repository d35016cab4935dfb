//! Spans of the whole server, at a collector that really listens: which arrive, whose they are, what they belong to, and what never
//! leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use provost_model::OrchestrationId;
use serde_json::{Value as Json, json};

use crate::secrets::echo;
use crate::served::{Caller, Served};

const PAYLOAD: &str = "canary-6d20-payload";
const SECRET: &str = "canary-6d20-secret";
const ANSWER: &str = "canary-6d20-answer";
const REASON: &str = "canary-6d20-reason";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

const WORKFLOW: &str = r#"document: { dsl: '1.0.3', namespace: test, name: weigh, version: '1.0.0' }
use: { secrets: [ bank-token ] }
schedule: { on: { one: { with: { type: test.weigh.v1 } } } }
input: { from: '${ if type == "array" then .[0] else . end }' }
do:
  - keep: { set: { note: '${ .note }' }, export: { as: '${ { note: $input.note } }' } }
  - ask: { call: agent, with: { agent: weigher, input: '${ { note: $context.note } }' } }
  - judge: { call: decide, with: { opinions: '${ { weigher: . } }', rule: first-valid } }
  - look: { call: review, with: { queue: board, title: 'Is it so?', options: [ yes, no ], show: '${ $context }' } }
  - pay: { call: act, with: { action: pay, arguments: { auth: '${ "Bearer \($secrets."bank-token")" }', note: '${ $context.note }' } } }
"#;

/// Listens on loopback and keeps the bodies of what it is sent.
fn collector() -> (String, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let send = send.clone();
            std::thread::spawn(move || {
                while let Some(body) = read_request(&mut stream) {
                    let _the_test_is_over = send.send(body);
                    let answered = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                    if answered.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (endpoint, receive)
}

fn read_request(stream: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Some(body)
}

/// The length-delimited fields of a protobuf message; all that is asked for here is text, bytes and messages.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let length = match key & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)).unwrap(),
            5 => 4,
            kind => panic!("no wire type {kind}"),
        };
        let (field, rest) = message.split_at(length);
        found.push((key >> 3, field));
        message = rest;
    }
    found
}

fn varint(message: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first().unwrap();
        *message = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            break;
        }
    }
    number
}

fn of(message: &[u8], field: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).into_iter().filter(move |(number, _)| *number == field).map(|(_, bytes)| bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A span as it arrived: `opentelemetry.proto.trace.v1.Span`.
#[derive(Debug)]
struct Arrived {
    trace: String,
    id: String,
    parent: String,
    name: String,
    /// The attributes that are text.
    attributes: BTreeMap<String, String>,
}

impl Arrived {
    fn read(span: &[u8]) -> Self {
        let one = |field| of(span, field).next().unwrap_or_default();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let pair = |attribute: &[u8]| {
            let value = of(attribute, 2).next()?;
            Some((text(of(attribute, 1).next()?), text(of(value, 1).next()?)))
        };
        let attributes = of(span, 9).filter_map(pair).collect();
        Self { trace: hex(one(1)), id: hex(one(2)), parent: hex(one(4)), name: text(one(5)), attributes }
    }

    fn key(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// The spans of `ExportTraceServiceRequest`s.
fn spans(bodies: &[Vec<u8>]) -> Vec<Arrived> {
    let resources = bodies.iter().flat_map(|body| of(body, 1));
    let scopes = resources.flat_map(|resource| of(resource, 2).collect::<Vec<_>>());
    scopes.flat_map(|scope| of(scope, 2).map(Arrived::read).collect::<Vec<_>>()).collect()
}

async fn publish(caller: &Caller, target: &str) {
    let http =
        "version: 1.0.0\nclass: E1\nqueue: builtin\nhttp: { method: POST, destination: bank, path: /pay, keyHeader: Idempotency-Key }\n";
    let agent = format!(
        "---\nversion: 1.0.0\nmodel: scripted\nexamples:\n  - answer: {{ choice: approve, confidencePct: 90, reason: {ANSWER} }}\n---\nWeigh it.\n"
    );
    let contract =
        r#"{ "$schema": "https://json-schema.org/draft/2020-12/schema", "x-provost": { "type": "test.weigh.v1" }, "type": "object" }"#;
    let files = json!({
        "workflows/weigh.yaml": WORKFLOW,
        "agents/weigher.md": agent,
        "actions/pay.yaml": http,
        "contracts/weigh.json": contract,
        "policies/all.cedar": "permit(principal, action, resource);\n",
    });
    caller.post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await.ok();
    caller.put("/v1/binding", &json!({ "destinations": { "bank": target }, "reason": "test" })).await.ok();
}

/// Sends an event, answers the review that it leads to, waits for the end: the event's id and the orchestration's.
async fn driven(caller: &Caller, id: &str, traceparent: Option<&str>) -> (String, String) {
    let mut event = json!({
        "specversion": "1.0", "id": id, "source": "/test", "type": "test.weigh.v1", "subject": PAYLOAD, "data": { "note": PAYLOAD },
    });
    if let Some(traceparent) = traceparent {
        event["traceparent"] = json!(traceparent);
    }
    let taken = caller.emit_bytes(event.to_string()).await;
    let (event, orchestration) = (taken.ok().text_at("/event"), taken.text_at("/orchestrations/0"));
    let reviews = caller.until("/v1/reviews", |reviews| reviews["items"].as_array().is_some_and(|all| !all.is_empty())).await;
    let answer = json!({ "orchestration": orchestration, "option": "approve", "reason": REASON });
    caller.post(&format!("/v1/reviews/{}", reviews["items"][0]["id"].as_str().unwrap()), &answer).await.ok();
    let path = format!("/v1/orchestrations/{orchestration}");
    let ended = caller.until(&path, |shown| shown["status"] != "running" && shown["status"] != "waiting").await;
    assert_eq!(ended["status"], "completed", "{ended}");
    (event, orchestration)
}

/// All spans of DESIGN §3 that this server has, each with the correlation keys that exist where it ends.
fn all_stages_with_their_keys(spans: &[&Arrived], event: &str, orchestration: &str) {
    let names: BTreeSet<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["agent_run", "decide", "dispatch", "ingest", "orchestrate", "policy", "review"]));
    for span in spans {
        let keys = ["tenant_id", "event_id", "orchestration_id"].map(|key| span.key(key));
        assert_eq!(keys, [Some("acme"), Some(event), Some(orchestration)], "{span:?}");
        let attempt = matches!(span.name.as_str(), "agent_run" | "dispatch");
        let run = span.key("run_id").map(|run| run.starts_with("run_"));
        assert_eq!(run, attempt.then_some(true), "{span:?}");
    }
}

/// Every span hangs on another of its trace, or on `parent`.
fn one_tree(spans: &[&Arrived], parent: &str) {
    let ids: BTreeSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
    assert_eq!(ids.len(), spans.len(), "two spans have one id");
    for span in spans {
        assert!(span.parent == parent || ids.contains(span.parent.as_str()), "{span:?} hangs on nothing");
    }
    assert!(spans.iter().any(|span| span.parent == parent && span.name == "orchestrate"), "nothing begins at {parent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spans_of_an_event_arrive_in_its_callers_trace_and_nothing_of_its_content() {
    let (endpoint, received) = collector();
    let mut served = Served::start_traced(&endpoint).await;
    std::fs::create_dir(served.secrets()).unwrap();
    std::fs::write(served.secrets().join("bank-token"), SECRET).unwrap();
    let token = served.token("acme", "admin", "admin").await;
    let admin = served.with(&token);
    let (target, seen) = echo();
    publish(&admin, &target).await;
    let (event, orchestration) = driven(&admin, "e-1", Some(&format!("00-{TRACE}-{PARENT}-01"))).await;
    let (own_event, own) = driven(&admin, "e-2", None).await;
    let unsampled = driven(&admin, "e-3", Some(&format!("00-{}-{PARENT}-00", TRACE.replace('4', "5")))).await.1;
    assert!(served.stop().success());

    let sent: Vec<Json> = seen.lock().unwrap().iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    assert_eq!(sent[0], json!({ "auth": format!("Bearer {SECRET}"), "note": PAYLOAD }), "the canaries were on their way");
    let bodies: Vec<Vec<u8>> = received.try_iter().collect();
    for canary in [PAYLOAD, SECRET, ANSWER, REASON, &token] {
        let found = bodies.iter().any(|body| body.windows(canary.len()).any(|bytes| bytes == canary.as_bytes()));
        assert!(!found, "{canary} reached the collector");
    }

    let spans = spans(&bodies);
    let of_trace = |trace: &str| spans.iter().filter(|span| span.trace == trace).collect::<Vec<_>>();
    let continued = of_trace(TRACE);
    all_stages_with_their_keys(&continued, &event, &orchestration);
    one_tree(&continued, PARENT);
    let own_id: OrchestrationId = own.parse().unwrap();
    let begun_here = of_trace(&hex(&own_id.bits().to_bytes()));
    all_stages_with_their_keys(&begun_here, &own_event, &own);
    assert_eq!(continued.len() + begun_here.len(), spans.len(), "spans of {unsampled}, whose caller does not want them, or of nobody");
}
