//! What a tenant sets for itself over the API: its policies and its principals.

use serde_json::json;

use crate::metrics::scraped;
use crate::served::{Served, run};

const OWN: &str = r#"
@id("admins")
permit (principal in Role::"admin", action, resource);
@id("nothing-starts")
forbid (principal, action == Action::"orchestration.start", resource);
@id("nothing-starts-reviewed")
forbid (principal, action == Action::"orchestration.start.with-review", resource);
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_own_policies_hold_at_once_and_after_a_crash_and_for_nobody_else() {
    let mut served = Served::start().await;
    let (mut acme, mut globex) = (served.tenant("acme").await, served.tenant("globex").await);
    assert_eq!(acme.get("/v1/policies").await.json, json!({ "revision": 0, "files": {} }));
    acme.start("double", json!({ "n": 1 }), &[]).await.ok();
    let set = acme.put("/v1/policies", &json!({ "files": { "own.cedar": OWN }, "reason": "stop for the night" })).await;
    assert_eq!(set.json, json!({ "changed": true }), "{}", set.text);
    for _ in 0..2 {
        let refused = acme.start("double", json!({ "n": 2 }), &[]).await;
        refused.refused(403, "policy-denied");
        assert!(refused.text.contains("`nothing-starts` (own.cedar:4)"), "{}", refused.text);
        globex.start("double", json!({ "n": 1 }), &[]).await.ok();
        served.kill();
        served.up().await;
        (acme, globex) = (served.again(&acme), served.again(&globex));
    }
    let moved = json!({ "files": {}, "if_revision": 0, "reason": "late" });
    acme.put("/v1/policies", &moved).await.refused(412, "CONTROL_REVISION_MOVED");
    acme.put("/v1/policies", &json!({ "files": {}, "if_revision": 1, "reason": "morning" })).await.ok();
    acme.start("double", json!({ "n": 3 }), &[]).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_that_do_not_parse_or_shut_everybody_out_change_nothing() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let broken = json!({ "files": { "own.cedar": "permit (principal" }, "reason": "x" });
    let refused = acme.put("/v1/policies", &broken).await;
    refused.refused(422, "CONTROL_POLICIES");
    assert!(refused.text.contains("own.cedar"), "{}", refused.text);
    let shut = json!({ "files": { "own.cedar": "permit (principal in Role::\"reviewer\", action, resource);" }, "reason": "x" });
    acme.put("/v1/policies", &shut).await.refused(409, "locks-out");
    acme.put("/v1/policies", &json!({ "files": { "own.cedar": OWN }, "reason": " " })).await.refused(422, "reason");
    let writer = served.with(&served.token("acme", "writer", "writer").await);
    writer.put("/v1/policies", &json!({ "files": {}, "reason": "x" })).await.refused(403, "policy-denied");
    assert_eq!(acme.get("/v1/policies").await.json["revision"], 0);
    acme.start("double", json!({ "n": 1 }), &[]).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_out_at_once_and_for_good() {
    let mut served = Served::start().await;
    let acme = served.tenant("acme").await;
    let token = served.token("acme", "night-shift", "operator").await;
    let night = served.with(&token);
    night.get("/v1/orchestrations").await.ok();
    let gone = acme.post("/v1/principals/night-shift/revocation", &json!({ "reason": "left the company" })).await;
    assert_eq!(gone.json, json!({ "changed": true }), "{}", gone.text);
    night.get("/v1/orchestrations").await.refused(401, "unauthenticated");
    served.kill();
    served.up().await;
    let (acme, night) = (served.again(&acme), served.again(&night));
    night.get("/v1/orchestrations").await.refused(401, "unauthenticated");
    acme.post("/v1/principals/nobody/revocation", &json!({ "reason": "x" })).await.refused(404, "CONTROL_PRINCIPAL_UNKNOWN");
    let again = served.token("acme", "night-shift", "operator").await;
    served.with(&again).get("/v1/orchestrations").await.ok();
    let listed = acme.get("/v1/principals").await;
    assert!(!listed.text.contains(&token) && !listed.text.contains(&again), "a token is listed");
    let names: Vec<_> = listed.json["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["admin", "night-shift"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_may_have_an_end() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let made = |days: u64| json!({ "name": format!("for-{days}"), "roles": ["writer"], "days": days, "reason": "x" });
    acme.post("/v1/principals", &made(7)).await.ok();
    acme.post("/v1/principals", &made(0)).await.refused(422, "days");
    acme.post("/v1/principals", &made(4_000)).await.refused(422, "days");
    let listed = acme.get("/v1/principals").await.json;
    let ends = listed["items"].as_array().unwrap().iter().find(|one| one["name"] == "for-7").unwrap()["expires_at"].clone();
    assert!(ends.as_str().is_some_and(|text| text.ends_with('Z')), "{ends}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verbs_do_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("own.cedar");
    let local = r#"permit (principal in Role::"local", action, resource);"#;
    std::fs::write(&file, local).unwrap();
    let path = file.to_str().unwrap();
    let (code, _, said) = run(&["policies", path], &data);
    assert!(code != 0 && said.contains("--reason"), "{said}");
    let (code, out, said) = run(&["policies", path, "--reason", "own rules"], &data);
    assert_eq!((code, out.trim()), (0, "set"), "{said}");
    let (_, out, _) = run(&["policies"], &data);
    assert!(out.contains("Role::\\\"local\\\"") && out.contains("\"revision\": 1"), "{out}");
    let (code, out, said) = run(&["policies", "--built-in", "--reason", "back"], &data);
    assert_eq!((code, out.trim()), (0, "set"), "{said}");
    let (code, token, said) = run(&["token", "--name", "ann", "--role", "reviewer", "--days", "30", "--reason", "new"], &data);
    assert!(code == 0 && token.starts_with("pvt_"), "{said}");
    let (_, out, _) = run(&["list", "principals"], &data);
    assert!(out.contains("ann") && out.contains("false"), "{out}");
    let (code, out, said) = run(&["revoke", "ann", "--reason", "gone"], &data);
    assert_eq!((code, out.trim()), (0, "revoked"), "{said}");
}

fn claim(queues: &[&str]) -> serde_json::Value {
    json!({ "worker": "w", "queues": queues, "capacity": 4, "wait_ms": 500, "reports": [] })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_holds_back_what_waits_for_a_worker() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let weighs = acme.start("work", json!({}), &[]).await.text_at("/id");
    let stamps = acme.start("doubt", json!({}), &[]).await.text_at("/id");
    acme.put("/v1/guard", &json!({ "guard": { "actions": ["weigh", "stamp"] }, "reason": "stop" })).await.ok();
    let claimed = acme.post("/v1/workers/exchange", &claim(&["scales", "stamps"])).await;
    assert_eq!(claimed.ok().json["work"], json!([]), "{}", claimed.text);
    for id in [weighs, stamps] {
        let ended = acme.until(&format!("/v1/orchestrations/{id}"), |shown| shown["status"] == "parked").await;
        assert!(ended.to_string().contains("the Guard stops"), "{ended}");
    }
    acme.put("/v1/guard", &json!({ "guard": {}, "reason": "go on" })).await.ok();
    acme.start("work", json!({}), &[]).await.ok();
    let claimed = acme.post("/v1/workers/exchange", &claim(&["scales"])).await;
    assert_eq!(claimed.ok().json["work"].as_array().map(Vec::len), Some(1), "{}", claimed.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_serves_the_queues_that_policy_names() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let worker = served.with(&served.token("acme", "scales-1", "worker").await);
    let own = "permit (principal in Role::\"admin\", action, resource);
permit (principal in Role::\"worker\", action == Action::\"worker.exchange\", resource == Queue::\"scales\");";
    acme.put("/v1/policies", &json!({ "files": { "own.cedar": own }, "reason": "one queue each" })).await.ok();
    worker.post("/v1/workers/exchange", &claim(&["scales"])).await.ok();
    for queues in [&["stamps"][..], &["scales", "stamps"], &[]] {
        worker.post("/v1/workers/exchange", &claim(queues)).await.refused(403, "policy-denied");
    }
    let many: Vec<String> = (0..65).map(|n| format!("queue-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    acme.post("/v1/workers/exchange", &claim(&many)).await.refused(422, "exchange");
}

const TRIED: &str = r#"
@id("admins")
permit (principal in Role::"admin", action, resource);
@id("workflows")
permit (principal is Workflow, action, resource);
@id("no-heavy-weighing")
@log_only("nothing over ten is weighed without a person")
forbid (principal, action == Action::"weigh", resource)
when { context.arguments.n > 10 };
@id("readers")
@log_only("auditors read everything")
permit (principal in Role::"auditor", action == Action::"orchestration.read", resource);
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_on_trial_decides_nothing_and_is_told() {
    let served = Served::start().await;
    let (acme, globex) = (served.tenant("acme").await, served.tenant("globex").await);
    let auditor = served.with(&served.token("acme", "ann", "auditor").await);
    acme.put("/v1/policies", &json!({ "files": { "own.cedar": TRIED }, "reason": "try two rules" })).await.ok();
    let mut shown = Vec::new();
    for (caller, n) in [(&acme, 11), (&acme, 10), (&globex, 11)] {
        let id = caller.start("work", json!({ "n": n }), &[]).await.text_at("/id");
        let judged = |shown: &serde_json::Value| shown["happened"].as_array().unwrap().iter().any(|line| line["kind"] == "verdict");
        let explained = caller.until(&format!("/v1/orchestrations/{id}/explanation"), judged).await["happened"].clone();
        let of_kind = |kind: &str| explained.as_array().unwrap().iter().filter(|line| line["kind"] == kind).cloned().collect::<Vec<_>>();
        assert!(of_kind("verdict")[0]["text"].as_str().unwrap().starts_with("ALLOW weigh"), "{explained}");
        let journal = caller.get(&format!("/v1/orchestrations/{id}/journal")).await;
        let verified = caller.post(&format!("/v1/orchestrations/{id}/verification"), &json!({})).await;
        assert_eq!(verified.ok().json["equal"], true, "{}", verified.text);
        shown.push((of_kind("on trial"), journal.text.matches("\"would\"").count()));
    }
    // The verdict holds it and the fact that tells of the verdict.
    assert_eq!((shown[0].0.len(), shown[0].1), (1, 2));
    let line = shown[0].0[0]["text"].as_str().unwrap();
    assert_eq!(line, "REVIEW weigh by `no-heavy-weighing`, own.cedar:6, were it in force");
    assert!(shown[1..].iter().all(|(lines, would)| lines.is_empty() && *would == 0), "{shown:?}");
    auditor.get("/v1/orchestrations").await.refused(403, "policy-denied");

    let flips = [("allow", "review", 1.0), ("deny", "allow", 1.0), ("allow", "deny", 0.0)];
    let named = |(answer, would, n): (&str, &str, f64)| (format!("provost_policy_would_total{{answer=\"{answer}\",would=\"{would}\"}}"), n);
    let mut counted = Default::default();
    for _ in 0..50 {
        counted = scraped(&acme).await;
        if flips.map(named).iter().all(|(name, n)| counted.get(name) == Some(n)) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{:?} in {counted:#?}", flips.map(named));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_on_trial_neither_keeps_nor_shuts_the_way_back() {
    let served = Served::start().await;
    let acme = served.tenant("acme").await;
    let set = |text: &str| json!({ "files": { "own.cedar": text }, "reason": "x" });
    let granted = "@log_only(\"all of it\") permit (principal, action, resource);";
    acme.put("/v1/policies", &set(granted)).await.refused(409, "locks-out");
    let refused = acme.put("/v1/policies", &set("@logonly(\"x\") permit (principal, action, resource);")).await;
    refused.refused(422, "CONTROL_POLICIES");
    let denied =
        "permit (principal, action, resource);\n@log_only(\"nobody\") forbid (principal, action == Action::\"guard.set\", resource);";
    acme.put("/v1/policies", &set(denied)).await.ok();
    acme.put("/v1/policies", &set("permit (principal, action, resource);")).await.ok();
}
