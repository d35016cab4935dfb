//! Schedules over kills: every time starts once, and a new version ends the schedule of the old one.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::served::{Caller, Served};

fn files(version: &str, schedule: &str) -> Json {
    let metadata = "metadata: { provost: { missed: all } }";
    let document = format!("document: {{ dsl: '1.0.3', namespace: test, name: clock, version: '{version}', {metadata} }}\n");
    json!({
        "workflows/clock.yaml": format!("{document}{schedule}do:\n  - tick: {{ set: '${{ .scheduledAt }}' }}\n"),
        "policies/all.cedar": "permit(principal, action, resource);\n",
    })
}

async fn publish(caller: &Caller, version: &str, schedule: &str) {
    caller.post("/v1/bundles", &json!({ "files": files(version, schedule), "reason": "test" })).await.ok();
}

/// The times for which something was started, each with how it stands.
async fn times(caller: &Caller) -> Vec<String> {
    let listed = caller.get("/v1/orchestrations?limit=100").await;
    let items = listed.json["items"].as_array().unwrap_or_else(|| panic!("{}", listed.text)).clone();
    let mut found = Vec::new();
    for item in items {
        let shown = caller.get(&format!("/v1/orchestrations/{}", item["id"].as_str().unwrap_or_default())).await;
        assert_eq!(shown.json["status"], "completed", "{}", shown.text);
        found.push(shown.text_at("/output"));
    }
    found
}

/// The second of the minute, and the minute of the hour, as one number.
fn seconds(time: &str) -> u32 {
    let digits = |from: usize| time.get(from..from + 2).and_then(|text| text.parse::<u32>().ok()).unwrap_or_else(|| panic!("{time}"));
    digits(14) * 60 + digits(17)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_time_starts_once_over_kills() {
    let mut served = Served::start().await;
    publish(&served.local(), "1.0.0", "schedule: { every: PT1S }\n").await;
    for pause_ms in [1200, 700, 2300] {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        served.kill();
        tokio::time::sleep(Duration::from_millis(pause_ms / 2)).await;
        served.up().await;
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let local = served.local();
    publish(&local, "2.0.0", "").await;
    // Lists follow behind the journals.
    tokio::time::sleep(Duration::from_millis(1000)).await;
    let found = times(&local).await;
    let distinct: BTreeSet<&String> = found.iter().collect();
    assert_eq!(distinct.len(), found.len(), "a time started twice: {found:?}");
    let mut in_order: Vec<u32> = found.iter().map(|time| seconds(time)).collect();
    in_order.sort_unstable();
    assert!(in_order.len() >= 5, "{found:?}");
    // Around the full hour the numbers begin anew; nothing else may leave a gap.
    let gaps = in_order.windows(2).filter(|pair| pair[1] - pair[0] != 1).count();
    assert!(gaps <= usize::from(in_order.last() == Some(&3599)), "a time is missing: {found:?}");
    tokio::time::sleep(Duration::from_millis(2200)).await;
    assert_eq!(times(&local).await.len(), found.len(), "the old version's schedule goes on");
}
