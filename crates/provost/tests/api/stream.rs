//! Followers of an orchestration: they hear of each row as it comes, of the end, and of the end of their right to listen; while nothing
//! happens they cost nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use reqwest::Response;
use serde_json::{Value as Json, json};

use crate::served::{Caller, Served};

/// What a follower is asked to hear within; a right is looked at every second.
const SOON: Duration = Duration::from_secs(10);

/// A stream of server-sent events.
struct Followed {
    response: Response,
    text: String,
}

impl Followed {
    async fn open(caller: &Caller, id: &str) -> Self {
        let response = caller.open(&format!("/v1/orchestrations/{id}/stream")).await;
        assert_eq!(response.status().as_u16(), 200);
        Self { response, text: String::new() }
    }

    /// The next event and its payload; `None` when the stream is over.
    async fn next(&mut self) -> Option<(String, Json)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
                if let Some(name) = field("event:") {
                    return Some((name, serde_json::from_str(&field("data:").unwrap()).unwrap()));
                }
                continue;
            }
            let piece = self.response.chunk().await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    async fn soon(&mut self) -> Option<(String, Json)> {
        tokio::time::timeout(SOON, self.next()).await.unwrap()
    }

    /// Nothing comes for `pause`.
    async fn is_silent(&mut self, pause: Duration) {
        let heard = tokio::time::timeout(pause, self.next()).await;
        assert!(heard.is_err(), "{heard:?}");
    }

    /// The sequences of the next rows.
    async fn rows(&mut self) -> Vec<u64> {
        let (name, rows) = self.soon().await.unwrap();
        assert_eq!(name, "rows", "{rows}");
        rows.as_array().unwrap().iter().map(|row| row["sequence"].as_u64().unwrap()).collect()
    }

    /// The last event is a refusal with this status and code.
    async fn is_refused(&mut self, status: u16, code: &str) {
        let (name, problem) = self.soon().await.unwrap();
        assert_eq!((name.as_str(), &problem["status"], &problem["code"]), ("refused", &json!(status), &json!(code)), "{problem}");
        assert!(self.soon().await.is_none(), "something behind the last event");
    }
}

/// Starts what an external worker has to do.
async fn waiting(caller: &Caller) -> String {
    caller.start("work", json!({ "n": 1 }), &[]).await.ok().text_at("/id")
}

/// Does what waits.
async fn work(caller: &Caller) {
    let asked = json!({ "worker": "w", "queues": ["scales"], "capacity": 1, "wait_ms": 5000 });
    let lease = caller.post("/v1/workers/exchange", &asked).await.ok().json["work"][0]["lease"].clone();
    let reports = json!([{ "lease": lease, "result": { "done": { "value": { "weight": 3 } } }, "took_ms": 1 }]);
    let asked = json!({ "worker": "w", "queues": [], "capacity": 0, "reports": reports });
    caller.post("/v1/workers/exchange", &asked).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_follower_hears_every_row_once_and_the_end() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let id = waiting(&acme).await;
    let (mut early, mut other) = (Followed::open(&acme, &id).await, Followed::open(&acme, &id).await);
    let mut heard = [early.rows().await, other.rows().await];
    assert_eq!(heard[0], heard[1]);
    early.is_silent(Duration::from_millis(300)).await;
    drop(other);
    waiting(&acme).await;
    early.is_silent(Duration::from_millis(300)).await;

    work(&acme).await;
    while let Some((name, rows)) = early.soon().await {
        assert_eq!(name, "rows", "{rows}");
        heard[0].extend(rows.as_array().unwrap().iter().map(|row| row["sequence"].as_u64().unwrap()));
    }
    let journal = acme.get(&format!("/v1/orchestrations/{id}/journal")).await.json;
    let all: Vec<u64> = journal["rows"].as_array().unwrap().iter().map(|row| row["sequence"].as_u64().unwrap()).collect();
    assert!(heard[0].len() > heard[1].len());
    assert_eq!(heard[0], all);
    let mut late = Followed::open(&acme, &id).await;
    assert_eq!(late.rows().await, all);
    assert!(late.soon().await.is_none(), "an orchestration that ended has no more rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_any_more_hears_so_and_the_others_go_on() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let guest = served.with(&served.token("acme", "guest", "reviewer").await);
    let clerk = served.with(&served.token("acme", "clerk", "writer").await);
    let id = waiting(&acme).await;
    let (mut own, mut of_guest) = (Followed::open(&acme, &id).await, Followed::open(&guest, &id).await);
    let mut of_clerk = Followed::open(&clerk, &id).await;
    for follower in [&mut own, &mut of_guest, &mut of_clerk] {
        assert!(!follower.rows().await.is_empty());
    }

    acme.post("/v1/principals/guest/revocation", &json!({ "reason": "left" })).await.ok();
    of_guest.is_refused(401, "unauthenticated").await;
    of_clerk.is_silent(Duration::from_millis(1500)).await;
    let readers = "permit (principal in Role::\"admin\", action, resource);\npermit (principal is Workflow, action, resource);\n";
    acme.put("/v1/policies", &json!({ "files": { "own.cedar": readers }, "reason": "admins only" })).await.ok();
    of_clerk.is_refused(403, "policy-denied").await;

    own.is_silent(Duration::from_millis(1500)).await;
    work(&acme).await;
    assert!(!own.rows().await.is_empty());
}

/// How often each thread of a process has slept.
fn sleeps(pid: u32) -> BTreeMap<PathBuf, u64> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|task| task.unwrap().path());
    let counted = tasks.filter_map(|task| {
        // A thread may end while it is looked at.
        let status = std::fs::read_to_string(task.join("status")).ok()?;
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse().ok()?;
        Some((task, count))
    });
    counted.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_of_something_that_waits_leave_the_server_alone() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let id = waiting(&acme).await;
    let idle = slept_within(&served, Duration::from_secs(2)).await;
    let mut followed = Vec::new();
    for _ in 0..64 {
        let mut follower = Followed::open(&acme, &id).await;
        follower.rows().await;
        followed.push(follower);
    }
    let watched = slept_within(&served, Duration::from_secs(2)).await;
    // 64 who look every 50 ms would wake it some thousand times; asking again every second is 128 times.
    assert!(watched < idle + 800, "{watched} times with 64 followers, {idle} times without");
    work(&acme).await;
    for follower in &mut followed {
        assert!(!follower.rows().await.is_empty());
    }
}

/// How often the server's threads went to sleep in `time`.
async fn slept_within(served: &Served, time: Duration) -> u64 {
    let (before, began) = (sleeps(served.pid()), Instant::now());
    tokio::time::sleep(time).await;
    let after = sleeps(served.pid());
    let slept: u64 = after.iter().map(|(task, count)| count - before.get(task).unwrap_or(&0)).sum();
    // A machine that stood still meanwhile is no reason to fail.
    slept * u64::try_from(time.as_millis()).unwrap() / u64::try_from(began.elapsed().as_millis()).unwrap()
}
