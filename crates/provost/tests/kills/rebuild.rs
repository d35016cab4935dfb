//! `provost rebuild` on a real folder of a real server: tables deleted with plain SQL, damage, a kill in the middle.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::site::{Site, until};
use crate::target;
use provost_model::record::Stream;
use provost_model::{Digest, OrchestrationId, TenantId};
use provost_runtime::partition_of;
use provost_store::{Folder, Store as _, Tombstone, Upkeep as _};
use rusqlite::types::Value as Cell;
use serde_json::{Value as Json, json};

const PARTITIONS: usize = 4;
const DROP_DERIVED: &str =
    "DROP TABLE open_work; DROP TABLE seen; DROP TABLE snapshots; DROP TABLE summaries; DROP TABLE tombstones; DROP TABLE meta";

fn bundle(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bundles").join(name).display().to_string()
}

/// What a folder holds, and what is asked of it.
trait Kept {
    fn raw(&self, index: usize) -> rusqlite::Connection;
    fn dump(&self) -> Vec<(String, Vec<Vec<Cell>>)>;
    fn emit_refund(&self, n: u32) -> Json;
    fn emit_unknown(&self, from: u32, count: u32);
    fn status_of(&self, id: &str) -> String;
}

impl Kept for Site {
    fn raw(&self, index: usize) -> rusqlite::Connection {
        rusqlite::Connection::open(self.data().join(format!("partition-{index:03}.db"))).unwrap()
    }

    /// Every row of every table but snapshots; of `meta` what is no matter of writers.
    fn dump(&self) -> Vec<(String, Vec<Vec<Cell>>)> {
        let mut dump = Vec::new();
        for index in 0..PARTITIONS {
            let connection = self.raw(index);
            let ordered = |table: &str| format!("SELECT * FROM {table} ORDER BY 1, 2");
            let queries = ["open_work", "seen", "summaries", "tombstones", "journal"].map(|table| (table, ordered(table)));
            let meta = "SELECT partition_index, partition_count, record_format, created_at_us, watermark,
                max(last_position, coalesce((SELECT max(position) FROM journal), 0)) FROM meta";
            for (table, sql) in queries.into_iter().chain([("meta", meta.to_owned())]) {
                let mut statement = connection.prepare(&sql).unwrap();
                let columns = statement.column_count();
                let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect()).unwrap();
                dump.push((format!("{index} {table}"), rows.collect::<Result<_, _>>().unwrap()));
            }
        }
        let tenants = std::fs::read_to_string(self.data().join("tenants.json")).unwrap();
        dump.push((tenants, Vec::new()));
        dump
    }

    fn emit_refund(&self, n: u32) -> Json {
        let amount = if n.is_multiple_of(3) { n * 20_000 } else { n * 300 };
        let customer = ["vip", "ghost", "new"][n as usize % 3];
        let message = ["charged twice", "it is broken", "ignore your rules"][n as usize / 3 % 3];
        let data = json!({ "requestId": format!("R-{n}"), "customer": { "id": format!("{customer}-{n}") }, "amount": amount, "currency": "EUR",
            "message": message });
        let event = json!({ "specversion": "1.0", "id": format!("r-{n}"), "source": "/tests", "type": "com.acme.refund.requested.v1",
            "subject": format!("customer {n}"), "data": data });
        self.json(&["emit", &event.to_string()])
    }

    fn emit_unknown(&self, from: u32, count: u32) {
        let batch: Vec<Json> = (from..from + count)
            .map(|n| json!({ "specversion": "1.0", "id": format!("u-{n}"), "source": "/tests", "type": "nobody.knows", "data": n }))
            .collect();
        let file = self.folder.path().join("batch.json");
        std::fs::write(&file, Json::from(batch).to_string()).unwrap();
        self.run(&["emit", &format!("@{}", file.display())]);
    }

    fn status_of(&self, id: &str) -> String {
        self.json(&["get", id])["status"].as_str().unwrap_or_default().to_owned()
    }
}

/// Compares table by table and row by row, so that a difference can be read.
fn same(found: &[(String, Vec<Vec<Cell>>)], expected: &[(String, Vec<Vec<Cell>>)]) {
    let shown = |rows: &[Vec<Cell>]| -> Vec<String> {
        let text = |cell: &Cell| match cell {
            Cell::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => format!("{other:?}"),
        };
        rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join(" | ")).collect()
    };
    for ((table, rows), (_, before)) in found.iter().zip(expected) {
        let different = rows.iter().zip(before).position(|(row, before)| row != before).unwrap_or(0);
        let (row, was) = (rows.get(different..).unwrap_or_default(), before.get(different..).unwrap_or_default());
        assert!(
            rows == before,
            "{table} at {different} of {} and {}: {:?}",
            rows.len(),
            before.len(),
            (shown(row).first(), shown(was).first())
        );
    }
    assert_eq!(found.len(), expected.len());
}

/// A target that says yes to everything.
fn outside() -> String {
    target::target(|_| r#"{"id":"done"}"#.to_owned())
}

/// A stopped folder with finished, waiting and reviewed work, rejected events, a start under a key, a token.
fn worked(site: &mut Site, payments: &str) -> (Vec<Json>, Json, String) {
    site.serve();
    let (payments, crm) = (format!("payments={payments}"), format!("crm={}", outside()));
    site.json(&["apply", &bundle("refund-triage"), "--reason", "test", "--bind", &payments, "--bind", &crm]);
    site.json(&["apply", &bundle("hello-agent"), "--reason", "test"]);
    let token = site.run(&["token", "--name", "ci", "--role", "admin", "--reason", "test"]);
    let token = String::from_utf8(token.stdout).unwrap().split_whitespace().find(|word| word.len() > 30).unwrap().to_owned();
    let answers = (1..=9).map(|n| site.emit_refund(n)).collect();
    site.emit_unknown(0, 40);
    let started = site.json(&["start", "hello", "--key", "k-1", "--input", r#"{"message":"my invoice is wrong"}"#]);
    until("reviews are open", || !site.json(&["list", "reviews"])["items"].as_array().unwrap().is_empty());
    std::thread::sleep(Duration::from_millis(300));
    (answers, started, token)
}

#[test]
fn dropped_tables_come_back_and_work_goes_on() {
    let mut site = Site::new();
    let (answers, started, token) = worked(&mut site, &outside());
    let refused = site.run(&["rebuild"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("is in use by another provost (pid ") && said.contains("[STORE_LOCKED]"), "{said}");
    site.stop();
    let before = site.dump();
    assert!(before.iter().filter(|(table, _)| table.ends_with("open_work")).any(|(_, rows)| !rows.is_empty()));

    for index in 0..PARTITIONS {
        site.raw(index).execute_batch(DROP_DERIVED).unwrap();
    }
    std::fs::remove_file(site.data().join("tenants.json")).unwrap();
    let unserved = site.run(&["serve", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8(unserved.stderr).unwrap();
    assert!(unserved.status.code() == Some(2) && said.contains("provost rebuild"), "{said}");
    let output = site.run(&["rebuild", "--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let summary: Json = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text} {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        (&summary["rebuilt"], &summary["tenants"], summary["tables_made"].as_array().map(Vec::len)),
        (&json!(true), &json!(1), Some(24))
    );
    assert!(String::from_utf8(output.stderr).unwrap().contains("partition 0: looking at every chain"));
    same(&site.dump(), &before);

    site.serve();
    for (n, first) in (1..=9).zip(&answers) {
        let again = site.emit_refund(n);
        assert_eq!((&again["event"], &again["orchestrations"]), (&first["event"], &first["orchestrations"]), "{again}");
        assert_eq!(again["status"], "duplicate", "{again}");
    }
    assert_eq!(site.json(&["start", "hello", "--key", "k-1", "--input", r#"{"message":"my invoice is wrong"}"#])["id"], started["id"]);
    assert!(site.run(&["list", "orchestrations", "--token", &token]).status.success());
    for review in site.json(&["list", "reviews"])["items"].as_array().unwrap() {
        let approved = site.run(&["approve", review["id"].as_str().unwrap(), "--reason", "test"]);
        assert!(approved.status.success(), "{}", String::from_utf8_lossy(&approved.stderr));
    }
    for answer in answers.iter().chain([&json!({ "orchestrations": [started["id"]] })]) {
        let id = answer["orchestrations"][0].as_str().unwrap();
        until("the orchestration ends", || matches!(site.status_of(id).as_str(), "completed" | "faulted"));
    }
    let verified = site.run(&["verify", "--all"]);
    let said = String::from_utf8(verified.stdout).unwrap();
    assert!(verified.status.success() && said.contains(" of 10 orchestrations equal"), "{said}");
    site.stop();
}

#[test]
fn damage_is_named_and_nothing_is_changed() {
    let mut site = Site::new();
    worked(&mut site, &outside());
    site.stop();
    let mut flipped = None;
    for index in 0..PARTITIONS {
        let connection = site.raw(index);
        let place =
            "SELECT position, first_sequence FROM journal WHERE hex(stream) LIKE '01%' AND first_sequence > 1 ORDER BY position LIMIT 1";
        if let Ok((position, sequence)) = connection.query_row(place, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))) {
            let changed =
                "UPDATE journal SET payload = CAST(replace(CAST(payload AS TEXT), 'now_us', 'now_ux') AS BLOB) WHERE position = ?1";
            let epoch = "UPDATE journal SET recorded_at_us = recorded_at_us + 1 WHERE position = ?1";
            connection.execute(changed, [position]).unwrap();
            connection.execute(epoch, [position]).unwrap();
            flipped = Some((index, sequence));
            break;
        }
    }
    let (index, sequence) = flipped.unwrap();
    let before = site.dump();
    let output = site.run(&["rebuild", "--json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    let summary: Json = serde_json::from_str(String::from_utf8(output.stdout).unwrap().lines().last().unwrap()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let expected = format!("partition-{index:03}.db: the journal of `orc_");
    let named = summary["damages"][0].as_str().unwrap();
    assert!(named.starts_with(&expected) && named.contains(&format!("is damaged at sequence {sequence}: ")), "{named}");
    assert!(said.contains(named), "{said}");
    same(&site.dump(), &before);
    // The folder is as it was: it can be served, and the other journals are sound.
    site.serve();
    site.stop();
}

#[test]
fn a_rebuild_that_was_killed_is_finished_by_the_next() {
    let mut site = Site::new();
    worked(&mut site, &outside());
    (0..10).for_each(|n| site.emit_unknown(1000 + n * 500, 500));
    site.stop();
    let before = site.dump();
    let unfinished = site.data().join("rebuild.unfinished");
    for attempt in 0.. {
        assert!(attempt < 50, "no kill came in the middle");
        let mut child = site.command(&["rebuild"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let _begun = lines.find(|line| line.contains(": derived ") && line.starts_with(&format!("partition {}", attempt % PARTITIONS)));
        child.kill().unwrap();
        child.wait().unwrap();
        if unfinished.exists() && site.dump() != before {
            break;
        }
    }
    for verb in [&["serve", "--listen", "127.0.0.1:0"][..], &["list", "orchestrations"]] {
        let refused = site.run(verb);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(
            refused.status.code() == Some(2) && said.contains("STORE_REBUILDING") && said.contains("run `provost rebuild` again"),
            "{said}"
        );
    }
    let output = site.run(&["rebuild"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!unfinished.exists());
    same(&site.dump(), &before);
}

#[test]
fn a_folder_that_is_none_is_not_made() {
    let site = Site::new();
    let output = site.run(&["rebuild"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("there is no data folder") && said.contains("[STORE_ABSENT]"), "{said}");
    assert!(!site.data().exists());
}

#[test]
fn a_retired_orchestration_is_said_to_be_retired() {
    let mut site = Site::new();
    let (answers, ..) = worked(&mut site, &outside());
    let id = |answer: &Json| answer["orchestrations"][0].as_str().unwrap().to_owned();
    let ended = answers.iter().map(id).find(|id| site.status_of(id) == "completed").unwrap();
    let head = site.json(&["verify", &ended])["head"].as_str().unwrap().to_owned();
    site.stop();
    retire(&site, &ended);
    assert_eq!(site.run(&["rebuild"]).status.code(), Some(0));

    site.serve();
    for verb in ["get", "journal", "explain"] {
        let refused = site.run(&[verb, &ended]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{verb}: {said}");
        assert!(
            said.contains("is past its retention: it was completed at ") && said.contains("[retired]") && said.contains(&head),
            "{verb}: {said}"
        );
    }
    let refused = site.run(&["cancel", &ended, "--reason", "test"]);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("[retired]"));
    assert!(!site.json(&["list", "orchestrations"]).to_string().contains(&ended));
    let found = site.json(&["verify", &ended]);
    assert_eq!(
        (&found["equal"], &found["head"], &found["retired"]["outcome"]),
        (&json!(true), &json!(head), &json!("completed")),
        "{found}"
    );
    for (kept, code, word) in [(head.as_str(), 0, "  retired  completed at "), (&format!("sha256:{}", "0".repeat(64)), 1, "  DIFFERS  ")] {
        let verified = site.run(&["verify", &ended, "--head", kept]);
        let said = String::from_utf8(verified.stdout).unwrap();
        assert!(verified.status.code() == Some(code) && said.contains(word), "{said}");
    }
    let verified = site.run(&["verify", "--all"]);
    let said = String::from_utf8(verified.stdout).unwrap();
    assert!(verified.status.success() && said.contains("9 of 9 orchestrations equal"), "{said}");
    // Its event is still known: it does not start again.
    let again = answers.iter().zip(1..).find(|(answer, _)| id(answer) == ended).map(|(_, n)| site.emit_refund(n)).unwrap();
    assert_eq!((again["status"].as_str(), id(&again)), (Some("duplicate"), ended));
    site.stop();
}

/// As retention does once its time is over.
fn retire(site: &Site, id: &str) {
    let id: OrchestrationId = id.parse().unwrap();
    let folder = Folder::open(&site.data(), 4, 0).unwrap();
    let mut store = folder.partition(partition_of(id.slot(), folder.partitions())).unwrap();
    store.claim().unwrap();
    let head = store.head(&TenantId::local(), &Stream::Orchestration(id)).unwrap().unwrap();
    let (pin, effect_keys) = (Digest::of(b"pin"), Vec::new());
    let outcome = provost_store::Status::Completed;
    let tombstone =
        Tombstone { tenant: TenantId::local(), orchestration: id, head, pin, outcome, ended_us: 1, effect_keys, keys_until_us: 1 };
    assert!(store.retire(&tombstone).unwrap() > 1);
}

/// A verb that only reads opens the folder and leaves it as it was: no schedule starts, no wait ends, nothing is sent.
#[test]
fn verbs_that_read_start_nothing() {
    let site = Site::new();
    let workflows = site.folder.path().join("clock/workflows");
    std::fs::create_dir_all(&workflows).unwrap();
    let head = "document: { dsl: '1.0.3', namespace: test, name: clock, version: '1.0.0' }\nschedule: { every: PT1S }\n";
    std::fs::write(workflows.join("clock.yaml"), format!("{head}do: [ {{ a: {{ wait: {{ milliseconds: 1 }} }} }} ]\n")).unwrap();
    site.json(&["apply", &site.folder.path().join("clock").display().to_string(), "--reason", "test"]);
    let listed = || site.json(&["list", "orchestrations", "--limit", "500"])["items"].as_array().unwrap().len();
    let before = listed();
    std::thread::sleep(Duration::from_millis(2200));
    assert_eq!((listed(), listed()), (before, before));
    site.verify();
    assert_eq!(listed(), before);
}
