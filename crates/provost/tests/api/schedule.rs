//! Schedules over kills: every time starts once, and a new version ends the schedule of the old one.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::served::{Caller, Served};

fn files(version: &str, schedule: &str) -> Json {
    let times = schedule.contains("every") || schedule.contains("cron");
    let metadata = if times { "metadata: { provost: { missed: all } }" } else { "" };
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

/// What every orchestration of a workflow came to, once all have ended.
async fn outputs(caller: &Caller, workflow: &str) -> Vec<Json> {
    let listed = caller.until("/v1/orchestrations?limit=100", |json| {
        let all = json["items"].as_array().cloned().unwrap_or_default();
        all.iter().all(|item| item["status"] == "completed")
    });
    let items = listed.await["items"].as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for item in items.iter().filter(|item| item["workflow"].as_str().is_some_and(|name| name.ends_with(workflow))) {
        let id = item["id"].as_str().unwrap_or_default();
        found.push(caller.get(&format!("/v1/orchestrations/{id}")).await.json["output"].clone());
    }
    found
}

async fn publish_files(caller: &Caller, files: &[(&str, &str)]) {
    let mut all = serde_json::Map::new();
    all.insert("policies/all.cedar".to_owned(), "permit(principal, action, resource);\n".into());
    all.extend(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).into())));
    caller.post("/v1/bundles", &json!({ "files": all, "reason": "test" })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_follows_the_end_of_the_one_before_over_kills() {
    let mut served = Served::start().await;
    let head = "document: { dsl: '1.0.3', namespace: test, name: clock, version: '1.0.0' }\nschedule: { after: PT1S }\n";
    let body = "do:\n  - rest: { wait: { milliseconds: 400 } }\n  - say: { set: { due: '${ .scheduledAt }', from: '${ $workflow.startedAt }' } }\n";
    publish_files(&served.local(), &[("workflows/clock.yaml", &format!("{head}{body}"))]).await;
    for pause_ms in [1300, 900, 1700] {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        served.kill();
        tokio::time::sleep(Duration::from_millis(300)).await;
        served.up().await;
    }
    let local = served.local();
    tokio::time::sleep(Duration::from_millis(4000)).await;
    publish(&local, "2.0.0", "").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let found = outputs(&local, "clock").await;
    let mut dues: Vec<String> = found.iter().map(|output| output["due"].as_str().unwrap_or_default().to_owned()).collect();
    dues.sort_unstable();
    let distinct: BTreeSet<&String> = dues.iter().collect();
    assert!(dues.len() >= 4 && distinct.len() == dues.len(), "{found:?}");
    // A second after the end of a run of 0.4 s: no two are due within the same 1.4 s.
    let ms = |text: &String| -> u64 {
        let fraction: u64 = text.get(20..23).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        u64::from(seconds(text)) * 1000 + fraction
    };
    let close = dues.windows(2).filter(|pair| (ms(&pair[1]) + 3_600_000 - ms(&pair[0])) % 3_600_000 < 1390).count();
    assert_eq!(close, 0, "a run began before the one before had ended: {dues:?}");
    let before = found.len();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(outputs(&local, "clock").await.len(), before, "the old version's schedule goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_start_together_once_over_kills() {
    let mut served = Served::start().await;
    let workflow = "document: { dsl: '1.0.3', namespace: test, name: ship, version: '1.0.0' }
schedule:
  on:
    all:
      - { with: { type: test.ordered }, correlate: { order: { from: .data.id } } }
      - { with: { type: test.paid }, correlate: { order: { from: .data.order } } }
do:
  - ship: { set: { order: '${ .[0].id }', cents: '${ .[1].cents }' } }
";
    publish_files(&served.local(), &[("workflows/ship.yaml", workflow)]).await;
    for n in 0..8 {
        served.local().emit(&format!("o-{n}"), "test.ordered", json!({ "id": format!("O-{n}") })).await.ok();
    }
    served.kill();
    served.up().await;
    // In another order, and each twice; one order is never paid.
    for n in (1..8).rev() {
        for _ in 0..2 {
            served.local().emit(&format!("p-{n}"), "test.paid", json!({ "order": format!("O-{n}"), "cents": n })).await.ok();
        }
        if n == 4 {
            served.kill();
            served.up().await;
        }
    }
    let local = served.local();
    local.until("/v1/orchestrations?limit=100", |json| json["items"].as_array().is_some_and(|items| items.len() >= 7)).await;
    let mut shipped: Vec<(String, u64)> = outputs(&local, "ship")
        .await
        .iter()
        .map(|output| (output["order"].as_str().unwrap_or_default().to_owned(), output["cents"].as_u64().unwrap_or_default()))
        .collect();
    shipped.sort();
    let expected: Vec<(String, u64)> = (1..8).map(|n| (format!("O-{n}"), n)).collect();
    assert_eq!(shipped, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_zone_is_gone_by() {
    let served = Served::start().await;
    let local = served.local();
    let zone = |zone: &str| {
        format!(
            "document: {{ dsl: '1.0.3', namespace: test, name: clock, version: '1.0.0', metadata: {{ provost: {{ zone: {zone}, missed: all }} }} }}
schedule: {{ cron: '* * * * * *' }}\ndo: [ {{ say: {{ set: {{ due: '${{ .scheduledAt }}' }} }} }} ]\n"
        )
    };
    let refused = json!({ "files": { "workflows/clock.yaml": zone("Europe/Berlinn"), "policies/all.cedar": "permit(principal, action, resource);\n" }, "reason": "test" });
    let said = local.post("/v1/bundles", &refused).await;
    assert!(said.status >= 400 && said.text.contains("no time zone"), "{}", said.text);
    publish_files(&local, &[("workflows/clock.yaml", &zone("Asia/Kathmandu"))]).await;
    local.until("/v1/orchestrations?limit=100", |json| json["items"].as_array().is_some_and(|items| items.len() >= 2)).await;
    let dues: Vec<Json> = outputs(&local, "clock").await.iter().map(|output| output["due"].clone()).collect();
    let distinct: BTreeSet<String> = dues.iter().map(ToString::to_string).collect();
    assert!(distinct.len() == dues.len() && dues.iter().all(|due| due.as_str().is_some_and(|due| due.ends_with('Z'))), "{dues:?}");
}
