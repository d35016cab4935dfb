//! A record that somebody with the file rewrote, every chain computed anew, or took journals out of: verify finds what deciding alone
//! would believe.

use std::path::Path;

use provost_model::record::{Cause, Head, Place, Row, Stream};
use provost_model::{OrchestrationId, Slot, TenantId};
use provost_runtime::partition_of;
use rusqlite::{Connection, params};
use serde_json::json;

use crate::served::{Caller, Served, run};

/// Rewrites every row of an orchestration of `acme` and computes its chain anew; how many rows became others.
fn forge(data: &Path, id: &str, change: impl Fn(&mut Row, String) -> String) -> usize {
    let id: OrchestrationId = id.parse().unwrap();
    let connection = Connection::open(data.join(format!("partition-{:03}.db", partition_of(id.slot(), 4)))).unwrap();
    let (tenant, stream) = (TenantId::parse("acme").unwrap(), Stream::Orchestration(id));
    let rows = "SELECT position, fact_count, recorded_at_us, epoch, cause, payload FROM journal WHERE stream = ?1 ORDER BY first_sequence";
    let mut statement = connection.prepare(rows).unwrap();
    let mut found = statement.query([stream.stored()]).unwrap();
    let (mut head, mut changed) = (Head::EMPTY, 0);
    while let Some(row) = found.next().unwrap() {
        let (position, count, now): (i64, u32, i64) = (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
        let (epoch, cause): (i64, String) = (row.get(3).unwrap(), row.get(4).unwrap());
        let cause: Cause = serde_json::from_str(&cause).unwrap();
        let place = Place { tenant: &tenant, stream: &stream, epoch: u64::try_from(epoch).unwrap() };
        let mut sealed = Row::seal(place, head, cause, now, count, b"{}");
        sealed.payload = row.get(5).unwrap();
        let before = String::from_utf8(sealed.json().unwrap().into_owned()).unwrap();
        let after = change(&mut sealed, before.clone());
        changed += usize::from(before != after);
        sealed.payload = [&[0, 0][..], after.as_bytes()].concat();
        sealed.chain = provost_model::record::chain(&head.chain, &sealed);
        head = sealed.head();
        let update = "UPDATE journal SET engine = ?1, chain = ?2, payload = ?3 WHERE position = ?4";
        connection.execute(update, params![sealed.engine, sealed.chain.stored(), sealed.payload, position]).unwrap();
    }
    let update = "UPDATE open_work SET chain = ?1 WHERE orchestration = ?2";
    connection.execute(update, params![head.chain.stored(), stream.stored().get(1..).unwrap()]).unwrap();
    changed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_that_every_fact_agrees_with_is_asked_again() {
    let mut served = Served::start().await;
    served.tenant("acme").await;
    let token = served.token("acme", "auditor", "admin").await;
    let acme = served.with(&token);
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(acme.start("work", json!({ "n": n }), &[]).await.text_at("/id"));
        acme.put("/v1/guard", &json!({ "guard": { "agents": [format!("other-{n}")] }, "reason": "a new revision" })).await.ok();
    }
    let permit = "permit(principal, action, resource);";
    let tried = format!("{permit}\n@log_only(\"never weigh\") forbid(principal, action == Action::\"weigh\", resource);");
    acme.put("/v1/policies", &json!({ "files": { "own.cedar": tried }, "reason": "x" })).await.ok();
    ids.push(acme.start("work", json!({ "n": 3 }), &[]).await.text_at("/id"));
    acme.put("/v1/policies", &json!({ "files": { "own.cedar": permit }, "reason": "x" })).await.ok();
    for id in &ids {
        let verified = acme.post(&format!("/v1/orchestrations/{id}/verification"), &json!({})).await;
        assert_eq!(verified.ok().json["equal"], true, "what held then is asked, not what holds now: {}", verified.text);
    }
    assert!(served.stop().success());
    let data = served.data();
    assert_eq!(forge(&data, &ids[0], |_, json| json), 0);
    assert_eq!(forge(&data, &ids[1], |_, json| json.replace("policies/all.cedar:1", "policies/all.cedar:9")), 1);
    assert_eq!(
        forge(&data, &ids[2], |row, json| {
            row.engine = 2;
            json.replace("policies/all.cedar:1", "policies/all.cedar:9")
        }),
        1
    );
    let (would, other) = (r#""would":{"answer":"review""#, r#""would":{"answer":"deny""#);
    assert_eq!(forge(&data, &ids[3], |_, json| json.replace(would, other)), 1);

    served.up().await;
    let acme = served.with(&token);
    for (id, says) in ids.iter().zip([None, Some("policy, asked again"), Some("engine 2"), Some("on trial: review")]) {
        let verified = acme.post(&format!("/v1/orchestrations/{id}/verification"), &json!({})).await;
        assert_eq!(verified.ok().json["equal"], says.is_none(), "{}", verified.text);
        assert!(verified.text.contains(says.unwrap_or("head")), "{}", verified.text);
    }
}

/// The partition's file that holds a slot of `data`.
fn file_of(data: &Path, slot: Slot) -> Connection {
    Connection::open(data.join(format!("partition-{:03}.db", partition_of(slot, 4)))).unwrap()
}

/// Takes an orchestration's journal out of the file; how many rows it had.
fn take_journal(data: &Path, id: &str) -> usize {
    let id: OrchestrationId = id.parse().unwrap();
    file_of(data, id.slot()).execute("DELETE FROM journal WHERE stream = ?1", [Stream::Orchestration(id).stored()]).unwrap()
}

/// Takes its list row out of the file too.
fn take_list_row(data: &Path, id: &str) {
    let id: OrchestrationId = id.parse().unwrap();
    let delete = "DELETE FROM summaries WHERE orchestration = ?1";
    assert_eq!(file_of(data, id.slot()).execute(delete, [id.bits().to_bytes()]).unwrap(), 1);
}

/// A workflow whose orchestrations live where their ordering key does, mostly in another partition than the event's.
async fn publish_lined(caller: &Caller) {
    let workflow =
        "document: { dsl: '1.0.3', namespace: test, name: lined, version: '1.0.0', metadata: { provost: { order: '${ .line }' } } }
schedule: { on: { one: { with: { type: test.lined.v1 } } } }
input: { from: '${ if type == \"array\" then .[0] else . end }' }
do:
  - keep: { set: { line: '${ .line }' } }
";
    let contract = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "x-provost": { "type": "test.lined.v1", "trusted": ["/line"] } });
    let files = json!({ "workflows/lined.yaml": workflow, "contracts/lined.json": contract.to_string(),
        "policies/all.cedar": "permit(principal, action, resource);" });
    caller.post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_taken_out_with_its_list_row_is_missed_and_named() {
    let mut served = Served::start().await;
    let local = served.local();
    local.publish().await;
    publish_lined(&local).await;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(local.emit(&format!("d-{n}"), "test.double.v1", json!({ "n": n })).await.ok().text_at("/orchestrations/0"));
    }
    for n in 0..8 {
        ids.push(
            local.emit(&format!("l-{n}"), "test.lined.v1", json!({ "line": format!("line-{n}") })).await.ok().text_at("/orchestrations/0"),
        );
    }
    let by_hand = local.start("double", json!({ "n": 1 }), &[("prefer", "wait=10")]).await.text_at("/id");
    local.until("/v1/orchestrations?status=completed", |list| list["items"].as_array().unwrap().len() == 15).await;
    let events = local.get("/v1/events").await.ok().json["items"].clone();
    let event_of = |id: &str| events.as_array().unwrap().iter().find(|event| event["orchestrations"][0] == id).unwrap().clone();
    let handed_on = ids.iter().rposition(|id| {
        let event: provost_model::EventId = event_of(id)["id"].as_str().unwrap().parse().unwrap();
        partition_of(event.slot(), 4) != partition_of(id.parse::<OrchestrationId>().unwrap().slot(), 4)
    });
    let handed_on = handed_on.unwrap();
    let data = served.data();
    let (code, out, said) = run(&["verify", "--all"], &data);
    assert!(code == 0 && out.contains("15 of 15 orchestrations equal"), "{out} {said}");
    assert!(out.contains("name 14 started"), "{out}");
    assert!(served.stop().success());

    let [first, second] = [&ids[2], &ids[handed_on]];
    for id in [first, second] {
        assert!(take_journal(&data, id) > 0);
        take_list_row(&data, id);
    }
    assert!(take_journal(&data, &by_hand) > 0, "its list row stays");
    // Without the row that says that it arrived, it could be on its way; but then it would be open work.
    let event: provost_model::EventId = event_of(second)["id"].as_str().unwrap().parse().unwrap();
    let arrived = "DELETE FROM journal WHERE stream = ?1 AND first_sequence = 3";
    assert_eq!(file_of(&data, event.slot()).execute(arrived, [Stream::Inbox(event.slot()).stored()]).unwrap(), 1);
    served.up().await;
    let (code, out, said) = run(&["verify", "--all"], &data);
    assert!(code == 1 && out.contains("12 of 12 orchestrations equal"), "{out} {said}");
    let named =
        |id: &str, says: &str| out.lines().filter(|line| line.starts_with(id) && line.contains("MISSING") && line.contains(says)).count();
    for id in [first, second] {
        assert_eq!(named(id, event_of(id)["id"].as_str().unwrap()), 1, "the inbox row that names it is said once: {out}");
    }
    assert_eq!(named(&by_hand, "a list row names it"), 1, "{out}");
    assert_eq!(out.matches("MISSING").count(), 3, "and nothing else is: {out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_inbox_and_control_journals_are_looked_at_too() {
    let mut served = Served::start().await;
    let local = served.local();
    local.publish().await;
    local.emit("e", "test.double.v1", json!({ "n": 1 })).await.ok();
    let events = local.get("/v1/events").await.ok().json["items"].clone();
    let event: provost_model::EventId = events[0]["id"].as_str().unwrap().parse().unwrap();
    let journals = local.get("/v1/journals?limit=1").await;
    assert_eq!(journals.ok().json["items"][0], json!({ "kind": "control", "name": "control", "rows": true }), "{}", journals.text);
    local.get("/v1/journals?after=nowhere").await.refused(422, "cursor");
    local.post("/v1/journals/inbox-4096/verification", &json!({})).await.refused(400, "id");
    let empty = format!("/v1/journals/inbox-{}/verification", (event.slot().0 + 1) % 4096);
    local.post(&empty, &json!({})).await.refused(404, "unknown-journal");
    assert!(served.stop().success());

    let data = served.data();
    let inbox = format!("inbox-{}", event.slot().0);
    let hurt = "UPDATE journal SET recorded_at_us = recorded_at_us + 1 WHERE stream = ?1";
    assert_eq!(file_of(&data, event.slot()).execute(hurt, [Stream::Inbox(event.slot()).stored()]).unwrap(), 1);
    let (code, out, said) = run(&["verify", "--all"], &data);
    let differs = |name: &str| out.lines().any(|line| line.starts_with(&format!("{name}  DIFFERS  at sequence 1")));
    assert!(code == 1 && differs(&inbox), "{out} {said}");
    assert!(!differs("control") && out.contains("1 of 1 orchestrations equal"), "{out}");
}
