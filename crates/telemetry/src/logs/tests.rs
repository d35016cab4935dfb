//! Log lines: the four keys stand on each, and canaries never come through.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::logs::{JsonLines, filter};
use crate::{Config, Correlation, LogLevel, Name, Payload, Secret};
use provost_model::id::Slot;
use provost_model::{EventId, OrchestrationId, Problem, TenantId, Value};
use serde_json::Value as Json;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

const CANARY: &str = "canary-7f3a91";

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What `work` logs under `config`, as text and as parsed lines.
fn logged(config: &Config, work: impl FnOnce()) -> (String, Vec<Json>) {
    let sink = Sink::default();
    let writer = {
        let sink = sink.clone();
        move || sink.clone()
    };
    let lines = JsonLines::new(writer, config.foreign_messages).with_filter(filter(config));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), work);
    let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    let parsed = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (text, parsed)
}

fn correlation() -> Correlation {
    let orchestration = OrchestrationId::mint(1_700_000_000_000_000, Slot(9), &[b"one"]);
    let event = EventId::mint(1_700_000_000_000_000, Slot(9), &[b"event"]);
    Correlation::of(&TenantId::parse("acme").unwrap()).event(event).orchestration(orchestration).run(orchestration.effect("screen", "run"))
}

#[test]
fn a_line_has_the_four_keys_and_its_fields() {
    let correlation = correlation();
    let (_, lines) = logged(&Config::default(), || {
        log!(
            INFO,
            correlation,
            "an attempt ended",
            ATTEMPT = 3_u32,
            WORKFLOW = Name("refund-triage"),
            ANSWER = provost_model::Answer::Review
        );
        log!(INFO, Correlation::none(), "ready");
    });
    let line = &lines[0];
    assert_eq!(line["message"], "an attempt ended");
    assert_eq!(line["level"], "info");
    assert_eq!(line["attempt"], 3);
    assert_eq!(line["workflow"], "refund-triage");
    assert_eq!(line["answer"], "review");
    assert_eq!(line["tenant_id"], "acme");
    assert_eq!(line["event_id"], correlation.event.unwrap().to_string());
    assert_eq!(line["orchestration_id"], correlation.orchestration.unwrap().to_string());
    assert_eq!(line["run_id"], correlation.run.unwrap().as_run());
    assert!(line["ts"].as_str().unwrap().ends_with('Z'));
    for key in ["tenant_id", "event_id", "orchestration_id", "run_id"] {
        assert!(lines[1].as_object().unwrap().contains_key(key), "{key}");
        assert!(lines[1][key].is_null(), "{key}");
    }
}

#[test]
fn a_scope_lends_its_keys_and_a_line_keeps_its_own() {
    let outer = correlation();
    let (_, lines) = logged(&Config::default(), || {
        let _inside = outer.scope().entered();
        tracing::info!(target: "provost_runtime", "inside");
        log!(INFO, Correlation::of(&TenantId::parse("umbra").unwrap()), "of another tenant");
    });
    assert_eq!(lines[0]["tenant_id"], "acme");
    assert_eq!(lines[0]["run_id"], outer.run.unwrap().as_run());
    assert_eq!(lines[1]["tenant_id"], "umbra");
}

#[test]
fn payloads_and_secrets_stay_out() {
    let secret = Secret::new(CANARY.to_owned());
    let payload = Value::object([("card", Value::from(CANARY))]);
    let (text, lines) = logged(&Config { log_level: LogLevel::Trace, ..Config::default() }, || {
        log!(INFO, correlation(), "seen", PAYLOAD = Payload(&payload), CODE = secret);
        tracing::info!(target: "provost_worker", payload = ?Payload(&payload), "debug form");
        tracing::info!(target: "provost_worker", secret = %secret, "{secret} {secret:?} {}", Payload(&payload));
        tracing::info!(target: "provost_worker", body = CANARY, "a field that is not in the catalogue");
        tracing::warn!(target: "hyper::client", body = CANARY, "foreign text: {CANARY}");
    });
    assert!(!text.contains(CANARY), "{text}");
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[0]["payload"], format!("object of {} bytes", payload.to_string().len()));
    assert_eq!(lines[0]["code"], "***");
    assert_eq!(lines[3]["body"], "***");
    assert!(lines[4]["message"].as_str().unwrap().starts_with("said at "), "{text}");
    assert_eq!(format!("{secret} {secret:?}"), "*** ***");
}

#[test]
fn levels_come_from_the_settings() {
    let say = || {
        tracing::debug!(target: "provost_store", "store");
        tracing::debug!(target: "provost_runtime", "runtime");
        tracing::info!(target: "hyper", "foreign");
    };
    let quiet = logged(&Config::default(), say).1;
    assert_eq!(quiet.len(), 0);
    let levels = [("provost_store".to_owned(), LogLevel::Debug)].into();
    let one = logged(&Config { log_levels: levels, ..Config::default() }, say).1;
    assert_eq!(one.len(), 1);
    assert_eq!(one[0]["target"], "provost_store");
    let loud = logged(&Config { log_level: LogLevel::Trace, ..Config::default() }, say).1;
    assert_eq!(loud.len(), 2, "ours, and nothing foreign below a warning");
}

#[test]
fn hostile_text_stays_one_line_and_within_its_limit() {
    let name = format!("a\"\n\u{2028}{}", "é".repeat(4_000));
    let (text, lines) = logged(&Config::default(), || log!(WARN, Correlation::none(), "named", WHO = Name(&name)));
    assert_eq!(lines.len(), 1);
    assert_eq!(text.matches('\n').count(), 1);
    assert!(lines[0]["who"].as_str().unwrap().len() <= crate::shown::TEXT_BYTES_MAX);
    assert!(name.starts_with(lines[0]["who"].as_str().unwrap()));
}

#[test]
fn an_error_carries_the_keys_too() {
    let correlation = correlation();
    let mut problem = Problem::ours("CASE", 409, "it is taken");
    problem.extra = Value::object([("kept", Value::Int(1))]);
    let stamped = correlation.stamp(problem);
    assert_eq!(stamped.extra.member("kept"), Some(&Value::Int(1)));
    assert_eq!(stamped.extra.member("tenant_id").and_then(Value::as_str), Some("acme"));
    assert_eq!(stamped.extra.as_object().unwrap().len(), 5);
    assert!(correlation.to_string().starts_with("tenant_id=acme event_id=evt_"));
}

#[test]
fn settings_are_read_strictly_and_shown_without_secrets() {
    let text = format!(r#"{{"log_level": "debug", "otlp_headers": {{"authorization": "{CANARY}"}}}}"#);
    let config: Config = serde_json::from_str(&text).unwrap();
    assert_eq!(config.log_level, LogLevel::Debug);
    assert_eq!(config.otlp_headers["authorization"].expose(), CANARY);
    assert!(!format!("{config:?}").contains(CANARY));
    assert!(serde_json::from_str::<Config>(r#"{"log_lvl": "debug"}"#).is_err());
}
