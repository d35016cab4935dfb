//! `/metrics` says what happened, and says it again after a restart where it is a state and not a count.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::served::{Caller, Served};

pub async fn scraped(caller: &Caller) -> BTreeMap<String, f64> {
    let text = caller.get("/metrics").await.text;
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

fn sum(scraped: &BTreeMap<String, f64>, name: &str) -> f64 {
    scraped.iter().filter(|(key, _)| key.split('{').next() == Some(name)).map(|(_, value)| value).sum()
}

/// Sends an event of the local user's whose body is `pause` behind its head.
fn slowly_sent(served: &Served, pause: Duration) -> String {
    let event = json!({ "specversion": "1.0", "id": "slow", "source": "/test", "type": "test.double.v1", "data": { "n": 1 } }).to_string();
    let mut stream = TcpStream::connect(served.url().trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: application/cloudevents+json\r\ncontent-length: {}\r\n\r\n",
        event.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(pause);
    stream.write_all(event.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_an_arrival_is_what_its_caller_feels() {
    let served = Served::start().await;
    let local = served.local();
    local.publish().await;
    let pause = Duration::from_millis(700);
    let answer = slowly_sent(&served, pause);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let seen = scraped(&local).await;
    let of = |what: &str| seen.get(&format!("provost_ingest_duration_seconds_{what}")).copied().unwrap_or_default();
    assert_eq!(of("count"), 1.0);
    assert!((pause.as_secs_f64()..60.0).contains(&of("sum")), "{} s", of("sum"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_told_is_in_the_gauges_already() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let mut open = Vec::new();
    let stands = async |n: usize| {
        let seen = scraped(&acme).await;
        let found = ["provost_orchestrations_open", "provost_reviews_open"].map(|gauge| sum(&seen, gauge));
        assert_eq!(found, [n as f64; 2], "open orchestrations and reviews");
    };
    for n in 1..=12 {
        open.push(acme.start("ask", json!({}), &[]).await.text_at("/id"));
        stands(n).await;
    }
    while let Some(id) = open.pop() {
        let path = format!("/v1/orchestrations/{id}/cancellation");
        assert_eq!(acme.post(&path, &json!({ "reason": "not wanted" })).await.text_at("/status"), "cancelled");
        stands(open.len()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn known_work_gives_known_figures() {
    let mut served = Served::start().await;
    let acme = served.tenant("acme").await;
    for n in 0..5 {
        acme.start("double", json!({ "n": n }), &[("prefer", "wait=10")]).await.ok();
    }
    acme.start("ask", json!({}), &[]).await.ok();
    acme.emit("e-1", "test.double.v1", json!({ "n": 1 })).await.ok();
    acme.emit("e-1", "test.double.v1", json!({ "n": 1 })).await.ok();
    acme.emit("e-2", "test.double.v1", json!({ "n": "no" })).await;
    acme.start("doubt", json!({}), &[]).await.ok();
    let asked = json!({ "worker": "w", "queues": ["stamps"], "capacity": 1, "wait_ms": 2000 });
    let lease = acme.post("/v1/workers/exchange", &asked).await.json["work"][0]["lease"].clone();
    let unknown = json!({ "unknown": { "problem": { "type": "about:blank", "title": "no answer", "status": 504 } } });
    let report = json!([{ "lease": lease, "result": unknown, "took_ms": 1 }]);
    for _ in 0..2 {
        let asked = json!({ "worker": "w", "queues": ["stamps"], "capacity": 0, "wait_ms": 0, "reports": report });
        assert_eq!(acme.post("/v1/workers/exchange", &asked).await.status, 200);
    }
    acme.until("/v1/effects", |effects| effects["items"].as_array().is_some_and(|all| all.len() == 1)).await;

    let standing =
        [("provost_in_doubt", 1.0), ("provost_reviews_open", 1.0), ("provost_orchestrations_open", 2.0), ("provost_parked", 0.0)];
    let counted = [
        ("provost_orchestrations_started_total", 8.0),
        ("provost_orchestrations_ended_total{ending=\"completed\"}", 6.0),
        ("provost_events_total{outcome=\"accepted\"}", 1.0),
        ("provost_events_total{outcome=\"duplicate\"}", 1.0),
        ("provost_events_total{outcome=\"rejected\"}", 1.0),
        ("provost_effects_total{class=\"e4\",state=\"in_doubt\"}", 1.0),
        ("provost_orchestration_duration_seconds_count{ending=\"completed\"}", 6.0),
        ("provost_effect_duration_seconds_count{kind=\"action\"}", 1.0),
        ("provost_ingest_duration_seconds_count", 10.0),
        ("provost_zombie_reports_refused_total", 1.0),
    ];
    tokio::time::sleep(Duration::from_millis(200)).await;
    let first = scraped(&acme).await;
    for (name, value) in counted {
        assert_eq!(first.get(name), Some(&value), "{name} in {first:#?}");
    }
    for (name, value) in standing {
        assert_eq!(sum(&first, name), value, "{name} in {first:#?}");
    }
    for name in ["provost_transition_duration_seconds_count", "provost_commit_duration_seconds_count", "provost_policy_verdicts_total"] {
        assert!(sum(&first, name) > 0.0, "{name} moves");
    }
    let documented = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/telemetry.md")).unwrap();
    let rows = documented.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    for name in rows.filter(|name| name.starts_with("provost_")) {
        assert!(first.keys().any(|key| key.starts_with(name)), "{name} is documented and not served");
    }

    served.kill();
    served.up().await;
    let acme = served.with(&served.token("acme", "again", "admin").await);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let again = scraped(&acme).await;
    for (name, value) in standing {
        assert_eq!(sum(&again, name), value, "{name} after a restart");
    }
}
