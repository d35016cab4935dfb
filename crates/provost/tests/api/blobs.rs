//! Large results: kept beside the record, named by a reference, read by whoever works on, gone when nothing names them any more.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use provost_model::record::Attempted;
use provost_model::{Digest, OrchestrationId, TenantId};
use provost_runtime::{Binding, Compiled, Done, Hands, Node, NodeConfig, Observer, Offer, Refused, RetentionConfig, partition_of};
use provost_store::Blobs;
use serde_json::{Value as Json, json};

use crate::secrets::echo;
use crate::served::{Answer, Caller, Served, run};

const MIB: usize = 1 << 20;

fn workflow(name: &str, limits: &str, tasks: &str) -> String {
    let metadata = format!("metadata: {{ provost: {{ limits: {{ {limits} }} }} }}");
    format!("document: {{ dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0', {metadata} }}\ndo:\n{tasks}")
}

/// Two external workers, a target over HTTP and a scripted agent, each with a result that is kept in a blob; and one without.
async fn publish(caller: &Caller) {
    let stored = "metadata: { provost: { store: blob } }";
    let make = format!("  - make: {{ call: act, with: {{ action: make, arguments: '${{ . }}' }}, {stored} }}\n");
    let read = "  - read: { call: act, with: { action: read, arguments: '${ { letter: ., size: .size } }' } }\n";
    let post = format!(
        "  - post: {{ call: act, with: {{ action: post, arguments: '${{ {{ letter: .letter, other: .letter }} }}' }}, {stored} }}\n"
    );
    let say = format!("  - say: {{ call: agent, with: {{ agent: sayer, input: '${{ . }}' }}, {stored} }}\n");
    let files = json!({
        "workflows/keep.yaml": workflow("keep", "tasks: 10", &format!("{make}{read}")),
        "workflows/inline.yaml": workflow("inline", "tasks: 10", "  - make: { call: act, with: { action: make, arguments: '${ . }' } }\n"),
        "workflows/narrow.yaml": workflow("narrow", "blobBytes: 100000", &make),
        "workflows/post.yaml": workflow("post", "tasks: 10", &post),
        "workflows/say.yaml": workflow("say", "tasks: 10", &say),
        "workflows/one.yaml": workflow("one", "tasks: 10", "  - one: { set: { n: 1 } }\n"),
        "actions/make.yaml": "version: 1.0.0\nclass: E1\nqueue: makers\ntimeoutMs: 60000\nresult: { type: object, required: [ text ] }\n",
        "actions/read.yaml": "version: 1.0.0\nclass: E1\nqueue: readers\ntimeoutMs: 60000\n",
        "actions/post.yaml": "version: 1.0.0\nclass: E1\nqueue: builtin\nhttp: { method: POST, destination: office, path: /letters, keyHeader: Idempotency-Key, contents: [ /letter, /absent ], responseBytesMax: 8000000 }\n",
        "agents/sayer.md": "---\nversion: 1.0.0\nmodel: scripted\noutput: { type: object, required: [ said ] }\nexamples:\n  - answer: { said: a few words }\n---\nSay something.\n",
        "policies/all.cedar": "permit(principal, action, resource);\n",
    });
    let answer = caller.post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn claim(caller: &Caller, queue: &str) -> Json {
    let asked = json!({ "worker": queue, "queues": [queue], "capacity": 1, "wait_ms": 5000 });
    caller.post("/v1/workers/exchange", &asked).await.ok().json["work"][0].clone()
}

async fn report(caller: &Caller, queue: &str, work: &Json, value: &Json) -> Answer {
    let report = json!([{ "lease": work["lease"], "result": { "done": { "value": value } }, "took_ms": 1 }]);
    let asked = json!({ "worker": queue, "queues": [], "capacity": 0, "reports": report });
    let answer = caller.post("/v1/workers/exchange", &asked).await;
    assert!(answer.ok().json["refused"].is_null(), "{}", answer.text);
    answer
}

/// A result of 1 MiB.
fn large() -> Json {
    json!({ "text": "All of it is kept. ".repeat(MIB / 19) })
}

/// The reference to a result, as the documentation describes it.
fn reference_to(value: &Json) -> Json {
    let text = value.to_string();
    json!({ "digest": Digest::of(text.as_bytes()).to_string(), "size": text.len(), "media_type": "application/json" })
}

/// The digest of the one manifest of a data folder.
fn manifest(folder: &Path) -> Option<Digest> {
    std::fs::read_dir(folder).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return manifest(&path);
        }
        let bytes = std::fs::read(&path).unwrap();
        let json: Json = serde_json::from_slice(&bytes).unwrap_or_default();
        json["programs"].is_array().then(|| Digest::of(&bytes))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_of_a_bundle_is_read_by_whoever_may_read_bundles() {
    let served = Served::start().await;
    let admin = served.with(&served.token("acme", "admin", "admin").await);
    publish(&admin).await;
    let worker = served.with(&served.token("acme", "hands", "worker").await);
    let path = format!("/v1/blobs/{}", manifest(&served.data().join("blobs")).unwrap());
    assert_eq!(admin.get(&path).await.ok().json["policies"][0][0], "policies/all.cedar");
    worker.get("/v1/bundles").await.refused(403, "policy-denied");
    worker.get(&path).await.refused(403, "policy-denied");
    let globex = served.with(&served.token("globex", "admin", "admin").await);
    globex.get(&path).await.refused(404, "unknown-blob");
}

async fn is_there(caller: &Caller, value: &Json) {
    let path = format!("/v1/blobs/{}", reference_to(value)["digest"].as_str().unwrap());
    let answer = caller.get(&path).await;
    assert_eq!((answer.status, answer.kind.as_str()), (200, "application/octet-stream"), "{path}");
    assert!(answer.json == *value, "other bytes behind {path}");
    assert_eq!(Digest::of(answer.text.as_bytes()).to_string(), reference_to(value)["digest"].as_str().unwrap());
}

async fn verified(caller: &Caller, id: &str) {
    let verified = caller.post(&format!("/v1/orchestrations/{id}/verification"), &json!({})).await;
    assert_eq!(verified.ok().json["equal"], true, "{}", verified.text);
}

/// Starts `keep` and makes its result; the work of the second worker.
async fn kept(admin: &Caller, worker: &Caller) -> (String, Json) {
    let id = admin.start("keep", json!({ "n": 1 }), &[]).await.text_at("/id");
    let made = claim(worker, "makers").await;
    report(worker, "makers", &made, &large()).await;
    (id, claim(worker, "readers").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_result_survives_a_kill_and_a_rebuild_and_is_read_by_the_next_worker() {
    let mut served = Served::start().await;
    let admin = served.with(&served.token("acme", "admin", "admin").await);
    publish(&admin).await;
    let worker = served.with(&served.token("acme", "hands", "worker").await);
    let (id, work) = kept(&admin, &worker).await;
    let reference = reference_to(&large());
    assert_eq!(work["input"], json!({ "letter": reference, "size": reference["size"] }), "expressions see the reference");
    is_there(&worker, &large()).await;

    served.kill();
    served.up().await;
    let (admin, worker) = (served.again(&admin), served.again(&worker));
    let work = claim(&worker, "readers").await;
    assert_eq!(work["input"]["letter"], reference);
    is_there(&worker, &large()).await;
    report(&worker, "readers", &work, &json!({ "read": true })).await;
    let ended = admin.until(&format!("/v1/orchestrations/{id}?wait_ms=2000"), |shown| shown["status"] == "completed").await;
    assert_eq!(ended["output"], json!({ "read": true }), "{ended}");
    let journal = admin.get(&format!("/v1/orchestrations/{id}/journal")).await;
    assert!(journal.text.len() < MIB / 16 && !journal.text.contains("All of it is kept"), "the content stands in the record");
    verified(&admin, &id).await;

    assert!(served.stop().success());
    let (code, _, said) = run(&["rebuild"], &served.data());
    assert_eq!(code, 0, "{said}");
    served.up().await;
    let (admin, worker) = (served.again(&admin), served.again(&worker));
    is_there(&worker, &large()).await;
    verified(&admin, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_is_its_tenants_own_and_policy_is_asked() {
    let served = Served::start().await;
    let admin = served.with(&served.token("acme", "admin", "admin").await);
    publish(&admin).await;
    kept(&admin, &admin).await;
    let path = format!("/v1/blobs/{}", reference_to(&large())["digest"].as_str().unwrap());
    let globex = served.tenant("globex").await;
    globex.get(&path).await.refused(404, "unknown-blob");
    served.with(&served.token("acme", "nobody", "guest").await).get(&path).await.refused(403, "policy-denied");
    admin.get("/v1/blobs/sha256:12").await.refused(400, "digest");
    is_there(&admin, &large()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_or_over_its_limit_or_against_its_contract_it_faults() {
    let served = Served::start().await;
    let admin = served.with(&served.token("acme", "admin", "admin").await);
    publish(&admin).await;
    let odd = json!({ "no": large()["text"] });
    for (workflow, value, code, said) in [
        ("inline", &large(), "value-too-large", "valueBytes"),
        ("narrow", &large(), "value-too-large", "blobBytes"),
        ("keep", &odd, "validation", "the action's result does not obey its contract"),
    ] {
        let id = admin.start(workflow, json!({}), &[]).await.text_at("/id");
        let made = claim(&admin, "makers").await;
        report(&admin, "makers", &made, value).await;
        let ended = admin.until(&format!("/v1/orchestrations/{id}?wait_ms=2000"), |shown| !shown["problem"].is_null()).await;
        let problem = ended["problem"].to_string();
        assert!(problem.contains(code) && problem.contains(said), "{workflow}: {problem}");
        assert_eq!(ended["effects"][0]["state"], "done", "what was done stays done");
        verified(&admin, &id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_action_sends_the_content_where_its_file_asks_for_it_and_keeps_what_comes_back() {
    let served = Served::start().await;
    let admin = served.with(&served.token("acme", "admin", "admin").await);
    publish(&admin).await;
    let (url, seen) = echo();
    admin.put("/v1/binding", &json!({ "destinations": { "office": url }, "reason": "test" })).await.ok();
    kept(&admin, &admin).await;
    let reference = reference_to(&large());
    let done = admin.start("post", json!({ "letter": reference }), &[("prefer", "wait=20")]).await;
    assert_eq!(done.json["status"], "completed", "{}", done.text);
    let sent = seen.lock().unwrap()[0].clone();
    let read: Json = serde_json::from_str(&sent).unwrap();
    assert!(read == json!({ "letter": large(), "other": reference }), "{} bytes were sent", sent.len());
    let answer = admin.get(&format!("/v1/blobs/{}", done.text_at("/output/digest"))).await;
    assert!(answer.ok().json["heard"] == json!(sent), "the answer is kept whole");
    verified(&admin, &done.text_at("/id")).await;

    let lost = json!({ "digest": Digest::of(b"nobody put this").to_string(), "size": 3, "media_type": "application/json" });
    let faulted = admin.start("post", json!({ "letter": lost }), &[("prefer", "wait=20")]).await;
    assert!(faulted.json["problem"].to_string().contains("unknown-blob"), "{}", faulted.text);
    assert_eq!(seen.lock().unwrap().len(), 1, "nothing was sent without it");
    let plain = admin.start("post", json!({ "letter": "as it is" }), &[("prefer", "wait=20")]).await;
    assert_eq!(plain.json["status"], "completed", "{}", plain.text);
    assert_eq!(seen.lock().unwrap()[1], json!({ "letter": "as it is", "other": "as it is" }).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_answer_of_an_agent_is_a_reference_too() {
    let served = Served::start().await;
    let admin = served.with(&served.token("acme", "admin", "admin").await);
    publish(&admin).await;
    let done = admin.start("say", json!({}), &[("prefer", "wait=20")]).await;
    let said = json!({ "said": "a few words" });
    assert_eq!(done.json["output"], reference_to(&said), "{}", done.text);
    is_there(&admin, &said).await;
    verified(&admin, &done.text_at("/id")).await;
}

struct Idle;

impl Hands for Idle {
    fn at_once(&self, _: &Offer, _: &Compiled) -> Option<Attempted> {
        None
    }

    fn carry_out(&self, _: Offer, _: Arc<Compiled>, _: Arc<Binding>, _: Done) {}
}

/// The folder of a server that is stopped, held by this process.
fn held(data: &Path, retention: RetentionConfig) -> Node {
    Node::open(NodeConfig { data: data.to_owned(), partitions: 4, hands: Arc::new(Idle), observer: Observer::quiet(), retention }).unwrap()
}

/// Later work in the partition of `id`: what wrote a partition's last row stays.
async fn followed(admin: &Caller, id: &str) {
    let partition = |id: &str| partition_of(id.parse::<OrchestrationId>().unwrap().slot(), 4);
    loop {
        let later = admin.start("one", json!({}), &[("prefer", "wait=10")]).await.text_at("/id");
        if partition(&later) == partition(id) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_leaves_what_a_row_names_and_takes_it_after_retention() {
    let mut served = Served::start().await;
    let admin = served.with(&served.token("acme", "admin", "admin").await);
    publish(&admin).await;
    let (id, work) = kept(&admin, &admin).await;
    report(&admin, "readers", &work, &json!({})).await;
    admin.until(&format!("/v1/orchestrations/{id}?wait_ms=2000"), |shown| shown["status"] == "completed").await;
    followed(&admin, &id).await;
    assert!(served.stop().success());

    let tenant = TenantId::parse("acme").unwrap();
    let digest: Digest = reference_to(&large())["digest"].as_str().unwrap().parse().unwrap();
    let blobs = Blobs::of_folder(&served.data());
    let unnamed = blobs.put(&tenant, b"nobody names this", "text/plain").unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let node = held(&served.data(), RetentionConfig::for_ever());
    assert_eq!(node.sweep_blobs(Duration::ZERO).await, Ok(1), "only what nobody names");
    assert!(blobs.named(&tenant, &unnamed.digest).unwrap().is_none());
    assert!(blobs.named(&tenant, &digest).unwrap().is_some());
    node.plane.stop();
    drop(node);

    let node = held(&served.data(), RetentionConfig { keep_ms: Some(1) });
    let orchestration = id.parse().unwrap();
    for _ in 0..500 {
        if matches!(node.plane.view(&tenant, orchestration, u64::MAX).await, Err(Refused::Retired(_))) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(node.sweep_blobs(Duration::from_secs(3600)).await, Ok(0), "it is young");
    assert_eq!(node.sweep_blobs(Duration::ZERO).await, Ok(1), "nothing names it any more");
    node.plane.stop();
    drop(node);
    served.up().await;
    let admin = served.again(&admin);
    admin.get(&format!("/v1/orchestrations/{id}")).await.refused(410, "retired");
    admin.get(&format!("/v1/blobs/{digest}")).await.refused(404, "unknown-blob");
}
