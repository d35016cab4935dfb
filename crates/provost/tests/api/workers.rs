//! External workers over a real server: work goes to one of them, survives the server, and goes home when it drains.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio::sync::Barrier;

use crate::served::{Answer, Caller, Served};

async fn exchange(caller: &Caller, worker: &str, queue: &str, capacity: u32, wait_ms: u64, reports: Json) -> Answer {
    let asked = json!({ "worker": worker, "queues": [queue], "capacity": capacity, "wait_ms": wait_ms, "reports": reports });
    caller.post("/v1/workers/exchange", &asked).await
}

fn done(work: &Json) -> Json {
    json!({ "lease": work["lease"], "result": { "done": { "value": { "grams": 7 } } }, "took_ms": 1 })
}

/// Claims until nothing came twice, reporting what it holds; goes on only when everybody has claimed once.
async fn serve_queue(caller: Caller, worker: &'static str, together: Arc<Barrier>) -> BTreeSet<String> {
    let (mut effects, mut reports, mut empty) = (BTreeSet::new(), Vec::new(), 0);
    let mut first = true;
    while empty < 2 {
        let answer = exchange(&caller, worker, "scales", 3, 300, json!(reports)).await;
        assert_eq!((answer.status, answer.json["refused"].is_null()), (200, true), "{}", answer.text);
        let work = answer.json["work"].as_array().unwrap().clone();
        assert!(work.len() <= 3, "no more than it takes: {}", answer.text);
        for one in &work {
            assert!(effects.insert(one["effect"].as_str().unwrap().to_owned()), "{one} came twice to {worker}");
        }
        if std::mem::take(&mut first) {
            together.wait().await;
        }
        reports = work.iter().map(done).collect();
        empty = if work.is_empty() { empty + 1 } else { 0 };
    }
    effects
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_of_one_queue_have_no_work_in_common() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    for n in 0..40 {
        acme.start("work", json!({ "n": n }), &[]).await.ok();
    }
    let together = Arc::new(Barrier::new(2));
    let one = tokio::spawn(serve_queue(acme.clone(), "one", together.clone()));
    let two = tokio::spawn(serve_queue(acme.clone(), "two", together));
    let (one, two) = (one.await.unwrap(), two.await.unwrap());
    assert!(one.is_disjoint(&two), "some work went to both");
    assert_eq!(one.len() + two.len(), 40, "all of it went to somebody");
    assert!(!one.is_empty() && !two.is_empty(), "one of them had nothing");
    let all = acme.until("/v1/orchestrations?status=completed&limit=100", |list| list["items"].as_array().unwrap().len() == 40).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_ends_with_its_server_and_the_work_comes_again_under_the_same_key() {
    let mut served = Served::start().await;
    served.tenant("acme").await;
    let token = served.token("acme", "hands", "admin").await;
    let id = served.with(&token).start("work", json!({}), &[]).await.text_at("/id");
    let held = exchange(&served.with(&token), "w", "scales", 1, 5000, json!([])).await.json["work"][0].clone();
    served.kill();
    served.up().await;
    let acme = served.with(&token);
    let late = exchange(&acme, "w", "scales", 0, 0, json!([done(&held)])).await;
    assert_eq!(late.json["refused"][0]["code"], "stale-lease", "a lease of another epoch: {}", late.text);
    let extended = acme.post("/v1/workers/extend", &json!({ "worker": "w", "leases": [held["lease"]] })).await;
    assert_eq!(extended.json["refused"], json!([held["lease"]]), "{}", extended.text);
    let again = exchange(&acme, "w", "scales", 1, 5000, json!([])).await.json["work"][0].clone();
    assert_ne!(again["lease"], held["lease"]);
    for same in ["effect", "key", "orchestration", "position"] {
        assert_eq!((&again[same], again[same].is_string()), (&held[same], true), "{same}");
    }
    exchange(&acme, "w", "scales", 0, 0, json!([done(&again)])).await.ok();
    let ended = acme.until(&format!("/v1/orchestrations/{id}?wait_ms=2000"), |shown| shown["status"] == "completed").await;
    assert_eq!(ended["output"]["grams"], 7, "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_sent_twice_is_in_doubt_after_the_server_died_and_not_handed_out_again() {
    let mut served = Served::start().await;
    served.tenant("acme").await;
    let token = served.token("acme", "hands", "admin").await;
    served.with(&token).start("doubt", json!({}), &[]).await.ok();
    let held = exchange(&served.with(&token), "w", "stamps", 1, 5000, json!([])).await.json["work"][0].clone();
    served.kill();
    served.up().await;
    let acme = served.with(&token);
    let doubtful = acme.until("/v1/effects", |effects| effects["items"].as_array().is_some_and(|all| !all.is_empty())).await;
    assert_eq!((&doubtful["items"][0]["id"], &doubtful["items"][0]["state"]), (&held["effect"], &json!("in-doubt")), "{doubtful}");
    let again = exchange(&acme, "w", "stamps", 1, 1000, json!([done(&held)])).await;
    assert_eq!((&again.json["work"], &again.json["refused"][0]["code"]), (&json!([]), &json!("stale-lease")), "{}", again.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cancelled_one_left_in_doubt_is_listed_and_settled_after_its_end() {
    let mut served = Served::start().await;
    served.tenant("acme").await;
    let token = served.token("acme", "hands", "admin").await;
    let id = served.with(&token).start("doubt", json!({}), &[]).await.text_at("/id");
    let held = exchange(&served.with(&token), "w", "stamps", 1, 5000, json!([])).await.json["work"][0].clone();
    served.kill();
    served.up().await;
    let acme = served.with(&token);
    let one = |all: &Json| all["items"].as_array().is_some_and(|all| all.len() == 1);
    acme.until("/v1/effects", one).await;
    acme.post(&format!("/v1/orchestrations/{id}/cancellation"), &json!({ "reason": "not wanted" })).await.ok();
    acme.until(&format!("/v1/orchestrations/{id}?wait_ms=2000"), |shown| shown["status"] == "cancelled").await;
    let listed = acme.get("/v1/effects?state=in-doubt").await;
    assert_eq!((one(&listed.json), &listed.json["items"][0]["id"]), (true, &held["effect"]), "{}", listed.text);
    let open = |text: &str| text.lines().any(|line| line.starts_with("provost_orchestrations_open") && line.ends_with(" 1"));
    assert!(!open(&acme.get("/metrics").await.text));
    served.kill();
    served.up().await;
    let acme = served.with(&token);
    assert!(one(&acme.get("/v1/effects").await.json), "it is listed after a restart too");
    let effect = held["effect"].as_str().unwrap();
    let evidence = json!({ "orchestration": id, "done": true, "evidence": "the post office", "reason": "seen" });
    let settled = acme.post(&format!("/v1/effects/{effect}/resolution"), &evidence).await;
    assert_eq!((settled.status, &settled.json["status"]), (200, &json!("cancelled")), "{}", settled.text);
    assert_eq!(acme.get("/v1/effects").await.json, json!({ "items": [] }));
    acme.post(&format!("/v1/effects/{effect}/resolution"), &evidence).await.refused(409, "already-ended");
    let verified = acme.post(&format!("/v1/orchestrations/{id}/verification"), &json!({})).await;
    assert_eq!(verified.json["equal"], json!(true), "{}", verified.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_belongs_to_the_worker_and_the_tenant_that_hold_the_lease_and_counts_once() {
    let served = Served::start().await;
    let (acme, globex) = (served.tenant("acme").await, served.tenant("globex").await);
    acme.start("work", json!({}), &[]).await.ok();
    let held = exchange(&acme, "w", "scales", 1, 5000, json!([])).await.json["work"][0].clone();
    for (caller, worker, lease) in [(&acme, "other", &held["lease"]), (&globex, "w", &held["lease"]), (&acme, "w", &json!("nonsense"))] {
        let report = json!([{ "lease": lease, "result": { "done": { "value": 1 } } }]);
        let answer = exchange(caller, worker, "scales", 0, 0, report).await;
        assert_eq!(answer.json["refused"][0]["code"], "stale-lease", "{worker}: {}", answer.text);
    }
    let first = exchange(&acme, "w", "scales", 0, 0, json!([done(&held)])).await;
    assert!(first.json["refused"].is_null(), "{}", first.text);
    assert_eq!(exchange(&acme, "w", "scales", 0, 0, json!([done(&held)])).await.json["refused"][0]["code"], "stale-lease");
    let wrong = exchange(&acme, "w", "scales", 0, 0, json!([{ "lease": "1.1", "result": { "perhaps": {} } }])).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    exchange(&acme, &"w".repeat(129), "scales", 0, 0, json!([])).await.refused(422, "exchange");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_belongs_to_the_credential_that_claimed_it() {
    let served = Served::start().await;
    served.tenant("acme").await;
    let first = served.with(&served.token("acme", "hands", "worker").await);
    let second = served.with(&served.token("acme", "elbows", "worker").await);
    let admin = served.with(&served.token("acme", "eyes", "admin").await);
    let id = admin.start("work", json!({}), &[]).await.text_at("/id");
    let held = exchange(&first, "w", "scales", 1, 5000, json!([])).await.json["work"][0].clone();
    let foreign = json!([{ "lease": held["lease"], "result": { "done": { "value": { "grams": 999 } } } }]);
    let answer = exchange(&second, "w", "scales", 0, 0, foreign).await;
    assert_eq!((answer.status, &answer.json["refused"][0]["code"]), (200, &json!("stale-lease")), "{}", answer.text);
    let hold = json!({ "worker": "w", "leases": [held["lease"]] });
    assert_eq!(second.post("/v1/workers/extend", &hold).await.ok().json["refused"], json!([held["lease"]]));
    assert_eq!(first.post("/v1/workers/extend", &hold).await.ok().json["refused"], json!([]));
    let taken = exchange(&first, "w", "scales", 0, 0, json!([done(&held)])).await;
    assert!(taken.ok().json["refused"].is_null(), "{}", taken.text);
    let ended = admin.until(&format!("/v1/orchestrations/{id}?wait_ms=2000"), |shown| shown["status"] == "completed").await;
    assert_eq!(ended["output"]["grams"], 7, "the holder's report counted, not the other's: {ended}");
    let journal = admin.get(&format!("/v1/orchestrations/{id}/journal")).await;
    assert!(journal.text.contains(r#""worker":"w""#), "the record shows the worker's own name: {}", journal.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drains_sends_waiting_workers_home_takes_reports_and_ends() {
    let mut served = Served::start().await;
    served.tenant("acme").await;
    let token = served.token("acme", "hands", "admin").await;
    let acme = served.with(&token);
    let id = acme.start("work", json!({}), &[]).await.text_at("/id");
    let held = exchange(&acme, "w", "scales", 1, 5000, json!([])).await.json["work"][0].clone();
    let waiting = tokio::spawn({
        let acme = acme.clone();
        async move { exchange(&acme, "idle", "scales", 8, 30_000, json!([])).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    let status = served.stop();
    let home = waiting.await.unwrap();
    assert_eq!((home.status, &home.json["work"]), (200, &json!([])), "{}", home.text);
    assert!(status.success(), "{status}: {}", served.log());
    assert!(began.elapsed() < Duration::from_secs(4), "nobody waits for a worker's patience: {:?}", began.elapsed());
    served.up().await;
    let acme = served.with(&token);
    let again = exchange(&acme, "w", "scales", 1, 5000, json!([done(&held)])).await;
    assert_eq!(again.json["refused"][0]["code"], "stale-lease", "{}", again.text);
    exchange(&acme, "w", "scales", 0, 0, json!([done(&again.json["work"][0])])).await.ok();
    acme.until(&format!("/v1/orchestrations/{id}?wait_ms=2000"), |shown| shown["status"] == "completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_an_orchestration_does_not_hold_up_the_drain() {
    let mut served = Served::start().await;
    let acme = served.tenant("acme").await;
    let id = acme.start("work", json!({}), &[]).await.text_at("/id");
    let following = tokio::spawn({
        let (acme, id) = (acme.clone(), id.clone());
        async move { acme.get(&format!("/v1/orchestrations/{id}/stream")).await.text }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    assert!(served.stop().success(), "{}", served.log());
    assert!(began.elapsed() < Duration::from_secs(10), "the stream held it up: {:?}", began.elapsed());
    let _text = following.await.unwrap();
}

/// The program of `docs/guides/workers.md`, as a reader would copy it.
fn program_of_the_guide(folder: &Path) -> std::path::PathBuf {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/workers.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let program = guide.split("```python\n").nth(1).and_then(|rest| rest.split("\n```").next()).unwrap();
    let file = folder.join("worker.py");
    std::fs::write(&file, program).unwrap();
    file
}

/// A program that does not outlive its test.
struct Ends(std::process::Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "a test says what it could not try")]
async fn the_worker_of_the_guide_works_and_drains() {
    if Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no python3 here");
        return;
    }
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let token = served.token("acme", "hands", "worker").await;
    let place = tempfile::tempdir().unwrap();
    for n in 0..20 {
        acme.start("work", json!({ "n": n, "refuse": n == 13 }), &[]).await.ok();
    }
    let mut worker = Command::new("python3")
        .arg(program_of_the_guide(place.path()))
        .arg("scales")
        .envs([("PROVOST_SERVER", served.url()), ("PROVOST_TOKEN", &token)])
        .env("LEDGER", place.path().join("ledger"))
        .stdout(Stdio::null())
        .spawn()
        .map(Ends)
        .unwrap();
    let completed = acme.until("/v1/orchestrations?status=completed", |list| list["items"].as_array().unwrap().len() == 19).await;
    let parked = acme.until("/v1/dead-letters", |all| all["items"].as_array().is_some_and(|all| all.len() == 1)).await;
    assert!(parked.to_string().contains("the scales refuse this"), "{parked}");
    assert_eq!(completed["items"].as_array().unwrap().len(), 19);
    assert!(Command::new("kill").arg(worker.0.id().to_string()).status().unwrap().success());
    let ended = worker.0.wait().unwrap();
    assert!(ended.success(), "{ended}");
    assert_eq!(std::fs::read_dir(place.path().join("ledger")).unwrap().count(), 19, "one entry for each key");
}
