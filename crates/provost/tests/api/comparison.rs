//! Two versions of a bundle, and orchestrations of the first that wait for a person: what changed, and what the second would have decided
//! about the record so far. Nothing is published by asking, and nobody's version changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::served::{Answer, Caller, Served, run};

const WORKFLOW: &str = "workflows/refund-triage.yaml";
const POLICIES: &str = "policies/refund.cedar";
const ANALYST: &str = "agents/fraud-analyst.md";

type Files = BTreeMap<String, String>;

fn refund_triage() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bundles/refund-triage");
    let mut files = Files::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

/// The bundle with one text replaced.
fn with(path: &str, from: &str, to: &str) -> Files {
    let mut files = refund_triage();
    let text = files.get_mut(path).unwrap();
    assert!(text.contains(from), "{path} has no `{from}`");
    *text = text.replacen(from, to, 1);
    files
}

fn folder(at: &Path, name: &str, files: &Files) -> PathBuf {
    let root = at.join(name);
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

/// Two refunds that wait for a person: one of 900.00, one of 2,000.00.
async fn waiting(who: &Caller) -> (String, String) {
    let published = who.post("/v1/bundles", &json!({ "files": refund_triage(), "reason": "test" })).await;
    published.ok();
    let mut ids = Vec::new();
    for (n, amount) in [(1, 90_000), (2, 200_000)] {
        let data = json!({
            "requestId": format!("R-{n}"), "customer": { "id": format!("c-{n}") }, "amount": amount, "currency": "EUR",
            "message": "The parcel was empty.",
        });
        let accepted = who.emit(&format!("e-{n}"), "com.acme.refund.requested.v1", data).await;
        ids.push(accepted.ok().text_at("/orchestrations/0"));
    }
    who.until("/v1/reviews", |reviews| reviews["items"].as_array().is_some_and(|all| all.len() == 2)).await;
    who.until("/v1/orchestrations?status=waiting", |list| list["items"].as_array().is_some_and(|all| all.len() == 2)).await;
    (ids.remove(0), ids.remove(0))
}

async fn compared(who: &Caller, files: &Files) -> Answer {
    who.post("/v1/bundles/comparison", &json!({ "files": files })).await
}

fn of<'j>(answer: &'j Json, id: &str) -> &'j Json {
    let all = answer["running"].as_array().unwrap();
    all.iter().find(|one| one["orchestration"] == id).unwrap_or_else(|| panic!("no {id} in {answer}"))
}

fn changes(answer: &Json) -> Vec<(String, String, String)> {
    let word = |change: &Json, key: &str| change[key].as_str().unwrap_or_default().to_owned();
    let all = answer["changes"].as_array().unwrap().iter();
    all.map(|change| (word(change, "subject"), word(change, "name"), word(change, "part"))).collect()
}

fn named(all: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    all.iter().map(|(subject, name, part)| ((*subject).to_owned(), (*name).to_owned(), (*part).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_change_the_record_is_identical() {
    let served = Served::start().await;
    let local = served.local();
    let (small, large) = waiting(&local).await;
    let pin = local.get(&format!("/v1/orchestrations/{small}")).await;

    let layout = compared(&local, &with(WORKFLOW, "  # fast path\n", "  # the fast path, as it was\n\n")).await;
    assert_eq!(changes(&layout.ok().json), []);
    let prompt = compared(&local, &with(ANALYST, "You are the fraud analyst.", "You are a careful fraud analyst.")).await;
    assert_eq!(changes(&prompt.ok().json), named(&[("prompt", "fraud-analyst", "line 1")]));
    // A task behind the wait: every index inside the list moves, and no name does.
    let behind = compared(&local, &with(WORKFLOW, "  - announce:\n", "  - pause: { wait: { seconds: 1 } }\n  - announce:\n")).await;
    let changed = changes(&behind.ok().json);
    assert_eq!(changed, named(&[("task", "refund-triage/pause", "")]), "{}", behind.text);
    for answer in [&layout, &prompt, &behind] {
        for id in [&small, &large] {
            let one = of(&answer.json, id);
            assert_eq!((&one["verdict"], &one["status"]), (&json!("identical"), &json!("waiting")), "{one}");
            assert!(one["facts"].as_u64().unwrap() > 10 && one["difference"].is_null(), "{one}");
        }
    }
    let still = local.get(&format!("/v1/orchestrations/{small}")).await;
    assert_eq!(still.json, pin.json, "asking changed something");
    assert_eq!(local.get("/v1/bundles").await.json["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_fact_that_differs_is_named() {
    let served = Served::start().await;
    let local = served.local();
    let (small, large) = waiting(&local).await;

    // Up to 1,000.00 without a person: the refund of 900.00 would have been sent, that of 2,000.00 waits either way.
    let mut milder = with(POLICIES, "context.arguments.amount <= 25000 && context has decision", "context.arguments.amount <= 100000");
    let text = milder.get_mut(POLICIES).unwrap();
    *text = text.replacen("<= 100000 && context.decision.choice == \"approve\"", "<= 100000", 1);
    let answer = compared(&local, &milder).await;
    assert_eq!(changes(&answer.ok().json), named(&[("policy", "small-refund", "")]));
    let one = of(&answer.json, &small);
    assert_eq!(one["verdict"], "differs", "{one}");
    let what = one["difference"].as_str().unwrap();
    assert!(what.starts_with("`judged` at `settle/refund`") && what.contains("\"review\", and would be \"allow\""), "{what}");
    let sequence = one["sequence"].as_u64().unwrap();
    assert_eq!(fact(&local, &small, sequence).await["judged"]["action"], "payments.refund");
    assert_eq!(of(&answer.json, &large)["verdict"], "identical", "{}", answer.text);

    // A task of another name: both went through it.
    let renamed = with(WORKFLOW, "  - panel:\n", "  - judges:\n");
    let renamed = renamed.into_iter().map(|(path, text)| (path, text.replace("then: panel", "then: judges"))).collect();
    let answer = compared(&local, &renamed).await;
    let expected = [("task", "refund-triage/judges", ""), ("task", "refund-triage/panel", "")];
    assert!(expected.iter().all(|(a, b, c)| changes(&answer.json).contains(&((*a).into(), (*b).into(), (*c).into()))), "{}", answer.text);
    let one = of(&answer.json, &large);
    let (sequence, what) = (one["sequence"].as_u64().unwrap(), one["difference"].as_str().unwrap());
    assert!(what.contains("`path`") && what.contains("\"panel\", and would be \"judges\""), "{what}");
    assert_eq!(fact(&local, &large, sequence).await["completed"]["at"], "path");

    // A running orchestration keeps its version, whatever is published.
    local.post("/v1/bundles", &json!({ "files": milder, "reason": "test" })).await.ok();
    let verified = local.post(&format!("/v1/orchestrations/{small}/verification"), &json!({})).await;
    assert_eq!(verified.ok().json["equal"], true, "{}", verified.text);
    let against = json!({ "files": milder, "against": one["pin"] });
    let answer = local.post("/v1/bundles/comparison", &against).await;
    assert_eq!(changes(&answer.ok().json), named(&[("policy", "small-refund", "")]), "the pin is still there to compare with");
    assert_eq!(of(&answer.json, &small)["verdict"], "differs");
}

/// The recorded fact at `sequence`.
async fn fact(who: &Caller, id: &str, sequence: u64) -> Json {
    let journal = who.get(&format!("/v1/orchestrations/{id}/journal")).await;
    let rows = journal.json["rows"].as_array().unwrap();
    let row = rows.iter().rfind(|row| row["sequence"].as_u64().unwrap() <= sequence).unwrap();
    let place = usize::try_from(sequence - row["sequence"].as_u64().unwrap()).unwrap();
    row["payload"]["facts"][place].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verb_tells_people_and_programs() {
    let served = Served::start().await;
    let (small, _large) = waiting(&served.local()).await;
    let at = tempfile::tempdir().unwrap();
    let before = folder(at.path(), "a", &refund_triage());
    let files = with(WORKFLOW, "timeout: { after: { hours: 24 } }", "timeout: { after: { hours: 12 } }");
    let after = folder(at.path(), "b", &files);
    let (before, after) = (before.to_str().unwrap(), after.to_str().unwrap());

    let (code, out, err) = run(&["diff", before, after], &served.data());
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("changed  task      refund-triage/settle/refund  timeout: 86400000 ms -> 43200000 ms\n"), "{out}");
    let line = out.lines().find(|line| line.starts_with(&small)).unwrap();
    assert!(line.contains("waiting  differs at sequence ") && line.contains("`timer_set` at `settle/refund`: `due_us`"), "{line}");
    assert!(out.ends_with("0 of 2 under way decided identically so far; each keeps the version it was started with\n"), "{out}");

    let (code, active, err) = run(&["diff", "active", after, "--json"], &served.data());
    assert_eq!(code, 0, "{err}");
    let active: Json = serde_json::from_str(&active).unwrap();
    assert_eq!(changes(&active), named(&[("task", "refund-triage/settle/refund", "timeout")]));
    assert_eq!(of(&active, &small)["verdict"], "differs");

    // Without a server and a data folder only the folders are compared.
    let (code, out, err) = run(&["diff", before, before], &at.path().join("nowhere"));
    assert_eq!((code, out.as_str()), (0, "nothing changes in meaning\n"));
    assert!(err.contains("was not looked at") && !at.path().join("nowhere").exists(), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compared_is_refused() {
    let served = Served::start().await;
    let local = served.local();
    let (_, large) = waiting(&local).await;
    let wrong = with(WORKFLOW, "then: settle", "then: setle");
    compared(&local, &wrong).await.refused(422, "bundle-invalid");
    let unknown = json!({ "files": refund_triage(), "against": format!("sha256:{}", "0".repeat(64)) });
    local.post("/v1/bundles/comparison", &unknown).await.refused(409, "unknown-bundle");
    local.post("/v1/bundles/comparison", &json!({ "files": refund_triage(), "after": "x" })).await.refused(422, "cursor");
    // Another tenant sees none of it, and a bundle without the workflow has nothing to say about it.
    let other = served.tenant("other").await;
    assert_eq!(compared(&other, &refund_triage()).await.ok().json["running"], json!([]));
    let elsewhere = with(WORKFLOW, "name: refund-triage", "name: another");
    assert_eq!(compared(&local, &elsewhere).await.ok().json["running"], json!([]), "what is active under another name is no work of it");
    let pin = local.get("/v1/bundles").await.ok().text_at("/items/0/bundle");
    let answer = local.post("/v1/bundles/comparison", &json!({ "files": elsewhere, "against": pin })).await;
    assert_eq!(of(&answer.ok().json, &large)["verdict"], "absent");
}

/// One workflow that waits, as a bundle.
fn waits(name: &str) -> Files {
    let text = format!(
        "document: {{ dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0' }}\ndo: [ {{ pause: {{ wait: {{ minutes: 10 }} }} }} ]\n"
    );
    Files::from([
        (format!("workflows/{name}.yaml"), text),
        ("policies/all.cedar".to_owned(), "permit(principal, action, resource);\n".to_owned()),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_work_of_the_bundle_that_is_compared_is_looked_at() {
    let served = Served::start().await;
    let local = served.local();
    let mut ids = Vec::new();
    let mut pins = Vec::new();
    for name in ["first", "second"] {
        let published = local.post("/v1/bundles", &json!({ "files": waits(name), "reason": "test" })).await;
        pins.push(published.ok().text_at("/digest"));
        let started = local.post(&format!("/v1/workflows/{name}/orchestrations"), &json!({ "input": {} })).await;
        ids.push(started.text_at("/id"));
    }
    local.until("/v1/orchestrations?limit=9", |list| list["items"].as_array().is_some_and(|all| all.len() == 2)).await;
    let running = |answer: &Answer| {
        let all = answer.json["running"].as_array().unwrap_or_else(|| panic!("{}", answer.text)).clone();
        all.iter().map(|one| format!("{} {}", one["orchestration"].as_str().unwrap(), one["verdict"].as_str().unwrap())).collect::<Vec<_>>()
    };
    let first = compared(&local, &waits("first")).await;
    assert_eq!(running(&first), [format!("{} identical", ids[0])], "{}", first.text);
    let against = json!({ "files": waits("third"), "against": pins[1] });
    let dropped = local.post("/v1/bundles/comparison", &against).await;
    assert_eq!(running(&dropped), [format!("{} absent", ids[1])], "its workflow is gone there: {}", dropped.text);
    assert_eq!(running(&compared(&local, &waits("third")).await), Vec::<String>::new());
}
