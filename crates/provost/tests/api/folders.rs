//! Folders and disks that are not as they should be: said with a code, nothing changed that need not be, nothing lost.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use provost_model::Slot;
use provost_runtime::partition_of;
use serde_json::{Value as Json, json};

use crate::served::{Caller, Served, run};

fn partition(data: &Path, index: u32) -> rusqlite::Connection {
    rusqlite::Connection::open(data.join(format!("partition-{index:03}.db"))).unwrap()
}

/// Every file with its bytes.
fn bytes_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(bytes_of(&path));
        } else {
            all.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    all
}

fn differing(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<PathBuf> {
    let names = before.keys().chain(after.keys());
    let mut found: Vec<PathBuf> = names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
    found.dedup();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_a_newer_format_is_refused_and_left_as_it_was() {
    let mut served = Served::start().await;
    let acme = served.tenant("acme").await;
    acme.start("double", json!({ "n": 4 }), &[("prefer", "wait=10")]).await.ok();
    assert!(served.stop().success());
    let data = served.data();
    let format = data.join("format.json");
    let layout = std::fs::read_to_string(&format).unwrap();
    let newer: [(&str, &dyn Fn()); 3] = [
        ("the layout", &|| std::fs::write(&format, layout.replacen("\"format\":1", "\"format\":2", 1)).unwrap()),
        ("the last partition's tables", &|| partition(&data, 3).execute_batch("PRAGMA user_version = 2").unwrap()),
        ("the last partition's rows", &|| partition(&data, 3).execute_batch("UPDATE meta SET record_format = 9").unwrap()),
    ];
    for (what, make) in newer {
        make();
        let before = bytes_of(&data);
        for verb in [&["serve", "--listen", "127.0.0.1:0"][..], &["list", "orchestrations"], &["verify", "--all"], &["rebuild"]] {
            let (code, _, said) = run(verb, &data);
            assert_eq!(code, 2, "{what}, {verb:?}: {said}");
            assert!(said.contains("STORE_NEWER") && said.contains("newer binary"), "{what}, {verb:?}: {said}");
            assert_eq!(differing(&before, &bytes_of(&data)), Vec::<PathBuf>::new(), "{what}, {verb:?} changed these");
        }
        std::fs::write(&format, &layout).unwrap();
        partition(&data, 3).execute_batch("PRAGMA user_version = 1; UPDATE meta SET record_format = 1").unwrap();
    }
    served.up().await;
}

/// Changes the first byte behind the head of the last row's payload: it does not unpack any more.
fn flip(data: &Path, orchestration: &str) {
    let id: provost_model::OrchestrationId = orchestration.parse().unwrap();
    let connection = partition(data, partition_of(id.slot(), 4));
    let stream = provost_model::record::Stream::Orchestration(id).stored();
    let last = "SELECT position, payload FROM journal WHERE stream = ?1 ORDER BY position DESC LIMIT 1";
    let (position, mut payload): (i64, Vec<u8>) = connection.query_row(last, [&stream], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    payload[2] ^= 0x20;
    assert_eq!(connection.execute("UPDATE journal SET payload = ?1 WHERE position = ?2", (payload, position)).unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_is_named_and_the_others_are_served() {
    let mut served = Served::start().await;
    served.tenant("acme").await;
    let token = served.token("acme", "auditor", "admin").await;
    let acme = served.with(&token);
    let pad = "every word of this is kept, and none of it twice: ".repeat(8);
    let mut ended = Vec::new();
    for n in 0..6 {
        ended.push(acme.start("double", json!({ "n": n, "pad": pad }), &[("prefer", "wait=10")]).await.text_at("/id"));
    }
    let open = acme.start("ask", json!({ "pad": pad }), &[]).await.text_at("/id");
    acme.until("/v1/reviews", |reviews| reviews["items"].as_array().is_some_and(|all| all.len() == 1)).await;
    assert!(served.stop().success());
    let hurt = [&ended[0], &open];
    hurt.iter().for_each(|id| flip(&served.data(), id));

    served.up().await;
    let acme = served.with(&token);
    for id in hurt {
        for path in ["", "?at=1", "/explanation"] {
            let answer = acme.get(&format!("/v1/orchestrations/{id}{path}")).await;
            answer.refused(500, "STORE_DAMAGED");
            assert!(answer.text.contains(id.as_str()) && answer.text.contains("backup"), "{}", answer.text);
        }
        let journal = acme.get(&format!("/v1/orchestrations/{id}/journal")).await;
        let last = journal.ok().json["rows"].as_array().unwrap().last().unwrap().clone();
        assert!(last["payload"].is_null() && last["damage"].is_string(), "{last}");
        let verified = acme.post(&format!("/v1/orchestrations/{id}/verification"), &json!({})).await;
        assert_eq!(verified.ok().json["equal"], false, "{}", verified.text);
        assert!(verified.text_at("/difference").contains("the chain is broken"), "{}", verified.text);
    }
    acme.post(&format!("/v1/orchestrations/{open}/cancellation"), &json!({ "reason": "x" })).await.refused(500, "STORE_DAMAGED");
    for id in &ended[1..] {
        let verified = acme.post(&format!("/v1/orchestrations/{id}/verification"), &json!({})).await;
        assert_eq!(verified.ok().json["equal"], true, "{}", verified.text);
    }
    acme.start("double", json!({ "n": 4 }), &[("prefer", "wait=10")]).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_is_advised_only_where_it_helps_and_never_by_itself() {
    let mut served = Served::start().await;
    served.local().publish().await;
    assert!(served.stop().success());
    let data = served.data();
    let said = |verb: &[&str]| {
        let (code, _, said) = run(verb, &data);
        assert!(code == 2 && said.contains("[STORE_DAMAGED]"), "{verb:?}: {code} {said}");
        said
    };
    for file in ["format.json", "partition-002.db", "server.key"] {
        let aside = data.join("aside");
        std::fs::rename(data.join(file), &aside).unwrap();
        for verb in [&["list", "orchestrations"][..], &["verify", "--all"], &["rebuild"]] {
            let said = said(verb);
            assert!(said.contains(file) && said.contains("restore that file from a backup"), "{verb:?}: {said}");
            assert!(!said.contains("`provost rebuild`"), "{verb:?}: {said}");
            assert!(!data.join(file).exists(), "{verb:?} made `{file}` anew");
        }
        std::fs::rename(aside, data.join(file)).unwrap();
    }
    let page = "SELECT rootpage FROM sqlite_schema WHERE name = 'meta'";
    let page: u32 = partition(&data, 1).query_row(page, [], |row| row.get(0)).unwrap();
    let file = std::fs::File::options().write(true).open(data.join("partition-001.db")).unwrap();
    file.write_all_at(&[0xff; 64], u64::from(page - 1) * 8192).unwrap();
    assert!(said(&["list", "orchestrations"]).contains("run `provost rebuild`"));
    let of_the_rebuild = said(&["rebuild"]);
    assert!(of_the_rebuild.contains("partition-001.db") && of_the_rebuild.contains("restore that file from a backup"), "{of_the_rebuild}");
    assert!(!of_the_rebuild.contains("`provost rebuild`"), "{of_the_rebuild}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_left_behind_leads_to_no_other_folders_server() {
    let served = Served::start().await;
    let local = served.local();
    local.publish().await;
    let id = local.start("double", json!({ "n": 1 }), &[("prefer", "wait=10")]).await.text_at("/id");
    let other = tempfile::tempdir().unwrap();
    let data = other.path().join("data");
    assert_eq!(run(&["guard", "{}", "--reason", "test"], &data).0, 0);
    std::fs::write(data.join("address"), served.url()).unwrap();
    let (code, out, said) = run(&["list", "orchestrations"], &data);
    assert!(code == 0 && !out.contains(&id), "{out} {said}");
    let (code, out, said) = run(&["list", "orchestrations"], &served.data());
    assert!(code == 0 && out.contains(&id), "{out} {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_kept_outside_proves_what_stood_under_it() {
    let mut served = Served::start().await;
    let local = served.local();
    local.publish().await;
    let id = local.start("ask", json!({}), &[]).await.text_at("/id");
    local.until("/v1/reviews", |reviews| reviews["items"].as_array().is_some_and(|all| all.len() == 1)).await;
    let data = served.data();
    let head = |id: &str| {
        let (code, out, said) = run(&["verify", id, "--output", "json"], &data);
        let found: Json = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out} {said}"));
        (code, found["head"].as_str().unwrap().to_owned())
    };
    let (equal, kept) = head(&id);
    local.post(&format!("/v1/orchestrations/{id}/cancellation"), &json!({ "reason": "x" })).await.ok();
    local.until(&format!("/v1/orchestrations/{id}"), |shown| shown["status"] == "cancelled").await;
    let (_, now) = head(&id);
    assert!(equal == 0 && now != kept);
    let (code, _, said) = run(&["verify", &id, "--head", &kept], &data);
    assert!(code == 0 && said.contains("the journal went on after it"), "{said}");
    assert_eq!(run(&["verify", &id, "--head", &now], &data).0, 0);
    let other = format!("sha256:{}", "0".repeat(64));
    let (code, out, _) = run(&["verify", &id, "--head", &other], &data);
    assert!(code == 1 && out.contains("DIFFERS"), "{out}");
    assert_eq!(run(&["verify", "--all", "--head", &now], &data).0, 2, "one head is not every orchestration's");

    assert!(served.stop().success());
    flip(&data, &id);
    let (code, out, said) = run(&["verify", &id, "--head", &now], &data);
    assert!(code == 1 && out.contains("DIFFERS"), "{out} {said}");
    let (code, out, said) = run(&["verify", "--all"], &data);
    assert!(code == 1 && out.contains(&id), "{out} {said}");
}

/// Unmounts when the test ends, however it ends.
struct Mount(tempfile::TempDir);

impl Mount {
    /// A disk of eight megabytes, where this user may mount one.
    fn new() -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(place.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(place))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _best_effort = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "a test says what it could not try")]
async fn a_full_disk_is_answered_with_when_to_come_back_and_loses_nothing() {
    let Some(disk) = Mount::new() else {
        eprintln!("skipped: this user cannot mount a small disk");
        return;
    };
    let served = Served::start_at(disk.0.path().join("data")).await;
    let acme = served.tenant("acme").await;
    acme.start("double", json!({ "n": 1 }), &[("prefer", "wait=10")]).await.ok();
    let ballast = disk.0.path().join("ballast");
    fill(&ballast);
    let (mut kept, began) = (1, Instant::now());
    let refused = loop {
        assert!(began.elapsed() < Duration::from_secs(60), "the disk did not become full");
        let answer = acme.start("double", json!({ "n": kept, "pad": noise(40_000, kept) }), &[]).await;
        if answer.status >= 400 {
            break answer;
        }
        kept += 1;
    };
    refused.refused(503, "STORE_FULL");
    assert!(refused.retry_after.as_deref().is_some_and(|seconds| seconds.parse::<u32>().is_ok_and(|s| s > 0)), "{:?}", refused.retry_after);
    assert_eq!(acme.get("/v1/orchestrations?limit=1").await.status, 200, "what is there can be read");
    std::fs::remove_file(&ballast).unwrap();
    let completed =
        acme.until("/v1/orchestrations?status=completed&limit=500", |list| list["items"].as_array().unwrap().len() as u64 == kept);
    completed.await;
    acme.start("double", json!({ "n": 1 }), &[("prefer", "wait=10")]).await.ok();
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
}

/// Text that does not pack.
fn noise(bytes: usize, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    (0..bytes).map(|_| letter()).filter(|c| !matches!(c, '"' | '\\')).collect()
}

/// Events that all belong to the first partition.
fn of_one_partition(first: u64, count: usize) -> Json {
    let ids = (first..).map(|n| format!("e-{n}")).filter(|id| partition_of(Slot::of(&["acme", "/test", id]), 4) == 0);
    let event = |id: String| json!({ "specversion": "1.0", "id": id, "source": "/test", "type": "test.double.v1", "data": { "n": 1 } });
    ids.take(count).map(event).collect()
}

/// A lease on work of the first partition.
async fn claimed_of_first_partition(acme: &Caller) -> Json {
    for n in 0..24 {
        acme.start("work", json!({ "n": n }), &[]).await.ok();
    }
    let first = |work: &&Json| {
        let id: provost_model::OrchestrationId = work["orchestration"].as_str().unwrap().parse().unwrap();
        partition_of(id.slot(), 4) == 0
    };
    let asked = json!({ "worker": "w", "queues": ["scales"], "capacity": 24, "wait_ms": 2000 });
    loop {
        let claimed = acme.post("/v1/workers/exchange", &asked).await;
        let work = claimed.ok().json["work"].as_array().unwrap();
        assert!(!work.is_empty(), "none of 24 is of the first partition");
        if let Some(held) = work.iter().find(first) {
            return held.clone();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_work_than_fits_is_answered_with_when_to_come_back_and_what_was_taken_is_done() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let held = claimed_of_first_partition(&acme).await;
    let stalled = partition(&served.data(), 0);
    stalled.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut senders = Vec::new();
    for sender in 0..12_u64 {
        let acme = acme.clone();
        senders.push(tokio::spawn(async move {
            let body = of_one_partition(sender * 1_000_000, 1000).to_string().into_bytes();
            let kind = [("content-type", "application/cloudevents-batch+json")];
            acme.send(reqwest::Method::POST, "/v1/events", &kind, body).await.ok().json.as_array().unwrap().clone()
        }));
    }
    let (mut number, began) = (100_000_000_u64, Instant::now());
    let refused = loop {
        assert!(began.elapsed() < Duration::from_secs(4), "nothing was too much");
        number += 1000;
        let one = of_one_partition(number, 1)[0].to_string();
        let answer = tokio::time::timeout(Duration::from_millis(100), acme.emit_bytes(one)).await;
        if let Some(answer) = answer.ok().filter(|answer| answer.status == 429) {
            break answer;
        }
    };
    refused.refused(429, "overloaded");
    assert!(refused.retry_after.as_deref().is_some_and(|seconds| seconds.parse::<u32>().is_ok_and(|s| s > 0)), "{:?}", refused.retry_after);
    let report = json!({ "worker": "w", "queues": [], "capacity": 0,
        "reports": [{ "lease": held["lease"], "result": { "done": { "value": { "grams": 7 } } } }] });
    let not_taken = acme.post("/v1/workers/exchange", &report).await;
    not_taken.refused(429, "overloaded");
    stalled.execute_batch("ROLLBACK").unwrap();
    let (mut accepted, mut overloaded) = (0_u64, 0_u64);
    for sender in senders {
        for answer in sender.await.unwrap() {
            match (answer["status"].as_str(), answer["problem"]["code"].as_str()) {
                (Some("accepted"), None) => accepted += 1,
                (Some("rejected"), Some("overloaded")) => overloaded += 1,
                _ => panic!("{answer}"),
            }
        }
    }
    assert!(accepted > 1000 && overloaded > 1000, "{accepted} accepted, {overloaded} refused");
    let taken = acme.post("/v1/workers/exchange", &report).await;
    assert!(taken.ok().json["refused"].is_null(), "who was told to come back still holds the lease: {}", taken.text);
    let id = held["orchestration"].as_str().unwrap();
    acme.until(&format!("/v1/orchestrations/{id}?wait_ms=2000"), |shown| shown["status"] == "completed").await;
    let one = of_one_partition(0, 1)[0].to_string();
    let later = acme.emit_bytes(one).await;
    assert!(matches!(later.json["status"].as_str(), Some("accepted" | "duplicate")), "{}", later.text);
}
