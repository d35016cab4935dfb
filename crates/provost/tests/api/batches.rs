//! A batch over HTTP: every id that an answer gave for it leads to one orchestration, whatever is asked of it, also after a restart.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::served::{Caller, Served};

const GATHERS: &str = "document:
  dsl: '1.0.3'
  namespace: test
  name: gathers
  version: '1.0.0'
  metadata: { provost: { batch: { size: 4, wait: PT60S, key: .customer } } }
schedule: { on: { one: { with: { type: test.metered } } } }
do:
  - ask: { call: review, with: { queue: board, title: 'Is it so?', options: [ yes, no ], show: '${ . }' } }
";

/// What is asked of an orchestration, and what it is asked with.
const ASKED: [(&str, &str); 6] =
    [("GET", ""), ("GET", "/explanation"), ("GET", "/journal"), ("GET", "/events"), ("POST", "/verification"), ("GET", "?at=1")];

async fn asked(who: &Caller, id: &str, (method, route): (&str, &str)) -> (u16, Json) {
    let path = format!("/v1/orchestrations/{id}{route}");
    let answer = if method == "GET" { who.get(&path).await } else { who.post(&path, &json!({})).await };
    (answer.status, answer.json)
}

/// Sends an event of one customer; the id that its answer gives.
async fn gathered(who: &Caller, n: u32) -> String {
    let answer = who.emit(&format!("m-{n}"), "test.metered", json!({ "customer": "ada", "n": n })).await;
    answer.ok().text_at("/batches/0/id")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_id_that_was_answered_for_a_batch_leads_to_it() {
    let mut served = Served::start().await;
    let files = json!({ "workflows/gathers.yaml": GATHERS, "policies/all.cedar": "permit(principal, action, resource);\n" });
    served.local().post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await.ok();
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(gathered(&served.local(), n).await);
    }
    let local = served.local();
    for id in &ids {
        local.until(&format!("/v1/orchestrations/{id}"), |shown| shown["code"] == "gathering").await;
        for ask in ASKED {
            let (status, answer) = asked(&local, id, ask).await;
            assert_eq!((status, answer["code"].as_str()), (404, Some("gathering")), "{id} {ask:?}: {answer}");
        }
        local.get(&format!("/v1/orchestrations/{id}/stream")).await.refused(404, "gathering");
        let cancelled = local.post(&format!("/v1/orchestrations/{id}/cancellation"), &json!({ "reason": "x" })).await;
        cancelled.refused(404, "gathering");
    }
    ids.push(gathered(&local, 3).await);
    let waiting = local.until(&format!("/v1/orchestrations/{}", ids[3]), |shown| shown["status"] == "waiting").await;
    let own = waiting["id"].as_str().unwrap().to_owned();
    assert!(ids.contains(&own) && ids.iter().any(|id| *id != own), "{own} {ids:?}");
    for restarted in [false, true] {
        if restarted {
            served.kill();
            served.up().await;
        }
        let local = served.local();
        let journal = asked(&local, &own, ("GET", "/journal")).await.1;
        assert_eq!(journal["rows"].as_array().unwrap().len(), 1, "{journal}");
        for ask in ASKED {
            let (status, of_its_own) = asked(&local, &own, ask).await;
            assert_eq!(status, 200, "{ask:?}: {of_its_own}");
            for id in &ids {
                assert_eq!(asked(&local, id, ask).await, (200, of_its_own.clone()), "{id} {ask:?}");
            }
        }
    }
    ends_for_all(&served.local(), &own, &ids).await;
}

/// Who waits for its end or follows it under any id hears of it, and any id cancels it.
async fn ends_for_all(local: &Caller, own: &str, ids: &[String]) {
    let other = ids.iter().find(|id| *id != own).unwrap().clone();
    let began = Instant::now();
    let path = format!("/v1/orchestrations/{other}");
    let (waits, follows) = (local.clone(), local.clone());
    let (waited, followed) = (format!("{path}?wait_ms=30000"), format!("{path}/stream"));
    let waited = tokio::spawn(async move { waits.get(&waited).await.json });
    let followed = tokio::spawn(async move { follows.get(&followed).await.text });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let cancelled = local.post(&format!("{path}/cancellation"), &json!({ "reason": "not wanted" })).await;
    assert_eq!((cancelled.ok().text_at("/id"), cancelled.text_at("/status")), (own.to_owned(), "cancelled".to_owned()));
    assert_eq!(waited.await.unwrap()["status"], "cancelled");
    assert!(followed.await.unwrap().contains("not wanted"));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}
