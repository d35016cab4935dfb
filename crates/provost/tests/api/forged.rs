//! A record that somebody with the file rewrote, every chain computed anew: verify finds what deciding alone would believe.

use std::path::Path;

use provost_model::record::{Cause, Head, Place, Row, Stream};
use provost_model::{OrchestrationId, TenantId};
use provost_runtime::partition_of;
use rusqlite::{Connection, params};
use serde_json::json;

use crate::served::Served;

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
