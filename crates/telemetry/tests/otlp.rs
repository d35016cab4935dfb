//! Spans, exported to a collector that really listens.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{BufReader, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use provost_model::id::Slot;
use provost_model::{OrchestrationId, TenantId, Value};
use provost_telemetry::catalogue::field;
use provost_telemetry::{Config, Correlation, Payload, Secret, SpanEnd, Spans, Stage, Telemetry, TraceContext};

const CANARY: &str = "canary-51b2ce";
const TOKEN: &str = "token-of-the-collector";

/// A request as the collector got it.
struct Received {
    head: String,
    body: Vec<u8>,
}

/// Listens on loopback and answers every request with `status`.
fn collector(status: &'static str) -> (String, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            while let Some(received) = read_request(&mut stream) {
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
                if send.send(received).is_err() {
                    return;
                }
            }
        }
    });
    (endpoint, receive)
}

fn read_request(stream: &mut impl std::io::BufRead) -> Option<Received> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.by_ref().read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Some(Received { head, body })
}

fn config(endpoint: String) -> Config {
    Config {
        service_name: "provost-under-test".to_owned(),
        otlp_endpoint: Some(endpoint),
        otlp_headers: [("authorization".to_owned(), Secret::new(TOKEN.to_owned()))].into(),
        ..Config::default()
    }
}

fn orchestration() -> OrchestrationId {
    OrchestrationId::mint(1_700_000_000_000_000, Slot(77), &[b"one"])
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

/// Tells of one span per stage, each the child of the first.
fn tell(spans: &Spans, root: &TraceContext) {
    let id = orchestration();
    let correlation = Correlation::of(&TenantId::parse("acme").unwrap()).orchestration(id);
    let payload = Value::object([("card", Value::from(CANARY))]);
    let secret = Secret::new(CANARY.to_owned());
    for (sequence, stage) in (1..).zip(Stage::ALL) {
        let context = root.child(&id, sequence, stage, 1);
        spans.end(&context, || SpanEnd {
            parent: Some(root.span),
            failed: (stage == Stage::Dispatch).then_some("TARGET_TIMEOUT"),
            ..SpanEnd::new(stage, &correlation, 1_700_000_000_000_000, 1_700_000_000_000_900)
                .with(field::PAYLOAD, &Payload(&payload))
                .with(field::WORKER, &secret)
                .with(field::GEN_AI_INPUT_TOKENS, &1234_u64)
        });
    }
}

#[test]
fn a_collector_gets_every_stage_and_no_canary() {
    let (endpoint, received) = collector("200 OK");
    let telemetry = Telemetry::start(&config(endpoint)).unwrap();
    let root = telemetry.spans.accept(None, &orchestration());
    tell(&telemetry.spans, &root);
    assert!(telemetry.flush());
    let Received { head, body } = received.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    assert!(head.contains(&format!("authorization: {TOKEN}")), "{head}");
    for stage in Stage::ALL {
        assert!(contains(&body, stage.name().as_bytes()), "{}", stage.name());
    }
    let id = orchestration().to_string();
    for text in ["provost-under-test", "tenant_id", "acme", "orchestration_id", &id, "gen_ai.usage.input_tokens", "TARGET_TIMEOUT", "***"] {
        assert!(contains(&body, text.as_bytes()), "{text}");
    }
    let child = root.child(&orchestration(), 2, Stage::Orchestrate, 1);
    for bytes in [&root.trace.to_bytes()[..], &root.span.to_bytes(), &child.span.to_bytes()] {
        assert!(contains(&body, bytes));
    }
    assert!(!contains(&body, CANARY.as_bytes()));
}

#[test]
fn dropping_telemetry_exports_what_waits() {
    let (endpoint, received) = collector("200 OK");
    let telemetry = Telemetry::start(&config(endpoint)).unwrap();
    let root = telemetry.spans.accept(None, &orchestration());
    tell(&telemetry.spans, &root);
    drop(telemetry);
    assert!(contains(&received.try_recv().unwrap().body, b"agent_run"));
}

#[test]
fn a_collector_that_refuses_or_is_missing_costs_spans_and_nothing_else() {
    let (endpoint, received) = collector("503 Service Unavailable");
    let refused = Telemetry::start(&config(endpoint)).unwrap();
    tell(&refused.spans, &refused.spans.accept(None, &orchestration()));
    assert!(!refused.flush());
    assert!(received.try_recv().is_ok());

    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let missing = Telemetry::start(&config(format!("http://{gone}"))).unwrap();
    tell(&missing.spans, &missing.spans.accept(None, &orchestration()));
    let start = Instant::now();
    drop(missing);
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[test]
fn sampling_follows_the_caller_first_and_then_the_trace_id() {
    let (endpoint, received) = collector("200 OK");
    let telemetry = Telemetry::start(&Config { sample_per_million: 250_000, ..config(endpoint) }).unwrap();
    let sampled = |n: u32| {
        let id = OrchestrationId::mint(1_700_000_000_000_000, Slot(0), &[&n.to_be_bytes()]);
        let context = telemetry.spans.accept(None, &id);
        assert_eq!(context, telemetry.spans.accept(Some("not a traceparent"), &id));
        context.sampled
    };
    let share = (0..4_000).filter(|n| sampled(*n)).count();
    assert!((800..1_200).contains(&share), "{share} of 4000 at a quarter");
    let theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let context = telemetry.spans.accept(Some(theirs), &orchestration());
    assert_eq!(context.to_string(), theirs);
    telemetry.spans.end(&context, || unreachable!("a span that is not sampled is not built"));
    assert!(telemetry.flush());
    assert!(received.try_recv().is_err());
}

#[test]
fn without_an_exporter_a_span_is_not_built() {
    let telemetry = Telemetry::start(&Config::default()).unwrap();
    let context = TraceContext::root(&orchestration(), true);
    assert!(!telemetry.spans.wants(&context));
    assert!(!telemetry.spans.accept(None, &orchestration()).sampled);
    telemetry.spans.end(&context, || unreachable!("nobody would see it"));
    assert!(telemetry.flush());
}

#[test]
fn an_endpoint_that_is_none_is_refused_with_advice() {
    for endpoint in ["collector:4317", "http://", "file:///tmp/x", ""] {
        let error = Telemetry::start(&config(endpoint.to_owned())).err().unwrap();
        assert_eq!(error.code(), "TELEMETRY_ENDPOINT", "{endpoint}");
        assert!(error.to_string().contains(&format!("`{endpoint}`")), "{error}");
    }
}
